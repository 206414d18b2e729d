/* How many server certificates a second are signed, checked and stored on disk: fleet/issue over a real
 * signer and a real store.
 *
 *   bench_issue FOLDER CA_IDENTIFIER WORKERS SECONDS        prints certificates per second, all workers
 * together
 *
 * Each worker is a process with its own channel to the one signer, as in the server. All requests use one
 * key: making keys is the agents' work. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/issue.h"
#include "fleet/name.h"
#include "server/server.h"
#include "signer/signer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 64, WORKER_ROOM = 8 };
#define HOST "bench"

static _Noreturn void fail(const char *what, const struct error *error)
{
    fprintf(stderr, "bench_issue: %s: %s\n", what, error->text);
    exit(1);
}

static _Noreturn void run_signer(const char *folder, const int *channels, size_t count)
{
    AUTO_FREE char *key_file = mem_format("%s/master.key", folder);
    struct signer_options options = {
        .folder = folder,
        .key_file = key_file,
        .legacy_not_after_days = 1826,
        .longest_life = 4 * 366 * CLOCK_DAY,
        .key_makers = 2,
    };
    organisation_defaults(&options.organisation);
    exit(signer_run(&options, channels, count));
}

/* Makes the authorities of the one region by the same work as the server does. */
static void make_authorities(struct fleet *fleet, const char *ca_identifier)
{
    struct error error = {0};
    const char *region = fleet->settings->home_region;
    const struct region *found = region_find(&fleet->settings->regions, region);
    for (int number = 0; number <= 1; number++) {
        struct work_row work = {.kind = WORK_AUTHORITY};
        snprintf(work.subject, sizeof work.subject, "%s/%s/%d",
                 number ? region : region_root_scope(found, ca_identifier), ca_identifier, number);
        int result;
        while ((result = authority_work(fleet, &work, &error)) == ERROR_BUSY)
            usleep(20000);
        if (result)
            fail("authority", &error);
    }
}

/* `count` instances of one host, each with its own name. */
static void make_instances(struct fleet *fleet, const char *ca_identifier, int worker, int count)
{
    struct error error = {0};
    store_begin(fleet->store, &error);
    for (int i = 0; i < count; i++) {
        struct instance_row row = {.running = true, .generation = 1, .certificate_generation = 1};
        snprintf(row.resource_id, sizeof row.resource_id, "db-BENCH%d-%d", worker, i);
        snprintf(row.identifier, sizeof row.identifier, "bench-%d-%d", worker, i);
        text_copy(row.region, sizeof row.region, fleet->settings->home_region);
        text_copy(row.host, sizeof row.host, HOST);
        text_copy(row.engine, sizeof row.engine, "postgres");
        text_copy(row.engine_version, sizeof row.engine_version, "15.0");
        text_copy(row.status, sizeof row.status, "available");
        text_copy(row.ca_identifier, sizeof row.ca_identifier, ca_identifier);
        name_endpoint(fleet->settings, row.region, row.identifier, row.address);
        buf_printf(&row.names, "[\"%s\"]", row.address);
        if (store_instance_insert(fleet->store, &row, &error))
            fail("instance", &error);
        instance_row_free(&row);
    }
    if (store_commit(fleet->store, &error))
        fail("instances", &error);
}

static void make_request(struct fleet *fleet, EVP_PKEY *key, int worker, int i,
                         struct certificate_request *request)
{
    struct error error = {0};
    char identifier[64], address[256];
    struct text_list names = {0};
    snprintf(request->resource_id, sizeof request->resource_id, "db-BENCH%d-%d", worker, i);
    snprintf(identifier, sizeof identifier, "bench-%d-%d", worker, i);
    name_endpoint(fleet->settings, fleet->settings->home_region, identifier, address);
    text_list_add(&names, address);
    request->certificate_generation = 1;
    if (request_make(key, &names, &request->request, &error))
        fail("request", &error);
    text_list_free(&names);
}

/* What a worker needs before its clock starts. */
struct load {
    struct certificate_request *requests;
    int room;
};

static struct load make_load(struct fleet *fleet, const char *ca_identifier, int worker, int64_t milliseconds)
{
    struct error error = {0};
    const struct ca_profile *profile = ca_profile_find(ca_identifier);
    EVP_PKEY *key = NULL;
    if (key_generate(profile->key, &key, &error))
        fail("key", &error);
    /* More than a worker can sign in that time. */
    int room = (int)(milliseconds * (profile->key == KEY_RSA_2048 ? 4 : 1));
    room -= room % BATCH;
    make_instances(fleet, ca_identifier, worker, room);
    struct load load = {mem_new_array((size_t)room, sizeof *load.requests), room};
    for (int i = 0; i < room; i++)
        make_request(fleet, key, worker, i, &load.requests[i]);
    EVP_PKEY_free(key);
    return load;
}

static int issue_until(struct fleet *fleet, const struct load *load, int64_t until)
{
    struct error error = {0};
    int done = 0;
    for (; done + BATCH <= load->room && clock_steady() < until; done += BATCH) {
        struct certificate_reply replies[BATCH] = {0};
        if (issue_certificates(fleet, HOST, load->requests + done, BATCH, replies, &error))
            fail("issue", &error);
        for (int i = 0; i < BATCH; i++) {
            if (!replies[i].chain) {
                fprintf(stderr, "bench_issue: refused: %s\n", replies[i].error);
                exit(1);
            }
            certificate_reply_free(&replies[i]);
        }
    }
    return done;
}

/* A worker process: says that it is ready, waits for the start, issues, says how many. */
static _Noreturn void run_worker(const struct settings *settings, const char *ca_identifier, int worker,
                                 int channel, int ready, int start, int64_t milliseconds)
{
    struct error error = {0};
    struct fleet fleet;
    if (server_open_fleet(settings, &fleet, &error))
        fail("store", &error);
    fleet.signer = signer_client_new(channel, 60 * CLOCK_SECOND);
    make_authorities(&fleet, ca_identifier);
    struct load load = make_load(&fleet, ca_identifier, worker, milliseconds);
    char go = 'r';
    int done = 0;
    if (write(ready, &done, sizeof done) != sizeof done || read(start, &go, 1) != 0)
        exit(1);
    done = issue_until(&fleet, &load, clock_steady() + milliseconds);
    exit(write(ready, &done, sizeof done) == sizeof done ? 0 : 1);
}

/* Reads a number of each worker. */
static int collect(int from, int workers)
{
    int total = 0;
    for (int i = 0; i < workers; i++) {
        int number = 0;
        if (read(from, &number, sizeof number) != sizeof number)
            exit(1);
        total += number;
    }
    return total;
}

int main(int argc, char **argv)
{
    struct error error = {0};
    struct settings settings;
    int ends[WORKER_ROOM][2], channels[WORKER_ROOM], ready[2], start[2];
    int workers = argc == 5 ? atoi(argv[3]) : 0;
    if (workers < 1 || workers > WORKER_ROOM) {
        fputs("usage: bench_issue FOLDER CA_IDENTIFIER WORKERS SECONDS\n", stderr);
        return 2;
    }
    int64_t seconds = atoi(argv[4]);
    settings_defaults(&settings, argv[1]);
    region_table_add(&settings.regions, settings.home_region, NULL, NULL, &error);
    for (int i = 0; i < workers; i++) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends[i]) < 0)
            return 1;
        channels[i] = ends[i][1];
    }
    AUTO_FREE char *signer_folder = mem_format("%s/signer", argv[1]);
    pid_t signer = fork();
    if (signer == 0)
        run_signer(signer_folder, channels, (size_t)workers);
    if (pipe(ready) < 0 || pipe(start) < 0) /* after the signer's fork: it must not hold the start back */
        return 1;
    for (int i = 0; i < workers; i++) {
        if (fork() == 0) {
            close(start[1]);
            run_worker(&settings, argv[2], i, ends[i][0], ready[1], start[0], seconds * CLOCK_SECOND);
        }
    }
    collect(ready[0], workers);
    close(start[1]); /* the end of this pipe is the start */
    printf("%.1f\n", (double)collect(ready[0], workers) / (double)seconds);
    kill(signer, SIGTERM);
    while (wait(NULL) > 0)
        ;
    settings_free(&settings);
    return 0;
}
