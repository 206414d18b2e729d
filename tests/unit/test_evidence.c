/* engine/postgres_evidence: what PostgreSQL's log says of clients that refuse the certificate, and what a
 * client that writes into the log cannot make it say. Real servers' words are in test_guard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "engine/postgres.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFUSAL "LOG:  could not accept SSL connection: tlsv1 alert unknown ca\n"
#define ENTRY   "2026-01-02 03:04:05.678 UTC [12] "

struct log {
    char folder[64];
    char *file;
};

static int set_up(void **state)
{
    struct log *log = mem_new(sizeof *log);
    snprintf(log->folder, sizeof log->folder, "/tmp/sealwright-evidence-XXXXXX");
    assert_non_null(mkdtemp(log->folder));
    AUTO_FREE char *folder = mem_format("%s/log", log->folder);
    assert_int_equal(file_make_folder(folder, 0700, NULL), 0);
    log->file = mem_format("%s/postgresql.log", folder);
    *state = log;
    return 0;
}

static int tear_down(void **state)
{
    struct log *log = *state;
    file_remove_tree(log->folder, NULL);
    free(log->file);
    free(log);
    return 0;
}

static void append(const struct log *log, const char *text, size_t length)
{
    FILE *file = fopen(log->file, "a");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void say(const struct log *log, const char *text)
{
    append(log, text, strlen(text));
}

/* The refusals since the last look, and of whom in a text: "192.0.2.7 ::1 ". */
static int64_t look(const struct log *log, struct engine_evidence *evidence, char *clients, size_t size)
{
    const struct engine_instance instance = {.folder = log->folder};
    clients[0] = 0;
    evidence->refusals = 0;
    assert_int_equal(engine_find("postgres")->evidence(&instance, evidence, NULL), 0);
    for (size_t i = 0; i < evidence->clients.count; i++) {
        size_t used = strlen(clients);
        snprintf(clients + used, size - used, "%s ", evidence->clients.items[i]);
    }
    text_list_free(&evidence->clients);
    return evidence->refusals;
}

static void expect(const struct log *log, struct engine_evidence *evidence, int64_t refusals,
                   const char *clients)
{
    char found[2000];
    assert_int_equal(look(log, evidence, found, sizeof found), refusals);
    assert_string_equal(found, clients);
}

static void counts_alerts_about_the_certificate(void **state)
{
    static const char *const counted[] = {
        "tlsv1 alert unknown ca",          "sslv3 alert bad certificate",
        "ssl/tls alert bad certificate",   "sslv3 alert certificate expired",
        "sslv3 alert certificate unknown", "tlsv1 alert decrypt error",
        "sslv3 alert certificate revoked", "sslv3 alert unsupported certificate",
    };
    static const char *const others[] = {
        "EOF detected",
        "http request",
        "no shared cipher",
        "Connection reset by peer",
        "unexpected message",
        "wrong version number",
        "tlsv1 alert internal error",
        "sslv3 alert handshake failure",
    };
    struct engine_evidence evidence = {.client_limit = 20};
    int64_t expected = sizeof counted / sizeof counted[0];
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        AUTO_FREE char *line =
            mem_format(ENTRY "192.0.2.%zu LOG:  could not accept SSL connection: %s\n", i % 2, counted[i]);
        say(*state, line);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        AUTO_FREE char *line =
            mem_format(ENTRY "192.0.2.9 LOG:  could not accept SSL connection: %s\n", others[i]);
        say(*state, line);
    }
    expect(*state, &evidence, expected, "192.0.2.0 192.0.2.1 ");
    expect(*state, &evidence, 0, "");
}

static void reads_prefixes_of_all_time_zones_and_addresses(void **state)
{
    struct engine_evidence evidence = {.client_limit = 20};
    say(*state, "2026-01-02 03:04:05.678 CET [12] 192.0.2.7 " REFUSAL
                "2026-01-02 03:04:05.678 +0530 [12345678] 2001:db8::7 " REFUSAL
                "2026-01-02 03:04:05.678 UTC [12] fe80::1%eth0 " REFUSAL
                "2026-01-02 03:04:05.678 UTC [12] client.example.com " REFUSAL);
    expect(*state, &evidence, 4, "192.0.2.7 2001:db8::7 fe80::1%eth0 client.example.com ");
}

static void believes_no_text_of_a_client(void **state)
{
    struct engine_evidence evidence = {.client_limit = 20};
    /* As PostgreSQL logs line ends in the name of a user, a statement, a message: with a tab. */
    say(*state, ENTRY "192.0.2.7 FATAL:  role \"a\n\t" ENTRY "192.0.2.8 " REFUSAL "\tx\" does not exist\n");
    say(*state, ENTRY "192.0.2.7 ERROR:  LOG:  could not accept SSL connection: tlsv1 alert unknown ca\n");
    say(*state, ENTRY "192.0.2.7 STATEMENT:  select '" ENTRY "192.0.2.8 " REFUSAL);
    say(*state, ENTRY "192.0.2.7 LOG:  statement: " REFUSAL);
    /* No prefix, another one, parts missing. */
    say(*state, REFUSAL "192.0.2.8 " REFUSAL ENTRY " " REFUSAL ENTRY REFUSAL);
    say(*state, "2026-01-02 03:04:05.678 UTC [x] 192.0.2.8 " REFUSAL);
    say(*state, "2026-01-02 03:04:05.678 UTC 12 192.0.2.8 " REFUSAL);
    say(*state, "yesterday 03:04:05.678 UTC [12] 192.0.2.8 " REFUSAL);
    say(*state, ENTRY "192.0.2.\x01 " REFUSAL ENTRY "192.0.2.\xff " REFUSAL "\n \n");
    expect(*state, &evidence, 0, "");
    say(*state, ENTRY "192.0.2.7 " REFUSAL);
    expect(*state, &evidence, 1, "192.0.2.7 ");
}

static void is_not_led_astray_by_long_lines_and_zero_bytes(void **state)
{
    struct engine_evidence evidence = {.client_limit = 20};
    size_t length = 200 * 1024;
    AUTO_FREE char *line = mem_new(length);
    memset(line, 'x', length);
    say(*state, ENTRY "192.0.2.7 STATEMENT:  ");
    append(*state, line, length);
    say(*state, ENTRY "192.0.2.8 ");
    /* A look in the middle of a line does not make the next one begin a line there. */
    expect(*state, &evidence, 0, "");
    say(*state, REFUSAL);
    append(*state, "\0\0\n", 3);
    say(*state, ENTRY "192.0.2.9 " REFUSAL);
    expect(*state, &evidence, 1, "192.0.2.9 ");
}

/* Wherever the reading of a long line pauses, what follows is no line's begin. */
static void believes_no_text_far_inside_a_line(void **state)
{
    const struct log *log = *state;
    const char *begin = ENTRY "192.0.2.7 STATEMENT:  ";
    for (size_t offset = 4096; offset <= 1024 * 1024; offset *= 2) {
        struct engine_evidence evidence = {.client_limit = 20};
        AUTO_FREE char *line = mem_new(offset);
        memset(line, 'x', offset);
        memcpy(line, begin, strlen(begin));
        append(log, line, offset);
        say(log, ENTRY "192.0.2.8 " REFUSAL);
        expect(log, &evidence, 0, "");
        assert_int_equal(remove(log->file), 0);
    }
}

static void leaves_half_a_line_for_the_next_look(void **state)
{
    struct engine_evidence evidence = {.client_limit = 20};
    say(*state, ENTRY "192.0.2.7 " REFUSAL ENTRY "192.0.2.8 LOG:  could not acc");
    expect(*state, &evidence, 1, "192.0.2.7 ");
    expect(*state, &evidence, 0, "");
    say(*state, "ept SSL connection: tlsv1 alert unknown ca\n");
    expect(*state, &evidence, 1, "192.0.2.8 ");
}

static void begins_at_a_line_wherever_it_starts(void **state)
{
    char clients[64];
    const char *text = ENTRY "192.0.2.7 ERROR:  " ENTRY "192.0.2.8 " REFUSAL;
    say(*state, text);
    for (size_t i = 0; i <= strlen(text); i++) {
        struct engine_evidence evidence = {.client_limit = 20, .position = (int64_t)i};
        assert_int_equal(look(*state, &evidence, clients, sizeof clients), 0);
        assert_int_equal(evidence.position, strlen(text));
    }
}

static void goes_on_in_a_log_that_was_started_anew(void **state)
{
    const struct log *log = *state;
    struct engine_evidence evidence = {.client_limit = 20};
    expect(log, &evidence, 0, "");
    say(log, ENTRY
        "192.0.2.7 LOG:  something else that is longer than the next line is going to be, by far\n" ENTRY
        "192.0.2.7 " REFUSAL);
    expect(log, &evidence, 1, "192.0.2.7 ");
    assert_int_equal(remove(log->file), 0);
    say(log, ENTRY "192.0.2.8 " REFUSAL);
    expect(log, &evidence, 1, "192.0.2.8 ");
    assert_int_equal(remove(log->file), 0);
    expect(log, &evidence, 0, "");
    assert_int_equal(evidence.position, 0);
}

static void passes_over_who_is_known_and_what_is_old(void **state)
{
    struct text_list known = {0};
    text_list_add(&known, "192.0.2.7");
    struct engine_evidence evidence = {.client_limit = 20, .ignored = &known};
    say(*state, ENTRY "192.0.2.7 " REFUSAL ENTRY "192.0.2.8 " REFUSAL ENTRY "192.0.2.8 " REFUSAL);
    expect(*state, &evidence, 2, "192.0.2.8 ");
    struct engine_evidence recent = {.client_limit = 20};
    assert_true(clock_parse("2026-01-02T03:04:05.678Z", &recent.since));
    expect(*state, &recent, 3, "192.0.2.7 192.0.2.8 ");
    recent = (struct engine_evidence){.client_limit = 20, .since = recent.since + 1};
    expect(*state, &recent, 0, "");
    text_list_free(&known);
}

static void names_no_more_clients_than_asked_for(void **state)
{
    struct engine_evidence evidence = {.client_limit = 2};
    for (int i = 0; i < 1000; i++) {
        AUTO_FREE char *line = mem_format(ENTRY "2001:db8::%x " REFUSAL, (unsigned)i);
        say(*state, line);
    }
    expect(*state, &evidence, 1000, "2001:db8::0 2001:db8::1 ");
}

static void reads_the_end_of_very_much(void **state)
{
    struct engine_evidence evidence = {.client_limit = 20};
    size_t length = 20 * 1024 * 1024;
    AUTO_FREE char *lines = mem_new(length);
    memset(lines, 'x', length);
    for (size_t i = 100; i < length; i += 100)
        lines[i] = '\n';
    say(*state, ENTRY "192.0.2.7 " REFUSAL);
    append(*state, lines, length);
    say(*state, "\n" ENTRY "192.0.2.8 " REFUSAL);
    int64_t begin = clock_steady();
    expect(*state, &evidence, 1, "192.0.2.8 ");
    print_message("20 MiB of log in %lld ms\n", (long long)(clock_steady() - begin));
}

#define MESSAGE "LOG:  could not accept SSL connection: x"

/* Prefixes that people use, and an entry under each. */
static void reads_prefixes_of_others(void **state)
{
    static const struct {
        const char *prefix, *entry, *client;
        bool dated;
    } good[] = {
        {"%m [%p] %h ", "2026-01-02 03:04:05.678 UTC [12] 192.0.2.7 ", "192.0.2.7", true},
        {"%t [%p]: user=%u,db=%d,app=%a,client=%h ",
         "2026-01-02 03:04:05 CET [12]: user=[unknown],db=[unknown],app=[unknown],client=2001:db8::7 ",
         "2001:db8::7", true},
        {"%m:%r:%u@%d:[%p]:", "2026-01-02 03:04:05.678 +0530:192.0.2.7(4711):[unknown]@[unknown]:[12]:",
         "192.0.2.7", true},
        {"< %m %q%h %e>", "< 2026-01-02 03:04:05.678 UTC 192.0.2.7 08P01>", "192.0.2.7", true},
        {"%n %p %l %c %s %v %x %h 100%% ",
         "1767323045.678 12 1 695734e5.c 2026-01-02 03:04:05 UTC  0 192.0.2.7 100% ", "192.0.2.7", true},
        {"%m [%p] %q%u@%d ", "2026-01-02 03:04:05.678 UTC [12] [unknown]@[unknown] ", "", true},
        {"", "", "", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct postgres_entry entry;
        AUTO_FREE char *line = mem_format("%s" MESSAGE, good[i].entry);
        if (!postgres_entry_read(good[i].prefix, line, &entry))
            fail_msg("%s: %s", good[i].prefix, line);
        assert_string_equal(entry.message, MESSAGE);
        assert_true(slice_is(entry.client, good[i].client));
        assert_int_equal(entry.logged / 1000, good[i].dated ? INT64_C(1767323045) : 0);
    }
}

/* Words that a client has chosen could be made to look like the rest of a prefix. */
static void reads_no_entry_of_a_session_with_a_name(void **state)
{
    static const struct {
        const char *prefix, *entry;
    } bad[] = {
        {"%m %u@%d %h ", "2026-01-02 03:04:05.678 UTC app@orders 192.0.2.7 "},
        {"%m %u@%d %h ", "2026-01-02 03:04:05.678 UTC [unknown]@orders 192.0.2.7 "},
        {"%m [%p] %h ", "2026-01-02 03:04:05.678 UTC [] 192.0.2.7 "},
        {"%m [%p] %h ", "2026-01-32 03:04:05.678 UTC [12] 192.0.2.7 "},
        {"%m [%p] %h ", "2026-01-02 03:04:05.678 UTC [12]  "},
        {"%m [%p] %h ", ""},
        {"%r ", "192.0.2.7(47"},
        {"%n ", "-1767323045.678 "},
        {"%", "%"},
    };
    struct postgres_entry entry;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO_FREE char *line = mem_format("%s" MESSAGE, bad[i].entry);
        if (postgres_entry_read(bad[i].prefix, line, &entry))
            fail_msg("%s: %s", bad[i].prefix, line);
    }
}

static void says_which_prefixes_it_cannot_use(void **state)
{
    static const struct {
        const char *prefix, *why;
    } prefixes[] = {
        {"%m [%p] %h ", NULL},   {"%t %r", NULL},        {"%m [%p] %q%u@%d ", "%h or %r"},
        {"%h ", "%m, %t or %n"}, {"%m %h %i", "at %i"},  {"%m %h%p ", "at %h"},
        {"%m%h ", "at %m"},      {"%m %-10h ", "at %-"}, {"%m %h: ", "at %h"},
        {"%m %h", "at %h"}, /* "LOG" follows */
    };
    (void)state;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        char why[400] = "";
        bool good = postgres_prefix_check(prefixes[i].prefix, why, sizeof why);
        if (good != !prefixes[i].why || (prefixes[i].why && !strstr(why, prefixes[i].why)))
            fail_msg("%s: %s", prefixes[i].prefix, why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(counts_alerts_about_the_certificate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_prefixes_of_all_time_zones_and_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(believes_no_text_of_a_client, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_not_led_astray_by_long_lines_and_zero_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(believes_no_text_far_inside_a_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_half_a_line_for_the_next_look, set_up, tear_down),
        cmocka_unit_test_setup_teardown(begins_at_a_line_wherever_it_starts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_in_a_log_that_was_started_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(passes_over_who_is_known_and_what_is_old, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_no_more_clients_than_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_the_end_of_very_much, set_up, tear_down),
        cmocka_unit_test(reads_prefixes_of_others),
        cmocka_unit_test(reads_no_entry_of_a_session_with_a_name),
        cmocka_unit_test(says_which_prefixes_it_cannot_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
