/* What sealwright probe does with each of its targets, and how it shows it. */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include "probe/probe.h"

#include <jansson.h>

/* How a user names an engine; RDS's names of editions are known too (sqlserver-ee, oracle-se2). */
struct probe_engine {
    const char *name;
    enum probe_protocol protocol;
    int port; /* the usual one; 0: none */
};
/* NULL when there is none of the name. */
const struct probe_engine *probe_engine_find(const char *name);
/* The engine that usually answers at a port: "auto" where none does. */
const struct probe_engine *probe_engine_at(int port);
/* What a result's engine is called. MariaDB says of itself what it is; "" where nothing is known. */
const char *probe_engine_name(const struct probe_engine *asked, const struct probe_result *result);

/* What a target is worth; the numbers are exit statuses, and the highest of all targets counts. */
enum probe_verdict {
    VERDICT_OK = 0,
    VERDICT_EXPIRING = 3,     /* ends within the days of --warn-days */
    VERDICT_NOT_VERIFIED = 4, /* clients would refuse it */
    VERDICT_NOT_PROBED = 5,   /* no certificate was seen */
};
const char *
probe_verdict_name(enum probe_verdict verdict); /* "ok", "expiring", "not-verified", "not-probed" */

struct probe_job {
    char *host;
    int port;                          /* 0: not given; then where something answered */
    const struct probe_engine *engine; /* NULL: not given */
    char *server_name;                 /* NULL: the host */
    struct probe_result result;
    int failed;
    struct error error; /* when failed */
    enum probe_verdict verdict;
};

struct probe_jobs {
    struct probe_job *items;
    size_t count;
};
/* HOST, HOST:PORT or [ADDRESS]:PORT; `engine` and `server_name` may be NULL. ERROR_INVALID says what is wrong
 * with a word. */
int probe_jobs_add(struct probe_jobs *jobs, const char *target, const char *engine, const char *server_name,
                   struct error *error);
/* One target a line: HOST[:PORT] [ENGINE [SERVER-NAME]]; '#' begins a comment. The last two arguments are for
 * lines that name none. */
int probe_jobs_read(struct probe_jobs *jobs, struct slice text, const char *engine, const char *server_name,
                    struct error *error);
void probe_jobs_free(struct probe_jobs *jobs);

/* Whole days from now to the end of the server's certificate; negative once it is over. */
int64_t probe_days_left(const struct probe_result *result);

/* A finished job as docs/probe.md describes it; texts that servers sent hold no control characters. `trust`
 * says whether roots were given, `plain` whether unencrypted connections were tried. */
json_t *probe_job_json(const struct probe_job *job, bool trust, bool plain);
void probe_show_text(const json_t *job);
/* A line each, in columns, and a sum. `jobs` is an array. */
void probe_show_table(const json_t *jobs);

#endif
