/* Reading of what a request says of its own signature: the Authorization header or the presigned query
 * string. */
#include "aws/query.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ALGORITHM "AWS4-HMAC-SHA256"

static int incomplete(struct error *error, const char *text)
{
    return error_set_named(error, ERROR_DENIED, "IncompleteSignature", "%s", text);
}

static int mismatch(struct error *error, const char *text)
{
    return error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch", "%s", text);
}

static const char *find_header(const struct sigv4_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (strcasecmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

static size_t count_byte(const char *text, char byte)
{
    size_t count = 0;
    for (; text && *text; text++)
        count += *text == byte;
    return count;
}

static bool is_signed(const char *signed_headers, const char *name)
{
    size_t length = strlen(name);
    for (const char *rest = signed_headers; rest && *rest;) {
        size_t part = strcspn(rest, ";");
        if (part == length && strncasecmp(rest, name, length) == 0)
            return true;
        rest += part + (rest[part] == ';');
    }
    return false;
}

/* The parameters of an Authorization header; each points into the header. */
struct authorization {
    struct slice credential;
    struct slice signed_headers;
    struct slice signature;
};

static struct slice trim(struct slice text)
{
    while (text.length && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_of(text.data + 1, text.length - 1);
    while (text.length && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

/* One `name=value`; a name that repeats has its last value, an unknown one no meaning. */
static int read_parameter(struct slice part, const char *header, struct authorization *authorization,
                          struct error *error)
{
    const unsigned char *equal = memchr(part.data, '=', part.length);
    if (!equal)
        return error_set_named(
            error, ERROR_DENIED, "IncompleteSignature",
            "'%.*s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'.",
            (int)(part.length < 200 ? part.length : 200), (const char *)part.data, header);
    struct slice name = trim(slice_of(part.data, (size_t)(equal - part.data)));
    struct slice value = trim(slice_of(equal + 1, (size_t)(part.data + part.length - equal - 1)));
    if (slice_is(name, "Credential"))
        authorization->credential = value;
    if (slice_is(name, "SignedHeaders"))
        authorization->signed_headers = value;
    if (slice_is(name, "Signature"))
        authorization->signature = value;
    return 0;
}

static int read_authorization(const char *header, struct authorization *authorization, struct error *error)
{
    size_t algorithm = strcspn(header, " \t");
    if (algorithm != strlen(ALGORITHM) || strncmp(header, ALGORITHM, algorithm) != 0)
        return error_set_named(error, ERROR_DENIED, "IncompleteSignature",
                               "Unsupported AWS 'algorithm': '%.*s'.",
                               (int)(algorithm < 200 ? algorithm : 200), header);
    const char *rest = header + algorithm;
    for (size_t parts = 0; *rest; parts++) {
        if (parts == SIGV4_HEADER_PARAMETERS_LIMIT)
            return incomplete(
                error,
                "The Authorization header has more parts than Credential, SignedHeaders and Signature.");
        size_t length = strcspn(rest, ",");
        struct slice part = trim(slice_of(rest, length));
        int failed = part.length ? read_parameter(part, header, authorization, error) : 0;
        if (failed)
            return failed;
        rest += length + (rest[length] == ',');
    }
    return 0;
}

/* RFC 9110's form of a date in the Date header is signed in ISO 8601's basic form. */
static char *header_date(const struct sigv4_request *request)
{
    const char *date = find_header(request, "x-amz-date");
    if (date)
        return mem_string(date);
    date = find_header(request, "date");
    int64_t milliseconds = 0;
    if (!date || !clock_parse_http(date, &milliseconds))
        return mem_string(date);
    char basic[32];
    clock_format_basic(milliseconds, basic);
    return mem_string(basic);
}

/* What both forms say, before anything is checked. Texts are owned, NULL when absent. */
struct claim {
    char *credential;
    char *signed_headers;
    char *signature;
    char *date;
    char *session_token;
    int64_t lifetime; /* seconds after the date */
    bool presigned;
};

static void claim_free(struct claim *claim)
{
    free(claim->credential);
    free(claim->signed_headers);
    free(claim->signature);
    free(claim->date);
    mem_free_secret(claim->session_token);
}

static char *string_or_null(struct slice text)
{
    return text.length ? slice_string(text) : NULL;
}

static int claim_from_header(const struct sigv4_request *request, const char *header, struct claim *claim,
                             struct error *error)
{
    struct authorization authorization = {0};
    int failed = read_authorization(header, &authorization, error);
    if (failed)
        return failed;
    claim->credential = string_or_null(authorization.credential);
    claim->signed_headers = string_or_null(authorization.signed_headers);
    claim->signature = string_or_null(authorization.signature);
    claim->date = header_date(request);
    claim->session_token = mem_string(find_header(request, "x-amz-security-token"));
    claim->lifetime = SIGV4_WINDOW_SECONDS;
    if (claim->credential && claim->signed_headers && claim->signature && claim->date)
        return 0;
    AUTO_BUF struct buf text = {0};
    buf_append_text(&text, claim->credential ? "" : "Authorization header requires 'Credential' parameter. ");
    buf_append_text(&text, claim->signature ? "" : "Authorization header requires 'Signature' parameter. ");
    buf_append_text(&text,
                    claim->signed_headers ? "" : "Authorization header requires 'SignedHeaders' parameter. ");
    buf_append_text(
        &text, claim->date
                   ? ""
                   : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
    buf_printf(&text, "Authorization=%s", header);
    return incomplete(error, buf_text(&text));
}

static char *text_or_null(const struct query_parameters *query, const char *name)
{
    const char *text = query_text(query, name);
    return text_is_empty(text) ? NULL : mem_string(text);
}

static int read_lifetime(const struct query_parameters *query, int64_t *lifetime, struct error *error)
{
    const char *expires = query_text(query, "X-Amz-Expires");
    *lifetime = SIGV4_WINDOW_SECONDS;
    if (!expires || text_integer(expires, 1, SIGV4_EXPIRES_MOST, lifetime))
        return 0;
    return error_set_named(error, ERROR_DENIED, "IncompleteSignature",
                           "X-Amz-Expires must be a whole number of seconds from 1 to %lld. Got '%s'.",
                           (long long)SIGV4_EXPIRES_MOST, expires);
}

static int claim_from_query(const struct query_parameters *query, struct claim *claim, struct error *error)
{
    const char *algorithm = query_text(query, "X-Amz-Algorithm");
    if (algorithm && strcmp(algorithm, ALGORITHM) != 0)
        return error_set_named(error, ERROR_DENIED, "IncompleteSignature",
                               "Unsupported AWS 'algorithm': '%s'.", algorithm);
    claim->presigned = true;
    claim->credential = text_or_null(query, "X-Amz-Credential");
    claim->signed_headers = text_or_null(query, "X-Amz-SignedHeaders");
    claim->signature = text_or_null(query, "X-Amz-Signature");
    claim->date = text_or_null(query, "X-Amz-Date");
    claim->session_token = mem_string(query_text(query, "X-Amz-Security-Token"));
    if (algorithm && claim->credential && claim->signed_headers && claim->signature && claim->date)
        return read_lifetime(query, &claim->lifetime, error);
    AUTO_BUF struct buf text = {0};
    buf_append_text(&text, algorithm ? "" : "AWS query-string parameters must include 'X-Amz-Algorithm'. ");
    buf_append_text(&text,
                    claim->credential ? "" : "AWS query-string parameters must include 'X-Amz-Credential'. ");
    buf_append_text(&text,
                    claim->signature ? "" : "AWS query-string parameters must include 'X-Amz-Signature'. ");
    buf_append_text(&text, claim->signed_headers
                               ? ""
                               : "AWS query-string parameters must include 'X-Amz-SignedHeaders'. ");
    buf_append_text(&text, claim->date ? "" : "AWS query-string parameters must include 'X-Amz-Date'. ");
    buf_append_text(&text, "Re-examine the query-string parameters.");
    return incomplete(error, buf_text(&text));
}

static int read_claim(const struct sigv4_request *request, struct claim *claim, struct error *error)
{
    AUTO_QUERY struct query_parameters query = {0};
    struct error reason;
    if (query_parse(slice_text(request->query), &query, &reason))
        return error_set_named(error, ERROR_INVALID, "MalformedQueryString",
                               "The query string cannot be read. %s", reason.text);
    const char *header = find_header(request, "authorization");
    bool in_query = query_text(&query, "X-Amz-Algorithm") || query_text(&query, "X-Amz-Signature");
    if (header && in_query)
        return mismatch(error, "The request is signed twice, in its Authorization header and in its query "
                               "string. Sign it once.");
    if (header)
        return claim_from_header(request, header, claim, error);
    if (in_query)
        return claim_from_query(&query, claim, error);
    return error_set_named(error, ERROR_DENIED, "MissingAuthenticationToken",
                           "Request is missing Authentication Token");
}

/* Host must be signed, lest a request be sent on to another service; X-Amz-Target since it chooses the
 * action. */
static int check_signed_headers(const struct sigv4_request *request, const struct claim *claim,
                                struct error *error)
{
    size_t count = count_byte(claim->signed_headers, ';') + 1;
    if (count > SIGV4_SIGNED_HEADERS_LIMIT)
        return error_set_named(error, ERROR_DENIED, "IncompleteSignature",
                               "SignedHeaders names %zu headers; at most %d are read.", count,
                               SIGV4_SIGNED_HEADERS_LIMIT);
    if (!is_signed(claim->signed_headers, "host") && !is_signed(claim->signed_headers, ":authority"))
        return mismatch(error, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
    if (find_header(request, "x-amz-target") && !is_signed(claim->signed_headers, "x-amz-target"))
        return mismatch(error, "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
    return 0;
}

/* "15 min." or "90 sec." */
static void format_span(int64_t seconds, char text[32])
{
    bool minutes = seconds % 60 == 0;
    snprintf(text, 32, "%lld %s", (long long)(minutes ? seconds / 60 : seconds), minutes ? "min." : "sec.");
}

static int check_date(const struct claim *claim, int64_t now, struct error *error)
{
    int64_t date = 0;
    if (!clock_parse_basic(claim->date, &date))
        return error_set_named(
            error, ERROR_DENIED, "IncompleteSignature",
            "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601",
            claim->date);
    int64_t second = now - now % CLOCK_SECOND;
    int64_t oldest = second - claim->lifetime * CLOCK_SECOND;
    int64_t newest = second + SIGV4_WINDOW_SECONDS * CLOCK_SECOND;
    char now_text[32];
    char bound[32];
    char span[32];
    clock_format_basic(second, now_text);
    clock_format_basic(date < oldest ? oldest : newest, bound);
    format_span(date < oldest ? claim->lifetime : SIGV4_WINDOW_SECONDS, span);
    if (date < oldest)
        return error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                               "Signature expired: %s is now earlier than %s (%s - %s)", claim->date, bound,
                               now_text, span);
    if (date > newest)
        return error_set_named(error, ERROR_DENIED, "SignatureDoesNotMatch",
                               "Signature not yet current: %s is still later than %s (%s + %s)", claim->date,
                               bound, now_text, span);
    return 0;
}

/* Cuts `AKID/20260102/us-east-1/rds/aws4_request`. Takes the text over. */
static int split_scope(struct claim *claim, struct sigv4_credential *credential, struct error *error)
{
    const char *parts[5] = {0};
    if (count_byte(claim->credential, '/') != 4)
        return error_set_named(error, ERROR_DENIED, "IncompleteSignature",
                               "Credential must have exactly 5 slash-delimited elements, e.g. "
                               "keyid/date/region/service/term, got '%s'",
                               claim->credential);
    credential->scope = claim->credential;
    claim->credential = NULL;
    char *rest = credential->scope;
    for (size_t i = 0; i < 5; i++)
        parts[i] = strsep(&rest, "/");
    credential->access_key = parts[0];
    credential->date = parts[1];
    credential->region = parts[2];
    credential->service = parts[3];
    credential->terminator = parts[4];
    return 0;
}

/* AWS names all that is wrong with the scope in one message. */
static int check_scope(const struct sigv4_credential *credential, const struct sigv4_rules *rules,
                       const char *date, struct error *error)
{
    AUTO_BUF struct buf text = {0};
    if (!*credential->region ||
        (rules->region_known && !rules->region_known(credential->region, rules->context)))
        buf_printf(&text, "Credential should be scoped to a valid region, not '%s'. ", credential->region);
    if (!text_equal(credential->service, rules->service))
        buf_printf(&text, "Credential should be scoped to correct service: '%s'. ", rules->service);
    if (!text_equal(credential->terminator, "aws4_request"))
        buf_printf(&text, "Credential should be scoped with a valid terminator: 'aws4_request', not '%s'. ",
                   credential->terminator);
    if (!text_starts_with(date, credential->date) || strlen(credential->date) != 8)
        buf_printf(&text,
                   "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from "
                   "HTTP: '%s' != '%.8s', from "
                   "'%s'. ",
                   credential->date, date, date);
    return text.length ? mismatch(error, buf_text(&text)) : 0;
}

static int check_claim(const struct sigv4_request *request, const struct sigv4_rules *rules, int64_t now,
                       struct claim *claim, struct sigv4_credential *credential, struct error *error)
{
    int failed = check_signed_headers(request, claim, error);
    if (failed)
        return failed;
    failed = check_date(claim, now, error);
    if (failed)
        return failed;
    failed = split_scope(claim, credential, error);
    if (failed)
        return failed;
    return check_scope(credential, rules, claim->date, error);
}

int sigv4_parse(const struct sigv4_request *request, const struct sigv4_rules *rules, int64_t now,
                struct sigv4_credential *credential, struct error *error)
{
    *credential = (struct sigv4_credential){0};
    __attribute__((cleanup(claim_free))) struct claim claim = {0};
    int failed = read_claim(request, &claim, error);
    if (failed)
        return failed;
    failed = check_claim(request, rules, now, &claim, credential, error);
    if (failed) {
        sigv4_credential_free(credential);
        return failed;
    }
    credential->presigned = claim.presigned;
    credential->signed_headers = claim.signed_headers;
    credential->signature = claim.signature;
    credential->session_token = claim.session_token;
    text_copy(credential->time, sizeof credential->time, claim.date);
    claim.signed_headers = claim.signature = claim.session_token = NULL;
    return 0;
}

void sigv4_credential_free(struct sigv4_credential *credential)
{
    free(credential->scope);
    free(credential->signed_headers);
    free(credential->signature);
    mem_free_secret(credential->session_token);
    *credential = (struct sigv4_credential){0};
}

int sigv4_refuse_key(struct error *error)
{
    return error_set_named(error, ERROR_DENIED, "InvalidClientTokenId",
                           "The security token included in the request is invalid.");
}
