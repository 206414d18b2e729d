/* Replies, at once or later. */
#include "http/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

/* A reply up to this size goes out as one TLS record, head and body together: one write, and no more than a
 * copy. */
enum { ONE_RECORD = 16384 };
/* Past this size a client may take longer than the idle time to read a reply while it sends nothing itself.
 */
enum { LONG_REPLY = 256 * 1024 };

/* Instead of no timeout: libevent would bring a persistent event's former one back when a pipelined byte
 * comes. */
static const struct timeval for_ever = {.tv_sec = 86400};

void reply_take_back(struct http_exchange *exchange)
{
    exchange->is_deferred = false;
    struct http_server *server = exchange->server;
    if (exchange->previous)
        exchange->previous->next = exchange->next;
    else
        server->deferred = exchange->next;
    if (exchange->next)
        exchange->next->previous = exchange->previous;
    exchange->previous = exchange->next = NULL;
}

void http_defer(struct http_exchange *exchange, void (*gone)(struct http_exchange *, void *), void *context)
{
    struct http_server *server = exchange->server;
    exchange->is_deferred = true;
    exchange->gone = gone;
    exchange->gone_context = context;
    exchange->next = server->deferred;
    if (exchange->next)
        exchange->next->previous = exchange;
    server->deferred = exchange;
}

static void abandon(struct http_exchange *exchange)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(exchange->request);
    reply_take_back(exchange);
    exchange->gone(exchange, exchange->gone_context);
    free(exchange);
    evhttp_connection_free(connection); /* with the request */
}

static void on_client_gone(struct bufferevent *stream, short what, void *context)
{
    (void)stream, (void)what;
    abandon(context);
}

/* A client that fills the input buffer behind its long poll could not be seen to go away: it is sent away. */
static void on_client_talks(struct bufferevent *stream, void *context)
{
    size_t limit;
    bufferevent_getwatermark(stream, EV_READ, NULL, &limit);
    if (evbuffer_get_length(bufferevent_get_input(stream)) >= limit)
        abandon(context);
}

void reply_watch_client(struct http_exchange *exchange)
{
    struct bufferevent *stream = exchange->connection->stream;
    /* evhttp stops reading while a request is answered and ends the process when its own reader gets bytes
     * then; so the reader is replaced. The wait may be longer than the idle time. The reply brings evhttp's
     * callbacks back. */
    bufferevent_setcb(stream, on_client_talks, NULL, on_client_gone, exchange);
    bufferevent_set_timeouts(stream, &for_ever, &for_ever);
    bufferevent_enable(stream, EV_READ);
    exchange->is_watched = true;
    on_client_talks(stream, exchange); /* it may have talked before */
}

void reply_abandon_all(struct http_server *server)
{
    struct http_exchange *next;
    for (struct http_exchange *exchange = server->deferred; exchange; exchange = next) {
        next = exchange->next;
        abandon(exchange);
    }
}

void http_reply_header(struct http_exchange *exchange, const char *name, const char *value)
{
    if (evhttp_add_header(evhttp_request_get_output_headers(exchange->request), name, value) != 0)
        log_error("action=reply header=%s value=\"%s\" reason=\"not allowed in a header\"", name, value);
}

/* RFC 9110 section 8.6: none on 1xx and 204; on 304 only the length that a 200 would have, which is not known
 * here. */
static bool status_has_body(int status)
{
    return status >= 200 && status != 204 && status != 304;
}

static void add_own_headers(struct http_exchange *exchange, int status, size_t length)
{
    char date[32];
    clock_format_http(clock_now(), date);
    http_reply_header(exchange, "Date", date);
    if (status_has_body(status)) {
        char digits[24];
        snprintf(digits, sizeof digits, "%zu", length);
        http_reply_header(exchange, "Content-Length", digits);
    }
    if (exchange->close || exchange->server->stopped)
        http_reply_header(exchange, "Connection", "close");
}

static void on_sent(struct evhttp_request *request, void *context)
{
    (void)request;
    connection_answered(context);
}

/* Hands the reply with what is in the request's output buffer to evhttp. */
static void send_reply(struct http_exchange *exchange, int status, size_t length)
{
    struct evhttp_request *request = exchange->request;
    struct connection *connection = exchange->connection;
    struct bufferevent *stream = connection->stream;
    const struct timeval *idle = &exchange->server->idle;
    add_own_headers(exchange, status, length);
    if (exchange->server->unanswered == exchange)
        exchange->server->unanswered = NULL;
    if (exchange->is_deferred)
        reply_take_back(exchange);
    if (exchange->is_watched || length > LONG_REPLY)
        bufferevent_set_timeouts(stream, length > LONG_REPLY ? &for_ever : idle, idle);
    free(exchange);
    evhttp_request_set_on_complete_cb(request, on_sent, connection);
    evhttp_send_reply(request, status, NULL, NULL);
    struct evbuffer *output = bufferevent_get_output(stream);
    if (evbuffer_get_length(output) <= ONE_RECORD)
        evbuffer_pullup(output, -1);
}

static bool wants_body(const struct http_exchange *exchange, int status)
{
    return status_has_body(status) && evhttp_request_get_command(exchange->request) != EVHTTP_REQ_HEAD;
}

void http_reply(struct http_exchange *exchange, int status, struct slice body)
{
    if (wants_body(exchange, status))
        evbuffer_add(evhttp_request_get_output_buffer(exchange->request), body.data, body.length);
    send_reply(exchange, status, body.length);
}

struct release {
    void (*function)(void *);
    void *context;
};

static void on_body_sent(const void *data, size_t length, void *context)
{
    (void)data, (void)length;
    struct release *release = context;
    release->function(release->context);
    free(release);
}

void http_reply_shared(struct http_exchange *exchange, int status, struct slice body, void (*release)(void *),
                       void *context)
{
    if (body.length == 0 || !wants_body(exchange, status)) {
        send_reply(exchange, status, body.length);
        release(context);
        return;
    }
    struct release *later = mem_new(sizeof *later);
    *later = (struct release){release, context};
    if (evbuffer_add_reference(evhttp_request_get_output_buffer(exchange->request), body.data, body.length,
                               on_body_sent, later) != 0)
        abort();
    send_reply(exchange, status, body.length);
}
