#include "fleet/instance_groups.h"

#include "base/memory.h"
#include "base/text.h"
#include "fleet/event.h"
#include "fleet/instance_internal.h"
#include "fleet/parameter.h"
#include "fleet/parameter_group.h"
#include "fleet/state.h"

#include <stdio.h>
#include <string.h>

/* What an instance takes of its group's values. */
enum take {
    TAKE_IMMEDIATE, /* those that were set to be applied at once */
    TAKE_DYNAMIC,   /* all that need no restart: of another group */
    TAKE_ALL,
};

static void describe(const struct instance_row *row, struct catalogue_version *version)
{
    *version = (struct catalogue_version){0};
    catalogue_describe_version(catalogue_engine(row->engine), row->engine_version, version);
}

/* The group of an instance; the default one has no values and version 0. */
static int read_group(struct fleet *fleet, const struct instance_row *row, struct parameter_group_row *group,
                      struct error *error)
{
    if (row->parameter_group[0])
        return store_parameter_group_get(fleet->store, row->region, row->parameter_group, group, error);
    *group = (struct parameter_group_row){0};
    return 0;
}

static bool is_taken(const struct instance_row *row, const char *name, const json_t *set, enum take take)
{
    const struct parameter *parameter = parameter_find(row->engine, row->engine_version, name);
    const char *method = json_string_value(json_object_get(set, "method"));
    if (take == TAKE_ALL)
        return true;
    return parameter && parameter->dynamic && (take == TAKE_DYNAMIC || !text_equal(method, METHOD_REBOOT));
}

/* Brings one value in force, or leaves it waiting for a restart. */
static void take_one(struct instance_row *row, json_t *in_force, const char *name, const json_t *set,
                     enum take take)
{
    const char *wanted = json_string_value(json_object_get(set, "value"));
    const char *have = json_string_value(json_object_get(in_force, name));
    if (text_equal(wanted, have) || (!wanted && !have))
        return;
    if (!is_taken(row, name, set, take))
        row->parameters_wait = true;
    else if (wanted)
        json_object_set_new(in_force, name, json_string(wanted));
    else
        json_object_del(in_force, name);
}

/* Takes what it can of the group; true when the host must be told. */
static bool take_parameters(struct instance_row *row, const struct parameter_group_row *group, enum take take)
{
    json_t *in_force = instance_json(&row->parameters), *before = json_deep_copy(in_force);
    json_t *values = instance_json(&group->parameters), *set;
    const char *name;
    row->parameters_wait = false;
    json_object_foreach(values, name, set)
    {
        take_one(row, in_force, name, set, take);
    }
    json_object_foreach(before, name, set)
    {
        if (!json_object_get(values, name)) /* of another group */
            take_one(row, in_force, name, NULL, take);
    }
    bool changed = !json_equal(before, in_force);
    instance_set_json(&row->parameters, in_force);
    row->parameters_version = group->version;
    if (changed)
        row->parameters_generation = row->generation + 1;
    json_decref(values);
    json_decref(before);
    json_decref(in_force);
    return changed;
}

/* An engine that does not come up, perhaps for a value that it cannot have: there is no restart to wait for.
 */
static bool is_down(const struct instance_row *row)
{
    static const char *const others[] = {STATE_AVAILABLE, STATE_STOPPING, STATE_STOPPED, STATE_DELETING};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (text_equal(row->status, others[i]))
            return false;
    return row->problem[0] != 0;
}

static int take_from_group(struct fleet *fleet, struct instance_row *row, enum take take, bool *changed,
                           struct error *error)
{
    struct parameter_group_row group = {0};
    int result = read_group(fleet, row, &group, error);
    if (!result && (take != TAKE_IMMEDIATE || group.version != row->parameters_version))
        *changed |= take_parameters(row, &group, take);
    parameter_group_row_free(&group);
    return result;
}

static int check_family(const struct instance_row *row, const struct parameter_group_row *group,
                        struct error *error)
{
    struct catalogue_version version;
    describe(row, &version);
    if (text_equal(group->family, version.family))
        return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                           "The Parameter Group %s with DBParameterGroupFamily %s cannot be used for this "
                           "instance. Please use a Parameter Group with DBParameterGroupFamily %s",
                           group->name, group->family, version.family);
}

static int choose_parameter_group(struct fleet *fleet, struct instance_row *row, const char *name,
                                  bool *changed, struct error *error)
{
    struct parameter_group_row group = {0};
    int result = parameter_group_get(fleet, row->region, name, &group, error);
    if (!result)
        result = check_family(row, &group, error);
    const char *chosen = group.version ? group.name : "";
    if (!result && !text_equal(chosen, row->parameter_group)) {
        text_copy(row->parameter_group, sizeof row->parameter_group, chosen);
        *changed |= take_parameters(row, &group, row->generation ? TAKE_DYNAMIC : TAKE_ALL);
        if (row->generation)
            result = event_record(fleet, row, EVENT_PARAMETER_GROUP, error,
                                  "Updated to use DBParameterGroup %s", group.name);
    }
    parameter_group_row_free(&group);
    return result;
}

int instance_groups_choose(struct fleet *fleet, struct instance_row *row, const char *parameter_group,
                           bool *changed, struct error *error)
{
    return parameter_group ? choose_parameter_group(fleet, row, parameter_group, changed, error) : 0;
}

int instance_groups_restart(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    bool changed = false;
    return take_from_group(fleet, row, TAKE_ALL, &changed, error);
}

/* The state of the instance does not matter: its next generation brings the values, whatever it is doing. */
static int bring(struct fleet *fleet, const char *resource_id, int64_t *again, struct error *error)
{
    struct instance_row row = {0};
    bool changed = false;
    int result = store_instance_get_by_resource(fleet->store, resource_id, &row, error);
    if (result == ERROR_NOT_FOUND || row.deleted) {
        instance_row_free(&row);
        return 0;
    }
    if (!result)
        result = take_from_group(fleet, &row, is_down(&row) ? TAKE_ALL : TAKE_IMMEDIATE, &changed, error);
    if (!result && changed && is_down(&row))
        row.restart++; /* should it have come up meanwhile */
    if (!result)
        result = instance_options_bring(fleet, &row, &changed, again, error);
    if (!result && changed)
        result = instance_write_desired(fleet, &row, error);
    else if (!result)
        result = store_instance_update(fleet->store, &row, error);
    instance_row_free(&row);
    return result;
}

/* The work is removed with what it did: a change of the group that comes after that adds it again. */
int instance_groups_work(struct fleet *fleet, const struct work_row *work, struct error *error)
{
    int64_t again = 0;
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = bring(fleet, work->subject, &again, error);
    if (!result && again)
        result = store_work_again(fleet->store, work, fleet->owner, again, error);
    else if (!result)
        result = store_work_remove(fleet->store, work->kind, work->subject, error);
    return store_finish(fleet->store, result, error);
}

int instance_groups_status(struct fleet *fleet, const struct instance_row *row,
                           struct group_status *parameters, struct error *error)
{
    struct catalogue_version version;
    struct parameter_group_row group = {0};
    int result = read_group(fleet, row, &group, error);
    bool applying = is_down(row) || group.version != row->parameters_version ||
                    row->parameters_generation > row->observed_generation;
    describe(row, &version);
    if (row->parameter_group[0])
        text_copy(parameters->name, sizeof parameters->name, row->parameter_group);
    else
        snprintf(parameters->name, sizeof parameters->name, "default.%s", version.family);
    parameters->status = applying ? "applying" : row->parameters_wait ? "pending-reboot" : "in-sync";
    parameter_group_row_free(&group);
    return result;
}

void instance_groups_desired(const struct instance_row *row, struct desired_instance *desired)
{
    const struct parameter *parameter = NULL;
    json_t *in_force = instance_json(&row->parameters);
    while ((parameter = parameter_next(row->engine, row->engine_version, parameter))) {
        const char *value = json_string_value(json_object_get(in_force, parameter->name));
        if (value || parameter->sent)
            desired_set_parameter(desired, parameter->name, value ? value : parameter->value);
    }
    json_decref(in_force);
    instance_options_desired(row, desired);
}
