/* sqlnet.ora, listener.ora, tnsnames.ora and fips.ora of an instance's listener and sessions, and the
 * parameters that its database starts with (Oracle Database Net Services Reference, chapters 5 to 7; Security
 * Guide, "Oracle Database FIPS 140-2 Settings"). */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/oracle.h"

#include <stdio.h>
#include <string.h>

enum { FILE_LIMIT = 256 * 1024 };

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

/* RDS's parameters of sqlnet.ora are named so ("sqlnetora.sqlnet.expire_time"). */
#define SQLNET_PREFIX "sqlnetora."

static bool is_made_of(const char *text, const char *characters)
{
    return text[0] && strspn(text, characters) == strlen(text);
}

int oracle_tls_port(const struct engine_instance *instance)
{
    int64_t port = 0;
    const char *given = engine_parameter(instance, "option.SSL.port", "");
    return text_integer(given, 1, 65535, &port) ? (int)port : 0;
}

bool oracle_suites_fit(const char *suites, bool rsa)
{
    AUTO_FREE char *copy = mem_string(suites);
    char *rest = NULL;
    bool any = false;
    for (const char *each = strtok_r(copy, ", ", &rest); each; each = strtok_r(NULL, ", ", &rest)) {
        any = true;
        if ((strstr(each, "_ECDSA_") == NULL) == rsa)
            return true;
    }
    return !any;
}

/* A path stands between quotes or in parentheses, for which these files have no escapes. */
static int check_folder(const struct engine_instance *instance, struct error *error)
{
    if (is_made_of(instance->folder, LETTERS DIGITS "/._-+"))
        return 0;
    return error_set(
        error, ERROR_INVALID,
        "the folder %s: Oracle's files take letters, digits and / . _ - + in a path; choose another "
        "instances folder",
        instance->folder);
}

/* The SSL option's settings, for sqlnet.ora and listener.ora: the listener does a handshake of its own, and
 * so does the server process that it gives the connection to. */
static int put_tls(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    const char *version = engine_parameter(instance, "SQLNET.SSL_VERSION", "1.2");
    const char *suites = engine_parameter(instance, "SQLNET.CIPHER_SUITE", "");
    if (!oracle_tls_port(instance))
        return 0;
    if (!text_equal(version, "1.0") && !text_equal(version, "1.2") && !text_equal(version, "1.2 or 1.0"))
        return error_set(error, ERROR_INVALID,
                         "SQLNET.SSL_VERSION is \"%s\": 1.0, 1.2, and 1.2 or 1.0 are allowed", version);
    if (suites[0] && !is_made_of(suites, LETTERS DIGITS "_, "))
        return error_set(error, ERROR_INVALID, "SQLNET.CIPHER_SUITE is \"%s\": names of suites are expected",
                         suites);
    buf_printf(text,
               "WALLET_LOCATION = (SOURCE = (METHOD = FILE)(METHOD_DATA = (DIRECTORY = %s/tls/wallet)))\n"
               "SSL_CLIENT_AUTHENTICATION = FALSE\n"
               "SSL_VERSION = %s\n",
               instance->folder, version);
    if (suites[0])
        buf_printf(text, "SSL_CIPHER_SUITES = (%s)\n", suites);
    return 0;
}

struct list_writer {
    struct buf *text;
    const struct engine_instance *instance;
    const char *protocol;
    int port;
    size_t count;
};

static int put_network(const char *network, void *context, struct error *error)
{
    struct list_writer *writer = context;
    if (!is_made_of(network, DIGITS "abcdefABCDEF.:/"))
        return error_set(error, ERROR_INVALID, "client network %s is not an address with a prefix length",
                         network);
    buf_printf(writer->text, "%s%s", writer->count++ ? ", " : "", network);
    return 0;
}

/* A parameter of sqlnet.ora that the operator set. Those of TLS are the SSL option's. */
static int put_sqlnet_parameter(const struct engine_parameter *parameter, struct buf *text,
                                struct error *error)
{
    const char *name = parameter->name + strlen(SQLNET_PREFIX);
    if (!is_made_of(name, LETTERS DIGITS "_.") || !is_made_of(parameter->value, LETTERS DIGITS "_., ()/="))
        return error_set(error, ERROR_INVALID, "parameter %s: \"%s\" cannot stand in sqlnet.ora",
                         parameter->name, parameter->value);
    buf_printf(text, "%s = %s\n", name, parameter->value);
    return 0;
}

int oracle_sqlnet(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    struct list_writer writer = {.text = text};
    buf_printf(text,
               "NAMES.DIRECTORY_PATH = (TNSNAMES, EZCONNECT)\n"
               "DIAG_ADR_ENABLED = OFF\n"
               "LOG_DIRECTORY_SERVER = %s/log\n"
               "LOG_DIRECTORY_CLIENT = %s/log\n"
               "TCP.VALIDNODE_CHECKING = YES\n"
               "TCP.INVITED_NODES = (",
               instance->folder, instance->folder);
    int result = check_folder(instance, error);
    if (!result)
        result = engine_each(instance->client_networks, put_network, &writer, error);
    buf_append_text(text, ")\n");
    for (size_t i = 0; !result && i < instance->parameter_count; i++)
        if (text_starts_with(instance->parameters[i].name, SQLNET_PREFIX))
            result = put_sqlnet_parameter(&instance->parameters[i], text, error);
    return result ? result : put_tls(instance, text, error);
}

/* One that this machine does not have would keep the whole listener down. */
static int put_address(const char *address, void *context, struct error *error)
{
    struct list_writer *writer = context;
    bool all = text_equal(address, "*");
    if (!all && !is_made_of(address, LETTERS DIGITS ".:-"))
        return error_set(error, ERROR_INVALID, "listen address %s is neither an address nor a name", address);
    if (!all && !engine_address_here(address))
        return 0;
    if (all) {
        int result = put_address("0.0.0.0", context, error);
        return result ? result : put_address("::", context, error);
    }
    writer->count++;
    buf_printf(writer->text, "    (DESCRIPTION = (ADDRESS = (PROTOCOL = %s)(HOST = %s)(PORT = %d)%s))\n",
               writer->protocol, address, writer->port, text_equal(address, "::") ? "(IP = V6_ONLY)" : "");
    return 0;
}

static int put_addresses(const struct engine_instance *instance, const char *protocol, int port,
                         struct buf *text, struct error *error)
{
    struct list_writer writer = {.text = text, .protocol = protocol, .port = port};
    int result = engine_each(instance->listen_addresses, put_address, &writer, error);
    if (!result && !writer.count)
        return error_set(error, ERROR_INVALID, "this machine has none of the listen addresses %s",
                         instance->listen_addresses);
    return result;
}

/* The database is known to its own listener alone, and under its name both as a service and as a SID. */
int oracle_listener(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    AUTO_FREE char *sid = oracle_sid(instance);
    const char *bin = instance->release->programs;
    char service[9];
    int tls_port = oracle_tls_port(instance);
    int result = oracle_service(instance, service, error);
    if (!result)
        result = check_folder(instance, error);
    if (!result && tls_port == instance->port)
        result = error_set(
            error, ERROR_INVALID,
            "port %d of the SSL option is the instance's own: choose another in the option group", tls_port);
    if (result)
        return result;
    buf_append_text(text, "LISTENER =\n  (DESCRIPTION_LIST =\n");
    result = put_addresses(instance, "TCP", instance->port, text, error);
    if (!result && tls_port)
        result = put_addresses(instance, "TCPS", tls_port, text, error);
    buf_printf(text,
               "  )\n"
               "SID_LIST_LISTENER =\n"
               "  (SID_LIST = (SID_DESC = (GLOBAL_DBNAME = %s)(SID_NAME = %s)(ORACLE_HOME = %.*s)))\n"
               "USE_SID_AS_SERVICE_LISTENER = ON\n"
               "DYNAMIC_REGISTRATION_LISTENER = OFF\n"
               "DIAG_ADR_ENABLED_LISTENER = OFF\n"
               "LOG_DIRECTORY_LISTENER = %s/log\n"
               "LOG_FILE_LISTENER = listener\n",
               service, sid, (int)(strlen(bin) - strlen("/bin")), bin, instance->folder);
    return result ? result : put_tls(instance, text, error);
}

/* For the operator's own sqlplus on this host. */
int oracle_names(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    char service[9];
    int tls_port = oracle_tls_port(instance);
    int result = oracle_service(instance, service, error);
    if (result)
        return result;
    buf_printf(text,
               "%s = (DESCRIPTION = (ADDRESS = (PROTOCOL = TCP)(HOST = localhost)(PORT = %d))"
               "(CONNECT_DATA = (SERVICE_NAME = %s)))\n",
               service, instance->port, service);
    if (tls_port)
        buf_printf(text,
                   "%s_SSL = (DESCRIPTION = (ADDRESS = (PROTOCOL = TCPS)(HOST = localhost)(PORT = %d))"
                   "(CONNECT_DATA = (SERVICE_NAME = %s)))\n",
                   service, tls_port, service);
    return 0;
}

/* Initialization parameters that this driver alone decides, or that reach files of the host. */
static bool is_reserved(const char *name)
{
    static const char *const reserved[] = {
        "spfile",
        "ifile",
        "local_listener",
        "remote_listener",
        "listener_networks",
        "db_name",
        "db_unique_name",
        "db_domain",
        "instance_name",
        "service_names",
        "control_files",
        "audit_file_dest",
        "diagnostic_dest",
        "wallet_root",
        "tde_configuration",
        "db_create_file_dest",
        "db_recovery_file_dest",
        "utl_file_dir",
        "core_dump_dest",
        "os_authent_prefix",
        "remote_os_authent",
        "remote_login_passwordfile",
        "dispatchers",
    };
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (text_equal_ignoring_case(reserved[i], name))
            return true;
    return false;
}

/* Those of the database have names without a dot; all others are of sqlnet.ora and of options. */
static bool is_of_database(const struct engine_parameter *parameter)
{
    return is_made_of(parameter->name, LETTERS DIGITS "_") && !is_reserved(parameter->name);
}

static int each_parameter(const struct engine_instance *instance, const char *before, const char *after,
                          struct buf *text, struct error *error)
{
    for (size_t i = 0; i < instance->parameter_count; i++) {
        const struct engine_parameter *each = &instance->parameters[i];
        if (!is_of_database(each))
            continue;
        if (strpbrk(each->value, "'\"\\\n\r"))
            return error_set(error, ERROR_INVALID,
                             "the value of parameter %s holds a quote, a backslash or a new line",
                             each->name);
        buf_printf(text, "%s%s='%s'%s\n", before, each->name, each->value, after);
    }
    return 0;
}

int oracle_parameter_statements(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    return each_parameter(instance, "ALTER SYSTEM SET ", " SCOPE=MEMORY;", text, error);
}

/* What stands after the server parameter file goes before what is in it. */
int oracle_start_parameters(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    int result = check_folder(instance, error);
    buf_printf(text,
               "spfile='%s/data/spfile.ora'\n"
               "local_listener='(ADDRESS=(PROTOCOL=TCP)(HOST=localhost)(PORT=%d))'\n",
               instance->folder, instance->port);
    return result ? result : each_parameter(instance, "", "", text, error);
}

static int fips(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    const char *wanted = engine_parameter(instance, "FIPS.SSLFIPS_140", "FALSE");
    bool on = text_equal_ignoring_case(wanted, "TRUE");
    if (!on && !text_equal_ignoring_case(wanted, "FALSE"))
        return error_set(error, ERROR_INVALID, "FIPS.SSLFIPS_140 is \"%s\": TRUE and FALSE are allowed",
                         wanted);
    buf_printf(text, "SSLFIPS_140 = %s\n", on ? "TRUE" : "FALSE");
    return 0;
}

int oracle_configure(const struct engine_instance *instance, bool *changed, struct error *error)
{
    static const struct {
        const char *name;
        int (*write)(const struct engine_instance *instance, struct buf *text, struct error *error);
    } files[] = {
        {"sqlnet.ora", oracle_sqlnet},         {"listener.ora", oracle_listener},
        {"tnsnames.ora", oracle_names},        {"fips.ora", fips},
        {"init.ora", oracle_start_parameters},
    };
    AUTO_FREE char *folder = oracle_network_folder(instance), *log = mem_format("%s/log", instance->folder);
    int result = file_make_folder(folder, 0700, error);
    if (!result)
        result = file_make_folder(log, 0700, error);
    *changed = false;
    for (size_t i = 0; !result && i < sizeof files / sizeof files[0]; i++) {
        AUTO_FREE char *path = mem_format("%s/%s", folder, files[i].name);
        AUTO_BUF struct buf text = {0}, old = {0};
        result = files[i].write(instance, &text, error);
        if (result ||
            (file_read(path, FILE_LIMIT, &old, NULL) == 0 && slice_equal(slice_buf(&old), slice_buf(&text))))
            continue;
        *changed = true;
        result = file_write(path, slice_buf(&text), 0600, error);
    }
    return result;
}
