/* Events, as DescribeEvents answers them. */
#ifndef FLEET_EVENT_H
#define FLEET_EVENT_H

#include "fleet/fleet.h"

#define EVENT_AVAILABILITY  "availability"
#define EVENT_CONFIGURATION "configuration change"
#define EVENT_CREATION      "creation"
#define EVENT_DELETION      "deletion"
#define EVENT_FAILURE       "failure"
#define EVENT_MAINTENANCE   "maintenance"
#define EVENT_NOTIFICATION  "notification"

/* How long events are kept (RDS: 14 days). */
#define EVENT_LIFE (14 * CLOCK_DAY)

/* Records an event of a DB instance, within the caller's transaction. */
int event_record(struct fleet *fleet, const struct instance_row *instance, const char *category,
                 struct error *error, const char *format, ...) __attribute__((format(printf, 5, 6)));

struct event_filter {
    const char *region;
    const char *source_type;            /* NULL: any */
    const char *source_identifier;      /* NULL: any */
    int64_t from, to;                   /* ms, both included */
    const struct text_list *categories; /* empty: any */
};
/* True when `category` is one of RDS's event categories. */
bool event_is_category(const char *category);
int event_list(struct fleet *fleet, const struct event_filter *filter, event_visitor *visit, void *context,
               struct error *error);

#endif
