/* base/clock: the texts of time, what is read and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"

#define MOMENT INT64_C(1767323045678) /* 2026-01-02T03:04:05.678Z */

static void writes_each_form(void **state)
{
    (void)state;
    char text[32];
    clock_format(MOMENT, text);
    assert_string_equal(text, "2026-01-02T03:04:05.678Z");
    clock_format_seconds(MOMENT, text);
    assert_string_equal(text, "2026-01-02T03:04:05Z");
    clock_format_http(MOMENT, text);
    assert_string_equal(text, "Fri, 02 Jan 2026 03:04:05 GMT");
    clock_format_basic(MOMENT, text);
    assert_string_equal(text, "20260102T030405Z");
    clock_format(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

static void reads_what_the_clients_send(void **state)
{
    (void)state;
    int64_t when = 0;
    assert_true(clock_parse("2026-01-02T03:04:05Z", &when)); /* botocore */
    assert_int_equal(when, MOMENT - 678);
    assert_true(clock_parse("2026-01-02T03:04:05.678Z", &when)); /* the SDK for JavaScript */
    assert_int_equal(when, MOMENT);
    assert_true(clock_parse("2026-01-02T03:04Z", &when)); /* the API reference */
    assert_int_equal(when, MOMENT - 5678);
    assert_true(clock_parse("2026-01-02T03:04:05.6789999Z", &when));
    assert_int_equal(when, MOMENT);
    assert_true(clock_parse("2024-02-29T00:00:00Z", &when));
    assert_true(clock_parse("2049-12-31T23:59:59Z", &when));
    assert_true(clock_parse("1969-12-31T23:59:59.5Z", &when));
    assert_int_equal(when, -500);
}

static void refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "2026",
        "2026-01-02",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05+00:00",
        "2026-01-02T03:04:05z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Z ",
        " 2026-01-02T03:04:05Z",
        "2026-02-29T00:00:00Z", /* no leap year */
        "2026-02-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T03:60:00Z",
        "2026-01-02T03:04:60Z",
        "2026-1-2T03:04:05Z",
        "-026-01-02T03:04:05Z",
        "20260102T030405Z",
        "1767323045",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int64_t when = 7;
        if (clock_parse(refused[i], &when))
            fail_msg("'%s' was taken for a time", refused[i]);
    }
}

static void reads_the_date_of_a_signature(void **state)
{
    (void)state;
    int64_t when = 0;
    assert_true(clock_parse_basic("20260102T030405Z", &when));
    assert_int_equal(when, MOMENT - 678);
    static const char *const refused[] = {"",
                                          "20260102T030405",
                                          "20260102T0304Z",
                                          "20260102 030405Z",
                                          "20260102T030405.000Z",
                                          "20260230T030405Z",
                                          "20260102T250405Z",
                                          "2026-01-02T03:04:05Z",
                                          "20260102T030405Zx",
                                          "2026010aT030405Z"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (clock_parse_basic(refused[i], &when))
            fail_msg("'%s' was taken for a time", refused[i]);
}

static void reads_one_form_of_http_date(void **state)
{
    (void)state;
    int64_t when = 0;
    assert_true(clock_parse_http("Fri, 02 Jan 2026 03:04:05 GMT", &when));
    assert_int_equal(when, MOMENT - 678);
    static const char *const refused[] = {
        "",
        "Mon, 02 Jan 2026 03:04:05 GMT", /* it was a Friday */
        "Fri, 2 Jan 2026 03:04:05 GMT",
        "Fri,  02 Jan 2026 03:04:05 GMT",
        "fri, 02 jan 2026 03:04:05 GMT",
        "Fri, 02 Jan 2026 03:04:05 UTC",
        "Fri, 02 Jan 2026 03:04:05 GMT ",
        "Friday, 02-Jan-26 03:04:05 GMT", /* obsolete, RFC 850 */
        "Fri Jan  2 03:04:05 2026",       /* obsolete, asctime */
        "Sun, 30 Feb 2026 03:04:05 GMT",
        "2026-01-02T03:04:05Z",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (clock_parse_http(refused[i], &when))
            fail_msg("'%s' was taken for a time", refused[i]);
}

static void the_steady_clock_is_not_shifted(void **state)
{
    (void)state;
    int64_t steady = clock_steady();
    int64_t now = clock_now();
    clock_shift(CLOCK_DAY);
    int64_t later = clock_now();
    int64_t still = clock_steady();
    clock_shift(0);
    assert_in_range(later - now, CLOCK_DAY, CLOCK_DAY + CLOCK_MINUTE);
    assert_in_range(still - steady, 0, CLOCK_MINUTE);
}

static void a_stopped_clock_stands_still(void **state)
{
    (void)state;
    int64_t year = 365 * CLOCK_DAY, start = clock_now();
    clock_stop(start + year);
    assert_int_equal(clock_now(), start + year);
    clock_guard(start + year, 30 * CLOCK_DAY);
    clock_pause(5);
    assert_int_equal(clock_now(), start + year);
    clock_stop(start + year + CLOCK_DAY);
    assert_int_equal(clock_now(), start + year + CLOCK_DAY);
    clock_stop(start + 9 * year); /* not believed: what was believed stands still too */
    clock_pause(5);
    assert_true(clock_doubted());
    assert_int_equal(clock_now(), start + year + CLOCK_DAY);
    clock_guard(0, 0);
    clock_stop(0);
    assert_in_range(clock_now() - start, 0, CLOCK_MINUTE);
}

/* How far clock_now() is from the time that the machine had before. */
static int64_t off(int64_t before)
{
    return clock_now() - before;
}

static void a_guarded_clock_does_not_jump(void **state)
{
    (void)state;
    int64_t years = 5 * 365 * CLOCK_DAY, now = clock_now();
    clock_guard(now, CLOCK_DAY);
    assert_false(clock_doubted());
    for (int64_t jump = -years; jump <= years; jump += 2 * years) {
        clock_shift(jump);
        assert_true(clock_doubted());
        assert_in_range(off(now), 0, CLOCK_MINUTE); /* goes on from the last moment that was believed */
        clock_shift(0);
        assert_false(clock_doubted());
        assert_in_range(off(now), 0, CLOCK_MINUTE);
    }
    clock_shift(CLOCK_HOUR); /* small corrections are followed */
    assert_in_range(off(now), CLOCK_HOUR, CLOCK_HOUR + CLOCK_MINUTE);
    clock_shift(CLOCK_HOUR - 5 * CLOCK_MINUTE);
    assert_in_range(off(now), CLOCK_HOUR - 5 * CLOCK_MINUTE, CLOCK_HOUR);
    clock_shift(0);
    clock_guard(0, 0);
}

static void a_clock_that_is_wrong_from_the_start_is_not_believed(void **state)
{
    (void)state;
    int64_t now = clock_now();
    clock_guard(now + 400 * CLOCK_DAY, CLOCK_DAY); /* it ran last in more than a year from now */
    assert_true(clock_doubted());
    assert_in_range(off(now), 400 * CLOCK_DAY, 400 * CLOCK_DAY + CLOCK_MINUTE);
    clock_guard(now - 20 * CLOCK_HOUR, CLOCK_DAY); /* it was off for a night */
    assert_false(clock_doubted());
    assert_in_range(off(now), 0, CLOCK_MINUTE);
    clock_guard(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_each_form),
        cmocka_unit_test(reads_what_the_clients_send),
        cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(reads_the_date_of_a_signature),
        cmocka_unit_test(reads_one_form_of_http_date),
        cmocka_unit_test(the_steady_clock_is_not_shifted),
        cmocka_unit_test(a_stopped_clock_stands_still),
        cmocka_unit_test(a_guarded_clock_does_not_jump),
        cmocka_unit_test(a_clock_that_is_wrong_from_the_start_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
