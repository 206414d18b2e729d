/* sealwright probe: which certificate a database server serves, and what clients would make of it. */
#include "cli/probe.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/bundle.h"
#include "cli/command.h"
#include "cli/operate.h"

#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    BUNDLE_LIMIT = 4 << 20,
    TARGETS_LIMIT = 16 << 20,
    STACK = 512 * 1024,
    FILES_EACH = 2,   /* connections of one target at the same time */
    FILES_BESIDE = 64 /* of everything else, look-ups of names included */
};

static const char help[] =
    "usage: sealwright probe HOST[:PORT]... [--targets FILE] [--engine E] [--server-name NAME]\n"
    "                        [--bundle FILE | --region R | --global] [--run-dir DIR | --endpoint URL --ca "
    "FILE]\n"
    "                        [--warn-days N] [--tls-only] [--timeout S] [--parallel N] [--json]\n"
    "\n"
    "Says which certificate a database server serves, and what its clients would make of it. No password is\n"
    "needed and none is sent.\n"
    "\n"
    "  --targets FILE     more targets, one a line: HOST[:PORT] [ENGINE [SERVER-NAME]]; - is standard input\n"
    "  --engine E         postgres (PgBouncer too), postgres-direct (TLS first), mysql, mariadb, sqlserver,\n"
    "                     sqlserver-strict (TDS 8.0), oracle (TCPS), tls, auto; RDS's names of editions "
    "too.\n"
    "                     Default: by the port (5432 and 6432, 3306, 1433, 2484), else auto: each is tried.\n"
    "                     Without a port: the engine's own; without both these ports are tried\n"
    "  --server-name N    asks for this name (SNI) and verifies it; default: HOST\n"
    "\n"
    "Whom to trust; without any of these, dates and names alone are judged:\n"
    "  --bundle FILE      certificates in PEM\n"
    "  --region R         Sealwright's own bundle of this region\n"
    "  --global           Sealwright's own bundle of all regions\n"
    "  --run-dir DIR      that bundle from this run folder, which is only read\n"
    "  --endpoint URL     or from this server; default: $SEALWRIGHT_ENDPOINT\n"
    "  --ca FILE          what the endpoint's certificate is verified with; default: $SEALWRIGHT_CA\n"
    "\n"
    "  --warn-days N      \"expiring\" begins N days before the end (default: 30)\n"
    "  --tls-only         does not try whether unencrypted connections are accepted\n"
    "  --timeout S        seconds a target may take (default: 5)\n"
    "  --parallel N       targets at the same time (default: 1000)\n"
    "  --json             an object a target, each on a line of its own (docs/probe.md)\n"
    "  --help\n"
    "\n"
    "Exit status, the highest of all targets: 0 all are fine, 3 expiring, 4 not verified (expired, wrong "
    "name,\n"
    "self-signed, unknown authority...), 5 cannot be probed (no answer, no TLS...). 1: failed before any "
    "was\n"
    "asked, 2: wrong usage.\n";

static const struct option options[] = {
    {"targets", required_argument, NULL, 't'},
    {"engine", required_argument, NULL, 'e'},
    {"server-name", required_argument, NULL, 's'},
    {"bundle", required_argument, NULL, 'b'},
    {"region", required_argument, NULL, 'r'},
    {"global", no_argument, NULL, 'g'},
    {"run-dir", required_argument, NULL, 'd'},
    {"endpoint", required_argument, NULL, 'u'},
    {"ca", required_argument, NULL, 'a'},
    {"warn-days", required_argument, NULL, 'w'},
    {"tls-only", no_argument, NULL, 'o'},
    {"timeout", required_argument, NULL, 'T'},
    {"parallel", required_argument, NULL, 'p'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct chosen {
    const char *targets, *engine, *server_name, *bundle;
    struct bundle_request request;
    bool global, tls_only, json;
    int64_t warn_days, timeout, parallel;
};

/* Shared by the threads: each takes the next job until there is none. */
struct pool {
    const struct chosen *chosen;
    struct probe_jobs *jobs;
    const struct certificate_list *roots; /* NULL: none */
    atomic_size_t next, done;
    pthread_mutex_t lock;
    pthread_cond_t grown; /* `done` has */
};

static void ask(const struct pool *pool, struct probe_job *job, const struct probe_engine *engine, int port,
                int64_t deadline)
{
    const char *name = job->server_name ? job->server_name : job->host;
    const struct probe_target target = {
        .protocol = engine->protocol,
        .address = job->host,
        .port = port,
        .server_name = name,
        .roots = pool->roots,
        .host = name,
        .plain = !pool->chosen->tls_only,
        .deadline = deadline,
    };
    probe_result_free(&job->result);
    job->failed = probe_run(&target, &job->result, &job->error);
}

/* Neither port nor engine is known. */
static void ask_everywhere(const struct pool *pool, struct probe_job *job, int64_t deadline)
{
    static const char *const order[] = {"postgres", "mysql", "sqlserver", "oracle"};
    const size_t count = sizeof order / sizeof order[0];
    int64_t until = clock_steady() + deadline;
    for (size_t i = 0; i < count; i++) {
        const struct probe_engine *engine = probe_engine_find(order[i]);
        ask(pool, job, engine, engine->port, (until - clock_steady()) / (int64_t)(count - i));
        if (!job->failed || job->result.answered) {
            job->engine = engine;
            job->port = engine->port;
            return;
        }
    }
    job->result.protocol = PROBE_ANY;
    error_prefix(&job->error, "no database answers at the ports 5432, 3306, 1433 and 2484");
}

static void run_job(const struct pool *pool, struct probe_job *job)
{
    int64_t deadline = pool->chosen->timeout * CLOCK_SECOND;
    const struct probe_engine *engine = job->engine ? job->engine : probe_engine_at(job->port);
    if (!job->port && !engine->port) {
        ask_everywhere(pool, job, deadline);
    } else {
        job->port = job->port ? job->port : engine->port;
        ask(pool, job, engine, job->port, deadline);
    }
    bool expiring = !job->failed && probe_days_left(&job->result) < pool->chosen->warn_days;
    job->verdict = job->failed          ? VERDICT_NOT_PROBED
                   : job->result.faults ? VERDICT_NOT_VERIFIED
                   : expiring           ? VERDICT_EXPIRING
                                        : VERDICT_OK;
}

static void *work(void *argument)
{
    struct pool *pool = argument;
    for (size_t i; (i = atomic_fetch_add(&pool->next, 1)) < pool->jobs->count;) {
        run_job(pool, &pool->jobs->items[i]);
        pthread_mutex_lock(&pool->lock);
        atomic_fetch_add(&pool->done, 1);
        pthread_cond_signal(&pool->grown);
        pthread_mutex_unlock(&pool->lock);
    }
    return NULL;
}

/* As many as may have files open at the same time. */
static size_t threads_allowed(const struct chosen *chosen, size_t jobs)
{
    struct rlimit limit = {0};
    size_t wanted = (size_t)chosen->parallel < jobs ? (size_t)chosen->parallel : jobs;
    rlim_t files = FILES_EACH * wanted + FILES_BESIDE;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < files) {
        limit.rlim_cur = limit.rlim_max < files ? limit.rlim_max : files;
        setrlimit(RLIMIT_NOFILE, &limit);
        getrlimit(RLIMIT_NOFILE, &limit);
    }
    size_t allowed = limit.rlim_cur > FILES_BESIDE ? (size_t)(limit.rlim_cur - FILES_BESIDE) / FILES_EACH : 1;
    return allowed < wanted ? allowed : wanted;
}

static void wait_for_jobs(struct pool *pool)
{
    struct progress progress;
    bool shown = pool->jobs->count > 1 && isatty(STDERR_FILENO) == 1;
    progress_begin(&progress, stderr, "probed", (int64_t)pool->jobs->count);
    pthread_mutex_lock(&pool->lock);
    for (size_t done; (done = atomic_load(&pool->done)) < pool->jobs->count;) {
        if (shown)
            progress_show(&progress, (int64_t)done);
        pthread_cond_wait(&pool->grown, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    if (shown)
        progress_show(&progress, (int64_t)pool->jobs->count);
    progress_end(&progress);
}

/* A thread a target, up to a limit: they do nothing but wait, and one that cannot be had is done without. */
static void run_jobs(struct pool *pool)
{
    pthread_attr_t attributes;
    size_t wanted = threads_allowed(pool->chosen, pool->jobs->count), count = 0;
    pthread_t *threads = mem_new_array(wanted + 1, sizeof *threads);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->grown, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    while (count < wanted && pthread_create(&threads[count], &attributes, work, pool) == 0)
        count++;
    if (!count)
        work(pool);
    wait_for_jobs(pool);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    pthread_attr_destroy(&attributes);
    pthread_cond_destroy(&pool->grown);
    pthread_mutex_destroy(&pool->lock);
    free(threads);
}

static bool asks_for_bundle(const struct chosen *chosen)
{
    return chosen->bundle || chosen->request.region || chosen->global;
}

static int read_roots(const struct chosen *chosen, struct certificate_list *roots, struct error *error)
{
    AUTO_BUF struct buf pem = {0};
    int result = chosen->bundle ? file_read(chosen->bundle, BUNDLE_LIMIT, &pem, error)
                                : bundle_read(&chosen->request, &pem, error);
    if (!result)
        result = certificate_list_parse_pem(slice_buf(&pem), roots, error);
    if (result && chosen->bundle)
        error_prefix(error, "%s", chosen->bundle);
    return result;
}

/* Standard input may be read once only, and from no file by name everywhere. */
static int read_targets(const struct chosen *chosen, struct probe_jobs *jobs, struct error *error)
{
    AUTO_BUF struct buf text = {0};
    const char *path = text_equal(chosen->targets, "-") ? "/dev/stdin" : chosen->targets;
    int result = file_read(path, TARGETS_LIMIT, &text, error);
    if (!result)
        result = probe_jobs_read(jobs, slice_buf(&text), chosen->engine, chosen->server_name, error);
    return result ? error_prefix(error, "--targets %s", chosen->targets) : 0;
}

static int show(const struct chosen *chosen, const struct probe_jobs *jobs)
{
    json_t *all = json_array();
    enum probe_verdict worst = VERDICT_OK;
    for (size_t i = 0; i < jobs->count; i++) {
        json_array_append_new(all,
                              probe_job_json(&jobs->items[i], asks_for_bundle(chosen), !chosen->tls_only));
        worst = jobs->items[i].verdict > worst ? jobs->items[i].verdict : worst;
    }
    for (size_t i = 0; chosen->json && i < jobs->count; i++) {
        AUTO_FREE char *line = json_dumps(json_array_get(all, i), JSON_COMPACT);
        puts(line);
    }
    if (!chosen->json && jobs->count == 1)
        probe_show_text(json_array_get(all, 0));
    else if (!chosen->json)
        probe_show_table(all);
    json_decref(all);
    return (int)worst;
}

static int run(const struct chosen *chosen, struct probe_jobs *jobs)
{
    struct certificate_list roots = {0};
    struct error error = {0};
    if (asks_for_bundle(chosen) && read_roots(chosen, &roots, &error))
        return cli_fail("probe", &error);
    struct pool pool = {.chosen = chosen, .jobs = jobs, .roots = asks_for_bundle(chosen) ? &roots : NULL};
    run_jobs(&pool);
    certificate_list_free(&roots);
    return show(chosen, jobs);
}

static int read_number(const char *name, int64_t least, int64_t most, int64_t *value, struct error *error)
{
    if (text_integer(optarg, least, most, value))
        return 0;
    return error_set(error, ERROR_INVALID, "--%s: expected %lld to %lld, found %s", name, (long long)least,
                     (long long)most, optarg);
}

static int read_option(struct chosen *chosen, int option, struct error *error)
{
    const char **places[] = {['t'] = &chosen->targets,          ['e'] = &chosen->engine,
                             ['s'] = &chosen->server_name,      ['b'] = &chosen->bundle,
                             ['r'] = &chosen->request.region,   ['d'] = &chosen->request.run_folder,
                             ['u'] = &chosen->request.endpoint, ['a'] = &chosen->request.ca};
    switch (option) {
    case 'g':
        chosen->global = true;
        return 0;
    case 'o':
        chosen->tls_only = true;
        return 0;
    case 'j':
        chosen->json = true;
        return 0;
    case 'w':
        return read_number("warn-days", 0, 36525, &chosen->warn_days, error);
    case 'T':
        return read_number("timeout", 1, 600, &chosen->timeout, error);
    case 'p':
        return read_number("parallel", 1, 10000, &chosen->parallel, error);
    default:
        *places[option] = optarg;
        return 0;
    }
}

static int check(const struct chosen *chosen, struct error *error)
{
    int ways = (chosen->bundle != NULL) + (chosen->request.region != NULL) + chosen->global;
    if (ways > 1)
        return error_set(error, ERROR_INVALID, "--bundle, --region and --global exclude each other");
    if (chosen->request.run_folder && (!ways || chosen->bundle))
        return error_set(error, ERROR_INVALID, "--run-dir goes with --region or --global");
    return 0;
}

static int gather(const struct chosen *chosen, int argc, char **argv, struct probe_jobs *jobs,
                  struct error *error)
{
    int result = check(chosen, error);
    for (int i = optind; i < argc && !result; i++)
        result = probe_jobs_add(jobs, argv[i], chosen->engine, chosen->server_name, error);
    if (!result && chosen->targets)
        result = read_targets(chosen, jobs, error);
    if (!result && !jobs->count)
        result = error_set(error, ERROR_INVALID, "no target: give HOST[:PORT] or --targets");
    return result;
}

int cli_probe(int argc, char **argv)
{
    struct chosen chosen = {.warn_days = 30,
                            .timeout = 5,
                            .parallel = 1000,
                            .request = {.format = "pem",
                                        .endpoint = getenv("SEALWRIGHT_ENDPOINT"),
                                        .ca = getenv("SEALWRIGHT_CA")}};
    struct probe_jobs jobs = {0};
    struct error error = {0};
    int result = 0;
    for (int option; !result && (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'h' || option == '?') {
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
        result = read_option(&chosen, option, &error);
    }
    if (!result)
        result = gather(&chosen, argc, argv, &jobs, &error);
    int status = result == ERROR_INVALID ? cli_usage("probe", "%s", error.text)
                 : result                ? cli_fail("probe", &error)
                                         : run(&chosen, &jobs);
    probe_jobs_free(&jobs);
    return status;
}
