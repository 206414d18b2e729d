/* SQL Server's configuration: mssql.conf in its root folder (Microsoft, "Configure SQL Server on Linux with
 * the mssql-conf tool"). It is read at a start alone. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/sqlserver.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 64 * 1024, LEAST_MEMORY = 2048 };

/* Ciphers that RDS's parameters of these names add when they are "enabled"; OpenSSL's names. */
static const struct {
    const char *parameter, *ciphers;
} more_ciphers[] = {
    {"rds.diffie-hellman", "DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-GCM-SHA256"},
    {"rds.3des168", "DES-CBC3-SHA"},
    {"rds.rc4", "RC4-SHA"},
};

/* What is allowed where tlsciphers is not given (the same page). */
#define USUAL_CIPHERS                                                                                        \
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:"               \
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384:"                       \
    "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:"         \
    "ECDHE-RSA-AES256-SHA:ECDHE-RSA-AES128-SHA:AES256-GCM-SHA384:AES128-GCM-SHA256:AES256-SHA256:"           \
    "AES128-SHA256:AES256-SHA:AES128-SHA"

void sqlserver_certificate_files(const struct engine_instance *instance,
                                 struct engine_certificate_files *files)
{
    files->chain = mem_format("%s/tls/server.pem", instance->folder);
    files->key = mem_format("%s/tls/server.key", instance->folder);
    files->authorities = mem_format("%s/tls/authorities.pem", instance->folder);
}

static int find_address(const char *address, void *context, struct error *error)
{
    char **found = context;
    struct in_addr parsed;
    (void)error;
    if (*found || (!text_equal(address, "*") && inet_pton(AF_INET, address, &parsed) != 1))
        return 0;
    *found = mem_string(address);
    return 0;
}

char *sqlserver_listens(const struct engine_instance *instance)
{
    char *found = NULL;
    engine_each(instance->listen_addresses, find_address, &found, NULL);
    return found ? found : mem_string("");
}

static bool is_enabled(const struct engine_instance *instance, const char *parameter)
{
    return text_equal(engine_parameter(instance, parameter, "default"), "enabled");
}

/* RDS's "default" is the operating system's: here the versions that are not withdrawn (RFC 8996). TLS 1.2
 * cannot be turned off (user guide, "Configuring security protocols and ciphers"); SQL Server has 1.3 since
 * 2025. */
static void put_protocols(const struct engine_instance *instance, struct buf *text)
{
    bool newest = strtol(instance->release->version, NULL, 10) >= 17;
    buf_printf(text, "tlsprotocols = %s1.2%s%s\n", newest ? "1.3," : "",
               is_enabled(instance, "rds.tls11") ? ",1.1" : "",
               is_enabled(instance, "rds.tls10") ? ",1.0" : "");
}

static void put_ciphers(const struct engine_instance *instance, struct buf *text)
{
    AUTO_BUF struct buf more = {0};
    for (size_t i = 0; i < sizeof more_ciphers / sizeof more_ciphers[0]; i++)
        if (is_enabled(instance, more_ciphers[i].parameter))
            buf_printf(&more, ":%s", more_ciphers[i].ciphers);
    if (more.length)
        buf_printf(text, "tlsciphers = " USUAL_CIPHERS "%s\n", buf_text(&more));
}

static void put_tls(const struct engine_instance *instance, struct buf *text)
{
    const char *force = engine_parameter(instance, "rds.force_ssl", "0");
    bool forced = text_equal(force, "1") || text_equal_ignoring_case(force, "true");
    buf_printf(text,
               "forceencryption = %d\n"
               "tlscert = " SQLSERVER_ROOT "/tls/server.pem\n"
               "tlskey = " SQLSERVER_ROOT "/tls/server.key\n",
               forced);
    put_protocols(instance, text);
    put_ciphers(instance, text);
}

/* Several instances share a host: each gets little unless its group says more. The setting bounds the whole
 * process, of which the buffer pool is the most. */
static int put_memory(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    const char *wanted = engine_parameter(instance, "max server memory (mb)", "");
    int64_t memory = LEAST_MEMORY;
    if (wanted[0] && !text_integer(wanted, 0, INT32_MAX, &memory))
        return error_set(error, ERROR_INVALID, "parameter max server memory (mb) is no number: %s", wanted);
    buf_printf(text, "[memory]\nmemorylimitmb = %lld\n\n",
               (long long)(memory > LEAST_MEMORY ? memory : LEAST_MEMORY));
    return 0;
}

int sqlserver_settings(const struct engine_instance *instance, bool serving, struct buf *text,
                       struct error *error)
{
    AUTO_FREE char *address = serving ? sqlserver_listens(instance) : mem_string("127.0.0.1");
    if (!address[0])
        return error_set(error, ERROR_INVALID,
                         "SQL Server can listen on one IPv4 address or on all: there is none in \"%s\"",
                         instance->listen_addresses);
    buf_append_text(text, "# Written by Sealwright from the instance's parameters.\n"
                          "[EULA]\naccepteula = Y\n\n");
    int result = put_memory(instance, text, error);
    if (result)
        return result;
    buf_append_text(text, "[network]\n");
    if (!text_equal(address, "*"))
        buf_printf(text, "ipaddress = %s\n", address);
    buf_printf(text, "tcpport = %d\n", instance->port);
    if (serving)
        put_tls(instance, text);
    buf_append_text(text, "\n[telemetry]\ncustomerfeedback = false\n");
    return 0;
}

int sqlserver_configure(const struct engine_instance *instance, bool *changed, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/data/mssql.conf", instance->folder);
    AUTO_BUF struct buf wanted = {0}, found = {0};
    *changed = false;
    int result = sqlserver_settings(instance, true, &wanted, error);
    if (result)
        return result;
    if (file_read(path, FILE_LIMIT, &found, NULL) == 0 && slice_equal(slice_buf(&found), slice_buf(&wanted)))
        return 0;
    *changed = true;
    return file_write(path, slice_buf(&wanted), 0600, error);
}
