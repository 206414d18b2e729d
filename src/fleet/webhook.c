#include "fleet/webhook.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/work.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define LEASE    (WEBHOOK_DEADLINE + 5 * CLOCK_SECOND)
#define RDS_PAGE "http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Events.html"

enum { SECRET_LIMIT = 4096, KEY_SIZE = 128 };

static bool is_loopback(const char *host)
{
    struct in_addr address;
    if (inet_pton(AF_INET, host, &address) == 1)
        return ntohl(address.s_addr) >> 24 == 127;
    return text_equal_ignoring_case(host, "localhost") || text_equal(host, "[::1]");
}

/* Read by libcurl, which is to open it: two readers might see two hosts in one address. */
static int check_url(const char *text, struct error *error)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *host = NULL, *user = NULL, *password = NULL;
    int result = 0;
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        result = error_set(error, ERROR_INVALID,
                           "webhook_url: expected an address such as https://events.example.com/rds");
    else if (!text_equal(scheme, "https") && !(text_equal(scheme, "http") && is_loopback(host)))
        result = error_set(error, ERROR_INVALID,
                           "webhook_url: expected https://, or http:// to a loopback address (127.0.0.1, "
                           "[::1], localhost); found %s:// to %s",
                           scheme, host);
    else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
             curl_url_get(url, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
        result =
            error_set(error, ERROR_INVALID,
                      "webhook_url: expected no user name and no password: the receiver knows Sealwright "
                      "by the signature");
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(url);
    return result;
}

int webhook_check_settings(const struct settings *settings, struct error *error)
{
    if (!settings->webhook_url != !settings->webhook_secret_file)
        return error_set(error, ERROR_INVALID, "webhook_url and webhook_secret_file go together");
    if (!settings->webhook_url && settings->webhook_ca_file)
        return error_set(error, ERROR_INVALID, "webhook_ca_file is nothing without webhook_url");
    return settings->webhook_url ? check_url(settings->webhook_url, error) : 0;
}

int webhook_load_secret(const char *path, struct buf *secret, struct error *error)
{
    buf_reserve(secret, SECRET_LIMIT + 1); /* a buffer that grows leaves copies behind */
    int result = file_check_private(path, error);
    if (!result)
        result = file_read(path, SECRET_LIMIT, secret, error);
    if (result)
        return error_prefix(error, "webhook_secret_file");
    while (secret->length &&
           (secret->data[secret->length - 1] == '\n' || secret->data[secret->length - 1] == '\r'))
        secret->length--;
    return secret->length ? 0
                          : error_set(error, ERROR_INVALID, "webhook_secret_file: %s: nothing in it", path);
}

/* Names an event for ever: the subject of its work, and what receivers see. */
static void write_key(const struct event_row *event, char key[KEY_SIZE])
{
    snprintf(key, KEY_SIZE, "%s/%" PRId64 "/%s", event->region, event->occurred_at, event->event_id);
}

int webhook_plan(struct fleet *fleet, const struct event_row *event, struct error *error)
{
    char key[KEY_SIZE];
    if (!fleet->settings->webhook_url)
        return 0;
    write_key(event, key);
    return store_work_add(fleet->store, WORK_WEBHOOK, key, event->occurred_at, error);
}

int webhook_claim(struct fleet *fleet, struct work_row *work, struct event_row *event, struct error *error)
{
    int result =
        store_work_claim(fleet->store, WORK_OF_NOTIFIER, fleet->owner, clock_now(), LEASE, work, error);
    if (result)
        return result;
    char region[32] = "", event_id[37] = "";
    int64_t occurred_at = 0;
    sscanf(work->subject, "%31[^/]/%" SCNd64 "/%36s", region, &occurred_at, event_id);
    result = store_event_get(fleet->store, region, occurred_at, event_id, event, error);
    if (result != ERROR_NOT_FOUND)
        return result;
    log_warning("action=webhook-given-up event=%s reason=\"events are kept for 14 days: it is gone\"",
                work->subject);
    int removed = store_work_done(fleet->store, work, fleet->owner, error);
    return removed ? removed : result;
}

int webhook_failed(struct fleet *fleet, const struct work_row *work, const struct event_row *event,
                   const char *reason, struct error *error)
{
    int64_t now = clock_now();
    if (now - event->occurred_at >= WEBHOOK_PATIENCE) {
        log_error("action=webhook-given-up event=%s code=%s source=%s attempts=%d reason=\"%s\"",
                  work->subject, event->code, event->source_identifier, work->attempts, reason);
        return store_work_done(fleet->store, work, fleet->owner, error);
    }
    log_warning("action=webhook-failed event=%s code=%s source=%s attempts=%d reason=\"%s\"", work->subject,
                event->code, event->source_identifier, work->attempts, reason);
    return store_work_again(fleet->store, work, fleet->owner, now + work_backoff(work->attempts), error);
}

/* A message cut off at its limit may end within a character, which JSON must not. */
static json_t *json_text(const char *text)
{
    AUTO_BUF struct buf valid = {0};
    for (struct slice rest = slice_text(text); rest.length;) {
        size_t length = text_utf8(rest, NULL);
        if (length)
            buf_append(&valid, rest.data, length);
        else
            buf_append_text(&valid, "\xEF\xBF\xBD"); /* U+FFFD */
        rest = slice_of(rest.data + (length ? length : 1), rest.length - (length ? length : 1));
    }
    return json_string(buf_text(&valid));
}

/* 2026-11-23 15:04:05.678, UTC: as RDS writes it in these messages. */
static void write_time(int64_t milliseconds, char target[32])
{
    clock_format(milliseconds, target);
    target[strcspn(target, "T")] = ' ';
    target[strcspn(target, "Z")] = 0;
}

void webhook_body(const struct settings *settings, const struct event_row *event, struct buf *body)
{
    char time[32], key[KEY_SIZE];
    write_time(event->occurred_at, time);
    write_key(event, key);
    const char *host = settings->endpoint_names.count ? settings->endpoint_names.items[0] : "localhost";
    const char *kind =
        text_equal(event->source_type, "db-parameter-group") ? "parameter-groups" : "databases";
    AUTO_FREE char *link = mem_format("https://%s:%d/console/#/%s/%s/%s", host, settings->port, kind,
                                      event->region, event->source_identifier);
    /* Handlers look behind the '#'; codes of our own have no page at AWS. */
    AUTO_FREE char *id =
        mem_format("%s#%s", text_starts_with(event->code, "RDS-") ? RDS_PAGE : "", event->code);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:[o], s:s}", "Event Source", event->source_type,
                  "Event Time", time, "Identifier Link", link, "Source ID", event->source_identifier,
                  "Source ARN", event->source_arn, "Event ID", id, "Event Message", json_text(event->message),
                  "Region", event->region, "Event Categories", json_text(event->category), "Event Key", key);
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    buf_append_text(body, text);
}

void webhook_sign(struct slice secret, int64_t now, struct slice body, struct buf *signature)
{
    AUTO_BUF struct buf text = {0};
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    buf_printf(&text, "%" PRId64 ".", now / CLOCK_SECOND);
    buf_append_slice(&text, body);
    HMAC(EVP_sha256(), secret.data, (int)secret.length, text.data, text.length, code, &length);
    text_hex(code, length, hex);
    buf_printf(signature, "t=%" PRId64 ",v1=%s", now / CLOCK_SECOND, hex);
}
