/* SQL Server: the PRELOGIN messages before TLS, and the packets that carry its handshake (MS-TDS 2.2.3.1,
 * 2.2.6.5). */
#include "base/text.h"
#include "probe/internal.h"

#include <stdio.h>

enum {
    HEADER = 8,
    PACKET_LIMIT = 32 * 1024,
    PACKET_SIZE = 4096, /* what is agreed on before there is another agreement */
    TYPE_REPLY = 0x04,
    TYPE_PRELOGIN = 0x12,
    STATUS_LAST = 0x01,
};

enum { OPTION_VERSION = 0, OPTION_ENCRYPTION = 1, OPTION_END = 0xff };
enum { ENCRYPT_OFF = 0, ENCRYPT_ON = 1, ENCRYPT_NOT_SUP = 2, ENCRYPT_REQ = 3 };

static void write_header(struct buf *packet, uint8_t status, size_t content)
{
    buf_append_byte(packet, TYPE_PRELOGIN);
    buf_append_byte(packet, status);
    buf_append_u16(packet, (uint16_t)(HEADER + content));
    buf_append_u32(packet, 0); /* process, packet number, window: all may be 0 */
}

void tds_wrap(struct slice bytes, struct buf *packets)
{
    while (bytes.length) {
        size_t part = bytes.length < PACKET_SIZE - HEADER ? bytes.length : PACKET_SIZE - HEADER;
        write_header(packets, part == bytes.length ? STATUS_LAST : 0, part);
        buf_append(packets, bytes.data, part);
        bytes = slice_of(bytes.data + part, bytes.length - part);
    }
}

size_t tds_missing(struct slice received, struct slice *payload)
{
    struct reader reader = reader_of(received);
    uint8_t type = reader_u8(&reader);
    reader_u8(&reader);
    size_t length = reader_u16(&reader);
    reader_u32(&reader);
    *payload = slice_of(NULL, 0);
    if (reader.failed)
        return HEADER - received.length;
    if ((type != TYPE_PRELOGIN && type != TYPE_REPLY) || length <= HEADER || length > PACKET_LIMIT)
        return 0;
    if (received.length < length)
        return length - received.length;
    *payload = slice_of(received.data + HEADER, length - HEADER);
    return 0;
}

/* An option's value: its place and length stand in the table at the message's beginning, which OPTION_END
 * closes. */
static struct slice find_option(struct slice message, uint8_t wanted)
{
    struct reader reader = reader_of(message);
    for (uint8_t token; !reader.failed && (token = reader_u8(&reader)) != OPTION_END;) {
        size_t offset = reader_u16(&reader), length = reader_u16(&reader);
        if (!reader.failed && token == wanted && offset <= message.length &&
            length <= message.length - offset)
            return slice_of(message.data + offset, length);
    }
    return slice_of(NULL, 0);
}

struct told {
    uint8_t encryption;
    char version[64];
};

static enum probe_answer read_reply(struct slice received, void *what, struct error *error)
{
    struct told *told = what;
    struct slice message = {0};
    if (received.length && received.data[0] != TYPE_REPLY) {
        error_set(error, ERROR_INVALID, "expected a SQL Server's reply to PRELOGIN, found byte 0x%02x",
                  received.data[0]);
        return PROBE_ANSWER_ERROR;
    }
    if (tds_missing(received, &message))
        return PROBE_ANSWER_MORE;
    struct slice number = find_option(message, OPTION_VERSION);
    struct slice encryption = find_option(message, OPTION_ENCRYPTION);
    /* Bytes behind the reply: the server waits for us now, so somebody else sent them. */
    if (encryption.length != 1 || encryption.data[0] > ENCRYPT_REQ ||
        received.length != HEADER + message.length) {
        error_set(error, ERROR_INVALID, "expected a SQL Server's reply to PRELOGIN, found another");
        return PROBE_ANSWER_ERROR;
    }
    told->encryption = encryption.data[0];
    if (number.length >= 4)
        snprintf(told->version, sizeof told->version, "%d.%d.%d", number.data[0], number.data[1],
                 number.data[2] << 8 | number.data[3]);
    return PROBE_ANSWER_READ;
}

enum probe_answer probe_tds_answer(struct slice received, char version[64], struct error *error)
{
    struct told told = {0};
    enum probe_answer answer = read_reply(received, &told, error);
    text_copy(version, 64, told.version);
    if (answer != PROBE_ANSWER_READ)
        return answer;
    return told.encryption == ENCRYPT_NOT_SUP ? PROBE_ANSWER_NO_TLS : PROBE_ANSWER_TLS;
}

static enum probe_answer read_answer(struct slice received, void *what, struct error *error)
{
    return probe_tds_answer(received, what, error);
}

static int ask(struct wire *wire, uint8_t encryption, wire_reader *reader, void *what, struct error *error)
{
    static const unsigned char message[] = {
        OPTION_VERSION,
        0,
        11,
        0,
        6, /* each option's place and length */
        OPTION_ENCRYPTION,
        0,
        17,
        0,
        1,          /* */
        OPTION_END, /* */
        16,
        0,
        0,
        0,
        0,
        0, /* a client of 2022 */
    };
    AUTO_BUF struct buf packet = {0};
    write_header(&packet, STATUS_LAST, sizeof message + 1);
    buf_append(&packet, message, sizeof message);
    buf_append_byte(&packet, encryption);
    return wire_ask(wire, slice_buf(&packet), reader, what, error);
}

int tds_ask(struct wire *wire, struct probe_result *result, struct error *error)
{
    int failed = ask(wire, ENCRYPT_ON, read_answer, result->server_version, error);
    wire->in_packets = !failed;
    return failed;
}

/* A client that cannot encrypt is told so where the server insists (MS-TDS 2.2.6.5); one that takes TLS first
 * alone (TDS 8.0) hangs up. */
enum probe_login tds_login(struct wire *wire)
{
    struct told told = {0};
    struct error error = {0};
    int failed = ask(wire, ENCRYPT_NOT_SUP, read_reply, &told, &error);
    if (failed)
        return failed == ERROR_IO ? PROBE_LOGIN_NEEDS_TLS : PROBE_LOGIN_UNKNOWN;
    return told.encryption == ENCRYPT_ON || told.encryption == ENCRYPT_REQ ? PROBE_LOGIN_NEEDS_TLS
                                                                           : PROBE_LOGIN_GOES_ON;
}
