/* A request as the handler sees it. */
#include "http/internal.h"

#include "base/memory.h"
#include "base/text.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* The parts of a request target (RFC 9112 section 3.2). */
struct target {
    struct slice authority; /* of the absolute form; else empty */
    struct slice path, query;
};

static struct slice between(const char *start, const char *end)
{
    return slice_of(start, (size_t)(end - start));
}

static struct target parse_target(const char *text)
{
    struct target target = {0};
    const char *scheme_end = *text != '/' ? strstr(text, "://") : NULL;
    if (scheme_end) {
        const char *authority = scheme_end + 3;
        text = authority + strcspn(authority, "/?");
        target.authority = between(authority, text);
    }
    const char *path_end = text + strcspn(text, "?");
    target.path = path_end == text ? slice_text("/") : between(text, path_end);
    target.query = slice_text(*path_end ? path_end + 1 : path_end);
    return target;
}

/* host [":" port], where the host may be an IPv6 address in brackets (RFC 3986 section 3.2.2). */
static struct slice host_of(struct slice authority)
{
    if (!authority.length)
        return authority;
    const char *start = (const char *)authority.data;
    const char *end = start + authority.length;
    if (*start == '[') {
        const char *bracket = memchr(start, ']', authority.length);
        return bracket ? between(start + 1, bracket) : slice_of(NULL, 0);
    }
    const char *colon = memchr(start, ':', authority.length);
    return between(start, colon ? colon : end);
}

static char *put_text(char **place, struct slice text)
{
    char *start = *place;
    if (text.length)
        memcpy(start, text.data, text.length);
    *place += text.length + 1; /* the memory is zeroed */
    return start;
}

struct http_exchange *exchange_new(struct http_server *server, struct evhttp_request *request)
{
    struct target target = parse_target(evhttp_request_get_uri(request));
    struct slice host = target.authority;
    if (!host.length)
        host = slice_text(evhttp_find_header(evhttp_request_get_input_headers(request), "Host"));
    host = host_of(host);
    struct http_exchange *exchange =
        mem_new(sizeof *exchange + target.path.length + target.query.length + host.length + 3);
    exchange->server = server;
    exchange->request = request;
    exchange->connection = connection_of(server, evhttp_request_get_connection(request));
    exchange->connection->waiting_since = 0;
    char *place = exchange->texts;
    exchange->path = put_text(&place, target.path);
    exchange->query = put_text(&place, target.query);
    exchange->host = put_text(&place, host);
    text_lower(exchange->host);
    return exchange;
}

static size_t count_headers(const struct http_exchange *exchange, const char *name)
{
    size_t count = 0;
    const struct evkeyval *header;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(exchange->request), next)
    count += text_equal_ignoring_case(header->key, name);
    return count;
}

bool exchange_is_malformed(const struct http_exchange *exchange, const char **why)
{
    size_t hosts = count_headers(exchange, "Host");
    /* RFC 9112 section 3.2. */
    if (hosts > 1 || (hosts == 0 && exchange->request->minor >= 1)) {
        *why = "A request needs exactly one Host header.\n";
        return true;
    }
    /* RFC 9112 section 6.3; evhttp takes the first. */
    if (count_headers(exchange, "Content-Length") > 1) {
        *why = "A request has at most one Content-Length header.\n";
        return true;
    }
    /* evhttp does not read the body of these and would take it for the next request. */
    if (evhttp_request_get_command(exchange->request) == EVHTTP_REQ_HEAD &&
        (count_headers(exchange, "Content-Length") || count_headers(exchange, "Transfer-Encoding"))) {
        *why = "A HEAD request has no body here.\n";
        return true;
    }
    return false;
}

const char *http_method(const struct http_exchange *exchange)
{
    switch (evhttp_request_get_command(exchange->request)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_DELETE:
        return "DELETE";
    case EVHTTP_REQ_OPTIONS:
        return "OPTIONS";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    default:
        return ""; /* not among the allowed methods */
    }
}

const char *http_path(const struct http_exchange *exchange)
{
    return exchange->path;
}

const char *http_query(const struct http_exchange *exchange)
{
    return exchange->query;
}

const char *http_host(const struct http_exchange *exchange)
{
    return exchange->host;
}

const char *http_header(const struct http_exchange *exchange, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(exchange->request), name);
}

void http_each_header(const struct http_exchange *exchange, http_header_visitor *visit, void *context)
{
    const struct evkeyval *header;
    TAILQ_FOREACH(header, evhttp_request_get_input_headers(exchange->request), next)
    visit(header->key, header->value, context);
}

struct slice http_body(const struct http_exchange *exchange)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(exchange->request);
    return slice_of(evbuffer_pullup(input, -1), evbuffer_get_length(input));
}

const char *http_remote(const struct http_exchange *exchange)
{
    return exchange->request->remote_host;
}

/* The subject's only common name as UTF-8; NULL when there is none, several, or one with a NUL inside. */
static char *common_name(const X509 *certificate)
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (first < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0)
        return NULL;
    unsigned char *text = NULL;
    int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)));
    if (length <= 0)
        return NULL;
    struct slice name = slice_of(text, (size_t)length);
    char *copy = slice_has_nul(name) ? NULL : slice_string(name);
    OPENSSL_free(text);
    return copy;
}

const char *http_client_name(const struct http_exchange *exchange)
{
    struct connection *connection = exchange->connection;
    if (connection->client_name || !connection->asked)
        return connection->client_name;
    SSL *ssl = bufferevent_openssl_get_ssl(connection->stream);
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate && SSL_get_verify_result(ssl) == X509_V_OK)
        connection->client_name = common_name(certificate);
    return connection->client_name;
}
