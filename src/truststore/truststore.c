#include "truststore/truststore.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "truststore/condition.h"
#include "truststore/path.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CACHE_LIMIT = 4 * 1024 * 1024, /* bytes of bodies kept in a worker */
    LOOK_EVERY = 100               /* ms: asking the store costs two system calls, a tenth of a small reply */
};

/* One rendered file. It lives while the cache or a reply holds it. */
struct rendered {
    struct rendered *next; /* in the cache: most recently used first */
    int holders;
    struct truststore_path path;
    struct buf body;
    const char *content_type;
    char etag[72];
    int64_t modified;       /* ms, whole seconds; 0: not known */
    char last_modified[32]; /* the same as HTTP writes it */
};

struct truststore {
    struct fleet *fleet;
    struct rendered *cache;
    size_t cached_bytes;
    int64_t looked_at; /* clock_steady */
    int64_t store_version;
    int64_t authorities; /* how many there were when the cache was filled */
};

struct truststore *truststore_new(struct fleet *fleet)
{
    struct truststore *truststore = mem_new(sizeof *truststore);
    truststore->fleet = fleet;
    return truststore;
}

static void let_go(void *context)
{
    struct rendered *rendered = context;
    if (--rendered->holders > 0)
        return;
    buf_free(&rendered->body);
    free(rendered);
}

static void drop_after(struct truststore *truststore, struct rendered **link)
{
    while (*link) {
        struct rendered *dropped = *link;
        *link = dropped->next;
        truststore->cached_bytes -= dropped->body.length;
        let_go(dropped);
    }
}

void truststore_free(struct truststore *truststore)
{
    if (!truststore)
        return;
    drop_after(truststore, &truststore->cache);
    free(truststore);
}

/* Forgets what was rendered when there is another authority since. The store changes often, authorities
 * seldom. */
static int refresh(struct truststore *truststore, struct error *error)
{
    int64_t now = clock_steady();
    if (truststore->looked_at && now - truststore->looked_at < LOOK_EVERY)
        return 0;
    truststore->looked_at = now;
    int64_t version = store_version(truststore->fleet->store);
    if (version == truststore->store_version)
        return 0;
    int64_t authorities = 0;
    int result = store_authority_count(truststore->fleet->store, &authorities, error);
    if (result)
        return result;
    if (authorities != truststore->authorities)
        drop_after(truststore, &truststore->cache);
    truststore->authorities = authorities;
    truststore->store_version = version;
    return 0;
}

static struct rendered *find_cached(struct truststore *truststore, const struct truststore_path *path)
{
    for (struct rendered **link = &truststore->cache; *link; link = &(*link)->next) {
        struct rendered *found = *link;
        if (!truststore_path_equal(&found->path, path))
            continue;
        *link = found->next;
        found->next = truststore->cache;
        truststore->cache = found;
        return found;
    }
    return NULL;
}

/* Keeps the most recently used within the limit. */
static void keep(struct truststore *truststore, struct rendered *rendered)
{
    if (rendered->body.length > CACHE_LIMIT)
        return;
    rendered->holders++;
    rendered->next = truststore->cache;
    truststore->cache = rendered;
    truststore->cached_bytes += rendered->body.length;
    size_t bytes = 0;
    struct rendered **link = &truststore->cache;
    while (*link && (bytes += (*link)->body.length) <= CACHE_LIMIT)
        link = &(*link)->next;
    if (*link)
        drop_after(truststore, link);
}

/* The SHA-256 of the bytes, which are the same in every worker: a strong tag (RFC 9110 section 8.8.1), and
 * the digest in the index. */
static void set_etag(struct rendered *rendered)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    SHA256(rendered->body.data, rendered->body.length, digest);
    text_hex(digest, sizeof digest, hex);
    snprintf(rendered->etag, sizeof rendered->etag, "\"%s\"", hex);
}

static int render_certificates(struct truststore *truststore, const struct truststore_path *path,
                               struct rendered *rendered, struct error *error)
{
    struct bundle_content content;
    int result = catalog_gather(truststore->fleet, &path->scope, &content, error);
    if (result)
        return result;
    result = path->format ? render_bundle(&content, path->format, &rendered->body, error)
                          : render_index(truststore->fleet, &path->scope, &content, &rendered->body, error);
    rendered->modified = content.newest / 1000 * 1000;
    clock_format_http(rendered->modified, rendered->last_modified);
    bundle_content_free(&content);
    return result;
}

static int render(struct truststore *truststore, const struct truststore_path *path,
                  struct rendered *rendered, struct error *error)
{
    bool of_regions = !path->scope.partition[0] && !path->scope.region[0];
    int result = of_regions ? render_regions(truststore->fleet->settings, &rendered->body, error)
                            : render_certificates(truststore, path, rendered, error);
    rendered->content_type = path->format ? path->format->content_type : "application/json";
    set_etag(rendered);
    return result;
}

/* The rendered file of a path, held once for the caller. */
static int get(struct truststore *truststore, const struct truststore_path *path, struct rendered **got,
               struct error *error)
{
    int result = refresh(truststore, error);
    if (result)
        return result;
    struct rendered *rendered = find_cached(truststore, path);
    if (!rendered) {
        rendered = mem_new(sizeof *rendered);
        rendered->path = *path;
        rendered->holders = 1;
        result = render(truststore, path, rendered, error);
        if (result) {
            let_go(rendered);
            return result;
        }
        keep(truststore, rendered);
    } else {
        rendered->holders++;
    }
    *got = rendered;
    return 0;
}

static void answer_text(struct http_exchange *exchange, int status, const char *text)
{
    AUTO_FREE char *line = mem_format("%s\n", text);
    http_reply_header(exchange, "Content-Type", "text/plain; charset=utf-8");
    http_reply_header(exchange, "X-Content-Type-Options", "nosniff");
    http_reply_header(exchange, "Cache-Control", "no-store");
    http_reply(exchange, status, slice_text(line));
}

static void answer_failure(struct http_exchange *exchange, const struct error *error)
{
    if (error->code == ERROR_NOT_FOUND) {
        answer_text(exchange, 404, error->text);
    } else if (error->code == ERROR_BUSY) {
        http_reply_header(exchange, "Retry-After", "2");
        answer_text(exchange, 503, error->text);
    } else {
        log_error("action=bundle path=%s reason=\"%s\"", http_path(exchange), error->text);
        answer_text(exchange, 500, "The bundle cannot be made; the log says why.");
    }
}

static void answer(struct http_exchange *exchange, struct rendered *rendered)
{
    http_reply_header(exchange, "ETag", rendered->etag);
    if (rendered->modified)
        http_reply_header(exchange, "Last-Modified", rendered->last_modified);
    http_reply_header(exchange, "Cache-Control", "public, max-age=300");
    if (condition_unchanged(exchange, rendered->etag, rendered->modified ? rendered->modified : INT64_MAX)) {
        http_reply(exchange, 304, (struct slice){0});
        let_go(rendered);
        return;
    }
    http_reply_header(exchange, "Content-Type", rendered->content_type);
    http_reply_header(exchange, "X-Content-Type-Options", "nosniff");
    http_reply_shared(exchange, 200, slice_buf(&rendered->body), let_go, rendered);
}

bool truststore_handle(struct truststore *truststore, struct http_exchange *exchange)
{
    struct truststore_path path;
    struct error error = {0};
    struct rendered *rendered = NULL;
    bool ours = false;
    int result = truststore_path_read(truststore->fleet->settings, http_host(exchange), http_path(exchange),
                                      &path, &ours, &error);
    if (!ours)
        return false;
    if (!text_equal(http_method(exchange), "GET") && !text_equal(http_method(exchange), "HEAD")) {
        http_reply_header(exchange, "Allow", "GET, HEAD");
        answer_text(exchange, 405, "A bundle can be read with GET and HEAD only.");
        return true;
    }
    if (!result)
        result = get(truststore, &path, &rendered, &error);
    if (result)
        answer_failure(exchange, &error);
    else
        /* The analyzer does not follow `holders`. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        answer(exchange, rendered);
    return true;
}
