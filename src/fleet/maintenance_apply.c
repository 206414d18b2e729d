/* DescribePendingMaintenanceActions and ApplyPendingMaintenanceAction: what the actions are and what saying
 * yes does. */
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/event.h"
#include "fleet/instance_internal.h"
#include "fleet/maintenance.h"
#include "fleet/name.h"
#include "fleet/rotate.h"
#include "fleet/state.h"

#define OTHERWISE_CA "rds-ca-rsa2048-g1"

static void set_opt_in(struct instance_row *row, const char *action, const char *opt_in)
{
    json_t *actions = instance_json(&row->maintenance);
    json_t *each = json_object_get(actions, action);
    if (opt_in)
        json_object_set_new(each, "opt_in", json_string(opt_in));
    else
        json_object_del(each, "opt_in");
    instance_set_json(&row->maintenance, actions);
    json_decref(actions);
}

/* To which CA a retirement leads: the region's default, if that is another one. */
static int target_ca(struct fleet *fleet, const struct instance_row *row, char ca_identifier[32],
                     struct error *error)
{
    bool overridden;
    int result = authority_default(fleet, row->region, ca_identifier, &overridden, error);
    if (!result && text_equal(ca_identifier, row->ca_identifier))
        text_copy(ca_identifier, 32, OTHERWISE_CA);
    return result;
}

/* A change of CA waits for the window like one that ModifyDBInstance asked for. */
static int64_t pending_ca_moment(struct fleet *fleet, const struct instance_row *row)
{
    int64_t due = MOMENT_NEVER;
    json_t *pending = instance_json(&row->pending);
    if (json_object_get(pending, PENDING_CA))
        store_work_due(fleet->store, WORK_WINDOW, row->resource_id, &due, NULL);
    json_decref(pending);
    return due;
}

int maintenance_list(struct fleet *fleet, const struct instance_row *row, maintenance_visitor *visit,
                     void *context, struct error *error)
{
    struct rotation_plan plan;
    char target[32];
    int result = rotate_next(fleet, row, &plan, error);
    if (!result)
        result = target_ca(fleet, row, target, error);
    if (result)
        return result;
    json_t *actions = instance_json(&row->maintenance);
    const char *name;
    const json_t *value;
    json_object_foreach(actions, name, value)
    {
        bool renewal = text_equal(name, MAINTENANCE_RENEWAL);
        AUTO_FREE char *description =
            renewal ? mem_string("Rotation of the server certificate, which restarts the database")
                    : mem_format("Rotation to the certificate authority %s: %s is being retired", target,
                                 row->served_ca_identifier);
        const struct maintenance_action action = {
            .action = name,
            .description = description,
            .opt_in = json_string_value(json_object_get(value, "opt_in")),
            .automatic = renewal ? plan.automatic : MOMENT_NEVER,
            .forced = renewal ? plan.emergency : MOMENT_NEVER,
            .current = renewal ? plan.due : pending_ca_moment(fleet, row),
        };
        if (!visit(&action, context))
            break;
    }
    json_decref(actions);
    return 0;
}

static int find(struct fleet *fleet, const char *region, const char *arn, struct instance_row *row,
                struct error *error)
{
    char arn_region[32], identifier[64];
    int result = name_parse_instance_arn(fleet->settings, arn, arn_region, identifier, error);
    if (!result && text_equal(region, arn_region))
        result = instance_read(fleet, region, identifier, row, error);
    else if (!result)
        result = ERROR_NOT_FOUND;
    if (result == ERROR_NOT_FOUND)
        return error_set_named(error, ERROR_NOT_FOUND, "ResourceNotFoundFault", "DB instance not found: %s",
                               arn);
    return result;
}

static void drop_pending_ca(struct instance_row *row)
{
    json_t *pending = instance_json(&row->pending);
    json_object_del(pending, PENDING_CA);
    json_object_del(pending, PENDING_RESTART);
    instance_set_json(&row->pending, pending);
    json_decref(pending);
}

/* That alone, whatever else waits for the window. */
static int move_now(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    char ca[32];
    const char *next = state_next(row->status, ACTION_MODIFY);
    int result = target_ca(fleet, row, ca, error);
    if (!result)
        result = instance_move_ca(fleet, row, ca, "maintenance", error);
    if (result)
        return result;
    maintenance_drop(row, MAINTENANCE_CA);
    drop_pending_ca(row);
    text_copy(row->status, sizeof row->status, next);
    return instance_write_desired(fleet, row, error);
}

static int move_in_window(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    char ca[32];
    int result = target_ca(fleet, row, ca, error);
    if (result)
        return result;
    const struct instance_modify modify = {
        .region = row->region,
        .identifier = row->identifier,
        .allocated_storage = -1,
        .port = -1,
        .rotation_restart = -1,
        .deletion_protection = -1,
        .ca_identifier = ca,
    };
    return instance_modify_row(fleet, &modify, row, error);
}

static int schedule(struct fleet *fleet, struct instance_row *row, const char *action, const char *opt_in,
                    struct error *error)
{
    bool undo = text_equal(opt_in, "undo-opt-in");
    set_opt_in(row, action, undo ? NULL : opt_in);
    if (text_equal(action, MAINTENANCE_CA) && !undo)
        return move_in_window(fleet, row, error);
    if (text_equal(action, MAINTENANCE_CA))
        drop_pending_ca(row);
    int result = store_instance_update(fleet->store, row, error);
    if (!result && !undo) /* only renewals come here, and they restart the engine */
        result =
            event_record(fleet, row, EVENT_ROTATION_SCHEDULED, error,
                         "Sealwright has scheduled a server certificate rotation for DB instance during the "
                         "next maintenance window. This maintenance will require a database reboot.");
    return result ? result : rotate_schedule(fleet, row, error);
}

static int apply_now(struct fleet *fleet, struct instance_row *row, const char *action, struct error *error)
{
    const char *next;
    int result = state_check(row->identifier, row->status, ACTION_MODIFY, &next, error);
    if (result)
        return result;
    row->rotation_after = 0;
    if (text_equal(action, MAINTENANCE_RENEWAL))
        return rotate_start(fleet, row, "maintenance", error);
    return move_now(fleet, row, error);
}

static int apply(struct fleet *fleet, const char *action, const char *opt_in, struct instance_row *row,
                 struct error *error)
{
    bool immediate = text_equal(opt_in, "immediate");
    if (!immediate && !text_equal(opt_in, "next-maintenance") && !text_equal(opt_in, "undo-opt-in"))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Invalid OptInType %s: immediate, next-maintenance or undo-opt-in.", opt_in);
    if (!maintenance_is_raised(row, action))
        return error_set_named(error, ERROR_NOT_FOUND, "ResourceNotFoundFault",
                               "There is no pending maintenance action %s for DB instance %s.", action,
                               row->identifier);
    return immediate ? apply_now(fleet, row, action, error) : schedule(fleet, row, action, opt_in, error);
}

int maintenance_apply(struct fleet *fleet, const char *region, const char *arn, const char *action,
                      const char *opt_in, struct instance_row *row, struct error *error)
{
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = find(fleet, region, arn, row, error);
    if (!result)
        result = apply(fleet, action, opt_in, row, error);
    return store_finish(fleet->store, result, error);
}
