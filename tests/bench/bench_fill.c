/* Fills the store of a run folder with instances that look available: bench_fill RUN_FOLDER COUNT */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/name.h"
#include "server/server.h"

#include <stdio.h>
#include <stdlib.h>

#define HOST "bench-host"

static int fill(struct fleet *fleet, int count, struct error *error)
{
    struct host_row host = {.host = HOST, .revision = 1};
    buf_append_text(&host.engines, "[{\"engine\":\"postgres\",\"version\":\"15.0\"}]");
    int result = store_host_put(fleet->store, &host, error);
    host_row_free(&host);
    for (int i = 0; !result && i < count; i++) {
        struct instance_row row = {.allocated_storage = 20,
                                   .created_at = clock_now(),
                                   .port = 5432,
                                   .running = true,
                                   .generation = 1,
                                   .certificate_generation = 1,
                                   .observed_generation = 1,
                                   .observed_certificate_generation = 1,
                                   .served_not_after = clock_now() + 365 * CLOCK_DAY};
        snprintf(row.resource_id, sizeof row.resource_id, "db-BENCH%021d", i);
        snprintf(row.identifier, sizeof row.identifier, "bench-%04d", i);
        snprintf(row.served_serial, sizeof row.served_serial, "%032d", i);
        text_copy(row.region, sizeof row.region, fleet->settings->home_region);
        text_copy(row.host, sizeof row.host, HOST);
        text_copy(row.engine, sizeof row.engine, "postgres");
        text_copy(row.engine_version, sizeof row.engine_version, "15.0");
        text_copy(row.instance_class, sizeof row.instance_class, "db.t3.micro");
        text_copy(row.status, sizeof row.status, "available");
        text_copy(row.master_username, sizeof row.master_username, "app");
        text_copy(row.maintenance_window, sizeof row.maintenance_window, "tue:07:30-tue:08:00");
        text_copy(row.backup_window, sizeof row.backup_window, "08:00-08:30");
        text_copy(row.ca_identifier, sizeof row.ca_identifier, "rds-ca-rsa2048-g1");
        text_copy(row.served_ca_identifier, sizeof row.served_ca_identifier, "rds-ca-rsa2048-g1");
        name_endpoint(fleet->settings, row.region, row.identifier, row.address);
        buf_printf(&row.names, "[\"%s\"]", row.address);
        result = store_instance_insert(fleet->store, &row, error);
        instance_row_free(&row);
    }
    return result;
}

int main(int argc, char **argv)
{
    struct settings settings;
    struct fleet fleet;
    struct error error = {0};
    if (argc != 3)
        return 2;
    int result = settings_load(&settings, argv[1], &error);
    if (!result)
        result = server_open_fleet(&settings, &fleet, &error);
    if (!result)
        result = store_begin(fleet.store, &error);
    if (!result)
        result = store_finish(fleet.store, fill(&fleet, atoi(argv[2]), &error), &error);
    if (result)
        fprintf(stderr, "bench_fill: %s\n", error.text);
    return result ? 1 : 0;
}
