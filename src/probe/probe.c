#include "probe/probe.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int wait_for(int fd, short events, int64_t until, struct error *error)
{
    for (;;) {
        int64_t left = until - clock_steady();
        if (left <= 0)
            return error_set(error, ERROR_TIMEOUT, "the server did not answer in time");
        struct pollfd wait = {fd, events, 0};
        int ready = poll(&wait, 1, left > 1000000 ? 1000000 : (int)left);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return error_set_system(error, errno, "cannot poll");
    }
}

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

static int connect_one(const struct addrinfo *address, int64_t until, int *connected, struct error *error)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_system(error, errno, "cannot make a socket");
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int result = 0, reason = 0;
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0)
        reason = errno;
    if (reason == EINPROGRESS) {
        socklen_t size = sizeof reason;
        result = wait_for(fd, POLLOUT, until, error);
        if (!result)
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &reason, &size);
    }
    if (!result && reason)
        result = error_set_system(error, reason, "cannot connect");
    if (result)
        close(fd);
    else
        *connected = fd;
    return result;
}

static int connect_any(const struct probe_target *target, int64_t until, int *connected, struct error *error)
{
    struct addrinfo *found = NULL;
    int result = look_up(target, until, &found, error);
    if (result)
        return result;
    result = error_set(error, ERROR_NOT_FOUND, "the name %s has no address", target->address);
    for (const struct addrinfo *each = found; each && result; each = each->ai_next)
        result = connect_one(each, until, connected, error);
    freeaddrinfo(found);
    return result;
}

static int send_all(int fd, struct slice bytes, int64_t until, struct error *error)
{
    while (bytes.length) {
        ssize_t sent = send(fd, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes = slice_of(bytes.data + sent, bytes.length - (size_t)sent);
            continue;
        }
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return error_set_system(error, errno, "the connection broke");
        int result = wait_for(fd, POLLOUT, until, error);
        if (result)
            return result;
    }
    return 0;
}

/* SSLRequest: length 8 and the code 80877103; the answer is one byte, 'S' or 'N', or an ErrorResponse. */
static int ask_postgres(int fd, int64_t until, struct error *error)
{
    static const unsigned char ask[] = {0, 0, 0, 8, 4, 210, 22, 47};
    AUTO_BUF struct buf received = {0};
    int result = send_all(fd, slice_of(ask, sizeof ask), until, error);
    enum probe_answer answer = PROBE_ANSWER_MORE;
    while (!result && answer == PROBE_ANSWER_MORE) {
        unsigned char chunk[512];
        ssize_t got = recv(fd, chunk, sizeof chunk, 0);
        if (got == 0)
            return error_set(error, ERROR_IO, "the server closed the connection when asked for TLS");
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            return error_set_system(error, errno, "the connection broke");
        if (got < 0) {
            result = wait_for(fd, POLLIN, until, error);
            continue;
        }
        buf_append(&received, chunk, (size_t)got);
        answer = probe_postgres_answer(slice_buf(&received), error);
    }
    if (result || answer == PROBE_ANSWER_TLS)
        return result;
    if (answer == PROBE_ANSWER_NO_TLS)
        return error_set(error, ERROR_DENIED, "the server does not offer TLS");
    return error ? (int)error->code : ERROR_IO;
}

static int handshake(SSL *ssl, int fd, int64_t until, struct error *error)
{
    for (;;) {
        ERR_clear_error();
        int done = SSL_connect(ssl);
        if (done == 1)
            return 0;
        int want = SSL_get_error(ssl, done);
        if (want != SSL_ERROR_WANT_READ && want != SSL_ERROR_WANT_WRITE) {
            char reason[256] = "the connection was closed";
            if (ERR_peek_error())
                ERR_error_string_n(ERR_peek_error(), reason, sizeof reason);
            return error_set(error, ERROR_IO, "the TLS handshake failed: %s", reason);
        }
        int result = wait_for(fd, want == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, until, error);
        if (result)
            return result;
    }
}

static bool is_address(const char *text)
{
    unsigned char binary[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

static int negotiate(SSL_CTX *context, const struct probe_target *target, int fd, int64_t until, SSL **ssl,
                     struct error *error)
{
    *ssl = SSL_new(context);
    if (!*ssl || SSL_set_fd(*ssl, fd) != 1)
        return error_set(error, ERROR_CRYPTO, "cannot prepare TLS");
    AUTO_FREE char *name = mem_string(target->server_name); /* OpenSSL's own macro casts const away */
    if (!text_is_empty(name) && !is_address(name))
        SSL_ctrl(*ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
    return handshake(*ssl, fd, until, error);
}

static void read_names(X509 *leaf, struct text_list *names)
{
    GENERAL_NAMES *list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
        if (name->type == GEN_DNS) {
            AUTO_FREE char *text = slice_string(slice_of(ASN1_STRING_get0_data(name->d.dNSName),
                                                         (size_t)ASN1_STRING_length(name->d.dNSName)));
            text_list_add(names, text);
        } else if (name->type == GEN_IPADD) {
            char text[INET6_ADDRSTRLEN] = "";
            int length = ASN1_STRING_length(name->d.iPAddress);
            if (length == 4 || length == 16)
                inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text,
                          sizeof text);
            text_list_add(names, text);
        }
    }
    GENERAL_NAMES_free(list);
}

static int read_result(const SSL *ssl, const struct probe_target *target, struct probe_result *result,
                       struct error *error)
{
    STACK_OF(X509) *served = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; i < sk_X509_num(served); i++)
        certificate_list_add(&result->chain, sk_X509_value(served, i));
    if (!result->chain.count)
        return error_set(error, ERROR_INVALID, "the server showed no certificate");
    text_copy(result->tls_version, sizeof result->tls_version, SSL_get_version(ssl));
    text_copy(result->cipher, sizeof result->cipher, SSL_get_cipher_name(ssl));
    X509 *leaf = result->chain.items[0];
    int failed = certificate_facts(leaf, &result->leaf, error);
    if (failed)
        return failed;
    read_names(leaf, &result->names);
    if (!target->roots)
        return 0;
    const struct certificate_list between = {result->chain.items + 1, result->chain.count - 1};
    struct error why = {0};
    result->verified = chain_verify(leaf, &between, target->roots, target->host, clock_now(), &why) == 0;
    text_copy(result->verification, sizeof result->verification, result->verified ? "" : why.text);
    return 0;
}

static int run(SSL_CTX *context, const struct probe_target *target, struct probe_result *result,
               struct error *error)
{
    int64_t until = clock_steady() + target->deadline;
    AUTO_CLOSE int fd = -1;
    SSL *ssl = NULL;
    int failed = connect_any(target, until, &fd, error);
    if (!failed && target->protocol == PROBE_POSTGRES)
        failed = ask_postgres(fd, until, error);
    if (!failed)
        failed = negotiate(context, target, fd, until, &ssl, error);
    if (!failed)
        failed = read_result(ssl, target, result, error);
    /* The close is said, not waited for: a server must not log a broken connection for every look. */
    if (!failed)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    return failed;
}

/* OpenSSL writes to the socket with write(), which raises SIGPIPE when the server is gone: it is held back
 * from this thread and taken away again. */
struct pipe_guard {
    sigset_t before;
    bool pending; /* one that was there already stays */
};

static void pipe_guard_begin(struct pipe_guard *guard)
{
    sigset_t pending, pipe;
    sigpending(&pending);
    guard->pending = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, &guard->before);
}

static void pipe_guard_end(const struct pipe_guard *guard)
{
    const struct timespec at_once = {0};
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    if (!guard->pending)
        sigtimedwait(&pipe, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &guard->before, NULL);
}

int probe_run(const struct probe_target *target, struct probe_result *result, struct error *error)
{
    struct pipe_guard guard;
    *result = (struct probe_result){0};
    pipe_guard_begin(&guard);
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int failed = context ? 0 : error_set(error, ERROR_CRYPTO, "cannot prepare TLS");
    if (!failed) {
        /* The chain is wanted even where it does not verify; an old server's too. */
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
        failed = run(context, target, result, error);
    }
    SSL_CTX_free(context);
    pipe_guard_end(&guard);
    if (failed)
        error_prefix(error, "%s port %d", target->address, target->port);
    return failed;
}

void probe_result_free(struct probe_result *result)
{
    certificate_list_free(&result->chain);
    text_list_free(&result->names);
    *result = (struct probe_result){0};
}
