/* For the tests of http: certificates made on the spot, a server in a process of its own, and a raw TLS
 * client. */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include "http/http.h"

#include <openssl/ssl.h>
#include <sys/types.h>

struct fixture {
    char folder[64]; /* holds server.pem/.key, other.pem/.key, ca.pem, agent.pem/.key, stranger.pem/.key */
    int port;
    pid_t server; /* 0 while none runs */
    pid_t second; /* a second process on the same sockets */
    struct http_limits limits;
};

/* cmocka's set-up and tear-down; the state is a struct fixture with a running server. */
int fixture_start(void **state);
int fixture_stop(void **state);
/* Ends the server(s) and starts `processes` with fixture->limits. Checks that the old ones ended without a
 * complaint. */
void fixture_restart(struct fixture *fixture, int processes);
/* folder/name; valid until the second call after it. */
const char *fixture_file(const struct fixture *fixture, const char *name);

struct client {
    SSL_CTX *context;
    SSL *ssl;
    int descriptor;
};

struct client_options {
    const char *name;        /* SNI; NULL sends none */
    const char *certificate; /* "agent" sends agent.pem */
    int version;             /* the only TLS version to offer; 0 for all */
};

/* A TCP connection; aborts the test when refused. Reads time out after 10 seconds. */
int client_tcp(const struct fixture *fixture);
/* True when the handshake succeeded; client_close in either case. */
bool client_open(const struct fixture *fixture, const struct client_options *options, struct client *client);
void client_close(struct client *client);
void client_send(struct client *client, const char *text);
/* Reads one reply with its body by Content-Length (none when `head`). "" when the connection ended first. */
const char *client_reply(struct client *client, bool head, struct buf *reply);
/* Sends a request and reads its reply. */
const char *client_ask(struct client *client, const char *request, struct buf *reply);
/* True when the server closes the connection within `milliseconds` without a byte. */
bool client_sees_close(struct client *client, int milliseconds);

#endif
