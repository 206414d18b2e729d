/* engine/postgres_config: what is written into PostgreSQL's files, and what is not let in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/postgres.h"

#include <string.h>

static struct engine_instance instance_with(const struct engine_parameter *parameters, size_t count)
{
    return (struct engine_instance){.folder = "/srv/it's",
                                    .listen_addresses = "127.0.0.1,::1",
                                    .port = 5432,
                                    .client_networks = "127.0.0.0/8, ::1/128",
                                    .parameters = parameters,
                                    .parameter_count = count};
}

static void odd_values_are_quoted(void **state)
{
    (void)state;
    const struct engine_parameter parameters[] = {{"search_path", "a'b\\c"}, {"rds.force_ssl", "1"}};
    struct engine_instance instance = instance_with(parameters, 2);
    AUTO_BUF struct buf text = {0};
    assert_int_equal(postgres_settings(&instance, &text, NULL), 0);
    assert_non_null(strstr(buf_text(&text), "search_path = 'a''b\\\\c'\n"));
    assert_non_null(strstr(buf_text(&text), "ssl_cert_file = '/srv/it''s/tls/server.crt'\n"));
    assert_non_null(strstr(buf_text(&text), "ssl_min_protocol_version = 'TLSv1.2'\n"));
    assert_non_null(strstr(buf_text(&text), "rds.force_ssl = '1'\n"));
}

static void parameters_cannot_move_what_the_driver_decides(void **state)
{
    (void)state;
    const struct engine_parameter parameters[] = {{"port", "1"}, {"SSL", "off"}, {"hba_file", "/tmp/x"}};
    struct engine_instance instance = instance_with(parameters, 3);
    AUTO_BUF struct buf text = {0};
    assert_int_equal(postgres_settings(&instance, &text, NULL), 0);
    assert_null(strstr(buf_text(&text), "port = '1'"));
    assert_null(strstr(buf_text(&text), "SSL"));
    assert_null(strstr(buf_text(&text), "hba_file"));
    assert_non_null(strstr(buf_text(&text), "port = '5432'\n"));
}

static void what_could_leave_its_line_is_refused(void **state)
{
    (void)state;
    static const struct engine_parameter wrong[] = {
        {"work_mem", "1\nssl = off"}, {"a b", "1"}, {"x = 'y'", "1"}, {"", "1"}, {"1a", "1"},
        {"work_mem\n", "1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct engine_instance instance = instance_with(&wrong[i], 1);
        AUTO_BUF struct buf text = {0};
        assert_int_equal(postgres_settings(&instance, &text, NULL), ERROR_INVALID);
    }
}

static void a_folder_too_deep_for_a_socket_is_said(void **state)
{
    (void)state;
    struct engine_instance instance = instance_with(NULL, 0);
    struct error error;
    AUTO_BUF struct buf text = {0};
    instance.folder =
        "/a/folder/that/is/much/too/deep/for/the/path/of/a/local/socket/which/may/have/107/bytes/and/no/more";
    assert_int_equal(postgres_settings(&instance, &text, &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "shorter path"));
}

static void access_needs_tls_when_forced(void **state)
{
    (void)state;
    const struct engine_parameter forced[] = {{"rds.force_ssl", "1"}};
    struct engine_instance instance = instance_with(forced, 1);
    AUTO_BUF struct buf text = {0};
    assert_int_equal(postgres_access_rules(&instance, &text, NULL), 0);
    assert_string_equal(buf_text(&text), "local all rdsadmin peer map=sealwright\n"
                                         "host all rdsadmin all reject\n"
                                         "hostssl all all 127.0.0.0/8 scram-sha-256\n"
                                         "hostssl all all ::1/128 scram-sha-256\n");
    buf_clear(&text);
    instance = instance_with(NULL, 0);
    assert_int_equal(postgres_access_rules(&instance, &text, NULL), 0);
    assert_non_null(strstr(buf_text(&text), "host all all 127.0.0.0/8 scram-sha-256\n"));
    instance.client_networks = "all trust\n";
    assert_int_equal(postgres_access_rules(&instance, &text, NULL), ERROR_INVALID);
}

static void versions_are_compared_by_number(void **state)
{
    (void)state;
    assert_int_equal(engine_version_compare("9.6", "15.2"), -1);
    assert_int_equal(engine_version_compare("15.18", "15.2"), 1);
    assert_int_equal(engine_version_compare("15", "15"), 0);
    struct engine_releases releases = {0};
    const struct engine_release all[] = {
        {"postgres", "15.9", ""}, {"postgres", "15.18", ""}, {"postgres", "16.1", ""}};
    for (size_t i = 0; i < 3; i++)
        engine_releases_add(&releases, &all[i]);
    assert_string_equal(engine_release_choose(&releases, "postgres", "15.9")->version, "15.9");
    assert_string_equal(engine_release_choose(&releases, "postgres", "15.3")->version, "15.18");
    assert_null(engine_release_choose(&releases, "postgres", "14.3"));
    engine_releases_free(&releases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_values_are_quoted),
        cmocka_unit_test(parameters_cannot_move_what_the_driver_decides),
        cmocka_unit_test(what_could_leave_its_line_is_refused),
        cmocka_unit_test(a_folder_too_deep_for_a_socket_is_said),
        cmocka_unit_test(access_needs_tls_when_forced),
        cmocka_unit_test(versions_are_compared_by_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
