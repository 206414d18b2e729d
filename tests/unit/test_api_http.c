/* api over HTTPS, asked by libcurl with its own Signature Version 4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the client, in a process of its own: it answers what was wrong by its exit status */

struct answer {
    long status;
    struct buf headers, body;
};

static size_t take(char *data, size_t size, size_t count, void *target)
{
    buf_append(target, data, size * count);
    return size * count;
}

static bool call(const char *url, const char *keys, const char *form, struct answer *answer)
{
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L); /* this is about the API */
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &answer->headers);
    if (form)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, form);
    if (keys) {
        curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, "aws:amz:us-east-1:rds");
        curl_easy_setopt(curl, CURLOPT_USERPWD, keys);
    }
    bool done = curl_easy_perform(curl) == CURLE_OK;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_cleanup(curl);
    return done;
}

/* The request id of the header stands in the body as well. */
static bool same_request_id(struct answer *answer)
{
    const char *header = strstr(buf_text(&answer->headers), "x-amzn-RequestId: ");
    char id[37] = "";
    if (!header)
        return false;
    memcpy(id, header + strlen("x-amzn-RequestId: "), 36);
    return strlen(id) == 36 && strstr(buf_text(&answer->body), id);
}

static bool ask(const char *url, const char *keys, const char *form, long status, const char *expected)
{
    struct answer answer = {0};
    bool good = call(url, keys, form, &answer) && answer.status == status && same_request_id(&answer) &&
                strstr(buf_text(&answer.headers), "Content-Type: text/xml") &&
                strstr(buf_text(&answer.headers), "Date: ") && strstr(buf_text(&answer.body), expected);
    if (!good)
        fprintf(stderr, "%ld, %s%s\n", answer.status, buf_text(&answer.headers), buf_text(&answer.body));
    buf_free(&answer.headers);
    buf_free(&answer.body);
    return good;
}

static int client(const struct access_key *key, int port)
{
    AUTO_FREE char *url = mem_format("https://127.0.0.1:%d/", port);
    AUTO_FREE char *keys = mem_format("%s:%s", key->access_key_id, key->secret);
    AUTO_FREE char *wrong = mem_format("%s:%sx", key->access_key_id, key->secret);
    AUTO_FREE char *elsewhere = mem_format("%selsewhere", url);
    struct answer other = {0};
    if (!ask(url, keys, ACTION("DescribeCertificates"), 200, "rds-ca-ecc384-g1"))
        return 1;
    if (!ask(url, keys, ACTION("DescribeDBInstances") "&DBInstanceIdentifier=x", 404, "DBInstanceNotFound"))
        return 2;
    if (!ask(url, wrong, ACTION("DescribeDBInstances"), 403, "SignatureDoesNotMatch"))
        return 3;
    if (!ask(url, NULL, NULL, 403, "MissingAuthenticationToken"))
        return 4;
    bool left_alone = call(elsewhere, keys, ACTION("DescribeDBInstances"), &other) && other.status == 404;
    buf_free(&other.headers);
    buf_free(&other.body);
    return left_alone ? 0 : 5;
}

/* ---- the server */

static void write_pair(const struct world *world, char *certificate_file, char *key_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_set_pubkey(certificate, key);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    snprintf(certificate_file, 100, "%s/server.pem", world->folder);
    snprintf(key_file, 100, "%s/server.key", world->folder);
    FILE *stream = fopen(certificate_file, "w");
    PEM_write_X509(stream, certificate);
    fclose(stream);
    stream = fopen(key_file, "w");
    PEM_write_PrivateKey(stream, key, NULL, NULL, 0, NULL, NULL);
    fclose(stream);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void handle(struct http_exchange *exchange, void *context)
{
    struct world *world = context;
    if (!api_handle(world->api, exchange))
        http_reply(exchange, 404, slice_text("nothing here\n"));
}

struct waiting {
    pid_t child;
    int status;
    bool ended;
    struct event_base *loop;
};

static void look_for_end(evutil_socket_t descriptor, short what, void *context)
{
    struct waiting *waiting = context;
    (void)descriptor;
    (void)what;
    waiting->ended = waitpid(waiting->child, &waiting->status, WNOHANG) == waiting->child;
    if (waiting->ended)
        event_base_loopbreak(waiting->loop);
}

static void serve(struct world *world, const int *descriptor, struct waiting *waiting)
{
    static const struct http_limits limits = {
        .body = 1 << 20, .headers = 65536, .idle_seconds = 30, .connections = 100};
    static const struct timeval often = {.tv_usec = 20000};
    struct error error = {0};
    struct http_server *server;
    char certificate_file[100], key_file[100];
    write_pair(world, certificate_file, key_file);
    waiting->loop = http_loop_new();
    struct event *timer = event_new(waiting->loop, -1, EV_PERSIST, look_for_end, waiting);
    event_add(timer, &often);
    assert_int_equal(http_server_new(waiting->loop, descriptor, 1, &limits, handle, world, &server, &error),
                     0);
    assert_int_equal(http_server_certificate(server, certificate_file, key_file, &error), 0);
    event_base_dispatch(waiting->loop);
    event_free(timer);
    http_server_free(server);
    event_base_free(waiting->loop);
}

static void clients_are_answered_over_https(void **state)
{
    (void)state;
    static const char *const addresses[] = {"127.0.0.1"};
    struct world *world = world_new();
    struct error error = {0};
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int descriptor;
    size_t count = 0;
    assert_int_equal(http_listen(addresses, 1, 0, &descriptor, 1, &count, &error), 0);
    assert_int_equal(getsockname(descriptor, (struct sockaddr *)&address, &length), 0);
    struct waiting waiting = {.child = fork()};
    assert_true(waiting.child >= 0);
    if (waiting.child == 0)
        _exit(client(&world->administrator, ntohs(address.sin_port)));
    serve(world, &descriptor, &waiting);
    close(descriptor);
    world_free(world);
    assert_true(waiting.ended && WIFEXITED(waiting.status));
    assert_int_equal(WEXITSTATUS(waiting.status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(clients_are_answered_over_https)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
