/* base/text: hexadecimal, base64, random names, small predicates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text.h"

#include <string.h>

static void predicates_know_null(void **state)
{
    (void)state;
    assert_true(text_equal(NULL, NULL));
    assert_false(text_equal(NULL, ""));
    assert_true(text_equal("a", "a"));
    assert_false(text_equal("a", "A"));
    assert_true(text_equal_ignoring_case("RDS-ca", "rds-CA"));
    assert_false(text_equal_ignoring_case("a", NULL));
    assert_true(text_starts_with("arn:aws:rds", "arn:"));
    assert_false(text_starts_with("ar", "arn:"));
    assert_false(text_starts_with(NULL, "a"));
    assert_true(text_ends_with("bundle.pem", ".pem"));
    assert_false(text_ends_with("pem", ".pem"));
    assert_false(text_ends_with(NULL, ".pem"));
    assert_false(text_ends_with(NULL, ""));
    assert_true(text_is_empty(NULL));
    assert_true(text_is_empty(""));
    assert_false(text_is_empty(" "));
}

static void lowers_ascii_alone(void **state)
{
    (void)state;
    char text[] = "Orders-1 \xc3\x84Z[@";
    text_lower(text);
    assert_string_equal(text, "orders-1 \xc3\x84z[@");
}

static void copies_only_what_fits(void **state)
{
    (void)state;
    char target[4] = "old";
    assert_true(text_copy(target, sizeof target, "abc"));
    assert_string_equal(target, "abc");
    assert_false(text_copy(target, sizeof target, "abcd"));
    assert_string_equal(target, "");
}

static void hexadecimal_goes_there_and_back(void **state)
{
    (void)state;
    unsigned char all[256];
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (unsigned char)i;
    char hex[2 * sizeof all + 1];
    text_hex(all, sizeof all, hex);
    assert_memory_equal(hex, "000102", 6);
    assert_string_equal(hex + 2 * 254, "feff");
    AUTO_BUF struct buf bytes = {0};
    assert_true(text_from_hex(slice_text(hex), &bytes));
    assert_true(slice_equal(slice_buf(&bytes), slice_of(all, sizeof all)));
    buf_clear(&bytes);
    assert_true(text_from_hex(slice_text("AbCd"), &bytes));
    assert_true(slice_is(slice_buf(&bytes), "\xab\xcd"));
}

static void refuses_what_is_no_hexadecimal(void **state)
{
    (void)state;
    AUTO_BUF struct buf bytes = {0};
    buf_append_text(&bytes, "kept");
    assert_false(text_from_hex(slice_text("abc"), &bytes));
    assert_false(text_from_hex(slice_text("ab0g"), &bytes));
    assert_false(text_from_hex(slice_text("0x00"), &bytes));
    assert_false(text_from_hex(slice_text("ab c"), &bytes));
    assert_true(slice_is(slice_buf(&bytes), "kept"));
}

static void base64_knows_the_vectors(void **state)
{
    (void)state;
    /* RFC 4648, section 10 */
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        AUTO_BUF struct buf text = {0};
        AUTO_BUF struct buf bytes = {0};
        text_base64(slice_text(vectors[i][0]), &text);
        assert_string_equal(buf_text(&text), vectors[i][1]);
        assert_true(text_from_base64(slice_text(vectors[i][1]), &bytes));
        assert_string_equal(buf_text(&bytes), vectors[i][0]);
    }
}

static void base64_goes_there_and_back(void **state)
{
    (void)state;
    unsigned char bytes[300];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7);
    for (size_t length = 0; length <= sizeof bytes; length++) {
        AUTO_BUF struct buf text = {0};
        AUTO_BUF struct buf back = {0};
        text_base64(slice_of(bytes, length), &text);
        assert_true(text_from_base64(slice_buf(&text), &back));
        assert_true(slice_equal(slice_buf(&back), slice_of(bytes, length)));
    }
}

static void base64_skips_white_space(void **state)
{
    (void)state;
    AUTO_BUF struct buf bytes = {0};
    assert_true(text_from_base64(slice_text(" Zm9v\r\n\tYmFy \n"), &bytes));
    assert_string_equal(buf_text(&bytes), "foobar");
    buf_clear(&bytes);
    assert_true(text_from_base64(slice_text(" \n"), &bytes));
    assert_int_equal(bytes.length, 0);
}

static void refuses_what_is_no_base64(void **state)
{
    (void)state;
    static const char *const refused[] = {"Z",        "Zg",       "Zg=",        "Zm9v=",    "====",
                                          "=Zm9",     "Z===",     "Zm=v",       "Zg==Zm9v", "Zm9v----",
                                          "Zm9-Ym_y", "Zm9v\x01", "Zm9vY\xffIy"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        AUTO_BUF struct buf bytes = {0};
        buf_append_text(&bytes, "kept");
        if (text_from_base64(slice_text(refused[i]), &bytes))
            fail_msg("'%s' was taken for base64", refused[i]);
        assert_true(slice_is(slice_buf(&bytes), "kept"));
    }
}

static void random_text_keeps_to_its_alphabet(void **state)
{
    (void)state;
    char first[41], second[41];
    text_random(first, 40, "abc");
    text_random(second, 40, "abc");
    assert_int_equal(strlen(first), 40);
    assert_int_equal(strspn(first, "abc"), 40);
    assert_string_not_equal(first, second);
    char one[6];
    text_random(one, 5, "x");
    assert_string_equal(one, "xxxxx");
}

static void uuids_have_their_form(void **state)
{
    (void)state;
    char first[37], second[37];
    text_uuid(first);
    text_uuid(second);
    assert_string_not_equal(first, second);
    assert_int_equal(strlen(first), 36);
    assert_int_equal(strspn(first, "0123456789abcdef-"), 36);
    assert_int_equal(first[14], '4'); /* version, RFC 4122 4.1.3 */
    assert_non_null(strchr("89ab", first[19]));
}

static void integers_keep_to_their_bounds(void **state)
{
    (void)state;
    int64_t value = 0;
    assert_true(text_integer("5432", 1150, 65535, &value));
    assert_int_equal(value, 5432);
    assert_true(text_integer("-3", -5, 5, &value));
    assert_int_equal(value, -3);
    assert_true(text_integer("007", 0, 10, &value));
    assert_int_equal(value, 7);
    static const char *const refused[] = {NULL,
                                          "",
                                          " 5",
                                          "5 ",
                                          "+5",
                                          "5.0",
                                          "0x5",
                                          "five",
                                          "--5",
                                          "1149",
                                          "-",
                                          "65536",
                                          "99999999999999999999"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (text_integer(refused[i], 1150, 65535, &value))
            fail_msg("'%s' was taken for an integer within bounds", refused[i]);
    assert_true(text_integer("9223372036854775807", INT64_MIN, INT64_MAX, &value));
    assert_false(text_integer("9223372036854775808", INT64_MIN, INT64_MAX, &value));
}

static void the_hash_is_the_published_one(void **state)
{
    (void)state;
    /* FNV-1a, 64 bits: the offset basis, and the published value of "a" */
    assert_true(text_hash(slice_text("")) == 0xcbf29ce484222325U);
    assert_true(text_hash(slice_text("a")) == 0xaf63dc4c8601ec8cU);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(predicates_know_null),           cmocka_unit_test(lowers_ascii_alone),
        cmocka_unit_test(copies_only_what_fits),          cmocka_unit_test(hexadecimal_goes_there_and_back),
        cmocka_unit_test(refuses_what_is_no_hexadecimal), cmocka_unit_test(base64_knows_the_vectors),
        cmocka_unit_test(base64_goes_there_and_back),     cmocka_unit_test(base64_skips_white_space),
        cmocka_unit_test(refuses_what_is_no_base64),      cmocka_unit_test(random_text_keeps_to_its_alphabet),
        cmocka_unit_test(uuids_have_their_form),          cmocka_unit_test(integers_keep_to_their_bounds),
        cmocka_unit_test(the_hash_is_the_published_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
