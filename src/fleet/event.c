#include "fleet/event.h"

#include "base/clock.h"
#include "base/text.h"
#include "fleet/name.h"

#include <stdarg.h>
#include <stdio.h>

int event_record(struct fleet *fleet, const struct instance_row *instance, const char *category,
                 struct error *error, const char *format, ...)
{
    struct event_row row = {.occurred_at = clock_now(), .source_type = "db-instance"};
    text_copy(row.region, sizeof row.region, instance->region);
    text_uuid(row.event_id);
    text_copy(row.source_identifier, sizeof row.source_identifier, instance->identifier);
    name_instance_arn(fleet->settings, instance->region, instance->identifier, row.source_arn);
    text_copy(row.category, sizeof row.category, category);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row.message, sizeof row.message, format, arguments);
    va_end(arguments);
    return store_event_insert(fleet->store, &row, error);
}

bool event_is_category(const char *category)
{
    static const char *const categories[] = {
        "availability",
        "backtrack",
        "backup",
        "configuration change",
        "creation",
        "deletion",
        "failover",
        "failure",
        "global-failover",
        "low storage",
        "maintenance",
        "migration",
        "notification",
        "patching",
        "recovery",
        "read replica",
        "restoration",
        "security",
        "security patching",
        "serverless",
    };
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++)
        if (text_equal_ignoring_case(category, categories[i]))
            return true;
    return false;
}

struct filtered {
    const struct event_filter *filter;
    event_visitor *visit;
    void *context;
};

static bool visit_filtered(const struct event_row *row, void *context)
{
    const struct filtered *filtered = context;
    const struct event_filter *filter = filtered->filter;
    if (filter->source_type && !text_equal(filter->source_type, row->source_type))
        return true;
    if (filter->source_identifier &&
        !text_equal_ignoring_case(filter->source_identifier, row->source_identifier))
        return true;
    if (filter->categories && filter->categories->count && !text_list_has(filter->categories, row->category))
        return true;
    return filtered->visit(row, filtered->context);
}

int event_list(struct fleet *fleet, const struct event_filter *filter, event_visitor *visit, void *context,
               struct error *error)
{
    struct filtered filtered = {filter, visit, context};
    return store_event_list(fleet->store, filter->region, filter->from, filter->to, visit_filtered, &filtered,
                            error);
}
