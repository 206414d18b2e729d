#include "api/agents.h"

#include "agent/adoption.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/adopt.h"
#include "fleet/host.h"
#include "fleet/issue.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "/agent/v1/"
enum { REQUEST_LIMIT = 256 };

/* A poll that waits: its host has seen `revision`. */
struct poll {
    struct poll *next;
    struct agents *agents;
    struct http_exchange *exchange;
    char host[64];
    int64_t revision;
    int64_t until; /* clock_steady */
};

struct agents {
    struct fleet *fleet;
    struct poll *polls;
    int64_t seen_version; /* of the store, when the polls were last looked at */
};

struct agents *agents_new(struct fleet *fleet)
{
    struct agents *agents = mem_new(sizeof *agents);
    agents->fleet = fleet;
    return agents;
}

static void answer_json(struct http_exchange *exchange, int status, json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    http_reply_header(exchange, "Content-Type", "application/json");
    http_reply_header(exchange, "Cache-Control", "no-store");
    http_reply(exchange, status, slice_text(text));
    mem_free_secret(text); /* may hold a master password */
}

static void answer_error(struct http_exchange *exchange, const struct error *error)
{
    int status = error->code == ERROR_INVALID                                ? 400
                 : error->code == ERROR_DENIED                               ? 403
                 : error->code == ERROR_NOT_FOUND                            ? 404
                 : error->code == ERROR_STATE || error->code == ERROR_EXISTS ? 409
                 : error->code == ERROR_LIMIT                                ? 413
                 : error->code == ERROR_BUSY || error->code == ERROR_TIMEOUT ? 503
                                                                             : 500;
    if (status == 500)
        log_error("action=agent-request path=%s reason=\"%s\"", http_path(exchange), error->text);
    answer_json(exchange, status, json_pack("{s:s}", "error", error->text));
}

static void answer_empty(struct http_exchange *exchange, int result, const struct error *error)
{
    if (result)
        answer_error(exchange, error);
    else
        answer_json(exchange, 200, json_object());
}

static int read_body(struct http_exchange *exchange, json_t **object, struct error *error)
{
    json_error_t where;
    struct slice body = http_body(exchange);
    if (body.length > AGENT_MESSAGE_LIMIT)
        return error_set(error, ERROR_LIMIT, "the message is larger than %d bytes", AGENT_MESSAGE_LIMIT);
    *object = json_loadb((const char *)body.data, body.length, JSON_REJECT_DUPLICATES, &where);
    if (json_is_object(*object))
        return 0;
    json_decref(*object);
    *object = NULL;
    return error_set(error, ERROR_INVALID, "the body is no JSON object: %s", where.text);
}

/* The base64 of a certificate request in "request". */
static int read_request(const json_t *body, struct buf *request, struct error *error)
{
    const char *text = json_string_value(json_object_get(body, "request"));
    if (!text || strlen(text) > 32768 || !text_from_base64(slice_text(text), request))
        return error_set(error, ERROR_INVALID, "request: expected a certificate request in base64");
    return 0;
}

static void answer_certificate(struct http_exchange *exchange, int result, struct buf *pem,
                               const struct error *error)
{
    if (result)
        answer_error(exchange, error);
    else
        answer_json(exchange, 200, json_pack("{s:s}", "certificate", buf_text(pem)));
}

static void enroll(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    (void)host;
    struct error error = {0};
    json_t *body = NULL;
    AUTO_BUF struct buf request = {0}, pem = {0};
    int result = read_body(exchange, &body, &error);
    const char *token = json_string_value(json_object_get(body, "token"));
    const char *name = json_string_value(json_object_get(body, "host"));
    if (!result && (!token || !name))
        result = error_set(&error, ERROR_INVALID, "expected token, host and request");
    if (!result)
        result = read_request(body, &request, &error);
    if (!result)
        result = host_enroll(agents->fleet, token, name, slice_buf(&request), &pem, &error);
    log_info("action=enroll host=%s result=%s", name ? name : "-", result ? error.text : "ok");
    json_decref(body);
    answer_certificate(exchange, result, &pem, &error);
}

static void renew(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    struct error error = {0};
    json_t *body = NULL;
    AUTO_BUF struct buf request = {0}, pem = {0};
    int result = read_body(exchange, &body, &error);
    if (!result)
        result = read_request(body, &request, &error);
    if (!result)
        result = host_renew(agents->fleet, host, slice_buf(&request), &pem, &error);
    json_decref(body);
    answer_certificate(exchange, result, &pem, &error);
}

static int check_list(const json_t *list, const char *name, struct error *error)
{
    if (!json_is_array(list) || json_array_size(list) > REQUEST_LIMIT)
        return error_set(error, ERROR_INVALID, "%s: expected a list of at most %d items", name,
                         REQUEST_LIMIT);
    return 0;
}

static void register_host(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    struct error error = {0};
    json_t *body = NULL;
    int result = read_body(exchange, &body, &error);
    const json_t *list = json_object_get(body, "engines");
    if (!result)
        result = check_list(list, "engines", &error);
    size_t count = result ? 0 : json_array_size(list);
    struct engine_version *engines = mem_new_array(count, sizeof *engines);
    for (size_t i = 0; !result && i < count; i++)
        result = engine_version_from_json(json_array_get(list, i), &engines[i], &error);
    if (!result)
        result = host_register(agents->fleet, host, engines, count, &error);
    free(engines);
    json_decref(body);
    answer_empty(exchange, result, &error);
}

static json_t *issue(struct agents *agents, const char *host, const json_t *list, struct error *error)
{
    size_t count = json_array_size(list);
    struct certificate_request *requests = mem_new_array(count, sizeof *requests);
    struct certificate_reply *replies = mem_new_array(count, sizeof *replies);
    int result = 0;
    for (size_t i = 0; !result && i < count; i++)
        result = certificate_request_from_json(json_array_get(list, i), &requests[i], error);
    if (!result)
        result = issue_certificates(agents->fleet, host, requests, count, replies, error);
    json_t *answers = json_array();
    for (size_t i = 0; i < count; i++) {
        if (!result)
            json_array_append_new(answers, certificate_reply_to_json(&replies[i]));
        certificate_reply_free(&replies[i]);
        certificate_request_free(&requests[i]);
    }
    free(replies);
    free(requests);
    if (!result)
        return json_pack("{s:o}", "replies", answers);
    json_decref(answers);
    return NULL;
}

static void certificates(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    struct error error = {0};
    json_t *body = NULL;
    json_t *answer = NULL;
    int result = read_body(exchange, &body, &error);
    const json_t *list = json_object_get(body, "requests");
    if (!result)
        result = check_list(list, "requests", &error);
    if (!result)
        answer = issue(agents, host, list, &error);
    json_decref(body);
    if (answer)
        answer_json(exchange, 200, answer);
    else
        answer_error(exchange, &error);
}

static void observe(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    struct error error = {0};
    json_t *body = NULL;
    int result = read_body(exchange, &body, &error);
    const json_t *list = json_object_get(body, "instances");
    if (!result)
        result = check_list(list, "instances", &error);
    for (size_t i = 0; !result && i < json_array_size(list); i++) {
        struct observed_instance observed = {0};
        result = observed_from_json(json_array_get(list, i), &observed, &error);
        if (!result)
            result = host_observe(agents->fleet, host, &observed, &error);
        observed_free(&observed);
    }
    json_decref(body);
    answer_empty(exchange, result, &error);
}

/* What the host's own commands wait for. The row is freed. */
static void answer_instance(struct http_exchange *exchange, int result, struct instance_row *row,
                            const struct error *error)
{
    if (result)
        answer_error(exchange, error);
    else
        answer_json(exchange, 200,
                    json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:I}", "status", row->status, "problem",
                              row->problem, "address", row->address, "port", row->port, "region", row->region,
                              "identifier", row->identifier, "ca_identifier", row->served_ca_identifier,
                              "valid_till", (json_int_t)row->served_not_after));
    instance_row_free(row);
}

static void adopt(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    struct error error = {0};
    struct adoption adoption = {0};
    struct instance_row row = {0};
    json_t *body = NULL;
    int result = read_body(exchange, &body, &error);
    const char *token = json_string_value(json_object_get(body, "token"));
    if (!result)
        result = adoption_from_json(json_object_get(body, "instance"), &adoption, &error);
    if (!result)
        result = adopt_instance(agents->fleet, host, &adoption, token, &row, &error);
    adoption_free(&adoption);
    json_decref(body);
    answer_instance(exchange, result, &row, &error);
}

static void release(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    struct error error = {0};
    struct instance_row row = {0};
    json_t *body = NULL;
    int result = read_body(exchange, &body, &error);
    const char *resource_id = json_string_value(json_object_get(body, "resource_id"));
    if (!result && !resource_id)
        result = error_set(&error, ERROR_INVALID, "resource_id: expected a text");
    if (!result)
        result = adopt_release(agents->fleet, host, resource_id, &row, &error);
    json_decref(body);
    answer_instance(exchange, result, &row, &error);
}

static void add_desired(const struct desired_instance *desired, void *context)
{
    json_array_append_new(context, desired_to_json(desired));
}

static void answer_desired(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    struct error error = {0};
    int64_t revision = 0;
    json_t *instances = json_array();
    int result = host_desired(agents->fleet, host, &revision, add_desired, instances, &error);
    if (result) {
        json_decref(instances);
        answer_error(exchange, &error);
        return;
    }
    answer_json(exchange, 200,
                json_pack("{s:I, s:I, s:o}", "revision", (json_int_t)revision, "now", (json_int_t)clock_now(),
                          "instances", instances));
}

static void unlink_poll(struct poll *poll)
{
    struct poll **link = &poll->agents->polls;
    while (*link != poll)
        link = &(*link)->next;
    *link = poll->next;
    free(poll);
}

static void poll_gone(struct http_exchange *exchange, void *context)
{
    (void)exchange;
    unlink_poll(context);
}

/* A whole number in the query, such as wait in "revision=4&wait=25"; `absent` when it is not there. */
static int64_t query_number(const char *query, const char *name, int64_t absent)
{
    AUTO_FREE char *copy = mem_string(query);
    size_t length = strlen(name);
    int64_t value = absent;
    char *rest = NULL;
    for (char *pair = strtok_r(copy, "&", &rest); pair; pair = strtok_r(NULL, "&", &rest))
        if (strncmp(pair, name, length) == 0 && pair[length] == '=' &&
            !text_integer(pair + length + 1, 0, INT64_MAX, &value))
            value = absent;
    return value;
}

static void desired(struct agents *agents, const char *host, struct http_exchange *exchange)
{
    int64_t known = query_number(http_query(exchange), "revision", -1);
    int64_t wait = query_number(http_query(exchange), "wait", 0);
    int64_t revision = 0;
    struct error error = {0};
    int result = store_host_touch(agents->fleet->store, host, clock_now(), &error);
    if (!result)
        result = host_revision(agents->fleet, host, &revision, &error);
    if (result) {
        answer_error(exchange, &error);
        return;
    }
    if (revision != known || wait == 0) {
        answer_desired(agents, host, exchange);
        return;
    }
    struct poll *poll = mem_new(sizeof *poll);
    poll->agents = agents;
    poll->exchange = exchange;
    poll->revision = known;
    poll->until = clock_steady() + (wait < AGENT_WAIT_LIMIT ? wait : AGENT_WAIT_LIMIT) * CLOCK_SECOND;
    text_copy(poll->host, sizeof poll->host, host);
    poll->next = agents->polls;
    agents->polls = poll;
    http_defer(exchange, poll_gone, poll);
}

/* Answers a poll that need not wait any longer. */
static void settle(struct agents *agents, struct poll *poll, bool changed)
{
    int64_t revision = poll->revision;
    if (changed)
        host_revision(agents->fleet, poll->host, &revision, NULL);
    bool news = revision != poll->revision;
    if (!news && clock_steady() < poll->until)
        return;
    struct http_exchange *exchange = poll->exchange;
    char host[64];
    text_copy(host, sizeof host, poll->host);
    unlink_poll(poll);
    if (news)
        answer_desired(agents, host, exchange);
    else
        http_reply(exchange, 204, (struct slice){0});
}

void agents_tick(struct agents *agents)
{
    if (!agents->polls)
        return;
    int64_t version = store_version(agents->fleet->store);
    bool changed = version != agents->seen_version;
    agents->seen_version = version;
    for (struct poll *poll = agents->polls, *next; poll; poll = next) {
        next = poll->next;
        settle(agents, poll, changed);
    }
}

void agents_free(struct agents *agents)
{
    if (!agents)
        return;
    for (struct poll *poll = agents->polls, *next; poll; poll = next) {
        next = poll->next;
        agents->polls = next;
        http_reply(poll->exchange, 503, (struct slice){0});
        free(poll);
    }
    free(agents);
}

static const struct {
    const char *method;
    const char *path;
    bool open; /* without a client certificate */
    void (*handle)(struct agents *, const char *host, struct http_exchange *);
} routes[] = {
    {"POST", PREFIX "enroll", true, enroll},     {"POST", PREFIX "host", false, register_host},
    {"GET", PREFIX "desired", false, desired},   {"POST", PREFIX "certificates", false, certificates},
    {"POST", PREFIX "observed", false, observe}, {"POST", PREFIX "renew", false, renew},
    {"POST", PREFIX "adopt", false, adopt},      {"POST", PREFIX "release", false, release},
};

bool agents_handle(struct agents *agents, struct http_exchange *exchange)
{
    struct error error = {0};
    if (!text_starts_with(http_path(exchange), PREFIX))
        return false;
    const char *host = http_client_name(exchange);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        if (!text_equal(routes[i].path, http_path(exchange)) ||
            !text_equal(routes[i].method, http_method(exchange)))
            continue;
        if (host || routes[i].open) {
            routes[i].handle(agents, host, exchange);
            return true;
        }
        error_set(&error, ERROR_DENIED, "an agent shows its certificate: connect with the server name %s",
                  AGENT_SERVER_NAME);
        answer_error(exchange, &error);
        return true;
    }
    error_set(&error, ERROR_NOT_FOUND, "%s %s: no such call", http_method(exchange), http_path(exchange));
    answer_error(exchange, &error);
    return true;
}
