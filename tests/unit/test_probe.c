/* probe: what a PostgreSQL server may answer, deadlines, and what a real handshake shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "probe/probe.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "orders.localhost"

/* A server that takes one connection, says `answer` to whatever comes, and may go on with TLS. */
struct server {
    int listener, port;
    const char *answer;
    size_t length;
    bool tls;
    EVP_PKEY *key;
    X509 *root, *leaf;
    pthread_t thread;
};

static void handshake(const struct server *server, int fd)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, server->leaf);
    SSL_CTX_use_PrivateKey(context, server->key);
    SSL *ssl = SSL_new(context);
    char byte;
    SSL_set_fd(ssl, fd);
    if (SSL_accept(ssl) == 1)
        SSL_read(ssl, &byte, 1);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void *serve(void *argument)
{
    const struct server *server = argument;
    char request[8];
    AUTO_CLOSE int fd = accept(server->listener, NULL, NULL);
    if (recv(fd, request, sizeof request, MSG_WAITALL) == (ssize_t)sizeof request)
        send(fd, server->answer, server->length, MSG_NOSIGNAL);
    if (server->tls)
        handshake(server, fd);
    else
        while (recv(fd, request, sizeof request, 0) > 0)
            continue; /* until the client goes */
    return NULL;
}

static void start(struct server *server, const char *answer, size_t length, bool tls)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    server->port = ntohs(address.sin_port);
    server->answer = answer;
    server->length = length;
    server->tls = tls;
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void finish(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
}

static int probe(const struct server *server, const struct certificate_list *roots, const char *host,
                 int64_t deadline, struct probe_result *result, struct error *error)
{
    const struct probe_target target = {.protocol = PROBE_POSTGRES,
                                        .address = "127.0.0.1",
                                        .port = server->port,
                                        .server_name = HOST,
                                        .roots = roots,
                                        .host = host,
                                        .deadline = deadline};
    return probe_run(&target, result, error);
}

static void what_is_no_tls_is_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        size_t length;
        int code;
        const char *text;
    } cases[] = {
        {"N", 1, ERROR_DENIED, "does not offer TLS"},
        {"H", 1, ERROR_INVALID, "0x48"},
        {"E\0\0\0\x16SFATAL\0Mtoo many\0", 23, ERROR_BUSY, "too many"},
        {"Efe_sendauth: no\n\0", 18, ERROR_BUSY, "fe_sendauth"},
        {"Sx", 2, ERROR_INVALID, "0x53"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct server server = {0};
        struct probe_result result;
        struct error error = {0};
        start(&server, cases[i].answer, cases[i].length, false);
        int code = probe(&server, NULL, NULL, 5000, &result, &error);
        finish(&server);
        if (code != cases[i].code || !strstr(error.text, cases[i].text))
            print_message("case %zu: %d %s\n", i, code, error.text);
        assert_int_equal(code, cases[i].code);
        assert_non_null(strstr(error.text, cases[i].text));
        probe_result_free(&result);
    }
}

static void a_silent_server_does_not_hold_it(void **state)
{
    (void)state;
    struct server server = {0};
    struct probe_result result;
    for (size_t length = 0; length < 2; length++) {
        int64_t begin = clock_steady();
        start(&server, "S", length, false);
        assert_int_equal(probe(&server, NULL, NULL, 200, &result, NULL), ERROR_TIMEOUT);
        assert_in_range(clock_steady() - begin, 190, 1500);
        finish(&server);
        probe_result_free(&result);
    }
}

static void nobody_listens(void **state)
{
    (void)state;
    const struct probe_target refused = {
        .protocol = PROBE_POSTGRES, .address = "127.0.0.1", .port = 1, .deadline = 2000};
    const struct probe_target unknown = {
        .protocol = PROBE_TLS, .address = "no.such.name.invalid", .port = 1, .deadline = 2000};
    struct probe_result result;
    struct error error;
    assert_int_equal(probe_run(&refused, &result, &error), ERROR_IO);
    assert_non_null(strstr(error.text, "127.0.0.1 port 1"));
    int code = probe_run(&unknown, &result, &error);
    assert_true(code == ERROR_NOT_FOUND || code == ERROR_TIMEOUT);
}

static void make_certificates(struct server *server)
{
    struct organisation organisation;
    struct text_list names = {0};
    EVP_PKEY *root_key = NULL;
    organisation_defaults(&organisation);
    text_list_add(&names, HOST);
    text_list_add(&names, "127.0.0.1");
    struct control_spec spec = {
        CONTROL_ROOT, "Test CA", NULL, clock_now() - CLOCK_HOUR, clock_now() + CLOCK_DAY, &organisation};
    assert_int_equal(key_generate(KEY_EC_P384, &root_key, NULL), 0);
    assert_int_equal(key_generate(KEY_EC_P384, &server->key, NULL), 0);
    assert_int_equal(control_certificate_issue(&spec, root_key, NULL, NULL, &server->root, NULL), 0);
    spec.kind = CONTROL_SERVER;
    spec.common_name = HOST;
    spec.names = &names;
    assert_int_equal(
        control_certificate_issue(&spec, server->key, server->root, root_key, &server->leaf, NULL), 0);
    EVP_PKEY_free(root_key);
    text_list_free(&names);
}

static void shows_what_is_served_and_whether_it_verifies(void **state)
{
    (void)state;
    static const struct {
        bool with_root;
        const char *host;
        bool verified;
    } cases[] = {{true, HOST, true}, {true, "other.localhost", false}, {false, HOST, false}};
    struct server server = {0};
    struct certificate_list roots = {0}, none = {0};
    make_certificates(&server);
    certificate_list_add(&roots, server.root);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct probe_result result;
        start(&server, "S", 1, true);
        assert_int_equal(
            probe(&server, cases[i].with_root ? &roots : &none, cases[i].host, 5000, &result, NULL), 0);
        finish(&server);
        assert_string_equal(result.tls_version, "TLSv1.3");
        assert_int_equal(result.chain.count, 1);
        assert_int_equal(X509_cmp(result.chain.items[0], server.leaf), 0);
        assert_int_equal(result.names.count, 2);
        assert_string_equal(result.names.items[0], HOST);
        assert_string_equal(result.names.items[1], "127.0.0.1");
        assert_int_equal(result.verified, cases[i].verified);
        assert_int_equal(text_is_empty(result.verification), cases[i].verified);
        probe_result_free(&result);
    }
    certificate_list_free(&roots);
    EVP_PKEY_free(server.key);
    X509_free(server.leaf);
    X509_free(server.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_tls_is_told_apart),
        cmocka_unit_test(a_silent_server_does_not_hold_it),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(shows_what_is_served_and_whether_it_verifies),
    };
    signal(SIGPIPE, SIG_IGN); /* the test's own server */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
