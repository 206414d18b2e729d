/* aws/query: forms to parameters, and lists by their indexes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "aws/errors.h"
#include "aws/query.h"

#include <stdlib.h>
#include <string.h>

static void parse(const char *form, struct query_parameters *parameters)
{
    struct error error = {0};
    if (query_parse(slice_text(form), parameters, &error))
        fail_msg("%s: %s", form, error.text);
}

static void assert_value(const char *form, const char *name, const char *value)
{
    AUTO_QUERY struct query_parameters parameters = {0};
    parse(form, &parameters);
    const char *found = query_text(&parameters, name);
    if (!value)
        assert_null(found);
    else
        assert_string_equal(found, value);
}

static void decodes_what_clients_send(void **state)
{
    (void)state;
    assert_value("Tags.Tag.1.Value=b+c%2F%C3%A9%2B%26%3D~", "Tags.Tag.1.Value", "b c/\xc3\xa9+&=~");
    assert_value("Tags.Tag.1.Value=b%20c%2F%C3%A9%2B%26%3D~%2A%21%27%28%29", "Tags.Tag.1.Value",
                 "b c/\xc3\xa9+&=~*!'()");
    assert_value("a=1&b=2", "b", "2");
    assert_value("a=1&b=2", "c", NULL);
    assert_value("a=b=c", "a", "b=c");
    assert_value("%61=%62", "a", "b");
    assert_value("a", "a", "");
    assert_value("a=", "a", "");
    assert_value("&&a=1&&", "a", "1");
    assert_value("", "a", NULL);
    assert_value("A=1", "a", NULL);
}

static void last_value_of_a_name_wins(void **state)
{
    (void)state;
    AUTO_QUERY struct query_parameters parameters = {0};
    parse("b=1&a=1&b=2&c=1&b=3", &parameters);
    assert_int_equal(parameters.count, 3);
    assert_string_equal(query_text(&parameters, "b"), "3");
}

static void refuses_what_is_no_form(void **state)
{
    (void)state;
    static const char *const forms[] = {"a=%",         "a=%4",   "a=%zz", "a=%00", "a=%ff", "a=%c0%80",
                                        "a=%ed%a0%80", "a=\xff", "=b",    "%f5=1", "a=%C3"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct query_parameters parameters;
        struct error error = {0};
        assert_int_not_equal(query_parse(slice_text(forms[i]), &parameters, &error), 0);
        assert_string_equal(error.name, "MalformedInput");
        assert_int_equal(aws_error_status(error.name), 400);
    }
    struct query_parameters parameters;
    assert_int_not_equal(query_parse(slice_of("a=\0b", 4), &parameters, NULL), 0);
}

static int parse_repeated(const char *before, char fill, size_t times)
{
    AUTO_BUF struct buf form = {0};
    buf_append_text(&form, before);
    for (size_t i = 0; i < times; i++)
        buf_append_byte(&form, (unsigned char)fill);
    AUTO_QUERY struct query_parameters parameters = {0};
    return query_parse(slice_buf(&form), &parameters, NULL);
}

static void has_limits(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("a=", 'x', QUERY_VALUE_LIMIT), 0);
    assert_int_equal(parse_repeated("a=", 'x', QUERY_VALUE_LIMIT + 1), ERROR_LIMIT);
    assert_int_equal(parse_repeated("", 'x', QUERY_NAME_LIMIT), 0);
    assert_int_equal(parse_repeated("", 'x', QUERY_NAME_LIMIT + 1), ERROR_LIMIT);
    assert_int_equal(parse_repeated("", '&', QUERY_PAIRS_LIMIT - 1), 0);
    assert_int_equal(parse_repeated("", '&', QUERY_PAIRS_LIMIT), ERROR_LIMIT);
}

static void assert_list(const char *form, const char *item, const char *used, size_t count,
                        const uint32_t *expected)
{
    AUTO_QUERY struct query_parameters parameters = {0};
    parse(form, &parameters);
    uint32_t *indexes = NULL;
    size_t found = 0;
    const char *item_used = NULL;
    assert_int_equal(query_list(&parameters, "Tags", item, &indexes, &found, &item_used, NULL), 0);
    assert_int_equal(found, count);
    assert_string_equal(item_used, used);
    if (count)
        assert_memory_equal(indexes, expected, count * sizeof *indexes);
    free(indexes);
}

static void lists_have_gaps_and_any_order(void **state)
{
    (void)state;
    assert_list("Tags.Tag.10.Key=a&Tags.Tag.2.Key=b&Tags.Tag.2.Value=c&Tags.Tag.7=d", "Tag", "Tag", 3,
                (uint32_t[]){2, 7, 10});
    assert_list("Tags.member.1=a&Tags.member.3=b", "Tag", "member", 2, (uint32_t[]){1, 3});
    assert_list("Tags.member.1=a&Tags.Tag.3=b", "Tag", "Tag", 1, (uint32_t[]){3});
    assert_list("Tags.Tags.1=a&Tagsx.Tag.2=b&Tag.1=c", "Tag", "member", 0, NULL);
    assert_list("Tags=", "Tag", "member", 0, NULL);
}

static void list_indexes_are_numbers_from_one(void **state)
{
    (void)state;
    static const char *const forms[] = {"Tags.Tag.0=a",  "Tags.Tag.x=a",   "Tags.Tag.01=a",
                                        "Tags.Tag.-1=a", "Tags.Tag.1x=a",  "Tags.Tag.1000000000=a",
                                        "Tags.Tag.=a",   "Tags.Tag..Key=a"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        AUTO_QUERY struct query_parameters parameters = {0};
        parse(forms[i], &parameters);
        uint32_t *indexes = NULL;
        size_t count = 0;
        const char *item = NULL;
        struct error error = {0};
        assert_int_not_equal(query_list(&parameters, "Tags", "Tag", &indexes, &count, &item, &error), 0);
        assert_string_equal(error.name, "MalformedInput");
        assert_null(indexes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_what_clients_send),     cmocka_unit_test(last_value_of_a_name_wins),
        cmocka_unit_test(refuses_what_is_no_form),       cmocka_unit_test(has_limits),
        cmocka_unit_test(lists_have_gaps_and_any_order), cmocka_unit_test(list_indexes_are_numbers_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
