#include "fleet/adopt.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/instance_internal.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* Of a token together with what it is for. */
static void digest_of(const char *host, const struct adoption *adoption, const char *token, char digest[65])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    json_t *json = adoption_to_json(adoption);
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(json);
    char *all = mem_format("adopt\n%s\n%s\n%s", host, token, text);
    SHA256((const unsigned char *)all, strlen(all), hash);
    mem_free_secret(all);
    text_hex(hash, sizeof hash, digest);
}

int adopt_token_create(struct fleet *fleet, const char *host, const struct adoption *adoption, char token[65],
                       struct error *error)
{
    char digest[65];
    text_random(token, 43, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    digest_of(host, adoption, token, digest);
    return store_token_insert(fleet->store, digest, clock_now() + ADOPT_TOKEN_LIFE, error);
}

static int take_token(struct fleet *fleet, const char *host, const struct adoption *adoption,
                      const char *token, struct error *error)
{
    char digest[65];
    digest_of(host, adoption, token ? token : "", digest);
    int result = store_token_take(fleet->store, digest, host, clock_now(), error);
    if (result == ERROR_NOT_FOUND)
        return error_set(error, ERROR_DENIED,
                         "the token is unknown, expired, or for another host or instance");
    return result;
}

static int check_region_and_engine(const struct fleet *fleet, const struct adoption *adoption,
                                   struct error *error)
{
    if (!region_find(&fleet->settings->regions, adoption->region))
        return error_set(error, ERROR_INVALID, "there is no region %s", adoption->region);
    if (!catalogue_engine(adoption->engine))
        return error_set(error, ERROR_INVALID, "there is no engine %s", adoption->engine);
    return 0;
}

static int create(struct fleet *fleet, const char *host, const struct adoption *adoption,
                  struct instance_row *row, struct error *error)
{
    AUTO_BUF struct buf names = {0};
    for (size_t i = 0; i < adoption->names.count; i++)
        buf_printf(&names, "%s%s", i ? " " : "", adoption->names.items[i]);
    const struct instance_tag tag = {TAG_SERVER_NAMES, buf_text(&names)};
    const struct instance_adoption origin = {host, adoption->resource_id};
    const struct instance_create input = {
        .region = adoption->region,
        .identifier = adoption->identifier,
        .engine = adoption->engine,
        .engine_version = adoption->engine_version,
        .instance_class = adoption->instance_class,
        .allocated_storage = adoption->allocated_storage,
        .master_username = adoption->master_username,
        .port = adoption->port,
        .ca_identifier = adoption->ca_identifier[0] ? adoption->ca_identifier : NULL,
        .tags = &tag,
        .tag_count = names.length ? 1 : 0,
        .adoption = &origin,
    };
    return instance_create(fleet, &input, row, error);
}

/* ERROR_NOT_FOUND; ERROR_DENIED where it is not an adopted instance of this host. */
static int find(struct fleet *fleet, const char *host, const char *resource_id, struct instance_row *row,
                struct error *error)
{
    int result = store_instance_get_by_resource(fleet->store, resource_id, row, error);
    if (!result && (!text_equal(row->host, host) || !instance_is_adopted(row)))
        return error_set(error, ERROR_DENIED, "instance %s is not an adopted one of host %s", resource_id,
                         host);
    return result;
}

int adopt_instance(struct fleet *fleet, const char *host, const struct adoption *adoption, const char *token,
                   struct instance_row *row, struct error *error)
{
    int result = find(fleet, host, adoption->resource_id, row, error);
    if (result != ERROR_NOT_FOUND)
        return result;
    result = check_region_and_engine(fleet, adoption, error);
    if (!result)
        result = take_token(fleet, host, adoption, token, error);
    return result ? result : create(fleet, host, adoption, row, error);
}

int adopt_release(struct fleet *fleet, const char *host, const char *resource_id, struct instance_row *row,
                  struct error *error)
{
    struct instance_row found = {0};
    int result = find(fleet, host, resource_id, &found, error);
    if (!result && !found.deleted)
        result = instance_delete(fleet, found.region, found.identifier, true, NULL, row, error);
    else if (!result)
        result = store_instance_get_by_resource(fleet->store, resource_id, row, error);
    instance_row_free(&found);
    return result;
}
