/* sealwright.cnf: all settings of an instance. No other option file is read. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

/* The server cuts an option file's line at 4096 bytes (my_default.cc). */
enum { FILE_LIMIT = 1024 * 1024, LINE_LIMIT = 4000 };

/* Settings that a parameter group must not move, beside those that are fixed here or by the flavour. */
static const char *const reserved[] = {
    "basedir",
    "bootstrap",
    "character_sets_dir",
    "chroot",
    "debug",
    "early_plugin_load",
    "gdb",
    "initialize",
    "initialize_insecure",
    "innodb_data_file_path",
    "innodb_data_home_dir",
    "innodb_directories",
    "innodb_log_group_home_dir",
    "innodb_temp_data_file_path",
    "innodb_tmpdir",
    "innodb_undo_directory",
    "lc_messages_dir",
    "log_basename",
    "log_bin",
    "log_error",
    "log_error_services",
    "log_error_suppression_list",
    "mysqlx_socket",
    "plugin_dir",
    "plugin_load",
    "plugin_load_add",
    "grant_tables",
    "networking",
    "replica_load_tmpdir",
    "slave_load_tmpdir",
    "ssl",
    "ssl_ca",
    "ssl_capath",
    "ssl_crl",
    "ssl_crlpath",
    "tmpdir",
    "user",
};

struct setting {
    char *name, *value; /* owned; value NULL: the name says all */
};

/* The first that is said of a name counts. */
struct settings {
    struct setting *items;
    size_t count;
};

static void settings_free(struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        free(settings->items[i].name);
        free(settings->items[i].value);
    }
    free(settings->items);
}
#define AUTO_SETTINGS __attribute__((cleanup(settings_free)))

/* The name without what may stand before it (my_getopt.cc): "skip_ssl" speaks of "ssl". */
static const char *plain_name(const char *name)
{
    static const char *const prefixes[] = {"loose_", "skip_", "disable_", "enable_", "maximum_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0];) {
        if (text_starts_with(name, prefixes[i])) {
            name += strlen(prefixes[i]);
            i = 0;
        } else {
            i++;
        }
    }
    return name;
}

static const struct setting *settings_find(const struct settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (text_equal(plain_name(settings->items[i].name), plain_name(name)))
            return &settings->items[i];
    return NULL;
}

static bool is_reserved(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (text_equal(reserved[i], plain_name(name)))
            return true;
    return false;
}

static bool is_name(const char *name)
{
    if (!((*name >= 'a' && *name <= 'z') || *name == '_'))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") == strlen(name);
}

static void settings_add(struct settings *settings, const char *name, const char *value)
{
    if (settings_find(settings, name))
        return;
    settings->items = mem_grow(settings->items, settings->count + 1, sizeof *settings->items);
    settings->items[settings->count++] = (struct setting){mem_string(name), mem_string(value)};
}

/* In a form of its own, since the server takes any case, and hyphens for underscores. */
static int add_parameter(struct settings *settings, const struct engine_parameter *parameter,
                         struct error *error)
{
    /* An option that this version does not know must not keep the server from starting. */
    AUTO_FREE char *name = mem_format("loose_%s", parameter->name);
    text_lower(name);
    for (char *at = name; *at; at++)
        if (*at == '-')
            *at = '_';
    if (!is_name(name + strlen("loose_")))
        return error_set(error, ERROR_INVALID, "parameter name \"%s\" is not a variable's name",
                         parameter->name);
    if (!text_starts_with(parameter->name, "rds.") && !is_reserved(name))
        settings_add(settings, name, parameter->value);
    return 0;
}

char *mysqld_settings_file(const struct engine_instance *instance)
{
    return mem_format("%s/sealwright.cnf", instance->folder);
}

char *mysqld_socket(const struct engine_instance *instance)
{
    return mem_format("%s/mysql.sock", instance->folder);
}

/* The local socket's path must fit into a struct sockaddr_un. */
static int check_socket_path(const struct engine_instance *instance, struct error *error)
{
    AUTO_FREE char *path = mysqld_socket(instance);
    size_t room = sizeof((struct sockaddr_un *)0)->sun_path - 1;
    if (strlen(path) <= room)
        return 0;
    return error_set(error, ERROR_INVALID,
                     "the local socket %s is %zu bytes long, %zu are allowed: choose an instances folder "
                     "with a shorter path",
                     path, strlen(path), room);
}

struct addresses {
    struct buf list;
    bool any; /* "*" says all, and may not stand in a list */
    size_t wildcards, others;
};

/* An address that this machine does not have would keep the server from starting. */
static int add_address(const char *address, void *context, struct error *error)
{
    struct addresses *addresses = context;
    (void)error;
    if (text_equal(address, "*") || text_equal(address, "::"))
        addresses->any = true;
    else if (text_equal(address, "0.0.0.0"))
        addresses->wildcards++;
    else if (engine_address_here(address))
        buf_printf(&addresses->list, "%s%s", addresses->others++ ? "," : "", address);
    return 0;
}

/* free() it; NULL when the machine has none of the addresses. */
static char *bind_addresses(const struct engine_instance *instance)
{
    struct addresses addresses = {0};
    engine_each(instance->listen_addresses, add_address, &addresses, NULL);
    char *text = NULL;
    if (addresses.any || (addresses.wildcards && addresses.others))
        text = mem_string("*");
    else if (addresses.wildcards)
        text = mem_string("0.0.0.0");
    else if (addresses.others)
        text = mem_string(buf_text(&addresses.list));
    buf_free(&addresses.list);
    return text;
}

static int add_fixed(const struct engine_instance *instance, struct settings *settings, struct error *error)
{
    const struct mysqld_flavour *flavour = mysqld_flavour_of(instance);
    const struct {
        const char *name, *path;
    } paths[] = {
        {"datadir", "data"},
        {"socket", "mysql.sock"},
        {"pid_file", "server.pid"},
        {"init_file", "accounts.sql"},
        {"ssl_cert", "tls/server.crt"},
        {"ssl_key", "tls/server.key"},
        {"general_log_file", "log/general.log"},
        {"slow_query_log_file", "log/slow.log"},
        {flavour->reads_issuers ? "ssl_ca" : NULL, "tls/issuers.pem"},
        {flavour->writes_files ? "secure_file_priv" : NULL, "files"},
    };
    AUTO_FREE char *addresses = bind_addresses(instance);
    AUTO_FREE char *port = mem_format("%d", instance->port);
    int result = check_socket_path(instance, error);
    if (!result && !addresses)
        result = error_set(error, ERROR_INVALID, "this machine has none of the listen addresses %s",
                           instance->listen_addresses);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        AUTO_FREE char *path = mem_format("%s/%s", instance->folder, paths[i].path);
        if (paths[i].name)
            settings_add(settings, paths[i].name, path);
    }
    settings_add(settings, "port", port);
    settings_add(settings, "bind_address", addresses);
    /* A client's name is its address: no look-ups, and "localhost" is the local socket alone. */
    settings_add(settings, "skip_name_resolve", "ON");
    for (const struct engine_parameter *each = flavour->fixed; each->name; each++)
        settings_add(settings, each->name, each->value);
    return result;
}

static int settings_of(const struct engine_instance *instance, struct settings *settings, struct error *error)
{
    int result = add_fixed(instance, settings, error);
    for (size_t i = 0; !result && i < instance->parameter_count; i++)
        result = add_parameter(settings, &instance->parameters[i], error);
    for (const struct engine_parameter *each = mysqld_flavour_of(instance)->defaults; each->name; each++)
        settings_add(settings, each->name, each->value);
    return result;
}

/* `name = "value"`, quotes and backslashes escaped (my_default.cc). A line's end cannot be written. */
static int put_setting(struct buf *text, const struct setting *setting, struct error *error)
{
    size_t begin = text->length;
    buf_append_text(text, setting->name);
    if (setting->value)
        buf_append_text(text, " = \"");
    for (const char *at = setting->value; at && *at; at++) {
        if ((unsigned char)*at < ' ')
            return error_set(error, ERROR_INVALID, "the value of parameter %s holds a control character",
                             plain_name(setting->name));
        if (*at == '"' || *at == '\\')
            buf_append_byte(text, '\\');
        buf_append_byte(text, (unsigned char)*at);
    }
    buf_append_text(text, setting->value ? "\"\n" : "\n");
    if (text->length - begin <= LINE_LIMIT)
        return 0;
    return error_set(error, ERROR_LIMIT, "the value of parameter %s is longer than %d bytes",
                     plain_name(setting->name), LINE_LIMIT);
}

static int put_settings(struct buf *text, const struct settings *settings, struct error *error)
{
    int result = 0;
    buf_append_text(text, "# Written by Sealwright from the instance's parameters.\n[mysqld]\n");
    for (size_t i = 0; !result && i < settings->count; i++)
        result = put_setting(text, &settings->items[i], error);
    return result;
}

int mysqld_settings(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    AUTO_SETTINGS struct settings settings = {0};
    int result = settings_of(instance, &settings, error);
    return result ? result : put_settings(text, &settings, error);
}

static bool has_line(const char *text, const char *line)
{
    const char *found = strstr(text, line);
    while (found && found != text && found[-1] != '\n')
        found = strstr(found + 1, line);
    return found != NULL;
}

/* What the file did not say before, or said otherwise, for a server that runs. */
static void set_changed(struct mysqld_session *session, const char *old, const struct settings *settings)
{
    for (size_t i = 0; i < settings->count; i++) {
        const struct setting *each = &settings->items[i];
        AUTO_BUF struct buf line = {0};
        if (each->value && !put_setting(&line, each, NULL) && !has_line(old, buf_text(&line)))
            mysqld_session_set(session, plain_name(each->name), each->value);
    }
}

/* What the file says no more. */
static void set_removed(struct mysqld_session *session, const char *old, const struct settings *settings)
{
    AUTO_FREE char *copy = mem_string(old);
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *end = strstr(line, " = \"");
        if (!end)
            continue;
        *end = 0;
        if (!settings_find(settings, line))
            mysqld_session_set(session, plain_name(line), NULL);
    }
}

/* A running server takes at once what it can; the rest waits for its next start. Before the file is written,
 * so that what is cut off here is found again. */
static int apply(const struct engine_instance *instance, const char *old, const struct settings *settings,
                 struct error *error)
{
    struct mysqld_session session;
    if (!mysqld_status(instance).running)
        return 0;
    int result = mysqld_session_open(instance, &session, error);
    if (result)
        return result;
    set_removed(&session, old, settings);
    set_changed(&session, old, settings);
    mysqld_session_close(&session);
    return session.result;
}

int mysqld_configure(const struct engine_instance *instance, bool *changed, struct error *error)
{
    AUTO_SETTINGS struct settings settings = {0};
    AUTO_BUF struct buf text = {0}, old = {0};
    AUTO_FREE char *path = mysqld_settings_file(instance);
    AUTO_FREE char *files = mem_format("%s/files", instance->folder);
    *changed = false;
    int result = settings_of(instance, &settings, error);
    if (!result)
        result = put_settings(&text, &settings, error);
    if (!result && mysqld_flavour_of(instance)->writes_files)
        result = file_make_folder(files, 0700, error);
    if (result ||
        (file_read(path, FILE_LIMIT, &old, NULL) == 0 && slice_equal(slice_buf(&old), slice_buf(&text))))
        return result;
    *changed = true;
    result = apply(instance, buf_text(&old), &settings, error);
    return result ? result : file_write(path, slice_buf(&text), 0600, error);
}
