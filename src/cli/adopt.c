/* sealwright adopt: a server that was there before is taken into care, without a restart. */
#include "fleet/adopt.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/agent_place.h"
#include "cli/as_user.h"
#include "cli/care.h"
#include "cli/command.h"
#include "fleet/name.h"
#include "server/server.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { NOT_YET = 3, PATIENCE = 180 * 1000, LOOK_PAUSE = 200, LEAST_STORAGE = 20, MOST_STORAGE = 65536 };

static const char help[] =
    "usage: sealwright adopt (--data-dir DIR | --config-file FILE) [options]\n"
    "\n"
    "Takes a running PostgreSQL, MariaDB or MySQL server that Sealwright did not make into care: it becomes "
    "a DB "
    "instance, serves\n"
    "a certificate of Sealwright's and has it rotated. The server is reloaded, never restarted; its data, "
    "users and "
    "other\n"
    "settings are left alone. Run as root or as the user whose processes the server is. `sealwright release` "
    "gives "
    "everything back.\n"
    "\n"
    "  --data-dir DIR                    the server's data folder\n"
    "  --config-file FILE                or its configuration file\n"
    "  --engine E                        refuses any other: postgres, mariadb, mysql\n"
    "  --socket PATH                     its local socket (a folder for PostgreSQL), where it is not found\n"
    "  --port N                          refuses any other\n"
    "  --identifier NAME                 of the DB instance (default: ENGINE-PORT)\n"
    "  --region R                        (default: the home region)\n"
    "  --ca-certificate-identifier CA    (default: the region's default)\n"
    "  --db-instance-class C             shown by describe-db-instances (default: db.t3.micro)\n"
    "  --server-name NAME                a host name that clients verify today, for the certificate, beside "
    "the\n"
    "                                    endpoint; within customer_domains; may be given again\n"
    "  --dry-run                         says what would be changed\n"
    "  --yes                             does not ask\n"
    "  --run-dir DIR                     (default: run)\n"
    "  --help\n"
    "\n"
    "Exit status: 0 the new certificate is served, 3 not yet (it goes on in the background), 1 failed, 2 "
    "wrong "
    "usage.\n";

static const struct option options[] = {
    {"data-dir", required_argument, NULL, 'd'},
    {"config-file", required_argument, NULL, 'f'},
    {"engine", required_argument, NULL, 'e'},
    {"socket", required_argument, NULL, 's'},
    {"port", required_argument, NULL, 'p'},
    {"identifier", required_argument, NULL, 'i'},
    {"region", required_argument, NULL, 'r'},
    {"ca-certificate-identifier", required_argument, NULL, 'c'},
    {"db-instance-class", required_argument, NULL, 'k'},
    {"server-name", required_argument, NULL, 'n'},
    {"dry-run", no_argument, NULL, 'w'},
    {"yes", no_argument, NULL, 'y'},
    {"run-dir", required_argument, NULL, 'u'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct chosen {
    const char *folder, *data, *config, *engine, *socket, *identifier, *region, *ca, *class;
    int64_t port; /* 0: any */
    struct text_list names;
    bool dry_run, yes;
};

/* -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct chosen *chosen)
{
    const struct {
        int option;
        const char **target;
    } texts[] = {{'d', &chosen->data},       {'f', &chosen->config}, {'e', &chosen->engine},
                 {'s', &chosen->socket},     {'c', &chosen->ca},     {'k', &chosen->class},
                 {'i', &chosen->identifier}, {'r', &chosen->region}, {'u', &chosen->folder}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
            if (texts[i].option == option)
                *texts[i].target = optarg;
        if (option == 'n')
            text_list_add(&chosen->names, optarg);
        if (option == 'p' && !text_integer(optarg, 1, 65535, &chosen->port))
            return cli_usage("adopt", "--port: expected a number from 1 to 65535, found %s", optarg);
        chosen->dry_run |= option == 'w';
        chosen->yes |= option == 'y';
        if (option == 'h' || option == '?') {
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind < argc)
        return cli_usage("adopt", "unexpected %s", argv[optind]);
    if (!chosen->data == !chosen->config)
        return cli_usage("adopt", "either --data-dir or --config-file is needed");
    if (!chosen->yes && !chosen->dry_run && !isatty(STDIN_FILENO))
        return cli_usage("adopt",
                         "there is no terminal to ask on: give --yes, or --dry-run to see what it would do");
    return -1;
}

static int find_server(struct care *care, const struct settings *settings, const struct chosen *chosen,
                       struct error *error)
{
    if (chosen->engine && !(engine_find(chosen->engine) && engine_find(chosen->engine)->adoption))
        return error_set(error, ERROR_DENIED, "servers of the engine %s cannot be adopted", chosen->engine);
    AUTO_FREE char *named = chosen->config ? engine_find_data(chosen->config) : mem_string(chosen->data);
    if (!named)
        return error_set(error, ERROR_NOT_FOUND,
                         "%s names no data folder of an engine whose servers can be adopted: give --data-dir",
                         chosen->config);
    int result = care_of_data(care, settings, named, error);
    if (!result && chosen->engine && !text_equal(chosen->engine, care->server.engine))
        result = error_set(error, ERROR_INVALID, "the data folder %s is of the engine %s", named,
                           care->server.engine);
    return result;
}

/* What it is to be called. One that was begun before keeps its resource id, and so its folder. */
static int name_instance(struct care *care, const struct chosen *chosen, struct error *error)
{
    char identifier[64], before[32];
    AUTO_FREE char *otherwise = mem_format("%s-%d", care->server.engine, care->server.port);
    const char *given = chosen->identifier           ? chosen->identifier
                        : care->server.identifier[0] ? care->server.identifier
                                                     : otherwise;
    text_copy(before, sizeof before, care->server.region);
    const char *region = chosen->region ? chosen->region : before[0] ? before : care->settings->home_region;
    int result = name_check_identifier("--identifier", given, identifier, error);
    if (!result && !region_find(&care->settings->regions, region))
        result = error_set(error, ERROR_NOT_FOUND, "there is no region %s", region);
    if (result)
        return result;
    text_copy(care->server.identifier, sizeof care->server.identifier, identifier);
    text_copy(care->server.region, sizeof care->server.region, region);
    return 0;
}

static int look(struct care *care, const struct chosen *chosen, struct error *error)
{
    if (!care->known) {
        AUTO_FREE char *instances =
            agent_place_instances(care->settings, agent_place_of(care->settings, care->owner));
        name_resource_id(care->resource_id);
        care->folder = mem_format("%s/%s", instances, care->resource_id);
    }
    if (chosen->socket)
        adopted_set(&care->server.socket, chosen->socket);
    int result = care_look(care, error);
    if (!result && chosen->port && chosen->port != care->server.port)
        result = error_set(error, ERROR_INVALID, "the server listens on port %d", care->server.port);
    return result ? result : name_instance(care, chosen, error);
}

static void print_indented(const char *text)
{
    AUTO_FREE char *copy = mem_string(text);
    char *rest = copy;
    for (const char *line; (line = strsep(&rest, "\n"));)
        if (*line)
            printf("  %s\n", line);
}

static void print_plan(const struct care *care, const struct chosen *chosen)
{
    const struct adopted *server = &care->server;
    printf(
        "The %s server %s in %s, port %d, of user %s\n"
        "becomes DB instance %s in %s, with a certificate of %s.\n"
        "It is told to read its configuration again; it is not restarted, and no connection is closed.\n\n",
        server->engine, server->version, server->data_folder, server->port, care->owner, server->identifier,
        server->region, chosen->ca ? chosen->ca : "the region's default CA");
    printf("Settings:\n");
    for (size_t i = 0; i < server->setting_count; i++)
        printf("  %s: %s -> %s\n", server->settings[i].name, server->settings[i].before,
               server->settings[i].after);
    printf("\nFiles:\n");
    for (size_t i = 0; i < server->hook_count; i++) {
        AUTO_FREE char *words = hook_describe(&server->hooks[i]);
        print_indented(words);
    }
    if (server->unguarded)
        printf("\nClients that refuse a new certificate are not noticed: %s.\n", server->unguarded);
    printf("\n");
}

static void describe(const struct care *care, const struct chosen *chosen, struct adoption *adoption)
{
    const struct adopted *server = &care->server;
    struct statvfs disk;
    text_copy(adoption->resource_id, sizeof adoption->resource_id, care->resource_id);
    text_copy(adoption->identifier, sizeof adoption->identifier, server->identifier);
    text_copy(adoption->region, sizeof adoption->region, server->region);
    text_copy(adoption->engine, sizeof adoption->engine, server->engine);
    text_copy(adoption->engine_version, sizeof adoption->engine_version, server->version);
    text_copy(adoption->master_username, sizeof adoption->master_username, server->superuser);
    text_copy(adoption->instance_class, sizeof adoption->instance_class,
              chosen->class ? chosen->class : "db.t3.micro");
    text_copy(adoption->ca_identifier, sizeof adoption->ca_identifier, chosen->ca ? chosen->ca : "");
    text_list_copy(&adoption->names, &chosen->names);
    adoption->port = server->port;
    adoption->allocated_storage = LEAST_STORAGE;
    if (statvfs(server->data_folder, &disk) == 0) {
        uint64_t size = (uint64_t)disk.f_blocks * disk.f_frsize >> 30;
        adoption->allocated_storage = size < LEAST_STORAGE  ? LEAST_STORAGE
                                      : size > MOST_STORAGE ? MOST_STORAGE
                                                            : (int64_t)size;
    }
}

struct token_request {
    const struct settings *settings;
    const char *host;
    const struct adoption *adoption;
};

static int make_token(void *context, json_t **answer, struct error *error)
{
    const struct token_request *request = context;
    struct fleet fleet;
    char token[65];
    int result = server_open_fleet(request->settings, &fleet, error);
    if (result)
        return error_prefix(error, "only those who may open Sealwright's store can admit an instance");
    result = adopt_token_create(&fleet, request->host, request->adoption, token, error);
    server_close_fleet(&fleet);
    if (!result)
        *answer = json_string(token);
    mem_wipe(token, sizeof token);
    return result;
}

static json_t *request_body(const struct adoption *adoption, json_t *token)
{
    json_t *body = json_pack("{s:o}", "instance", adoption_to_json(adoption));
    if (token)
        json_object_set(body, "token", token);
    return body;
}

static int admit(struct care *care, const struct adoption *adoption, json_t **reply, struct error *error)
{
    char host[64];
    json_t *token = NULL;
    int result = agent_place_host(care->settings, care->owner, host, error);
    struct token_request request = {care->settings, host, adoption};
    if (!result)
        result = as_user(care->settings->server_user, make_token, &request, &token, error);
    if (!result)
        result = care_call(care, "/agent/v1/adopt", request_body(adoption, token), reply, error);
    json_decref(token);
    return result;
}

static const char *text_of(const json_t *reply, const char *name)
{
    const char *text = json_string_value(json_object_get(reply, name));
    return text ? text : "";
}

/* Until the new certificate is served; what the server says last is in `reply`. */
static bool await_available(struct care *care, const struct adoption *adoption, json_t **reply)
{
    int64_t until = clock_steady() + PATIENCE;
    while (!text_equal(text_of(*reply, "status"), "available")) {
        if (text_equal(text_of(*reply, "status"), "failed") || clock_steady() > until)
            return false;
        clock_pause(LOOK_PAUSE);
        json_t *next = NULL;
        if (care_call(care, "/agent/v1/adopt", request_body(adoption, NULL), &next, NULL) == 0) {
            json_decref(*reply);
            *reply = next;
        }
    }
    return true;
}

static int report(const struct care *care, const json_t *reply, bool available)
{
    char until[32];
    if (!available) {
        fprintf(stderr,
                "sealwright adopt: DB instance %s is %s: %s\nIt goes on being tried; take it back with: "
                "sealwright "
                "release %s\n",
                care->server.identifier, text_of(reply, "status"),
                text_of(reply, "problem")[0] ? text_of(reply, "problem") : "not yet",
                care->server.identifier);
        return NOT_YET;
    }
    clock_format_seconds(json_integer_value(json_object_get(reply, "valid_till")), until);
    printf("Adopted: DB instance %s of %s serves a certificate of %s, valid until %s.\n"
           "Clients verify it by the name %s, port %lld.\n",
           text_of(reply, "identifier"), text_of(reply, "region"), text_of(reply, "ca_identifier"), until,
           text_of(reply, "address"), (long long)json_integer_value(json_object_get(reply, "port")));
    return 0;
}

/* What was put into the owner's files goes again when the server does not take the instance. */
static void take_back(struct care *care, int result)
{
    struct error error = {0};
    bool refused = result != ERROR_IO && result != ERROR_BUSY && result != ERROR_TIMEOUT;
    if (refused && !care->known && (care_remove_hooks(care, &error) || care_forget(care, &error)))
        fprintf(stderr, "sealwright adopt: %s\n", error.text);
}

static int adopt(struct care *care, const struct chosen *chosen, int *status, struct error *error)
{
    struct adoption adoption = {0};
    json_t *reply = NULL;
    int result = agent_place_ensure(care->settings, care->owner, error);
    if (result)
        return result;
    describe(care, chosen, &adoption);
    result = care_write(care, error);
    if (!result)
        result = care_put_hooks(care, error);
    if (!result)
        result = admit(care, &adoption, &reply, error);
    if (result)
        take_back(care, result);
    else
        *status = report(care, reply, await_available(care, &adoption, &reply));
    json_decref(reply);
    adoption_free(&adoption);
    return result;
}

static int run(const struct settings *settings, const struct chosen *chosen, int *status, struct error *error)
{
    struct care care = {0};
    int result = find_server(&care, settings, chosen, error);
    if (!result)
        result = look(&care, chosen, error);
    if (!result) {
        print_plan(&care, chosen);
        if (chosen->dry_run)
            *status = 0;
        else if (care_confirm("Go on?", chosen->yes))
            result = adopt(&care, chosen, status, error);
    }
    care_free(&care);
    return result;
}

int cli_adopt(int argc, char **argv)
{
    struct chosen chosen = {.folder = "run"};
    struct settings settings = {0};
    struct error error = {0};
    int outcome = 1;
    int status = read_options(argc, argv, &chosen);
    if (status < 0) {
        AUTO_FREE char *folder = cli_run_folder(chosen.folder);
        int result = settings_load(&settings, folder, &error);
        if (!result)
            result = run(&settings, &chosen, &outcome, &error);
        status = result ? cli_fail("adopt", &error) : outcome;
    }
    settings_free(&settings);
    text_list_free(&chosen.names);
    return status;
}
