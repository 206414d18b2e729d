#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http_fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

const char *fixture_file(const struct fixture *fixture, const char *name)
{
    static char paths[2][128];
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", fixture->folder, name);
    return paths[turn];
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

struct identity {
    X509 *certificate;
    EVP_PKEY *key;
};

static struct identity make_identity(const char *name, const struct identity *issuer, const char *usage)
{
    static long serial;
    struct identity made = {X509_new(), EVP_EC_gen("P-256")};
    X509_set_version(made.certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(made.certificate,
                         X509_get_subject_name(issuer ? issuer->certificate : made.certificate));
    X509_set_pubkey(made.certificate, made.key);
    if (usage)
        add_extension(made.certificate, NID_ext_key_usage, usage);
    else
        add_extension(made.certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(made.certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    assert_true(X509_sign(made.certificate, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
    return made;
}

static void write_identity(const struct fixture *fixture, const char *name, const struct identity *identity)
{
    char file[32];
    snprintf(file, sizeof file, "%s.pem", name);
    FILE *stream = fopen(fixture_file(fixture, file), "w");
    PEM_write_X509(stream, identity->certificate);
    fclose(stream);
    snprintf(file, sizeof file, "%s.key", name);
    stream = fopen(fixture_file(fixture, file), "w");
    PEM_write_PrivateKey(stream, identity->key, NULL, NULL, 0, NULL, NULL);
    fclose(stream);
}

static void free_identity(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
}

static void make_certificates(const struct fixture *fixture)
{
    static const struct {
        const char *name, *common_name, *usage;
        int issuer;
    } wanted[] = {{"ca", "CA", NULL, -1},
                  {"otherca", "CA", NULL, -1},
                  {"server", "server one", "serverAuth", 0},
                  {"other", "server two", "serverAuth", 0},
                  {"agent", "agent-7", "clientAuth", 0},
                  {"stranger", "agent-7", "clientAuth", 1},
                  {"serveronly", "agent-7", "serverAuth", 0}};
    enum { COUNT = sizeof wanted / sizeof *wanted };
    struct identity made[COUNT];
    for (int i = 0; i < COUNT; i++) {
        const struct identity *issuer = wanted[i].issuer < 0 ? NULL : &made[wanted[i].issuer];
        made[i] = make_identity(wanted[i].common_name, issuer, wanted[i].usage);
        write_identity(fixture, wanted[i].name, &made[i]);
    }
    for (int i = 0; i < COUNT; i++)
        free_identity(&made[i]);
}

/* What the server process knows. */
struct served {
    const struct fixture *fixture;
    struct event_base *loop;
    struct http_server *server;
    int gone;     /* deferred exchanges whose client went away */
    int released; /* shared bodies given back */
    char *shared;
};

enum { SHARED_LENGTH = 200 * 1024 };

static void show_header(const char *name, const char *value, void *context)
{
    buf_printf(context, "header %s=[%s]\n", name, value);
}

static void echo(struct http_exchange *exchange)
{
    AUTO_BUF struct buf text = {0};
    const char *client = http_client_name(exchange);
    buf_printf(&text, "method=%s\npath=%s\nquery=%s\nhost=%s\nremote=%s\nclient=%s\n", http_method(exchange),
               http_path(exchange), http_query(exchange), http_host(exchange), http_remote(exchange),
               client ? client : "none");
    http_each_header(exchange, show_header, &text);
    buf_append_text(&text, "body=");
    buf_append_slice(&text, http_body(exchange));
    http_reply_header(exchange, "Content-Type", "text/plain");
    http_reply(exchange, 200, slice_buf(&text));
}

static void swap_certificate(struct http_exchange *exchange, struct served *served)
{
    struct error error = {0};
    bool bad = text_equal(http_query(exchange), "bad");
    http_server_certificate(served->server, fixture_file(served->fixture, "other.pem"),
                            fixture_file(served->fixture, bad ? "server.key" : "other.key"), &error);
    http_reply(exchange, error.code ? 500 : 200, slice_text(error.text));
}

static void on_gone(struct http_exchange *exchange, void *context)
{
    (void)exchange;
    ((struct served *)context)->gone++;
}

/* A reply that waits for a timer; the timer ends with the exchange. */
struct later {
    struct served *served;
    struct http_exchange *exchange;
    struct event *timer;
};

static void on_later(evutil_socket_t descriptor, short what, void *context)
{
    (void)descriptor, (void)what;
    struct later *later = context;
    http_reply(later->exchange, 200, slice_text("later"));
    event_free(later->timer);
    free(later);
}

static void on_later_gone(struct http_exchange *exchange, void *context)
{
    struct later *later = context;
    on_gone(exchange, later->served);
    event_free(later->timer);
    free(later);
}

static void reply_later(struct http_exchange *exchange, struct served *served)
{
    static const struct timeval soon = {1, 500000};
    struct later *later = mem_new(sizeof *later);
    *later = (struct later){served, exchange, event_new(served->loop, -1, 0, on_later, later)};
    event_add(later->timer, &soon);
    http_defer(exchange, on_later_gone, later);
}

static void on_released(void *context)
{
    ((struct served *)context)->released++;
}

static void reply_counts(struct http_exchange *exchange, struct served *served)
{
    AUTO_BUF struct buf text = {0};
    buf_printf(&text, "pid=%d gone=%d released=%d connections=%zu", (int)getpid(), served->gone,
               served->released, http_server_connections(served->server));
    http_reply(exchange, 200, slice_buf(&text));
}

static void reply_by_path(struct http_exchange *exchange, void *context)
{
    struct served *served = context;
    const char *path = http_path(exchange);
    if (text_equal(path, "/shared")) {
        http_reply_shared(exchange, 200, slice_of(served->shared, SHARED_LENGTH), on_released, served);
    } else if (text_equal(path, "/unchanged")) {
        http_reply_header(exchange, "ETag", "\"1\"");
        http_reply_shared(exchange, 304, slice_of(served->shared, SHARED_LENGTH), on_released, served);
    } else if (text_equal(path, "/counts")) {
        reply_counts(exchange, served);
    } else if (text_equal(path, "/certificate")) {
        swap_certificate(exchange, served);
    } else if (text_equal(path, "/never")) {
        http_defer(exchange, on_gone, served);
    } else if (text_equal(path, "/later")) {
        reply_later(exchange, served);
    } else if (text_equal(path, "/stop")) {
        http_server_stop_accepting(served->server);
        http_reply(exchange, 200, slice_text("stopped"));
    } else if (text_equal(path, "/sleep")) {
        usleep(100000);
        http_reply(exchange, 200, slice_text("slept"));
    } else if (text_equal(path, "/forgotten")) {
        return;
    } else {
        echo(exchange);
    }
}

static void on_end(evutil_socket_t descriptor, short what, void *loop)
{
    (void)descriptor, (void)what;
    event_base_loopbreak(loop);
}

static void must(int code, const struct error *error)
{
    if (!code)
        return;
    fprintf(stderr, "%s\n", error->text);
    _exit(3);
}

static void serve(const struct fixture *fixture, const int *descriptors, size_t count, int ready)
{
    struct error error = {0};
    struct served served = {.fixture = fixture, .loop = http_loop_new(), .shared = mem_new(SHARED_LENGTH)};
    memset(served.shared, 's', SHARED_LENGTH);
    must(http_server_new(served.loop, descriptors, count, &fixture->limits, reply_by_path, &served,
                         &served.server, &error),
         &error);
    must(http_server_client_ca(served.server, "Agents.localhost", fixture_file(fixture, "ca.pem"), &error),
         &error);
    must(http_server_certificate(served.server, fixture_file(fixture, "server.pem"),
                                 fixture_file(fixture, "server.key"), &error),
         &error);
    struct event *end = evsignal_new(served.loop, SIGTERM, on_end, served.loop);
    event_add(end, NULL);
    close(ready);
    event_base_dispatch(served.loop);
    http_server_free(served.server);
    event_free(end);
    event_base_free(served.loop);
    free(served.shared);
}

static pid_t start_process(const struct fixture *fixture, const int *descriptors, size_t count)
{
    int ready[2];
    char nothing;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid) {
        close(ready[1]);
        assert_int_equal(read(ready[0], &nothing, 1), 0); /* ends when the child closes its end */
        close(ready[0]);
        return pid;
    }
    close(ready[0]);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_start("server");
    serve(fixture, descriptors, count, ready[1]);
    exit(0);
}

static void end_process(pid_t *pid)
{
    if (!*pid)
        return;
    int status = -1;
    kill(*pid, SIGTERM);
    waitpid(*pid, &status, 0);
    *pid = 0;
    assert_int_equal(status, 0); /* a sanitizer's complaint shows here */
}

void fixture_restart(struct fixture *fixture, int processes)
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    int descriptors[2] = {-1, -1};
    size_t count = 0;
    struct error error = {0};
    end_process(&fixture->server);
    end_process(&fixture->second);
    /* Some machines have no IPv6. */
    if (http_listen(addresses, 2, 0, descriptors, 2, &count, &error))
        must(http_listen(addresses, 1, 0, descriptors, 2, &count, &error), &error);
    struct sockaddr_in name = {0};
    socklen_t length = sizeof name;
    getsockname(descriptors[0], (struct sockaddr *)&name, &length);
    fixture->port = ntohs(name.sin_port);
    fixture->server = start_process(fixture, descriptors, count);
    if (processes > 1)
        fixture->second = start_process(fixture, descriptors, count);
    for (size_t i = 0; i < count; i++)
        close(descriptors[i]);
}

int fixture_start(void **state)
{
    struct fixture *fixture = mem_new(sizeof *fixture);
    text_copy(fixture->folder, sizeof fixture->folder, "/tmp/sealwright-http-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    signal(SIGPIPE, SIG_IGN);
    make_certificates(fixture);
    fixture->limits =
        (struct http_limits){.body = 65536, .headers = 8192, .idle_seconds = 20, .connections = 100};
    fixture_restart(fixture, 1);
    *state = fixture;
    return 0;
}

int fixture_stop(void **state)
{
    struct fixture *fixture = *state;
    end_process(&fixture->server);
    end_process(&fixture->second);
    file_remove_tree(fixture->folder, NULL);
    free(fixture);
    return 0;
}

int client_tcp(const struct fixture *fixture)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)fixture->port)};
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = 10};
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&name, sizeof name), 0);
    return descriptor;
}

static void use_certificate(const struct fixture *fixture, SSL_CTX *context, const char *name)
{
    char file[32];
    snprintf(file, sizeof file, "%s.pem", name);
    assert_int_equal(SSL_CTX_use_certificate_file(context, fixture_file(fixture, file), SSL_FILETYPE_PEM), 1);
    snprintf(file, sizeof file, "%s.key", name);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, fixture_file(fixture, file), SSL_FILETYPE_PEM), 1);
}

bool client_open(const struct fixture *fixture, const struct client_options *options, struct client *client)
{
    client->context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_load_verify_file(client->context, fixture_file(fixture, "ca.pem"));
    SSL_CTX_set_verify(client->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_security_level(client->context, 0); /* so that TLS 1.1 is really offered */
    if (options->version) {
        SSL_CTX_set_min_proto_version(client->context, options->version);
        SSL_CTX_set_max_proto_version(client->context, options->version);
    }
    if (options->certificate)
        use_certificate(fixture, client->context, options->certificate);
    client->descriptor = client_tcp(fixture);
    client->ssl = SSL_new(client->context);
    AUTO_FREE char *name = mem_string(options->name); /* OpenSSL wants it writable */
    if (name)
        SSL_set_tlsext_host_name(client->ssl, name);
    SSL_set_fd(client->ssl, client->descriptor);
    ERR_clear_error();
    return SSL_connect(client->ssl) == 1;
}

void client_close(struct client *client)
{
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
    close(client->descriptor);
}

void client_send(struct client *client, const char *text)
{
    /* Where the server has refused the connection already, the missing reply will tell. */
    ERR_clear_error();
    (void)SSL_write(client->ssl, text, (int)strlen(text));
}

static bool read_some(struct client *client, struct buf *reply, size_t most)
{
    char bytes[4096];
    ERR_clear_error();
    int count = SSL_read(client->ssl, bytes, (int)(most < sizeof bytes ? most : sizeof bytes));
    if (count <= 0)
        return false;
    buf_append(reply, bytes, (size_t)count);
    return true;
}

const char *client_reply(struct client *client, bool head, struct buf *reply)
{
    buf_clear(reply);
    while (!text_ends_with(buf_text(reply), "\r\n\r\n"))
        if (!read_some(client, reply, 1))
            return buf_text(reply);
    const char *field = strstr(buf_text(reply), "Content-Length: ");
    size_t left = field && !head ? strtoul(field + 16, NULL, 10) : 0;
    size_t end = reply->length + left;
    while (reply->length < end && read_some(client, reply, end - reply->length))
        continue;
    return buf_text(reply);
}

const char *client_ask(struct client *client, const char *request, struct buf *reply)
{
    client_send(client, request);
    return client_reply(client, text_starts_with(request, "HEAD"), reply);
}

bool client_sees_close(struct client *client, int milliseconds)
{
    int64_t deadline = clock_steady() + milliseconds;
    char byte;
    while (clock_steady() < deadline) {
        struct pollfd waiting = {.fd = client->descriptor, .events = POLLIN};
        if (!SSL_pending(client->ssl) && poll(&waiting, 1, (int)(deadline - clock_steady())) <= 0)
            return false;
        return SSL_read(client->ssl, &byte, 1) <= 0;
    }
    return false;
}
