/* Plain HTTP on the TLS port: a clear answer, no certificate. */
#include "http/internal.h"

#include "base/clock.h"
#include "base/memory.h"

#include <stdlib.h>
#include <sys/socket.h>

static const char answer[] = "HTTP/1.1 400 Bad Request\r\n"
                             "Content-Type: text/plain\r\n"
                             "Connection: close\r\n"
                             "\r\n"
                             "This port speaks HTTPS only. Use an address that begins with https://\n";

/* The answered connection is kept until the client closes it, for two seconds at most: closing it with bytes
 * unread would reset it, and the client might never see the answer (RFC 9112 section 9.6). */
struct plain_answer {
    struct http_server *server;
    struct plain_answer *previous, *next;
    struct bufferevent *stream; /* a reference: evhttp's own goes when the handshake has failed */
    int64_t deadline;
    struct event *event;
};

static void plain_free(struct plain_answer *plain)
{
    if (plain->previous)
        plain->previous->next = plain->next;
    else
        plain->server->plain_answers = plain->next;
    if (plain->next)
        plain->next->previous = plain->previous;
    event_free(plain->event);
    bufferevent_decref(plain->stream);
    free(plain);
}

void plain_free_all(struct http_server *server)
{
    struct plain_answer *next;
    for (struct plain_answer *plain = server->plain_answers; plain; plain = next) {
        next = plain->next;
        plain_free(plain);
    }
}

static void on_bytes(evutil_socket_t descriptor, short what, void *context)
{
    struct plain_answer *plain = context;
    char thrown_away[4096];
    if (what & EV_TIMEOUT || recv(descriptor, thrown_away, sizeof thrown_away, MSG_DONTWAIT) <= 0 ||
        clock_steady() >= plain->deadline)
        plain_free(plain);
}

void plain_answer(struct connection *connection)
{
    static const struct timeval patience = {.tv_sec = 2};
    struct http_server *server = connection->server;
    int descriptor = bufferevent_getfd(connection->stream);
    send(descriptor, answer, sizeof answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(descriptor, SHUT_WR);
    struct plain_answer *plain = mem_new(sizeof *plain);
    *plain =
        (struct plain_answer){.server = server, .stream = connection->stream, .next = server->plain_answers};
    if (plain->next)
        plain->next->previous = plain;
    server->plain_answers = plain;
    connection->waiting_since = 0;
    bufferevent_incref(plain->stream);
    plain->deadline = clock_steady() + patience.tv_sec * CLOCK_SECOND;
    plain->event = event_new(server->loop, descriptor, EV_READ | EV_PERSIST, on_bytes, plain);
    if (!plain->event || event_add(plain->event, &patience) != 0)
        abort();
}
