/* fleet/window: maintenance and backup windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fleet/window.h"

#include <stdio.h>
#include <string.h>

static int64_t at(const char *text)
{
    int64_t when = 0;
    assert_true(clock_parse(text, &when));
    return when;
}

static const struct {
    const char *window, *now, *next;
} moments[] = {
    {"sun:23:45-mon:00:15", "2026-11-22T23:44:59Z", "2026-11-22T23:45:00Z"}, /* a Sunday */
    {"sun:23:45-mon:00:15", "2026-11-22T23:45:00Z", "2026-11-22T23:45:00Z"},
    {"sun:23:45-mon:00:15", "2026-11-23T00:14:59Z", "2026-11-22T23:45:00Z"}, /* still open, over midnight */
    {"sun:23:45-mon:00:15", "2026-11-23T00:15:00Z", "2026-11-29T23:45:00Z"},
    {"sat:23:30-sun:00:30", "2026-11-22T00:10:00Z", "2026-11-21T23:30:00Z"}, /* over the week's end */
    {"tue:03:00-tue:03:30", "2028-02-29T02:00:00Z", "2028-02-29T03:00:00Z"}, /* a leap day, a Tuesday */
    {"wed:03:00-wed:03:30", "2028-02-29T04:00:00Z", "2028-03-01T03:00:00Z"},
    {"thu:00:00-thu:00:30", "1969-12-31T23:00:00Z", "1970-01-01T00:00:00Z"},
};

static void the_next_window_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        struct window window;
        assert_int_equal(window_parse_weekly(moments[i].window, &window, NULL), 0);
        char found[32];
        clock_format_seconds(window_next(&window, at(moments[i].now)), found);
        if (strcmp(found, moments[i].next) != 0)
            fail_msg("%s at %s: %s, expected %s", moments[i].window, moments[i].now, found, moments[i].next);
    }
}

static void malformed_windows_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "sun:23:45",
                                      "sun:23:45-mon:00:14",
                                      "sun:24:00-mon:00:30",
                                      "sun:23:60-mon:00:30",
                                      "xxx:03:00-mon:03:30",
                                      "sun:3:00-sun:03:300",
                                      "sun:03:00-mon:04:00 ",
                                      "sun:03:00-tue:03:30"};
    struct window window;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(window_parse_weekly(bad[i], &window, NULL), 0);
    assert_int_not_equal(window_parse_daily("03:00-03:20", &window, NULL), 0);
    assert_int_not_equal(window_parse_daily("3:00-03:30", &window, NULL), 0);
}

static void windows_are_written_as_they_were_read(void **state)
{
    (void)state;
    struct window window;
    char text[32], daily[16];
    assert_int_equal(window_parse_weekly("Sat:23:30-Sun:00:30", &window, NULL), 0);
    window_format_weekly(&window, text);
    assert_string_equal(text, "sat:23:30-sun:00:30");
    assert_int_equal(window_parse_daily("23:45-00:15", &window, NULL), 0);
    window_format_daily(&window, daily);
    assert_string_equal(daily, "23:45-00:15");
}

static void overlaps_are_seen_over_midnight_and_the_weeks_end(void **state)
{
    (void)state;
    struct window weekly, daily;
    window_parse_weekly("sat:23:30-sun:00:30", &weekly, NULL);
    window_parse_daily("00:00-00:30", &daily, NULL);
    assert_true(window_overlap(&weekly, &daily));
    window_parse_daily("00:30-01:00", &daily, NULL);
    assert_false(window_overlap(&weekly, &daily));
    window_parse_daily("23:00-23:30", &daily, NULL);
    assert_false(window_overlap(&weekly, &daily));
    window_parse_daily("23:45-00:15", &daily, NULL);
    assert_true(window_overlap(&weekly, &daily));
}

static void defaults_are_spread_and_do_not_overlap(void **state)
{
    (void)state;
    int days[7] = {0};
    for (int i = 0; i < 1000; i++) {
        char resource_id[40];
        struct window weekly, backup;
        snprintf(resource_id, sizeof resource_id, "db-%d", i);
        window_defaults("us-east-1", resource_id, &weekly, &backup);
        assert_false(window_overlap(&weekly, &backup));
        assert_int_equal(weekly.length, 30);
        int hour = weekly.start % (24 * 60) / 60;
        assert_true(hour >= 3 && hour < 11); /* us-east-1: 03:00-11:00 UTC */
        days[weekly.start / (24 * 60)]++;
    }
    for (int day = 0; day < 7; day++)
        assert_true(days[day] > 90); /* of 143 on average */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_window_is_found),
        cmocka_unit_test(malformed_windows_are_refused),
        cmocka_unit_test(windows_are_written_as_they_were_read),
        cmocka_unit_test(overlaps_are_seen_over_midnight_and_the_weeks_end),
        cmocka_unit_test(defaults_are_spread_and_do_not_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
