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
#include "base/memory.h"
#include "base/text.h"
#include "engine/log.h"
#include "engine/postgres.h"

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

/* What is looked for, and by which prefix entries are read. */
struct search {
    const char *prefix;
    struct engine_evidence *evidence;
};

static void take(struct slice line, bool earlier, void *context)
{
    const struct search *search = context;
    struct postgres_entry entry;
    char text[ENTRY_LENGTH + 1];
    (void)earlier;
    if (line.length > ENTRY_LENGTH || slice_has_nul(line))
        return;
    memcpy(text, line.data, line.length);
    text[line.length] = 0;
    if (!postgres_entry_read(search->prefix, text, &entry) || !is_refusal(entry.message) ||
        !entry.client.length || entry.client.length > CLIENT_LENGTH || entry.logged < search->evidence->since)
        return;
    AUTO_FREE char *client = slice_string(entry.client);
    engine_evidence_add(search->evidence, client);
}

size_t postgres_evidence_take(struct slice piece, bool full, const char *prefix, bool *inside,
                              struct engine_evidence *evidence)
{
    struct search search = {prefix, evidence};
    const struct engine_log_reader reader = {.take = take, .context = &search};
    return engine_log_take(&reader, piece, 0, full, inside);
}

int postgres_read_evidence(const char *path, const char *prefix, struct engine_evidence *evidence,
                           struct error *error)
{
    struct search search = {prefix, evidence};
    const struct engine_log_reader reader = {.take = take, .context = &search};
    return engine_log_read(path, &reader, &evidence->position, error);
}

int postgres_evidence(const struct engine_instance *instance, struct engine_evidence *evidence,
                      struct error *error)
{
    AUTO_FREE char *path = postgres_log_file(instance);
    return postgres_read_evidence(path, POSTGRES_LOG_LINE_PREFIX, evidence, error);
}
