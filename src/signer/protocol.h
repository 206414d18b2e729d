/* What the server and the signer say to each other, one packet a message of at most SIGNER_PACKET_LIMIT
 * bytes.
 *
 *   request  version(1) kind(1) id(4) body
 *   reply    version(1) kind|0x80(1) id(4) result(1) error-text(2+n) body      body only when the result is 0
 *   hello    version(1) 0xff(1)                                                 from a signer that has
 * started
 *
 * Numbers are big-endian; a text is its length in two octets and its bytes without NUL. */
#ifndef SIGNER_PROTOCOL_H
#define SIGNER_PROTOCOL_H

#include "base/buf.h"
#include "base/error.h"
#include "pki/certificate.h"
#include "signer/client.h"

enum {
    SIGNER_VERSION = 1,
    SIGNER_PACKET_LIMIT = 64 * 1024,
    SIGNER_BATCH_LIMIT = 16,
    SIGNER_NAMES_LIMIT = 40,
    SIGNER_HELLO = 0xff,
    SIGNER_REPLY = 0x80,
};

enum signer_kind {
    SIGNER_ENSURE_CA = 1,
    SIGNER_SIGN_SERVER,
    SIGNER_CONTROL_CA,
    SIGNER_SIGN_CONTROL,
    SIGNER_BRIDGE
};

struct signer_ensure {
    char region[32], partition[32], ca_identifier[32];
    bool subordinate, allow_ip_addresses;
    int number;
    struct text_list permitted_domains;
};

struct signer_leaf {
    char region[32], partition[32], ca_identifier[32];
    int number;
    int64_t not_before, not_after;
    struct text_list names;
    struct slice request; /* into the packet */
};

struct signer_control {
    enum control_kind kind;
    char common_name[256];
    int64_t not_after;
    struct text_list names;
    struct slice request;
};

struct signer_bridge_request {
    char region[32], partition[32], subject_ca[32], issuer_ca[32];
};

/* A decoded request. */
struct signer_request {
    uint32_t id;
    enum signer_kind kind;
    struct signer_ensure ensure;
    struct signer_leaf leaves[SIGNER_BATCH_LIMIT];
    size_t leaf_count;
    struct signer_control control;
    struct signer_bridge_request bridge;
};

void signer_encode_ensure(struct buf *packet, uint32_t id, const struct signer_ca *ca);
void signer_encode_sign(struct buf *packet, uint32_t id, const struct signer_server_request *requests,
                        size_t count);
void signer_encode_control_ca(struct buf *packet, uint32_t id);
void signer_encode_sign_control(struct buf *packet, uint32_t id, enum control_kind kind,
                                const char *common_name, const struct text_list *names, struct slice request,
                                int64_t not_after);
void signer_encode_bridge(struct buf *packet, uint32_t id, const struct signer_bridge *bridge);

/* ERROR_INVALID for anything that is not exactly one request. Free it either way. */
int signer_decode_request(struct slice packet, struct signer_request *request, struct error *error);
void signer_request_free(struct signer_request *request);

void signer_encode_hello(struct buf *packet);
bool signer_is_hello(struct slice packet);
/* The head of a reply; a body follows when `result` is 0. */
void signer_encode_reply(struct buf *packet, uint32_t id, enum signer_kind kind, int result,
                         const char *text);
/* One of the certificates in the body of a reply to SIGNER_SIGN_SERVER; or the only one of the other kinds
 * (result 0). */
void signer_encode_certificate(struct buf *packet, int result, const char *text, struct slice der);

/* Reads a reply's head; `reader` is left at the body. False when it is no reply to this request. */
bool signer_decode_reply(struct slice packet, uint32_t id, enum signer_kind kind, struct reader *reader,
                         struct error *error);
/* Reads one certificate of a body; false when the body is malformed. */
bool signer_decode_certificate(struct reader *reader, int *result, struct error *error, struct buf *der);

#endif
