/* Listening sockets: made once by the parent, shared by its children. */
#include "http/http.h"

#include "base/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct option {
    int level, name, value;
};

/* Accepted sockets inherit these (Linux). Without TCP_NODELAY a reply waits for the client's delayed
 * acknowledgement. The keepalive finds clients that vanished during a long poll: after 60 + 4 * 15 seconds.
 */
static const struct option common_options[] = {
    {SOL_SOCKET, SO_REUSEADDR, 1},   {IPPROTO_TCP, TCP_NODELAY, 1},    {SOL_SOCKET, SO_KEEPALIVE, 1},
    {IPPROTO_TCP, TCP_KEEPIDLE, 60}, {IPPROTO_TCP, TCP_KEEPINTVL, 15}, {IPPROTO_TCP, TCP_KEEPCNT, 4},
};

static bool set_option(int descriptor, const struct option *option)
{
    return setsockopt(descriptor, option->level, option->name, &option->value, sizeof option->value) == 0;
}

static bool set_options(int descriptor, int family)
{
    static const struct option ipv6_only = {IPPROTO_IPV6, IPV6_V6ONLY, 1};
    for (size_t i = 0; i < sizeof common_options / sizeof *common_options; i++)
        if (!set_option(descriptor, &common_options[i]))
            return false;
    return family != AF_INET6 || set_option(descriptor, &ipv6_only);
}

static int resolve(const char *address, int port, struct addrinfo **found, struct error *error)
{
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
        .ai_socktype = SOCK_STREAM,
    };
    char service[16];
    snprintf(service, sizeof service, "%d", port);
    if (port < 0 || port > 65535)
        return error_set(error, ERROR_INVALID, "port %d: expected 0 to 65535", port);
    int failure = getaddrinfo(address, service, &hints, found);
    if (failure)
        return error_set(error, ERROR_INVALID,
                         "listening address \"%s\": expected an IPv4 or IPv6 address: %s", address,
                         gai_strerror(failure));
    return 0;
}

static int bind_and_listen(int descriptor, const struct addrinfo *where, const char *address, int port,
                           struct error *error)
{
    if (!set_options(descriptor, where->ai_family))
        return error_set_system(error, errno, "listening on %s port %d: setting socket options", address,
                                port);
    if (bind(descriptor, where->ai_addr, where->ai_addrlen) != 0)
        return error_set_system(error, errno, "listening on %s port %d", address, port);
    if (listen(descriptor, SOMAXCONN) != 0)
        return error_set_system(error, errno, "listening on %s port %d", address, port);
    return 0;
}

static int listen_on(const char *address, int port, int *descriptor, struct error *error)
{
    struct addrinfo *where = NULL;
    int code = resolve(address, port, &where, error);
    if (!where)
        return code;
    *descriptor = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*descriptor < 0)
        code = error_set_system(error, errno, "listening on %s port %d: opening a socket", address, port);
    else
        code = bind_and_listen(*descriptor, where, address, port, error);
    freeaddrinfo(where);
    if (code)
        file_auto_close(descriptor);
    return code;
}

static int port_of(int descriptor)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t length = sizeof name;
    if (getsockname(descriptor, &name.any, &length) != 0)
        return 0;
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

int http_listen(const char *const *addresses, size_t address_count, int port, int *descriptors, size_t room,
                size_t *count, struct error *error)
{
    *count = 0;
    if (address_count == 0 || address_count > room)
        return error_set(error, ERROR_INVALID, "listening addresses: expected 1 to %zu, found %zu", room,
                         address_count);
    for (size_t i = 0; i < address_count; i++) {
        int code = listen_on(addresses[i], port, &descriptors[i], error);
        if (code) {
            while (i > 0)
                close(descriptors[--i]);
            return code;
        }
        if (port == 0)
            port = port_of(descriptors[i]);
    }
    *count = address_count;
    return 0;
}
