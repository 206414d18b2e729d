/* Bytes to and from a server, within a deadline, plain or under TLS. OpenSSL works on memory: what it wants
 * to send and what has come is carried by hand, since TDS packs its handshake in packets of its own. */
#include "probe/internal.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int wire_wait(const struct wire *wire, short events, struct error *error)
{
    for (;;) {
        int64_t left = wire->until - clock_steady();
        if (left <= 0)
            return error_set(error, ERROR_TIMEOUT, "the server did not answer in time");
        struct pollfd wait = {wire->fd, events, 0};
        int ready = poll(&wait, 1, left > 1000000 ? 1000000 : (int)left);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return error_set_system(error, errno, "cannot poll");
    }
}

static int send_plain(const struct wire *wire, struct slice bytes, struct error *error)
{
    while (bytes.length) {
        ssize_t sent = send(wire->fd, bytes.data, bytes.length, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes = slice_of(bytes.data + sent, bytes.length - (size_t)sent);
            continue;
        }
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return error_set_system(error, errno, "the connection broke");
        int result = wire_wait(wire, POLLOUT, error);
        if (result)
            return result;
    }
    return 0;
}

/* At most `most` bytes. */
static int receive_plain(const struct wire *wire, size_t most, struct buf *received, struct error *error)
{
    for (;;) {
        unsigned char chunk[4096];
        ssize_t got = recv(wire->fd, chunk, most < sizeof chunk ? most : sizeof chunk, 0);
        if (got > 0) {
            buf_append(received, chunk, (size_t)got);
            return 0;
        }
        if (got == 0)
            return error_set(error, ERROR_IO, "the server closed the connection");
        if (errno != EAGAIN && errno != EINTR)
            return error_set_system(error, errno, "the connection broke");
        int result = wire_wait(wire, POLLIN, error);
        if (result)
            return result;
    }
}

static int receive_packet(const struct wire *wire, struct buf *records, struct error *error)
{
    AUTO_BUF struct buf packet = {0};
    struct slice payload = {0};
    for (size_t missing; (missing = tds_missing(slice_buf(&packet), &payload)) != 0;) {
        int result = receive_plain(wire, missing, &packet, error);
        if (result)
            return result;
    }
    if (!payload.length)
        return error_set(error, ERROR_INVALID, "expected a TDS packet with the TLS handshake, found another");
    buf_append_slice(records, payload);
    return 0;
}

/* Sends what OpenSSL has written. */
static int flush(const struct wire *wire, struct error *error)
{
    AUTO_BUF struct buf packets = {0};
    char *data = NULL;
    BIO *out = SSL_get_wbio(wire->ssl);
    long length = BIO_get_mem_data(out, &data);
    if (length <= 0)
        return 0;
    struct slice bytes = slice_of(data, (size_t)length);
    if (wire->in_packets)
        tds_wrap(bytes, &packets);
    int result = send_plain(wire, wire->in_packets ? slice_buf(&packets) : bytes, error);
    BIO_reset(out);
    return result;
}

/* After an OpenSSL call that answered `outcome` and is not through: carries bytes so that it can be made
 * again. */
static int carry(struct wire *wire, int outcome, struct error *error)
{
    AUTO_BUF struct buf records = {0};
    int want = SSL_get_error(wire->ssl, outcome);
    if (want != SSL_ERROR_WANT_READ) {
        const char *reason = ERR_reason_error_string(ERR_peek_error());
        flush(wire, NULL); /* an alert */
        return error_set(error, ERROR_CRYPTO, "%s", reason ? reason : "the server ended it");
    }
    int result = flush(wire, error);
    if (!result)
        result = wire->in_packets ? receive_packet(wire, &records, error)
                                  : receive_plain(wire, SIZE_MAX, &records, error);
    if (!result)
        BIO_write(SSL_get_rbio(wire->ssl), records.data, (int)records.length);
    return result;
}

static SSL *prepare(const char *server_name, const char *alpn)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = context ? SSL_new(context) : NULL;
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    AUTO_FREE char *name = mem_string(server_name); /* OpenSSL's own macro casts const away */
    AUTO_BUF struct buf protocols = {0};
    SSL_CTX_free(context); /* the connection has its own reference */
    if (!ssl || !in || !out) {
        SSL_free(ssl);
        BIO_free(in);
        BIO_free(out);
        return NULL;
    }
    SSL_set_bio(ssl, in, out);
    /* The chain is wanted even where it does not verify; an old server's too. */
    SSL_set_verify(ssl, SSL_VERIFY_NONE, NULL);
    SSL_set_min_proto_version(ssl, TLS1_VERSION);
    SSL_set_security_level(ssl, 0);
    SSL_set_options(ssl, SSL_OP_LEGACY_SERVER_CONNECT);
    if (name)
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name);
    if (alpn) {
        buf_append_byte(&protocols, (unsigned char)strlen(alpn));
        buf_append_text(&protocols, alpn);
        SSL_set_alpn_protos(ssl, protocols.data, (unsigned)protocols.length);
    }
    return ssl;
}

int wire_secure(struct wire *wire, const char *server_name, const char *alpn, struct error *error)
{
    wire->ssl = prepare(server_name, alpn);
    if (!wire->ssl)
        return error_set(error, ERROR_INTERNAL, "cannot prepare TLS");
    int result = 0, done;
    ERR_clear_error();
    while (!result && (done = SSL_connect(wire->ssl)) != 1) {
        result = carry(wire, done, error);
        ERR_clear_error();
    }
    if (!result)
        result = flush(wire, error);
    wire->in_packets = false;
    return result ? error_prefix(error, "the TLS handshake failed") : 0;
}

int wire_send(struct wire *wire, struct slice bytes, struct error *error)
{
    if (!wire->ssl)
        return send_plain(wire, bytes, error);
    int result = 0, done;
    ERR_clear_error();
    if (!bytes.length)
        return 0;
    while (!result && (done = SSL_write(wire->ssl, bytes.data, (int)bytes.length)) <= 0) {
        result = carry(wire, done, error);
        ERR_clear_error();
    }
    return result ? result : flush(wire, error);
}

int wire_receive(struct wire *wire, struct buf *received, struct error *error)
{
    if (!wire->ssl)
        return receive_plain(wire, SIZE_MAX, received, error);
    for (;;) {
        unsigned char chunk[4096];
        ERR_clear_error();
        int got = SSL_read(wire->ssl, chunk, sizeof chunk);
        if (got > 0) {
            buf_append(received, chunk, (size_t)got);
            return 0;
        }
        int result = carry(wire, got, error);
        if (result)
            return result;
    }
}

void wire_close(struct wire *wire)
{
    if (wire->ssl && SSL_is_init_finished(wire->ssl) && SSL_shutdown(wire->ssl) >= 0)
        flush(wire, NULL);
    SSL_free(wire->ssl);
    file_auto_close(&wire->fd);
    wire->ssl = NULL;
    wire->fd = -1;
}

int wire_ask(struct wire *wire, struct slice request, wire_reader *reader, void *what, struct error *error)
{
    AUTO_BUF struct buf received = {0};
    enum probe_answer answer = PROBE_ANSWER_MORE;
    int result = wire_send(wire, request, error);
    while (!result && answer == PROBE_ANSWER_MORE) {
        result = wire_receive(wire, &received, error);
        if (!result)
            answer = reader(slice_buf(&received), what, error);
    }
    if (result || answer == PROBE_ANSWER_TLS || answer == PROBE_ANSWER_READ)
        return result;
    if (answer == PROBE_ANSWER_NO_TLS)
        return error_set(error, ERROR_DENIED, "the server does not offer TLS");
    return error ? (int)error->code : ERROR_IO;
}
