#include "engine/engine.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/adopted.h"
#include "engine/mysql.h"
#include "engine/oracle.h"
#include "engine/postgres.h"
#include "engine/sqlserver.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const struct engine_driver *const drivers[] = {&postgres_driver, &mysql_driver, &mariadb_driver,
                                                      &oracle_driver, &sqlserver_driver};

const struct engine_driver *engine_find(const char *engine)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
        for (const char *const *name = drivers[i]->engines; *name; name++)
            if (text_equal(*name, engine))
                return drivers[i];
    return NULL;
}

const struct engine_driver *engine_recognise(const char *data_folder, const char **engine)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        const struct engine_adoption *adoption = drivers[i]->adoption;
        if (adoption && (*engine = adoption->recognise(data_folder)))
            return drivers[i];
    }
    return NULL;
}

char *engine_find_data(const char *config_file)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        const struct engine_adoption *adoption = drivers[i]->adoption;
        char *data = adoption ? adoption->find_data(config_file) : NULL;
        if (data && adoption->recognise(data))
            return data;
        free(data);
    }
    return NULL;
}

void engine_certificate_files_free(struct engine_certificate_files *files)
{
    free(files->chain);
    free(files->key);
    free(files->authorities);
    free(files->issuers);
    *files = (struct engine_certificate_files){0};
}

void engine_evidence_add(struct engine_evidence *evidence, const char *client)
{
    if (evidence->ignored && text_list_has(evidence->ignored, client))
        return;
    evidence->refusals++;
    if (evidence->clients.count < evidence->client_limit && !text_list_has(&evidence->clients, client))
        text_list_add(&evidence->clients, client);
}

int engine_tls_port(const struct engine_driver *driver, const struct engine_instance *instance)
{
    return driver->tls_port ? driver->tls_port(instance) : instance->port;
}

char *engine_listens(const struct engine_driver *driver, const struct engine_instance *instance)
{
    return driver->listens ? driver->listens(instance) : mem_string(instance->listen_addresses);
}

void engine_releases_add(struct engine_releases *releases, const struct engine_release *release)
{
    for (size_t i = 0; i < releases->count; i++)
        if (text_equal(releases->items[i].engine, release->engine) &&
            text_equal(releases->items[i].version, release->version))
            return;
    releases->items = mem_grow(releases->items, releases->count + 1, sizeof *releases->items);
    releases->items[releases->count++] = *release;
}

void engine_releases_free(struct engine_releases *releases)
{
    free(releases->items);
    *releases = (struct engine_releases){0};
}

void engine_discover(const char *folders, struct engine_releases *releases)
{
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++)
        drivers[i]->discover(folders, releases);
}

int engine_version_compare(const char *a, const char *b)
{
    while (*a || *b) {
        char *rest_a = NULL, *rest_b = NULL;
        unsigned long number_a = strtoul(a, &rest_a, 10), number_b = strtoul(b, &rest_b, 10);
        if (number_a != number_b)
            return number_a < number_b ? -1 : 1;
        if (rest_a == a && rest_b == b)
            return strcmp(a, b) < 0 ? -1 : strcmp(a, b) > 0;
        a = rest_a + (*rest_a == '.');
        b = rest_b + (*rest_b == '.');
    }
    return 0;
}

const struct engine_release *engine_release_choose(const struct engine_releases *releases, const char *engine,
                                                   const char *version)
{
    const struct engine_release *best = NULL;
    const struct engine_driver *driver = engine_find(engine);
    for (size_t i = 0; driver && i < releases->count; i++) {
        const struct engine_release *each = &releases->items[i];
        if (!text_equal(each->engine, engine) || !driver->compatible(version, each->version))
            continue;
        if (text_equal(each->version, version))
            return each;
        if (!best || engine_version_compare(best->version, each->version) < 0)
            best = each;
    }
    return best;
}

const char *engine_parameter(const struct engine_instance *instance, const char *name, const char *absent)
{
    for (size_t i = 0; i < instance->parameter_count; i++)
        if (text_equal(instance->parameters[i].name, name))
            return instance->parameters[i].value;
    return absent;
}

int engine_each(const char *list, int (*visit)(const char *item, void *context, struct error *error),
                void *context, struct error *error)
{
    AUTO_FREE char *copy = mem_string(list ? list : "");
    char *rest = NULL;
    int result = 0;
    for (char *item = strtok_r(copy, ",", &rest); item && !result; item = strtok_r(NULL, ",", &rest)) {
        item += strspn(item, " \t");
        size_t length = strlen(item);
        while (length && (item[length - 1] == ' ' || item[length - 1] == '\t'))
            item[--length] = 0;
        if (length)
            result = visit(item, context, error);
    }
    return result;
}

void engine_each_in_path(int (*visit)(const char *folder, void *context, struct error *error), void *context)
{
    const char *path = getenv("PATH");
    AUTO_FREE char *list = mem_string(path ? path : "");
    for (char *at = list; *at; at++)
        if (*at == ':')
            *at = ',';
    engine_each(list, visit, context, NULL);
}

static int check_address(const char *address, void *context, struct error *error)
{
    const int *port = context;
    char service[16];
    snprintf(service, sizeof service, "%d", *port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    if (getaddrinfo(text_equal(address, "*") ? NULL : address, service, &hints, &found))
        return error_set(error, ERROR_INVALID, "listen address %s cannot be resolved", address);
    int result = 0;
    for (const struct addrinfo *each = found; each && !result; each = each->ai_next) {
        AUTO_CLOSE int fd = socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        /* As the engines do, so that connections of the last run that linger are no hindrance. */
        int on = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (each->ai_family == AF_INET6)
            setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
        if (bind(fd, each->ai_addr, each->ai_addrlen) < 0 && errno == EADDRINUSE)
            result = error_set(
                error, ERROR_EXISTS,
                "port %d on %s is taken by another program: choose another port or stop that program", *port,
                address);
    }
    freeaddrinfo(found);
    return result;
}

int engine_port_check(const char *listen_addresses, int port, struct error *error)
{
    return engine_each(listen_addresses, check_address, &port, error);
}

bool engine_address_here(const char *address)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(address, "0", &hints, &found))
        return false;
    bool here = false;
    for (const struct addrinfo *each = found; each && !here; each = each->ai_next) {
        AUTO_CLOSE int fd = socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        here = fd >= 0 && bind(fd, each->ai_addr, each->ai_addrlen) == 0;
    }
    freeaddrinfo(found);
    return here;
}
