/* AWS Signature Version 4: who signed this request, and is it this very request.
 *
 * The order of the checks, and what each says, is that of AWS's Query services. The caller's part stands
 * between the two calls:
 *
 *   sigv4_parse     the request names a key, in the right form, now, for this service and a region that
 * exists (the caller)    looks the access key up: sigv4_refuse_key() when it is unknown or when there is a
 * session token sigv4_verify    the request was signed with that key's secret
 *
 * Failures carry RDS's code in error->name; aws_error_status() gives the HTTP status. */
#ifndef AWS_SIGV4_H
#define AWS_SIGV4_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGV4_WINDOW_SECONDS          INT64_C(900) /* how far a request's date may be from now, either way */
#define SIGV4_EXPIRES_MOST            INT64_C(604800) /* X-Amz-Expires, in seconds: 7 days */
#define SIGV4_SIGNED_HEADERS_LIMIT    64              /* names in SignedHeaders */
#define SIGV4_HEADER_PARAMETERS_LIMIT 16              /* parts of an Authorization header */

struct sigv4_header {
    const char *name;
    const char *value;
};

/* The request as it was received. Nothing is owned. */
struct sigv4_request {
    const char *method;
    const char *path;                   /* as sent, still percent-encoded */
    const char *query;                  /* as sent, without '?'; "" when absent */
    const struct sigv4_header *headers; /* all, in the order received; repeated ones too */
    size_t header_count;
    struct slice body; /* the bytes that were received */
};

/* What a service expects of those who sign. */
struct sigv4_rules {
    const char *service; /* "rds" */
    /* Says whether a region of this name exists here; NULL: any. */
    bool (*region_known)(const char *region, void *context);
    void *context;
    /* Sign the path as sent, instead of with `.`, `..` and repeated slashes resolved (which RDS does). */
    bool path_as_sent;
};

/* What the request says of its signature. Freed by sigv4_credential_free. */
struct sigv4_credential {
    const char *access_key; /* these five point into `scope` */
    const char *date;       /* 20260102 */
    const char *region;
    const char *service;
    const char *terminator;
    char *scope;
    char *signed_headers; /* "content-type;host;x-amz-date" */
    char *signature;      /* as sent; not yet known to be right */
    char *session_token;  /* NULL when the request has none */
    char time[17];        /* 20260102T030405Z */
    bool presigned;       /* signed in the query string */
};

/* Reads the Authorization header or the presigned query string, and checks all that needs no secret: `now` is
 * in milliseconds, as from clock_now(). On failure there is nothing to free. */
int sigv4_parse(const struct sigv4_request *request, const struct sigv4_rules *rules, int64_t now,
                struct sigv4_credential *credential, struct error *error);
void sigv4_credential_free(struct sigv4_credential *credential);
#define AUTO_CREDENTIAL __attribute__((cleanup(sigv4_credential_free)))

/* The answer to an access key that is unknown (or switched off), and to every session token where none is
 * ever issued: InvalidClientTokenId, 403. Returns the error's code. */
int sigv4_refuse_key(struct error *error);

/* Signing keys that were derived before: one HMAC a request instead of five. Kept by the caller, one a
 * process; not for several threads at once. An entry is only found under the same secret, so a changed secret
 * needs no clearing. */
struct sigv4_cache;
struct sigv4_cache *sigv4_cache_new(void);
void sigv4_cache_free(struct sigv4_cache *cache); /* wipes; NULL is fine */

/* True to its name: 0 when the signature is that of this request under `secret`, else SignatureDoesNotMatch
 * (403). A header x-amz-content-sha256 must be the hash of the body received, so UNSIGNED-PAYLOAD is refused
 * too. `cache` may be NULL. The time that the comparison takes does not depend on where the signatures
 * differ. */
int sigv4_verify(const struct sigv4_request *request, const struct sigv4_rules *rules,
                 const struct sigv4_credential *credential, const char *secret, struct sigv4_cache *cache,
                 struct error *error);

/* The steps of the signature, for tests and for what AWS calls the canonical request. Both append. */
void sigv4_canonical_request(const struct sigv4_request *request, const struct sigv4_rules *rules,
                             const struct sigv4_credential *credential, const char body_hash[65],
                             struct buf *canonical);
void sigv4_string_to_sign(const struct sigv4_credential *credential, struct slice canonical,
                          struct buf *text);

#endif
