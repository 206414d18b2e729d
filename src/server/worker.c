#include "server/worker.h"

#include "agent/protocol.h"
#include "api/agents.h"
#include "api/api.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "console/console.h"
#include "fleet/authority.h"
#include "fleet/work.h"
#include "http/http.h"
#include "server/endpoint.h"
#include "server/server.h"
#include "truststore/truststore.h"

#include <event2/event.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TICK_MILLISECONDS = 50, WORK_MILLISECONDS = 10, SIGNER_DEADLINE = 10 * 1000 };
#define STOP_DEADLINE (5 * CLOCK_SECOND)

struct worker {
    const struct worker_start *start;
    struct event_base *loop;
    struct http_server *server;
    struct fleet fleet;
    struct api *api;
    struct agents *agents;
    struct truststore *truststore;
    int64_t stop_at; /* clock_steady; 0 while not stopping */
};

/* A host that has enrolled but not yet said which engines it has cannot take an instance. */
static bool count_host(const struct host_row *row, void *context)
{
    if (row->engines.length)
        ++*(int64_t *)context;
    return true;
}

/* GET /health: is this process able to answer, and how far are the authorities? */
static void answer_health(struct worker *worker, struct http_exchange *exchange)
{
    struct authority_progress progress = {0};
    struct error error = {0};
    int64_t hosts = 0;
    bool home = false;
    int result = authority_progress(&worker->fleet, &progress, &error);
    if (!result)
        result = authority_region_ready(&worker->fleet, worker->start->settings->home_region, &home, &error);
    if (!result)
        result = store_host_list(worker->fleet.store, count_host, &hosts, &error);
    json_t *json =
        json_pack("{s:s, s:{s:I, s:I, s:b}, s:I}", "status", result ? "failing" : "ok", "authorities", "made",
                  (json_int_t)progress.made, "wanted", (json_int_t)progress.wanted, "home_region_ready", home,
                  "hosts", (json_int_t)hosts);
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    http_reply_header(exchange, "Content-Type", "application/json");
    http_reply_header(exchange, "Cache-Control", "no-store");
    http_reply(exchange, result ? 503 : 200, slice_text(text));
}

static void route(struct http_exchange *exchange, void *context)
{
    struct worker *worker = context;
    if (text_equal(http_path(exchange), "/health")) {
        answer_health(worker, exchange);
        return;
    }
    if (agents_handle(worker->agents, exchange) || console_handle(worker->start->console, exchange) ||
        truststore_handle(worker->truststore, exchange) || api_handle(worker->api, exchange))
        return;
    http_reply_header(exchange, "Content-Type", "text/plain");
    http_reply(exchange, 404, slice_text("There is nothing at this address.\n"));
}

static int load_certificate(struct worker *worker, struct error *error)
{
    AUTO_FREE char *certificate = endpoint_certificate_file(worker->start->settings);
    AUTO_FREE char *key = endpoint_key_file(worker->start->settings);
    return http_server_certificate(worker->server, certificate, key, error);
}

static void on_hangup(evutil_socket_t signal_number, short what, void *context)
{
    (void)signal_number;
    (void)what;
    struct error error = {0};
    if (load_certificate(context, &error))
        log_error("action=load-endpoint-certificate reason=\"%s\"", error.text);
}

static void on_terminate(evutil_socket_t signal_number, short what, void *context)
{
    (void)signal_number;
    (void)what;
    struct worker *worker = context;
    if (worker->stop_at)
        return;
    worker->stop_at = clock_steady() + STOP_DEADLINE;
    http_server_stop_accepting(worker->server);
    agents_free(worker->agents); /* answers the polls that wait */
    worker->agents = agents_new(&worker->fleet);
}

static void on_tick(evutil_socket_t none, short what, void *context)
{
    (void)none;
    (void)what;
    struct worker *worker = context;
    struct error error = {0};
    if (worker->stop_at) {
        if (http_server_connections(worker->server) == 0 || clock_steady() > worker->stop_at)
            event_base_loopbreak(worker->loop);
        return;
    }
    agents_tick(worker->agents);
    /* What is due, but callers wait no longer for it than this. */
    int64_t until = clock_steady() + WORK_MILLISECONDS;
    int result = 0;
    while (!result && clock_steady() < until)
        result = work_step(&worker->fleet, &error);
    if (result && result != ERROR_NOT_FOUND)
        log_error("action=work reason=\"%s\"", error.text);
}

static int open_worker(struct worker *worker, struct error *error)
{
    static const struct http_limits limits = {
        .body = (size_t)8 << 20, .headers = (size_t)32 << 10, .idle_seconds = 75, .connections = 2000};
    const struct worker_start *start = worker->start;
    worker->loop = http_loop_new();
    int result = server_open_fleet(start->settings, &worker->fleet, error);
    if (result)
        return result;
    worker->fleet.signer = signer_client_new(start->channel, SIGNER_DEADLINE);
    snprintf(worker->fleet.owner, sizeof worker->fleet.owner, "worker-%d", (int)getpid());
    worker->api = api_new(&worker->fleet);
    worker->agents = agents_new(&worker->fleet);
    worker->truststore = truststore_new(&worker->fleet);
    result = http_server_new(worker->loop, start->listeners, start->listener_count, &limits, route, worker,
                             &worker->server, error);
    if (!result)
        result = load_certificate(worker, error);
    AUTO_FREE char *ca = settings_path(start->settings, SERVER_CONTROL_CA);
    return result ? result : http_server_client_ca(worker->server, AGENT_SERVER_NAME, ca, error);
}

static void close_worker(struct worker *worker)
{
    http_server_free(worker->server);
    api_free(worker->api);
    agents_free(worker->agents);
    truststore_free(worker->truststore);
    signer_client_free(worker->fleet.signer);
    server_close_fleet(&worker->fleet);
    event_base_free(worker->loop);
}

static void run_loop(struct worker *worker)
{
    struct event *terminate = evsignal_new(worker->loop, SIGTERM, on_terminate, worker);
    struct event *hangup = evsignal_new(worker->loop, SIGHUP, on_hangup, worker);
    struct event *tick = event_new(worker->loop, -1, EV_PERSIST, on_tick, worker);
    event_add(terminate, NULL);
    event_add(hangup, NULL);
    event_add(tick, &(struct timeval){.tv_usec = TICK_MILLISECONDS * 1000L});
    event_base_dispatch(worker->loop);
    event_free(tick);
    event_free(hangup);
    event_free(terminate);
}

int worker_run(const struct worker_start *start)
{
    struct worker worker = {.start = start};
    struct error error = {0};
    signal(SIGPIPE, SIG_IGN);
    int result = open_worker(&worker, &error);
    if (result)
        log_error("action=start reason=\"%s\"", error.text);
    else
        run_loop(&worker);
    close_worker(&worker);
    return result ? 1 : 0;
}
