/* Accepted connections: made when evhttp asks for one, forgotten when their SSL object is freed. That is the
 * one moment that every way of closing passes through, so it is where they are counted. */
#include "http/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"

#include <event2/bufferevent_ssl.h>
#include <stdlib.h>

/* A client's input beyond what a request may need is not read, so that nobody fills our memory behind an open
 * reply. */
static size_t input_limit(const struct http_limits *limits)
{
    return limits->headers + limits->body + 65536;
}

static void link_connection(struct http_server *server, struct connection *connection)
{
    connection->next = server->connections;
    if (connection->next)
        connection->next->previous = connection;
    server->connections = connection;
    server->connection_count++;
}

static void unlink_connection(struct http_server *server, struct connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->connections = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    server->connection_count--;
}

/* Called by OpenSSL when it frees an SSL object. */
static void on_tls_freed(void *ssl, void *data, CRYPTO_EX_DATA *all, int index, long number, void *pointer)
{
    (void)ssl, (void)all, (void)index, (void)number, (void)pointer;
    struct connection *connection = data;
    if (!connection)
        return;
    struct http_server *server = connection->server;
    unlink_connection(server, connection);
    free(connection->client_name);
    free(connection);
    server_update_accepting(server);
    server_release(server);
}

int connection_index_new(struct error *error)
{
    int index = SSL_get_ex_new_index(0, NULL, NULL, NULL, on_tls_freed);
    if (index < 0)
        return error_set(error, ERROR_CRYPTO, "OpenSSL has no room for the data of TLS connections");
    return index;
}

/* Never NULL: without a bufferevent of ours evhttp would make a plain one and answer without TLS. */
struct bufferevent *connection_accept(struct event_base *loop, void *context)
{
    struct http_server *server = context;
    SSL *ssl = SSL_new(server->tls);
    struct connection *connection = mem_new(sizeof *connection);
    if (!ssl || !SSL_set_ex_data(ssl, server->connection_index, connection))
        abort();
    struct bufferevent *stream =
        bufferevent_openssl_socket_new(loop, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (!stream)
        abort();
    bufferevent_setwatermark(stream, EV_READ, 0, input_limit(&server->limits));
    connection->server = server;
    connection->stream = stream;
    connection->waiting_since = clock_steady();
    link_connection(server, connection);
    server_update_accepting(server);
    return stream;
}

struct connection *connection_of(const struct http_server *server, struct evhttp_connection *http)
{
    SSL *ssl = bufferevent_openssl_get_ssl(evhttp_connection_get_bufferevent(http));
    return SSL_get_ex_data(ssl, server->connection_index);
}

void connection_answered(struct connection *connection)
{
    const struct timeval *idle = &connection->server->idle;
    bufferevent_set_timeouts(connection->stream, idle, idle);
    connection->waiting_since = clock_steady();
}

void connection_close_slow(struct http_server *server)
{
    /* One idle period to begin a request and one to send it whole: whoever sends a byte now and then cannot
     * hold a place. */
    int64_t oldest = clock_steady() - CLOCK_SECOND * 2 * server->limits.idle_seconds;
    struct connection *next;
    for (struct connection *connection = server->connections; connection; connection = next) {
        next = connection->next;
        if (connection->waiting_since == 0 || connection->waiting_since > oldest)
            continue;
        connection->waiting_since = 0;
        bufferevent_trigger_event(connection->stream, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
    }
}
