/* fleet/rotation: when a server certificate is rotated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/text.h"
#include "fleet/rotation.h"

#include <stdio.h>
#include <string.h>

#define NONE   0
#define HALF   UINT64_C(0x80000) /* of the range that is spread over */
#define LATEST UINT64_C(0xfffff)

static int64_t at(const char *text)
{
    int64_t when = 0;
    if (!clock_parse(text, &when))
        fail_msg("%s is no time", text);
    return when;
}

static void assert_moment(size_t row, const char *expected, int64_t found)
{
    char text[32] = "never";
    if (found != MOMENT_NEVER)
        clock_format_seconds(found, text);
    if (!text_equal(text, expected))
        fail_msg("row %zu: expected %s, found %s", row, expected, text);
}

static struct window window_of(const char *text)
{
    struct window window;
    assert_int_equal(window_parse_weekly(text, &window, NULL), 0);
    return window;
}

/* ModifyDBInstance with a CA, asked for at `now`. 2026-11-23 is a Monday. `restart`:
 * CertificateRotationRestart, -1 absent. "never": with the next restart. */
static const struct {
    const char *window;
    uint64_t spread;
    bool immediately;
    int restart;
    bool reloads;
    const char *now, *expected;
} changes[] = {
    /* ApplyImmediately, whatever the window. */
    {"tue:03:00-tue:03:30", NONE, true, -1, true, "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"},
    {"tue:03:00-tue:03:30", LATEST, true, -1, true, "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"},
    {"tue:03:00-tue:03:30", NONE, true, 1, true, "2026-11-24T03:10:00Z", "2026-11-24T03:10:00Z"},
    {"tue:03:00-tue:03:30", NONE, true, 0, true, "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"},
    {"tue:03:00-tue:03:30", NONE, true, -1, false, "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"},
    {"tue:03:00-tue:03:30", NONE, true, 1, false, "2026-11-23T12:00:00Z", "2026-11-23T12:00:00Z"},
    /* An engine that must restart, and is not to: with its next restart. */
    {"tue:03:00-tue:03:30", NONE, true, 0, false, "2026-11-23T12:00:00Z", "never"},
    {"tue:03:00-tue:03:30", NONE, false, 0, false, "2026-11-23T12:00:00Z", "never"},
    {"tue:03:00-tue:03:30", NONE, false, 0, false, "2026-11-24T03:10:00Z", "never"},
    /* In the window: its start, or as far into it as the instance's own number says. */
    {"tue:03:00-tue:03:30", NONE, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-24T03:00:00Z"},
    {"tue:03:00-tue:03:30", HALF, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-24T03:12:30Z"},
    {"tue:03:00-tue:03:30", LATEST, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-24T03:24:59Z"},
    {"tue:03:00-tue:03:30", NONE, false, 1, true, "2026-11-23T12:00:00Z", "2026-11-24T03:00:00Z"},
    {"tue:03:00-tue:03:30", NONE, false, 0, true, "2026-11-23T12:00:00Z", "2026-11-24T03:00:00Z"},
    {"tue:03:00-tue:03:30", NONE, false, -1, false, "2026-11-23T12:00:00Z", "2026-11-24T03:00:00Z"},
    {"tue:03:00-tue:03:30", HALF, false, 1, false, "2026-11-23T12:00:00Z", "2026-11-24T03:12:30Z"},
    /* One that is open: at once. One that has just closed: in a week. */
    {"tue:03:00-tue:03:30", NONE, false, -1, true, "2026-11-24T03:00:00Z", "2026-11-24T03:00:00Z"},
    {"tue:03:00-tue:03:30", LATEST, false, -1, true, "2026-11-24T03:10:00Z", "2026-11-24T03:10:00Z"},
    {"tue:03:00-tue:03:30", NONE, false, -1, true, "2026-11-24T03:29:59Z", "2026-11-24T03:29:59Z"},
    {"tue:03:00-tue:03:30", NONE, false, -1, true, "2026-11-24T03:30:00Z", "2026-12-01T03:00:00Z"},
    {"tue:03:00-tue:03:30", HALF, false, -1, false, "2026-11-24T03:30:00Z", "2026-12-01T03:12:30Z"},
    /* Over midnight, and over the week's end. */
    {"mon:23:45-tue:00:15", NONE, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-23T23:45:00Z"},
    {"mon:23:45-tue:00:15", HALF, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-23T23:57:30Z"},
    {"mon:23:45-tue:00:15", LATEST, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-24T00:09:59Z"},
    {"mon:23:45-tue:00:15", LATEST, false, -1, true, "2026-11-24T00:05:00Z", "2026-11-24T00:05:00Z"},
    {"sat:23:30-sun:00:30", NONE, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-28T23:30:00Z"},
    {"sat:23:30-sun:00:30", LATEST, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-29T00:24:59Z"},
    {"sat:23:30-sun:00:30", NONE, false, -1, true, "2026-11-29T00:29:59Z", "2026-11-29T00:29:59Z"},
    {"sat:23:30-sun:00:30", NONE, false, -1, true, "2026-11-29T00:30:00Z", "2026-12-05T23:30:00Z"},
    {"sun:23:45-mon:00:15", HALF, false, 0, true, "2026-11-23T00:15:00Z", "2026-11-29T23:57:30Z"},
    /* Leap days, and the year's end. 2028-02-29 is a Tuesday; 2100 has none. */
    {"tue:03:00-tue:03:30", NONE, false, -1, true, "2028-02-28T12:00:00Z", "2028-02-29T03:00:00Z"},
    {"tue:03:00-tue:03:30", NONE, false, -1, true, "2028-02-22T04:00:00Z", "2028-02-29T03:00:00Z"},
    {"tue:23:45-wed:00:15", LATEST, false, -1, true, "2028-02-29T12:00:00Z", "2028-03-01T00:09:59Z"},
    {"wed:03:00-wed:03:30", NONE, false, -1, true, "2028-02-29T04:00:00Z", "2028-03-01T03:00:00Z"},
    {"mon:03:00-mon:03:30", NONE, false, -1, true, "2100-02-28T12:00:00Z", "2100-03-01T03:00:00Z"},
    {"thu:23:45-fri:00:15", HALF, false, -1, true, "2026-12-31T12:00:00Z", "2026-12-31T23:57:30Z"},
    /* A window of a day. */
    {"wed:12:00-thu:12:00", HALF, false, -1, true, "2026-11-23T12:00:00Z", "2026-11-25T23:57:30Z"},
};

static void a_change_takes_effect_when_the_guide_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const struct rotation_facts facts = {.reloads = changes[i].reloads,
                                             .window = window_of(changes[i].window),
                                             .spread = changes[i].spread};
        assert_moment(
            i, changes[i].expected,
            rotation_change_moment(&facts, changes[i].immediately, changes[i].restart, at(changes[i].now)));
    }
}

/* Renewals, seen at `now`, of a certificate issued on 2026-01-01 and good for `days`. */
static const struct {
    int days;
    bool rotates, reloads, opted_in;
    const char *after, *bridge_ends; /* NULL: none */
    const char *now, *expected;
    enum rotation_reason reason;
} renewals[] = {
    /* A year: half of it ends on 2026-07-02 12:00, a Thursday; the window is on Tuesdays. */
    {365, true, true, false, NULL, NULL, "2026-01-02T00:00:00Z", "2026-07-07T03:00:00Z", ROTATION_RENEWAL},
    {365, true, true, false, NULL, NULL, "2026-07-02T12:00:00Z", "2026-07-07T03:00:00Z", ROTATION_RENEWAL},
    {365, true, true, false, NULL, NULL, "2026-07-07T03:10:00Z", "2026-07-07T03:10:00Z", ROTATION_RENEWAL},
    {365, true, true, false, NULL, NULL, "2026-07-07T03:30:00Z", "2026-07-14T03:00:00Z", ROTATION_RENEWAL},
    /* With 15 % left, 2026-11-07 06:00, it does not wait for a window any more. */
    {365, true, true, false, NULL, NULL, "2026-11-06T00:00:00Z", "2026-11-07T06:00:00Z", ROTATION_EMERGENCY},
    {365, true, true, false, NULL, NULL, "2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z", ROTATION_EMERGENCY},
    /* After an undone rotation it pauses. */
    {365, true, true, false, "2026-08-01T00:00:00Z", NULL, "2026-07-08T00:00:00Z", "2026-08-04T03:00:00Z",
     ROTATION_RENEWAL},
    {365, true, true, false, "2026-12-20T00:00:00Z", NULL, "2026-12-19T00:00:00Z", "2026-12-20T00:00:00Z",
     ROTATION_EMERGENCY},
    /* rds-ca-2019 is never rotated by itself. */
    {365, false, true, false, NULL, NULL, "2026-12-30T00:00:00Z", "never", ROTATION_NONE},
    {1095, false, false, true, NULL, NULL, "2028-12-30T00:00:00Z", "never", ROTATION_NONE},
    /* Three years with a restart: asked for from the half on (2027-07-02 12:00), unasked in a window of the
     * last 90 days (from 2028-10-02), without a window with 45 days left. */
    {1095, true, false, false, NULL, NULL, "2026-06-01T00:00:00Z", "2028-10-03T03:00:00Z", ROTATION_RENEWAL},
    {1095, true, false, true, NULL, NULL, "2027-07-03T00:00:00Z", "2027-07-06T03:00:00Z", ROTATION_RENEWAL},
    {1095, true, false, false, NULL, NULL, "2028-11-15T00:00:00Z", "2028-11-16T00:00:00Z",
     ROTATION_EMERGENCY},
    /* A bridge that is about to end: in a window of its last 14 days, a day before its end at the latest. */
    {365, true, true, false, NULL, "2026-03-20T00:00:00Z", "2026-01-02T00:00:00Z", "2026-03-10T03:00:00Z",
     ROTATION_BRIDGE},
    {365, true, true, false, NULL, "2026-03-20T00:00:00Z", "2026-03-18T00:00:00Z", "2026-03-19T00:00:00Z",
     ROTATION_BRIDGE},
    {365, false, true, false, NULL, "2026-03-20T00:00:00Z", "2026-03-19T12:00:00Z", "2026-03-19T12:00:00Z",
     ROTATION_BRIDGE},
    /* A rehearsal with lives of minutes: no window comes in time. */
    {0, true, true, false, NULL, NULL, "2026-01-01T00:00:10Z", "2026-01-01T00:04:15Z", ROTATION_EMERGENCY},
};

static void a_renewal_is_due_at_half_of_the_life_in_the_window(void **state)
{
    struct settings *settings = *state;
    for (size_t i = 0; i < sizeof renewals / sizeof renewals[0]; i++) {
        int64_t issued = at("2026-01-01T00:00:00Z");
        int64_t life = renewals[i].days ? renewals[i].days * CLOCK_DAY : 5 * CLOCK_MINUTE;
        struct rotation_plan plan;
        const struct rotation_facts facts = {
            .rotates = renewals[i].rotates,
            .reloads = renewals[i].reloads,
            .opted_in = renewals[i].opted_in,
            .issued_at = issued,
            .not_after = issued + life,
            .after = renewals[i].after ? at(renewals[i].after) : 0,
            .bridge_ends = renewals[i].bridge_ends ? at(renewals[i].bridge_ends) : MOMENT_NEVER,
            .window = window_of("tue:03:00-tue:03:30"),
        };
        rotation_plan(settings, &facts, at(renewals[i].now), &plan);
        assert_moment(i, renewals[i].expected, plan.due);
        assert_int_equal(plan.reason, renewals[i].reason);
    }
}

static void a_fleet_is_spread(void **state)
{
    struct settings *settings = *state;
    int64_t issued = at("2026-01-01T00:00:00Z"), first = MOMENT_NEVER, last = 0;
    for (int i = 0; i < 1000; i++) {
        char id[16];
        snprintf(id, sizeof id, "db-%d", i);
        struct rotation_facts facts = {.rotates = true,
                                       .reloads = true,
                                       .issued_at = issued,
                                       .not_after = issued + 365 * CLOCK_DAY,
                                       .bridge_ends = MOMENT_NEVER,
                                       .window = window_of("tue:03:00-tue:03:30"),
                                       .spread = rotation_spread(id)};
        struct rotation_plan plan;
        rotation_plan(settings, &facts, issued, &plan);
        first = plan.due < first ? plan.due : first;
        last = plan.due > last ? plan.due : last;
        assert_true(plan.due % (7 * CLOCK_DAY) / CLOCK_MINUTE >= 5 * 24 * 60 + 180); /* a Tuesday, 03:00 */
        assert_true(plan.due % (7 * CLOCK_DAY) / CLOCK_MINUTE < 5 * 24 * 60 + 210);
    }
    assert_true(last - first >= 28 * CLOCK_DAY); /* of the 36 that are 10 % of the life */
    assert_true(last < issued + 365 * CLOCK_DAY * 85 / 100);
}

static void pending_maintenance_is_raised_at_half_and_applied_before_the_end(void **state)
{
    struct settings *settings = *state;
    int64_t issued = at("2026-01-01T00:00:00Z");
    const struct rotation_facts facts = {.rotates = true,
                                         .issued_at = issued,
                                         .not_after = issued + 1095 * CLOCK_DAY,
                                         .bridge_ends = MOMENT_NEVER,
                                         .window = window_of("tue:03:00-tue:03:30")};
    struct rotation_plan plan;
    rotation_plan(settings, &facts, issued, &plan);
    assert_moment(0, "2027-07-02T12:00:00Z", plan.raised);
    assert_moment(1, "2028-10-02T00:00:00Z", plan.automatic);
    assert_moment(2, "2028-11-16T00:00:00Z", plan.emergency);
}

static void warnings_come_once_each(void **state)
{
    (void)state;
    int64_t end = at("2027-01-01T00:00:00Z"), next;
    struct rotation_facts facts = {.issued_at = at("2026-01-01T00:00:00Z"), .not_after = end};
    assert_int_equal(rotation_reminder(&facts, 0, end - 91 * CLOCK_DAY, &next), 0);
    assert_true(next == end - 90 * CLOCK_DAY);
    assert_int_equal(rotation_reminder(&facts, 0, end - 90 * CLOCK_DAY, &next), 90);
    assert_int_equal(rotation_reminder(&facts, 90, end - 89 * CLOCK_DAY, &next), 0);
    assert_true(next == end - 30 * CLOCK_DAY);
    assert_int_equal(rotation_reminder(&facts, 0, end - 5 * CLOCK_DAY, &next), 7); /* the nearest alone */
    assert_int_equal(rotation_reminder(&facts, 7, end - 1 * CLOCK_DAY, &next), 1);
    assert_int_equal(rotation_reminder(&facts, 1, end + CLOCK_DAY, &next), 0);
    assert_true(next == MOMENT_NEVER);
    facts.rotates = true; /* warned only when the renewal did not come */
    assert_int_equal(rotation_reminder(&facts, 0, end - 60 * CLOCK_DAY, &next), 0);
    facts.issued_at = end - 5 * CLOCK_MINUTE; /* of lives of minutes nobody is warned */
    assert_int_equal(rotation_reminder(&facts, 0, end - CLOCK_MINUTE, &next), 0);
    assert_true(next == MOMENT_NEVER);
}

static void lives_are_calendar_years_or_what_the_settings_say(void **state)
{
    struct settings *settings = *state;
    int64_t from = at("2028-02-29T12:00:00Z");
    assert_moment(0, "2029-03-01T12:00:00Z", rotation_end_of_life(settings, true, from, from));
    assert_moment(1, "2031-03-01T12:00:00Z", rotation_end_of_life(settings, false, from, from));
    settings->server_certificate_seconds = 300;
    assert_moment(2, "2028-02-29T12:05:00Z", rotation_end_of_life(settings, true, from - CLOCK_HOUR, from));
    assert_moment(3, "2031-03-01T12:00:00Z", rotation_end_of_life(settings, false, from, from));
    settings->server_certificate_seconds = 0;
}

static void pauses_double_and_leave_half_of_what_is_left(void **state)
{
    struct settings *settings = *state;
    int64_t now = at("2026-01-01T00:00:00Z"), far = now + 300 * CLOCK_DAY;
    assert_true(rotation_pause_until(settings, 1, far, now) == now + CLOCK_DAY);
    assert_true(rotation_pause_until(settings, 2, far, now) == now + 2 * CLOCK_DAY);
    assert_true(rotation_pause_until(settings, 9, far, now) <= now + 14 * CLOCK_DAY);
    assert_true(rotation_pause_until(settings, 3, now + CLOCK_DAY, now) == now + CLOCK_DAY / 2);
    assert_true(rotation_pause_until(settings, 3, now - CLOCK_DAY, now) == now);
}

static int make_settings(void **state)
{
    static struct settings settings;
    settings_defaults(&settings, "/nowhere");
    *state = &settings;
    return 0;
}

static int free_settings(void **state)
{
    settings_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_takes_effect_when_the_guide_says),
        cmocka_unit_test(a_renewal_is_due_at_half_of_the_life_in_the_window),
        cmocka_unit_test(a_fleet_is_spread),
        cmocka_unit_test(pending_maintenance_is_raised_at_half_and_applied_before_the_end),
        cmocka_unit_test(warnings_come_once_each),
        cmocka_unit_test(lives_are_calendar_years_or_what_the_settings_say),
        cmocka_unit_test(pauses_double_and_leave_half_of_what_is_left),
    };
    return cmocka_run_group_tests(tests, make_settings, free_settings);
}
