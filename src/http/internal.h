/* What the files of this room share: the server, its connections and its exchanges. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "http/http.h"

#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

struct client_rule;  /* tls.c: a server name that asks for client certificates */
struct plain_answer; /* plain.c: a connection that was told to use https */

/* An accepted TLS connection. It lives exactly as long as its SSL object (see connection.c). */
struct connection {
    struct http_server *server;
    struct bufferevent *stream;
    struct connection *previous, *next;
    int64_t waiting_since; /* clock_steady() from which the next whole request is awaited; 0 while one is
                              answered */
    bool greeted;          /* a TLS client hello was read */
    bool asked;            /* a client certificate is required */
    char *client_name;     /* CN of the verified client certificate; NULL until it is asked for */
};

struct http_server {
    struct event_base *loop;
    struct evhttp *http;
    struct evconnlistener **listeners;
    size_t listener_count;
    struct http_limits limits;
    struct timeval idle;
    http_handler *handler;
    void *context;

    SSL_CTX *tls;         /* NULL until there is a certificate; replaced as a whole */
    int connection_index; /* where an SSL object keeps its struct connection */
    struct client_rule *client_rules;

    struct connection *connections;
    size_t connection_count;
    struct plain_answer *plain_answers;
    struct event *watch;
    bool stopped; /* no new connections; replies close theirs */
    bool freed;   /* what is left waits for the last connection's memory */

    struct http_exchange *unanswered; /* the exchange that the handler is looking at */
    struct http_exchange *deferred;
};

struct http_exchange {
    struct http_server *server;
    struct connection *connection;
    struct evhttp_request *request;
    struct http_exchange *previous, *next; /* in server->deferred */
    bool is_deferred;
    bool is_watched;       /* the stream has the callbacks and timeouts of a deferred exchange */
    struct event *resumed; /* see server.c, postpone() */
    bool close;            /* the connection cannot be used after the reply */
    void (*gone)(struct http_exchange *, void *);
    void *gone_context;
    char *path; /* these three point into texts[] */
    char *query;
    char *host;
    char texts[];
};

/* server.c */
void server_update_accepting(struct http_server *server);
void server_release(
    struct http_server *server); /* frees it if it is freed and nothing refers to it any more */

/* connection.c */
int connection_index_new(struct error *error);
struct bufferevent *connection_accept(struct event_base *loop, void *server);
struct connection *connection_of(const struct http_server *server, struct evhttp_connection *http);
void connection_answered(struct connection *connection);
/* Closes connections that have taken too long to send a whole request. */
void connection_close_slow(struct http_server *server);

/* tls.c */
void tls_free(struct http_server *server);

/* plain.c */
/* Answers on the raw socket of a connection whose handshake fails at this moment. */
void plain_answer(struct connection *connection);
void plain_free_all(struct http_server *server);

/* exchange.c */
struct http_exchange *exchange_new(struct http_server *server, struct evhttp_request *request);
/* True when the request must be answered 400 without asking the handler; `why` is the reply's text. */
bool exchange_is_malformed(const struct http_exchange *exchange, const char **why);

/* reply.c */
/* From now on a client that goes away is noticed. */
void reply_watch_client(struct http_exchange *exchange);
/* Undoes http_defer. */
void reply_take_back(struct http_exchange *exchange);
/* Calls the `gone` of every deferred exchange and closes their connections. */
void reply_abandon_all(struct http_server *server);

#endif
