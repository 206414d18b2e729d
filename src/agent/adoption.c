#include "agent/adoption.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

enum { NAME_LIMIT = 32, NAME_LENGTH = 253, RESOURCE_LENGTH = 29 };

static const struct {
    const char *name;
    size_t at, size;
} texts[] = {
    {"resource_id", offsetof(struct adoption, resource_id), sizeof((struct adoption *)0)->resource_id},
    {"identifier", offsetof(struct adoption, identifier), sizeof((struct adoption *)0)->identifier},
    {"region", offsetof(struct adoption, region), sizeof((struct adoption *)0)->region},
    {"engine", offsetof(struct adoption, engine), sizeof((struct adoption *)0)->engine},
    {"engine_version", offsetof(struct adoption, engine_version),
     sizeof((struct adoption *)0)->engine_version},
    {"instance_class", offsetof(struct adoption, instance_class),
     sizeof((struct adoption *)0)->instance_class},
    {"ca_identifier", offsetof(struct adoption, ca_identifier), sizeof((struct adoption *)0)->ca_identifier},
    {"master_username", offsetof(struct adoption, master_username),
     sizeof((struct adoption *)0)->master_username},
};

static int take_texts(const json_t *json, struct adoption *adoption, struct error *error)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = json_string_value(json_object_get(json, texts[i].name));
        if (!text || !text_copy((char *)adoption + texts[i].at, texts[i].size, text))
            return error_set(error, ERROR_INVALID, "%s: expected a text of at most %zu bytes", texts[i].name,
                             texts[i].size - 1);
    }
    return 0;
}

/* It names a folder of the database host. */
static int check_resource_id(const char *id, struct error *error)
{
    bool good = text_starts_with(id, "db-") && strlen(id) == RESOURCE_LENGTH &&
                strspn(id + 3, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == RESOURCE_LENGTH - 3;
    return good ? 0
                : error_set(error, ERROR_INVALID,
                            "resource_id: expected db- and %d capital letters and digits",
                            RESOURCE_LENGTH - 3);
}

static int take_number(const json_t *json, const char *name, int64_t most, int64_t *target,
                       struct error *error)
{
    const json_t *member = json_object_get(json, name);
    *target = json_integer_value(member);
    return json_is_integer(member) && *target >= 1 && *target <= most
               ? 0
               : error_set(error, ERROR_INVALID, "%s: expected an integer from 1 to %lld", name,
                           (long long)most);
}

static int take_names(const json_t *json, struct text_list *names, struct error *error)
{
    const json_t *list = json_object_get(json, "names");
    if (!json_is_array(list) || json_array_size(list) > NAME_LIMIT)
        return error_set(error, ERROR_INVALID, "names: expected a list of at most %d items", NAME_LIMIT);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        size_t length = name ? strlen(name) : 0;
        if (!length || length > NAME_LENGTH || strchr(name, ' '))
            return error_set(error, ERROR_INVALID, "names: expected names of 1 to %d bytes", NAME_LENGTH);
        text_list_add(names, name);
    }
    return 0;
}

int adoption_from_json(const json_t *json, struct adoption *adoption, struct error *error)
{
    *adoption = (struct adoption){0};
    int result = take_texts(json, adoption, error);
    if (!result)
        result = check_resource_id(adoption->resource_id, error);
    if (!result)
        result = take_number(json, "allocated_storage", INT32_MAX, &adoption->allocated_storage, error);
    if (!result)
        result = take_number(json, "port", 65535, &adoption->port, error);
    if (!result)
        result = take_names(json, &adoption->names, error);
    if (result)
        adoption_free(adoption);
    return result;
}

json_t *adoption_to_json(const struct adoption *adoption)
{
    json_t *json = json_object(), *names = json_array();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        json_object_set_new(json, texts[i].name, json_string((const char *)adoption + texts[i].at));
    json_object_set_new(json, "allocated_storage", json_integer(adoption->allocated_storage));
    json_object_set_new(json, "port", json_integer(adoption->port));
    for (size_t i = 0; i < adoption->names.count; i++)
        json_array_append_new(names, json_string(adoption->names.items[i]));
    json_object_set_new(json, "names", names);
    return json;
}

void adoption_free(struct adoption *adoption)
{
    text_list_free(&adoption->names);
    *adoption = (struct adoption){0};
}
