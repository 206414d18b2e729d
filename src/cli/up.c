/* sealwright up and down: this machine's server and agent in the background. */
#include "agent/state.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/operate.h"
#include "cli/role.h"
#include "console/console.h"
#include "engine/engine.h"
#include "server/server.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_DEADLINE = 60 * 1000 };

static const char down_help[] =
    "usage: sealwright down --run-dir DIR [--all]\n"
    "\n"
    "Stops the server and the agents of a run folder. Databases go on.\n"
    "\n"
    "  --run-dir DIR   (default: run)\n"
    "  --all           stops the databases too, but for adopted ones; their data stays\n"
    "  --help\n";

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    buf_append(context, data, size * count);
    return size * count;
}

/* GET /health, verified with the control CA. Answers the JSON or NULL. */
static json_t *ask_health(const struct settings *settings)
{
    AUTO_FREE char *url = mem_format("https://localhost:%d/health", settings->port);
    AUTO_FREE char *ca = settings_path(settings, SERVER_CONTROL_CA);
    AUTO_BUF struct buf body = {0};
    if (!file_exists(ca))
        return NULL;
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 3000L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return code == CURLE_OK ? json_loadb((const char *)body.data, body.length, 0, NULL) : NULL;
}

static json_int_t number_at(const json_t *json, const char *outer, const char *inner)
{
    const json_t *place = outer ? json_object_get(json, outer) : json;
    return json_integer_value(json_object_get(place, inner));
}

/* What `up` waits for, step by step. */
static bool server_answers(const json_t *health)
{
    return health != NULL;
}

static bool agent_enrolled(const json_t *health)
{
    return number_at(health, NULL, "hosts") > 0;
}

static bool home_region_ready(const json_t *health)
{
    return json_is_true(json_object_get(json_object_get(health, "authorities"), "home_region_ready"));
}

static int await_answer(const struct settings *settings, const struct role *role, pid_t pid,
                        bool (*is_ready)(const json_t *), struct error *error)
{
    int64_t until = clock_steady() + 120 * CLOCK_SECOND;
    for (;;) {
        json_t *health = ask_health(settings);
        bool ready = is_ready(health);
        json_decref(health);
        if (ready)
            return 0;
        int status;
        if (pid > 0 && waitpid(pid, &status, WNOHANG) == pid) {
            role_print_tail(settings, role);
            return error_set(error, ERROR_IO, "the %s has ended", role->name);
        }
        if (clock_steady() > until)
            return error_set(error, ERROR_TIMEOUT, "the %s does not answer; see its log", role->name);
        clock_pause(20);
    }
}

/* `folder` as the caller named it. */
static void print_next(const struct settings *settings, const char *folder)
{
    int console = console_open(settings->console_folder);
    printf("\nSealwright answers at https://localhost:%d\n", settings->port);
    if (console >= 0) {
        printf(
            "Its web console is at https://localhost:%d/console/: sign in with the access key in %s/env.sh\n",
            settings->port, folder);
        close(console);
    }
    printf("\nType next:\n\n"
           "    . %s/env.sh\n"
           "    aws --endpoint-url \"$SEALWRIGHT_ENDPOINT\" rds create-db-instance --db-instance-identifier "
           "orders \\\n"
           "        --engine postgres --db-instance-class db.t3.micro --allocated-storage 20 \\\n"
           "        --master-username app --master-user-password 'choose-a-password' \\\n"
           "        --ca-certificate-identifier rds-ca-ecc384-g1\n"
           "    aws --endpoint-url \"$SEALWRIGHT_ENDPOINT\" rds wait db-instance-available "
           "--db-instance-identifier orders\n"
           "    curl --cacert \"$SEALWRIGHT_CA\" \"$SEALWRIGHT_ENDPOINT/%s/%s-bundle.pem\" -o bundle.pem\n"
           "    read -r host port <<< \"$(aws --endpoint-url \"$SEALWRIGHT_ENDPOINT\" rds "
           "describe-db-instances \\\n"
           "        --db-instance-identifier orders --query 'DBInstances[0].Endpoint.[Address,Port]' "
           "--output text)\"\n"
           "    PGPASSWORD='choose-a-password' psql \"host=$host port=$port user=app dbname=postgres "
           "sslmode=verify-full "
           "sslrootcert=bundle.pem\" \\\n"
           "        -c 'SELECT version()'\n"
           "    aws --endpoint-url \"$SEALWRIGHT_ENDPOINT\" rds modify-db-instance --db-instance-identifier "
           "orders \\\n"
           "        --ca-certificate-identifier rds-ca-rsa4096-g1 --apply-immediately\n\n",
           folder, settings->home_region, settings->home_region);
    json_t *health = ask_health(settings);
    printf("%lld of %lld certificate authorities are made; the rest follow in the background:\n"
           "    %s status --run-dir %s --wait\n",
           (long long)number_at(health, "authorities", "made"),
           (long long)number_at(health, "authorities", "wanted"), program_invocation_name, folder);
    json_decref(health);
}

/* Those that `sealwright adopt` has made. */
static int start_user_agents(const struct settings *settings, struct error *error)
{
    struct text_list users = {0};
    int result = 0;
    role_users(settings, &users);
    for (size_t i = 0; !result && i < users.count; i++) {
        const struct role agent = {"agent", users.items[i]};
        pid_t pid;
        if (!role_pid(settings, &agent))
            result = role_start(settings, &agent, &pid, error);
    }
    text_list_free(&users);
    return result;
}

static int start_all(const struct settings *settings, struct error *error)
{
    const struct role server = {"server", NULL}, agent = {"agent", NULL};
    pid_t pid = 0;
    int result = 0;
    if (!role_pid(settings, &server))
        result = role_start(settings, &server, &pid, error);
    else
        printf("The server runs already.\n");
    if (!result)
        result = await_answer(settings, &server, pid, server_answers, error);
    pid = 0;
    if (!result && !role_pid(settings, &agent))
        result = role_start(settings, &agent, &pid, error);
    if (!result)
        result = await_answer(settings, &agent, pid, agent_enrolled, error);
    if (!result)
        result = start_user_agents(settings, error);
    return result ? result : await_answer(settings, &server, 0, home_region_ready, error);
}

/* The options are those of init, which comes first. */
int cli_up(int argc, char **argv)
{
    const char *folder = "run";
    for (int i = 1; i < argc; i++) {
        if (text_equal(argv[i], "--help")) {
            printf(
                "usage: sealwright up [options of init]\n\nMakes the run folder if it is not there (see "
                "sealwright init "
                "--help), starts server and agent\nin the background and returns when calls are answered.\n");
            return 0;
        }
        if (text_equal(argv[i], "--run-dir") && i + 1 < argc)
            folder = argv[i + 1];
        if (text_starts_with(argv[i], "--run-dir="))
            folder = argv[i] + strlen("--run-dir=");
    }
    int status = cli_init(argc, argv);
    if (status)
        return status;
    struct settings settings = {0};
    struct error error = {0};
    AUTO_FREE char *absolute = cli_run_folder(folder);
    int result = settings_load(&settings, absolute, &error);
    if (!result)
        result = start_all(&settings, &error);
    if (!result)
        print_next(&settings, folder);
    settings_free(&settings);
    return result ? cli_fail("up", &error) : 0;
}

/* Stops the engine of an instance's folder. True when it ran. */
static bool stop_database(const char *folder)
{
    struct instance_state state;
    struct error error = {0};
    const struct engine_instance instance = {.folder = folder};
    const struct engine_driver *driver =
        state_load(folder, &state, NULL) ? NULL : engine_find(state.desired.engine);
    bool running = driver && driver->status(&instance).running;
    if (running && driver->stop(&instance, STOP_DEADLINE, &error))
        fprintf(stderr, "sealwright down: %s: %s\n", state.desired.identifier, error.text);
    state_free(&state);
    return running;
}

/* Stops every engine below the run folder. Answers how many ran. */
static int stop_databases(const struct settings *settings)
{
    AUTO_FREE char *folder = settings_path(settings, SERVER_INSTANCES_FOLDER);
    int stopped = 0;
    DIR *listing = opendir(folder);
    for (const struct dirent *entry; listing && (entry = readdir(listing));) {
        AUTO_FREE char *instance = mem_format("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && stop_database(instance))
            stopped++;
    }
    if (listing)
        closedir(listing);
    return stopped;
}

static void stop_roles(const struct settings *settings)
{
    const struct role server = {"server", NULL}, agent = {"agent", NULL};
    struct text_list users = {0};
    role_users(settings, &users);
    for (size_t i = 0; i < users.count; i++) {
        const struct role other = {"agent", users.items[i]};
        printf("The agent of user %s %s.\n", users.items[i],
               role_stop(settings, &other) ? "is stopped" : "was not running");
    }
    text_list_free(&users);
    printf("The agent %s.\n", role_stop(settings, &agent) ? "is stopped" : "was not running");
    printf("The server %s.\n", role_stop(settings, &server) ? "is stopped" : "was not running");
}

static void print_roles(const struct settings *settings)
{
    struct text_list users = {0};
    printf("server: %s\nagent: %s\n", cli_read_pid(settings, "server.pid") ? "running" : "stopped",
           cli_read_pid(settings, "agent.pid") ? "running" : "stopped");
    role_users(settings, &users);
    for (size_t i = 0; i < users.count; i++) {
        const struct role other = {"agent", users.items[i]};
        printf("agent of user %s: %s\n", users.items[i], role_pid(settings, &other) ? "running" : "stopped");
    }
    text_list_free(&users);
}

int cli_down(int argc, char **argv)
{
    static const struct option options[] = {
        {"run-dir", required_argument, NULL, 'r'},
        {"all", no_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *folder = "run";
    bool all = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'r')
            folder = optarg;
        else if (option == 'a')
            all = true;
        else {
            fputs(down_help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    struct settings settings = {0};
    struct error error = {0};
    AUTO_FREE char *absolute = cli_run_folder(folder);
    if (settings_load(&settings, absolute, &error)) {
        settings_free(&settings);
        return cli_fail("down", &error);
    }
    stop_roles(&settings);
    if (all)
        printf("%d databases are stopped; their data stays.\n", stop_databases(&settings));
    else
        printf("Databases go on, with the certificates they have (--all stops them too).\n");
    settings_free(&settings);
    return 0;
}

int cli_status(int argc, char **argv)
{
    static const struct option options[] = {
        {"run-dir", required_argument, NULL, 'r'},
        {"wait", no_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *folder = "run";
    bool wait = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'r')
            folder = optarg;
        else if (option == 'w')
            wait = true;
        else {
            fprintf(option == 'h' ? stdout : stderr,
                    "usage: sealwright status --run-dir DIR [--wait]\n\nSays what runs and how many "
                    "certificate authorities "
                    "are made; --wait stays until all are.\n");
            return option == 'h' ? 0 : 2;
        }
    }
    struct settings settings = {0};
    struct error error = {0};
    AUTO_FREE char *absolute = cli_run_folder(folder);
    int result = settings_load(&settings, absolute, &error);
    if (!result)
        print_roles(&settings);
    long long made = 0, wanted = 0;
    struct progress progress;
    progress_begin(&progress, stdout, "certificate authorities", 0);
    while (!result) {
        json_t *health = ask_health(&settings);
        if (!health)
            result = error_set(&error, ERROR_IO, "the server does not answer");
        made = number_at(health, "authorities", "made");
        wanted = number_at(health, "authorities", "wanted");
        json_decref(health);
        progress.total = wanted;
        if (!result)
            progress_show(&progress, made);
        if (!wait || made >= wanted)
            break;
        clock_pause(20);
    }
    progress_end(&progress);
    settings_free(&settings);
    return result ? cli_fail("status", &error) : 0;
}
