/* SQL Server on Linux. */
#include "engine/sqlserver.h"

static const char *const engines[] = {"sqlserver-ee", "sqlserver-se", "sqlserver-ex", "sqlserver-web", NULL};

const struct engine_driver sqlserver_driver = {
    .engines = engines,
    .default_port = 1433,
    .probe = PROBE_TDS,
    .reloads_certificate = false,
    .discover = sqlserver_discover,
    .compatible = sqlserver_compatible,
    .provisioned = sqlserver_provisioned,
    .provision = sqlserver_provision,
    .configure = sqlserver_configure,
    .status = sqlserver_status,
    .start = sqlserver_start,
    .stop = sqlserver_stop,
    .reload = sqlserver_reload,
    .set_master = sqlserver_set_master,
    .certificate_files = sqlserver_certificate_files,
    .listens = sqlserver_listens,
};
