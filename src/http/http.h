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

struct http_limits {
    size_t body;      /* bytes of a request's body: past it 413 */
    size_t headers;   /* bytes of a request's head: past it 431 or 400 */
    int idle_seconds; /* a connection without a byte is closed */
    int connections;  /* open at once in this process; past it new ones are closed at once */
};

/* Opens listening sockets on a port for addresses such as "127.0.0.1" and "::1" (IPv6 only on "::1"), with
 * TCP_NODELAY and SO_REUSEADDR. To be called in the parent; children share them. Fills up to `room`
 * descriptors and *count. */
int http_listen(const char *const *addresses, size_t address_count, int port, int *descriptors, size_t room,
                size_t *count, struct error *error);

typedef void http_handler(struct http_exchange *exchange, void *context);

/* A server on the given loop over shared listening descriptors (kept open, not owned). `handler` is called
 * once a request is complete. A plain HTTP request on the port gets "400 Bad Request" with a text that says
 * to use https, nothing else. */
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

void http_server_stop_accepting(struct http_server *server);
size_t http_server_connections(const struct http_server *server);
void http_server_free(struct http_server *server);

/* The request. Texts live as long as the exchange. */
const char *http_method(const struct http_exchange *exchange); /* "GET", "HEAD", "POST", ... */
const char *
http_path(const struct http_exchange *exchange); /* as sent, still percent-encoded, without the query */
const char *http_query(const struct http_exchange *exchange); /* as sent, without '?'; "" when absent */
const char *http_header(const struct http_exchange *exchange,
                        const char *name); /* the first; NULL when absent */
const char *http_host(const struct http_exchange
                          *exchange); /* the Host header's name without port, lowercase; "" when absent */
struct slice http_body(const struct http_exchange *exchange);
const char *http_remote(const struct http_exchange *exchange); /* the client's address */
/* Common name of the verified client certificate, or NULL. */
const char *http_client_name(const struct http_exchange *exchange);
/* All headers in the order received. */
typedef void http_header_visitor(const char *name, const char *value, void *context);
void http_each_header(const struct http_exchange *exchange, http_header_visitor *visit, void *context);

/* The reply. Every reply carries a right `Date`. After http_reply or http_reply_shared the exchange is gone.
 */
void http_reply_header(struct http_exchange *exchange, const char *name, const char *value);
/* HEAD requests get the headers and Content-Length of the body, not the body. */
void http_reply(struct http_exchange *exchange, int status, struct slice body);
/* The body is not copied; `release(context)` is called once it was sent or the connection is gone. */
void http_reply_shared(struct http_exchange *exchange, int status, struct slice body, void (*release)(void *),
                       void *context);

/* A handler that replies later keeps the exchange; when the client goes away first, `gone` is called (once)
 * and the exchange is no longer valid after it. */
void http_defer(struct http_exchange *exchange, void (*gone)(struct http_exchange *, void *), void *context);

#endif
