/* What a running PostgreSQL says of itself, over its local socket. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/adopted.h"
#include "engine/postgres.h"

#include <libgen.h>
#include <libpq-fe.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOG_LIST_LIMIT = 64 * 1024 };

/* What counts of the settings that are read. */
struct settings {
    PGresult *now;   /* name, setting, source */
    PGresult *files; /* name, setting, sourcefile: in the order of the files, the last one of a name holds */
};

static const char *setting(const struct settings *settings, const char *name)
{
    for (int i = 0; i < PQntuples(settings->now); i++)
        if (text_equal(PQgetvalue(settings->now, i, 0), name))
            return PQgetvalue(settings->now, i, 1);
    return "";
}

/* What the owner's files say. */
static const char *owner_setting(const struct settings *settings, const char *name, const char *absent)
{
    for (int i = PQntuples(settings->files); i-- > 0;)
        if (text_equal(PQgetvalue(settings->files, i, 0), name) &&
            !text_ends_with(PQgetvalue(settings->files, i, 2), "/" POSTGRES_ADOPTED_FILE))
            return PQgetvalue(settings->files, i, 1);
    return absent;
}

/* bool.c: a beginning of true, yes, on, 1. */
static bool is_on(const char *value)
{
    size_t length = strlen(value);
    return (length && strncasecmp(value, "true", length) == 0) ||
           (length && strncasecmp(value, "yes", length) == 0) || text_equal_ignoring_case(value, "on") ||
           text_equal(value, "1");
}

/* Sources that win over every line of postgresql.conf. */
static int check_sources(const struct settings *settings, struct error *error)
{
    for (int i = 0; i < PQntuples(settings->files); i++)
        if (text_ends_with(PQgetvalue(settings->files, i, 2), "/postgresql.auto.conf"))
            return error_set(error, ERROR_STATE,
                             "%s is set by ALTER SYSTEM (postgresql.auto.conf), which wins over "
                             "postgresql.conf: write it there, then: ALTER SYSTEM RESET %s",
                             PQgetvalue(settings->files, i, 0), PQgetvalue(settings->files, i, 0));
    for (int i = 0; i < PQntuples(settings->now); i++) {
        const char *name = PQgetvalue(settings->now, i, 0), *source = PQgetvalue(settings->now, i, 2);
        bool ours =
            text_equal(name, "ssl") || text_equal(name, "ssl_cert_file") || text_equal(name, "ssl_key_file");
        if (ours && (text_equal(source, "command line") || text_equal(source, "environment variable")))
            return error_set(error, ERROR_STATE,
                             "%s is set on the server's command line, which wins over postgresql.conf: write "
                             "it there and start the server without it",
                             name);
    }
    return 0;
}

static char *in_data(const struct adopted *server, const char *path)
{
    return path[0] == '/' ? mem_string(path) : mem_format("%s/%s", server->data_folder, path);
}

static int choose(const char *address, void *context, struct error *error)
{
    struct adopted *server = context;
    const char *usable = text_equal(address, "*") || text_equal(address, "0.0.0.0") ? "127.0.0.1"
                         : text_equal(address, "::")                                ? "::1"
                                                                                    : address;
    (void)error;
    if (!engine_address_here(usable))
        return 0;
    adopted_set(&server->address, usable);
    return ERROR_EXISTS; /* ends the walk */
}

static int choose_address(struct adopted *server, const char *listen_addresses, struct error *error)
{
    if (engine_each(listen_addresses, choose, server, NULL))
        return 0;
    return error_set(error, ERROR_STATE,
                     "the server listens on no address of this machine (listen_addresses = '%s'): TLS is for "
                     "connections over TCP",
                     listen_addresses);
}

/* ---- where its log is */

/* current_logfiles in the data folder, which the logging collector keeps: "stderr log/postgresql.log". */
static char *collected_log(const char *data)
{
    AUTO_FREE char *path = mem_format("%s/current_logfiles", data);
    AUTO_BUF struct buf text = {0};
    if (file_read(path, LOG_LIST_LIMIT, &text, NULL))
        return NULL;
    AUTO_FREE char *copy = mem_string(buf_text(&text));
    char *rest = copy;
    for (const char *line; (line = strsep(&rest, "\n"));) {
        if (!text_starts_with(line, "stderr "))
            continue;
        const char *log = line + strlen("stderr ");
        return log[0] == '/' ? mem_string(log) : mem_format("%s/%s", data, log);
    }
    return NULL;
}

/* Without a collector: the file to which its error output was sent. */
static char *redirected_log(int pid)
{
    char link[64], path[PATH_MAX];
    struct stat status;
    snprintf(link, sizeof link, "/proc/%d/fd/2", pid);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return NULL;
    path[length] = 0;
    bool file = stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, R_OK) == 0;
    return file ? mem_string(path) : NULL;
}

char *postgres_find_log(const char *data)
{
    struct postgres_postmaster postmaster;
    char *log = collected_log(data);
    if (log && access(log, R_OK) == 0)
        return log;
    free(log);
    return postgres_find_postmaster(data, &postmaster) ? redirected_log(postmaster.pid) : NULL;
}

/* Why the guard has nothing to look into. */
static void check_log(struct adopted *server, const struct settings *settings)
{
    char why[400] = "";
    const char *level = setting(settings, "log_min_messages"), *locale = setting(settings, "lc_messages");
    bool english = locale[0] == 0 || text_equal(locale, "C") || text_equal(locale, "POSIX") ||
                   text_starts_with(locale, "C.") || text_starts_with(locale, "en");
    AUTO_FREE char *log = postgres_find_log(server->data_folder);
    adopted_set(&server->log_line_prefix, setting(settings, "log_line_prefix"));
    if (!strstr(setting(settings, "log_destination"), "stderr"))
        snprintf(why, sizeof why, "log_destination lacks stderr");
    else if (!log)
        snprintf(why, sizeof why, "the server's log is no file that this user can read");
    else if (text_equal(level, "fatal") || text_equal(level, "panic"))
        snprintf(why, sizeof why, "log_min_messages is %s", level);
    else if (!english)
        snprintf(why, sizeof why, "lc_messages is %s, not English", locale);
    else
        postgres_prefix_check(server->log_line_prefix, why, sizeof why);
    adopted_set(&server->unguarded, why[0] ? why : NULL);
}

/* ---- the connection */

static PGconn *open_to(const struct adopted *server, const char *database)
{
    char port[16];
    snprintf(port, sizeof port, "%d", server->port);
    AUTO_FREE char *no_passwords = mem_format("%s/no-password-file", server->data_folder);
    const char *const names[] = {
        "host",    "port", "user", "dbname", "passfile", "connect_timeout", "sslmode", "application_name",
        "options", NULL};
    const char *const values[] = {server->socket,
                                  port,
                                  server->superuser,
                                  database,
                                  no_passwords,
                                  "10",
                                  "disable",
                                  "sealwright",
                                  "-c statement_timeout=20000 -c search_path=pg_catalog",
                                  NULL};
    return PQconnectdbParams(names, values, 0);
}

/* The first database is made with every cluster, and sometimes removed; the second always is there. */
static int open_session(const struct adopted *server, PGconn **session, struct error *error)
{
    *session = open_to(server, "postgres");
    if (PQstatus(*session) != CONNECTION_OK) {
        PQfinish(*session);
        *session = open_to(server, "template1");
    }
    if (PQstatus(*session) == CONNECTION_OK)
        return 0;
    const char *message = PQerrorMessage(*session);
    error_set(error, ERROR_DENIED,
              "PostgreSQL does not let this user in over %s port %d as %s, without a password: %.*s",
              server->socket, server->port, server->superuser, (int)strcspn(message, "\n"), message);
    PQfinish(*session);
    return ERROR_DENIED;
}

static PGresult *ask(PGconn *session, const char *sql, struct error *error)
{
    PGresult *result = PQexec(session, sql);
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return result;
    const char *message = PQerrorMessage(session);
    error_set(error, ERROR_IO, "PostgreSQL refused: %.*s", (int)strcspn(message, "\n"), message);
    PQclear(result);
    return NULL;
}

static int take_settings(struct adopted *server, const struct settings *settings, struct error *error)
{
    const char *version = setting(settings, "server_version");
    AUTO_FREE char *number = slice_string(slice_of(version, strcspn(version, " ")));
    AUTO_FREE char *certificate = in_data(server, owner_setting(settings, "ssl_cert_file", "server.crt"));
    AUTO_FREE char *key = in_data(server, owner_setting(settings, "ssl_key_file", "server.key"));
    if (!text_copy(server->version, sizeof server->version, number) || postgres_major(number) < 10)
        return error_set(error, ERROR_STATE, "version %s cannot be adopted: it must be 10 or later", version);
    adopted_set(&server->config_file, setting(settings, "config_file"));
    server->tls = is_on(owner_setting(settings, "ssl", "off"));
    adopted_set(&server->certificate, certificate);
    adopted_set(&server->key, key);
    check_log(server, settings);
    int result = check_sources(settings, error);
    return result ? result : choose_address(server, setting(settings, "listen_addresses"), error);
}

static int read_settings(struct adopted *server, PGconn *session, struct error *error)
{
    struct settings settings = {0};
    int result = ERROR_IO;
    PGresult *superuser = ask(session, "SELECT current_setting('is_superuser')", error);
    if (superuser && !text_equal(PQgetvalue(superuser, 0, 0), "on"))
        result =
            error_set(error, ERROR_DENIED, "the user %s is no superuser of this server", server->superuser);
    else if (superuser &&
             (settings.now =
                  ask(session,
                      "SELECT name, setting, source FROM pg_settings WHERE name IN ("
                      "'server_version', 'config_file', 'listen_addresses', 'ssl', 'ssl_cert_file', "
                      "'ssl_key_file', 'log_destination', 'log_line_prefix', 'log_min_messages', "
                      "'lc_messages')",
                      error)) &&
             (settings.files = ask(session,
                                   "SELECT name, setting, sourcefile FROM pg_file_settings WHERE name IN "
                                   "('ssl', 'ssl_cert_file', 'ssl_key_file') ORDER BY seqno",
                                   error)))
        result = take_settings(server, &settings, error);
    PQclear(superuser);
    PQclear(settings.now);
    PQclear(settings.files);
    return result;
}

int postgres_look(struct adopted *server, struct error *error)
{
    struct postgres_postmaster postmaster;
    PGconn *session = NULL;
    const struct passwd *user = getpwuid(geteuid());
    if (!postgres_find_postmaster(server->data_folder, &postmaster) || !postmaster.ready)
        return error_set(error, ERROR_STATE, "no PostgreSQL runs in %s: start it first", server->data_folder);
    server->port = postmaster.port;
    if (!server->superuser)
        adopted_set(&server->superuser, user ? user->pw_name : "postgres");
    if (!server->socket)
        adopted_set(&server->socket, postmaster.socket_folder);
    if (!server->socket[0])
        return error_set(error, ERROR_STATE, "the server has no local socket (unix_socket_directories)");
    int result = open_session(server, &session, error);
    if (result)
        return result;
    result = read_settings(server, session, error);
    PQfinish(session);
    return result;
}
