/* The one place that asks what time it is, and the texts of time that the protocols use. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z: what is stored and shown. */
int64_t clock_now(void);
/* Milliseconds of a clock that never jumps: for deadlines within a process. */
int64_t clock_steady(void);
/* Does nothing for a while. */
void clock_pause(int64_t milliseconds);
/* Guards clock_now() against a machine's clock that jumps. It is `known` (ms since 1970) or later; from now
 * on the machine's clock is believed only where it is at most 10 minutes behind and at most `ahead` ms before
 * the time that has passed steadily since. As long as it is not believed clock_now() goes on steadily from
 * the last moment when it was. Valid for this process and those it forks. `ahead` 0 ends it. */
void clock_guard(int64_t known, int64_t ahead);
/* True while the machine's clock is not believed. */
bool clock_doubted(void);
/* For tests: clock_now() answers real time plus `milliseconds` from now on. */
void clock_shift(int64_t milliseconds);
/* For tests: the machine's clock stands still at this moment, and no time passes for the guard but by the
 * next call; 0 lets it go on. clock_steady() goes on. */
void clock_stop(int64_t milliseconds);

#define CLOCK_SECOND INT64_C(1000)
#define CLOCK_MINUTE (60 * CLOCK_SECOND)
#define CLOCK_HOUR   (60 * CLOCK_MINUTE)
#define CLOCK_DAY    (24 * CLOCK_HOUR)

/* 2026-01-02T03:04:05.678Z, as RDS answers (ISO 8601, UTC). */
void clock_format(int64_t milliseconds, char target[32]);
/* 2026-01-02T03:04:05Z */
void clock_format_seconds(int64_t milliseconds, char target[32]);
/* Mon, 02 Jan 2026 03:04:05 GMT (RFC 9110 5.6.7) */
void clock_format_http(int64_t milliseconds, char target[32]);
/* ISO 8601 in UTC: with or without seconds, with or without a fraction, 'Z' at the end. False when it is
 * none. */
bool clock_parse(const char *text, int64_t *milliseconds);
/* RFC 9110 5.6.7 IMF-fixdate only. */
bool clock_parse_http(const char *text, int64_t *milliseconds);
/* 20260102T030405Z, the date of AWS Signature Version 4. */
bool clock_parse_basic(const char *text, int64_t *milliseconds);
void clock_format_basic(int64_t milliseconds, char target[32]);

#endif
