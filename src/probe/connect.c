/* From an address and a port to a connection, within a deadline. */
#include "base/clock.h"
#include "base/memory.h"
#include "probe/internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A name's addresses by getaddrinfo_a, which alone can be left waiting at a deadline; an address needs no
 * look-up. */
static int look_up(const struct probe_target *target, int64_t until, struct addrinfo **found,
                   struct error *error)
{
    char port[8];
    snprintf(port, sizeof port, "%d", target->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    if (getaddrinfo(target->address, port, &hints, found) == 0)
        return 0;
    hints.ai_flags = 0;
    /* All of it lives on the heap: a look-up that cannot be cancelled goes on using it after the deadline. */
    struct look_up_job {
        struct gaicb request;
        struct addrinfo hints;
        char *name, *port;
    } *job = mem_new(sizeof *job);
    job->hints = hints;
    job->name = mem_string(target->address);
    job->port = mem_string(port);
    job->request = (struct gaicb){.ar_name = job->name, .ar_service = job->port, .ar_request = &job->hints};
    struct gaicb *list[] = {&job->request};
    int status = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
    while (status == 0 && gai_error(list[0]) == EAI_INPROGRESS) {
        int64_t left = until - clock_steady();
        struct timespec wait = {left / 1000, left % 1000 * 1000000};
        if (left <= 0 || gai_suspend((const struct gaicb *const *)list, 1, &wait) == EAI_AGAIN)
            break;
    }
    if (status == 0)
        status = gai_error(list[0]);
    if (status == EAI_INPROGRESS && gai_cancel(list[0]) == EAI_NOTCANCELED)
        return error_set(error, ERROR_TIMEOUT, "the name %s was not resolved in time", target->address);
    *found = status == 0 ? job->request.ar_result : NULL;
    free(job->name);
    free(job->port);
    free(job);
    if (status == EAI_INPROGRESS)
        return error_set(error, ERROR_TIMEOUT, "the name %s was not resolved in time", target->address);
    if (status)
        return error_set(error, ERROR_NOT_FOUND, "the name %s cannot be resolved: %s", target->address,
                         gai_strerror(status));
    return 0;
}

static int connect_one(const struct addrinfo *address, struct wire *wire, struct error *error)
{
    int on = 1, result = 0, reason = 0;
    wire->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (wire->fd < 0)
        return error_set_system(error, errno, "cannot make a socket");
    setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(wire->fd, address->ai_addr, address->ai_addrlen) < 0)
        reason = errno;
    if (reason == EINPROGRESS) {
        socklen_t size = sizeof reason;
        result = wire_wait(wire, POLLOUT, error);
        if (!result)
            getsockopt(wire->fd, SOL_SOCKET, SO_ERROR, &reason, &size);
    }
    if (!result && reason)
        result = error_set_system(error, reason, "cannot connect");
    if (result)
        wire_close(wire);
    return result;
}

int wire_connect(struct wire *wire, const struct probe_target *target, struct error *error)
{
    struct addrinfo *found = NULL;
    int result = look_up(target, wire->until, &found, error);
    if (result)
        return result;
    result = error_set(error, ERROR_NOT_FOUND, "the name %s has no address", target->address);
    for (const struct addrinfo *each = found; each && result; each = each->ai_next)
        result = connect_one(each, wire, error);
    freeaddrinfo(found);
    return result;
}
