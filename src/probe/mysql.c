/* MySQL and MariaDB: the server's greeting, the request for TLS, and a log-in that ends a probe in peace
 * (MySQL's "Client/Server Protocol", "Connection Phase"). */
#include "base/text.h"
#include "probe/internal.h"

#include <string.h>

enum {
    GREETING_LIMIT = 4096, /* real ones are about 80 bytes, errors 512 at most */
    VERSION_10 = 10,
    LOGIN_STEPS = 4,
    SECURE_TRANSPORT_REQUIRED = 3159,
};

enum { /* capabilities */
       LONG_PASSWORD = 1,
       PROTOCOL_41 = 0x200,
       SSL_WANTED = 0x800,
       SECURE_CONNECTION = 0x8000,
       PLUGIN_AUTH = 0x80000,
};

/* MySQL writes its numbers with the lowest byte first. */
static uint32_t read_number(struct reader *reader, int bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)reader_u8(reader) << 8 * i;
    return value;
}

static void write_number(struct buf *buf, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_append_byte(buf, (unsigned char)(value >> 8 * i));
}

/* One whole packet: 3 bytes of length, its number, its content. */
static enum probe_answer read_packet(struct slice received, struct slice *content, uint8_t *number,
                                     struct error *error)
{
    struct reader reader = reader_of(received);
    uint32_t length = read_number(&reader, 3);
    *number = reader_u8(&reader);
    if (reader.failed)
        return PROBE_ANSWER_MORE;
    if (length == 0 || length > GREETING_LIMIT) {
        error_set(error, ERROR_INVALID, "expected a packet of MySQL's protocol, found byte 0x%02x",
                  received.data[0]);
        return PROBE_ANSWER_ERROR;
    }
    *content = reader_bytes(&reader, length);
    return reader.failed ? PROBE_ANSWER_MORE : PROBE_ANSWER_READ;
}

/* The number and the text of an error; its SQL state is there only behind a '#'. */
static enum probe_answer refused(struct slice content, struct error *error)
{
    struct reader reader = reader_of(content);
    reader_u8(&reader);
    uint32_t number = read_number(&reader, 2);
    if (reader.rest.length > 6 && reader.rest.data[0] == '#')
        reader_bytes(&reader, 6);
    error_set(error, ERROR_BUSY, "the server refused the connection: error %u, %.*s", number,
              (int)reader.rest.length, reader.rest.length ? (const char *)reader.rest.data : "");
    return PROBE_ANSWER_ERROR;
}

/* The version up to its NUL. MariaDB 10 puts "5.5.5-" before its own, for the sake of old replicas. */
static bool read_version(struct reader *reader, char version[64])
{
    const unsigned char *end = memchr(reader->rest.data, 0, reader->rest.length);
    if (!end || end - reader->rest.data >= 64)
        return false;
    struct slice text = reader_bytes(reader, (size_t)(end - reader->rest.data) + 1);
    text_copy(version, 64,
              (const char *)text.data + (text_starts_with((const char *)text.data, "5.5.5-") ? 6 : 0));
    return true;
}

enum probe_answer probe_mysql_answer(struct slice received, char version[64], struct error *error)
{
    struct slice content = {0};
    uint8_t number;
    version[0] = 0;
    enum probe_answer answer = read_packet(received, &content, &number, error);
    if (answer != PROBE_ANSWER_READ)
        return answer;
    if (content.data[0] == MYSQL_REFUSED)
        return refused(content, error);
    struct reader reader = reader_of(content);
    bool known = reader_u8(&reader) == VERSION_10 && number == 0 && read_version(&reader, version);
    reader_bytes(&reader, 4 + 8 + 1); /* connection, a part of the challenge, a filler */
    uint32_t capabilities = read_number(&reader, 2);
    /* Bytes behind the greeting: the server waits for us now, so somebody else sent them. */
    if (!known || reader.failed || received.length != content.length + 4) {
        error_set(error, ERROR_INVALID, "expected a greeting of MySQL's protocol 10, found another");
        return PROBE_ANSWER_ERROR;
    }
    return capabilities & SSL_WANTED ? PROBE_ANSWER_TLS : PROBE_ANSWER_NO_TLS;
}

static enum probe_answer read_greeting(struct slice received, void *what, struct error *error)
{
    return probe_mysql_answer(received, what, error);
}

/* SSLRequest, and the beginning of a log-in too. */
static void write_capabilities(struct buf *packet, uint32_t more)
{
    static const unsigned char zeros[23] = {0};
    write_number(packet, LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | more, 4);
    write_number(packet, 1 << 24, 4); /* the longest packet */
    buf_append_byte(packet, 45);      /* utf8mb4 */
    buf_append(packet, zeros, sizeof zeros);
}

static void write_packet(struct buf *packet, uint8_t number, struct slice content)
{
    write_number(packet, (uint32_t)content.length, 3);
    buf_append_byte(packet, number);
    buf_append_slice(packet, content);
}

int mysql_ask(struct wire *wire, struct probe_result *result, struct error *error)
{
    AUTO_BUF struct buf content = {0}, packet = {0};
    int failed = wire_ask(wire, slice_of(NULL, 0), read_greeting, result->server_version, error);
    if (failed)
        return failed;
    write_capabilities(&content, SSL_WANTED);
    write_packet(&packet, 1, slice_buf(&content));
    return wire_send(wire, slice_buf(&packet), error);
}

enum probe_answer mysql_read_reply(struct slice received, struct mysql_reply *reply, struct error *error)
{
    struct slice content = {0};
    enum probe_answer answer = read_packet(received, &content, &reply->number, error);
    if (answer != PROBE_ANSWER_READ)
        return answer;
    struct reader reader = reader_of(content);
    reply->kind = reader_u8(&reader);
    reply->error = reply->kind == MYSQL_REFUSED ? read_number(&reader, 2) : 0;
    reply->plugin[0] = 0;
    if (reply->kind == MYSQL_SWITCH && slice_has_nul(reader.rest))
        text_copy(reply->plugin, sizeof reply->plugin, (const char *)reader.rest.data);
    return PROBE_ANSWER_READ;
}

static enum probe_answer read_reply(struct slice received, void *what, struct error *error)
{
    return mysql_read_reply(received, what, error);
}

/* Each plugin reads an empty password in its own way; what it cannot read it counts as a broken connection.
 */
static struct slice empty_password(const char *plugin)
{
    static const unsigned char zeros[64] = {0};
    static const struct {
        const char *plugin;
        size_t length;
    } lengths[] = {{"caching_sha2_password", 1},
                   {"sha256_password", 1},
                   {"mysql_clear_password", 1},
                   {"dialog", 1},
                   {"client_ed25519", 64}};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        if (text_equal(plugin, lengths[i].plugin))
            return slice_of(zeros, lengths[i].length);
    return slice_of(NULL, 0);
}

/* `number` is that of the log-in's first packet, `more` what it says beyond the usual capabilities. */
static int log_in(struct wire *wire, uint8_t number, uint32_t more, struct mysql_reply *reply,
                  struct error *error)
{
    static const unsigned char quit[] = {1, 0, 0, 0, 1};
    AUTO_BUF struct buf content = {0}, packet = {0};
    write_capabilities(&content, more);
    buf_append(&content, PROBE_USER, sizeof PROBE_USER);
    buf_append_byte(&content, 0); /* the length of a password's proof */
    buf_append_text(&content, "mysql_native_password");
    buf_append_byte(&content, 0);
    write_packet(&packet, number, slice_buf(&content));
    for (int step = 0; step < LOGIN_STEPS; step++) {
        int result = wire_ask(wire, slice_buf(&packet), read_reply, reply, error);
        if (!result && reply->kind == MYSQL_OK) /* nobody may log in */
            wire_send(wire, slice_of(quit, sizeof quit), NULL);
        if (result || reply->kind != MYSQL_SWITCH)
            return result;
        buf_clear(&packet);
        write_packet(&packet, (uint8_t)(reply->number + 1), empty_password(reply->plugin));
    }
    return error_set(error, ERROR_INVALID, "the log-in did not end");
}

void mysql_finish(struct wire *wire)
{
    struct mysql_reply reply = {0};
    struct error error;
    log_in(wire, 2, SSL_WANTED, &reply, &error);
}

/* MySQL and MariaDB themselves look at require_secure_transport only once a password was right (MariaDB then
 * says no more than "Access denied"), so their refusal tells nothing; services in front of them say it at
 * once. A server without TLS has no other way. */
enum probe_login mysql_login(struct wire *wire)
{
    struct mysql_reply reply = {0};
    struct error error;
    char version[64];
    int failed = wire_ask(wire, slice_of(NULL, 0), read_greeting, version, &error);
    if (failed == ERROR_DENIED)
        return log_in(wire, 1, 0, &reply, &error) ? PROBE_LOGIN_UNKNOWN : PROBE_LOGIN_GOES_ON;
    if (failed || log_in(wire, 1, 0, &reply, &error))
        return PROBE_LOGIN_UNKNOWN;
    return reply.kind == MYSQL_OK                     ? PROBE_LOGIN_GOES_ON
           : reply.error == SECURE_TRANSPORT_REQUIRED ? PROBE_LOGIN_NEEDS_TLS
                                                      : PROBE_LOGIN_UNKNOWN;
}
