/* probe/: what servers may answer when asked for TLS and to a log-in, whole and in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "probe/internal.h"

#include <stdio.h>
#include <string.h>

typedef enum probe_answer reader(struct slice received, char version[64], struct error *error);

struct answer {
    const char *bytes;
    size_t length;
    enum probe_answer answer;
    const char *says; /* the version, or a part of the error */
};
#define BYTES(text) (text), sizeof(text) - 1

#define CHALLENGE "\x2a\0\0\0abcdefgh\0"
#define AFTER     "\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0mysql_native_password\0"
#define TLS_WORDS "\xfe\xff"
#define NO_TLS    "\xfe\xf7"
#define MARIADB                                                                                              \
    "\x0a"                                                                                                   \
    "5.5.5-10.11.14-MariaDB\0" CHALLENGE
#define MYSQL                                                                                                \
    "\x0a"                                                                                                   \
    "9.7.0\0" CHALLENGE

static const struct answer mysql_answers[] = {
    {BYTES("\x5a\0\0\0" MARIADB TLS_WORDS AFTER), PROBE_ANSWER_TLS, "10.11.14-MariaDB"},
    {BYTES("\x49\0\0\0" MYSQL TLS_WORDS AFTER), PROBE_ANSWER_TLS, "9.7.0"},
    {BYTES("\x49\0\0\0" MYSQL NO_TLS AFTER), PROBE_ANSWER_NO_TLS, "9.7.0"},
    {BYTES("\x49\0\0\0" MYSQL TLS_WORDS AFTER "x"), PROBE_ANSWER_ERROR, "found another"},
    {BYTES("\x49\0\0\1" MYSQL TLS_WORDS AFTER), PROBE_ANSWER_ERROR, "found another"},
    {BYTES("\x14\0\0\0" MYSQL), PROBE_ANSWER_ERROR, "found another"},
    {BYTES("\x04\0\0\0\x09"
           "3.2"),
     PROBE_ANSWER_ERROR, "found another"},
    {BYTES("\x17\0\0\0\xff\x10\x04Too many connections"), PROBE_ANSWER_ERROR,
     "error 1040, Too many connections"},
    {BYTES("\x18\0\0\0\xff\x69\x04#HY000Host is blocked"), PROBE_ANSWER_ERROR, "error 1129, Host is blocked"},
    {BYTES("\x01\0\0\0\xff"), PROBE_ANSWER_ERROR, "refused"},
    {BYTES("\0\0\0\0"), PROBE_ANSWER_ERROR, "byte 0x00"},
    {BYTES("HTTP/1.1 400"), PROBE_ANSWER_ERROR, "byte 0x48"},
};

#define HEAD(length) "\x04\x01\0" length "\0\0\1\0"
#define TABLE        "\0\0\x0b\0\x06\1\0\x11\0\1\xff\x10\0\x10\x6d\0\0"

static const struct answer tds_answers[] = {
    {BYTES(HEAD("\x1a") TABLE "\0"), PROBE_ANSWER_TLS, "16.0.4205"},
    {BYTES(HEAD("\x1a") TABLE "\1"), PROBE_ANSWER_TLS, "16.0.4205"},
    {BYTES(HEAD("\x1a") TABLE "\2"), PROBE_ANSWER_NO_TLS, "16.0.4205"},
    {BYTES(HEAD("\x1a") TABLE "\3"), PROBE_ANSWER_TLS, "16.0.4205"},
    {BYTES(HEAD("\x1a") TABLE "\4"), PROBE_ANSWER_ERROR, "found another"},
    {BYTES(HEAD("\x1a") TABLE "\1"
                              "x"),
     PROBE_ANSWER_ERROR, "found another"},
    {BYTES(HEAD("\x0f") "\1\0\x06\0\1\xff\1"), PROBE_ANSWER_TLS, ""},
    {BYTES(HEAD("\x0f") "\1\0\x07\0\1\xff\1"), PROBE_ANSWER_ERROR, "found another"}, /* beyond the end */
    {BYTES(HEAD("\x0f") "\1\xff\xff\xff\xff\xff\1"), PROBE_ANSWER_ERROR, "found another"},
    {BYTES(HEAD("\x0c") "\1\0\x06\0"), PROBE_ANSWER_ERROR, "found another"},
    {BYTES(HEAD("\x08")), PROBE_ANSWER_ERROR, "found another"},
    {BYTES(HEAD("\0")), PROBE_ANSWER_ERROR, "found another"},
    {BYTES("\x15\3\1\0\2\2\x46"), PROBE_ANSWER_ERROR, "byte 0x15"},
};

static void check(reader *read, const struct answer *expected)
{
    char version[64];
    struct error error = {0};
    enum probe_answer answer = read(slice_of(expected->bytes, expected->length), version, &error);
    const char *says = answer == PROBE_ANSWER_ERROR ? error.text : version;
    if (answer != expected->answer || !strstr(says, expected->says))
        print_message("expected %d \"%s\", found %d \"%s\"\n", (int)expected->answer, expected->says,
                      (int)answer, says);
    assert_int_equal(answer, expected->answer);
    assert_non_null(strstr(says, expected->says));
    /* Every beginning of a good answer asks for more. */
    if (answer != PROBE_ANSWER_ERROR)
        for (size_t length = 0; length < expected->length; length++)
            assert_int_equal(read(slice_of(expected->bytes, length), version, &error), PROBE_ANSWER_MORE);
}

static void a_mysql_server_greets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mysql_answers / sizeof mysql_answers[0]; i++)
        check(probe_mysql_answer, &mysql_answers[i]);
}

static void a_sql_server_replies_to_prelogin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tds_answers / sizeof tds_answers[0]; i++)
        check(probe_tds_answer, &tds_answers[i]);
}

#define HBA_SAYS "SFATAL\0C28000\0Mno pg_hba.conf entry for host \"::1\", no encryption\0"

static const struct {
    const char *bytes;
    size_t length;
    enum probe_answer answer;
    enum probe_login login;
} logins[] = {
    {BYTES("R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0"), PROBE_ANSWER_READ, PROBE_LOGIN_GOES_ON},
    {BYTES("R\0\0\0\x08\0\0\0\0"), PROBE_ANSWER_READ, PROBE_LOGIN_GOES_ON},
    {BYTES("E\0\0\0\x5d" HBA_SAYS "RClientAuthentication\0\0"), PROBE_ANSWER_READ, PROBE_LOGIN_NO_RULE},
    {BYTES("E\0\0\0\x2e"
           "C28000\0Mno role\0RInitializeSessionUserId\0\0"),
     PROBE_ANSWER_READ, PROBE_LOGIN_GOES_ON},
    {BYTES("E\0\0\0\x15"
           "C3D000\0Mno such\0\0"),
     PROBE_ANSWER_READ, PROBE_LOGIN_GOES_ON},
    {BYTES("E\0\0\0\x1a"
           "C08P01\0MSSL required\0\0"),
     PROBE_ANSWER_READ, PROBE_LOGIN_NEEDS_TLS},
    {BYTES("E\0\0\0\x1e"
           "C08P01\0Mno such database\0\0"),
     PROBE_ANSWER_READ, PROBE_LOGIN_GOES_ON},
    {BYTES("E\0\0\0\x19"
           "C53300\0Mtoo many...\0\0"),
     PROBE_ANSWER_READ, PROBE_LOGIN_UNKNOWN},
    {BYTES("E\0\0\0\x05x"), PROBE_ANSWER_READ, PROBE_LOGIN_UNKNOWN},
    {BYTES("E\0\0\0\x04"), PROBE_ANSWER_ERROR, PROBE_LOGIN_UNKNOWN},
    {BYTES("R\xff\0\0\0"), PROBE_ANSWER_ERROR, PROBE_LOGIN_UNKNOWN},
    {BYTES("\x15\3\1\0\2"), PROBE_ANSWER_ERROR, PROBE_LOGIN_UNKNOWN},
};

static void a_postgresql_server_lets_one_begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
        enum probe_login login = PROBE_LOGIN_UNKNOWN;
        struct error error;
        enum probe_answer answer =
            probe_postgres_login(slice_of(logins[i].bytes, logins[i].length), &login, &error);
        if (answer != logins[i].answer || login != logins[i].login)
            print_message("case %zu: answer %d, log-in %d\n", i, (int)answer, (int)login);
        assert_int_equal(answer, logins[i].answer);
        assert_int_equal(login, logins[i].login);
        for (size_t length = 0; answer == PROBE_ANSWER_READ && length < logins[i].length; length++)
            assert_int_equal(probe_postgres_login(slice_of(logins[i].bytes, length), &login, &error),
                             PROBE_ANSWER_MORE);
    }
}

static void tds_packets_carry_what_they_were_given(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 4087, 4088, 4089, 20000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        AUTO_BUF struct buf sent = {0}, packets = {0}, found = {0};
        while (sent.length < lengths[i])
            buf_append_byte(&sent, (unsigned char)(sent.length * 7));
        tds_wrap(slice_buf(&sent), &packets);
        for (struct slice rest = slice_buf(&packets); rest.length;) {
            struct slice payload;
            assert_int_equal(tds_missing(slice_of(rest.data, 3), &payload), 5);
            assert_in_range(tds_missing(slice_of(rest.data, 8), &payload), 1, 4088);
            assert_int_equal(tds_missing(rest, &payload), 0);
            size_t used = payload.length + 8;
            assert_in_range(used, 9, 4096);
            assert_int_equal(rest.data[1], used == rest.length); /* the last one says so */
            buf_append_slice(&found, payload);
            rest = slice_of(rest.data + used, rest.length - used);
        }
        assert_true(slice_equal(slice_buf(&found), slice_buf(&sent)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mysql_server_greets),
        cmocka_unit_test(a_sql_server_replies_to_prelogin),
        cmocka_unit_test(a_postgresql_server_lets_one_begin),
        cmocka_unit_test(tds_packets_carry_what_they_were_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
