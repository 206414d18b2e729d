#include "signer/protocol.h"

#include "base/memory.h"

#include <string.h>

static void put_text(struct buf *packet, const char *text)
{
    size_t length = strlen(text) < 0xffff ? strlen(text) : 0xffff;
    buf_append_u16(packet, (uint16_t)length);
    buf_append(packet, text, length);
}

static void put_bytes(struct buf *packet, struct slice bytes)
{
    buf_append_u16(packet, (uint16_t)bytes.length);
    buf_append(packet, bytes.data, bytes.length <= 0xffff ? bytes.length : 0);
}

static void put_texts(struct buf *packet, const struct text_list *list)
{
    buf_append_byte(
        packet, (unsigned char)(list->count <= SIGNER_NAMES_LIMIT ? list->count : SIGNER_NAMES_LIMIT + 1));
    for (size_t i = 0; i < list->count && i <= SIGNER_NAMES_LIMIT; i++)
        put_text(packet, list->items[i]);
}

static struct slice get_bytes(struct reader *reader)
{
    return reader_bytes(reader, reader_u16(reader));
}

static void get_text(struct reader *reader, char *target, size_t size)
{
    struct slice text = get_bytes(reader);
    if (text.length >= size || slice_has_nul(text))
        reader->failed = true;
    size_t length = reader->failed ? 0 : text.length;
    if (length)
        memcpy(target, text.data, length);
    target[length] = 0;
}

static void get_texts(struct reader *reader, struct text_list *list)
{
    size_t count = reader_u8(reader);
    if (count > SIGNER_NAMES_LIMIT)
        reader->failed = true;
    for (size_t i = 0; i < count && !reader->failed; i++) {
        char text[256];
        get_text(reader, text, sizeof text);
        text_list_add(list, text);
    }
}

static void begin(struct buf *packet, uint32_t id, enum signer_kind kind)
{
    buf_append_byte(packet, SIGNER_VERSION);
    buf_append_byte(packet, (unsigned char)kind);
    buf_append_u32(packet, id);
}

void signer_encode_ensure(struct buf *packet, uint32_t id, const struct signer_ca *ca)
{
    static const struct text_list none = {0};
    begin(packet, id, SIGNER_ENSURE_CA);
    put_text(packet, ca->region);
    put_text(packet, ca->partition);
    put_text(packet, ca->ca_identifier);
    buf_append_byte(packet, ca->subordinate);
    buf_append_byte(packet, ca->allow_ip_addresses);
    buf_append_u32(packet, (uint32_t)ca->number);
    put_texts(packet, ca->permitted_domains ? ca->permitted_domains : &none);
}

static void get_ensure(struct reader *reader, struct signer_ensure *ensure)
{
    get_text(reader, ensure->region, sizeof ensure->region);
    get_text(reader, ensure->partition, sizeof ensure->partition);
    get_text(reader, ensure->ca_identifier, sizeof ensure->ca_identifier);
    ensure->subordinate = reader_u8(reader) != 0;
    ensure->allow_ip_addresses = reader_u8(reader) != 0;
    ensure->number = (int)(reader_u32(reader) & 0xffffff);
    get_texts(reader, &ensure->permitted_domains);
}

void signer_encode_sign(struct buf *packet, uint32_t id, const struct signer_server_request *requests,
                        size_t count)
{
    begin(packet, id, SIGNER_SIGN_SERVER);
    buf_append_byte(packet, (unsigned char)count);
    for (size_t i = 0; i < count; i++) {
        put_text(packet, requests[i].region);
        put_text(packet, requests[i].partition);
        put_text(packet, requests[i].ca_identifier);
        buf_append_u32(packet, (uint32_t)requests[i].number);
        buf_append_u64(packet, (uint64_t)requests[i].not_before);
        buf_append_u64(packet, (uint64_t)requests[i].not_after);
        put_texts(packet, requests[i].names);
        put_bytes(packet, requests[i].request);
    }
}

static void get_leaf(struct reader *reader, struct signer_leaf *leaf)
{
    get_text(reader, leaf->region, sizeof leaf->region);
    get_text(reader, leaf->partition, sizeof leaf->partition);
    get_text(reader, leaf->ca_identifier, sizeof leaf->ca_identifier);
    leaf->number = (int)(reader_u32(reader) & 0xffffff);
    leaf->not_before = (int64_t)reader_u64(reader);
    leaf->not_after = (int64_t)reader_u64(reader);
    get_texts(reader, &leaf->names);
    leaf->request = get_bytes(reader);
}

static void get_leaves(struct reader *reader, struct signer_request *request)
{
    size_t count = reader_u8(reader);
    if (count < 1 || count > SIGNER_BATCH_LIMIT)
        reader->failed = true;
    for (; request->leaf_count < count && !reader->failed; request->leaf_count++)
        get_leaf(reader, &request->leaves[request->leaf_count]);
}

void signer_encode_control_ca(struct buf *packet, uint32_t id)
{
    begin(packet, id, SIGNER_CONTROL_CA);
}

void signer_encode_sign_control(struct buf *packet, uint32_t id, enum control_kind kind,
                                const char *common_name, const struct text_list *names, struct slice request,
                                int64_t not_after)
{
    begin(packet, id, SIGNER_SIGN_CONTROL);
    buf_append_byte(packet, (unsigned char)kind);
    put_text(packet, common_name);
    buf_append_u64(packet, (uint64_t)not_after);
    put_texts(packet, names);
    put_bytes(packet, request);
}

static void get_control(struct reader *reader, struct signer_control *control)
{
    uint8_t kind = reader_u8(reader);
    if (kind != CONTROL_SERVER && kind != CONTROL_AGENT)
        reader->failed = true;
    control->kind = kind == CONTROL_AGENT ? CONTROL_AGENT : CONTROL_SERVER;
    get_text(reader, control->common_name, sizeof control->common_name);
    control->not_after = (int64_t)reader_u64(reader);
    get_texts(reader, &control->names);
    control->request = get_bytes(reader);
}

void signer_encode_bridge(struct buf *packet, uint32_t id, const struct signer_bridge *bridge)
{
    begin(packet, id, SIGNER_BRIDGE);
    put_text(packet, bridge->region);
    put_text(packet, bridge->partition);
    put_text(packet, bridge->subject_ca);
    put_text(packet, bridge->issuer_ca);
}

static void get_bridge(struct reader *reader, struct signer_bridge_request *bridge)
{
    get_text(reader, bridge->region, sizeof bridge->region);
    get_text(reader, bridge->partition, sizeof bridge->partition);
    get_text(reader, bridge->subject_ca, sizeof bridge->subject_ca);
    get_text(reader, bridge->issuer_ca, sizeof bridge->issuer_ca);
}

int signer_decode_request(struct slice packet, struct signer_request *request, struct error *error)
{
    *request = (struct signer_request){0};
    struct reader reader = reader_of(packet);
    uint8_t version = reader_u8(&reader);
    uint8_t kind = reader_u8(&reader);
    request->id = reader_u32(&reader);
    request->kind = (enum signer_kind)kind;
    if (version != SIGNER_VERSION || packet.length > SIGNER_PACKET_LIMIT)
        return error_set(error, ERROR_INVALID, "a packet of version %u, expected %d", version,
                         SIGNER_VERSION);
    switch (kind) {
    case SIGNER_ENSURE_CA:
        get_ensure(&reader, &request->ensure);
        break;
    case SIGNER_SIGN_SERVER:
        get_leaves(&reader, request);
        break;
    case SIGNER_CONTROL_CA:
        break;
    case SIGNER_SIGN_CONTROL:
        get_control(&reader, &request->control);
        break;
    case SIGNER_BRIDGE:
        get_bridge(&reader, &request->bridge);
        break;
    default:
        reader.failed = true;
    }
    return reader_done(&reader) ? 0 : error_set(error, ERROR_INVALID, "a malformed request of kind %u", kind);
}

void signer_request_free(struct signer_request *request)
{
    text_list_free(&request->ensure.permitted_domains);
    text_list_free(&request->control.names);
    for (size_t i = 0; i < SIGNER_BATCH_LIMIT; i++)
        text_list_free(&request->leaves[i].names);
}

void signer_encode_hello(struct buf *packet)
{
    buf_append_byte(packet, SIGNER_VERSION);
    buf_append_byte(packet, SIGNER_HELLO);
}

bool signer_is_hello(struct slice packet)
{
    return packet.length == 2 && packet.data[0] == SIGNER_VERSION && packet.data[1] == SIGNER_HELLO;
}

void signer_encode_reply(struct buf *packet, uint32_t id, enum signer_kind kind, int result, const char *text)
{
    buf_append_byte(packet, SIGNER_VERSION);
    buf_append_byte(packet, (unsigned char)(SIGNER_REPLY | (int)kind));
    buf_append_u32(packet, id);
    buf_append_byte(packet, (unsigned char)result);
    put_text(packet, result ? text : "");
}

void signer_encode_certificate(struct buf *packet, int result, const char *text, struct slice der)
{
    buf_append_byte(packet, (unsigned char)result);
    put_text(packet, result ? text : "");
    put_bytes(packet, slice_of(der.data, result ? 0 : der.length));
}

/* A result and its text as an error. */
static int get_result(struct reader *reader, struct error *error)
{
    char text[sizeof error->text];
    uint8_t result = reader_u8(reader);
    get_text(reader, text, sizeof text);
    if (result > ERROR_INTERNAL)
        reader->failed = true;
    if (reader->failed || result == 0)
        return 0;
    return error_set(error, (enum error_code)result, "%s", text);
}

bool signer_decode_reply(struct slice packet, uint32_t id, enum signer_kind kind, struct reader *reader,
                         struct error *error)
{
    *reader = reader_of(packet);
    error->code = ERROR_NONE;
    bool good = reader_u8(reader) == SIGNER_VERSION && reader_u8(reader) == (SIGNER_REPLY | (int)kind) &&
                reader_u32(reader) == id;
    if (!good)
        return false;
    get_result(reader, error);
    return !reader->failed;
}

bool signer_decode_certificate(struct reader *reader, int *result, struct error *error, struct buf *der)
{
    *result = get_result(reader, error);
    buf_append_slice(der, get_bytes(reader));
    return !reader->failed;
}
