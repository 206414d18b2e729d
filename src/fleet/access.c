#include "fleet/access.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <jansson.h>
#include <string.h>

void access_key_free(struct access_key *key)
{
    text_list_free(&key->regions);
    mem_wipe(key, sizeof *key);
}

int access_import(struct fleet *fleet, const struct access_key *key, struct error *error)
{
    struct access_key_row row = {.read_only = key->read_only, .created_at = clock_now()};
    json_t *regions = json_array();
    for (size_t i = 0; i < key->regions.count; i++)
        json_array_append_new(regions, json_string(key->regions.items[i]));
    AUTO_FREE char *text = json_dumps(regions, JSON_COMPACT);
    json_decref(regions);
    if (!text_copy(row.regions, sizeof row.regions, text))
        return error_set(error, ERROR_LIMIT,
                         "too many regions for one access key: leave them out to allow all");
    text_copy(row.access_key_id, sizeof row.access_key_id, key->access_key_id);
    text_copy(row.user_name, sizeof row.user_name, key->user_name);
    buf_append_text(&row.secret, key->secret);
    int result = store_access_key_insert(fleet->store, &row, error);
    access_key_row_free(&row);
    return result;
}

int access_create(struct fleet *fleet, const char *user_name, bool read_only, const struct text_list *regions,
                  struct access_key *key, struct error *error)
{
    *key = (struct access_key){.access_key_id = "AKIA", .read_only = read_only};
    text_random(key->access_key_id + 4, 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567");
    text_random(key->secret, 40, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    if (!text_copy(key->user_name, sizeof key->user_name, user_name))
        return error_set(error, ERROR_INVALID, "a user's name has at most 64 characters");
    for (size_t i = 0; i < regions->count; i++) {
        if (!region_find(&fleet->settings->regions, regions->items[i]))
            return error_set(error, ERROR_INVALID, "%s is not one of the regions", regions->items[i]);
        text_list_add(&key->regions, regions->items[i]);
    }
    return access_import(fleet, key, error);
}

int access_find(struct fleet *fleet, const char *access_key_id, struct access_key *key, struct error *error)
{
    struct access_key_row row = {0};
    int result = store_access_key_get(fleet->store, access_key_id, &row, error);
    if (!result) {
        *key = (struct access_key){.read_only = row.read_only};
        text_copy(key->access_key_id, sizeof key->access_key_id, row.access_key_id);
        text_copy(key->user_name, sizeof key->user_name, row.user_name);
        text_copy(key->secret, sizeof key->secret, buf_text(&row.secret));
        json_t *regions = json_loads(row.regions, 0, NULL);
        for (size_t i = 0; i < json_array_size(regions); i++)
            text_list_add(&key->regions, json_string_value(json_array_get(regions, i)));
        json_decref(regions);
    }
    access_key_row_free(&row);
    return result;
}

int access_remove(struct fleet *fleet, const char *access_key_id, struct error *error)
{
    return store_access_key_remove(fleet->store, access_key_id, error);
}

int access_check(const struct settings *settings, const struct access_key *key, const char *region,
                 const char *action, bool writes, struct error *error)
{
    bool elsewhere = key->regions.count && !text_list_has(&key->regions, region);
    if (!elsewhere && !(writes && key->read_only))
        return 0;
    const struct region *found = region_find(&settings->regions, region);
    const char *partition = found ? found->partition : PARTITION_AWS;
    return error_set_named(error, ERROR_DENIED, "AccessDenied",
                           "User: arn:%s:iam::%s:user/%s is not authorized to perform: rds:%s on resource: "
                           "arn:%s:rds:%s:%s:* because no identity-based policy allows the rds:%s action",
                           partition, settings->account, key->user_name, action, partition, region,
                           settings->account, action);
}
