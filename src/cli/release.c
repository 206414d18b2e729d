/* sealwright release: an adopted server gets back what it had. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/agent_place.h"
#include "cli/care.h"
#include "cli/command.h"
#include "cli/role.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NOT_YET = 3, PATIENCE = 60 * 1000, LOOK_PAUSE = 200 };

static const char help[] =
    "usage: sealwright release IDENTIFIER [--region R] [--yes] [--run-dir DIR]\n"
    "\n"
    "Lets an adopted server go: its own settings and certificate are in force again, its files are byte for "
    "byte what "
    "they\n"
    "were, and the DB instance is deleted. The server is reloaded, never restarted; its data is left alone. "
    "Run on the "
    "server's\n"
    "host, as root or as the user whose processes it is. Files that somebody else has changed meanwhile are "
    "not "
    "overwritten.\n"
    "\n"
    "  --region R      where two regions have the identifier\n"
    "  --yes           does not ask\n"
    "  --run-dir DIR   (default: run)\n"
    "  --help\n"
    "\n"
    "Exit status: 0 released, 3 not yet (it goes on in the background), 1 failed, 2 wrong usage.\n";

static const struct option options[] = {
    {"region", required_argument, NULL, 'r'},
    {"yes", no_argument, NULL, 'y'},
    {"run-dir", required_argument, NULL, 'u'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct chosen {
    const char *folder, *region;
    char *identifier;
    bool yes;
};

/* -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct chosen *chosen)
{
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'r')
            chosen->region = optarg;
        else if (option == 'u')
            chosen->folder = optarg;
        else if (option == 'y')
            chosen->yes = true;
        else {
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind + 1 != argc)
        return cli_usage("release", "the identifier of one adopted instance is needed");
    if (!chosen->yes && !isatty(STDIN_FILENO))
        return cli_usage("release", "there is no terminal to ask on: give --yes");
    chosen->identifier = argv[optind];
    text_lower(chosen->identifier);
    return -1;
}

static void print_plan(const struct care *care)
{
    printf("The %s server in %s gets back:\n", care->server.engine, care->server.data_folder);
    for (size_t i = 0; i < care->server.setting_count; i++)
        printf("  %s: %s\n", care->server.settings[i].name, care->server.settings[i].before);
    for (size_t i = 0; i < care->server.hook_count; i++)
        printf("  %s as it was\n", care->server.hooks[i].path);
    printf("It is told to read its configuration again; it is not restarted.\n\n");
}

static int ask(struct care *care, json_t **reply, struct error *error)
{
    return care_call(care, "/agent/v1/release", json_pack("{s:s}", "resource_id", care->resource_id), reply,
                     error);
}

/* The server knows nothing of it: an adoption that was cut short, or a store of before. The agent must not
 * work on it meanwhile. */
static int release_alone(struct care *care, struct error *error)
{
    const struct role role = {"agent", agent_place_of(care->settings, care->owner)};
    pid_t pid;
    bool ran = role_stop(care->settings, &role);
    int result = care_give_back(care, error);
    if (!result)
        result = care_remove_hooks(care, error);
    if (!result)
        result = care_forget(care, error);
    if (ran && role_start(care->settings, &role, &pid, NULL))
        fprintf(stderr, "sealwright release: the agent could not be started again: sealwright up\n");
    return result;
}

/* The agent gives the settings back and takes its lines out; files that are root's are left to us. */
static int await_released(struct care *care, int *status, struct error *error)
{
    AUTO_FREE char *problem = mem_string("");
    for (int64_t until = clock_steady() + PATIENCE; clock_steady() < until; clock_pause(LOOK_PAUSE)) {
        json_t *reply = NULL;
        if (ask(care, &reply, error) == ERROR_NOT_FOUND) {
            printf("Released: %s.\n", care->server.identifier);
            *status = 0;
            return 0;
        }
        const char *told = json_string_value(json_object_get(reply, "problem"));
        if (!text_is_empty(told) && !text_equal(told, problem))
            fprintf(stderr, "sealwright release: not yet: %s\n", told);
        adopted_set(&problem, told);
        json_decref(reply);
        if (care_read(care, error) == 0 && care->server.given_back && geteuid() == 0 &&
            care_remove_hooks(care, error))
            return (int)error->code;
    }
    fprintf(stderr, "sealwright release: %sit goes on being tried.\n",
            !text_is_empty(problem) ? "" : "not yet: the agent has not answered; ");
    *status = NOT_YET;
    return 0;
}

static int release(struct care *care, int *status, struct error *error)
{
    json_t *reply = NULL;
    int result = agent_place_ensure(care->settings, care->owner, error);
    if (!result)
        result = ask(care, &reply, error);
    json_decref(reply);
    if (result == ERROR_NOT_FOUND) {
        result = release_alone(care, error);
        if (!result)
            printf("Released: %s, which the server did not know.\n", care->server.identifier);
        *status = 0;
        return result;
    }
    return result ? result : await_released(care, status, error);
}

static int run(const struct settings *settings, const struct chosen *chosen, int *status, struct error *error)
{
    struct care care = {0};
    int result = care_find(&care, settings, chosen->identifier, chosen->region, error);
    if (!result) {
        print_plan(&care);
        if (care_confirm("Go on?", chosen->yes))
            result = release(&care, status, error);
    }
    care_free(&care);
    return result;
}

int cli_release(int argc, char **argv)
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
        status = result ? cli_fail("release", &error) : outcome;
    }
    settings_free(&settings);
    return status;
}
