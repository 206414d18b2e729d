/* MySQL and MariaDB servers that were there before. Their certificate is read again from the paths with which
 * they were started: links stand at these paths, into the instance's folder. Until Sealwright has a
 * certificate, and once the server is given back, copies of the owner's files stand at their ends.
 *
 * MySQL takes a certificate below a subordinate only if ssl_ca holds what is above it, so there is a third
 * link: to the owner's authorities, by which clients' certificates are verified, and Sealwright's. */
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/adopted.h"
#include "engine/mysql.h"
#include "engine/process.h"

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 256 * 1024,
    PID_FILE_LIMIT = 256,
    COMMAND_LIMIT = 1024 * 1024,
    SOCKETS_LIMIT = 16 * 1024 * 1024,
    DEFAULTS_DEADLINE = 10 * 1000,
    FILES_MOST = 3,
};

/* Where the two differ. */
struct manner {
    const struct mysqld_flavour *flavour;
    const char *mark;          /* a file of every data folder */
    const char *least_version; /* that reads its certificate again */
    const char *tell;          /* the statement */
    const char *let_in;        /* what makes an account for a user of the host */
    const char *verbosity;     /* the variable by which refused handshakes are logged, and from what on */
    int64_t refusals_from;
    size_t file_count; /* certificate, key, and the authorities where they are read */
};

static const struct manner mariadb = {
    .flavour = &mariadb_flavour,
    .mark = "aria_log_control",
    .least_version = "10.4",
    .tell = "FLUSH NO_WRITE_TO_BINLOG SSL",
    .let_in = "CREATE USER ...@localhost IDENTIFIED VIA unix_socket; GRANT RELOAD ON *.* TO ...",
    .verbosity = "log_warnings",
    .refusals_from = 4,
    .file_count = 2,
};

static const struct manner mysql = {
    .flavour = &mysql_flavour,
    .mark = "mysql.ibd",
    .least_version = "8.0.16",
    .tell = "ALTER INSTANCE RELOAD TLS",
    .let_in = "INSTALL PLUGIN auth_socket SONAME 'auth_socket.so'; CREATE USER ...@localhost IDENTIFIED WITH "
              "auth_socket; GRANT CONNECTION_ADMIN ON *.* TO ...",
    .verbosity = "log_error_verbosity",
    .refusals_from = 3,
    .file_count = 3,
};

static const struct manner *manner_of(const struct adopted *server)
{
    return text_equal(server->engine, "mysql") ? &mysql : &mariadb;
}

static const char *const mariadb_engines[] = {"mariadb", NULL};
static const char *const mysql_engines[] = {"mysql", NULL};

static bool was_made_by(const struct manner *manner, const char *data_folder)
{
    AUTO_FREE char *system = mem_format("%s/mysql", data_folder);
    AUTO_FREE char *mark = mem_format("%s/%s", data_folder, manner->mark);
    return file_exists(system) && file_exists(mark);
}

static const char *recognise_mariadb(const char *data_folder)
{
    return was_made_by(&mariadb, data_folder) ? "mariadb" : NULL;
}

static const char *recognise_mysql(const char *data_folder)
{
    return was_made_by(&mysql, data_folder) ? "mysql" : NULL;
}

/* datadir, as the server itself would find it, files that are included too. */
static char *find_data(const char *config_file)
{
    AUTO_FREE char *option = mem_format("--defaults-file=%s", config_file);
    const char *const arguments[] = {"my_print_defaults", option,     "mysqld", "server",
                                     "mariadb",           "mariadbd", NULL};
    AUTO_BUF struct buf output = {0};
    char *found = NULL;
    if (process_run(arguments, DEFAULTS_DEADLINE, &output, NULL))
        return NULL;
    AUTO_FREE char *copy = mem_string(buf_text(&output));
    char *rest = copy;
    for (const char *line; (line = strsep(&rest, "\n"));)
        if (text_starts_with(line, "--datadir=")) {
            free(found);
            found = mem_string(line + strlen("--datadir="));
        }
    return found ? found : mem_string("/var/lib/mysql");
}

/* ---- its process */

/* The number in the file that the server writes when it takes connections, and removes at its end. A server
 * that root has started hides from its own user what it works in and has open. */
static int process_of(const char *pid_file)
{
    AUTO_BUF struct buf text = {0}, command = {0};
    if (!pid_file || file_read(pid_file, PID_FILE_LIMIT, &text, NULL))
        return 0;
    int pid = (int)strtol(buf_text(&text), NULL, 10);
    AUTO_FREE char *path = mem_format("/proc/%d/cmdline", pid);
    bool is_server = pid > 0 && process_alive(pid) && file_read(path, COMMAND_LIMIT, &command, NULL) == 0 &&
                     (memmem(buf_text(&command), command.length, "mysqld", strlen("mysqld")) ||
                      memmem(buf_text(&command), command.length, "mariadbd", strlen("mariadbd")));
    return is_server ? pid : 0;
}

static struct engine_status status(const struct engine_instance *instance)
{
    struct adopted server;
    int pid = adopted_load(instance->folder, &server, NULL) ? 0 : process_of(server.pid_file);
    adopted_free(&server);
    return (struct engine_status){pid != 0, pid, pid ? engine_process_started_at(pid) : 0};
}

/* ---- what it says of itself */

static const char *const names[] = {
    "datadir",      "pid_file",        "socket",       "version",        "port",
    "bind_address", "skip_networking", "ssl_cert",     "ssl_key",        "ssl_ca",
    "have_ssl",     "log_error",       "log_warnings", "log_timestamps", "log_error_verbosity",
};
enum { NAME_COUNT = sizeof names / sizeof names[0] };

struct variables {
    char *values[NAME_COUNT]; /* owned */
};

static void take_variable(const char *name, const char *value, void *context)
{
    struct variables *variables = context;
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (text_equal_ignoring_case(names[i], name))
            adopted_set(&variables->values[i], value);
}

/* "" for one that the server does not have. */
static const char *value_of(const struct variables *variables, const char *name)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (text_equal(names[i], name) && variables->values[i])
            return variables->values[i];
    return "";
}

static void variables_free(struct variables *variables)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        free(variables->values[i]);
}

static int open_session(const struct adopted *server, const char *socket, struct mysqld_session *session,
                        struct error *error)
{
    const struct manner *manner = manner_of(server);
    int result = mysqld_session_open_as(manner->flavour, socket, server->superuser, session, error);
    if (result == ERROR_DENIED)
        error_prefix(error, "let user %s of this host in by the socket (%s)", server->superuser,
                     manner->let_in);
    return result;
}

static int read_variables(const struct adopted *server, const char *socket, struct variables *variables,
                          struct error *error)
{
    struct mysqld_session session;
    AUTO_BUF struct buf sql = {0};
    int result = open_session(server, socket, &session, error);
    if (result)
        return result;
    buf_append_text(&sql, "SHOW GLOBAL VARIABLES WHERE Variable_name IN (");
    for (size_t i = 0; i < NAME_COUNT; i++)
        buf_printf(&sql, "%s'%s'", i ? ", " : "", names[i]);
    buf_append_text(&sql, ")");
    mysqld_session_ask(&session, buf_text(&sql), take_variable, variables);
    mysqld_session_close(&session);
    return session.result;
}

static char *in_data(const struct adopted *server, const char *path)
{
    return path[0] == '/' || !path[0] ? mem_string(path) : mem_format("%s/%s", server->data_folder, path);
}

/* log_error, or the file to which the error output was sent. */
static char *find_log(const struct adopted *server, const char *named)
{
    char link[64], path[PATH_MAX];
    struct stat file;
    if (named[0] && !text_equal(named, "stderr"))
        return in_data(server, named);
    snprintf(link, sizeof link, "/proc/%d/fd/2", process_of(server->pid_file));
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length > 0 ? length : 0] = 0;
    return length > 0 && stat(path, &file) == 0 && S_ISREG(file.st_mode) ? mem_string(path) : NULL;
}

/* Refused handshakes are logged from a level on that is not the usual one. */
static void check_log(struct adopted *server, const struct variables *variables)
{
    const struct manner *manner = manner_of(server);
    char why[200] = "";
    int64_t level = strtol(value_of(variables, manner->verbosity), NULL, 10);
    AUTO_FREE char *log = find_log(server, value_of(variables, "log_error"));
    adopted_set(&server->log, log);
    if (!log || access(log, R_OK))
        snprintf(why, sizeof why, "the server's log is no file that this user can read (log_error)");
    else if (level < manner->refusals_from)
        snprintf(why, sizeof why, "%s is %lld, refused handshakes are logged from %lld on", manner->verbosity,
                 (long long)level, (long long)manner->refusals_from);
    else if (text_equal(value_of(variables, "log_timestamps"), "SYSTEM"))
        snprintf(why, sizeof why, "log_timestamps is not UTC");
    adopted_set(&server->unguarded, why[0] ? why : NULL);
}

static int choose(const char *address, void *context, struct error *error)
{
    const char *usable = text_equal(address, "*") || text_equal(address, "0.0.0.0") ? "127.0.0.1"
                         : text_equal(address, "::")                                ? "::1"
                                                                                    : address;
    (void)error;
    if (!engine_address_here(usable))
        return 0;
    adopted_set(context, usable);
    return ERROR_EXISTS; /* ends the walk */
}

static int choose_address(struct adopted *server, const struct variables *variables, struct error *error)
{
    const char *listed = value_of(variables, "bind_address");
    bool none = text_equal_ignoring_case(value_of(variables, "skip_networking"), "ON");
    if (!none && engine_each(listed[0] ? listed : "*", choose, &server->address, NULL))
        return 0;
    return error_set(
        error, ERROR_STATE,
        "the server listens on no address of this machine (bind_address, skip_networking): TLS is for "
        "connections over TCP");
}

static int take_variables(struct adopted *server, const struct variables *variables, struct error *error)
{
    const struct manner *manner = manner_of(server);
    const char *version = value_of(variables, "version");
    AUTO_FREE char *number = slice_string(slice_of(version, strspn(version, "0123456789.")));
    AUTO_FREE char *certificate = in_data(server, value_of(variables, "ssl_cert"));
    AUTO_FREE char *key = in_data(server, value_of(variables, "ssl_key"));
    AUTO_FREE char *authorities = in_data(server, value_of(variables, "ssl_ca"));
    if (!text_copy(server->version, sizeof server->version, number) ||
        engine_version_compare(number, manner->least_version) < 0)
        return error_set(error, ERROR_STATE, "version %s cannot be adopted: it must be %s or later", version,
                         manner->least_version);
    server->port = (int)strtol(value_of(variables, "port"), NULL, 10);
    server->tls = certificate[0] && key[0] && !text_equal(value_of(variables, "have_ssl"), "DISABLED") &&
                  !text_equal(value_of(variables, "have_ssl"), "NO");
    adopted_set(&server->certificate, certificate);
    adopted_set(&server->key, key);
    adopted_set(&server->authorities, authorities);
    check_log(server, variables);
    return choose_address(server, variables, error);
}

/* Is the server behind a socket that of the data folder? */
static int look_behind(struct adopted *server, const char *socket, struct error *error)
{
    struct variables variables = {0};
    int result = read_variables(server, socket, &variables, error);
    AUTO_FREE char *data = realpath(value_of(&variables, "datadir"), NULL);
    if (!result && !text_equal(data, server->data_folder))
        result = error_set(error, ERROR_NOT_FOUND, "the server behind %s has its data elsewhere", socket);
    if (!result) {
        AUTO_FREE char *pid_file = in_data(server, value_of(&variables, "pid_file"));
        AUTO_FREE char *name = mem_string(socket); /* may be the one that is replaced */
        adopted_set(&server->pid_file, pid_file);
        adopted_set(&server->socket, name);
        result = take_variables(server, &variables, error);
    }
    variables_free(&variables);
    return result;
}

/* A listening socket's name in a line of /proc/net/unix: number, references, protocol, flags, type, state,
 * inode, path. NULL for others. */
static const char *listening_socket(const char *line)
{
    enum { ACCEPTS_CONNECTIONS = 0x10000 };
    unsigned flags = 0;
    int end = 0;
    if (sscanf(line, "%*s %*s %*s %x %*s %*s %*s %n", &flags, &end) != 1 || !end ||
        !(flags & ACCEPTS_CONNECTIONS))
        return NULL;
    const char *path = line + end;
    bool named = strstr(path, "mysql") || strstr(path, "maria");
    return path[0] == '/' && named && text_ends_with(path, ".sock") ? path : NULL;
}

static int look_for_socket(struct adopted *server, struct error *error)
{
    AUTO_BUF struct buf text = {0};
    int result = file_read("/proc/net/unix", SOCKETS_LIMIT, &text, error);
    if (result)
        return result;
    AUTO_FREE char *copy = mem_string(buf_text(&text));
    char *rest = copy;
    result = error_set(error, ERROR_STATE,
                       "no %s of %s answers at a local socket: start it first, or give --socket",
                       manner_of(server)->flavour->title, server->data_folder);
    for (const char *line; result && (line = strsep(&rest, "\n"));) {
        const char *path = listening_socket(line);
        struct error why = {0};
        int found = path ? look_behind(server, path, &why) : ERROR_NOT_FOUND;
        if (found == ERROR_NOT_FOUND || found == ERROR_BUSY)
            continue;
        result = found;
        if (found)
            *error = why;
    }
    return result;
}

static int look(struct adopted *server, struct error *error)
{
    const struct passwd *user = getpwuid(geteuid());
    if (!server->superuser)
        adopted_set(&server->superuser, user ? user->pw_name : "mysql");
    int result = server->socket ? look_behind(server, server->socket, error) : ERROR_BUSY;
    return result == ERROR_BUSY || result == ERROR_NOT_FOUND ? look_for_socket(server, error) : result;
}

/* ---- the certificate's files */

/* The instance's files, in the order of the hooks. */
static const char *const file_names[] = {"server.crt", "server.key", "authorities.pem"};

static int check_files(const struct adopted *server, struct error *error)
{
    const char *again =
        "in its configuration, start it again when it suits you, and adopt it then, which takes no "
        "further start";
    if (!server->tls)
        return error_set(
            error, ERROR_STATE,
            "TLS is off, and the server reads the paths of its certificate at its start alone: set "
            "ssl_cert and ssl_key, to a self-signed pair, %s",
            again);
    if (text_equal(server->certificate, server->key))
        return error_set(error, ERROR_STATE, "certificate and key stand in one file, %s: name two %s",
                         server->key, again);
    if (manner_of(server)->file_count == 3 && !server->authorities[0])
        return error_set(error, ERROR_STATE,
                         "ssl_ca is not set, and without it no certificate below a subordinate "
                         "is taken: set it, to the certificate's own file, %s",
                         again);
    return 0;
}

static int plan(struct adopted *server, const char *folder, struct error *error)
{
    const struct {
        const char *setting, *path;
    } files[] = {{"content of ssl_cert", server->certificate},
                 {"content of ssl_key", server->key},
                 {"content of ssl_ca", server->authorities}};
    int result = check_files(server, error);
    for (size_t i = 0; !result && i < manner_of(server)->file_count; i++) {
        AUTO_FREE char *target = mem_format("%s/tls/%s", folder, file_names[i]);
        adopted_add_setting(server, files[i].setting, files[i].path, target);
        adopted_add_hook(server, HOOK_LINK, files[i].path, target);
    }
    return result;
}

/* The owner's file, which stands beside the link that has its place. */
static int read_own(const struct hook *hook, struct buf *content, struct error *error)
{
    AUTO_FREE char *kept = mem_format("%s" HOOK_KEPT, hook->path);
    return file_read(file_exists(kept) ? kept : hook->path, FILE_LIMIT, content, error);
}

static int neutral(const struct adopted *server, const char *folder, struct error *error)
{
    struct buf own[FILES_MOST] = {{0}};
    int result = 0;
    (void)folder;
    for (size_t i = 0; !result && i < server->hook_count && i < FILES_MOST; i++)
        result = read_own(&server->hooks[i], &own[i], error);
    if (result)
        error_prefix(error, "the certificate of before cannot come back");
    for (size_t i = 0; !result && i < server->hook_count && i < FILES_MOST; i++)
        result = file_write(server->hooks[i].text, slice_buf(&own[i]), 0600, error);
    for (size_t i = 0; i < FILES_MOST; i++)
        buf_wipe(&own[i]);
    return result;
}

/* What the agent places, and what the owner's file has: clients' certificates go on to be verified. */
static int write_authorities(const struct engine_instance *instance, const struct adopted *server,
                             bool *changed, struct error *error)
{
    AUTO_FREE char *issuers = mem_format("%s/tls/issuers.pem", instance->folder);
    AUTO_BUF struct buf all = {0}, old = {0};
    if (server->hook_count < FILES_MOST)
        return 0;
    const struct hook *hook = &server->hooks[FILES_MOST - 1];
    int result = file_read(issuers, FILE_LIMIT, &all, error);
    if (!result)
        result = read_own(hook, &all, error);
    if (result || (file_read(hook->text, (size_t)2 * FILE_LIMIT, &old, NULL) == 0 &&
                   slice_equal(slice_buf(&old), slice_buf(&all))))
        return result;
    *changed = true;
    return file_write(hook->text, slice_buf(&all), 0600, error);
}

static int configure(const struct engine_instance *instance, bool *changed, struct error *error)
{
    struct adopted server;
    bool hooked = false;
    int result = adopted_load(instance->folder, &server, error);
    *changed = false;
    if (!result)
        result = write_authorities(instance, &server, changed, error);
    if (!result)
        result = adopted_put_hooks(&server, &hooked, error);
    *changed |= hooked;
    adopted_free(&server);
    return result;
}

static int tell(const struct adopted *server, struct error *error)
{
    struct mysqld_session session;
    int result = open_session(server, server->socket, &session, error);
    if (result)
        return result;
    mysqld_session_do(&session, manner_of(server)->tell);
    mysqld_session_close(&session);
    return session.result;
}

static int reload(const struct engine_instance *instance, struct error *error)
{
    struct adopted server;
    bool changed;
    int result = adopted_load(instance->folder, &server, error);
    if (!result)
        result = configure(instance, &changed, error);
    if (!result)
        result = tell(&server, error);
    adopted_free(&server);
    return result;
}

static void mariadb_files(const struct engine_instance *instance, struct engine_certificate_files *files)
{
    files->chain = mem_format("%s/tls/server.crt", instance->folder);
    files->key = mem_format("%s/tls/server.key", instance->folder);
}

static void mysql_files(const struct engine_instance *instance, struct engine_certificate_files *files)
{
    mariadb_files(instance, files);
    files->issuers = mem_format("%s/tls/issuers.pem", instance->folder);
}

static int evidence(const struct engine_instance *instance, struct engine_evidence *found,
                    struct error *error)
{
    struct adopted server;
    int result = adopted_load(instance->folder, &server, error);
    if (!result && (server.unguarded || !server.log))
        result = error_set(error, ERROR_NOT_FOUND, "%s", server.unguarded ? server.unguarded : "no log");
    if (!result)
        result = mysqld_read_evidence(manner_of(&server)->flavour, server.log, found, error);
    adopted_free(&server);
    return result;
}

static const struct engine_driver mariadb_face = {
    .engines = mariadb_engines,
    .default_port = 3306,
    .probe = PROBE_MYSQL,
    .reloads_certificate = true,
    .provisioned = adopted_provisioned,
    .provision = adopted_never_provision,
    .configure = configure,
    .status = status,
    .start = adopted_never,
    .stop = adopted_never,
    .reload = reload,
    .set_master = adopted_never_set_master,
    .certificate_files = mariadb_files,
    .evidence = evidence,
};

static const struct engine_driver mysql_face = {
    .engines = mysql_engines,
    .default_port = 3306,
    .probe = PROBE_MYSQL,
    .reloads_certificate = true,
    .provisioned = adopted_provisioned,
    .provision = adopted_never_provision,
    .configure = configure,
    .status = status,
    .start = adopted_never,
    .stop = adopted_never,
    .reload = reload,
    .set_master = adopted_never_set_master,
    .certificate_files = mysql_files,
    .evidence = evidence,
};

const struct engine_adoption mariadb_adoption = {
    .recognise = recognise_mariadb,
    .find_data = find_data,
    .look = look,
    .plan = plan,
    .neutral = neutral,
    .tell = tell,
    .face = &mariadb_face,
};

const struct engine_adoption mysql_adoption = {
    .recognise = recognise_mysql,
    .find_data = find_data,
    .look = look,
    .plan = plan,
    .neutral = neutral,
    .tell = tell,
    .face = &mysql_face,
};
