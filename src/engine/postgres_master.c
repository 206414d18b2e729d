/* The master user: no superuser, but with what RDS gives its own. Every statement may be repeated. */
#include "base/memory.h"
#include "base/text.h"
#include "engine/postgres.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

struct session {
    PGconn *connection;
    struct error *error;
    int result; /* of the first statement that failed */
};

static int session_open(const struct engine_instance *instance, const char *database, struct session *session,
                        struct error *error)
{
    char port[16];
    snprintf(port, sizeof port, "%d", instance->port);
    AUTO_FREE char *no_passwords = mem_format("%s/no-password-file", instance->folder);
    /* What a session logs of a failed statement could hold a password's verifier. */
    static const char options[] =
        "-c client_min_messages=warning -c log_min_error_statement=panic -c log_statement=none "
        "-c log_min_duration_statement=-1 -c statement_timeout=60000 -c lock_timeout=20000 "
        "-c synchronous_commit=on";
    const char *const names[] = {
        "host", "port", "user", "dbname", "passfile", "connect_timeout", "application_name", "options", NULL};
    const char *const values[] = {instance->folder, port,         POSTGRES_SUPERUSER,
                                  database,         no_passwords, "20",
                                  "sealwright",     options,      NULL};
    *session = (struct session){.connection = PQconnectdbParams(names, values, 0), .error = error};
    if (PQstatus(session->connection) == CONNECTION_OK)
        return 0;
    error_set(error, ERROR_IO, "cannot connect to PostgreSQL over its local socket: %s",
              PQerrorMessage(session->connection));
    PQfinish(session->connection);
    session->connection = NULL;
    return ERROR_IO;
}

static void fail(struct session *session)
{
    const char *message = PQerrorMessage(session->connection);
    session->result =
        error_set(session->error, ERROR_IO, "PostgreSQL refused: %.*s", (int)strcspn(message, "\n"), message);
}

static void execute(struct session *session, const char *sql)
{
    if (session->result)
        return;
    PGresult *result = PQexec(session->connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail(session);
    PQclear(result);
}

/* One statement with an identifier, quoted, between two texts. */
static void execute_for(struct session *session, const char *before, const char *identifier,
                        const char *after)
{
    if (session->result)
        return;
    char *quoted = PQescapeIdentifier(session->connection, identifier, strlen(identifier));
    AUTO_FREE char *sql = quoted ? mem_format("%s %s %s", before, quoted, after) : NULL;
    PQfreemem(quoted);
    if (!sql)
        fail(session);
    else
        execute(session, sql);
}

static bool exists(struct session *session, const char *query, const char *name)
{
    if (session->result)
        return true;
    const char *const values[] = {name};
    PGresult *result = PQexecParams(session->connection, query, 1, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        fail(session);
    bool found = PQntuples(result) > 0;
    PQclear(result);
    return found;
}

static bool role_exists(struct session *session, const char *name)
{
    return exists(session, "SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1", name);
}

/* RDS's roles (user guide, "Understanding the rds_superuser role"). */
static void make_roles(struct session *session)
{
    static const char *const roles[] = {"rds_superuser", "rds_password", "rds_replication"};
    static const char *const granted[] = {"pg_monitor", "pg_signal_backend", "pg_checkpoint", "rds_password",
                                          "rds_replication"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (!role_exists(session, roles[i]))
            execute_for(session, "CREATE ROLE", roles[i], "NOLOGIN");
    for (size_t i = 0; i < sizeof granted / sizeof granted[0]; i++)
        if (role_exists(session, granted[i])) /* pg_checkpoint: from version 15 on */
            execute_for(session, "GRANT", granted[i], "TO rds_superuser WITH ADMIN OPTION");
}

/* Up to version 15 a user with CREATEROLE may grant itself any role that is no superuser's, these too, and so
 * run programs and read this host's files as the engine's user. Marked as superuser's, only a superuser can
 * grant them; nobody can log in as them. From version 16 on such a grant needs ADMIN OPTION on the role. */
static void guard_host(struct session *session)
{
    if (PQserverVersion(session->connection) >= 160000)
        return;
    execute(session, "UPDATE pg_catalog.pg_authid SET rolsuper = true WHERE NOT rolsuper AND rolname IN "
                     "('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')");
}

static void make_master(struct session *session, const char *username)
{
    if (!role_exists(session, username))
        execute_for(session, "CREATE ROLE", username, "NOLOGIN");
    execute_for(session, "ALTER ROLE", username,
                "NOSUPERUSER CREATEDB CREATEROLE INHERIT LOGIN NOREPLICATION NOBYPASSRLS");
    execute_for(session, "GRANT rds_superuser TO", username, "WITH ADMIN OPTION");
    execute_for(session, "ALTER DATABASE postgres OWNER TO", username, "");
}

/* The server gets a verifier (RFC 5803), so the password itself is in no statement and no log. */
static void set_password(struct session *session, const char *username, const char *password)
{
    if (session->result)
        return;
    char *verifier = PQencryptPasswordConn(session->connection, password, username, "scram-sha-256");
    char *literal = verifier ? PQescapeLiteral(session->connection, verifier, strlen(verifier)) : NULL;
    char *clause = literal ? mem_format("PASSWORD %s", literal) : NULL;
    PQfreemem(verifier);
    PQfreemem(literal);
    if (!clause)
        fail(session);
    else
        execute_for(session, "ALTER ROLE", username, clause);
    mem_free_secret(clause);
}

static void make_database(struct session *session, const char *database, const char *owner)
{
    if (text_is_empty(database))
        return;
    if (!exists(session, "SELECT 1 FROM pg_catalog.pg_database WHERE datname = $1", database))
        execute_for(session, "CREATE DATABASE", database, "");
    AUTO_FREE char *before = NULL;
    char *quoted = PQescapeIdentifier(session->connection, database, strlen(database));
    if (quoted)
        before = mem_format("ALTER DATABASE %s OWNER TO", quoted);
    PQfreemem(quoted);
    if (before)
        execute_for(session, before, owner, "");
}

/* RDS lets its master user create sslinfo, which PostgreSQL leaves to superusers: it is there already, in
 * each database that is made. It comes with PostgreSQL's contrib modules. */
static int make_sslinfo(const struct engine_instance *instance, const char *database, struct error *error)
{
    struct session session;
    int result = session_open(instance, database, &session, error);
    if (result)
        return result;
    bool offered =
        exists(&session, "SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = $1", "sslinfo");
    if (offered && !exists(&session, "SELECT 1 FROM pg_catalog.pg_extension WHERE extname = $1", "sslinfo"))
        execute(&session, "CREATE EXTENSION IF NOT EXISTS sslinfo");
    PQfinish(session.connection);
    return session.result;
}

int postgres_set_master(const struct engine_instance *instance, const struct engine_master *master,
                        struct error *error)
{
    struct session session;
    int result = make_sslinfo(instance, "template1", error);
    if (!result)
        result = make_sslinfo(instance, "postgres", error);
    if (!result)
        result = session_open(instance, "postgres", &session, error);
    if (result)
        return result;
    /* The backend of a predecessor that was killed may still be at work: its lock ends with it. */
    execute(&session, "SELECT pg_catalog.pg_advisory_lock(7365616)");
    execute(&session, "BEGIN");
    make_roles(&session);
    guard_host(&session);
    make_master(&session, master->username);
    if (master->password)
        set_password(&session, master->username, master->password);
    execute(&session, "COMMIT");
    make_database(&session, master->database,
                  master->username); /* CREATE DATABASE stands outside of transactions */
    PQfinish(session.connection);
    return session.result;
}
