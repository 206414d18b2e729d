/* sealwright server and sealwright agent: the long-running roles, in the foreground. */
#include "agent/agent.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "cli/agent_place.h"
#include "cli/command.h"
#include "cli/role.h"
#include "server/privilege.h"
#include "server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_PATIENCE (3 * CLOCK_SECOND)

static const char server_help[] = "usage: sealwright server --run-dir DIR [--passphrase-fd N]\n"
                                  "\n"
                                  "Runs the server in the foreground: the signer, the workers, their parent. "
                                  "Logs to standard error. SIGTERM stops it,\n"
                                  "SIGHUP loads the endpoint's certificate anew.\n"
                                  "\n"
                                  "  --run-dir DIR       made by sealwright init (default: run)\n"
                                  "  --passphrase-fd N   reads the passphrase of the CA keys from this "
                                  "descriptor (one line) in place of the key file\n"
                                  "                      signer/master.key; use the same way at every start\n"
                                  "  --help\n";

static const char agent_help[] =
    "usage: sealwright agent --run-dir DIR [--user NAME]\n"
    "\n"
    "Runs this machine's agent in the foreground: provisions database instances "
    "and keeps their certificates. Databases go\n"
    "on when it stops.\n"
    "\n"
    "  --run-dir DIR       made by sealwright init (default: run)\n"
    "  --user NAME         looks after the databases of this user that sealwright "
    "adopt took into care, and\n"
    "                      nothing else; started by root, it becomes that user\n"
    "  --help\n";

static const struct option options[] = {
    {"run-dir", required_argument, NULL, 'r'},
    {"passphrase-fd", required_argument, NULL, 'p'},
    {"user", required_argument, NULL, 'u'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct serve_options {
    const char *folder;
    const char *user;  /* of an agent beside the standard one; NULL */
    int passphrase_fd; /* -1: none */
};

/* Answers -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, const char *help, struct serve_options *chosen)
{
    *chosen = (struct serve_options){.folder = "run", .passphrase_fd = -1};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'r')
            chosen->folder = optarg;
        else if (option == 'p')
            chosen->passphrase_fd = atoi(optarg);
        else if (option == 'u')
            chosen->user = optarg;
        else {
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    return optind < argc ? cli_usage(argv[0], "unexpected %s", argv[optind]) : -1;
}

/* Children of one that was killed hold its lock for the moment until they end too. */
static bool lock_patiently(int fd)
{
    for (int64_t until = clock_steady() + LOCK_PATIENCE; flock(fd, LOCK_EX | LOCK_NB) < 0;) {
        if (clock_steady() > until)
            return false;
        clock_pause(20);
    }
    return true;
}

/* One process of a role in a run folder: its pid file, locked for as long as it lives. Answers the descriptor
 * or -1. */
static int lock_role(const struct settings *settings, const char *name, struct error *error)
{
    AUTO_FREE char *path = settings_path(settings, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        error_set_system(error, errno, "cannot open %s", path);
        return -1;
    }
    if (!lock_patiently(fd)) {
        error_set(error, ERROR_EXISTS, "%s: another one runs in this folder", path);
        close(fd);
        return -1;
    }
    char text[32];
    int length = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)length, 0) != length) {
        error_set_system(error, errno, "cannot write %s", path);
        close(fd);
        return -1;
    }
    return fd;
}

static char *read_passphrase(int fd, struct error *error)
{
    AUTO_SECRET struct buf line = {0};
    char byte;
    while (line.length < 1024 && read(fd, &byte, 1) == 1 && byte != '\n')
        buf_append_byte(&line, (unsigned char)byte);
    if (line.length == 0) {
        error_set(error, ERROR_INVALID, "descriptor %d gave no passphrase", fd);
        return NULL;
    }
    return mem_string(buf_text(&line));
}

int cli_server(int argc, char **argv)
{
    struct serve_options chosen;
    struct settings settings = {0};
    struct error error = {0};
    int status = read_options(argc, argv, server_help, &chosen);
    if (status >= 0)
        return status;
    AUTO_FREE char *folder = cli_run_folder(chosen.folder);
    int result = settings_load(&settings, folder, &error);
    int lock = result ? -1 : lock_role(&settings, "server.pid", &error);
    char *passphrase = NULL;
    if (lock >= 0 && chosen.passphrase_fd >= 0 &&
        !(passphrase = read_passphrase(chosen.passphrase_fd, &error)))
        lock = -1;
    if (lock >= 0) {
        struct server_options server = {&settings, passphrase};
        status = server_run(&server);
    } else {
        status = cli_fail("server", &error);
    }
    mem_free_secret(passphrase);
    settings_free(&settings);
    return status;
}

static char *join(const struct text_list *list)
{
    AUTO_BUF struct buf text = {0};
    for (size_t i = 0; i < list->count; i++)
        buf_printf(&text, "%s%s", i ? "," : "", list->items[i]);
    return mem_string(buf_text(&text));
}

/* An agent of another user has its folders apart, and no new databases are placed with it. */
static int run_agent(const struct settings *settings, const char *user, struct error *error)
{
    AUTO_FREE char *endpoint = mem_format("https://localhost:%d", settings->port);
    AUTO_FREE char *ca = settings_path(settings, SERVER_CONTROL_CA);
    AUTO_FREE char *state = agent_place_state(settings, user);
    AUTO_FREE char *instances = agent_place_instances(settings, user);
    AUTO_FREE char *listen = join(&settings->database_listen);
    AUTO_FREE char *folders = join(&settings->engine_folders);
    AUTO_FREE char *networks = join(&settings->client_networks);
    if (privilege_drop(user ? user : settings->server_user, error))
        return cli_fail("agent", error);
    const struct agent_options options_of_agent = {
        .endpoint = endpoint,
        .ca_file = ca,
        .state_folder = state,
        .instances_folder = instances,
        .engine_folders = folders,
        .listen_addresses = listen,
        .client_networks = networks,
        .adopted_only = user != NULL,
        .concurrency = 4,
        .check_interval = settings->agent_check_seconds * 1000,
    };
    return agent_run(&options_of_agent);
}

int cli_agent(int argc, char **argv)
{
    struct serve_options chosen;
    struct settings settings = {0};
    struct error error = {0};
    int status = read_options(argc, argv, agent_help, &chosen);
    if (status >= 0)
        return status;
    if (chosen.user && strchr(chosen.user, '/'))
        return cli_usage("agent", "--user: %s is no user's name", chosen.user);
    const struct role role = {"agent", chosen.user};
    AUTO_FREE char *folder = cli_run_folder(chosen.folder);
    AUTO_FREE char *pid_file = role_pid_file(&role);
    if (settings_load(&settings, folder, &error) || lock_role(&settings, pid_file, &error) < 0)
        status = cli_fail("agent", &error);
    else
        status = run_agent(&settings, chosen.user, &error);
    settings_free(&settings);
    return status;
}
