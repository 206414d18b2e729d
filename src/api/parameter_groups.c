/* The actions on DB parameter groups. */
#include "api/call.h"
#include "api/paging.h"
#include "aws/reply.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/name.h"
#include "fleet/parameter.h"
#include "fleet/parameter_group.h"

#include <stdlib.h>

static void write_group(const struct call *call, const struct parameter_group_row *row)
{
    struct buf *result = call->result;
    char arn[NAME_ARN_SIZE];
    AUTO_FREE char *description = slice_string(slice_buf(&row->description));
    name_arn(call->fleet->settings, row->region, "pg", row->name, arn);
    reply_open(result, "DBParameterGroup");
    reply_text(result, "DBParameterGroupName", row->name);
    reply_text(result, "DBParameterGroupFamily", row->family);
    reply_text(result, "Description", description);
    reply_text(result, "DBParameterGroupArn", arn);
    reply_close(result, "DBParameterGroup");
}

int parameter_groups_create(const struct call *call, struct error *error)
{
    struct parameter_group_row row = {0};
    size_t count;
    struct instance_tag *tags = call_tags(call, &count);
    int result =
        parameter_group_create(call->fleet, call->region, action_text(call->input, "DBParameterGroupName"),
                               action_text(call->input, "DBParameterGroupFamily"),
                               action_text(call->input, "Description"), tags, count, &row, error);
    if (!result)
        write_group(call, &row);
    free(tags);
    parameter_group_row_free(&row);
    return result;
}

/* The changes that a request lists, for free(). */
static struct parameter_change *read_changes(const struct call *call, bool reset, size_t *count)
{
    const struct action_value *list = action_value(call->input, "Parameters");
    struct parameter_change *changes = mem_new_array(list->item_count + 1, sizeof *changes);
    *count = list->item_count;
    for (size_t i = 0; i < list->item_count; i++) {
        const struct action_value *item = &list->items[i];
        changes[i].name = action_field(item, "ParameterName")->text;
        changes[i].value = reset ? NULL : action_field(item, "ParameterValue")->text;
        changes[i].method = action_field(item, "ApplyMethod")->text;
    }
    return changes;
}

int parameter_groups_modify(const struct call *call, struct error *error)
{
    char name[GROUP_NAME_SIZE];
    size_t count;
    struct parameter_change *changes = read_changes(call, false, &count);
    int result =
        parameter_group_modify(call->fleet, call->region, action_text(call->input, "DBParameterGroupName"),
                               changes, count, name, error);
    if (!result)
        reply_text(call->result, "DBParameterGroupName", name);
    free(changes);
    return result;
}

/* ResetAllParameters is true unless parameters are named. */
static int check_reset(const struct call *call, struct error *error)
{
    bool named = action_value(call->input, "Parameters")->item_count > 0;
    if (action_boolean(call->input, "ResetAllParameters", !named) != named)
        return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                           named ? "Parameters cannot be given with ResetAllParameters."
                                 : "Parameters must be given unless ResetAllParameters is true.");
}

int parameter_groups_reset(const struct call *call, struct error *error)
{
    char name[GROUP_NAME_SIZE];
    size_t count;
    int result = check_reset(call, error);
    if (result)
        return result;
    struct parameter_change *changes = read_changes(call, true, &count);
    result =
        parameter_group_reset(call->fleet, call->region, action_text(call->input, "DBParameterGroupName"),
                              changes, count, name, error);
    if (!result)
        reply_text(call->result, "DBParameterGroupName", name);
    free(changes);
    return result;
}

int parameter_groups_delete(const struct call *call, struct error *error)
{
    return parameter_group_delete(call->fleet, call->region, action_text(call->input, "DBParameterGroupName"),
                                  error);
}

/* The walk of DescribeDBParameterGroups. */
struct listing {
    const struct call *call;
    struct page page;
};

static bool list_group(const struct parameter_group_row *row, void *context)
{
    struct listing *listing = context;
    if (!page_take(&listing->page, row->name))
        return false;
    write_group(listing->call, row);
    return true;
}

static int describe_one(const struct call *call, const char *name, struct error *error)
{
    struct parameter_group_row row = {0};
    int result = parameter_group_get(call->fleet, call->region, name, &row, error);
    if (!result)
        write_group(call, &row);
    parameter_group_row_free(&row);
    return result;
}

int parameter_groups_describe(const struct call *call, struct error *error)
{
    const char *name = action_text(call->input, "DBParameterGroupName");
    struct listing listing = {.call = call};
    int result = page_open(call, PAGE_BY_KEY, &listing.page, error);
    reply_open(call->result, "DBParameterGroups");
    if (!result && !text_is_empty(name))
        result = describe_one(call, name, error);
    else if (!result)
        result = parameter_group_list(call->fleet, call->region, buf_text(&listing.page.after), list_group,
                                      &listing, error);
    reply_close(call->result, "DBParameterGroups");
    page_write_marker(call, &listing.page);
    page_free(&listing.page);
    return result;
}

/* A parameter as a group has it: `set` is what the group says of it, or NULL. */
struct shown_parameter {
    const struct parameter *parameter;
    const char *value, *source, *method;
};

static struct shown_parameter show(const struct parameter *parameter, const json_t *set)
{
    const char *value = json_string_value(json_object_get(set, "value"));
    if (value)
        return (struct shown_parameter){parameter, value, "user",
                                        json_string_value(json_object_get(set, "method"))};
    bool system = parameter->sent || parameter->fixed;
    return (struct shown_parameter){parameter, parameter->value, system ? "system" : "engine-default",
                                    METHOD_REBOOT};
}

static void write_parameter(struct buf *result, const struct shown_parameter *shown)
{
    const struct parameter *parameter = shown->parameter;
    reply_open(result, "Parameter");
    reply_text(result, "ParameterName", parameter->name);
    reply_text(result, "ParameterValue", shown->value);
    reply_text(result, "Description", parameter->description);
    reply_text(result, "Source", shown->source);
    reply_text(result, "ApplyType", parameter->dynamic ? "dynamic" : "static");
    reply_text(result, "DataType", parameter_data_type(parameter));
    reply_text(result, "AllowedValues", parameter->allowed);
    reply_boolean(result, "IsModifiable", !parameter->fixed);
    reply_text(result, "MinimumEngineVersion", parameter->since);
    reply_text(result, "ApplyMethod", shown->method);
    reply_close(result, "Parameter");
}

/* A page of the parameters of a version; `values` are what the group has set. */
static void write_parameters(const struct call *call, const struct catalogue_version *version,
                             const json_t *values, const char *source, struct page *page)
{
    const struct parameter *parameter = NULL;
    enum page_turn turn = PAGE_SKIP;
    reply_open(call->result, "Parameters");
    while (turn != PAGE_FULL &&
           (parameter = parameter_next(version->engine->engine, version->version, parameter))) {
        struct shown_parameter shown = show(parameter, json_object_get(values, parameter->name));
        if (!call_filter_accepts(call, "parameter-name", parameter->name) ||
            (!text_is_empty(source) && !text_equal(source, shown.source)))
            continue;
        turn = page_next(page);
        if (turn == PAGE_SHOW)
            write_parameter(call->result, &shown);
    }
    reply_close(call->result, "Parameters");
    page_write_marker(call, page);
}

int parameter_groups_describe_parameters(const struct call *call, struct error *error)
{
    AUTO_PAGE struct page page = {0};
    struct parameter_group_row row = {0};
    struct catalogue_version version;
    int result = page_open(call, PAGE_BY_POSITION, &page, error);
    if (!result)
        result = parameter_group_get(call->fleet, call->region,
                                     action_text(call->input, "DBParameterGroupName"), &row, error);
    if (!result && catalogue_parse_family(row.family, &version)) {
        json_t *values = json_loadb((const char *)row.parameters.data, row.parameters.length, 0, NULL);
        write_parameters(call, &version, values, action_text(call->input, "Source"), &page);
        json_decref(values);
    }
    parameter_group_row_free(&row);
    return result;
}

int parameter_groups_describe_defaults(const struct call *call, struct error *error)
{
    AUTO_PAGE struct page page = {0};
    struct catalogue_version version;
    int result = page_open(call, PAGE_BY_POSITION, &page, error);
    if (!result)
        result = parameter_group_family(call->fleet, action_text(call->input, "DBParameterGroupFamily"),
                                        &version, error);
    if (result)
        return result;
    reply_open(call->result, "EngineDefaults");
    reply_text(call->result, "DBParameterGroupFamily", version.family);
    write_parameters(call, &version, NULL, NULL, &page);
    reply_close(call->result, "EngineDefaults");
    return 0;
}
