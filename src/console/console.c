#include "console/console.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "console/accept.h"
#include "console/name.h"
#include "truststore/condition.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LIMIT = 16 * 1024 * 1024, PATH_ROOM = 4096 };

/* Everything comes from the server itself. Scripts are files of its own: nothing inline, no eval. What the
 * page writes into itself is text (React); should that fail, the policy still runs nothing. */
#define POLICY                                                                                               \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "       \
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

static const struct {
    const char *name, *value;
} security_headers[] = {
    {"Content-Security-Policy", POLICY},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

static void add_security_headers(struct http_exchange *exchange)
{
    for (size_t i = 0; i < sizeof security_headers / sizeof security_headers[0]; i++)
        http_reply_header(exchange, security_headers[i].name, security_headers[i].value);
}

static int open_folder(const char *path)
{
    return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Cuts the last part off a path. */
static void go_up(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = 0;
}

int console_open(const char *folder)
{
    char program[PATH_ROOM] = "";
    if (folder)
        return open_folder(folder);
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return -1;
    program[length] = 0;
    go_up(program); /* PREFIX/bin, or build/src */
    go_up(program);
    AUTO_FREE char *installed = mem_format("%s/share/sealwright/console", program);
    go_up(program);
    AUTO_FREE char *beside = mem_format("%s/console/dist", program);
    int opened = open_folder(installed);
    return opened >= 0 ? opened : open_folder(beside);
}

/* A whole file below the folder. A link is not followed: nothing that the build writes is one. */
static int read_file(int folder, const char *name, struct buf *content)
{
    struct stat facts;
    AUTO_CLOSE int descriptor = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &facts) < 0)
        return errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO;
    if (!S_ISREG(facts.st_mode) || facts.st_size > FILE_LIMIT)
        return ERROR_LIMIT;
    size_t size = (size_t)facts.st_size;
    buf_reserve(content, size);
    while (content->length < size) {
        ssize_t got = read(descriptor, content->data + content->length, size - content->length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERROR_IO;
        content->length += (size_t)got;
    }
    return 0;
}

static void answer_text(struct http_exchange *exchange, int status, const char *text)
{
    add_security_headers(exchange);
    http_reply_header(exchange, "Content-Type", "text/plain; charset=utf-8");
    http_reply_header(exchange, "Cache-Control", "no-store");
    http_reply(exchange, status, slice_text(text));
}

static void redirect(struct http_exchange *exchange)
{
    http_reply_header(exchange, "Location", "/console/");
    http_reply_header(exchange, "Vary", "Accept");
    answer_text(exchange, 302, "The console is at /console/.\n");
}

static void release(void *context)
{
    struct buf *body = context;
    buf_free(body);
    free(body);
}

static void answer_file(struct http_exchange *exchange, const struct console_name *name, bool compressed,
                        struct buf *body)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH + 1], etag[sizeof hex + 2];
    SHA256(body->data, body->length, digest);
    text_hex(digest, sizeof digest, hex);
    snprintf(etag, sizeof etag, "\"%s\"", hex);
    add_security_headers(exchange);
    http_reply_header(exchange, "ETag", etag);
    http_reply_header(exchange, "Vary", "Accept-Encoding");
    http_reply_header(exchange, "Cache-Control",
                      name->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    /* No Last-Modified is sent, so nothing is newer than one that a client may ask by. */
    if (condition_unchanged(exchange, etag, INT64_MAX)) {
        http_reply(exchange, 304, (struct slice){0});
        release(body);
        return;
    }
    http_reply_header(exchange, "Content-Type", name->content_type);
    if (compressed)
        http_reply_header(exchange, "Content-Encoding", "gzip");
    http_reply_shared(exchange, 200, slice_buf(body), release, body);
}

/* The file, or the compressed one that the build has put beside it. */
static int read_variant(int folder, const struct console_name *name, bool *compressed, struct buf *body)
{
    AUTO_FREE char *packed = mem_format("%s.gz", name->file);
    int result = *compressed ? read_file(folder, packed, body) : ERROR_NOT_FOUND;
    *compressed = result == 0;
    if (result == ERROR_NOT_FOUND)
        result = read_file(folder, name->file, body);
    return result;
}

static void answer(int folder, struct http_exchange *exchange)
{
    struct console_name name;
    bool compressed = accept_names(http_header(exchange, "Accept-Encoding"), "gzip");
    if (folder < 0) {
        answer_text(exchange, 404,
                    "The web console was not built. It needs Node.js 18 or later and npm: install them "
                    "(Debian: apt-get install nodejs npm), run `make up`, and start the server anew.\n"
                    "The server itself and its API do not need it.\n");
        return;
    }
    if (!console_name_read(http_path(exchange), &name)) {
        answer_text(exchange, 404, "There is nothing at this address. The console is at /console/.\n");
        return;
    }
    struct buf *body = mem_new(sizeof *body);
    int result = read_variant(folder, &name, &compressed, body);
    if (result) {
        release(body);
        if (result != ERROR_NOT_FOUND)
            log_warning("action=console file=%s reason=\"it cannot be read\"", name.file);
        answer_text(exchange, 404, "There is nothing at this address. The console is at /console/.\n");
        return;
    }
    answer_file(exchange, &name, compressed, body);
}

/* `/` is the API's. A browser that was given the server's bare address asks for a page, signs nothing and
 * sends no query. */
static bool is_visit(const struct http_exchange *exchange)
{
    return text_equal(http_path(exchange), "/") && !http_query(exchange)[0] &&
           !http_header(exchange, "Authorization") &&
           accept_names(http_header(exchange, "Accept"), "text/html");
}

bool console_handle(int folder, struct http_exchange *exchange)
{
    bool reads = text_equal(http_method(exchange), "GET") || text_equal(http_method(exchange), "HEAD");
    bool below = text_starts_with(http_path(exchange), "/console/");
    bool bare = text_equal(http_path(exchange), "/console") || (reads && is_visit(exchange));
    if (!below && !bare)
        return false;
    if (!reads) {
        http_reply_header(exchange, "Allow", "GET, HEAD");
        answer_text(exchange, 405, "The console can be read with GET and HEAD only.\n");
    } else if (bare) {
        redirect(exchange);
    } else {
        answer(folder, exchange);
    }
    return true;
}
