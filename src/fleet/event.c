#include "fleet/event.h"

#include "base/clock.h"
#include "base/text.h"
#include "fleet/name.h"
#include "fleet/webhook.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *code, *category, *what;
} kinds[] = {
    [EVENT_CREATED] = {"RDS-EVENT-0005", "creation", "DB instance created."},
    [EVENT_DELETED] = {"RDS-EVENT-0003", "deletion", "DB instance deleted."},
    [EVENT_RESTARTED] = {"RDS-EVENT-0006", "availability", "DB instance restarted."},
    [EVENT_STOPPED] = {"RDS-EVENT-0087", "notification", "DB instance stopped."},
    [EVENT_STARTED] = {"RDS-EVENT-0088", "notification", "DB instance started."},
    [EVENT_CREDENTIALS_RESET] = {"RDS-EVENT-0016", "configuration change",
                                 "The master user's password was set anew."},
    [EVENT_ROTATION_REQUIRED] =
        {"RDS-EVENT-0501", "maintenance",
         "The server certificate requires rotation through a pending maintenance action."},
    [EVENT_ROTATION_SCHEDULED] =
        {"RDS-EVENT-0502", "maintenance",
         "A rotation that restarts the database is scheduled for the next maintenance "
         "window."},
    [EVENT_RENAMED] = {"SEALWRIGHT-EVENT-0001", "configuration change", "DB instance renamed."},
    [EVENT_FAILED] = {"SEALWRIGHT-EVENT-0002", "failure", "DB instance failed."},
    [EVENT_REPORTED] = {"SEALWRIGHT-EVENT-0003", "(the agent says)",
                        "What the agent found and mended on its host."},
    [EVENT_ADOPTED] =
        {"SEALWRIGHT-EVENT-0004", "creation",
         "A server that was there before was adopted: it serves a certificate of Sealwright's."},
    [EVENT_RELEASED] = {"SEALWRIGHT-EVENT-0005", "deletion",
                        "An adopted server was released: it serves what it did before."},
    [EVENT_ROTATION_STARTED] = {"SEALWRIGHT-EVENT-0101", "maintenance", "A rotation was started by itself."},
    [EVENT_ROTATED] = {"SEALWRIGHT-EVENT-0102", "maintenance",
                       "A new server certificate is served, seen on the wire."},
    [EVENT_ROTATION_QUESTIONED] =
        {"SEALWRIGHT-EVENT-0103", "notification",
         "The guard's time is over: the certificate stays, though clients refused it."},
    [EVENT_ROTATION_UNDONE] = {"SEALWRIGHT-EVENT-0104", "failure",
                               "Clients refused the new certificate and the one before it was put back."},
    [EVENT_ROTATION_LATE] = {"SEALWRIGHT-EVENT-0105", "failure",
                             "A rotation was started and its host has not carried it out."},
    [EVENT_CHANGE_SCHEDULED] = {"SEALWRIGHT-EVENT-0106", "maintenance",
                                "A change of CA waits for the maintenance window or the next restart."},
    [EVENT_EXPIRY] = {"SEALWRIGHT-EVENT-0107", "notification",
                      "The server certificate expires in 90 (rds-ca-2019), 30, 7 or 1 days."},
    [EVENT_CA_RETIRING] =
        {"SEALWRIGHT-EVENT-0108", "maintenance",
         "The instance's CA is being retired: a pending maintenance action moves it to another."},
    [EVENT_REHEARSAL_STARTED] = {"SEALWRIGHT-EVENT-0109", "notification",
                                 "Another CA's certificate is served for a while."},
    [EVENT_REHEARSAL_ENDED] =
        {"SEALWRIGHT-EVENT-0110", "notification",
         "The certificate from before the rehearsal serves again; who refused the other."},
    [EVENT_PARAMETER_GROUP] = {"RDS-EVENT-0011", "configuration change",
                               "The DB instance has another parameter group."},
    [EVENT_PARAMETERS_APPLIED] = {"RDS-EVENT-0092", "configuration change",
                                  "Values of the parameter group have come into force."},
    [EVENT_PARAMETER] = {"RDS-EVENT-0037", "configuration change",
                         "A parameter of a parameter group was set or reset."},
};
_Static_assert(sizeof kinds / sizeof kinds[0] == EVENT_KIND_COUNT, "every kind has a row");

const char *event_code(enum event_kind kind)
{
    return kinds[kind].code;
}

const char *event_category(enum event_kind kind)
{
    return kinds[kind].category;
}

void event_print_markdown(FILE *out)
{
    fprintf(out, "| code | category | what happened |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < EVENT_KIND_COUNT; i++)
        fprintf(out, "| %s | %s | %s |\n", kinds[i].code, kinds[i].category, kinds[i].what);
}

/* As RDS names them, and as ARNs do. */
static const struct {
    const char *name, *arn;
} source_types[] = {
    [EVENT_OF_INSTANCE] = {"db-instance", "db"},
    [EVENT_OF_PARAMETER_GROUP] = {"db-parameter-group", "pg"},
};

static int insert(struct fleet *fleet, const struct event_source *source, const char *code,
                  const char *category, struct event_row *row, struct error *error)
{
    row->occurred_at = clock_now();
    text_copy(row->source_type, sizeof row->source_type, source_types[source->type].name);
    text_copy(row->region, sizeof row->region, source->region);
    text_uuid(row->event_id);
    text_copy(row->source_identifier, sizeof row->source_identifier, source->identifier);
    name_arn(fleet->settings, source->region, source_types[source->type].arn, source->identifier,
             row->source_arn);
    text_copy(row->code, sizeof row->code, code);
    text_copy(row->category, sizeof row->category, category);
    int result = store_event_insert(fleet->store, row, error);
    return result ? result : webhook_plan(fleet, row, error);
}

int event_record(struct fleet *fleet, const struct instance_row *instance, enum event_kind kind,
                 struct error *error, const char *format, ...)
{
    struct event_row row = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row.message, sizeof row.message, format, arguments);
    va_end(arguments);
    struct event_source source = {instance->region, EVENT_OF_INSTANCE, instance->identifier};
    return insert(fleet, &source, kinds[kind].code, kinds[kind].category, &row, error);
}

int event_record_of(struct fleet *fleet, const struct event_source *source, enum event_kind kind,
                    struct error *error, const char *format, ...)
{
    struct event_row row = {0};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row.message, sizeof row.message, format, arguments);
    va_end(arguments);
    return insert(fleet, source, kinds[kind].code, kinds[kind].category, &row, error);
}

int event_record_reported(struct fleet *fleet, const struct instance_row *instance, const char *category,
                          const char *message, struct error *error)
{
    struct event_row row = {0};
    snprintf(row.message, sizeof row.message, "%s", message);
    struct event_source source = {instance->region, EVENT_OF_INSTANCE, instance->identifier};
    return insert(fleet, &source, kinds[EVENT_REPORTED].code, category, &row, error);
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
