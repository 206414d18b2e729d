/* PostgreSQL's configuration: sealwright.conf, pg_hba.conf and pg_ident.conf in the data folder. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/postgres.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { FILE_LIMIT = 1024 * 1024 };

/* Settings that this driver alone decides: a parameter group must not move them. */
static const char *const reserved[] = {
    "listen_addresses",
    "port",
    "unix_socket_directories",
    "unix_socket_group",
    "unix_socket_permissions",
    "ssl",
    "ssl_cert_file",
    "ssl_key_file",
    "ssl_ca_file",
    "ssl_crl_file",
    "ssl_crl_dir",
    "ssl_passphrase_command",
    "ssl_passphrase_command_supports_reload",
    "password_encryption",
    "hba_file",
    "ident_file",
    "data_directory",
    "config_file",
    "external_pid_file",
    "log_destination",
    "logging_collector",
    "log_directory",
    "log_filename",
    "log_line_prefix",
    "log_file_mode",
    "event_source",
    "lc_messages",
    "archive_command",
    "archive_library",
    "restore_command",
    "archive_cleanup_command",
    "recovery_end_command",
    "dynamic_library_path",
    "include",
    "include_dir",
    "include_if_exists",
};

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (text_equal_ignoring_case(reserved[i], name))
            return true;
    return false;
}

/* A setting's name: identifiers, one dot between an extension's name and its own (guc-file.l). */
static bool is_name(const char *name)
{
    if (!((*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') || *name == '_'))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") == strlen(name);
}

/* A quoted text (guc-file.l): quotes are doubled, backslashes escaped; a line's end cannot be written. */
int postgres_put_setting(struct buf *text, const char *name, const char *value, struct error *error)
{
    if (!is_name(name))
        return error_set(error, ERROR_INVALID, "parameter name \"%s\" is not a setting's name", name);
    buf_printf(text, "%s = '", name);
    for (const char *at = value; *at; at++) {
        if ((unsigned char)*at < ' ')
            return error_set(error, ERROR_INVALID, "the value of parameter %s holds a control character",
                             name);
        if (*at == '\'' || *at == '\\')
            buf_append_byte(text, (unsigned char)*at);
        buf_append_byte(text, (unsigned char)*at);
    }
    buf_append_text(text, "'\n");
    return 0;
}

void postgres_certificate_files(const struct engine_instance *instance,
                                struct engine_certificate_files *files)
{
    files->chain = mem_format("%s/tls/server.crt", instance->folder);
    files->key = mem_format("%s/tls/server.key", instance->folder);
}

/* The local socket's path must fit into a struct sockaddr_un. */
static int check_socket_path(const struct engine_instance *instance, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/.s.PGSQL.%d", instance->folder, instance->port);
    size_t room = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (strlen(path) <= room)
        return 0;
    return error_set(error, ERROR_INVALID,
                     "the local socket %s is %zu bytes long, %zu are allowed: choose an instances folder "
                     "with a shorter path",
                     path, strlen(path), room);
}

/* RDS's own (rds.force_ssl) are told, too: PostgreSQL keeps and shows what has a dot in its name. */
int postgres_settings(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    struct engine_certificate_files files = {0};
    char port[16];
    snprintf(port, sizeof port, "%d", instance->port);
    postgres_certificate_files(instance, &files);
    /* Many small clusters share a machine; parameters may say more. */
    const struct engine_parameter defaults[] = {
        {"shared_buffers", "32MB"},
        {"max_connections", "100"},
        {"ssl_min_protocol_version", "TLSv1.2"},
    };
    const struct engine_parameter fixed[] = {
        {"listen_addresses", instance->listen_addresses},
        {"port", port},
        {"unix_socket_directories", instance->folder},
        {"unix_socket_permissions", "0700"},
        {"ssl", "on"},
        {"ssl_cert_file", files.chain},
        {"ssl_key_file", files.key},
        {"ssl_ca_file", ""},
        {"password_encryption", "scram-sha-256"},
        {"log_destination", "stderr"},
        {"logging_collector", "off"},
        {"log_line_prefix", POSTGRES_LOG_LINE_PREFIX},
        {"lc_messages", "C"},
    };
    int result = check_socket_path(instance, error);
    for (size_t i = 0; !result && i < sizeof defaults / sizeof defaults[0]; i++)
        result = postgres_put_setting(text, defaults[i].name, defaults[i].value, error);
    for (size_t i = 0; !result && i < instance->parameter_count; i++) {
        const struct engine_parameter *each = &instance->parameters[i];
        if (!is_reserved(each->name))
            result = postgres_put_setting(text, each->name, each->value, error);
    }
    for (size_t i = 0; !result && i < sizeof fixed / sizeof fixed[0]; i++)
        result = postgres_put_setting(text, fixed[i].name, fixed[i].value, error);
    engine_certificate_files_free(&files);
    return result;
}

struct rule_writer {
    struct buf *text;
    const char *type;
};

static int put_rule(const char *network, void *context, struct error *error)
{
    const struct rule_writer *writer = context;
    if (strspn(network, "0123456789abcdefABCDEF.:/") != strlen(network))
        return error_set(error, ERROR_INVALID, "client network %s is not an address with a prefix length",
                         network);
    buf_printf(writer->text, "%s all all %s scram-sha-256\n", writer->type, network);
    return 0;
}

/* With rds.force_ssl a client without TLS gets PostgreSQL's own "no pg_hba.conf entry ... no encryption". */
int postgres_access_rules(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    const char *force = engine_parameter(instance, "rds.force_ssl", "0");
    bool forced = text_equal(force, "1") || text_equal_ignoring_case(force, "on") ||
                  text_equal_ignoring_case(force, "true");
    struct rule_writer writer = {text, forced ? "hostssl" : "host"};
    buf_append_text(text, "local all " POSTGRES_SUPERUSER " peer map=sealwright\n"
                          "host all " POSTGRES_SUPERUSER " all reject\n");
    return engine_each(instance->client_networks, put_rule, &writer, error);
}

static int identity_map(struct buf *text, struct error *error)
{
    const struct passwd *user = getpwuid(geteuid());
    if (!user)
        return error_set(error, ERROR_STATE,
                         "the user with id %d, which runs this agent, has no name: add it to /etc/passwd",
                         (int)geteuid());
    buf_printf(text, "sealwright \"%s\" " POSTGRES_SUPERUSER "\n", user->pw_name);
    return 0;
}

/* The peer map alone is written first: a file that names a user not mapped yet would lock the driver out. */
static int write_if_different(const struct engine_instance *instance, const char *name,
                              const struct buf *text, bool *changed, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/data/%s", instance->folder, name);
    AUTO_BUF struct buf old = {0};
    if (file_read(path, FILE_LIMIT, &old, NULL) == 0 && slice_equal(slice_buf(&old), slice_buf(text)))
        return 0;
    *changed = true;
    return file_write(path, slice_buf(text), 0600, error);
}

int postgres_configure(const struct engine_instance *instance, bool *changed, struct error *error)
{
    AUTO_BUF struct buf settings = {0}, rules = {0}, map = {0};
    *changed = false;
    int result = postgres_settings(instance, &settings, error);
    if (!result)
        result = postgres_access_rules(instance, &rules, error);
    if (!result)
        result = identity_map(&map, error);
    if (!result)
        result = write_if_different(instance, "pg_ident.conf", &map, changed, error);
    if (!result)
        result = write_if_different(instance, "pg_hba.conf", &rules, changed, error);
    return result ? result : write_if_different(instance, "sealwright.conf", &settings, changed, error);
}
