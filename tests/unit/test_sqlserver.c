/* engine/sqlserver_*: versions, what is written into mssql.conf, and the statements for the master user. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/sqlserver.h"

#include <stdlib.h>
#include <string.h>

static void versions_are_told_in_rds_form(void **state)
{
    (void)state;
    char version[24];
    /* Microsoft, "Check the container version", shortened. */
    assert_true(sqlserver_read_version("sqlservr\n  Version 16.0.1000.6\n  Build ID d81e\n\nPAL\n"
                                       "  Build ID 7540\n\nPackages\n  sqlservr   16.0.1000.6\n",
                                       version, sizeof version));
    assert_string_equal(version, "16.00.1000.6.v1");
    assert_true(sqlserver_read_version("sqlservr\n  Version 15.0.4073.23\n", version, sizeof version));
    assert_string_equal(version, "15.00.4073.23.v1");
    assert_false(sqlserver_read_version("sqlservr\n  Build ID 1\n", version, sizeof version));
    assert_false(sqlserver_read_version("Version 16.0\n", version, sizeof version));
    assert_true(sqlserver_compatible("15.00.4073.23.v1", "15.00.4415.2.v1"));
    assert_false(sqlserver_compatible("15.00.4073.23.v1", "16.00.4175.1.v1"));
    assert_int_equal(engine_version_compare("15.00.4073.23.v1", "15.00.4415.2.v1"), -1);
}

static void one_program_is_all_editions_once_its_license_is_accepted(void **state)
{
    (void)state;
    struct engine_releases releases = {0};
    unsetenv("ACCEPT_EULA");
    sqlserver_discover(SOURCE_ROOT "/tests/standin", &releases);
    assert_int_equal(releases.count, 0);
    setenv("ACCEPT_EULA", "Y", 1);
    sqlserver_discover(SOURCE_ROOT "/tests/standin", &releases);
    for (const char *const *engine = sqlserver_driver.engines; *engine; engine++)
        assert_non_null(engine_release_choose(&releases, *engine, "16.00.1000.6.v1"));
    engine_releases_free(&releases);
    assert_string_equal(sqlserver_edition("sqlserver-ee"), "EnterpriseCore");
    assert_string_equal(sqlserver_edition("sqlserver-ex"), "Express");
}

/* The text of mssql.conf; free() it. */
static char *settings(const char *version, const char *addresses, const struct engine_parameter *parameters,
                      size_t count)
{
    struct engine_release release = {.engine = "sqlserver-se"};
    strncpy(release.version, version, sizeof release.version - 1);
    const struct engine_instance instance = {.folder = "/srv/db",
                                             .release = &release,
                                             .listen_addresses = addresses,
                                             .port = 1433,
                                             .parameters = parameters,
                                             .parameter_count = count};
    AUTO_BUF struct buf text = {0};
    assert_int_equal(sqlserver_settings(&instance, true, &text, NULL), 0);
    return slice_string(slice_buf(&text));
}

static void expect(char *text, const char *line)
{
    if (!strstr(text, line))
        print_message("expected %s in\n%s", line, text);
    assert_non_null(strstr(text, line));
}

static void settings_are_those_of_the_parameters(void **state)
{
    (void)state;
    char *text = settings("16.00.4175.1.v1", "127.0.0.1,::1", NULL, 0);
    expect(text, "[network]\nipaddress = 127.0.0.1\ntcpport = 1433\nforceencryption = 0\n"
                 "tlscert = /var/opt/mssql/tls/server.pem\ntlskey = /var/opt/mssql/tls/server.key\n"
                 "tlsprotocols = 1.2\n");
    expect(text, "customerfeedback = false\n");
    assert_null(strstr(text, "tlsciphers"));
    free(text);
    const struct engine_parameter some[] = {{"rds.force_ssl", "1"},
                                            {"rds.tls10", "enabled"},
                                            {"rds.tls11", "disabled"},
                                            {"rds.3des168", "enabled"},
                                            {"max server memory (mb)", "4096"}};
    text = settings("17.00.1000.7.v1", "*", some, 5);
    expect(text, "\nforceencryption = 1\n");
    expect(text, "\ntlsprotocols = 1.3,1.2,1.0\n");
    expect(text, ":AES128-SHA:DES-CBC3-SHA\n");
    expect(text, "\nmemorylimitmb = 4096\n");
    assert_null(strstr(text, "ipaddress"));
    free(text);
}

/* What it listens on must be known: it takes one IPv4 address. */
static void an_address_is_needed(void **state)
{
    (void)state;
    struct error error = {0};
    AUTO_BUF struct buf text = {0};
    const struct engine_release release = {.engine = "sqlserver-se", .version = "16.00.4175.1.v1"};
    const struct engine_instance instance = {.listen_addresses = "::1", .release = &release};
    assert_int_equal(sqlserver_settings(&instance, true, &text, &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "one IPv4 address"));
}

static void names_and_passwords_are_quoted(void **state)
{
    (void)state;
    const struct engine_master master = {.username = "a]b'c", .password = "p'w]d"};
    AUTO_BUF struct buf text = {0};
    sqlserver_master_statements(&master, &text);
    assert_non_null(strstr(buf_text(&text),
                           "IF SUSER_ID(N'a]b''c') IS NULL CREATE LOGIN [a]]b'c] WITH PASSWORD = "
                           "N'p''w]d', CHECK_POLICY = OFF;\nELSE ALTER LOGIN [a]]b'c]"));
    assert_non_null(strstr(buf_text(&text), "ALTER SERVER ROLE [processadmin] ADD MEMBER [a]]b'c];"));
    assert_null(strstr(buf_text(&text), "BULK"));
    assert_null(strstr(buf_text(&text), "sysadmin"));
    const struct engine_master kept = {.username = "app"};
    buf_clear(&text);
    sqlserver_master_statements(&kept, &text);
    assert_null(strstr(buf_text(&text), "PASSWORD"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_told_in_rds_form),
        cmocka_unit_test(one_program_is_all_editions_once_its_license_is_accepted),
        cmocka_unit_test(settings_are_those_of_the_parameters),
        cmocka_unit_test(an_address_is_needed),
        cmocka_unit_test(names_and_passwords_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
