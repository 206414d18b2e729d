/* The fleet as it is when the simulation begins. */
#include "sim.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/name.h"
#include "fleet/rotate.h"
#include "fleet/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define START INT64_C(1798761600000) /* 2027-01-01 */
#define YEAR  (365 * CLOCK_DAY)

static char folders[8][64]; /* of the stores that are open */

void sim_stop(const char *what, const char *why)
{
    fprintf(stderr, "simulate: %s: %s\n", what, why);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (folders[i][0])
            file_remove_tree(folders[i], NULL);
    exit(1);
}

/* Replaces `before` in the list of folders: "" where it is to be added. */
static void note_folder(const char *before, const char *after)
{
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        if (text_equal(folders[i], before)) {
            text_copy(folders[i], sizeof folders[i], after);
            return;
        }
}

void sim_go_to(int64_t at)
{
    clock_stop(at);
    clock_now(); /* a guarded clock that is looked at follows */
}

/* SplitMix64: the same fleet in each run. */
uint64_t sim_random(struct sim *sim)
{
    uint64_t x = sim->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

int64_t sim_between(struct sim *sim, int64_t from, int64_t to)
{
    return from + (int64_t)(sim_random(sim) % (uint64_t)(to - from));
}

bool sim_chance(struct sim *sim, double probability)
{
    return (double)(sim_random(sim) >> 11) * 0x1p-53 < probability;
}

const char *sim_region(size_t host)
{
    static const char *const regions[] = {"us-east-1", "us-west-2", "eu-west-1", "ap-southeast-2",
                                          "sa-east-1"};
    return regions[host % (sizeof regions / sizeof regions[0])];
}

void sim_host_name(size_t host, char name[64])
{
    snprintf(name, 64, "host-%05zu", host);
}

void sim_serial(int64_t number, char serial[48])
{
    snprintf(serial, 48, "%032llx", (unsigned long long)number);
}

static void check(int result, const char *what, const struct error *error)
{
    if (result)
        sim_stop(what, error->text);
}

static void open_store(struct sim *sim)
{
    struct error error = {0};
    struct seal seal = {0};
    /* In memory: the disk's pace is not what is looked at. */
    snprintf(sim->folder, sizeof sim->folder, "%s/sealwright-sim.XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!mkdtemp(sim->folder))
        sim_stop(sim->folder, "cannot make a folder");
    note_folder("", sim->folder);
    settings_defaults(&sim->settings, sim->folder);
    if (!sim->settings.regions.count)
        region_table_add_defaults(&sim->settings.regions);
    AUTO_FREE char *path = mem_format("%s/store", sim->folder);
    check(store_open(path, &seal, &sim->fleet.store, &error), path, &error);
    sim->fleet.settings = &sim->settings;
    text_copy(sim->fleet.owner, sizeof sim->fleet.owner, "simulation");
    watch_open(sim, path);
}

static void add_hosts(struct sim *sim)
{
    struct error error = {0};
    for (size_t i = 0; i < sim->host_count; i++) {
        struct host_row host = {.created_at = sim->start - YEAR, .seen_at = sim->start, .revision = 1};
        sim_host_name(i, host.host);
        buf_append_text(&host.engines, "[{\"engine\":\"postgres\",\"version\":\"15.18\"}]");
        check(store_host_put(sim->fleet.store, &host, &error), host.host, &error);
        host_row_free(&host);
    }
}

/* Created at some time of the last year; renewed since where it is due for that. */
static void choose_certificate(struct sim *sim, struct sim_instance *instance, int64_t created_at)
{
    struct certificate *served = &instance->served;
    int64_t renewed_at = created_at + sim_between(sim, 190, 225) * CLOCK_DAY;
    bool renewed = instance->rotates && instance->reloads && renewed_at < sim->start;
    served->generation = instance->wanted = renewed ? 2 : 1;
    served->issued_at = renewed ? renewed_at : created_at;
    served->not_after = rotation_end_of_life(&sim->settings, instance->reloads,
                                             served->issued_at - 5 * CLOCK_MINUTE, served->issued_at);
    served->number = ++sim->serials;
    instance->desired = 1;
}

static void add_certificate(struct sim *sim, const struct sim_instance *instance)
{
    struct error error = {0};
    struct server_certificate_row row = {.certificate_generation = instance->served.generation,
                                         .number = 1,
                                         .not_before = instance->served.issued_at - 5 * CLOCK_MINUTE,
                                         .not_after = instance->served.not_after,
                                         .issued_at = instance->served.issued_at};
    sim_serial(instance->served.number, row.serial);
    text_copy(row.resource_id, sizeof row.resource_id, instance->resource_id);
    text_copy(row.region, sizeof row.region, sim_region(instance->host));
    text_copy(row.ca_identifier, sizeof row.ca_identifier, instance->ca);
    buf_append_text(&row.certificate, "a certificate");
    check(store_server_certificate_insert(sim->fleet.store, &row, &error), row.serial, &error);
    server_certificate_row_free(&row);
}

static void fill_row(const struct sim *sim, const struct sim_instance *instance, struct instance_row *row)
{
    struct window weekly, backup;
    row->allocated_storage = 20;
    row->port = 5432;
    row->running = true;
    row->generation = row->observed_generation = 1;
    row->certificate_generation = row->observed_certificate_generation = instance->served.generation;
    row->served_not_after = instance->served.not_after;
    row->served_issued_at = instance->served.issued_at;
    text_copy(row->resource_id, sizeof row->resource_id, instance->resource_id);
    snprintf(row->identifier, sizeof row->identifier, "sim-%s", instance->resource_id + 22);
    sim_serial(instance->served.number, row->served_serial);
    text_copy(row->region, sizeof row->region, sim_region(instance->host));
    sim_host_name(instance->host, row->host);
    text_copy(row->engine, sizeof row->engine, instance->reloads ? "postgres" : "sqlserver-se");
    text_copy(row->engine_version, sizeof row->engine_version, instance->reloads ? "15.18" : "15.00");
    text_copy(row->instance_class, sizeof row->instance_class, "db.t3.micro");
    text_copy(row->status, sizeof row->status, "available");
    text_copy(row->master_username, sizeof row->master_username, "app");
    window_defaults(row->region, row->resource_id, &weekly, &backup);
    window_format_weekly(&weekly, row->maintenance_window);
    window_format_daily(&backup, row->backup_window);
    text_copy(row->ca_identifier, sizeof row->ca_identifier, instance->ca);
    text_copy(row->served_ca_identifier, sizeof row->served_ca_identifier, instance->ca);
    name_endpoint(&sim->settings, row->region, row->identifier, row->address);
    buf_printf(&row->names, "[\"%s\"]", row->address);
}

/* sun:03:00-sun:03:30, read once more: what the product makes of it is looked at here. */
static void read_window(const char *text, struct sim_instance *instance)
{
    static const char days[] = "sunmontuewedthufrisat";
    char from[4], to[4];
    int h1, m1, h2, m2;
    if (sscanf(text, "%3[a-z]:%2d:%2d-%3[a-z]:%2d:%2d", from, &h1, &m1, to, &h2, &m2) != 6)
        sim_stop(text, "is no window");
    int first = (int)(strstr(days, from) - days) / 3, last = (int)(strstr(days, to) - days) / 3;
    instance->window_start = first * 1440 + h1 * 60 + m1;
    instance->window_length = (last * 1440 + h2 * 60 + m2 - instance->window_start + 10080) % 10080;
}

static void add_instance(struct sim *sim, size_t index)
{
    static const char *const renewed[] = {"rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"};
    struct sim_instance *instance = &sim->instances[index];
    struct error error = {0};
    struct instance_row row = {.created_at = sim_between(sim, sim->start - YEAR, sim->start)};
    instance->host = index / INSTANCES_OF_A_HOST;
    instance->rotates = !sim_chance(sim, 0.05);
    instance->reloads = !sim_chance(sim, 0.10);
    instance->ca = instance->rotates ? renewed[sim_random(sim) % 3] : "rds-ca-2019";
    memcpy(instance->resource_id, "db-", 3);
    for (size_t i = 3; i < 22; i++)
        instance->resource_id[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[sim_random(sim) % 26];
    snprintf(instance->resource_id + 22, 8, "%07zu", index % 10000000);
    choose_certificate(sim, instance, row.created_at);
    fill_row(sim, instance, &row);
    read_window(row.maintenance_window, instance);
    check(store_instance_insert(sim->fleet.store, &row, &error), row.identifier, &error);
    add_certificate(sim, instance);
    check(rotate_schedule(&sim->fleet, &row, &error), row.identifier, &error);
    instance_row_free(&row);
}

struct sim *sim_new(size_t instances, int64_t rotations_per_minute)
{
    struct error error = {0};
    struct sim *sim = mem_new(sizeof *sim);
    sim->start = sim->now = START;
    sim->count = instances;
    sim->host_count = (instances + INSTANCES_OF_A_HOST - 1) / INSTANCES_OF_A_HOST;
    sim->instances = mem_new_array(instances, sizeof *sim->instances);
    sim->hosts = mem_new_array(sim->host_count, sizeof *sim->hosts);
    open_store(sim);
    sim->settings.rotations_per_minute = rotations_per_minute;
    clock_guard(0, 0);
    sim_go_to(sim->now);
    check(work_plan(&sim->fleet, &error), "work_plan", &error);
    check(store_begin(sim->fleet.store, &error), "begin", &error);
    add_hosts(sim);
    for (size_t i = 0; i < instances; i++)
        add_instance(sim, i);
    check(store_commit(sim->fleet.store, &error), "commit", &error);
    return sim;
}

void sim_free(struct sim *sim)
{
    struct error error = {0};
    clock_guard(0, 0);
    clock_stop(0);
    watch_close(sim);
    store_close(sim->fleet.store);
    check(file_remove_tree(sim->folder, &error), sim->folder, &error);
    note_folder(sim->folder, "");
    for (size_t i = 0; i < sim->host_count; i++)
        free(sim->hosts[i].outages);
    free(sim->server.outages);
    free(sim->hosts);
    free(sim->instances);
    free(sim->starts);
    queue_free(&sim->queue);
    settings_free(&sim->settings);
    free(sim);
}
