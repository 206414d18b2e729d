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

/* One worker: batches of fresh requests until the time is over; answers how many were issued. The requests
 * are made before the clock starts. */
static int run_worker(struct fleet *fleet, const char *ca_identifier, int worker, int start,
                      int64_t milliseconds)
{
    struct error error = {0};
    EVP_PKEY *key = NULL;
    if (key_generate(ca_profile_find(ca_identifier)->key, &key, &error))
        fail("key", &error);
    int room = (int)(milliseconds * 5); /* more than any machine signs: 5,000 a second */
    if (ca_profile_find(ca_identifier)->key == KEY_RSA_4096)
        room /= 8;
    room -= room % BATCH;
    make_instances(fleet, ca_identifier, worker, room);
    struct certificate_request *requests = mem_new_array((size_t)room, sizeof *requests);
    for (int i = 0; i < room; i++)
        make_request(fleet, key, worker, i, &requests[i]);
    char go;
    if (read(start, &go, 1) != 0) /* the end of the pipe is the start of the race */
        fail("start", &error);
    int done = 0;
    for (int64_t until = clock_steady() + milliseconds; done < room && clock_steady() < until;
         done += BATCH) {
        struct certificate_reply replies[BATCH] = {0};
        if (issue_certificates(fleet, HOST, requests + done, BATCH, replies, &error))
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

int main(int argc, char **argv)
{
    struct error error = {0};
    if (argc != 5) {
        fputs("usage: bench_issue FOLDER CA_IDENTIFIER WORKERS SECONDS\n", stderr);
        return 2;
    }
    const char *folder = argv[1], *ca_identifier = argv[2];
    int workers = atoi(argv[3]);
    int64_t milliseconds = atoi(argv[4]) * CLOCK_SECOND;
    struct settings settings;
    settings_defaults(&settings, folder);
    region_table_add(&settings.regions, settings.home_region, NULL, NULL, &error);
    int ends[WORKER_ROOM][2], channels[WORKER_ROOM], start[2], results[2];
    for (int i = 0; i < workers; i++) {
        if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends[i]) < 0)
            return 1;
        channels[i] = ends[i][1];
    }
    AUTO_FREE char *signer_folder = mem_format("%s/signer", folder);
    pid_t signer = fork();
    if (signer == 0)
        run_signer(signer_folder, channels, (size_t)workers);
    if (pipe(start) < 0 || pipe(results) < 0)
        return 1;
    for (int i = 0; i < workers; i++) {
        if (fork() == 0) {
            close(start[1]);
            struct fleet fleet;
            if (server_open_fleet(&settings, &fleet, &error))
                fail("store", &error);
            fleet.signer = signer_client_new(ends[i][0], 60 * CLOCK_SECOND);
            make_authorities(&fleet, ca_identifier);
            int done = -1;
            /* The ready ones wait for the start; the parent learns of them by a first number. */
            int result[2] = {i, 0};
            done = run_worker(&fleet, ca_identifier, i, start[0], milliseconds);
            result[1] = done;
            if (write(results[1], result, sizeof result) != sizeof result)
                return 1;
            _exit(0);
        }
    }
    close(start[0]);
    sleep(atoi(argv[4]) > 0 ? 0 : 0);
    close(start[1]);
    int total = 0;
    for (int i = 0; i < workers; i++) {
        int result[2];
        if (read(results[0], result, sizeof result) != sizeof result)
            return 1;
        total += result[1];
    }
    kill(signer, SIGTERM);
    while (wait(NULL) > 0)
        ;
    printf("%.0f\n", (double)total / ((double)milliseconds / 1000));
    settings_free(&settings);
    return 0;
}
