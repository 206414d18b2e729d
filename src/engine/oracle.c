/* Oracle Database 19c, Enterprise Edition and Standard Edition 2. A new certificate needs a restart of the
 * listener, not of the database: sessions go on, new ones fail for a moment. */
#include "engine/oracle.h"

static const char *const engines[] = {"oracle-ee", "oracle-se2", NULL};

const struct engine_driver oracle_driver = {
    .engines = engines,
    .default_port = 1521,
    .probe = PROBE_TLS,
    .reloads_certificate = true,
    .discover = oracle_discover,
    .compatible = oracle_compatible,
    .provisioned = oracle_provisioned,
    .provision = oracle_provision,
    .configure = oracle_configure,
    .status = oracle_status,
    .start = oracle_start,
    .stop = oracle_stop,
    .reload = oracle_reload,
    .set_master = oracle_set_master,
    .certificate_files = oracle_certificate_files,
    .tls_port = oracle_tls_port,
};
