/* Reading and writing an instance within a transaction, and the names of its certificate. */
#include "base/memory.h"
#include "base/text.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/rotate.h"

#include <stdlib.h>
#include <string.h>

int instance_read(struct fleet *fleet, const char *region, const char *identifier, struct instance_row *row,
                  struct error *error)
{
    char lower[64];
    int result = ERROR_NOT_FOUND;
    if (text_copy(lower, sizeof lower, identifier)) {
        text_lower(lower);
        result = store_instance_get(fleet->store, region, lower, row, error);
    }
    if (result == ERROR_NOT_FOUND)
        return error_set_named(error, ERROR_NOT_FOUND, "DBInstanceNotFound", "DBInstance %s not found.",
                               identifier);
    return result;
}

int instance_write_desired(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    row->generation++;
    int result = store_instance_update(fleet->store, row, error);
    if (!result)
        result = rotate_schedule(fleet, row, error); /* what is wanted may come late */
    return result ? result : store_host_bump(fleet->store, row->host, error);
}

int64_t instance_json_integer(const struct buf *text, const char *name, int64_t absent)
{
    json_t *object = instance_json(text);
    const json_t *member = json_object_get(object, name);
    int64_t value = json_is_integer(member) ? json_integer_value(member) : absent;
    json_decref(object);
    return value;
}

bool instance_json_is(const struct buf *text, const char *name, const char *value)
{
    json_t *object = instance_json(text);
    bool is = text_equal(json_string_value(json_object_get(object, name)), value);
    json_decref(object);
    return is;
}

json_t *instance_json(const struct buf *text)
{
    json_t *object = json_loadb((const char *)text->data, text->length, 0, NULL);
    return object ? object : json_object();
}

void instance_set_json(struct buf *target, const json_t *object)
{
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    buf_clear(target);
    buf_append_text(target, text ? text : "{}");
    free(text);
}

static bool add_server_names(const char *key, const char *value, void *context)
{
    if (!text_equal(key, TAG_SERVER_NAMES))
        return true;
    AUTO_FREE char *copy = mem_string(value);
    char *rest = NULL;
    for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        text_lower(name);
        bool there = false;
        for (size_t i = 0; i < json_array_size(context); i++)
            there |= text_equal(name, json_string_value(json_array_get(context, i)));
        if (!there)
            json_array_append_new(context, json_string(name));
    }
    return false;
}

int instance_refresh_names(struct fleet *fleet, struct instance_row *row, bool *changed, struct error *error)
{
    char arn[300];
    name_instance_arn(fleet->settings, row->region, row->identifier, arn);
    json_t *names = json_array();
    json_array_append_new(names, json_string(row->address));
    int result = store_tag_list(fleet->store, arn, add_server_names, names, error);
    AUTO_FREE char *text = json_dumps(names, JSON_COMPACT);
    json_decref(names);
    *changed = !slice_is(slice_buf(&row->names), text);
    buf_clear(&row->names);
    buf_append_text(&row->names, text);
    return result;
}

int instance_get(struct fleet *fleet, const char *region, const char *identifier, bool allow_arn,
                 struct instance_row *row, struct error *error)
{
    char arn_region[32], arn_identifier[64];
    if (allow_arn && text_starts_with(identifier, "arn:")) {
        int result = name_parse_instance_arn(fleet->settings, identifier, arn_region, arn_identifier, error);
        if (result)
            return result;
        if (!text_equal(arn_region, region))
            return error_set_named(error, ERROR_NOT_FOUND, "DBInstanceNotFound", "DBInstance %s not found.",
                                   identifier);
        identifier = arn_identifier;
    }
    return instance_read(fleet, region, identifier, row, error);
}
