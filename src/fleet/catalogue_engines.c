/* RDS's engines and what follows from an engine's version (user guide, "Amazon RDS for ..." of each engine;
 * API reference, CreateDBInstance). */
#include "base/text.h"
#include "fleet/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const postgres_licenses[] = {"postgresql-license", NULL};
static const char *const mysql_licenses[] = {"general-public-license", NULL};
static const char *const own_license[] = {"bring-your-own-license", NULL};
static const char *const either_license[] = {"license-included", "bring-your-own-license", NULL};
static const char *const included_license[] = {"license-included", NULL};

static const char *const postgres_users[] = {
    "admin",        "rdsadmin",  "rds_superuser", "rds_password",  "rds_replication",
    "rdsrepladmin", "rdstopmgr", "public",        "rdsproxyadmin", "user",
    "all",          "none",      "current_user",  "table",         "session_user",
    "select",       NULL,
};
static const char *const mysql_users[] = {
    "root",
    "rdsadmin",
    "rdsrepladmin",
    "rdsproxyadmin",
    "rds_superuser_role",
    "mysql",
    "mariadb",
    "sys",
    "public",
    "user",
    "all",
    "none",
    "current_user",
    "table",
    "select",
    "session_user",
    "information_schema",
    "performance_schema",
    "event_scheduler",
    NULL,
};
static const char *const oracle_users[] = {
    "sys",     "system",   "rdsadmin", "sysdba", "sysoper", "sysbackup", "sysdg",
    "syskm",   "sysrac",   "dbsnmp",   "outln",  "xdb",     "ctxsys",    "anonymous",
    "public",  "audsys",   "mdsys",    "ordsys", "wmsys",   "lbacsys",   "dba",
    "connect", "resource", "user",     "all",    "table",   "select",    NULL,
};
static const char *const sqlserver_users[] = {
    "sa",  "rdsa",   "rdsadmin", "guest",  "public", "dbo",  "sys", "information_schema",
    "all", "master", "model",    "select", "table",  "user", NULL,
};

static const char *const postgres_databases[] = {"rdsadmin", "template0", "template1", NULL};
static const char *const mysql_databases[] = {
    "mysql", "sys", "information_schema", "performance_schema", "innodb", "tmp", NULL};
static const char *const oracle_databases[] = {"null", NULL};

static const struct port_range sqlserver_ports[] = {{1234, 1234},   {1434, 1434}, {3260, 3260},
                                                    {3343, 3343},   {3389, 3389}, {47001, 47001},
                                                    {49152, 49156}, {0, 0}};

static const struct engine_rules postgres_rules = {
    .password_least = 8,
    .password_most = 128,
    .username_most = 63,
    .reserved_users = postgres_users,
    .database_most = 63,
    .reserved_databases = postgres_databases,
};
static const struct engine_rules mysql_rules = {
    .password_least = 8,
    .password_most = 41,
    .username_most = 32,
    .reserved_users = mysql_users,
    .database_most = 64,
    .reserved_databases = mysql_databases,
};
static const struct engine_rules mariadb_rules = {
    .password_least = 8,
    .password_most = 41,
    .username_most = 16,
    .reserved_users = mysql_users,
    .database_most = 64,
    .reserved_databases = mysql_databases,
};
static const struct engine_rules oracle_rules = {
    .password_least = 8,
    .password_most = 30,
    .password_refused = "&'",
    .username_most = 30,
    .reserved_users = oracle_users,
    .database_most = 8,
    .database_default = "ORCL",
    .reserved_databases = oracle_databases,
};
static const struct engine_rules sqlserver_rules = {
    .refused_ports = sqlserver_ports,
    .password_least = 8,
    .password_most = 128,
    .username_most = 128,
    .reserved_users = sqlserver_users,
};

/* Reloading without a restart: PostgreSQL by SIGHUP since 10; MySQL has ALTER INSTANCE RELOAD TLS
 * since 8.0.16, MariaDB FLUSH SSL since 10.4.1 (their manuals). Oracle restarts its listener, SQL Server
 * itself. */
static const struct engine_facts engines[] = {
    {"postgres", "PostgreSQL", postgres_licenses, &postgres_rules, "10"},
    {"mysql", "MySQL Community Edition", mysql_licenses, &mysql_rules, "8.0.16"},
    {"mariadb", "MariaDB Community Edition", mysql_licenses, &mariadb_rules, "10.4.1"},
    {"oracle-ee", "Oracle Database Enterprise Edition", own_license, &oracle_rules, NULL},
    {"oracle-se2", "Oracle Database Standard Edition Two", either_license, &oracle_rules, NULL},
    {"sqlserver-ee", "Microsoft SQL Server Enterprise Edition", included_license, &sqlserver_rules, NULL},
    {"sqlserver-se", "Microsoft SQL Server Standard Edition", included_license, &sqlserver_rules, NULL},
    {"sqlserver-ex", "Microsoft SQL Server Express Edition", included_license, &sqlserver_rules, NULL},
    {"sqlserver-web", "Microsoft SQL Server Web Edition", included_license, &sqlserver_rules, NULL},
};

const struct engine_facts *catalogue_engine(const char *engine)
{
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
        if (text_equal_ignoring_case(engines[i].engine, engine))
            return &engines[i];
    return NULL;
}

int catalogue_compare(const char *a, const char *b)
{
    while (*a || *b) {
        char *rest_a, *rest_b;
        long number_a = strtol(a, &rest_a, 10), number_b = strtol(b, &rest_b, 10);
        if (number_a != number_b)
            return number_a < number_b ? -1 : 1;
        if (rest_a == a && rest_b == b)
            return strcmp(a, b);
        a = *rest_a == '.' ? rest_a + 1 : rest_a;
        b = *rest_b == '.' ? rest_b + 1 : rest_b;
    }
    return 0;
}

/* RDS's forms: postgres15 and postgres9.6, mysql8.4, mariadb10.11, oracle-ee-19, and for SQL Server the
 * family sqlserver-ex-15.0 of the major version 15.00. */
void catalogue_describe_version(const struct engine_facts *engine, const char *version,
                                struct catalogue_version *target)
{
    unsigned first = 0, second = 0;
    sscanf(version, "%6u.%6u", &first, &second);
    target->engine = engine;
    text_copy(target->version, sizeof target->version, version);
    if (text_starts_with(engine->engine, "sqlserver-")) {
        snprintf(target->major, sizeof target->major, "%u.%02u", first, second);
        snprintf(target->family, sizeof target->family, "%s-%u.%u", engine->engine, first, second);
    } else if (text_starts_with(engine->engine, "oracle-")) {
        snprintf(target->major, sizeof target->major, "%u", first);
        snprintf(target->family, sizeof target->family, "%s-%u", engine->engine, first);
    } else {
        bool one = text_equal(engine->engine, "postgres") && first >= 10;
        snprintf(target->major, sizeof target->major, one ? "%u" : "%u.%u", first, second);
        snprintf(target->family, sizeof target->family, "%s%s", engine->engine, target->major);
    }
    snprintf(target->option_group, sizeof target->option_group, "default:%s-%s", engine->engine,
             target->major);
    for (char *dot = target->option_group; (dot = strchr(dot, '.'));)
        *dot = '-';
}

bool catalogue_reloads(const char *engine, const char *version)
{
    const struct engine_facts *facts = catalogue_engine(engine);
    return facts && facts->reloads_since && catalogue_compare(version, facts->reloads_since) >= 0;
}

/* Versions of RDS, the newest that is known here of each major version. */
static const struct {
    const char *engine, *version;
} known[] = {
    {"mariadb", "10.6.22"},
    {"mariadb", "10.11.13"},
    {"mariadb", "11.4.7"},
    {"mysql", "8.0.42"},
    {"mysql", "8.4.5"},
    {"oracle-ee", "19.0.0.0.ru-2023-10.rur-2023-10.r1"},
    {"oracle-ee", "21.0.0.0.ru-2023-10.rur-2023-10.r1"},
    {"oracle-se2", "19.0.0.0.ru-2023-10.rur-2023-10.r1"},
    {"oracle-se2", "21.0.0.0.ru-2023-10.rur-2023-10.r1"},
    {"postgres", "13.21"},
    {"postgres", "14.18"},
    {"postgres", "15.13"},
    {"postgres", "16.9"},
    {"postgres", "17.5"},
    {"sqlserver-ee", "14.00.3465.1.v1"},
    {"sqlserver-ee", "15.00.4415.2.v1"},
    {"sqlserver-ee", "16.00.4175.1.v1"},
    {"sqlserver-ex", "14.00.3465.1.v1"},
    {"sqlserver-ex", "15.00.4415.2.v1"},
    {"sqlserver-ex", "16.00.4175.1.v1"},
    {"sqlserver-se", "14.00.3465.1.v1"},
    {"sqlserver-se", "15.00.4415.2.v1"},
    {"sqlserver-se", "16.00.4175.1.v1"},
    {"sqlserver-web", "14.00.3465.1.v1"},
    {"sqlserver-web", "15.00.4415.2.v1"},
    {"sqlserver-web", "16.00.4175.1.v1"},
};

bool catalogue_known(size_t index, struct catalogue_version *target)
{
    if (index >= sizeof known / sizeof known[0])
        return false;
    *target = (struct catalogue_version){0};
    catalogue_describe_version(catalogue_engine(known[index].engine), known[index].version, target);
    return true;
}
