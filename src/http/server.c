/* The server: listeners, limits, and the way of a request from evhttp to the handler. */
#include "http/internal.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <event2/http_struct.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

/* Descriptors that a process needs beside its connections: listeners, the store, the signer, the loop. */
enum { OTHER_DESCRIPTORS = 64 };

/* The handler answers 405; what is missing here (CONNECT, TRACE, unknown names) evhttp answers 501. */
#define METHODS                                                                                              \
    (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |               \
     EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH)

void server_update_accepting(struct http_server *server)
{
    if (server->freed)
        return;
    bool wanted =
        server->tls && !server->stopped && server->connection_count < (size_t)server->limits.connections;
    for (size_t i = 0; i < server->listener_count; i++)
        if (wanted)
            evconnlistener_enable(server->listeners[i]);
        else
            evconnlistener_disable(server->listeners[i]);
}

static void refuse(struct http_exchange *exchange, const char *why)
{
    exchange->close = true;
    http_reply_header(exchange, "Content-Type", "text/plain");
    http_reply(exchange, 400, slice_text(why));
}

static void hand_over(struct http_server *server, struct http_exchange *exchange)
{
    server->unanswered = exchange;
    server->handler(exchange, server->context);
    if (server->unanswered != exchange)
        return;
    if (exchange->is_deferred) {
        server->unanswered = NULL;
        reply_watch_client(exchange);
        return;
    }
    log_error("action=handle path=%s reason=\"the handler neither replied nor deferred\"", exchange->path);
    http_reply(exchange, 500, slice_text(""));
}

static void on_resumed(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct http_exchange *exchange = context;
    event_free(exchange->resumed);
    exchange->resumed = NULL;
    reply_take_back(exchange);
    hand_over(exchange->server, exchange);
}

static void on_gone_before_resumed(struct http_exchange *exchange, void *context)
{
    (void)context;
    event_free(exchange->resumed);
}

/* evhttp takes the news that its "100 Continue" has left for the news that the reply has, when the body and
 * thus the reply come in the same turn of the loop: the reply would never be sent. So the handler gets the
 * request in the next turn. */
static void postpone(struct http_server *server, struct http_exchange *exchange)
{
    static const struct timeval next_turn = {0};
    exchange->resumed = event_new(server->loop, -1, 0, on_resumed, exchange);
    if (!exchange->resumed || event_add(exchange->resumed, &next_turn) != 0)
        abort();
    http_defer(exchange, on_gone_before_resumed, NULL);
    reply_watch_client(exchange);
}

static void on_request(struct evhttp_request *request, void *context)
{
    struct http_server *server = context;
    /* We are the origin for absolute-form targets too (RFC 9112 section 3.2.2); without this evhttp would
     * close. */
    request->flags &= ~EVHTTP_PROXY_REQUEST;
    struct http_exchange *exchange = exchange_new(server, request);
    const char *why;
    if (exchange_is_malformed(exchange, &why))
        refuse(exchange, why);
    else if (http_header(exchange, "Expect"))
        postpone(server, exchange);
    else
        hand_over(server, exchange);
}

static void on_watch(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    connection_close_slow(context);
}

/* libevent's own messages: never to a bare standard error. */
static void on_library_message(int severity, const char *message)
{
    if (severity >= EVENT_LOG_ERR)
        log_error("library=libevent message=\"%s\"", message);
    else if (severity >= EVENT_LOG_WARN)
        log_warning("library=libevent message=\"%s\"", message);
}

/* With descriptors left, accept() cannot fail for want of one, which would keep the loop busy. */
static int connections_within_reach(int wanted)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= (rlim_t)wanted + OTHER_DESCRIPTORS)
        return wanted;
    int possible =
        files.rlim_cur / 2 > OTHER_DESCRIPTORS ? (int)files.rlim_cur - OTHER_DESCRIPTORS : OTHER_DESCRIPTORS;
    if (possible >= wanted)
        return wanted;
    log_warning("action=limit connections=%d wanted=%d reason=\"the limit of open files is %llu\"", possible,
                wanted, (unsigned long long)files.rlim_cur);
    return possible;
}

static int make_http(struct http_server *server, struct error *error)
{
    server->http = evhttp_new(server->loop);
    if (!server->http)
        return error_set(error, ERROR_INTERNAL, "making an HTTP server on libevent failed");
    evhttp_set_bevcb(server->http, connection_accept, server);
    evhttp_set_gencb(server->http, on_request, server);
    evhttp_set_allowed_methods(server->http, METHODS);
    evhttp_set_default_content_type(server->http, NULL);
    evhttp_set_max_body_size(server->http, (ev_ssize_t)server->limits.body);
    evhttp_set_max_headers_size(server->http, (ev_ssize_t)server->limits.headers);
    evhttp_set_timeout_tv(server->http, &server->idle);
    /* A body over the limit is read to its end before the 413, or the reset of the connection would overtake
     * it. */
    evhttp_set_flags(server->http, EVHTTP_SERVER_LINGERING_CLOSE);
    return 0;
}

static int add_listeners(struct http_server *server, const int *descriptors, size_t count,
                         struct error *error)
{
    server->listeners = mem_new_array(count, sizeof(struct evconnlistener *));
    for (size_t i = 0; i < count; i++) {
        struct evconnlistener *listener = evconnlistener_new(
            server->loop, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_DISABLED, 0, descriptors[i]);
        if (!listener || !evhttp_bind_listener(server->http, listener))
            return error_set(error, ERROR_INTERNAL, "libevent refused the listening descriptor %d",
                             descriptors[i]);
        server->listeners[server->listener_count++] = listener;
    }
    return 0;
}

static int start(struct http_server *server, const int *descriptors, size_t count, struct error *error)
{
    server->connection_index = connection_index_new(error);
    if (server->connection_index < 0)
        return ERROR_CRYPTO;
    int code = make_http(server, error);
    if (code || (code = add_listeners(server, descriptors, count, error)))
        return code;
    server->watch = event_new(server->loop, -1, EV_PERSIST, on_watch, server);
    if (!server->watch || event_add(server->watch, &server->idle) != 0)
        return error_set(error, ERROR_INTERNAL, "libevent refused a timer");
    return 0;
}

struct event_base *http_loop_new(void)
{
    struct event_config *config = event_config_new();
    if (!config || event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) != 0)
        abort();
    struct event_base *loop = event_base_new_with_config(config);
    event_config_free(config);
    if (!loop)
        abort();
    return loop;
}

int http_server_new(struct event_base *loop, const int *descriptors, size_t count,
                    const struct http_limits *limits, http_handler *handler, void *context,
                    struct http_server **server, struct error *error)
{
    signal(SIGPIPE, SIG_IGN);
    event_set_log_callback(on_library_message);
    struct http_server *made = mem_new(sizeof *made);
    *made = (struct http_server){.loop = loop,
                                 .limits = *limits,
                                 .idle = {.tv_sec = limits->idle_seconds},
                                 .handler = handler,
                                 .context = context};
    made->limits.connections = connections_within_reach(limits->connections);
    int code = start(made, descriptors, count, error);
    if (code) {
        http_server_free(made);
        return code;
    }
    *server = made;
    return 0;
}

void http_server_stop_accepting(struct http_server *server)
{
    server->stopped = true;
    server_update_accepting(server);
}

size_t http_server_connections(const struct http_server *server)
{
    return server->connection_count;
}

void server_release(struct http_server *server)
{
    if (server->freed && !server->connections)
        free(server);
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    server->stopped = true;
    reply_abandon_all(server);
    plain_free_all(server);
    server->freed = true;
    if (server->watch)
        event_free(server->watch);
    if (server->http)
        evhttp_free(server->http);
    free(server->listeners);
    tls_free(server);
    server_release(server);
}
