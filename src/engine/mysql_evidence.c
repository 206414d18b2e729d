/* The engines' own evidence of clients that refuse their certificate: handshakes that a client broke off, by
 * the server's log.
 *
 * Neither server logs why a TLS handshake failed, only that it did: a client that finds no common cipher for
 * the new kind of key counts too, and so does one whose TLS is too old. A client that closes the connection
 * before it asks for TLS, as a monitor may, and one that does so after the handshake, as this agent's probe
 * does, are told apart.
 *
 * What a client can write into these logs without a login, a user's name, is too short for an entry. Who may
 * make events, with event_scheduler on, can raise one in them that reads like it. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/log.h"
#include "engine/mysql.h"

#include <stdio.h>
#include <string.h>

/* NEAR: how far before a refusal's entry the one that tells of a close may stand. */
enum { ENTRY_LENGTH = 400, CLIENT_LENGTH = 64, NEAR = 4096, IDS = 64 };

/* MySQL's log has no address. */
#define UNKNOWN_CLIENT "an unknown address"

struct watch {
    void (*take)(char *line, bool earlier, struct watch *watch);
    struct engine_evidence *evidence;
    /* Connections that ended where a packet was due: no refusals. */
    unsigned long long ended[IDS];
    size_t ended_count; /* ever; the last IDS are kept */
};

/* An address, as names are not looked up; with a scope it may have letters. */
static bool is_address(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length > 0 && length <= CLIENT_LENGTH;
}

/* "2026-01-02T03:04:05.678901Z 12 [Note] [MY-010914] [Server] Bad handshake" */
static void take_mysql(char *line, bool earlier, struct watch *watch)
{
    char *rest = line;
    const char *moment = strsep(&rest, " ");
    const char *connection = rest ? strsep(&rest, " ") : "";
    int64_t logged = 0;
    bool refusal = rest && text_equal(rest, "[Note] [MY-010914] [Server] Bad handshake") && *connection &&
                   strspn(connection, "0123456789") == strlen(connection);
    if (refusal && !earlier && clock_parse(moment, &logged) && logged >= watch->evidence->since)
        engine_evidence_add(watch->evidence, UNKNOWN_CLIENT);
}

static bool has_ended(const struct watch *watch, unsigned long long connection)
{
    for (size_t i = 0; i < IDS && i < watch->ended_count; i++)
        if (watch->ended[i] == connection)
            return true;
    return false;
}

/* "2026-01-02  3:04:05 12 [Warning] ...": the hour may have one digit. Returns what follows the date and the
 * connection; NULL where it is no entry. */
static char *read_prefix(char *line, int64_t *logged, unsigned long long *connection)
{
    int year, month, day, hour, minute, second, length = 0;
    char moment[80];
    if (sscanf(line, "%4d-%2d-%2d %2d:%2d:%2d %19llu %n", &year, &month, &day, &hour, &minute, &second,
               connection, &length) != 7 ||
        !length)
        return NULL;
    snprintf(moment, sizeof moment, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, month, day, hour, minute, second);
    return clock_parse(moment, logged) ? line + length : NULL;
}

/* What the server says of a connection before it gives it up, but for a refusal. When a client that refuses
 * is gone already, "Could not write packet" is said of it. */
static bool says_ended(const char *message)
{
    return text_starts_with(message, "[Warning] Could not read packet: ") ||
           (text_starts_with(message, "[ERROR] ") && text_ends_with(message, ": Got packets out of order"));
}

/* "[Warning] Aborted connection 12 to db: 'unconnected' user: 'unauthenticated' host: '192.0.2.7' (This
 * connection closed normally without authentication)" */
static void take_mariadb(char *line, bool earlier, struct watch *watch)
{
    unsigned long long connection = 0;
    int64_t logged = 0;
    char *message = read_prefix(line, &logged, &connection);
    AUTO_FREE char *begin = mem_format(
        "[Warning] Aborted connection %llu to db: 'unconnected' user: 'unauthenticated' host: '", connection);
    if (message && says_ended(message))
        watch->ended[watch->ended_count++ % IDS] = connection;
    if (!message || !text_starts_with(message, begin) || has_ended(watch, connection))
        return;
    char *rest = message + strlen(begin);
    const char *client = strsep(&rest, "'");
    if (rest && text_equal(rest, " (This connection closed normally without authentication)") &&
        is_address(client) && !earlier && logged >= watch->evidence->since)
        engine_evidence_add(watch->evidence, client);
}

static void take(struct slice line, bool earlier, void *context)
{
    struct watch *watch = context;
    char text[ENTRY_LENGTH + 1];
    if (line.length > ENTRY_LENGTH || slice_has_nul(line))
        return;
    memcpy(text, line.data, line.length);
    text[line.length] = 0;
    watch->take(text, earlier, watch);
}

static struct watch watch_of(const struct mysqld_flavour *flavour, struct engine_evidence *evidence)
{
    return (struct watch){.take = flavour->says_mariadb ? take_mariadb : take_mysql, .evidence = evidence};
}

void mysqld_evidence_take(const struct mysqld_flavour *flavour, struct slice log,
                          struct engine_evidence *evidence)
{
    struct watch watch = watch_of(flavour, evidence);
    const struct engine_log_reader reader = {.take = take, .context = &watch};
    bool inside = false;
    engine_log_take(&reader, log, 0, false, &inside);
}

int mysqld_read_evidence(const struct mysqld_flavour *flavour, const char *path,
                         struct engine_evidence *evidence, struct error *error)
{
    struct watch watch = watch_of(flavour, evidence);
    const struct engine_log_reader reader = {.take = take, .context = &watch, .back = NEAR};
    return engine_log_read(path, &reader, &evidence->position, error);
}

int mysqld_evidence(const struct mysqld_flavour *flavour, const struct engine_instance *instance,
                    struct engine_evidence *evidence, struct error *error)
{
    AUTO_FREE char *path = mysqld_log_file(instance);
    return mysqld_read_evidence(flavour, path, evidence, error);
}
