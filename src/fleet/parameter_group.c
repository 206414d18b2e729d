#include "fleet/parameter_group.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/event.h"
#include "fleet/instance_groups.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/parameter.h"
#include "fleet/tag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PREFIX "default."

static int not_found(const char *group, struct error *error)
{
    return error_set_named(error, ERROR_NOT_FOUND, "DBParameterGroupNotFound",
                           "DBParameterGroup not found: %s", group);
}

int parameter_group_family(struct fleet *fleet, const char *family, struct catalogue_version *version,
                           struct error *error)
{
    struct catalogue catalogue = {0};
    char lower[64] = "";
    text_copy(lower, sizeof lower, family);
    text_lower(lower);
    int result = catalogue_load(fleet, &catalogue, error);
    if (result)
        return result;
    catalogue_add_known(&catalogue);
    if (!catalogue_has_family(&catalogue, lower) || !catalogue_parse_family(lower, version))
        result = error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                 "ParameterGroupFamily %s is not a valid parameter group family", family);
    catalogue_free(&catalogue);
    return result;
}

static void fill_default(const char *region, const char *family, struct parameter_group_row *row)
{
    text_copy(row->region, sizeof row->region, region);
    text_copy(row->family, sizeof row->family, family);
    snprintf(row->name, sizeof row->name, DEFAULT_PREFIX "%s", family);
    row->version = 0;
    buf_clear(&row->description);
    buf_printf(&row->description, "Default parameter group for %s", family);
    buf_clear(&row->parameters);
    buf_append_text(&row->parameters, "{}");
}

static bool is_default(const char *group)
{
    return strncasecmp(group, DEFAULT_PREFIX, strlen(DEFAULT_PREFIX)) == 0;
}

int parameter_group_get(struct fleet *fleet, const char *region, const char *group,
                        struct parameter_group_row *row, struct error *error)
{
    struct catalogue_version version;
    char name[GROUP_NAME_SIZE];
    if (!text_copy(name, sizeof name, group))
        return not_found(group, error);
    text_lower(name);
    if (is_default(name)) {
        if (parameter_group_family(fleet, name + strlen(DEFAULT_PREFIX), &version, NULL))
            return not_found(group, error);
        fill_default(region, version.family, row);
        return 0;
    }
    int result = store_parameter_group_get(fleet->store, region, name, row, error);
    return result == ERROR_NOT_FOUND ? not_found(group, error) : result;
}

/* ---- the list: stored groups and default ones, merged by name */

struct listing {
    const char *region, *after;
    const struct catalogue *catalogue; /* by engine, so by family */
    size_t next;
    parameter_group_visitor *visit;
    void *context;
    bool more;
};

/* The default groups that come before `name`, or all that are left. */
static void visit_defaults(struct listing *listing, const char *name)
{
    struct parameter_group_row row = {0};
    for (; listing->more && listing->next < listing->catalogue->count; listing->next++) {
        const struct catalogue_version *version = &listing->catalogue->versions[listing->next];
        if (listing->next && text_equal(version->family, version[-1].family))
            continue;
        fill_default(listing->region, version->family, &row);
        if (name && strcmp(row.name, name) > 0)
            break;
        if (strcmp(row.name, listing->after) > 0)
            listing->more = listing->visit(&row, listing->context);
    }
    parameter_group_row_free(&row);
}

static bool visit_stored(const struct parameter_group_row *row, void *context)
{
    struct listing *listing = context;
    visit_defaults(listing, row->name);
    listing->more = listing->more && listing->visit(row, listing->context);
    return listing->more;
}

static int by_family(const void *left, const void *right)
{
    return strcmp(((const struct catalogue_version *)left)->family,
                  ((const struct catalogue_version *)right)->family);
}

int parameter_group_list(struct fleet *fleet, const char *region, const char *after,
                         parameter_group_visitor *visit, void *context, struct error *error)
{
    struct catalogue catalogue = {0};
    struct listing listing = {region, after, &catalogue, 0, visit, context, true};
    int result = catalogue_load(fleet, &catalogue, error);
    if (result)
        return result;
    if (catalogue.count)
        qsort(catalogue.versions, catalogue.count, sizeof *catalogue.versions, by_family);
    result = store_parameter_group_list(fleet->store, region, after, visit_stored, &listing, error);
    if (!result)
        visit_defaults(&listing, NULL);
    catalogue_free(&catalogue);
    return result;
}

/* ---- changes */

static int insert(struct fleet *fleet, const struct parameter_group_row *row, const struct instance_tag *tags,
                  size_t count, struct error *error)
{
    char arn[NAME_ARN_SIZE];
    name_arn(fleet->settings, row->region, "pg", row->name, arn);
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = store_parameter_group_insert(fleet->store, row, error);
    if (result == ERROR_EXISTS)
        error_set_named(error, ERROR_EXISTS, "DBParameterGroupAlreadyExists",
                        "Parameter group %s already exists", row->name);
    if (!result)
        result = tag_put_all(fleet, arn, tags, count, error);
    return store_finish(fleet->store, result, error);
}

int parameter_group_create(struct fleet *fleet, const char *region, const char *name, const char *family,
                           const char *description, const struct instance_tag *tags, size_t tag_count,
                           struct parameter_group_row *row, struct error *error)
{
    struct catalogue_version version;
    int result = name_check_group("DBParameterGroupName", name, row->name, error);
    if (!result)
        result = parameter_group_family(fleet, family, &version, error);
    if (result)
        return result;
    text_copy(row->region, sizeof row->region, region);
    text_copy(row->family, sizeof row->family, version.family);
    buf_append_text(&row->description, description);
    buf_append_text(&row->parameters, "{}");
    row->version = 1;
    return insert(fleet, row, tags, tag_count, error);
}

static int check_change(const struct catalogue_version *version, const struct parameter_change *change,
                        struct error *error)
{
    const struct parameter *parameter =
        parameter_find(version->engine->engine, version->version, change->name);
    if (!parameter)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Could not find parameter with name: %.100s", change->name);
    if (parameter->fixed)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "The parameter %s cannot be modified.", parameter->name);
    if (text_equal(change->method, METHOD_IMMEDIATE) && !parameter->dynamic)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                               "cannot use immediate apply method for static parameter: %s", parameter->name);
    return change->value ? parameter_check(parameter, change->value, error) : 0;
}

/* A value of the group, or the default. */
static const char *value_of(const struct catalogue_version *version, const json_t *parameters,
                            const char *name)
{
    const char *value = json_string_value(json_object_get(json_object_get(parameters, name), "value"));
    const struct parameter *parameter = parameter_find(version->engine->engine, version->version, name);
    return value || !parameter ? value : parameter->value;
}

/* PostgreSQL does not start with an oldest version of TLS that is newer than the newest. */
static int check_together(const struct catalogue_version *version, const json_t *parameters,
                          struct error *error)
{
    const char *oldest = value_of(version, parameters, "ssl_min_protocol_version");
    const char *newest = value_of(version, parameters, "ssl_max_protocol_version");
    if (!oldest || !newest || strcmp(oldest, newest) <= 0)
        return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                           "ssl_min_protocol_version %s is newer than ssl_max_protocol_version %s.", oldest,
                           newest);
}

static int record_change(struct fleet *fleet, const struct parameter_group_row *row,
                         const struct catalogue_version *version, const struct parameter_change *change,
                         struct error *error)
{
    const struct parameter *parameter =
        parameter_find(version->engine->engine, version->version, change->name);
    const char *value = change->value ? change->value : parameter->value;
    struct event_source source = {
        .region = row->region, .type = EVENT_OF_PARAMETER_GROUP, .identifier = row->name};
    return event_record_of(fleet, &source, EVENT_PARAMETER, error,
                           "Updated parameter %s to %.200s with apply method %s.", change->name,
                           value ? value : "engine-default", change->method);
}

static int apply_changes(struct fleet *fleet, struct parameter_group_row *row,
                         const struct parameter_change *changes, size_t count, struct error *error)
{
    struct catalogue_version version;
    if (!catalogue_parse_family(row->family, &version))
        return error_set(error, ERROR_INTERNAL, "parameter group %s: unknown family %s", row->name,
                         row->family);
    json_t *parameters = instance_json(&row->parameters);
    int result = 0;
    for (size_t i = 0; !result && i < count; i++) {
        const struct parameter_change *change = &changes[i];
        result = check_change(&version, change, error);
        if (!result)
            json_object_set_new(parameters, change->name,
                                json_pack("{s:s?, s:s}", "value", change->value, "method", change->method));
        if (!result)
            result = record_change(fleet, row, &version, change, error);
    }
    if (!result)
        result = check_together(&version, parameters, error);
    instance_set_json(&row->parameters, parameters);
    json_decref(parameters);
    return result;
}

static int change_group(struct fleet *fleet, struct parameter_group_row *row,
                        const struct parameter_change *changes, size_t count, struct error *error)
{
    int result = apply_changes(fleet, row, changes, count, error);
    row->version++;
    if (!result)
        result = store_parameter_group_update(fleet->store, row, error);
    return result ? result
                  : store_work_add_parameter_group(fleet->store, WORK_GROUPS, row->region, row->name,
                                                   clock_now(), error);
}

/* All that were set, as changes that reset them: immediate where that can be. For free(); the names are those
 * of `parameters`. */
static struct parameter_change *all_resets(const struct parameter_group_row *row, json_t *parameters,
                                           size_t *count)
{
    struct catalogue_version version = {0};
    struct parameter_change *changes = mem_new_array(json_object_size(parameters) + 1, sizeof *changes);
    const char *name;
    json_t *set;
    catalogue_parse_family(row->family, &version);
    *count = 0;
    json_object_foreach(parameters, name, set)
    {
        const struct parameter *parameter = parameter_find(version.engine->engine, version.version, name);
        if (parameter && json_is_string(json_object_get(set, "value")))
            changes[(*count)++] =
                (struct parameter_change){name, NULL, parameter->dynamic ? METHOD_IMMEDIATE : METHOD_REBOOT};
    }
    return changes;
}

static int reset_all(struct fleet *fleet, struct parameter_group_row *row, struct error *error)
{
    size_t count;
    json_t *parameters = instance_json(&row->parameters);
    struct parameter_change *changes = all_resets(row, parameters, &count);
    int result = change_group(fleet, row, changes, count, error);
    free(changes);
    json_decref(parameters);
    return result;
}

/* Reads a group that is to be changed, within the caller's transaction. */
static int read_own(struct fleet *fleet, const char *region, const char *group,
                    struct parameter_group_row *row, struct error *error)
{
    int result = parameter_group_get(fleet, region, group, row, error);
    if (!result && is_default(row->name))
        result = error_set_named(error, ERROR_DENIED, "InvalidParameterValue",
                                 "Cannot modify a default parameter group. Create one of the family %s.",
                                 row->family);
    return result;
}

int parameter_group_modify(struct fleet *fleet, const char *region, const char *group,
                           const struct parameter_change *changes, size_t count, char name[GROUP_NAME_SIZE],
                           struct error *error)
{
    struct parameter_group_row row = {0};
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = read_own(fleet, region, group, &row, error);
    if (!result)
        result = change_group(fleet, &row, changes, count, error);
    text_copy(name, GROUP_NAME_SIZE, row.name);
    parameter_group_row_free(&row);
    return store_finish(fleet->store, result, error);
}

int parameter_group_reset(struct fleet *fleet, const char *region, const char *group,
                          const struct parameter_change *changes, size_t count, char name[GROUP_NAME_SIZE],
                          struct error *error)
{
    struct parameter_group_row row = {0};
    if (count)
        return parameter_group_modify(fleet, region, group, changes, count, name, error);
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = read_own(fleet, region, group, &row, error);
    if (!result)
        result = reset_all(fleet, &row, error);
    text_copy(name, GROUP_NAME_SIZE, row.name);
    parameter_group_row_free(&row);
    return store_finish(fleet->store, result, error);
}

static int delete_group(struct fleet *fleet, const struct parameter_group_row *row, struct error *error)
{
    int64_t members = 0;
    char arn[NAME_ARN_SIZE];
    if (is_default(row->name))
        return error_set_named(error, ERROR_DENIED, "InvalidDBParameterGroupState",
                               "Default DBParameterGroup cannot be deleted: %s", row->name);
    int result = store_parameter_group_count(fleet->store, row->region, row->name, &members, error);
    if (!result && members)
        result = error_set_named(
            error, ERROR_STATE, "InvalidDBParameterGroupState",
            "One or more database instances are still members of this parameter group %s, so the "
            "group cannot be deleted",
            row->name);
    name_arn(fleet->settings, row->region, "pg", row->name, arn);
    if (!result)
        result = store_tag_remove_all(fleet->store, arn, error);
    return result ? result : store_parameter_group_remove(fleet->store, row->region, row->name, error);
}

int parameter_group_delete(struct fleet *fleet, const char *region, const char *group, struct error *error)
{
    struct parameter_group_row row = {0};
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = parameter_group_get(fleet, region, group, &row, error);
    if (!result)
        result = delete_group(fleet, &row, error);
    parameter_group_row_free(&row);
    return store_finish(fleet->store, result, error);
}
