/* The targets of sealwright probe: who is to be asked, where, and in which engine's way. */
#include "base/memory.h"
#include "base/text.h"
#include "cli/probe.h"

#include <stdlib.h>
#include <string.h>

enum { TARGET_LIMIT = 100000 };

static const struct probe_engine engines[] = {
    {"postgres", PROBE_POSTGRES, 5432},
    {"postgres-direct", PROBE_POSTGRES_DIRECT, 5432},
    {"mysql", PROBE_MYSQL, 3306},
    {"mariadb", PROBE_MYSQL, 3306},
    {"sqlserver", PROBE_TDS, 1433},
    {"sqlserver-strict", PROBE_TDS_STRICT, 1433},
    {"oracle", PROBE_TLS, 2484},
    {"tls", PROBE_TLS, 0},
    {"auto", PROBE_ANY, 0},
};
enum { ENGINE_COUNT = sizeof engines / sizeof engines[0] };

/* Other words for them: PgBouncer's port, RDS's engines and editions. */
static const struct {
    const char *prefix, *name;
} other_names[] = {{"sqlserver-", "sqlserver"},
                   {"oracle-", "oracle"},
                   {"aurora-postgres", "postgres"},
                   {"aurora-mysql", "mysql"},
                   {"pgbouncer", "postgres"}};
enum { PGBOUNCER_PORT = 6432 };

const struct probe_engine *probe_engine_find(const char *name)
{
    for (size_t i = 0; i < ENGINE_COUNT; i++)
        if (text_equal(engines[i].name, name))
            return &engines[i];
    for (size_t i = 0; i < sizeof other_names / sizeof other_names[0]; i++)
        if (text_starts_with(name, other_names[i].prefix))
            return probe_engine_find(other_names[i].name);
    return NULL;
}

const struct probe_engine *probe_engine_at(int port)
{
    if (port == PGBOUNCER_PORT)
        return probe_engine_find("postgres");
    for (size_t i = 0; i < ENGINE_COUNT; i++)
        if (port && engines[i].port == port)
            return &engines[i];
    return probe_engine_find("auto");
}

const char *probe_engine_name(const struct probe_engine *asked, const struct probe_result *result)
{
    if (result->protocol == PROBE_MYSQL && result->server_version[0])
        return strstr(result->server_version, "MariaDB") ? "mariadb" : "mysql";
    if (asked && asked->protocol == result->protocol && asked->protocol != PROBE_ANY)
        return asked->name;
    for (size_t i = 0; i < ENGINE_COUNT; i++)
        if (engines[i].protocol == result->protocol && result->protocol != PROBE_ANY)
            return result->protocol == PROBE_TLS ? "tls" : engines[i].name;
    return "";
}

static struct probe_job *add(struct probe_jobs *jobs)
{
    if ((jobs->count & (jobs->count + 1)) == 0) /* 0, 1, 3, 7...: full */
        jobs->items = mem_grow(jobs->items, 2 * jobs->count + 1, sizeof jobs->items[0]);
    jobs->items[jobs->count] = (struct probe_job){0};
    return &jobs->items[jobs->count++];
}

/* An IPv6 address has more than one colon and, with a port, stands in brackets. */
static bool split(const char *target, char **host, int *port)
{
    const char *colon = strrchr(target, ':'), *bracket = strchr(target, ']');
    int64_t number = 0;
    if (target[0] == '[') {
        if (!bracket || bracket == target + 1 || (bracket[1] && bracket[1] != ':'))
            return false;
        *host = slice_string(slice_of(target + 1, (size_t)(bracket - target) - 1));
        colon = bracket[1] ? bracket + 1 : NULL;
    } else {
        colon = colon && strchr(target, ':') == colon ? colon : NULL;
        *host = colon ? slice_string(slice_of(target, (size_t)(colon - target))) : mem_string(target);
    }
    if (colon && !text_integer(colon + 1, 1, 65535, &number))
        return false;
    *port = (int)number;
    return (*host)[0] != 0;
}

int probe_jobs_add(struct probe_jobs *jobs, const char *target, const char *engine, const char *server_name,
                   struct error *error)
{
    const struct probe_engine *known = engine ? probe_engine_find(engine) : NULL;
    if (jobs->count == TARGET_LIMIT)
        return error_set(error, ERROR_LIMIT, "more than %d targets", TARGET_LIMIT);
    if (engine && !known)
        return error_set(error, ERROR_INVALID,
                         "expected the engine postgres, postgres-direct, mysql, mariadb, sqlserver, "
                         "sqlserver-strict, oracle, tls or auto, found %s",
                         engine);
    struct probe_job *job = add(jobs);
    job->engine = known;
    job->server_name = mem_string(server_name);
    if (!split(target, &job->host, &job->port))
        return error_set(error, ERROR_INVALID, "expected HOST, HOST:PORT or [ADDRESS]:PORT, found %s",
                         target);
    if (known && known->protocol == PROBE_TLS && !known->port && !job->port)
        return error_set(error, ERROR_INVALID, "%s: a port is needed for the engine tls", target);
    return 0;
}

static int read_line(struct probe_jobs *jobs, char *line, const char *engine, const char *server_name,
                     struct error *error)
{
    char *rest = NULL, *words[4] = {0};
    line[strcspn(line, "#")] = 0;
    for (size_t i = 0; i < 4; i++)
        words[i] = strtok_r(i ? NULL : line, " \t\r", &rest);
    if (!words[0])
        return 0;
    if (words[3])
        return error_set(error, ERROR_INVALID, "expected HOST[:PORT] [ENGINE [SERVER-NAME]], found %s too",
                         words[3]);
    return probe_jobs_add(jobs, words[0], words[1] ? words[1] : engine, words[2] ? words[2] : server_name,
                          error);
}

int probe_jobs_read(struct probe_jobs *jobs, struct slice text, const char *engine, const char *server_name,
                    struct error *error)
{
    for (int number = 1; text.length; number++) {
        const unsigned char *end = memchr(text.data, '\n', text.length);
        size_t length = end ? (size_t)(end - text.data) : text.length;
        AUTO_FREE char *line = slice_string(slice_of(text.data, length));
        if (read_line(jobs, line, engine, server_name, error))
            return error_prefix(error, "line %d", number);
        length += end != NULL;
        text = slice_of(text.data + length, text.length - length);
    }
    return 0;
}

void probe_jobs_free(struct probe_jobs *jobs)
{
    for (size_t i = 0; i < jobs->count; i++) {
        probe_result_free(&jobs->items[i].result);
        free(jobs->items[i].host);
        free(jobs->items[i].server_name);
    }
    free(jobs->items);
    *jobs = (struct probe_jobs){0};
}
