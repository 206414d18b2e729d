/* MySQL. */
#include "engine/mysql.h"

#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"

enum { PROVISION_DEADLINE = 10 * 60 * 1000 };

static const char *const engines[] = {"mysql", NULL};
static const char *const programs[] = {"mysqld", NULL};

/* Many small servers share a machine; parameters may say more. */
static const struct engine_parameter defaults[] = {
    {"tls_version", "TLSv1.2,TLSv1.3"},
    {"character_set_server", "utf8mb4"},
    {"max_connections", "100"},
    {"loose_innodb_buffer_pool_size", "33554432"},
    {"loose_innodb_log_buffer_size", "4194304"},
    {"loose_innodb_redo_log_capacity", "33554432"},
    {"loose_innodb_use_native_aio", "OFF"},
    {"loose_key_buffer_size", "1048576"},
    {"loose_performance_schema", "OFF"},
    {"loose_table_definition_cache", "400"},
    {"loose_table_open_cache", "400"},
    {NULL, NULL},
};

static const struct engine_parameter fixed[] = {
    {"auto_generate_certs", "OFF"},
    {"log_error_verbosity", "3"}, /* the evidence is a note */
    {"log_timestamps", "UTC"},
    {"loose_mysqlx", "OFF"}, /* a second port */
    {"partial_revokes", "ON"},
    {"persisted_globals_load", "OFF"},
    {"secure_file_priv", "NULL"},
    {"skip_log_bin", NULL},
    {NULL, NULL},
};

/* RDS's list (user guide, "Master user account privileges") but for SET_USER_ID, by which a view could be
 * made in this driver's name. Written to, the tables of the database mysql would make a superuser of anybody.
 */
#define PRIVILEGES                                                                                           \
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, "              \
    "SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, " \
    "CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, CREATE ROLE, "      \
    "DROP ROLE, APPLICATION_PASSWORD_ADMIN, ROLE_ADMIN, XA_RECOVER_ADMIN"
#define WRITING                                                                                              \
    "INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, CREATE TEMPORARY TABLES, CREATE "       \
    "VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER"
static const struct mysqld_statement privileges[] = {
    {"GRANT " PRIVILEGES " ON *.* TO", "WITH GRANT OPTION"},
    {"REVOKE " WRITING " ON mysql.* FROM", ""},
    {NULL, NULL},
};

static char *identified(const char *password)
{
    char *escaped = mysqld_escape(password);
    /* In the server's own logs it is <secret> (manual, "Passwords and Logging"). */
    char *clause = mem_format("IDENTIFIED WITH caching_sha2_password BY '%s'", escaped);
    mem_free_secret(escaped);
    return clause;
}

static int fill(const struct engine_instance *instance, const char *new_data, struct error *error)
{
    AUTO_FREE char *program = mysqld_program(&mysql_flavour, instance->release->programs);
    AUTO_FREE char *folder = mem_format("--datadir=%s", new_data);
    AUTO_FREE char *names =
        mem_format("--lower-case-table-names=%s", engine_parameter(instance, "lower_case_table_names", "0"));
    if (!program)
        return error_set(error, ERROR_NOT_FOUND, "MySQL is not in %s any more", instance->release->programs);
    /* The superuser's account that this makes goes at the first start. The data is synced as a whole. */
    const char *const make[] = {program,
                                "--no-defaults",
                                "--initialize-insecure",
                                folder,
                                names,
                                "--character-set-server=utf8mb4",
                                "--skip-log-bin",
                                "--loose-innodb-redo-log-capacity=33554432",
                                "--innodb-flush-method=nosync",
                                NULL};
    return process_run(make, PROVISION_DEADLINE, NULL, error);
}

static void discover(const char *folders, struct engine_releases *releases)
{
    mysqld_discover(&mysql_flavour, folders, releases);
}

/* A leaf below a subordinate is taken only if ssl_ca holds both the subordinate and the root. */
static void certificate_files(const struct engine_instance *instance, struct engine_certificate_files *files)
{
    files->chain = mem_format("%s/tls/server.crt", instance->folder);
    files->key = mem_format("%s/tls/server.key", instance->folder);
    files->issuers = mem_format("%s/tls/issuers.pem", instance->folder);
}

static int evidence(const struct engine_instance *instance, struct engine_evidence *found,
                    struct error *error)
{
    return mysqld_evidence(&mysql_flavour, instance, found, error);
}

const struct mysqld_flavour mysql_flavour = {
    .engine = "mysql",
    .title = "MySQL",
    .programs = programs,
    .least_version = "8.0.16", /* ALTER INSTANCE RELOAD TLS */
    .defaults = defaults,
    .fixed = fixed,
    .reads_issuers = true,
    .read_certificate = "ALTER INSTANCE RELOAD TLS",
    .privileges = privileges,
    .identified = identified,
    .fill = fill,
};

const struct mysqld_flavour *mysqld_flavour_of(const struct engine_instance *instance)
{
    return text_equal(instance->release->engine, mariadb_flavour.engine) ? &mariadb_flavour : &mysql_flavour;
}

const struct engine_driver mysql_driver = {
    .engines = engines,
    .default_port = 3306,
    .probe = PROBE_MYSQL,
    .reloads_certificate = true,
    .discover = discover,
    .compatible = mysqld_compatible,
    .provisioned = mysqld_provisioned,
    .provision = mysqld_provision,
    .configure = mysqld_configure,
    .status = mysqld_status,
    .start = mysqld_start,
    .stop = mysqld_stop,
    .reload = mysqld_reload,
    .set_master = mysqld_set_master,
    .certificate_files = certificate_files,
    .evidence = evidence,
    .adoption = &mysql_adoption,
};
