/* What an agent reports becomes what callers see. */
#include "base/clock.h"
#include "base/text.h"
#include "fleet/event.h"
#include "fleet/host.h"
#include "fleet/instance_groups.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/rotate.h"
#include "fleet/state.h"

#include <stdio.h>
#include <string.h>

static int take_events(struct fleet *fleet, const struct observed_instance *observed,
                       struct instance_row *row, struct error *error)
{
    if (text_equal(row->last_report, observed->report_id))
        return 0;
    text_copy(row->last_report, sizeof row->last_report, observed->report_id);
    int result = 0;
    for (size_t i = 0; !result && i < observed->event_count; i++)
        result = event_record_reported(fleet, row, observed->events[i].category, observed->events[i].message,
                                       error);
    return result;
}

/* The values that the last change of its parameter group brought are in force now. */
static int record_parameters(struct fleet *fleet, int64_t before, const struct instance_row *row,
                             struct error *error)
{
    bool first = row->parameters_generation <= 1; /* it was made with them */
    if (first || row->observed_generation < row->parameters_generation ||
        before >= row->parameters_generation)
        return 0;
    return event_record(fleet, row, EVENT_PARAMETERS_APPLIED, error, "Finished updating DB parameter group.");
}

static void take_facts(const struct observed_instance *observed, struct instance_row *row)
{
    if (observed->port)
        row->port = observed->port;
    if (observed->engine_version[0])
        text_copy(row->engine_version, sizeof row->engine_version, observed->engine_version);
    row->started_at = observed->started_at;
    if (observed->generation > row->observed_generation)
        row->observed_generation = observed->generation;
    if (observed->restart > row->observed_restart)
        row->observed_restart = observed->restart;
    if (observed->password_generation > row->observed_password_generation)
        row->observed_password_generation = observed->password_generation;
    if (row->observed_password_generation >= row->password_generation)
        buf_wipe(&row->master_password);
    snprintf(row->problem, sizeof row->problem, "%s", observed->problem ? observed->problem : "");
}

/* The events of a state that was reached, in RDS's words (user guide, "Amazon RDS event categories and event
 * messages"). */
static int record_reached(struct fleet *fleet, const char *before, const struct instance_row *row,
                          struct error *error)
{
    if (text_equal(row->status, STATE_FAILED))
        return event_record(fleet, row, EVENT_FAILED, error, "The DB instance has failed: %s", row->problem);
    if (text_equal(before, STATE_CREATING))
        return instance_is_adopted(row)
                   ? event_record(fleet, row, EVENT_ADOPTED, error, "DB instance adopted")
                   : event_record(fleet, row, EVENT_CREATED, error, "DB instance created");
    if (text_equal(before, STATE_REBOOTING))
        return event_record(fleet, row, EVENT_RESTARTED, error, "DB instance restarted");
    if (text_equal(before, STATE_STARTING) ||
        (text_equal(before, STATE_STOPPED) && text_equal(row->status, STATE_AVAILABLE)))
        return event_record(fleet, row, EVENT_STARTED, error, "DB instance started");
    if (text_equal(row->status, STATE_STOPPED))
        return event_record(fleet, row, EVENT_STOPPED, error, "DB instance stopped");
    if (text_equal(before, STATE_RENAMING))
        return event_record(fleet, row, EVENT_RENAMED, error, "Renamed DB instance to %s", row->identifier);
    return 0;
}

static int take_state(struct fleet *fleet, const struct observed_instance *observed, struct instance_row *row,
                      struct error *error)
{
    if (observed->generation != row->generation || observed->state == OBSERVED_WORKING)
        return 0;
    enum state_action action = observed->state == OBSERVED_RUNNING   ? ACTION_REACHED_RUNNING
                               : observed->state == OBSERVED_STOPPED ? ACTION_REACHED_STOPPED
                                                                     : ACTION_REACHED_FAILED;
    const char *next = state_next(row->status, action);
    if (!next || text_equal(next, row->status))
        return 0;
    char before[sizeof row->status];
    text_copy(before, sizeof before, row->status);
    text_copy(row->status, sizeof row->status, next);
    return record_reached(fleet, before, row, error);
}

static int remove_instance(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    char arn[300];
    name_instance_arn(fleet->settings, row->region, row->identifier, arn);
    int result = instance_is_adopted(row)
                     ? event_record(fleet, row, EVENT_RELEASED, error, "DB instance released")
                     : event_record(fleet, row, EVENT_DELETED, error, "DB instance deleted");
    if (!result)
        result = store_tag_remove_all(fleet->store, arn, error);
    if (!result)
        result = store_work_remove(fleet->store, WORK_ROTATION, row->resource_id, error);
    if (!result)
        result = store_work_remove(fleet->store, WORK_GROUPS, row->resource_id, error);
    if (!result)
        result = store_instance_remove(fleet->store, row->resource_id, error);
    return result ? result : store_host_bump(fleet->store, row->host, error);
}

static int observe(struct fleet *fleet, const char *host, const struct observed_instance *observed,
                   struct instance_row *row, struct error *error)
{
    int result = store_instance_get_by_resource(fleet->store, observed->resource_id, row, error);
    if (result == ERROR_NOT_FOUND)
        return 0;
    if (!result && !text_equal(row->host, host))
        return error_set(error, ERROR_DENIED, "instance %s is not on host %s", observed->resource_id, host);
    if (!result)
        result = take_events(fleet, observed, row, error);
    if (result)
        return result;
    if (row->deleted && observed->state == OBSERVED_DELETED)
        return remove_instance(fleet, row, error);
    bool desired = false;
    int64_t generation = row->observed_generation;
    take_facts(observed, row);
    result = record_parameters(fleet, generation, row, error);
    if (!result)
        result = take_state(fleet, observed, row, error);
    if (!result)
        result = rotate_observe(fleet, observed, row, &desired, error);
    if (result)
        return result;
    return desired ? instance_write_desired(fleet, row, error)
                   : store_instance_update(fleet->store, row, error);
}

int host_observe(struct fleet *fleet, const char *host, const struct observed_instance *observed,
                 struct error *error)
{
    struct instance_row row = {0};
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = store_finish(fleet->store, observe(fleet, host, observed, &row, error), error);
    instance_row_free(&row);
    return result;
}
