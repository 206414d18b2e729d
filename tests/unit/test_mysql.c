/* engine/mysql*.c: which server is which, what is written into its files, and what its log says of clients
 * that refuse the certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "engine/mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- versions */

static void a_version_is_one_engines(void **state)
{
    (void)state;
    static const struct {
        const char *output, *mysql, *mariadb;
    } cases[] = {
        {"/usr/sbin/mysqld  Ver 8.4.6 for Linux on x86_64 (MySQL Community Server - GPL)", "8.4.6", NULL},
        {"/r/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))\n", "9.7.4", NULL},
        {"/usr/sbin/mysqld  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)", NULL,
         "10.11.14"},
        {"mariadbd  Ver 11.8.3-MariaDB for Linux", NULL, "11.8.3"},
        {"mysqld  Ver unknown", NULL, NULL},
        {"postgres (PostgreSQL) 15.18", NULL, NULL},
        {"", NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char version[24];
        assert_int_equal(mysqld_version(&mysql_flavour, cases[i].output, version, sizeof version),
                         cases[i].mysql != NULL);
        if (cases[i].mysql)
            assert_string_equal(version, cases[i].mysql);
        assert_int_equal(mysqld_version(&mariadb_flavour, cases[i].output, version, sizeof version),
                         cases[i].mariadb != NULL);
        if (cases[i].mariadb)
            assert_string_equal(version, cases[i].mariadb);
    }
}

static void data_goes_forward_within_a_series(void **state)
{
    (void)state;
    assert_true(mysqld_compatible("8.4.3", "8.4.3"));
    assert_true(mysqld_compatible("8.4.3", "8.4.10"));
    assert_false(mysqld_compatible("8.4.10", "8.4.3"));
    assert_false(mysqld_compatible("8.0.40", "8.4.3"));
    assert_false(mysqld_compatible("10.11.2", "11.11.2"));
    assert_false(mysqld_compatible("", "8.4.3"));
}

/* ---- settings */

static const struct engine_release mysql_release = {.engine = "mysql", .version = "9.7.4", .programs = "/x"};
static const struct engine_release mariadb_release = {
    .engine = "mariadb", .version = "10.11.14", .programs = "/x"};

static struct engine_instance instance_with(const struct engine_release *release,
                                            const struct engine_parameter *parameters, size_t count)
{
    return (struct engine_instance){.folder = "/srv/a \"b\"",
                                    .release = release,
                                    .listen_addresses = "127.0.0.1,127.0.0.2",
                                    .port = 3307,
                                    .parameters = parameters,
                                    .parameter_count = count};
}

static void has_line(struct buf *text, const char *line)
{
    AUTO_FREE char *whole = mem_format("\n%s\n", line);
    if (!strstr(buf_text(text), whole))
        fail_msg("no line %s in\n%s", line, buf_text(text));
}

static void odd_values_are_quoted(void **state)
{
    (void)state;
    const struct engine_parameter parameters[] = {{"init_connect", "SET @a='x\\\"y' # no comment"},
                                                  {"Max-Connections", "7"}};
    struct engine_instance instance = instance_with(&mysql_release, parameters, 2);
    AUTO_BUF struct buf text = {0};
    assert_int_equal(mysqld_settings(&instance, &text, NULL), 0);
    has_line(&text, "loose_init_connect = \"SET @a='x\\\\\\\"y' # no comment\"");
    has_line(&text, "loose_max_connections = \"7\"");
    has_line(&text, "ssl_cert = \"/srv/a \\\"b\\\"/tls/server.crt\"");
    has_line(&text, "ssl_ca = \"/srv/a \\\"b\\\"/tls/issuers.pem\"");
    has_line(&text, "bind_address = \"127.0.0.1,127.0.0.2\"");
    has_line(&text, "port = \"3307\"");
    has_line(&text, "tls_version = \"TLSv1.2,TLSv1.3\"");
    assert_null(strstr(buf_text(&text), "\"100\""));
}

static void parameters_cannot_move_what_the_driver_decides(void **state)
{
    (void)state;
    static const struct engine_parameter parameters[] = {
        {"port", "1"},          {"SSL-cert", "/tmp/x"},      {"skip_ssl", "1"},     {"ssl", "0"},
        {"loose_port", "1"},    {"skip-grant-tables", "1"},  {"init_file", "/x"},   {"plugin_load_add", "x"},
        {"name_resolve", "ON"}, {"log_warnings", "0"},       {"ssl_ca", "/x"},      {"disable_log_bin", "0"},
        {"user", "root"},       {"loose_skip_ssl_key", "x"}, {"rds.anything", "x"}, {"bind-address", "*"},
    };
    const struct engine_release *releases[] = {&mysql_release, &mariadb_release};
    for (size_t i = 0; i < 2; i++) {
        AUTO_BUF struct buf without = {0}, with = {0};
        struct engine_instance instance = instance_with(releases[i], NULL, 0);
        size_t count = sizeof parameters / sizeof parameters[0];
        assert_int_equal(mysqld_settings(&instance, &without, NULL), 0);
        instance = instance_with(releases[i], parameters, count);
        assert_int_equal(mysqld_settings(&instance, &with, NULL), 0);
        /* log_warnings is MariaDB's alone. */
        if (releases[i] == &mariadb_release)
            assert_string_equal(buf_text(&with), buf_text(&without));
        assert_null(strstr(buf_text(&with), "/tmp/x"));
    }
}

static void what_could_leave_its_line_is_refused(void **state)
{
    (void)state;
    AUTO_FREE char *endless = mem_new(5000);
    memset(endless, 'x', 4999);
    const struct engine_parameter wrong[] = {
        {"sql_mode", "a\nport=1"},
        {"a b", "1"},
        {"x = y", "1"},
        {"", "1"},
        {"1a", "1"},
        {"sql_mode\n", "1"},
        {"[x]", "1"},
        {"#x", "1"},
        {"init_connect", endless},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct engine_instance instance = instance_with(&mysql_release, &wrong[i], 1);
        AUTO_BUF struct buf text = {0};
        assert_int_not_equal(mysqld_settings(&instance, &text, NULL), 0);
    }
}

static void addresses_are_those_of_this_machine(void **state)
{
    (void)state;
    static const struct {
        const char *listen, *line;
    } cases[] = {
        {"127.0.0.1,192.0.2.1", "bind_address = \"127.0.0.1\""},
        {"*", "bind_address = \"*\""},
        {"::", "bind_address = \"*\""},
        {"0.0.0.0", "bind_address = \"0.0.0.0\""},
        {"0.0.0.0,127.0.0.1", "bind_address = \"*\""},
    };
    struct engine_instance instance = instance_with(&mysql_release, NULL, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_BUF struct buf text = {0};
        instance.listen_addresses = cases[i].listen;
        assert_int_equal(mysqld_settings(&instance, &text, NULL), 0);
        has_line(&text, cases[i].line);
    }
    AUTO_BUF struct buf text = {0};
    instance.listen_addresses = "192.0.2.1";
    assert_int_equal(mysqld_settings(&instance, &text, NULL), ERROR_INVALID);
}

static void a_folder_too_deep_for_a_socket_is_said(void **state)
{
    (void)state;
    struct engine_instance instance = instance_with(&mariadb_release, NULL, 0);
    struct error error;
    AUTO_BUF struct buf text = {0};
    instance.folder =
        "/a/folder/that/is/much/too/deep/for/the/path/of/a/local/socket/which/may/have/107/bytes/and/no/more";
    assert_int_equal(mysqld_settings(&instance, &text, &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "shorter path"));
}

/* ---- accounts */

static void mariadb_gets_a_digest_of_the_password(void **state)
{
    (void)state;
    /* SELECT PASSWORD('password') */
    char *clause = mariadb_flavour.identified("password");
    assert_string_equal(
        clause, "IDENTIFIED VIA mysql_native_password USING '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'");
    mem_free_secret(clause);
}

static void quotes_of_a_password_are_escaped(void **state)
{
    (void)state;
    char *clause = mysql_flavour.identified("a'b\\c\"d");
    assert_string_equal(clause, "IDENTIFIED WITH caching_sha2_password BY 'a\\'b\\\\c\"d'");
    mem_free_secret(clause);
}

static void the_account_of_the_setup_goes_at_the_first_start_alone(void **state)
{
    (void)state;
    char folder[] = "/tmp/sealwright-mysql-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct engine_instance instance = instance_with(&mariadb_release, NULL, 0);
    instance.folder = folder;
    AUTO_FREE char *path = mem_format("%s/accounts.sql", folder);
    AUTO_BUF struct buf first = {0}, second = {0}, third = {0}, password = {0}, kept = {0};
    assert_int_equal(mysqld_account_prepare(&instance, NULL), 0);
    assert_int_equal(file_read(path, 10000, &first, NULL), 0);
    assert_non_null(strstr(buf_text(&first), "DROP USER IF EXISTS 'root'@'localhost'"));
    assert_int_equal(mysqld_account_password(&instance, &password, NULL), 0);
    assert_null(strstr(buf_text(&first), buf_text(&password)));
    /* A start that was cut off: again. */
    assert_int_equal(mysqld_account_prepare(&instance, NULL), 0);
    assert_int_equal(file_read(path, 10000, &second, NULL), 0);
    assert_string_equal(buf_text(&second), buf_text(&first));
    assert_int_equal(mysqld_account_settle(&instance, NULL), 0);
    assert_int_equal(mysqld_account_prepare(&instance, NULL), 0);
    assert_int_equal(file_read(path, 10000, &third, NULL), 0);
    assert_null(strstr(buf_text(&third), "DROP USER"));
    assert_int_equal(mysqld_account_password(&instance, &kept, NULL), 0);
    assert_string_equal(buf_text(&kept), buf_text(&password));
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    file_remove_tree(folder, NULL);
}

/* ---- processes */

/* A server stands in the data folder and writes its pid file late: until then the mark of its start says that
 * it may be there. */
static void a_server_that_is_starting_runs(void **state)
{
    (void)state;
    char folder[] = "/tmp/sealwright-mysql-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const struct engine_instance instance = {.folder = folder};
    AUTO_FREE char *data = mem_format("%s/data", folder);
    AUTO_FREE char *mark = mem_format("%s/starting", folder);
    AUTO_FREE char *pid_file = mem_format("%s/server.pid", folder);
    assert_int_equal(file_make_folder(data, 0700, NULL), 0);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        bool there = chdir(data) == 0 && write(ready[1], "x", 1) == 1;
        pause();
        _exit(there);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_false(mysqld_status(&instance).running);
    assert_int_equal(file_write(mark, slice_text(""), 0600, NULL), 0);
    assert_true(mysqld_status(&instance).running);
    assert_int_equal(mysqld_status(&instance).pid, child);
    unlink(mark);
    AUTO_FREE char *number = mem_format("%d\n", (int)child);
    assert_int_equal(file_write(pid_file, slice_text(number), 0600, NULL), 0);
    assert_int_equal(mysqld_status(&instance).pid, child);
    assert_true(llabs(mysqld_status(&instance).started_at - clock_now()) < CLOCK_MINUTE);
    assert_int_equal(mysqld_stop(&instance, CLOCK_MINUTE, NULL), 0);
    assert_false(mysqld_status(&instance).running);
    /* A number that another process has by now. */
    AUTO_FREE char *other = mem_format("%d\n", (int)getpid());
    assert_int_equal(file_write(pid_file, slice_text(other), 0600, NULL), 0);
    assert_false(mysqld_status(&instance).running);
    close(ready[0]);
    close(ready[1]);
    file_remove_tree(folder, NULL);
}

/* ---- evidence */

static void expect(const struct mysqld_flavour *flavour, const char *log, int64_t refusals,
                   const char *clients)
{
    struct engine_evidence evidence = {.client_limit = 20};
    AUTO_BUF struct buf found = {0};
    mysqld_evidence_take(flavour, slice_text(log), &evidence);
    for (size_t i = 0; i < evidence.clients.count; i++)
        buf_printf(&found, "%s ", evidence.clients.items[i]);
    text_list_free(&evidence.clients);
    assert_int_equal(evidence.refusals, refusals);
    assert_string_equal(buf_text(&found), clients);
}

#define ABORTED(id, client)                                                                                  \
    " " id " [Warning] Aborted connection " id " to db: 'unconnected' user: "                                \
    "'unauthenticated' host: '" client "' (This connection closed normally without "                         \
    "authentication)\n"
#define UNREAD(id)                                                                                           \
    " " id " [Warning] Could not read packet: fd: 44  state: 1  read_length: 4  errno: 11  "                 \
    "vio_errno: 1158  length: 0\n"

static void mariadb_counts_handshakes_that_were_broken_off(void **state)
{
    (void)state;
    expect(
        &mariadb_flavour,
        "2026-01-02  3:04:05" ABORTED(
            "6", "192.0.2.7") "2026-01-02 13:04:05 7 [Warning] Could not write packet: fd: 45  state: 1  "
                              "errno: 104  vio_errno: "
                              "1160  length: 26\n"
                              "2026-01-02 13:04:05 7 [ERROR] mariadbd: Got an error writing communication "
                              "packets\n"
                              "2026-01-02 13:04:05" ABORTED("7", "2001:db8::7") "2026-01-02 13:04:06" ABORTED(
                                  "8", "192.0.2.7") "2026-01-02 13:04:06" ABORTED("9", "fe80::1%eth0"),
        4, "192.0.2.7 2001:db8::7 fe80::1%eth0 ");
}

static void mariadb_passes_over_what_is_none(void **state)
{
    (void)state;
    /* Closed before TLS, by a probe after it, and what is no TLS client at all; two at once. */
    expect(
        &mariadb_flavour,
        "2026-01-02 13:04:05" UNREAD("16") "2026-01-02 13:04:05" UNREAD("17") "2026-01-02 13:04:05" ABORTED(
            "17",
            "192.0.2.7") "2026-01-02 13:04:05" ABORTED("16",
                                                       "192.0.2.7") "2026-01-02 13:04:05 18 [ERROR] "
                                                                    "mariadbd: Got packets out of order\n"
                                                                    "2026-01-02 13:04:05" ABORTED(
                                                                        "18",
                                                                        "192.0.2.7") "2026-01-02 13:04:05 4 "
                                                                                     "[Warning] Access "
                                                                                     "denied for user "
                                                                                     "'x'@'192.0.2.7' (using "
                                                                                     "password: YES)\n"
                                                                                     "2026-01-02 13:04:05 5 "
                                                                                     "[Warning] Aborted "
                                                                                     "connection 5 to db: "
                                                                                     "'shop' user: 'app' "
                                                                                     "host: '192.0.2.7' "
                                                                                     "(Got an error reading "
                                                                                     "communication "
                                                                                     "packets)\n"
                                                                                     "2026-01-02 13:04:05 5 "
                                                                                     "[Warning] Aborted "
                                                                                     "connection 6 to db: "
                                                                                     "'unconnected' user: "
                                                                                     "'unauthenticated' "
                                                                                     "host: '192.0.2.7' "
                                                                                     "(This connection "
                                                                                     "closed normally "
                                                                                     "without "
                                                                                     "authentication)\n",
        0, "");
    expect(&mariadb_flavour, "yesterday" ABORTED("6", "192.0.2.7"), 0, "");
    expect(&mariadb_flavour, "2026-01-02 13:04:05" ABORTED("6", ""), 0, "");
    expect(&mariadb_flavour, "2026-13-41 13:04:05" ABORTED("6", "192.0.2.7"), 0, "");
}

static void mysql_counts_bad_handshakes(void **state)
{
    (void)state;
    expect(&mysql_flavour,
           "2026-11-30T20:52:26.345708Z 9 [Note] [MY-010914] [Server] Got an error reading communication "
           "packets\n"
           "2026-11-30T20:52:27.148985Z 11 [Note] [MY-010914] [Server] Got packets out of order\n"
           "2026-11-30T20:52:27.551336Z 12 [Note] [MY-010914] [Server] Bad handshake\n"
           "2026-11-30T20:52:27.551336Z 13 [Note] [MY-010914] [Server] Bad handshake\n"
           "2026-11-30T20:52:27.551336Z x [Note] [MY-010914] [Server] Bad handshake\n"
           "2026-11-30 20:52:27 12 [Note] [MY-010914] [Server] Bad handshake\n"
           "2026-11-30T20:52:39.152136Z 34 [Note] [MY-010926] [Server] Access denied for user "
           "'Bad handshake'@'127.0.0.1' (using password: YES)\n"
           "2026-11-30T20:52:27.551336Z 12 [Note] [MY-010914] [Server] Bad handshake",
           2, "an unknown address ");
}

static void looks_go_on_where_the_last_one_ended(void **state)
{
    (void)state;
    char folder[] = "/tmp/sealwright-mysql-XXXXXX";
    assert_non_null(mkdtemp(folder));
    const struct engine_instance instance = {.folder = folder};
    struct engine_evidence evidence = {.client_limit = 20};
    AUTO_FREE char *logs = mem_format("%s/log", folder);
    AUTO_FREE char *path = mysqld_log_file(&instance);
    assert_int_equal(file_make_folder(logs, 0700, NULL), 0);
    assert_int_equal(engine_find("mariadb")->evidence(&instance, &evidence, NULL), 0);
    assert_int_equal(evidence.refusals, 0);
    /* The entry that says that it was none stands before the position. */
    static const char *const parts[] = {
        "2026-01-02 13:04:05" ABORTED("6", "192.0.2.7") "2026-01-02 13:04:05" UNREAD("7"),
        "2026-01-02 13:04:05" ABORTED("7", "192.0.2.7"), "2026-01-02 13:04:05" ABORTED("8", "192.0.2.7"),
        "started anew\n"};
    static const int64_t expected[] = {1, 0, 1, 0};
    FILE *log = fopen(path, "w");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (i == 3)
            log = freopen(path, "w", log);
        assert_non_null(log);
        assert_true(fputs(parts[i], log) >= 0 && fflush(log) == 0);
        evidence.refusals = 0;
        assert_int_equal(engine_find("mariadb")->evidence(&instance, &evidence, NULL), 0);
        assert_int_equal(evidence.refusals, expected[i]);
    }
    assert_int_equal(evidence.position, strlen(parts[3]));
    /* Older ones do not count. */
    assert_true(fputs("2026-01-02 13:04:05" ABORTED("8", "192.0.2.7"), log) >= 0 && fclose(log) == 0);
    assert_true(clock_parse("2026-01-02T13:04:06Z", &evidence.since));
    assert_int_equal(engine_find("mariadb")->evidence(&instance, &evidence, NULL), 0);
    assert_int_equal(evidence.refusals, 0);
    text_list_free(&evidence.clients);
    file_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_is_one_engines),
        cmocka_unit_test(data_goes_forward_within_a_series),
        cmocka_unit_test(odd_values_are_quoted),
        cmocka_unit_test(parameters_cannot_move_what_the_driver_decides),
        cmocka_unit_test(what_could_leave_its_line_is_refused),
        cmocka_unit_test(addresses_are_those_of_this_machine),
        cmocka_unit_test(a_folder_too_deep_for_a_socket_is_said),
        cmocka_unit_test(mariadb_gets_a_digest_of_the_password),
        cmocka_unit_test(quotes_of_a_password_are_escaped),
        cmocka_unit_test(the_account_of_the_setup_goes_at_the_first_start_alone),
        cmocka_unit_test(a_server_that_is_starting_runs),
        cmocka_unit_test(mariadb_counts_handshakes_that_were_broken_off),
        cmocka_unit_test(mariadb_passes_over_what_is_none),
        cmocka_unit_test(mysql_counts_bad_handshakes),
        cmocka_unit_test(looks_go_on_where_the_last_one_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
