#include "fleet/host.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/instance_groups.h"
#include "fleet/instance_internal.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define AGENT_CERTIFICATE_LIFE (365 * CLOCK_DAY)

static void token_digest(const char *token, char digest[65])
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)token, strlen(token), hash);
    text_hex(hash, sizeof hash, digest);
}

int host_token_create(struct fleet *fleet, int64_t life, char token[65], struct error *error)
{
    char digest[65];
    text_random(token, 43, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    token_digest(token, digest);
    return store_token_insert(fleet->store, digest, clock_now() + life, error);
}

static int check_host_name(const char *host, struct error *error)
{
    size_t length = strlen(host);
    bool good = length >= 1 && length <= 63;
    for (size_t i = 0; good && i < length; i++)
        good = isalnum((unsigned char)host[i]) || host[i] == '-' || host[i] == '.';
    return good ? 0
                : error_set(error, ERROR_INVALID,
                            "a host's name is 1 to 63 letters, digits, dots and hyphens");
}

int host_renew(struct fleet *fleet, const char *host, struct slice request, struct buf *certificate,
               struct error *error)
{
    AUTO_BUF struct buf der = {0};
    struct text_list names = {0};
    int result = signer_sign_control(fleet->signer, CONTROL_AGENT, host, &names, request,
                                     clock_now() + AGENT_CERTIFICATE_LIFE, &der, error);
    X509 *leaf = NULL;
    if (!result)
        result = certificate_parse(slice_buf(&der), &leaf, error);
    if (!result)
        certificate_pem(leaf, certificate);
    X509_free(leaf);
    return result;
}

int host_enroll(struct fleet *fleet, const char *token, const char *host, struct slice request,
                struct buf *certificate, struct error *error)
{
    char digest[65];
    int result = check_host_name(host, error);
    if (!result)
        result = store_begin(fleet->store, error);
    if (result)
        return result;
    token_digest(token, digest);
    result = store_token_take(fleet->store, digest, host, clock_now(), error);
    if (result == ERROR_NOT_FOUND)
        result = (int)(error->code = ERROR_DENIED);
    struct host_row row = {.created_at = clock_now(), .seen_at = clock_now(), .revision = 1};
    text_copy(row.host, sizeof row.host, host);
    if (!result)
        result = store_host_put(fleet->store, &row, error);
    if (!result)
        result = host_renew(fleet, host, request, certificate, error);
    return store_finish(fleet->store, result, error);
}

int host_register(struct fleet *fleet, const char *host, const struct engine_version *engines, size_t count,
                  struct error *error)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, engine_version_to_json(&engines[i]));
    struct host_row row = {.created_at = clock_now(), .seen_at = clock_now(), .revision = 1};
    text_copy(row.host, sizeof row.host, host);
    AUTO_FREE char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    buf_append_text(&row.engines, text);
    int result = store_host_put(fleet->store, &row, error);
    host_row_free(&row);
    return result;
}

int host_revision(struct fleet *fleet, const char *host, int64_t *revision, struct error *error)
{
    return store_host_revision(fleet->store, host, revision, error);
}

/* A rehearsal is only watched; a real change is watched and, if need be, undone. */
static void fill_guard(const struct settings *settings, const struct instance_row *row,
                       struct desired_instance *desired)
{
    int64_t rehearsed = instance_json_integer(&row->rehearsal, "generation", 0);
    desired->rehearsal = rehearsed == row->certificate_generation;
    desired->guard_seconds =
        desired->rehearsal ? instance_json_integer(&row->rehearsal, "seconds", 0) : settings->guard_seconds;
    desired->guard_refusals = settings->guard_refusals;
}

static void fill_desired(const struct settings *settings, const struct instance_row *row,
                         struct desired_instance *desired)
{
    text_copy(desired->resource_id, sizeof desired->resource_id, row->resource_id);
    text_copy(desired->identifier, sizeof desired->identifier, row->identifier);
    text_copy(desired->region, sizeof desired->region, row->region);
    text_copy(desired->engine, sizeof desired->engine, row->engine);
    text_copy(desired->engine_version, sizeof desired->engine_version, row->engine_version);
    instance_wanted_ca(row, desired->ca_identifier);
    fill_guard(settings, row, desired);
    text_copy(desired->master_username, sizeof desired->master_username, row->master_username);
    text_copy(desired->database, sizeof desired->database, row->database_name);
    desired->generation = row->generation;
    desired->running = row->running;
    desired->deleted = row->deleted;
    desired->adopted = instance_is_adopted(row);
    desired->restart = row->restart;
    desired->port = row->requested_port;
    desired->certificate_generation = row->certificate_generation;
    desired->password_generation = row->password_generation;
    if (row->master_password.length)
        desired->master_password = slice_string(slice_buf(&row->master_password));
    json_t *names = json_loadb((const char *)row->names.data, row->names.length, 0, NULL);
    for (size_t i = 0; i < json_array_size(names); i++)
        text_list_add(&desired->names, json_string_value(json_array_get(names, i)));
    json_decref(names);
    instance_groups_desired(row, desired);
}

struct desired_walk {
    const struct settings *settings;
    desired_visitor *visit;
    void *context;
};

static bool visit_instance(const struct instance_row *row, void *context)
{
    struct desired_walk *walk = context;
    struct desired_instance desired = {0};
    fill_desired(walk->settings, row, &desired);
    walk->visit(&desired, walk->context);
    desired_free(&desired);
    return true;
}

int host_desired(struct fleet *fleet, const char *host, int64_t *revision, desired_visitor *visit,
                 void *context, struct error *error)
{
    struct desired_walk walk = {fleet->settings, visit, context};
    /* The revision is read first: what changes in between is told again, never missed. */
    int result = host_revision(fleet, host, revision, error);
    return result ? result : store_instance_list_of_host(fleet->store, host, visit_instance, &walk, error);
}
