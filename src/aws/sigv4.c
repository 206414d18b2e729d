/* The signature itself: the canonical request, the string to sign, the derived key. */
#include "aws/sigv4.h"

#include "aws/query.h"
#include "base/memory.h"
#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HASH_SIZE      32
#define CACHE_SLOTS    64
#define CONTENT_SHA256 "x-amz-content-sha256"

struct cache_slot {
    unsigned char identity[HASH_SIZE]; /* SHA-256 of secret and scope; all zero while empty */
    unsigned char key[HASH_SIZE];
};

struct sigv4_cache {
    struct cache_slot slots[CACHE_SLOTS];
};

struct sigv4_cache *sigv4_cache_new(void)
{
    return mem_new(sizeof(struct sigv4_cache));
}

void sigv4_cache_free(struct sigv4_cache *cache)
{
    if (cache)
        mem_wipe(cache, sizeof *cache);
    free(cache);
}

/* RFC 3986, 2.3: everything but the unreserved characters; `keep` names one more that stays. */
static void append_encoded(struct buf *buf, struct slice text, unsigned char keep)
{
    static const char digits[] = "0123456789ABCDEF";
    buf_reserve(buf, text.length);
    for (size_t i = 0; i < text.length; i++) {
        unsigned char character = text.data[i];
        bool plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                     (character >= '0' && character <= '9') || (character && strchr("-._~", character)) ||
                     character == keep;
        if (plain) {
            buf_append_byte(buf, character);
            continue;
        }
        unsigned char escape[3] = {'%', (unsigned char)digits[character >> 4],
                                   (unsigned char)digits[character & 15]};
        buf_append(buf, escape, sizeof escape);
    }
}

/* RFC 3986, 5.2.4 on whole segments, and repeated slashes as one; what began with a slash still does. */
static void resolve_path(const char *path, struct buf *resolved)
{
    const char *rest = path;
    bool folder = true;
    while (*rest) {
        size_t length = strcspn(rest, "/");
        struct slice segment = slice_of(rest, length);
        folder = length == 0 || slice_is(segment, ".") || slice_is(segment, "..");
        if (slice_is(segment, ".."))
            while (resolved->length && resolved->data[--resolved->length] != '/')
                ;
        if (!folder) {
            buf_append_byte(resolved, '/');
            buf_append_slice(resolved, segment);
        }
        rest += length;
        folder = folder || *rest == '/';
        rest += *rest == '/';
    }
    if (folder || resolved->length == 0)
        buf_append_byte(resolved, '/');
}

/* The path is encoded as it was sent, so what the client encoded once is encoded twice (AWS: all services but
 * S3). */
static void append_path(const struct sigv4_request *request, const struct sigv4_rules *rules,
                        struct buf *canonical)
{
    if (rules->path_as_sent) {
        append_encoded(canonical, slice_text(*request->path ? request->path : "/"), '/');
        return;
    }
    AUTO_BUF struct buf resolved = {0};
    resolve_path(request->path, &resolved);
    append_encoded(canonical, slice_buf(&resolved), '/');
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Decoding and encoding again gives each character its one form. sigv4_parse has refused a text that cannot
 * be decoded. */
static void append_recoded(struct buf *buf, struct slice text)
{
    AUTO_BUF struct buf decoded = {0};
    query_decode(text, &decoded);
    append_encoded(buf, slice_buf(&decoded), 0);
}

/* Each pair once encoded, name and value parted by a byte below all others, so that sorting the texts sorts
 * by name, then value. */
static size_t encode_pairs(const char *query, bool presigned, char **pairs)
{
    size_t count = 0;
    for (const char *rest = query; *rest;) {
        size_t length = strcspn(rest, "&");
        const char *equal = memchr(rest, '=', length);
        size_t name = equal ? (size_t)(equal - rest) : length;
        struct slice value = equal ? slice_of(equal + 1, length - name - 1) : slice_of("", 0);
        AUTO_BUF struct buf pair = {0};
        append_recoded(&pair, slice_of(rest, name));
        bool is_signature = presigned && slice_is(slice_buf(&pair), "X-Amz-Signature");
        buf_append_byte(&pair, 1);
        append_recoded(&pair, value);
        if (length && !is_signature)
            pairs[count++] = mem_string(buf_text(&pair));
        rest += length + (rest[length] == '&');
    }
    return count;
}

static void append_query(const struct sigv4_request *request, bool presigned, struct buf *canonical)
{
    if (!*request->query)
        return;
    size_t room = 1;
    for (const char *text = request->query; *text; text++)
        room += *text == '&';
    AUTO_FREE char **pairs = mem_new_array(room, sizeof *pairs);
    size_t count = encode_pairs(request->query, presigned, pairs);
    qsort(pairs, count, sizeof *pairs, compare_texts);
    for (size_t i = 0; i < count; i++) {
        *strchr(pairs[i], 1) = '=';
        buf_append_text(canonical, i ? "&" : "");
        buf_append_text(canonical, pairs[i]);
        free(pairs[i]);
    }
}

static bool is_space(char character)
{
    return character == ' ' || character == '\t' || character == '\r' || character == '\n';
}

/* The value without white space at its ends, and with one space for each run of it inside. */
static void append_header_value(struct buf *canonical, const char *value)
{
    bool gap = false;
    bool begun = false;
    for (; *value; value++) {
        if (is_space(*value)) {
            gap = begun;
            continue;
        }
        if (gap)
            buf_append_byte(canonical, ' ');
        buf_append_byte(canonical, (unsigned char)*value);
        gap = false;
        begun = true;
    }
}

static void append_header(const struct sigv4_request *request, struct slice name, struct buf *canonical)
{
    buf_append_slice(canonical, name);
    buf_append_byte(canonical, ':');
    bool repeated = false;
    for (size_t i = 0; i < request->header_count; i++) {
        const char *other = request->headers[i].name;
        if (strlen(other) != name.length || strncasecmp(other, (const char *)name.data, name.length) != 0)
            continue;
        if (repeated)
            buf_append_byte(canonical, ',');
        append_header_value(canonical, request->headers[i].value);
        repeated = true;
    }
    buf_append_byte(canonical, '\n');
}

void sigv4_canonical_request(const struct sigv4_request *request, const struct sigv4_rules *rules,
                             const struct sigv4_credential *credential, const char body_hash[65],
                             struct buf *canonical)
{
    buf_reserve(canonical, 512);
    buf_append_text(canonical, request->method);
    buf_append_byte(canonical, '\n');
    append_path(request, rules, canonical);
    buf_append_byte(canonical, '\n');
    append_query(request, credential->presigned, canonical);
    buf_append_byte(canonical, '\n');
    for (const char *rest = credential->signed_headers; *rest;) {
        size_t length = strcspn(rest, ";");
        append_header(request, slice_of(rest, length), canonical);
        rest += length + (rest[length] == ';');
    }
    buf_append_byte(canonical, '\n');
    buf_append_text(canonical, credential->signed_headers);
    buf_append_byte(canonical, '\n');
    buf_append_text(canonical, body_hash);
}

static void hash_hex(struct slice bytes, char hex[65])
{
    unsigned char hash[HASH_SIZE];
    SHA256(bytes.length ? bytes.data : (const unsigned char *)"", bytes.length, hash);
    text_hex(hash, sizeof hash, hex);
}

void sigv4_string_to_sign(const struct sigv4_credential *credential, struct slice canonical, struct buf *text)
{
    char hex[65];
    hash_hex(canonical, hex);
    buf_printf(text, "AWS4-HMAC-SHA256\n%s\n%s/%s/%s/%s\n%s", credential->time, credential->date,
               credential->region, credential->service, credential->terminator, hex);
}

static void hmac(const unsigned char *key, size_t key_length, struct slice text,
                 unsigned char target[HASH_SIZE])
{
    unsigned int length = HASH_SIZE;
    if (!HMAC(EVP_sha256(), key, (int)key_length, text.data, text.length, target, &length))
        abort(); /* SHA-256 is always there; going on with an undefined key is not an option */
}

static void derive_key(const struct sigv4_credential *credential, const char *secret,
                       unsigned char key[HASH_SIZE])
{
    AUTO_SECRET struct buf first = {0};
    buf_reserve(&first, 4 + strlen(secret)); /* growing would leave a copy behind */
    buf_append_text(&first, "AWS4");
    buf_append_text(&first, secret);
    hmac(first.data, first.length, slice_text(credential->date), key);
    hmac(key, HASH_SIZE, slice_text(credential->region), key);
    hmac(key, HASH_SIZE, slice_text(credential->service), key);
    hmac(key, HASH_SIZE, slice_text("aws4_request"), key);
}

static void slot_identity(const struct sigv4_credential *credential, const char *secret,
                          unsigned char identity[HASH_SIZE])
{
    const char *parts[] = {secret, credential->access_key, credential->date, credential->region,
                           credential->service};
    AUTO_SECRET struct buf text = {0};
    size_t size = 0;
    for (size_t i = 0; i < 5; i++)
        size += strlen(parts[i]) + 1;
    buf_reserve(&text, size);
    for (size_t i = 0; i < 5; i++)
        buf_append(&text, parts[i], strlen(parts[i]) + 1);
    SHA256(text.data, text.length, identity);
}

static void signing_key(const struct sigv4_credential *credential, const char *secret,
                        struct sigv4_cache *cache, unsigned char key[HASH_SIZE])
{
    if (!cache) {
        derive_key(credential, secret, key);
        return;
    }
    unsigned char identity[HASH_SIZE];
    slot_identity(credential, secret, identity);
    struct cache_slot *slot = &cache->slots[identity[0] % CACHE_SLOTS];
    if (CRYPTO_memcmp(slot->identity, identity, HASH_SIZE) != 0) {
        derive_key(credential, secret, slot->key);
        memcpy(slot->identity, identity, HASH_SIZE);
    }
    memcpy(key, slot->key, HASH_SIZE);
}

static int check_body_hash(const struct sigv4_request *request, const char body_hash[65], struct error *error)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, CONTENT_SHA256) != 0)
            continue;
        if (strcasecmp(request->headers[i].value, body_hash) != 0)
            return error_set_named(
                error, ERROR_DENIED, "SignatureDoesNotMatch",
                "The header x-amz-content-sha256 is '%s', but the SHA-256 of the body received is '%s'.",
                request->headers[i].value, body_hash);
    }
    return 0;
}

static bool signature_equal(const char *sent, const char calculated[65])
{
    return strlen(sent) == 64 && CRYPTO_memcmp(sent, calculated, 64) == 0;
}

int sigv4_verify(const struct sigv4_request *request, const struct sigv4_rules *rules,
                 const struct sigv4_credential *credential, const char *secret, struct sigv4_cache *cache,
                 struct error *error)
{
    char body_hash[65];
    hash_hex(request->body, body_hash);
    int failed = check_body_hash(request, body_hash, error);
    if (failed)
        return failed;
    AUTO_BUF struct buf canonical = {0};
    sigv4_canonical_request(request, rules, credential, body_hash, &canonical);
    AUTO_BUF struct buf text = {0};
    sigv4_string_to_sign(credential, slice_buf(&canonical), &text);
    unsigned char key[HASH_SIZE];
    unsigned char signature[HASH_SIZE];
    char calculated[65];
    signing_key(credential, secret, cache, key);
    hmac(key, sizeof key, slice_buf(&text), signature);
    mem_wipe(key, sizeof key);
    text_hex(signature, sizeof signature, calculated);
    bool equal = signature_equal(credential->signature, calculated);
    mem_wipe(signature, sizeof signature);
    mem_wipe(calculated, sizeof calculated);
    if (equal)
        return 0;
    return error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                           "The request signature we calculated does not match the signature you provided. "
                           "Check your AWS Secret Access "
                           "Key and signing method. Consult the service documentation for details.");
}
