/* An instance and its option group: what of it is in force, and what waits for the maintenance window. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/instance_groups.h"
#include "fleet/instance_internal.h"
#include "fleet/option_group.h"
#include "fleet/rotation.h"

#include <inttypes.h>
#include <stdio.h>

static void describe(const struct instance_row *row, struct catalogue_version *version)
{
    *version = (struct catalogue_version){0};
    catalogue_describe_version(catalogue_engine(row->engine), row->engine_version, version);
}

/* An option's port is one beside the instance's own. */
static int check_ports(const struct instance_row *row, const struct option_group_row *group,
                       struct error *error)
{
    const struct option *option = NULL;
    json_t *options = instance_json(&group->options);
    int result = 0;
    while (!result && (option = option_next(group->engine, option))) {
        const json_t *kept = json_object_get(options, option->name);
        int64_t port = option_port(option, kept);
        if (kept && (port == row->port || port == row->requested_port))
            result = error_set_named(
                error, ERROR_INVALID, "InvalidParameterCombination",
                "The port %d of the option %s is the instance's own: give one of them another.", (int)port,
                option->name);
    }
    json_decref(options);
    return result;
}

/* The group of that name, if it is one for this instance. */
static int find_group(struct fleet *fleet, const struct instance_row *row, const char *name,
                      struct option_group_row *group, struct error *error)
{
    struct catalogue_version version;
    int result = option_group_get(fleet, row->region, name, group, error);
    if (result)
        return result;
    describe(row, &version);
    if (text_equal(group->engine, row->engine) && text_equal(group->major_version, version.major))
        return check_ports(row, group, error);
    return error_set_named(
        error, ERROR_INVALID, "InvalidParameterCombination",
        "The option group %s is for %s %s and cannot be used for this instance, which is %s %s.", group->name,
        group->engine, group->major_version, row->engine, version.major);
}

/* Puts the group's options in force. */
static void take(struct instance_row *row, const struct option_group_row *group, bool *changed)
{
    json_t *before = instance_json(&row->options), *after = instance_json(&group->options);
    text_copy(row->option_group, sizeof row->option_group, group->version ? group->name : "");
    row->options_version = group->version;
    if (!json_equal(before, after)) {
        instance_set_json(&row->options, after);
        row->options_generation = row->generation + 1;
        *changed = true;
    }
    json_decref(before);
    json_decref(after);
}

int instance_options_choose(struct fleet *fleet, struct instance_row *row, const char *option_group,
                            bool *changed, struct error *error)
{
    struct option_group_row group = {0};
    if (!option_group)
        return 0;
    int result = find_group(fleet, row, option_group, &group, error);
    if (!result)
        take(row, &group, changed);
    option_group_row_free(&group);
    return result;
}

int instance_options_stage(struct fleet *fleet, const struct instance_row *row, json_t *pending,
                           const char *option_group, struct error *error)
{
    struct option_group_row group = {0};
    if (!option_group)
        return 0;
    int result = find_group(fleet, row, option_group, &group, error);
    if (!result)
        json_object_del(pending, PENDING_OPTION_GROUP);
    if (!result && !text_equal(group.version ? group.name : "", row->option_group))
        json_object_set_new(pending, PENDING_OPTION_GROUP, json_string(group.name));
    option_group_row_free(&group);
    return result;
}

static int check_authority(const char *engine, const struct buf *text, const char *ca_identifier,
                           struct error *error)
{
    const struct option *option = NULL;
    json_t *options = instance_json(text);
    int result = 0;
    while (!result && (option = option_next(engine, option))) {
        const json_t *kept = json_object_get(options, option->name);
        if (kept)
            result = option_check_authority(option, kept, ca_identifier, error);
    }
    json_decref(options);
    return result;
}

int instance_options_check_authority(struct fleet *fleet, const struct instance_row *row,
                                     const json_t *pending, struct error *error)
{
    const char *name = json_string_value(json_object_get(pending, PENDING_OPTION_GROUP));
    const char *authority = json_string_value(json_object_get(pending, PENDING_CA));
    struct option_group_row group = {0};
    int result = name ? option_group_get(fleet, row->region, name, &group, error) : 0;
    if (!result)
        result = check_authority(row->engine, name ? &group.options : &row->options,
                                 authority ? authority : row->ca_identifier, error);
    option_group_row_free(&group);
    return result;
}

int instance_options_apply(struct fleet *fleet, struct instance_row *row, json_t *pending, bool *changed,
                           struct error *error)
{
    const char *name = json_string_value(json_object_get(pending, PENDING_OPTION_GROUP));
    int result = instance_options_choose(fleet, row, name, changed, error);
    json_object_del(pending, PENDING_OPTION_GROUP);
    return result;
}

static int64_t next_window(const struct instance_row *row)
{
    struct rotation_facts facts;
    rotation_facts_of(row, MOMENT_NEVER, &facts);
    return rotation_change_moment(&facts, false, -1, clock_now());
}

int instance_options_bring(struct fleet *fleet, struct instance_row *row, bool *changed, int64_t *again,
                           struct error *error)
{
    struct option_group_row group = {0};
    *again = 0;
    if (!row->option_group[0])
        return 0;
    int result = store_option_group_get(fleet->store, row->region, row->option_group, &group, error);
    if (!result && group.version != row->options_version) {
        int64_t window = next_window(row);
        if (group.urgent_version > row->options_version || window <= clock_now())
            take(row, &group, changed);
        else
            *again = window;
    }
    option_group_row_free(&group);
    return result;
}

/* RDS's words for a membership (API reference, OptionGroupMembership). */
static const char *status_of(const struct instance_row *row, const struct option_group_row *group)
{
    if (group->version != row->options_version)
        return group->urgent_version > row->options_version ? "pending-apply" : "pending-maintenance-apply";
    return row->options_generation > row->observed_generation ? "applying" : "in-sync";
}

int instance_options_status(struct fleet *fleet, const struct instance_row *row,
                            struct group_status memberships[2], struct error *error)
{
    struct catalogue_version version;
    struct option_group_row group = {0};
    int result = 0;
    describe(row, &version);
    if (row->option_group[0])
        result = store_option_group_get(fleet->store, row->region, row->option_group, &group, error);
    json_t *pending = instance_json(&row->pending);
    const char *next = json_string_value(json_object_get(pending, PENDING_OPTION_GROUP));
    text_copy(memberships[0].name, sizeof memberships[0].name,
              row->option_group[0] ? row->option_group : version.option_group);
    text_copy(memberships[1].name, sizeof memberships[1].name, next ? next : "");
    memberships[0].status = next ? "pending-maintenance-removal" : status_of(row, &group);
    memberships[1].status = "pending-maintenance-apply";
    json_decref(pending);
    option_group_row_free(&group);
    return result;
}

void instance_options_desired(const struct instance_row *row, struct desired_instance *desired)
{
    const struct option *option = NULL;
    json_t *options = instance_json(&row->options);
    while ((option = option_next(row->engine, option))) {
        const json_t *kept = json_object_get(options, option->name);
        if (!kept)
            continue;
        char port[24];
        AUTO_FREE char *name = mem_format("option.%s.port", option->name);
        snprintf(port, sizeof port, "%" PRId64, option_port(option, kept));
        desired_set_parameter(desired, name, port);
        for (const struct option_setting *setting = option->settings; setting->name; setting++)
            desired_set_parameter(desired, setting->name, option_value(setting, kept));
    }
    json_decref(options);
}
