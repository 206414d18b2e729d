/* An HTTPS server on libevent's evhttp and OpenSSL. One per process, driven by the caller's event loop. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buf.h"
#include "base/error.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

struct http_server;
struct http_exchange; /* one request and its reply */

/* A connection is also closed when it has sent no whole request within twice `idle_seconds`. At `connections`
 * a process leaves new connections to those that share its sockets. */
struct http_limits {
    size_t body;      /* bytes of a request's body: past it 413 */
    size_t headers;   /* bytes of a request's head: past it 400 */
    int idle_seconds; /* a connection without a byte is closed */
    int connections;  /* open at once in this process */
};

/* Opens listening sockets on a port for addresses such as "127.0.0.1" and "::1" (IPv6 only on "::1"), with
 * TCP_NODELAY and SO_REUSEADDR. To be called in the parent; children share them. Fills up to `room`
 * descriptors and *count. Port 0 takes a free one, the same for all addresses. */
int http_listen(const char *const *addresses, size_t address_count, int port, int *descriptors, size_t room,
                size_t *count, struct error *error);

/* A loop on which this server gives small replies a quarter faster than on event_base_new()'s, because
 * changes to what epoll watches are gathered. So no descriptor that it watches may be duplicated, nor live on
 * in a child. To be called after fork(). event_base_free() it. */
struct event_base *http_loop_new(void);

typedef void http_handler(struct http_exchange *exchange, void *context);

/* A server on the given loop over shared listening descriptors (kept open, not owned). `handler` is called
 * once a request is complete; before it returns it replies or defers. Accepts from the first good
 * http_server_certificate on. Ignores SIGPIPE and leads libevent's messages to the log, both for the whole
 * process. A plain HTTP request on the port gets "400 Bad Request" with a text that says to use https,
 * nothing else. */
int http_server_new(struct event_base *loop, const int *descriptors, size_t count,
                    const struct http_limits *limits, http_handler *handler, void *context,
                    struct http_server **server, struct error *error);

/* Loads the endpoint's certificate chain and key (PEM files); may be called again at any time: new
 * connections get the new one. A pair that does not fit leaves the old one in place. TLS 1.2 at least. */
int http_server_certificate(struct http_server *server, const char *chain_file, const char *key_file,
                            struct error *error);

/* Connections whose TLS server name (SNI) is `name` must show a client certificate issued under the CA in
 * `ca_file` (PEM); all other connections are not asked for one. */
int http_server_client_ca(struct http_server *server, const char *name, const char *ca_file,
                          struct error *error);

/* No new connections from now on; every reply closes its connection. */
void http_server_stop_accepting(struct http_server *server);
size_t http_server_connections(const struct http_server *server);
/* Closes what is open, after calling `gone` of the deferred exchanges. Before event_base_free() of its loop,
 * which frees the rest; never from within the handler or `gone`. */
void http_server_free(struct http_server *server);

/* The request. Texts live as long as the exchange. */
const char *http_method(const struct http_exchange *exchange); /* "GET", "HEAD", "POST", ... */
/* As sent, still percent-encoded, without the query; of an absolute target (https://host/path) the path
 * alone. */
const char *http_path(const struct http_exchange *exchange);
const char *http_query(const struct http_exchange *exchange); /* as sent, without '?'; "" when absent */
/* The first of this name, in any case; NULL when absent. */
const char *http_header(const struct http_exchange *exchange, const char *name);
/* The name that the request is for, from an absolute target or else the Host header: without port, lowercase,
 * an IPv6 address without brackets; "" when absent (HTTP/1.0 only). */
const char *http_host(const struct http_exchange *exchange);
struct slice http_body(const struct http_exchange *exchange);
const char *http_remote(const struct http_exchange *exchange); /* the client's address */
/* Common name of the verified client certificate, or NULL. It is NULL on every connection whose TLS server
 * name asks for none, whatever its Host header says: who needs a client must check this. */
const char *http_client_name(const struct http_exchange *exchange);
/* All headers in the order received, with names and values as sent but for white space around the value;
 * nothing is merged, except that the lines of a folded header (obs-fold, RFC 9112 section 5.2) are joined by
 * one space. */
typedef void http_header_visitor(const char *name, const char *value, void *context);
void http_each_header(const struct http_exchange *exchange, http_header_visitor *visit, void *context);

/* The reply: it carries a right `Date`. After http_reply or http_reply_shared the exchange is gone. */
void http_reply_header(struct http_exchange *exchange, const char *name, const char *value);
/* HEAD requests get the headers and Content-Length of the body, not the body. */
void http_reply(struct http_exchange *exchange, int status, struct slice body);
/* The body is not copied; `release(context)` is called once it was sent or the connection is gone. */
void http_reply_shared(struct http_exchange *exchange, int status, struct slice body, void (*release)(void *),
                       void *context);

/* A handler that replies later keeps the exchange; when the client goes away first, or the server is freed,
 * `gone` is called (once) and the exchange is no longer valid after it. To be called in the handler; `gone`
 * comes after the handler's return, and leaves other exchanges alone. */
void http_defer(struct http_exchange *exchange, void (*gone)(struct http_exchange *, void *), void *context);

#endif
