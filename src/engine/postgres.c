/* PostgreSQL. */
#include "engine/postgres.h"

static const char *const engines[] = {"postgres", NULL};

const struct engine_driver postgres_driver = {
    .engines = engines,
    .default_port = 5432,
    .probe = PROBE_POSTGRES,
    .reloads_certificate = true,
    .discover = postgres_discover,
    .compatible = postgres_compatible,
    .provisioned = postgres_provisioned,
    .provision = postgres_provision,
    .configure = postgres_configure,
    .status = postgres_status,
    .start = postgres_start,
    .stop = postgres_stop,
    .reload = postgres_reload,
    .set_master = postgres_set_master,
    .certificate_files = postgres_certificate_files,
    .evidence = postgres_evidence,
    .adoption = &postgres_adoption,
};
