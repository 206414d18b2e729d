/* PostgreSQL: what is asked before TLS, and the reader of its answer. */
#include "probe/internal.h"

#include <string.h>

/* The longest ErrorResponse that is waited for; libpq's own bound is 30000. */
enum { ANSWER_LIMIT = 4096 };

/* Fields of an ErrorResponse: a type byte and a text with its NUL each, a 0 byte at the end. 'M' is the
 * message, 'C' the SQL state, 'R' the function that said it. */
static struct slice find_field(struct slice fields, unsigned char type)
{
    while (fields.length > 1 && fields.data[0]) {
        const unsigned char *end = memchr(fields.data + 1, 0, fields.length - 1);
        if (!end)
            break;
        if (fields.data[0] == type)
            return slice_of(fields.data + 1, (size_t)(end - fields.data) - 1);
        size_t used = (size_t)(end - fields.data) + 1;
        fields = slice_of(fields.data + used, fields.length - used);
    }
    return slice_of(NULL, 0);
}

static enum probe_answer refused(struct slice message, struct error *error)
{
    error_set(error, ERROR_BUSY, "the server refused the connection: %.*s", (int)message.length,
              message.length ? (const char *)message.data : "");
    return PROBE_ANSWER_ERROR;
}

enum probe_answer probe_postgres_answer(struct slice received, struct error *error)
{
    struct reader reader = reader_of(received);
    uint8_t type = reader_u8(&reader);
    if (reader.failed)
        return PROBE_ANSWER_MORE;
    /* Bytes behind the 'S' were not encrypted: somebody in the middle put them there (CVE-2021-23222). */
    if (type == 'S' && received.length == 1)
        return PROBE_ANSWER_TLS;
    if (type == 'N')
        return PROBE_ANSWER_NO_TLS;
    if (type != 'E') {
        error_set(error, ERROR_INVALID, "expected a PostgreSQL server's answer S, N or E, found byte 0x%02x",
                  type);
        return PROBE_ANSWER_ERROR;
    }
    /* Before its version is known, a server may answer with an error of protocol 2: a text without a length.
     */
    uint32_t length = reader_u32(&reader);
    if (reader.failed)
        return received.length < 5 ? PROBE_ANSWER_MORE : refused(slice_of(NULL, 0), error);
    if (length < 5 || length > ANSWER_LIMIT) {
        struct slice text = slice_of(received.data + 1, received.length - 1);
        const unsigned char *end = memchr(text.data, 0, text.length);
        if (!end && received.length < ANSWER_LIMIT)
            return PROBE_ANSWER_MORE;
        return refused(slice_of(text.data, end ? (size_t)(end - text.data) : 200), error);
    }
    struct slice fields = reader_bytes(&reader, length - 4);
    if (reader.failed)
        return PROBE_ANSWER_MORE;
    return refused(find_field(fields, 'M'), error);
}

static enum probe_answer read_answer(struct slice received, void *what, struct error *error)
{
    (void)what;
    return probe_postgres_answer(received, error);
}

/* SSLRequest: length 8 and the code 80877103. */
int postgres_ask(struct wire *wire, struct probe_result *result, struct error *error)
{
    static const unsigned char request[] = {0, 0, 0, 8, 4, 210, 22, 47};
    (void)result;
    return wire_ask(wire, slice_of(request, sizeof request), read_answer, NULL, error);
}

/* An error after the server's rules (pg_hba.conf) were passed says that they let the connection in. Messages
 * are in the server's language, so the function that says it tells more. PgBouncer names no function, and
 * looks at TLS before all else. */
static enum probe_login login_of_error(struct slice fields)
{
    struct slice state = find_field(fields, 'C'), said_by = find_field(fields, 'R');
    struct slice message = find_field(fields, 'M');
    if (slice_is(state, "28000") && slice_is(said_by, "ClientAuthentication"))
        return PROBE_LOGIN_NO_RULE;
    if (slice_is(message, "SSL required"))
        return PROBE_LOGIN_NEEDS_TLS;
    bool let_in = slice_is(state, "28000") || slice_is(state, "28P01") || slice_is(state, "3D000");
    bool pooler = !said_by.length && message.length > 8 && memcmp(message.data, "no such ", 8) == 0;
    return let_in || pooler ? PROBE_LOGIN_GOES_ON : PROBE_LOGIN_UNKNOWN;
}

enum probe_answer probe_postgres_login(struct slice received, enum probe_login *login, struct error *error)
{
    struct reader reader = reader_of(received);
    uint8_t type = reader_u8(&reader);
    uint32_t length = reader_u32(&reader);
    if (reader.failed)
        return PROBE_ANSWER_MORE;
    if ((type != 'R' && type != 'E') || length < 5 || length > ANSWER_LIMIT) {
        error_set(error, ERROR_INVALID,
                  "expected a PostgreSQL server's answer to a log-in, found byte 0x%02x", type);
        return PROBE_ANSWER_ERROR;
    }
    struct slice content = reader_bytes(&reader, length - 4);
    if (reader.failed)
        return PROBE_ANSWER_MORE;
    *login = type == 'R' ? PROBE_LOGIN_GOES_ON : login_of_error(content);
    return PROBE_ANSWER_READ;
}

static enum probe_answer read_login(struct slice received, void *what, struct error *error)
{
    return probe_postgres_login(received, what, error);
}

enum probe_login postgres_login(struct wire *wire)
{
    /* Protocol 3.0; the texts end with an empty one. */
    static const char parameters[] = "\0\3\0\0user\0" PROBE_USER "\0database\0postgres\0";
    AUTO_BUF struct buf request = {0};
    enum probe_login login = PROBE_LOGIN_UNKNOWN;
    struct error error;
    buf_append_u32(&request, 4 + sizeof parameters);
    buf_append(&request, parameters, sizeof parameters);
    return wire_ask(wire, slice_buf(&request), read_login, &login, &error) ? PROBE_LOGIN_UNKNOWN : login;
}
