/* A request's way: signature, access key, parameters, permission, action, reply. */
#include "api/api.h"

#include "api/call.h"
#include "api/reply_cache.h"
#include "aws/errors.h"
#include "aws/reply.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/access.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_BYTES ((size_t)2 << 20)

struct api {
    struct fleet *fleet;
    struct sigv4_rules rules;
    struct sigv4_cache *signing_keys;
    struct reply_cache *results;
};

/* `cached`: the result depends on the region, the parameters and the store alone. */
static const struct {
    const char *name;
    call_action *function;
    bool cached;
} actions[] = {
    {"AddTagsToResource", tags_add, false},
    {"ApplyPendingMaintenanceAction", maintenance_apply_action, false},
    {"CreateDBInstance", instances_create, false},
    {"CreateDBParameterGroup", parameter_groups_create, false},
    {"CreateOptionGroup", option_groups_create, false},
    {"DeleteDBInstance", instances_delete, false},
    {"DeleteDBParameterGroup", parameter_groups_delete, false},
    {"DeleteOptionGroup", option_groups_delete, false},
    {"DescribeCertificates", certificates_describe, true},
    {"DescribeDBEngineVersions", engines_describe_versions, true},
    {"DescribeDBInstances", instances_describe, true},
    {"DescribeDBParameterGroups", parameter_groups_describe, false},
    {"DescribeDBParameters", parameter_groups_describe_parameters, false},
    {"DescribeEngineDefaultParameters", parameter_groups_describe_defaults, false},
    {"DescribeEvents", events_describe, false},
    {"DescribeOptionGroupOptions", option_groups_describe_options, false},
    {"DescribeOptionGroups", option_groups_describe, false},
    {"DescribeOrderableDBInstanceOptions", engines_describe_orderable, true},
    {"DescribePendingMaintenanceActions", maintenance_describe, false},
    {"ListTagsForResource", tags_list, false},
    {"ModifyCertificates", certificates_modify, false},
    {"ModifyDBInstance", instances_modify, false},
    {"ModifyDBParameterGroup", parameter_groups_modify, false},
    {"ModifyOptionGroup", option_groups_modify, false},
    {"RebootDBInstance", instances_reboot, false},
    {"RemoveTagsFromResource", tags_remove, false},
    {"ResetDBParameterGroup", parameter_groups_reset, false},
    {"StartDBInstance", instances_start, false},
    {"StopDBInstance", instances_stop, false},
};

/* What is known of a request by the time it is answered: for the log. */
struct trail {
    char access_key[32];
    char region[32];
    const char *action;
};

static bool region_known(const char *region, void *context)
{
    const struct settings *settings = context;
    return region_find(&settings->regions, region) != NULL;
}

struct api *api_new(struct fleet *fleet)
{
    struct api *api = mem_new(sizeof *api);
    api->fleet = fleet;
    /* The rules' context is not const; region_known only reads it. */
    void *context;
    memcpy(&context, &fleet->settings, sizeof context);
    api->rules = (struct sigv4_rules){.service = "rds", .region_known = region_known, .context = context};
    api->signing_keys = sigv4_cache_new();
    api->results = reply_cache_new(CACHE_BYTES);
    return api;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    sigv4_cache_free(api->signing_keys);
    reply_cache_free(api->results);
    free(api);
}

void api_reply_free(struct api_reply *reply)
{
    buf_free(&reply->body);
}

static int check_method(const struct sigv4_request *request, struct error *error)
{
    if (text_equal(request->method, "POST") || text_equal(request->method, "GET"))
        return 0;
    return error_set_named(
        error, ERROR_INVALID, "InvalidAction",
        "Could not find an operation for the method %.20s: send POST, or GET with a signed "
        "query string.",
        request->method);
}

/* Who signed this? No session tokens are ever issued. */
static int authenticate(struct api *api, const struct sigv4_request *request,
                        const struct sigv4_credential *credential, struct access_key *key,
                        struct error *error)
{
    if (credential->session_token)
        return sigv4_refuse_key(error);
    int result = access_find(api->fleet, credential->access_key, key, error);
    if (result == ERROR_NOT_FOUND)
        return sigv4_refuse_key(error);
    return result ? result
                  : sigv4_verify(request, &api->rules, credential, key->secret, api->signing_keys, error);
}

/* Two requests with the same key have the same result. The query string's signature is no part of it. */
static void cache_key(const char *region, const struct query_parameters *parameters, struct buf *key)
{
    buf_append_text(key, region);
    for (size_t i = 0; i < parameters->count; i++) {
        if (text_starts_with(parameters->pairs[i].name, "X-Amz-"))
            continue;
        buf_append_byte(key, 0);
        buf_append_text(key, parameters->pairs[i].name);
        buf_append_byte(key, 0);
        buf_append_text(key, parameters->pairs[i].value);
    }
}

/* Carries the action out and appends its reply. */
static int run(struct api *api, const char *region, const struct query_parameters *parameters,
               const struct action_input *input, struct api_reply *reply, struct error *error)
{
    size_t index = 0;
    while (!text_equal(actions[index].name, input->action->name))
        index++;
    AUTO_BUF struct buf key = {0};
    struct slice cached;
    int64_t version = actions[index].cached ? store_version(api->fleet->store) : 0;
    if (actions[index].cached)
        cache_key(region, parameters, &key);
    reply_begin(&reply->body, input->action->name);
    if (key.length && reply_cache_find(api->results, version, slice_buf(&key), &cached)) {
        buf_append_slice(&reply->body, cached);
        reply_end(&reply->body, input->action->name, reply->request_id);
        return 0;
    }
    size_t start = reply->body.length;
    struct call call = {api->fleet, region, input, &reply->body};
    int result = actions[index].function(&call, error);
    if (result)
        return result;
    if (key.length)
        reply_cache_put(api->results, version, slice_buf(&key),
                        slice_of(reply->body.data + start, reply->body.length - start));
    reply_end(&reply->body, input->action->name, reply->request_id);
    if (input->action->no_result) {
        buf_clear(&reply->body);
        reply_empty(&reply->body, input->action->name, reply->request_id);
    }
    return 0;
}

/* May this key do this? Asked before the parameters are looked at, as AWS does: who may not create learns
 * nothing from creating badly. */
static int authorize(struct api *api, const struct access_key *key, const char *region,
                     const struct query_parameters *parameters, struct trail *trail, struct error *error)
{
    const char *name = query_text(parameters, "Action");
    const struct model_action *action = name ? model_action(name) : NULL;
    if (!action)
        return 0; /* decoding says so */
    trail->action = action->name;
    return access_check(api->fleet->settings, key, region, action->name, action->changes, error);
}

static int answer_form(struct api *api, const struct sigv4_request *request, const struct access_key *key,
                       const char *region, struct api_reply *reply, struct trail *trail, struct error *error)
{
    bool get = text_equal(request->method, "GET");
    AUTO_QUERY struct query_parameters parameters = {0};
    AUTO_INPUT struct action_input input = {0};
    int result = query_parse(get ? slice_text(request->query) : request->body, &parameters, error);
    if (!result)
        result = authorize(api, key, region, &parameters, trail, error);
    if (!result)
        result = action_decode(&parameters, &input, error);
    return result ? result : run(api, region, &parameters, &input, reply, error);
}

/* An access key's id goes into the log as long as it looks like one: a caller may send any text. */
static void note_key(struct trail *trail, const struct sigv4_credential *credential)
{
    text_copy(trail->region, sizeof trail->region, credential->region);
    if (!text_copy(trail->access_key, sizeof trail->access_key, credential->access_key))
        return;
    for (const char *each = trail->access_key; *each; each++)
        if (!isalnum((unsigned char)*each))
            trail->access_key[0] = 0;
}

static int answer(struct api *api, const struct sigv4_request *request, struct api_reply *reply,
                  struct trail *trail, struct error *error)
{
    AUTO_CREDENTIAL struct sigv4_credential credential = {0};
    struct access_key key = {0};
    int result = check_method(request, error);
    if (!result)
        result = sigv4_parse(request, &api->rules, clock_now(), &credential, error);
    if (result)
        return result;
    note_key(trail, &credential);
    result = authenticate(api, request, &credential, &key, error);
    if (!result)
        result = answer_form(api, request, &key, credential.region, reply, trail, error);
    access_key_free(&key);
    return result;
}

void api_answer(struct api *api, const struct sigv4_request *request, struct api_reply *reply)
{
    struct error error = {0};
    struct trail trail = {.action = "-"};
    *reply = (struct api_reply){.status = 200};
    text_uuid(reply->request_id);
    int result = answer(api, request, reply, &trail, &error);
    const char *code = result ? aws_error_code(&error) : "-";
    if (result) {
        reply->status = aws_error_status(code);
        buf_clear(&reply->body);
        reply_error(&reply->body, code, aws_error_message(&error), reply->request_id);
    }
    if (reply->status >= 500)
        log_error("action=%s request=%s reason=\"%s\"", trail.action, reply->request_id, error.text);
    log_info("action=%s request=%s key=%s region=%s status=%d code=%s", trail.action, reply->request_id,
             trail.access_key[0] ? trail.access_key : "-", trail.region[0] ? trail.region : "-",
             reply->status, code);
}

/* The headers of an exchange in a list that grows. */
struct headers {
    struct sigv4_header *items;
    size_t count;
};

static void add_header(const char *name, const char *value, void *context)
{
    struct headers *headers = context;
    headers->items = mem_grow(headers->items, headers->count + 1, sizeof *headers->items);
    headers->items[headers->count++] = (struct sigv4_header){name, value};
}

static void release_body(void *context)
{
    struct buf *body = context;
    buf_free(body);
    free(body);
}

bool api_handle(struct api *api, struct http_exchange *exchange)
{
    struct headers headers = {0};
    struct api_reply reply;
    if (!text_equal(http_path(exchange), "/"))
        return false;
    http_each_header(exchange, add_header, &headers);
    struct sigv4_request request = {
        .method = http_method(exchange),
        .path = http_path(exchange),
        .query = http_query(exchange),
        .headers = headers.items,
        .header_count = headers.count,
        .body = http_body(exchange),
    };
    api_answer(api, &request, &reply);
    free(headers.items);
    http_reply_header(exchange, "Content-Type", REPLY_CONTENT_TYPE);
    http_reply_header(exchange, "x-amzn-RequestId", reply.request_id);
    struct buf *body = mem_new(sizeof *body);
    *body = reply.body;
    http_reply_shared(exchange, reply.status, slice_buf(body), release_body, body);
    return true;
}
