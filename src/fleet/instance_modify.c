/* ModifyDBInstance, and what a maintenance window applies.
 *
 * A change either takes effect at once or is kept in `pending` (PendingModifiedValues) until the window;
 * ApplyImmediately also applies what was pending before (RDS user guide, "Using the schedule modifications
 * setting"). */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/event.h"
#include "fleet/instance_groups.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/rotate.h"
#include "fleet/rotation.h"
#include "fleet/state.h"

#include <string.h>

/* What has changed so far in one call. */
struct change {
    struct fleet *fleet;
    struct instance_row *row;
    json_t *pending;
    bool desired; /* something that the agent must carry out */
    bool renamed;
    bool password;
    bool restarts; /* the engine is restarted for another reason */
};

static int check_version(const struct instance_row *row, const char *wanted, struct error *error)
{
    size_t length = wanted ? strlen(wanted) : 0;
    if (!wanted || text_equal(wanted, row->engine_version) ||
        (strncmp(wanted, row->engine_version, length) == 0 && row->engine_version[length] == '.'))
        return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                           "Cannot upgrade %s from %s to %s", row->engine, row->engine_version, wanted);
}

static int check_sizes(const struct instance_modify *input, const struct instance_row *row,
                       struct error *error)
{
    if (input->allocated_storage >= 0 && instance_check_storage(input->allocated_storage, error))
        return (int)error->code;
    if (input->allocated_storage >= 0 && input->allocated_storage < row->allocated_storage)
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterCombination",
            "Invalid storage size for modifying: %lld GiB is less than the current %lld GiB.",
            (long long)input->allocated_storage, (long long)row->allocated_storage);
    if (input->instance_class && instance_check_class(input->instance_class, error))
        return (int)error->code;
    return input->port >= 0 ? instance_check_port(catalogue_engine(row->engine), input->port, error) : 0;
}

static int check(const struct instance_modify *input, const struct instance_row *row, struct error *error)
{
    if (input->rotation_restart >= 0 && !input->ca_identifier)
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterCombination",
            "CACertificateIdentifier is required to use the NoCertificateRotationRestart option.");
    int result = instance_check_adopted_modify(input, row, error);
    if (!result)
        result = check_version(row, input->engine_version, error);
    if (!result)
        result = check_sizes(input, row, error);
    if (!result && input->master_password)
        result = instance_check_password(catalogue_engine(row->engine), input->master_password, error);
    if (!result)
        result = instance_check_license(catalogue_engine(row->engine), input->kept_deferred, error);
    if (!result)
        result = instance_check_windows(
            input->maintenance_window ? input->maintenance_window : row->maintenance_window,
            input->backup_window ? input->backup_window : row->backup_window, error);
    return result;
}

/* The members that always take effect at once. */
static int apply_at_once(struct change *change, const struct instance_modify *input, struct error *error)
{
    struct instance_row *row = change->row;
    int result = 0;
    if (input->maintenance_window) {
        text_copy(row->maintenance_window, sizeof row->maintenance_window, input->maintenance_window);
        text_lower(row->maintenance_window);
    }
    if (input->backup_window)
        text_copy(row->backup_window, sizeof row->backup_window, input->backup_window);
    if (input->deletion_protection >= 0)
        row->deletion_protection = input->deletion_protection;
    if (input->kept && json_object_size(input->kept)) {
        json_t *attributes = instance_json(&row->attributes);
        json_t *kept = json_deep_copy(input->kept);
        json_object_update(attributes, kept);
        json_decref(kept);
        instance_set_json(&row->attributes, attributes);
        json_decref(attributes);
    }
    if (input->master_password) {
        buf_wipe(&row->master_password);
        buf_append_text(&row->master_password, input->master_password);
        row->password_generation++;
        change->password = true;
        change->desired = true;
        result = event_record(change->fleet, row, EVENT_CREDENTIALS_RESET, error, "Reset master credentials");
    }
    if (!result)
        result = instance_groups_choose(change->fleet, row, input->parameter_group, &change->desired, error);
    if (!result && input->port >= 0 && input->port != row->port) {
        row->requested_port = (int)input->port;
        row->restart++; /* DBPortNumber restarts whatever ApplyImmediately says */
        change->restarts = true;
        change->desired = true;
    }
    return result;
}

/* CertificateRotationRestart=false: an engine that cannot do without a restart gets the certificate with its
 * next one; others do not need it (user guide, "Rotating your SSL/TLS certificate"). */
static int stage_ca(struct change *change, const struct instance_modify *input, struct error *error)
{
    struct instance_row *row = change->row;
    const struct ca_profile *profile = NULL;
    int result = authority_check_usable(change->fleet, row->region, input->ca_identifier, &profile, error);
    if (result)
        return result;
    bool waits = input->rotation_restart == 0 && !catalogue_reloads(row->engine, row->engine_version);
    json_object_del(change->pending, PENDING_CA);
    json_object_del(change->pending, PENDING_RESTART);
    row->rotation_after = 0; /* the operator has spoken */
    if (text_equal(profile->identifier, row->ca_identifier))
        return 0;
    json_object_set_new(change->pending, PENDING_CA, json_string(profile->identifier));
    if (waits)
        json_object_set_new(change->pending, PENDING_RESTART, json_false());
    if (input->apply_immediately && !waits)
        return 0;
    return event_record(change->fleet, row, EVENT_CHANGE_SCHEDULED, error,
                        "The server certificate will be issued by %s %s.", profile->identifier,
                        waits ? "from the next restart on" : "from the next maintenance window on");
}

/* A change that may wait is first a pending one; those equal to what is in force are none. */
static int stage(struct change *change, const struct instance_modify *input, struct error *error)
{
    struct instance_row *row = change->row;
    if (input->ca_identifier && stage_ca(change, input, error))
        return (int)error->code;
    if (instance_options_stage(change->fleet, row, change->pending, input->option_group, error))
        return (int)error->code;
    if ((input->ca_identifier || input->option_group) &&
        instance_options_check_authority(change->fleet, row, change->pending, error))
        return (int)error->code;
    if (input->instance_class) {
        json_object_del(change->pending, "DBInstanceClass");
        if (!text_equal(input->instance_class, row->instance_class))
            json_object_set_new(change->pending, "DBInstanceClass", json_string(input->instance_class));
    }
    if (input->allocated_storage >= 0) {
        json_object_del(change->pending, "AllocatedStorage");
        if (input->allocated_storage != row->allocated_storage)
            json_object_set_new(change->pending, "AllocatedStorage", json_integer(input->allocated_storage));
    }
    if (input->new_identifier) {
        char identifier[64];
        int result =
            name_check_identifier("NewDBInstanceIdentifier", input->new_identifier, identifier, error);
        if (result)
            return result;
        json_object_del(change->pending, "DBInstanceIdentifier");
        if (!text_equal(identifier, row->identifier))
            json_object_set_new(change->pending, "DBInstanceIdentifier", json_string(identifier));
    }
    const char *name;
    json_t *value;
    json_t *deferred = input->kept_deferred ? json_deep_copy(input->kept_deferred) : json_object();
    json_t *attributes = instance_json(&row->attributes);
    json_object_foreach(deferred, name, value)
    {
        json_object_del(change->pending, name);
        if (!json_equal(value, json_object_get(attributes, name)))
            json_object_set(change->pending, name, value);
    }
    json_decref(attributes);
    json_decref(deferred);
    return 0;
}

static int rename_instance(struct change *change, const char *identifier, struct error *error)
{
    struct instance_row *row = change->row;
    struct instance_row other = {0};
    int taken = store_instance_get(change->fleet->store, row->region, identifier, &other, NULL);
    instance_row_free(&other);
    if (taken == 0)
        return error_set_named(error, ERROR_EXISTS, "DBInstanceAlreadyExists", "DB instance already exists");
    char old_arn[300], new_arn[300];
    name_instance_arn(change->fleet->settings, row->region, row->identifier, old_arn);
    name_instance_arn(change->fleet->settings, row->region, identifier, new_arn);
    text_copy(row->identifier, sizeof row->identifier, identifier);
    name_endpoint(change->fleet->settings, row->region, identifier, row->address);
    row->restart++; /* a new name reboots the instance */
    change->restarts = true;
    change->renamed = true;
    change->desired = true;
    return store_tag_move(change->fleet->store, old_arn, new_arn, error);
}

/* The pending CA, unless it waits for a restart and there is none. */
static int apply_ca(struct change *change, bool restarts, struct error *error)
{
    struct instance_row *row = change->row;
    const char *ca = json_string_value(json_object_get(change->pending, PENDING_CA));
    bool waits = json_is_false(json_object_get(change->pending, PENDING_RESTART));
    if (!ca || (waits && !restarts))
        return 0;
    int result = instance_move_ca(change->fleet, row, ca, "change", error);
    change->desired = true;
    json_object_del(change->pending, PENDING_CA);
    json_object_del(change->pending, PENDING_RESTART);
    return result;
}

static bool is_column(const char *name)
{
    static const char *const columns[] = {"DBInstanceIdentifier", "DBInstanceClass",
                                          "AllocatedStorage",     PENDING_CA,
                                          PENDING_RESTART,        PENDING_OPTION_GROUP};
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        if (text_equal(columns[i], name))
            return true;
    return false;
}

/* What has a column, and the rest, which is only kept. */
static void apply_values(struct change *change)
{
    struct instance_row *row = change->row;
    const char *class = json_string_value(json_object_get(change->pending, "DBInstanceClass"));
    if (class)
        text_copy(row->instance_class, sizeof row->instance_class, class);
    const json_t *storage = json_object_get(change->pending, "AllocatedStorage");
    if (storage)
        row->allocated_storage = json_integer_value(storage);
    json_object_del(change->pending, "DBInstanceIdentifier");
    json_object_del(change->pending, "DBInstanceClass");
    json_object_del(change->pending, "AllocatedStorage");
    json_t *attributes = instance_json(&row->attributes);
    const char *name;
    json_t *value;
    void *next;
    json_object_foreach_safe(change->pending, next, name, value)
    {
        if (is_column(name))
            continue;
        json_object_set(attributes, name, value);
        json_object_del(change->pending, name);
    }
    instance_set_json(&row->attributes, attributes);
    json_decref(attributes);
}

/* Puts what is pending in force, but for a CA that waits for a restart. */
static int apply_pending(struct change *change, struct error *error)
{
    struct instance_row *row = change->row;
    int64_t generation = row->certificate_generation;
    const char *identifier = json_string_value(json_object_get(change->pending, "DBInstanceIdentifier"));
    if (identifier && rename_instance(change, identifier, error))
        return (int)error->code;
    int result = apply_ca(change, change->restarts, error);
    if (result)
        return result;
    apply_values(change);
    result = instance_options_apply(change->fleet, row, change->pending, &change->desired, error);
    if (result)
        return result;
    bool names_changed;
    result = instance_refresh_names(change->fleet, row, &names_changed, error);
    if (!result && names_changed && row->certificate_generation == generation)
        instance_want_certificate(row, "names");
    return result;
}

static bool waits_for_window(const json_t *pending)
{
    bool ca =
        json_object_get(pending, PENDING_CA) && !json_is_false(json_object_get(pending, PENDING_RESTART));
    size_t others = json_object_size(pending) - (json_object_get(pending, PENDING_CA) != NULL) -
                    (json_object_get(pending, PENDING_RESTART) != NULL);
    return ca || others > 0;
}

static int plan_window(struct change *change, struct error *error)
{
    struct rotation_facts facts;
    rotation_facts_of(change->row, MOMENT_NEVER, &facts);
    if (!waits_for_window(change->pending))
        return 0;
    return store_work_add(change->fleet->store, WORK_WINDOW, change->row->resource_id,
                          rotation_change_moment(&facts, false, -1, clock_now()), error);
}

/* Writes the row; a change for the agent needs a state in which it can be carried out. */
static int finish(struct change *change, struct error *error)
{
    struct instance_row *row = change->row;
    const char *next;
    instance_set_json(&row->pending, change->pending);
    int result = plan_window(change, error);
    if (!result && change->restarts)
        result = instance_groups_restart(change->fleet, row, error);
    if (!result)
        result = rotate_schedule(change->fleet, row, error); /* the window may have moved */
    if (result)
        return result;
    if (!change->desired)
        return store_instance_update(change->fleet->store, row, error);
    enum state_action action = change->renamed    ? ACTION_RENAME
                               : change->password ? ACTION_RESET_PASSWORD
                                                  : ACTION_MODIFY;
    result = state_check(row->identifier, row->status, action, &next, error);
    if (result)
        return result;
    text_copy(row->status, sizeof row->status, next);
    return instance_write_desired(change->fleet, row, error);
}

static int modify(struct change *change, const struct instance_modify *input, struct error *error)
{
    const char *next;
    int result = check(input, change->row, error);
    if (!result)
        result = state_check(change->row->identifier, change->row->status, ACTION_MODIFY, &next, error);
    if (!result)
        result = stage(change, input, error);
    if (!result)
        result = apply_at_once(change, input, error);
    if (!result && input->apply_immediately)
        result = apply_pending(change, error);
    else if (!result && change->restarts)
        result = apply_ca(change, true, error);
    return result ? result : finish(change, error);
}

int instance_modify_row(struct fleet *fleet, const struct instance_modify *input, struct instance_row *row,
                        struct error *error)
{
    struct change change = {.fleet = fleet, .row = row, .pending = instance_json(&row->pending)};
    int result = modify(&change, input, error);
    json_decref(change.pending);
    return result;
}

int instance_modify(struct fleet *fleet, const struct instance_modify *input, struct instance_row *row,
                    struct error *error)
{
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = instance_read(fleet, input->region, input->identifier, row, error);
    if (!result)
        result = instance_modify_row(fleet, input, row, error);
    return store_finish(fleet->store, result, error);
}

static int apply_in_window(struct fleet *fleet, const char *resource_id, struct error *error)
{
    struct instance_row row = {0};
    int result = store_instance_get_by_resource(fleet->store, resource_id, &row, error);
    if (result == ERROR_NOT_FOUND)
        return 0; /* deleted since */
    struct change change = {.fleet = fleet, .row = &row, .pending = instance_json(&row.pending)};
    if (!result && text_equal(row.status, STATE_AVAILABLE)) {
        result = apply_pending(&change, error);
        if (!result)
            result = finish(&change, error);
    } else if (!result && waits_for_window(change.pending)) {
        result =
            error_set(error, ERROR_BUSY, "%s is %s: its pending changes wait", row.identifier, row.status);
    }
    json_decref(change.pending);
    instance_row_free(&row);
    return result;
}

int instance_apply_at_restart(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    struct change change = {.fleet = fleet, .row = row, .pending = instance_json(&row->pending)};
    int result = 0;
    if (json_is_false(json_object_get(change.pending, PENDING_RESTART)))
        result = apply_ca(&change, true, error);
    if (!result)
        result = instance_groups_restart(fleet, row, error);
    instance_set_json(&row->pending, change.pending);
    json_decref(change.pending);
    return result;
}

int instance_window_work(struct fleet *fleet, const struct work_row *work, struct error *error)
{
    int result = store_begin(fleet->store, error);
    return result ? result : store_finish(fleet->store, apply_in_window(fleet, work->subject, error), error);
}
