/* MariaDB: what it does not share with MySQL. */
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/mysql.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROVISION_DEADLINE = 10 * 60 * 1000, SHA1_LENGTH = 20 };

static const char *const engines[] = {"mariadb", NULL};
static const char *const programs[] = {"mariadbd", "mysqld", NULL};

/* Many small servers share a machine; parameters may say more. */
static const struct engine_parameter defaults[] = {
    {"tls_version", "TLSv1.2,TLSv1.3"},
    {"character_set_server", "utf8mb4"},
    {"max_connections", "100"},
    {"loose_aria_pagecache_buffer_size", "8388608"},
    {"loose_innodb_buffer_pool_size", "33554432"},
    {"loose_innodb_log_buffer_size", "4194304"},
    {"loose_innodb_log_file_size", "25165824"},
    {"loose_innodb_use_native_aio", "OFF"},
    {"loose_key_buffer_size", "1048576"},
    {"loose_performance_schema", "OFF"},
    {"loose_table_definition_cache", "400"},
    {"loose_table_open_cache", "400"},
    {NULL, NULL},
};

static const struct engine_parameter fixed[] = {
    {"loose_feedback", "OFF"},
    {"log_warnings", "4"}, /* less says nothing of handshakes */
    {"symbolic_links", "OFF"},
    {NULL, NULL},
};

/* RDS's list (user guide, "Master user account privileges"). */
static const struct mysqld_statement privileges[] = {
    {"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW "
     "DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, BINLOG MONITOR, CREATE "
     "VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER, DELETE HISTORY ON *.* TO",
     "WITH GRANT OPTION"},
    {NULL, NULL},
};

/* The server gets SHA1(SHA1(password)), as mysql_native_password keeps it, so the password itself is in no
 * statement and no log. */
static char *identified(const char *password)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * SHA1_LENGTH + 1];
    EVP_Digest(password, strlen(password), digest, NULL, EVP_sha1(), NULL);
    EVP_Digest(digest, SHA1_LENGTH, digest, NULL, EVP_sha1(), NULL);
    text_hex(digest, SHA1_LENGTH, hex);
    mem_wipe(digest, sizeof digest);
    for (char *at = hex; *at; at++)
        if (*at >= 'a')
            *at = (char)(*at - 'a' + 'A');
    char *clause = mem_format("IDENTIFIED VIA mysql_native_password USING '*%s'", hex);
    mem_wipe(hex, sizeof hex);
    return clause;
}

/* Debian has the server in sbin and the script in bin; MariaDB's own archives have it in scripts. NULL when
 * it is not there. */
static char *find_script(const char *folder)
{
    static const char *const places[] = {"mariadb-install-db", "../bin/mariadb-install-db",
                                         "../scripts/mariadb-install-db"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *script = mem_format("%s/%s", folder, places[i]);
        if (access(script, X_OK) == 0)
            return script;
        free(script);
    }
    return NULL;
}

static bool complete(const char *folder)
{
    AUTO_FREE char *script = find_script(folder);
    return script != NULL;
}

static int fill(const struct engine_instance *instance, const char *new_data, struct error *error)
{
    const char *folder = instance->release->programs;
    AUTO_FREE char *script = find_script(folder);
    AUTO_FREE char *base = mem_format("--basedir=%s/..", folder);
    AUTO_FREE char *data = mem_format("--datadir=%s", new_data);
    AUTO_FREE char *names =
        mem_format("--lower-case-table-names=%s", engine_parameter(instance, "lower_case_table_names", "0"));
    if (!script)
        return error_set(error, ERROR_NOT_FOUND, "mariadb-install-db is not beside %s any more", folder);
    const char *const make[] = {script,
                                "--no-defaults",
                                base,
                                data,
                                names,
                                "--auth-root-authentication-method=socket",
                                ("--auth-root-socket-user=" MYSQL_ADMIN),
                                "--skip-test-db",
                                "--skip-name-resolve",
                                "--innodb-log-file-size=25165824",
                                NULL};
    return process_run(make, PROVISION_DEADLINE, NULL, error);
}

static void discover(const char *folders, struct engine_releases *releases)
{
    mysqld_discover(&mariadb_flavour, folders, releases);
}

static void certificate_files(const struct engine_instance *instance, struct engine_certificate_files *files)
{
    files->chain = mem_format("%s/tls/server.crt", instance->folder);
    files->key = mem_format("%s/tls/server.key", instance->folder);
}

static int evidence(const struct engine_instance *instance, struct engine_evidence *found,
                    struct error *error)
{
    return mysqld_evidence(&mariadb_flavour, instance, found, error);
}

const struct mysqld_flavour mariadb_flavour = {
    .engine = "mariadb",
    .title = "MariaDB",
    .programs = programs,
    .says_mariadb = true,
    .least_version = "10.11", /* a list of addresses to listen on */
    .defaults = defaults,
    .fixed = fixed,
    .writes_files = true,
    .read_certificate = "FLUSH SSL",
    .privileges = privileges,
    .identified = identified,
    .complete = complete,
    .fill = fill,
};

const struct engine_driver mariadb_driver = {
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
    .adoption = &mariadb_adoption,
};
