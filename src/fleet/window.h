/* Weekly maintenance windows and daily backup windows, UTC (RDS user guide, "Maintaining a DB instance"). */
#ifndef FLEET_WINDOW_H
#define FLEET_WINDOW_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct window {
    int start;  /* minutes since the start of the week (Sunday 00:00) or of the day */
    int length; /* minutes */
};

/* ddd:hh24:mi-ddd:hh24:mi, at least 30 minutes, at most 24 hours. InvalidParameterValue. */
int window_parse_weekly(const char *text, struct window *window, struct error *error);
/* hh24:mi-hh24:mi, at least 30 minutes. InvalidParameterValue. */
int window_parse_daily(const char *text, struct window *window, struct error *error);
void window_format_weekly(const struct window *window, char text[32]);
void window_format_daily(const struct window *window, char text[16]);

/* True when a daily window and a weekly one share a minute. */
bool window_overlap(const struct window *weekly, const struct window *daily);

/* The start of the window that is open at `now`, or of the next one. */
int64_t window_next(const struct window *weekly, int64_t now);

/* The default: 30 minutes within the region's block of eight hours, spread by the instance's resource id;
 * `backup` does not overlap. */
void window_defaults(const char *region, const char *resource_id, struct window *weekly,
                     struct window *backup);

#endif
