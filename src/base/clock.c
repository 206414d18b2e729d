#include "base/clock.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define BELIEVED_BEHIND (10 * CLOCK_MINUTE)

static _Atomic int64_t shift; /* set by tests only */
/* By tests only: the moment at which the clock stands, and since when on CLOCK_BOOTTIME. 0: it goes. */
static _Atomic int64_t stopped_at, stopped_since;
/* The time that is believed, less the steady clock; and how far ahead of it the machine may be. 0: no guard.
 */
static _Atomic int64_t base, believed_ahead;

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t machine_now(void)
{
    int64_t stopped = atomic_load(&stopped_at);
    return stopped ? stopped : read_clock(CLOCK_REALTIME) + atomic_load(&shift);
}

/* A machine's sleep is no jump: CLOCK_BOOTTIME counts it. */
static int64_t time_passed(void)
{
    return atomic_load(&stopped_at) ? atomic_load(&stopped_since) : read_clock(CLOCK_BOOTTIME);
}

/* How far the machine's clock is from the time that is believed; that time. */
static int64_t distance(int64_t *believed)
{
    *believed = time_passed() + atomic_load(&base);
    return machine_now() - *believed;
}

static bool is_believed(int64_t off)
{
    return off >= -BELIEVED_BEHIND && off <= atomic_load(&believed_ahead);
}

int64_t clock_now(void)
{
    int64_t believed;
    if (!atomic_load(&believed_ahead))
        return machine_now();
    int64_t off = distance(&believed);
    if (!is_believed(off))
        return believed;
    atomic_fetch_add(&base, off);
    return believed + off;
}

void clock_guard(int64_t known, int64_t ahead)
{
    atomic_store(&base, known - time_passed());
    atomic_store(&believed_ahead, ahead);
}

bool clock_doubted(void)
{
    int64_t believed;
    return atomic_load(&believed_ahead) && !is_believed(distance(&believed));
}

int64_t clock_steady(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_pause(int64_t milliseconds)
{
    const struct timespec pause = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

void clock_shift(int64_t milliseconds)
{
    atomic_store(&shift, milliseconds);
}

void clock_stop(int64_t milliseconds)
{
    if (milliseconds && !atomic_load(&stopped_at))
        atomic_store(&stopped_since, read_clock(CLOCK_BOOTTIME));
    atomic_store(&stopped_at, milliseconds);
}

static struct tm broken_down(int64_t milliseconds)
{
    int64_t seconds = milliseconds / 1000 - (milliseconds % 1000 < 0);
    time_t when = (time_t)seconds;
    struct tm tm = {0};
    gmtime_r(&when, &tm);
    return tm;
}

void clock_format(int64_t milliseconds, char target[32])
{
    struct tm tm = broken_down(milliseconds);
    size_t length = strftime(target, 32, "%Y-%m-%dT%H:%M:%S", &tm);
    int fraction = (int)((milliseconds % 1000 + 1000) % 1000);
    snprintf(target + length, 32 - length, ".%03dZ", fraction);
}

void clock_format_seconds(int64_t milliseconds, char target[32])
{
    struct tm tm = broken_down(milliseconds);
    strftime(target, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void clock_format_http(int64_t milliseconds, char target[32])
{
    struct tm tm = broken_down(milliseconds);
    strftime(target, 32, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

void clock_format_basic(int64_t milliseconds, char target[32])
{
    struct tm tm = broken_down(milliseconds);
    strftime(target, 32, "%Y%m%dT%H%M%SZ", &tm);
}

/* Takes `tm` back to a time and refuses what timegm would have normalised (31 February, hour 25). */
static bool checked_time(struct tm tm, int64_t *milliseconds)
{
    struct tm given = tm;
    time_t when = timegm(&tm);
    if (tm.tm_mday != given.tm_mday || tm.tm_mon != given.tm_mon || tm.tm_hour != given.tm_hour ||
        tm.tm_min != given.tm_min || tm.tm_sec != given.tm_sec)
        return false;
    *milliseconds = (int64_t)when * 1000;
    return true;
}

/* Reads exactly `count` digits. */
static bool digits(const char **text, int count, int *value)
{
    *value = 0;
    for (int i = 0; i < count; i++, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return false;
        *value = *value * 10 + (**text - '0');
    }
    return true;
}

static bool literal(const char **text, char character)
{
    if (**text != character)
        return false;
    (*text)++;
    return true;
}

static bool date(const char **text, const char *separator, struct tm *tm)
{
    if (!digits(text, 4, &tm->tm_year) || (*separator && !literal(text, *separator)) ||
        !digits(text, 2, &tm->tm_mon) || (*separator && !literal(text, *separator)) ||
        !digits(text, 2, &tm->tm_mday))
        return false;
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return true;
}

bool clock_parse(const char *text, int64_t *milliseconds)
{
    struct tm tm = {0};
    int64_t fraction = 0;
    if (!date(&text, "-", &tm) || !literal(&text, 'T') || !digits(&text, 2, &tm.tm_hour) ||
        !literal(&text, ':') || !digits(&text, 2, &tm.tm_min))
        return false;
    if (literal(&text, ':') && !digits(&text, 2, &tm.tm_sec))
        return false;
    if (literal(&text, '.')) {
        int64_t unit = 100;
        if (!isdigit((unsigned char)*text))
            return false;
        for (; isdigit((unsigned char)*text); text++, unit /= 10)
            fraction += (*text - '0') * unit;
    }
    if (!literal(&text, 'Z') || *text || !checked_time(tm, milliseconds))
        return false;
    *milliseconds += fraction;
    return true;
}

bool clock_parse_basic(const char *text, int64_t *milliseconds)
{
    struct tm tm = {0};
    return date(&text, "", &tm) && literal(&text, 'T') && digits(&text, 2, &tm.tm_hour) &&
           digits(&text, 2, &tm.tm_min) && digits(&text, 2, &tm.tm_sec) && literal(&text, 'Z') && !*text &&
           checked_time(tm, milliseconds);
}

bool clock_parse_http(const char *text, int64_t *milliseconds)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    if (!end || *end || !checked_time(tm, milliseconds))
        return false;
    /* strptime is generous with spaces, case and day names; IMF-fixdate has one form. */
    char exact[32];
    clock_format_http(*milliseconds, exact);
    return strcmp(text, exact) == 0;
}
