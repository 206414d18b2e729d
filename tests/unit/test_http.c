/* http: the HTTPS server as its clients see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "http_fixture.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <curl/curl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"

static const struct client_options anyone = {.name = "localhost"};

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("expected \"%s\" in:\n%.2000s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("did not expect \"%s\" in:\n%.2000s", part, text);
}

static int occurrences(const char *text, const char *part)
{
    int count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

/* One request on a connection of its own. */
static const char *ask(void **state, const char *request, struct buf *reply)
{
    struct client client;
    assert_true(client_open(*state, &anyone, &client));
    const char *text = client_ask(&client, request, reply);
    client_close(&client);
    return text;
}

static long count_of(void **state, const char *name)
{
    AUTO_BUF struct buf reply = {0};
    const char *field = strstr(ask(state, GET("/counts"), &reply), name);
    assert_non_null(field);
    return strtol(field + strlen(name), NULL, 10);
}

static void assert_count_becomes(void **state, const char *name, long expected)
{
    for (int i = 0; i < 100 && count_of(state, name) != expected; i++)
        usleep(20000);
    assert_int_equal(count_of(state, name), expected);
}

static void request_arrives_as_sent(void **state)
{
    AUTO_BUF struct buf reply = {0};
    const char *text =
        ask(state,
            "POST /a%20b/%2F?x=1&y=%3d HTTP/1.1\r\nHost: LocalHost:8443\r\nX-B:  two words \r\n"
            "x-a: 1\r\nX-A: 2\r\nX-Folded: one\r\n  two\r\nContent-Length: 5\r\n\r\nhello",
            &reply);
    assert_has(text, "HTTP/1.1 200 OK\r\n");
    assert_has(
        text, "method=POST\npath=/a%20b/%2F\nquery=x=1&y=%3d\nhost=localhost\nremote=127.0.0.1\nclient=none\n"
              "header Host=[LocalHost:8443]\nheader X-B=[two words]\nheader x-a=[1]\nheader X-A=[2]\n"
              "header X-Folded=[one two]\nheader Content-Length=[5]\nbody=hello");
    assert_lacks(text, "Server:");
    assert_int_equal(occurrences(text, "Date: "), 1);
    int64_t date;
    char line[32] = {0};
    memcpy(line, strstr(text, "Date: ") + 6, 29);
    assert_true(clock_parse_http(line, &date));
    assert_true(llabs(clock_now() - date) < 5 * CLOCK_SECOND);
}

static void target_forms_are_understood(void **state)
{
    static const struct {
        const char *target, *host, *expected;
    } cases[] = {
        {"/", "localhost", "path=/\nquery=\nhost=localhost\n"},
        {"/?a?b", "[::1]:8443", "path=/\nquery=a?b\nhost=::1\n"},
        {"https://Other.Example:1/p?q", "localhost", "path=/p\nquery=q\nhost=other.example\n"},
        {"https://other.example", "localhost", "path=/\nquery=\nhost=other.example\n"},
        {"https://[::1]?q", "localhost", "path=/\nquery=q\nhost=::1\n"},
        {"//double/slash", "localhost", "path=//double/slash\n"},
        {"/a/../b", "127.0.0.1:1", "path=/a/../b\nquery=\nhost=127.0.0.1\n"},
    };
    struct client client;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(*state, &anyone, &client));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_FREE char *request = mem_format("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n",
                                             cases[i].target, cases[i].host);
        assert_has(client_ask(&client, request, &reply), cases[i].expected);
    }
    client_close(&client);
}

static void methods_reach_the_handler(void **state)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    struct client client;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(*state, &anyone, &client));
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        AUTO_FREE char *request =
            mem_format("%s /m HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nxy", methods[i]);
        AUTO_FREE char *expected = mem_format("method=%s\npath=/m\n", methods[i]);
        assert_has(client_ask(&client, request, &reply), expected);
        assert_has(buf_text(&reply), "body=xy");
    }
    client_close(&client);
    assert_has(ask(state, "BREW /m HTTP/1.1\r\nHost: localhost\r\n\r\n", &reply), "HTTP/1.1 501 ");
    assert_has(ask(state, "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", &reply),
               "HTTP/1.1 501 ");
}

static void head_has_the_length_but_no_body(void **state)
{
    struct client client;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(*state, &anyone, &client));
    assert_has(client_ask(&client, "HEAD /shared HTTP/1.1\r\nHost: localhost\r\n\r\n", &reply),
               "Content-Length: 204800\r\n");
    /* The next reply comes right behind the head. */
    assert_true(text_starts_with(client_ask(&client, GET("/next"), &reply), "HTTP/1.1 200 OK\r\n"));
    client_close(&client);
    assert_has(ask(state, "HEAD / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", &reply),
               "HTTP/1.1 400 ");
}

static void not_modified_has_no_body(void **state)
{
    struct client client;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(*state, &anyone, &client));
    const char *text = client_ask(&client, GET("/unchanged"), &reply);
    assert_has(text, "HTTP/1.1 304 Not Modified\r\n");
    assert_has(text, "ETag: \"1\"\r\n");
    assert_lacks(text, "Content-Length");
    assert_lacks(text, "Content-Type");
    assert_true(text_starts_with(client_ask(&client, GET("/next"), &reply), "HTTP/1.1 200 OK\r\n"));
    client_close(&client);
    assert_true(count_of(state, "released=") > 0);
}

static void shared_body_is_given_back(void **state)
{
    AUTO_BUF struct buf reply = {0};
    long before = count_of(state, "released=");
    const char *text = ask(state, GET("/shared"), &reply);
    assert_has(text, "Content-Length: 204800\r\n");
    assert_int_equal(strlen(strstr(text, "\r\n\r\n") + 4), 204800);
    assert_count_becomes(state, "released=", before + 1);
    struct client client;
    assert_true(client_open(*state, &anyone, &client));
    client_send(&client, GET("/shared"));
    client_close(&client); /* goes away without reading */
    assert_count_becomes(state, "released=", before + 2);
}

static void connection_is_kept(void **state)
{
    struct client client;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(*state, &anyone, &client));
    for (int i = 0; i < 20; i++)
        assert_has(client_ask(&client, GET("/k"), &reply), "200 OK");
    assert_has(client_ask(&client, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", &reply),
               "Connection: close\r\n");
    assert_true(client_sees_close(&client, 2000));
    client_close(&client);
    assert_true(client_open(*state, &anyone, &client));
    assert_has(client_ask(&client, "GET / HTTP/1.0\r\n\r\n", &reply), "host=\n");
    assert_true(client_sees_close(&client, 2000));
    client_close(&client);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct client client;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(*state, &anyone, &client));
    client_send(&client, GET("/1") GET(
                             "/later") "POST /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nz" GET("/4"));
    assert_has(client_reply(&client, false, &reply), "path=/1\n");
    assert_has(client_reply(&client, false, &reply), "later");
    assert_has(client_reply(&client, false, &reply), "path=/3\n");
    assert_has(client_reply(&client, false, &reply), "path=/4\n");
    client_close(&client);
}

static void chunked_body_is_joined(void **state)
{
    AUTO_BUF struct buf reply = {0};
    assert_has(ask(state,
                   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                   "chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
                   &reply),
               "body=abcdefg");
}

static void expectation_is_met(void **state)
{
    static const char head[] =
        "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    struct client client;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(*state, &anyone, &client));
    assert_has(client_ask(&client, head, &reply), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_has(client_ask(&client, "abc", &reply), "body=abc");
    client_close(&client);
}

static void body_that_does_not_wait_for_continue_is_answered(void **state)
{
    const struct fixture *fixture = *state;
    struct client hasty, sleeper;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(fixture, &anyone, &hasty));
    assert_true(client_open(fixture, &anyone, &sleeper));
    /* Both heads are there in one turn of the loop; while the second is answered the body arrives, so that
     * the next turn finds the first connection writable (for "100 Continue") and readable at once. */
    kill(fixture->server, SIGSTOP);
    client_send(&hasty, "POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    client_send(&sleeper, GET("/sleep"));
    kill(fixture->server, SIGCONT);
    usleep(50000);
    client_send(&hasty, "abc");
    assert_has(client_reply(&hasty, false, &reply), "HTTP/1.1 100 Continue\r\n\r\n");
    assert_has(client_reply(&hasty, false, &reply), "body=abc");
    client_close(&hasty);
    client_close(&sleeper);
}

static void limits_hold(void **state)
{
    const struct fixture *fixture = *state;
    AUTO_BUF struct buf reply = {0};
    AUTO_FREE char *filler = mem_new(2 * fixture->limits.body);
    memset(filler, 'x', fixture->limits.body + 1);
    AUTO_FREE char *body = mem_format("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s",
                                      fixture->limits.body + 1, filler);
    assert_has(ask(state, body, &reply), "HTTP/1.1 413 ");
    AUTO_FREE char *fits = mem_format("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n%s",
                                      fixture->limits.body, filler + 1);
    assert_has(ask(state, fits, &reply), "HTTP/1.1 200 ");
    AUTO_FREE char *chunked = mem_format(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n", fixture->limits.body + 1);
    assert_has(ask(state, chunked, &reply), "HTTP/1.1 413 ");
    filler[fixture->limits.headers] = 0;
    AUTO_FREE char *header = mem_format("GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n", filler);
    assert_has(ask(state, header, &reply), "HTTP/1.1 400 ");
    AUTO_FREE char *line = mem_format("GET /%s HTTP/1.1\r\nHost: a\r\n\r\n", filler);
    assert_has(ask(state, line, &reply), "HTTP/1.1 400 ");
}

static void malformed_requests_get_400(void **state)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/9.1\r\nHost: a\r\n\r\n",
        "nonsense without a version\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon here\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    AUTO_BUF struct buf reply = {0};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        assert_has(ask(state, requests[i], &reply), "HTTP/1.1 400 ");
}

static void forgotten_request_gets_500(void **state)
{
    AUTO_BUF struct buf reply = {0};
    assert_has(ask(state, GET("/forgotten"), &reply), "HTTP/1.1 500 ");
}

static void plain_http_is_told_to_use_https(void **state)
{
    static const char *const requests[] = {
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n"};
    static char more[300000];
    memset(more, 'm', sizeof more);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int descriptor = client_tcp(*state);
        char text[1024] = {0};
        size_t length = 0;
        send(descriptor, requests[i], strlen(requests[i]), MSG_NOSIGNAL);
        if (i == 3)
            send(descriptor, more, sizeof more, MSG_NOSIGNAL | MSG_DONTWAIT);
        for (ssize_t count; (count = recv(descriptor, text + length, sizeof text - 1 - length, 0)) > 0;)
            length += (size_t)count;
        assert_true(text_starts_with(text, "HTTP/1.1 400 Bad Request\r\n"));
        assert_has(text, "Connection: close\r\n");
        assert_true(text_ends_with(text, "https://\n"));
        close(descriptor);
    }
    assert_count_becomes(state, "connections=", 1);
}

static void old_tls_is_refused(void **state)
{
    static const struct {
        int version;
        bool good;
    } cases[] = {{TLS1_1_VERSION, false}, {TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client client;
        struct client_options options = {.version = cases[i].version};
        AUTO_BUF struct buf reply = {0};
        assert_int_equal(client_open(*state, &options, &client), cases[i].good);
        if (cases[i].good)
            assert_has(client_ask(&client, GET("/"), &reply), "200 OK");
        client_close(&client);
    }
}

static void protocol_is_negotiated(void **state)
{
    struct client client;
    assert_true(client_open(*state, &anyone, &client));
    const unsigned char *chosen;
    unsigned length;
    SSL *again = SSL_new(client.context);
    int descriptor = client_tcp(*state);
    SSL_set_fd(again, descriptor);
    SSL_set_alpn_protos(again, (const unsigned char *)"\x02h2\x08http/1.1", 12);
    assert_int_equal(SSL_connect(again), 1);
    SSL_get0_alpn_selected(again, &chosen, &length);
    assert_true(slice_is(slice_of(chosen, length), "http/1.1"));
    SSL_free(again);
    close(descriptor);
    client_close(&client);
}

static void session_is_never_resumed(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2; i++) {
        struct client first, second;
        AUTO_BUF struct buf reply = {0};
        struct client_options options = {
            .name = "agents.localhost", .certificate = "agent", .version = versions[i]};
        assert_true(client_open(*state, &options, &first));
        assert_has(client_ask(&first, GET("/"), &reply), "client=agent-7\n");
        SSL_SESSION *session = SSL_get1_session(first.ssl);
        assert_false(SSL_SESSION_has_ticket(session));
        options.certificate = NULL;
        second.context = SSL_CTX_new(TLS_client_method());
        second.descriptor = client_tcp(*state);
        second.ssl = SSL_new(second.context);
        char name[] = "agents.localhost";
        SSL_set_tlsext_host_name(second.ssl, name);
        SSL_set_session(second.ssl, session);
        SSL_set_fd(second.ssl, second.descriptor);
        if (SSL_connect(second.ssl) == 1)
            assert_string_equal(client_ask(&second, GET("/"), &reply), "");
        client_close(&second);
        client_close(&first);
        SSL_SESSION_free(session);
    }
}

static void client_certificate_is_asked_by_name(void **state)
{
    static const struct {
        const char *name, *certificate, *expected; /* NULL: refused */
    } cases[] = {
        {"agents.localhost", NULL, NULL},           {"agents.localhost", "stranger", NULL},
        {"agents.localhost", "serveronly", NULL},   {"agents.localhost", "agent", "client=agent-7\n"},
        {"AGENTS.localhost", NULL, NULL},           {"localhost", "agent", "client=none\n"},
        {"unknown.example", NULL, "client=none\n"}, {NULL, "agent", "client=none\n"},
    };
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        struct client client;
        AUTO_BUF struct buf reply = {0};
        struct client_options options = {cases[i / 2].name, cases[i / 2].certificate, versions[i % 2]};
        /* With TLS 1.3 the client hears of the refusal after its own handshake. */
        bool open = client_open(*state, &options, &client);
        if (!cases[i / 2].expected) {
            if (open)
                assert_string_equal(client_ask(&client, GET("/"), &reply), "");
        } else {
            assert_true(open);
            assert_has(client_ask(&client, "GET / HTTP/1.1\r\nHost: agents.localhost\r\n\r\n", &reply),
                       cases[i / 2].expected);
        }
        client_close(&client);
    }
}

static const char *served_name(void **state)
{
    static char name[64];
    struct client client;
    assert_true(client_open(*state, &anyone, &client));
    X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(client.ssl)), NID_commonName,
                              name, sizeof name);
    client_close(&client);
    return name;
}

static void certificate_is_swapped_live(void **state)
{
    struct client open;
    AUTO_BUF struct buf reply = {0};
    assert_string_equal(served_name(state), "server one");
    assert_true(client_open(*state, &anyone, &open));
    assert_has(client_ask(&open, GET("/certificate?bad"), &reply), "HTTP/1.1 500 ");
    assert_has(buf_text(&reply),
               "server.key: expected an unencrypted PEM private key of the certificate in ");
    assert_string_equal(served_name(state), "server one");
    assert_has(client_ask(&open, GET("/certificate?good"), &reply), "HTTP/1.1 200 ");
    assert_string_equal(served_name(state), "server two");
    assert_has(client_ask(&open, GET("/"), &reply), "HTTP/1.1 200 ");
    client_close(&open);
    fixture_restart(*state, 1);
}

static void deferred_reply_comes_later_than_the_idle_time(void **state)
{
    struct fixture *fixture = *state;
    int idle = fixture->limits.idle_seconds;
    fixture->limits.idle_seconds = 1;
    fixture_restart(fixture, 1);
    struct client client;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(fixture, &anyone, &client));
    assert_has(client_ask(&client, GET("/later"), &reply), "later");
    client_send(&client, GET("/later"));
    usleep(100000);
    client_send(&client, GET("/pipelined"));
    assert_has(client_reply(&client, false, &reply), "later");
    assert_has(client_reply(&client, false, &reply), "path=/pipelined");
    assert_true(client_sees_close(&client, 2500)); /* the idle time counts again */
    client_close(&client);
    fixture->limits.idle_seconds = idle;
    fixture_restart(fixture, 1);
}

static void client_that_goes_away_is_noticed_once(void **state)
{
    struct client client;
    long before = count_of(state, "gone=");
    for (int i = 0; i < 3; i++) {
        assert_true(client_open(*state, &anyone, &client));
        client_send(&client, i == 1 ? GET("/never") GET("/pipelined") : GET("/never"));
        usleep(i == 2 ? 0 : 100000);
        if (i != 0)
            SSL_shutdown(client.ssl);
        client_close(&client);
    }
    assert_count_becomes(state, "gone=", before + 3);
    assert_count_becomes(state, "connections=", 1);
}

static void client_that_floods_a_long_poll_is_sent_away(void **state)
{
    const struct fixture *fixture = *state;
    AUTO_FREE char *filler = mem_new(300001);
    memset(filler, 'x', 300000);
    long before = count_of(state, "gone=");
    AUTO_FREE char *flood = mem_format("%s%s", GET("/never"), filler);
    for (int i = 0; i < 2; i++) {
        struct client client;
        assert_true(client_open(fixture, &anyone, &client));
        if (i == 0) {
            client_send(&client, flood);
        } else {
            client_send(&client, GET("/never"));
            usleep(50000);
            client_send(&client, filler);
        }
        assert_true(client_sees_close(&client, 5000));
        client_close(&client);
    }
    assert_count_becomes(state, "gone=", before + 2);
    assert_count_becomes(state, "connections=", 1);
}

static void server_ends_with_deferred_exchanges_open(void **state)
{
    struct client clients[5];
    for (size_t i = 0; i < 5; i++) {
        assert_true(client_open(*state, &anyone, &clients[i]));
        client_send(&clients[i], GET("/never"));
    }
    int plain = client_tcp(*state);
    send(plain, "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL);
    usleep(200000);
    fixture_restart(*state, 1); /* asserts that the process ended well */
    for (size_t i = 0; i < 5; i++)
        client_close(&clients[i]);
    close(plain);
}

static void idle_and_slow_connections_are_closed(void **state)
{
    struct fixture *fixture = *state;
    int idle = fixture->limits.idle_seconds;
    fixture->limits.idle_seconds = 1;
    fixture_restart(fixture, 1);
    struct client client, slow;
    AUTO_BUF struct buf reply = {0};
    int silent = client_tcp(fixture);
    assert_true(client_open(fixture, &anyone, &slow));
    assert_true(client_open(fixture, &anyone, &client));
    assert_has(client_ask(&client, GET("/"), &reply), "200 OK");
    bool closed = false;
    for (int i = 0; i < 60 && !closed; i++) {
        closed = SSL_write(slow.ssl, "x", 1) <= 0;
        usleep(100000);
    }
    assert_true(closed);
    assert_true(client_sees_close(&client, 1000));
    char byte;
    assert_int_equal(recv(silent, &byte, 1, 0), 0);
    close(silent);
    client_close(&client);
    client_close(&slow);
    fixture->limits.idle_seconds = idle;
    fixture_restart(fixture, 1);
}

static void connections_past_the_limit_wait(void **state)
{
    struct fixture *fixture = *state;
    int limit = fixture->limits.connections;
    fixture->limits.connections = 4;
    fixture_restart(fixture, 1);
    struct client clients[4];
    AUTO_BUF struct buf reply = {0};
    for (int i = 0; i < 4; i++)
        assert_true(client_open(fixture, &anyone, &clients[i]));
    int waiting = client_tcp(fixture);
    send(waiting, "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL); /* any answer would show that it was accepted */
    struct pollfd poll_waiting = {.fd = waiting, .events = POLLIN};
    assert_int_equal(poll(&poll_waiting, 1, 300), 0);
    client_close(&clients[0]);
    assert_int_equal(poll(&poll_waiting, 1, 5000), 1);
    close(waiting);
    for (int i = 1; i < 4; i++) {
        assert_has(client_ask(&clients[i], GET("/"), &reply), "200 OK");
        client_close(&clients[i]);
    }
    fixture->limits.connections = limit;
    fixture_restart(fixture, 1);
}

static void processes_share_the_sockets(void **state)
{
    struct fixture *fixture = *state;
    int limit = fixture->limits.connections;
    fixture->limits.connections = 2;
    fixture_restart(fixture, 2);
    struct client clients[4];
    AUTO_BUF struct buf reply = {0};
    int first = 0;
    for (int i = 0; i < 4; i++) {
        assert_true(client_open(fixture, &anyone, &clients[i]));
        AUTO_FREE char *mine = mem_format("pid=%d ", (int)fixture->server);
        first += strstr(client_ask(&clients[i], GET("/counts"), &reply), mine) != NULL;
    }
    assert_int_equal(first, 2); /* a full process leaves the others to its neighbour */
    for (int i = 0; i < 4; i++)
        client_close(&clients[i]);
    fixture->limits.connections = limit;
    fixture_restart(fixture, 1);
}

static void stopping_closes_after_the_reply(void **state)
{
    struct client first, second;
    AUTO_BUF struct buf reply = {0};
    assert_true(client_open(*state, &anyone, &first));
    assert_true(client_open(*state, &anyone, &second));
    assert_has(client_ask(&first, GET("/stop"), &reply), "Connection: close\r\n");
    assert_has(client_ask(&second, GET("/"), &reply), "Connection: close\r\n");
    assert_true(client_sees_close(&second, 2000));
    client_close(&first);
    client_close(&second);
    fixture_restart(*state, 1);
}

static size_t on_curl_data(char *data, size_t size, size_t count, void *context)
{
    buf_append(context, data, size * count);
    return size * count;
}

static CURL *curl_for(const struct fixture *fixture, const char *host, struct buf *reply)
{
    CURL *curl = curl_easy_init();
    AUTO_FREE char *address = mem_format("https://%s:%d/curl?q", host, fixture->port);
    curl_easy_setopt(curl, CURLOPT_URL, address);
    curl_easy_setopt(curl, CURLOPT_CAINFO, fixture_file(fixture, "ca.pem"));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_curl_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    return curl;
}

static void curl_is_served(void **state)
{
    AUTO_BUF struct buf reply = {0};
    CURL *curl = curl_for(*state, "127.0.0.1", &reply);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    assert_has(buf_text(&reply), "method=GET\npath=/curl\nquery=q\nhost=127.0.0.1\n");
    long connects;
    buf_clear(&reply);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "Action=Describe");
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
    assert_int_equal(connects, 0); /* the connection was kept */
    assert_has(buf_text(&reply), "body=Action=Describe");
    struct curl_slist *expect = curl_slist_append(NULL, "Expect: 100-continue");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, expect);
    buf_clear(&reply);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    assert_has(buf_text(&reply), "body=Action=Describe");
    curl_easy_cleanup(curl);
    curl_slist_free_all(expect);
}

static void ipv6_client_is_named(void **state)
{
    AUTO_BUF struct buf reply = {0};
    CURL *curl = curl_for(*state, "[::1]", &reply);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    if (curl_easy_perform(curl) == CURLE_OK)
        assert_has(buf_text(&reply), "host=::1\nremote=::1\n");
    curl_easy_cleanup(curl);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_arrives_as_sent),
        cmocka_unit_test(target_forms_are_understood),
        cmocka_unit_test(methods_reach_the_handler),
        cmocka_unit_test(head_has_the_length_but_no_body),
        cmocka_unit_test(not_modified_has_no_body),
        cmocka_unit_test(shared_body_is_given_back),
        cmocka_unit_test(connection_is_kept),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(chunked_body_is_joined),
        cmocka_unit_test(expectation_is_met),
        cmocka_unit_test(body_that_does_not_wait_for_continue_is_answered),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(malformed_requests_get_400),
        cmocka_unit_test(forgotten_request_gets_500),
        cmocka_unit_test(plain_http_is_told_to_use_https),
        cmocka_unit_test(old_tls_is_refused),
        cmocka_unit_test(protocol_is_negotiated),
        cmocka_unit_test(session_is_never_resumed),
        cmocka_unit_test(client_certificate_is_asked_by_name),
        cmocka_unit_test(certificate_is_swapped_live),
        cmocka_unit_test(deferred_reply_comes_later_than_the_idle_time),
        cmocka_unit_test(client_that_goes_away_is_noticed_once),
        cmocka_unit_test(client_that_floods_a_long_poll_is_sent_away),
        cmocka_unit_test(server_ends_with_deferred_exchanges_open),
        cmocka_unit_test(idle_and_slow_connections_are_closed),
        cmocka_unit_test(connections_past_the_limit_wait),
        cmocka_unit_test(processes_share_the_sockets),
        cmocka_unit_test(stopping_closes_after_the_reply),
        cmocka_unit_test(curl_is_served),
        cmocka_unit_test(ipv6_client_is_named),
    };
    return cmocka_run_group_tests(tests, fixture_start, fixture_stop);
}
