#include "fleet/window.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { HOUR = 60, DAY = 24 * HOUR, WEEK = 7 * DAY };

static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static int day_of(const char *name)
{
    for (int i = 0; i < 7; i++)
        if (text_equal_ignoring_case(name, days[i]))
            return i;
    return -1;
}

static bool is_time(int hour, int minute)
{
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
}

int window_parse_weekly(const char *text, struct window *window, struct error *error)
{
    char from[4], to[4], extra;
    int h1, m1, h2, m2;
    if (strlen(text) != 19 ||
        sscanf(text, "%3[A-Za-z]:%2d:%2d-%3[A-Za-z]:%2d:%2d%c", from, &h1, &m1, to, &h2, &m2, &extra) != 6 ||
        day_of(from) < 0 || day_of(to) < 0 || !is_time(h1, m1) || !is_time(h2, m2))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Invalid maintenance window format: %s. Should be specified as a range "
                               "ddd:hh24:mi-ddd:hh24:mi (24H Clock UTC). Example: Sun:23:45-Mon:00:15",
                               text);
    window->start = day_of(from) * DAY + h1 * HOUR + m1;
    window->length = (day_of(to) * DAY + h2 * HOUR + m2 - window->start + WEEK) % WEEK;
    if (window->length < 30)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "The maintenance window must be at least 30 minutes.");
    if (window->length > DAY)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Maintenance window must be less than 24 hours.");
    return 0;
}

int window_parse_daily(const char *text, struct window *window, struct error *error)
{
    char extra;
    int h1, m1, h2, m2;
    if (strlen(text) != 11 || sscanf(text, "%2d:%2d-%2d:%2d%c", &h1, &m1, &h2, &m2, &extra) != 4 ||
        !is_time(h1, m1) || !is_time(h2, m2))
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterValue",
            "Invalid backup window format: %s. Should be specified as a range hh24:mi-hh24:mi (24H "
            "Clock UTC).",
            text);
    window->start = h1 * HOUR + m1;
    window->length = (h2 * HOUR + m2 - window->start + DAY) % DAY;
    if (window->length < 30)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "The backup window must be at least 30 minutes.");
    return 0;
}

void window_format_weekly(const struct window *window, char text[32])
{
    int end = (window->start + window->length) % WEEK;
    snprintf(text, 32, "%s:%02d:%02d-%s:%02d:%02d", days[window->start / DAY % 7], window->start % DAY / HOUR,
             window->start % HOUR, days[end / DAY % 7], end % DAY / HOUR, end % HOUR);
}

void window_format_daily(const struct window *window, char text[16])
{
    int end = (window->start + window->length) % DAY;
    snprintf(text, 16, "%02d:%02d-%02d:%02d", (window->start / HOUR) % 24, window->start % HOUR,
             (end / HOUR) % 24, end % HOUR);
}

bool window_overlap(const struct window *weekly, const struct window *daily)
{
    for (int day = -1; day <= 8; day++) {
        int start = day * DAY + daily->start;
        for (int turn = -WEEK; turn <= WEEK; turn += WEEK)
            if (start < weekly->start + turn + weekly->length && weekly->start + turn < start + daily->length)
                return true;
    }
    return false;
}

int64_t window_next(const struct window *weekly, int64_t now)
{
    /* 1970-01-04 was a Sunday. */
    int64_t origin = 3 * CLOCK_DAY + weekly->start * CLOCK_MINUTE;
    int64_t week = WEEK * CLOCK_MINUTE;
    int64_t weeks = (now - origin) / week;
    if ((now - origin) % week < 0)
        weeks--;
    int64_t last = origin + weeks * week;
    return now < last + weekly->length * CLOCK_MINUTE ? last : last + week;
}

/* The first hour (UTC) of the eight in which default windows lie: the user guide's table, by the region's
 * geography. */
static int block_of(const char *region)
{
    static const struct {
        const char *prefix;
        int hour;
    } blocks[] = {
        {"us-west-1", 6},
        {"us-west-2", 6},
        {"us-", 3},
        {"ca-", 3},
        {"sa-", 0},
        {"eu-", 21},
        {"af-", 21},
        {"me-", 21},
        {"ap-south-1", 6},
        {"ap-south-2", 6},
        {"ap-southeast-2", 12},
        {"ap-southeast-4", 12},
        {"ap-southeast-", 14},
        {"ap-northeast-", 13},
        {"ap-east-", 14},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++)
        if (text_starts_with(region, blocks[i].prefix))
            return blocks[i].hour;
    return 3;
}

void window_defaults(const char *region, const char *resource_id, struct window *weekly,
                     struct window *backup)
{
    uint64_t hash = text_hash(slice_text(resource_id));
    int first = block_of(region) * HOUR;
    int slot = (int)(hash % 15); /* half hours of the block, the last one for the backup's start */
    int day = (int)(hash / 15 % 7);
    weekly->start = (day * DAY + first + slot * 30) % WEEK;
    weekly->length = 30;
    backup->start = (first + (slot + 1) * 30) % DAY;
    backup->length = 30;
}
