/* PostgreSQL's own evidence of clients that refuse its certificate: the alert in its log, with the client's
 * address.
 *
 * A client writes into this log too: names of users, texts of statements, what a function of its own raises.
 * PostgreSQL begins an entry with the prefix at a line's begin, in one write, and puts a tab before every
 * further line of it (append_with_tabs in elog.c), so a line that begins with the prefix is PostgreSQL's and
 * its address the true one. What remains: who may log in can raise a message that reads like a refusal, of
 * its own address; a handshake that it breaks off does the same without a login. With log_hostname the
 * address is the name that the client's reverse look-up gives, and log_min_messages "fatal" or "panic" keeps
 * refusals out of the log. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/log.h"
#include "engine/postgres.h"

#include <stdio.h>
#include <string.h>

enum { ENTRY_LENGTH = 1000, CLIENT_LENGTH = 255 };

/* OpenSSL's names of the alerts that a client sends for a certificate (RFC 8446 6.2); "tlsv1", "sslv3" or
 * "ssl/tls" stands before them. */
static const char *const alerts[] = {
    "alert unknown ca",          "alert bad certificate",     "alert certificate expired",
    "alert certificate unknown", "alert certificate revoked", "alert unsupported certificate",
    "alert decrypt error",
};

static bool is_refusal(const char *message)
{
    /* be-secure-openssl.c; the same words in versions 10 to 18 */
    if (!text_starts_with(message, "LOG:  could not accept SSL connection: "))
        return false;
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++)
        if (strstr(message, alerts[i]))
            return true;
    return false;
}

/* An entry of log_line_prefix '%m [%p] %h ', whose texts point into the line, which is cut up for it:
 * "2026-01-02 03:04:05.678 UTC [12] 192.0.2.7 LOG:  could not ..." */
struct entry {
    const char *date, *time, *zone, *process, *client, *message;
};

static bool read_entry(char *line, struct entry *entry)
{
    char *rest = line;
    const char **const parts[] = {&entry->date, &entry->time, &entry->zone, &entry->process, &entry->client};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i] = strsep(&rest, " ");
        if (!rest || !**parts[i])
            return false;
    }
    entry->message = rest;
    size_t digits = entry->process[0] == '[' ? strspn(entry->process + 1, "0123456789") : 0;
    return digits && text_equal(entry->process + 1 + digits, "]");
}

static bool is_younger(const struct entry *entry, int64_t since)
{
    char text[64];
    int64_t logged = 0;
    snprintf(text, sizeof text,
             "%.12s"
             "T%.16sZ",
             entry->date, entry->time);
    return clock_parse(text, &logged) && logged >= since;
}

/* An address, or a name with log_hostname: visible ASCII. */
static bool is_client(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length <= CLIENT_LENGTH;
}

static void take_line(struct slice line, struct engine_evidence *evidence)
{
    struct entry entry = {0};
    char text[ENTRY_LENGTH + 1];
    if (line.length > ENTRY_LENGTH || slice_has_nul(line))
        return;
    memcpy(text, line.data, line.length);
    text[line.length] = 0;
    if (!read_entry(text, &entry) || !is_refusal(entry.message) || !is_client(entry.client) ||
        !is_younger(&entry, evidence->since))
        return;
    engine_evidence_add(evidence, entry.client);
}

static void take(struct slice line, bool earlier, void *context)
{
    (void)earlier;
    take_line(line, context);
}

size_t postgres_evidence_take(struct slice piece, bool full, bool *inside, struct engine_evidence *evidence)
{
    const struct engine_log_reader reader = {.take = take, .context = evidence};
    return engine_log_take(&reader, piece, 0, full, inside);
}

int postgres_evidence(const struct engine_instance *instance, struct engine_evidence *evidence,
                      struct error *error)
{
    AUTO_FREE char *path = postgres_log_file(instance);
    const struct engine_log_reader reader = {.take = take, .context = evidence};
    return engine_log_read(path, &reader, &evidence->position, error);
}
