/* cli/probe_target.c: the words and lines that name targets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/probe.h"

#include <string.h>

static void words_name_targets(void **state)
{
    (void)state;
    static const struct {
        const char *word, *engine, *host;
        int port;
        const char *known_as; /* NULL: none was named */
    } cases[] = {
        {"db.example.com", NULL, "db.example.com", 0, NULL},
        {"db.example.com:5433", "postgres", "db.example.com", 5433, "postgres"},
        {"10.0.0.1:3306", "mariadb", "10.0.0.1", 3306, "mariadb"},
        {"::1", "auto", "::1", 0, "auto"},
        {"fe80::1:5", NULL, "fe80::1:5", 0, NULL},
        {"[::1]", "oracle-se2", "::1", 0, "oracle"},
        {"[::1]:1433", "sqlserver-web", "::1", 1433, "sqlserver"},
        {"h:1", "sqlserver-strict", "h", 1, "sqlserver-strict"},
        {"h:443", "tls", "h", 443, "tls"},
        {"h", "aurora-postgresql", "h", 0, "postgres"},
    };
    struct probe_jobs jobs = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(probe_jobs_add(&jobs, cases[i].word, cases[i].engine, NULL, NULL), 0);
        const struct probe_job *job = &jobs.items[i];
        assert_string_equal(job->host, cases[i].host);
        assert_int_equal(job->port, cases[i].port);
        assert_true(text_equal(job->engine ? job->engine->name : NULL, cases[i].known_as));
    }
    assert_int_equal(jobs.count, sizeof cases / sizeof cases[0]);
    probe_jobs_free(&jobs);
}

static void what_is_wrong_with_a_word_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *word, *engine, *says;
    } cases[] = {
        {"", NULL, "expected HOST"},        {":5432", NULL, "expected HOST"},
        {"h:", NULL, "expected HOST"},      {"h:0", NULL, "expected HOST"},
        {"h:65536", NULL, "expected HOST"}, {"h:5x", NULL, "expected HOST"},
        {"[::1", NULL, "expected HOST"},    {"[]:1", NULL, "expected HOST"},
        {"[::1]5", NULL, "expected HOST"},  {"h:5432", "Postgres", "found Postgres"},
        {"h", "tls", "a port is needed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct probe_jobs jobs = {0};
        struct error error = {0};
        assert_int_equal(probe_jobs_add(&jobs, cases[i].word, cases[i].engine, NULL, &error), ERROR_INVALID);
        if (!strstr(error.text, cases[i].says))
            print_message("%s: %s\n", cases[i].word, error.text);
        assert_non_null(strstr(error.text, cases[i].says));
        probe_jobs_free(&jobs);
    }
}

static void lines_name_targets(void **state)
{
    (void)state;
    struct probe_jobs jobs = {0};
    struct error error = {0};
    const char *text = "# all of them\n\n a:1\r\nb:2\tmysql # the other\nc:3 tls name.example.com";
    assert_int_equal(probe_jobs_read(&jobs, slice_text(text), "postgres", "usual", NULL), 0);
    assert_int_equal(jobs.count, 3);
    assert_string_equal(jobs.items[0].engine->name, "postgres");
    assert_string_equal(jobs.items[0].server_name, "usual");
    assert_string_equal(jobs.items[1].engine->name, "mysql");
    assert_string_equal(jobs.items[2].engine->name, "tls");
    assert_string_equal(jobs.items[2].server_name, "name.example.com");
    assert_int_equal(jobs.items[2].port, 3);
    assert_int_equal(probe_jobs_read(&jobs, slice_text("d:4\ne:5 tls f g\n"), NULL, NULL, &error),
                     ERROR_INVALID);
    assert_non_null(strstr(error.text, "line 2"));
    probe_jobs_free(&jobs);
}

static void ports_and_answers_name_engines(void **state)
{
    (void)state;
    static const struct {
        int port;
        const char *name;
    } ports[] = {{5432, "postgres"}, {6432, "postgres"}, {3306, "mysql"}, {1433, "sqlserver"},
                 {2484, "oracle"},   {0, "auto"},        {443, "auto"}};
    for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++)
        assert_string_equal(probe_engine_at(ports[i].port)->name, ports[i].name);
    struct probe_result result = {.protocol = PROBE_MYSQL, .server_version = "10.11.14-MariaDB"};
    assert_string_equal(probe_engine_name(probe_engine_find("mysql"), &result), "mariadb");
    result = (struct probe_result){.protocol = PROBE_MYSQL, .server_version = "9.7.0"};
    assert_string_equal(probe_engine_name(probe_engine_find("mariadb"), &result), "mysql");
    result = (struct probe_result){.protocol = PROBE_TLS};
    assert_string_equal(probe_engine_name(probe_engine_find("oracle"), &result), "oracle");
    assert_string_equal(probe_engine_name(probe_engine_find("auto"), &result), "tls");
    result = (struct probe_result){.protocol = PROBE_ANY};
    assert_string_equal(probe_engine_name(probe_engine_find("auto"), &result), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_name_targets),
        cmocka_unit_test(what_is_wrong_with_a_word_is_said),
        cmocka_unit_test(lines_name_targets),
        cmocka_unit_test(ports_and_answers_name_engines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
