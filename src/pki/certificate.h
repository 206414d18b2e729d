/* Making, checking and reading certificates. DER goes in and out as bytes; every function may be called from
 * any thread. */
#ifndef PKI_CERTIFICATE_H
#define PKI_CERTIFICATE_H

#include "base/buf.h"
#include "base/error.h"
#include "pki/profile.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

/* A new private key. RSA exponent 65537; EC with the named curve. The caller frees it with EVP_PKEY_free. */
int key_generate(enum key_kind kind, EVP_PKEY **key, struct error *error);
bool key_is_kind(const EVP_PKEY *key, enum key_kind kind);

struct text_list { /* owned strings */
    char **items;
    size_t count;
};
void text_list_add(struct text_list *list, const char *text);
bool text_list_has(const struct text_list *list, const char *text);         /* ASCII case ignored */
bool text_list_equal(const struct text_list *a, const struct text_list *b); /* same items in the same order */
void text_list_copy(struct text_list *target, const struct text_list *source);
void text_list_free(struct text_list *list);

/* What a CA certificate is to be. */
struct ca_spec {
    const struct ca_profile *profile;
    const char *scope; /* region name; for a root of rds-ca-2019 the partition */
    const char *partition;
    bool subordinate;
    int number;         /* of the subordinate: the N of "G1.A.N", from 1 */
    int64_t not_before; /* ms since 1970; seconds are kept */
    int64_t not_after; /* of rds-ca-2019's root; ignored elsewhere: the profile says (root 40 or 100 years + 1
                          h, subordinate 10 years + 1 h), cut to the issuer's end */
    const struct organisation *organisation;
    const struct text_list *permitted_domains; /* subordinates: name constraints (RFC 5280 4.2.1.10); a domain
                                                  stands for itself and all below it */
    bool allow_ip_addresses;                   /* false: all IPv4 and IPv6 addresses are excluded */
};

/* Issues a CA certificate: a root signed by its own `key`, or a subordinate under `issuer` with `issuer_key`.
 * The result was linted: parsed again, compared with the spec field by field, chain checked with
 * X509_V_FLAG_X509_STRICT. */
int ca_certificate_issue(const struct ca_spec *spec, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                         X509 **certificate, struct error *error);

/* What a bridge is to be: `subject_root`'s name and key certified by another root (a cross-certificate, RFC
 * 5280 3.2). No name constraints and no path length: the subordinates below have theirs. It ends with the
 * earlier of both roots. */
struct bridge_spec {
    X509 *subject_root;
    X509 *issuer_root;
    const struct ca_profile *issuer_profile;
    const char *partition;
    int64_t not_before; /* ms since 1970; seconds are kept */
};
/* Issues a bridge; linted as above. ERROR_STATE when a root ends before `not_before`. */
int bridge_certificate_issue(const struct bridge_spec *spec, EVP_PKEY *issuer_key, X509 **certificate,
                             struct error *error);

/* What a server certificate is to be. */
struct server_spec {
    const struct ca_profile *profile;
    const char *partition;
    const struct text_list
        *names; /* the first one is the common name; all are subject alternative names (DNS, or IP address) */
    int64_t not_before; /* ms since 1970, already backdated by the caller */
    int64_t not_after;  /* cut to the end of the chain: a leaf never outlives it */
    const struct organisation *organisation;
};

/* Issues a server certificate for `public_key`; `root` is for the lint's chain check. Same lint as above. */
int server_certificate_issue(const struct server_spec *spec, EVP_PKEY *public_key, X509 *subordinate,
                             EVP_PKEY *subordinate_key, X509 *root, X509 **certificate, struct error *error);

/* The control plane's own certificates (HTTPS endpoint, agents): P-384, SHA-384, from a CA of their own. */
enum control_kind { CONTROL_ROOT, CONTROL_SERVER, CONTROL_AGENT };
struct control_spec {
    enum control_kind kind;
    const char
        *common_name; /* root: "Sealwright Control CA"; server: its first name; agent: its host identifier */
    const struct text_list *names; /* server: DNS names and IP addresses */
    int64_t not_before, not_after;
    const struct organisation *organisation;
};
/* The root is self-signed with `key`, others are issued under `issuer`. */
int control_certificate_issue(const struct control_spec *spec, EVP_PKEY *key, X509 *issuer,
                              EVP_PKEY *issuer_key, X509 **certificate, struct error *error);

/* A certificate request (PKCS #10) with subject CN = names[0] and all names as SAN, signed by `key`; DER is
 * appended. */
int request_make(EVP_PKEY *key, const struct text_list *names, struct buf *der, struct error *error);
/* Reads and verifies a request (proof of possession). `key` and `names` (DNS names and IP addresses of its
 * SAN, in order) are new and the caller's. ERROR_INVALID for anything else than a well-formed request of at
 * most 16 KiB. */
int request_read(struct slice der, EVP_PKEY **key, struct text_list *names, struct error *error);

/* Reading. */
struct certificate_facts {
    char subject[512]; /* RFC 2253, as `openssl x509 -subject -nameopt RFC2253` */
    char issuer[512];
    char serial[48]; /* lowercase hexadecimal */
    char sha1[41];   /* of the DER, lowercase hexadecimal: the API's Thumbprint */
    char sha256[65];
    int64_t not_before, not_after; /* ms since 1970 */
};
int certificate_parse(struct slice der, X509 **certificate, struct error *error);
void certificate_der(const X509 *certificate, struct buf *der); /* appended */
void certificate_pem(const X509 *certificate,
                     struct buf *pem); /* appended, as AWS's bundles: LF, 64 columns, no comments */
/* The same for a certificate in DER, which is not parsed for it: that costs ten times as much. */
void certificate_pem_of_der(struct slice der, struct buf *pem);
int certificate_facts(const X509 *certificate, struct certificate_facts *facts, struct error *error);
/* "RSA 2048", "EC P-384", "ED25519"; "" where the key cannot be read. */
void certificate_key_text(const X509 *certificate, char text[64]);
const char *certificate_signature_text(const X509 *certificate); /* "sha384WithRSAEncryption" */
/* The CA identifier that an authority's name stands for, AWS's or one of ours ("Amazon RDS us-east-1
 * Subordinate CA RSA2048 G1.A.5"), and its region ("" for a root of a partition). NULL for other names. Names
 * prove nothing: verify the chain. */
const struct ca_profile *ca_profile_of_name(const X509_NAME *name, char region[32]);
/* PEM text with one or more certificates -> DERs appended to a list the caller frees with
 * certificate_list_free. */
struct certificate_list {
    X509 **items;
    size_t count;
};
int certificate_list_parse_pem(struct slice pem, struct certificate_list *list, struct error *error);
void certificate_list_add(struct certificate_list *list, X509 *certificate); /* takes its own reference */
void certificate_list_free(struct certificate_list *list);

int key_to_pem(const EVP_PKEY *key, struct buf *pem,
               struct error *error); /* PKCS #8, not encrypted; wipe the buffer */
int key_from_pem(struct slice pem, EVP_PKEY **key, struct error *error);

/* True when `leaf` verifies up to `root` by way of `intermediates` at time `when` with
 * X509_V_FLAG_X509_STRICT, and is good for `host` when that is not NULL. */
int chain_verify(X509 *leaf, const struct certificate_list *intermediates,
                 const struct certificate_list *roots, const char *host, int64_t when, struct error *error);

#endif
