/* Events, as DescribeEvents answers them. */
#ifndef FLEET_EVENT_H
#define FLEET_EVENT_H

#include "fleet/fleet.h"

#include <stdio.h>

/* How long events are kept (RDS: 14 days). */
#define EVENT_LIFE (14 * CLOCK_DAY)

/* What happens to DB instances and parameter groups. Codes are RDS's where it documents one (user guide,
 * "Amazon RDS event categories and event messages"), else our own. */
enum event_kind {
    EVENT_CREATED,
    EVENT_DELETED,
    EVENT_RESTARTED,
    EVENT_STOPPED,
    EVENT_STARTED,
    EVENT_CREDENTIALS_RESET,
    EVENT_ROTATION_REQUIRED, /* a pending maintenance action was raised */
    EVENT_ROTATION_SCHEDULED,
    EVENT_RENAMED,
    EVENT_FAILED,
    EVENT_REPORTED, /* in the agent's words and category */
    EVENT_ADOPTED,
    EVENT_RELEASED,
    EVENT_ROTATION_STARTED,
    EVENT_ROTATED,
    EVENT_ROTATION_QUESTIONED, /* kept, though some clients refused it */
    EVENT_ROTATION_UNDONE,
    EVENT_ROTATION_LATE, /* the host did not carry it out yet */
    EVENT_CHANGE_SCHEDULED,
    EVENT_EXPIRY,
    EVENT_CA_RETIRING,
    EVENT_REHEARSAL_STARTED,
    EVENT_REHEARSAL_ENDED,
    EVENT_PARAMETER_GROUP, /* an instance has another one */
    EVENT_PARAMETERS_APPLIED,
    EVENT_PARAMETER, /* of a group */
    EVENT_KIND_COUNT
};
/* RDS-EVENT-0005, SEALWRIGHT-EVENT-0101 */
const char *event_code(enum event_kind kind);
const char *event_category(enum event_kind kind);
/* The table in Markdown (docs/events.md). */
void event_print_markdown(FILE *out);

/* Records an event of a DB instance, within the caller's transaction, and its webhook where there is one. */
int event_record(struct fleet *fleet, const struct instance_row *instance, enum event_kind kind,
                 struct error *error, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for what is no DB instance. */
enum event_source_type { EVENT_OF_INSTANCE, EVENT_OF_PARAMETER_GROUP };
struct event_source {
    const char *region;
    enum event_source_type type;
    const char *identifier;
};
int event_record_of(struct fleet *fleet, const struct event_source *source, enum event_kind kind,
                    struct error *error, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same as event_record with another category than the kind's own: EVENT_REPORTED. */
int event_record_reported(struct fleet *fleet, const struct instance_row *instance, const char *category,
                          const char *message, struct error *error);

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
