/* sealwright access-key: who may call the API. */
#include "base/text.h"
#include "cli/command.h"
#include "cli/operate.h"
#include "fleet/access.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] = "usage: sealwright access-key create [--run-dir DIR] [--user NAME] [--read-only] "
                           "[--region R]... [--json]\n"
                           "       sealwright access-key list   [--run-dir DIR]\n"
                           "       sealwright access-key delete [--run-dir DIR] ACCESS_KEY_ID\n"
                           "\n"
                           "  --user NAME    shown in errors and logs (default: operator)\n"
                           "  --read-only    may describe and list, change nothing\n"
                           "  --region R     limits the key to this region; may be given again\n"
                           "  --json         prints the key as JSON\n"
                           "\n"
                           "The secret is shown once, by create.\n";

static const struct option options[] = {
    {"run-dir", required_argument, NULL, 'r'},
    {"user", required_argument, NULL, 'u'},
    {"read-only", no_argument, NULL, 'o'},
    {"region", required_argument, NULL, 'g'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct chosen {
    const char *folder, *user;
    bool read_only, json;
    struct text_list regions;
};

static int create(struct fleet *fleet, const struct chosen *chosen, struct error *error)
{
    struct access_key key;
    int result = access_create(fleet, chosen->user, chosen->read_only, &chosen->regions, &key, error);
    if (!result && chosen->json)
        printf("{\"AccessKeyId\": \"%s\", \"SecretAccessKey\": \"%s\"}\n", key.access_key_id, key.secret);
    else if (!result)
        printf("AWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", key.access_key_id, key.secret);
    access_key_free(&key);
    return result;
}

static bool print_key(const struct access_key_row *row, void *context)
{
    (void)context;
    printf("%-22s %-20s %-14s %s\n", row->access_key_id, row->user_name,
           row->read_only ? "read-only" : "administrator",
           text_equal(row->regions, "[]") ? "all regions" : row->regions);
    return true;
}

static int run(struct fleet *fleet, const char *verb, const struct chosen *chosen, const char *access_key_id,
               struct error *error)
{
    if (text_equal(verb, "create"))
        return create(fleet, chosen, error);
    if (text_equal(verb, "list"))
        return store_access_key_list(fleet->store, print_key, NULL, error);
    return access_remove(fleet, access_key_id, error);
}

static int run_on_store(const char *verb, const struct chosen *chosen, const char *access_key_id)
{
    struct operation operation;
    struct error error = {0};
    int result = operation_open(&operation, chosen->folder, &error);
    if (!result)
        result = run(&operation.fleet, verb, chosen, access_key_id, &error);
    operation_close(&operation);
    return result ? cli_fail("access-key", &error) : 0;
}

int cli_access_key(int argc, char **argv)
{
    struct chosen chosen = {.folder = "run", .user = "operator"};
    const char *verb = argc > 1 ? argv[1] : "";
    bool known = text_equal(verb, "create") || text_equal(verb, "list") || text_equal(verb, "delete");
    if (!known) {
        bool asked = text_equal(verb, "--help");
        fputs(help, asked ? stdout : stderr);
        return asked ? 0 : 2;
    }
    for (int option; (option = getopt_long(argc - 1, argv + 1, "", options, NULL)) != -1;) {
        switch (option) {
        case 'r':
            chosen.folder = optarg;
            break;
        case 'u':
            chosen.user = optarg;
            break;
        case 'o':
            chosen.read_only = true;
            break;
        case 'j':
            chosen.json = true;
            break;
        case 'g':
            text_list_add(&chosen.regions, optarg);
            break;
        default:
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    const char *access_key_id = optind + 1 < argc ? argv[optind + 1] : NULL;
    int status = text_equal(verb, "delete") && !access_key_id ? cli_usage("access-key", "which key?")
                                                              : run_on_store(verb, &chosen, access_key_id);
    text_list_free(&chosen.regions);
    return status;
}
