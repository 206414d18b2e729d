#include "agent/channel.h"

#include "base/memory.h"
#include "base/text.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_DEADLINE = 5 * 1000, CALL_DEADLINE = 30 * 1000 };

struct call {
    CURL *easy; /* NULL: none under way */
    struct curl_slist *headers;
    char *body;
    struct buf reply;
};

struct channel {
    char *endpoint;   /* https://localhost:8443 */
    char *for_agents; /* https://agent.sealwright.internal:8443 */
    struct curl_slist *connect_to;
    const char *ca_file;
    char *pem_file;
    CURLM *multi;
    struct call poll;
};

/* https://host[:port] and nothing behind it but '/'. */
static int read_endpoint(struct channel *channel, const char *endpoint, struct error *error)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL;
    bool good = curl_url_set(url, CURLUPART_URL, endpoint, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK && text_equal(scheme, "https") &&
                curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK && text_equal(path, "/");
    if (good) {
        AUTO_FREE char *way = mem_format(AGENT_SERVER_NAME ":%s:%s:%s", port, host, port);
        channel->endpoint = mem_format("https://%s:%s", host, port);
        channel->for_agents = mem_format("https://" AGENT_SERVER_NAME ":%s", port);
        channel->connect_to = curl_slist_append(NULL, way);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(path);
    curl_url_cleanup(url);
    return good ? 0
                : error_set(error, ERROR_INVALID, "endpoint %s: expected https://HOST:PORT",
                            endpoint ? endpoint : "(none)");
}

int channel_new(const struct agent_options *options, const char *pem_file, struct channel **channel,
                struct error *error)
{
    struct channel *new = mem_new(sizeof *new);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(new);
        return error_set(error, ERROR_INTERNAL, "libcurl cannot be used");
    }
    new->ca_file = options->ca_file;
    new->pem_file = mem_string(pem_file);
    int result = read_endpoint(new, options->endpoint, error);
    if (result) {
        channel_free(new);
        return result;
    }
    *channel = new;
    return 0;
}

static void call_end(struct call *call)
{
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    mem_free_secret(call->body);
    buf_wipe(&call->reply);
    *call = (struct call){0};
}

void channel_free(struct channel *channel)
{
    if (!channel)
        return;
    if (channel->poll.easy)
        curl_multi_remove_handle(channel->multi, channel->poll.easy);
    call_end(&channel->poll);
    curl_multi_cleanup(channel->multi);
    curl_slist_free_all(channel->connect_to);
    free(channel->endpoint);
    free(channel->for_agents);
    free(channel->pem_file);
    free(channel);
}

static size_t take_reply(char *data, size_t size, size_t count, void *context)
{
    struct buf *reply = context;
    if (reply->length + size * count > AGENT_MESSAGE_LIMIT)
        return 0; /* makes libcurl give the transfer up */
    buf_append(reply, data, size * count);
    return size * count;
}

static void call_begin(const struct channel *channel, struct call *call, const char *path, const json_t *body,
                       bool enrolled, int64_t deadline)
{
    AUTO_FREE char *url = mem_format("%s%s", enrolled ? channel->for_agents : channel->endpoint, path);
    CURL *easy = curl_easy_init();
    *call = (struct call){.easy = easy};
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_DEADLINE);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)deadline);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    /* The control plane's CA alone: libcurl would trust the system's folder beside it. */
    curl_easy_setopt(easy, CURLOPT_CAINFO, channel->ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &call->reply);
    if (enrolled) {
        curl_easy_setopt(easy, CURLOPT_CONNECT_TO, channel->connect_to);
        curl_easy_setopt(easy, CURLOPT_SSLCERT, channel->pem_file);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, channel->pem_file);
    }
    if (!body)
        return;
    call->body = json_dumps(body, JSON_COMPACT);
    call->headers = curl_slist_append(NULL, "Content-Type: application/json");
    call->headers = curl_slist_append(call->headers, "Expect:");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body);
}

static enum error_code code_of_status(long status)
{
    return status == 403                    ? ERROR_DENIED
           : status == 404                  ? ERROR_NOT_FOUND
           : status == 409                  ? ERROR_STATE
           : status == 429 || status >= 500 ? ERROR_BUSY
                                            : ERROR_INVALID;
}

/* What a transfer that ended means. */
static int call_outcome(struct call *call, CURLcode code, json_t **reply, struct error *error)
{
    long status = 0;
    json_error_t where;
    *reply = NULL;
    if (code != CURLE_OK)
        return error_set(error, code == CURLE_OPERATION_TIMEDOUT ? ERROR_TIMEOUT : ERROR_IO,
                         "the server was not reached: %s", curl_easy_strerror(code));
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 204)
        return 0;
    json_t *json =
        json_loadb((const char *)call->reply.data, call->reply.length, JSON_REJECT_DUPLICATES, &where);
    if (status != 200) {
        const char *reason = json_string_value(json_object_get(json, "error"));
        int result = error_set(error, code_of_status(status), "the server answered %ld: %s", status,
                               reason ? reason : "");
        json_decref(json);
        return result;
    }
    if (!json_is_object(json)) {
        json_decref(json);
        return error_set(error, ERROR_IO, "the server's answer is no JSON object");
    }
    *reply = json;
    return 0;
}

int channel_call(struct channel *channel, const char *path, const json_t *body, bool enrolled,
                 int64_t deadline, json_t **reply, struct error *error)
{
    struct call call;
    call_begin(channel, &call, path, body, enrolled, deadline);
    int result = call_outcome(&call, curl_easy_perform(call.easy), reply, error);
    call_end(&call);
    return result;
}

int channel_poll_begin(struct channel *channel, const char *path, int64_t deadline, struct error *error)
{
    if (!channel->multi)
        channel->multi = curl_multi_init();
    call_begin(channel, &channel->poll, path, NULL, true, deadline);
    int running = 0;
    if (curl_multi_add_handle(channel->multi, channel->poll.easy) == CURLM_OK &&
        curl_multi_perform(channel->multi, &running) == CURLM_OK)
        return 0;
    curl_multi_remove_handle(channel->multi, channel->poll.easy);
    call_end(&channel->poll);
    return error_set(error, ERROR_INTERNAL, "libcurl cannot begin a call");
}

void channel_poll_wait(struct channel *channel, int descriptor, int64_t timeout)
{
    struct curl_waitfd extra = {.fd = descriptor, .events = CURL_WAIT_POLLIN};
    int running = 0;
    if (!channel->multi)
        channel->multi = curl_multi_init();
    curl_multi_poll(channel->multi, &extra, 1,
                    timeout > 600000 ? 600000
                    : timeout < 0    ? 0
                                     : (int)timeout,
                    NULL);
    if (channel->poll.easy)
        curl_multi_perform(channel->multi, &running);
}

bool channel_poll_ended(struct channel *channel, int *result, json_t **reply, struct error *error)
{
    int left = 0;
    const CURLMsg *message = channel->multi ? curl_multi_info_read(channel->multi, &left) : NULL;
    if (!message || message->msg != CURLMSG_DONE)
        return false;
    CURLcode code = message->data.result;
    *result = call_outcome(&channel->poll, code, reply, error);
    curl_multi_remove_handle(channel->multi, channel->poll.easy);
    call_end(&channel->poll);
    return true;
}

static int read_reply(const json_t *json, const struct certificate_request *request,
                      struct certificate_reply *reply, struct error *error)
{
    const json_t *replies = json_object_get(json, "replies");
    int result = certificate_reply_from_json(json_array_get(replies, 0), reply, error);
    if (!result && (!text_equal(reply->resource_id, request->resource_id) ||
                    reply->certificate_generation != request->certificate_generation)) {
        certificate_reply_free(reply);
        result = error_set(error, ERROR_IO, "the server answered for another instance");
    }
    return result;
}

static int ask_certificate(void *context, const struct certificate_request *request,
                           struct certificate_reply *reply, struct error *error)
{
    json_t *body = json_object(), *list = json_array(), *answer = NULL;
    json_array_append_new(list, certificate_request_to_json(request));
    json_object_set_new(body, "requests", list);
    int result = channel_call(context, "/agent/v1/certificates", body, true, CALL_DEADLINE, &answer, error);
    if (!result)
        result = read_reply(answer, request, reply, error);
    else
        result = (int)(error->code = ERROR_BUSY); /* only a reply of its own refuses a certificate for good */
    json_decref(body);
    json_decref(answer);
    return result;
}

static int send_report(void *context, const json_t *observed, struct error *error)
{
    json_t *body = json_object(), *list = json_array(), *answer = NULL;
    json_array_append_new(list, json_deep_copy(observed));
    json_object_set_new(body, "instances", list);
    int result = channel_call(context, "/agent/v1/observed", body, true, CALL_DEADLINE, &answer, error);
    json_decref(body);
    json_decref(answer);
    return result;
}

struct agent_transport channel_transport(struct channel *channel)
{
    return (struct agent_transport){
        .certificate = ask_certificate, .report = send_report, .context = channel};
}
