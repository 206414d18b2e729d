#include "cli/agent_place.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "cli/as_user.h"
#include "cli/role.h"
#include "fleet/host.h"
#include "server/privilege.h"
#include "server/server.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOST_LENGTH = 63, ENROL_PATIENCE = 60 * 1000 };
#define TOKEN_LIFE CLOCK_HOUR

char *agent_place_state(const struct settings *settings, const char *user)
{
    return user ? mem_format("%s/" SERVER_AGENTS_FOLDER "/%s", settings->run_folder, user)
                : settings_path(settings, SERVER_AGENT_FOLDER);
}

char *agent_place_instances(const struct settings *settings, const char *user)
{
    return user ? mem_format("%s/" SERVER_AGENTS_FOLDER "/%s/instances", settings->run_folder, user)
                : settings_path(settings, SERVER_INSTANCES_FOLDER);
}

/* Where nobody is root, everything in a run folder works as the user who started it. */
const char *agent_place_of(const struct settings *settings, const char *owner)
{
    return geteuid() != 0 || text_equal(owner, settings->server_user) ? NULL : owner;
}

/* One step as another user, with what it needs. */
struct enrolment {
    const struct settings *settings;
    const char *folder;
    const char *host, *token;
};

static int read_word(const char *folder, const char *name, char *word, size_t size, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/%s", folder, name);
    AUTO_BUF struct buf text = {0};
    int result = file_read(path, 4096, &text, error);
    while (text.length && isspace(text.data[text.length - 1]))
        text.length--;
    return result || text_copy(word, size, buf_text(&text))
               ? result
               : error_set(error, ERROR_LIMIT, "%s is too long", path);
}

static int read_host(void *context, json_t **answer, struct error *error)
{
    const struct enrolment *enrolment = context;
    char host[HOST_LENGTH + 1];
    int result = read_word(enrolment->folder, "host", host, sizeof host, error);
    if (!result)
        *answer = json_string(host);
    return result;
}

int agent_place_host(const struct settings *settings, const char *owner, char host[64], struct error *error)
{
    AUTO_FREE char *folder = agent_place_state(settings, agent_place_of(settings, owner));
    struct enrolment enrolment = {.folder = folder};
    json_t *answer = NULL;
    int result = as_user(owner, read_host, &enrolment, &answer, error);
    text_copy(host, 64, json_is_string(answer) ? json_string_value(answer) : "");
    json_decref(answer);
    return result;
}

static int make_token(void *context, json_t **answer, struct error *error)
{
    const struct enrolment *enrolment = context;
    struct fleet fleet;
    char token[65];
    int result = server_open_fleet(enrolment->settings, &fleet, error);
    if (result)
        return result;
    result = host_token_create(&fleet, TOKEN_LIFE, token, error);
    server_close_fleet(&fleet);
    if (!result)
        *answer = json_string(token);
    mem_wipe(token, sizeof token);
    return result;
}

/* The standard agent's name, or the machine's, with the user's at its end. */
static void name_host(const struct settings *settings, const char *owner, char host[HOST_LENGTH + 1])
{
    AUTO_FREE char *standard = agent_place_state(settings, NULL);
    char base[HOST_LENGTH + 1] = "";
    if (read_word(standard, "host", base, sizeof base, NULL) && gethostname(base, sizeof base - 1) < 0)
        text_copy(base, sizeof base, "host");
    size_t room = HOST_LENGTH - 1 - strlen(owner), length = strlen(base);
    AUTO_FREE char *name = mem_format("%s-%s", base + (length > room ? length - room : 0), owner);
    text_copy(host, HOST_LENGTH + 1, name);
    for (char *at = host; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '.')
            *at = '-';
}

static int write_enrolment(void *context, json_t **answer, struct error *error)
{
    const struct enrolment *enrolment = context;
    AUTO_FREE char *host = mem_format("%s/host", enrolment->folder);
    AUTO_FREE char *token = mem_format("%s/token", enrolment->folder);
    (void)answer;
    int result = file_exists(host) ? 0 : file_write(host, slice_text(enrolment->host), 0600, error);
    return result ? result : file_write(token, slice_text(enrolment->token), 0600, error);
}

static int is_enrolled(void *context, json_t **answer, struct error *error)
{
    const struct enrolment *enrolment = context;
    AUTO_FREE char *path = mem_format("%s/agent.pem", enrolment->folder);
    (void)error;
    *answer = json_boolean(file_exists(path));
    return 0;
}

static bool enrolled(const char *owner, const char *folder)
{
    struct enrolment enrolment = {.folder = folder};
    json_t *answer = NULL;
    bool is = as_user(owner, is_enrolled, &enrolment, &answer, NULL) == 0 && json_is_true(answer);
    json_decref(answer);
    return is;
}

static int make_folder(const struct settings *settings, const char *owner, const char *folder,
                       struct error *error)
{
    AUTO_FREE char *above = settings_path(settings, SERVER_AGENTS_FOLDER);
    if (strlen(owner) > HOST_LENGTH - 9)
        return error_set(error, ERROR_LIMIT, "the user's name %s is too long", owner);
    if (!privilege_can_reach(settings->run_folder, owner))
        return error_set(
            error, ERROR_DENIED,
            "the user %s cannot walk into the run folder %s, where its certificate would be: open "
            "the folders above it (mode 711) or use another run folder",
            owner, settings->run_folder);
    int result = file_make_folder(above, 0755, error);
    if (!result)
        result = file_make_folder(folder, 0700, error);
    return result ? result : privilege_give(folder, owner, error);
}

static int prepare(const struct settings *settings, const char *owner, const char *folder,
                   struct error *error)
{
    char host[HOST_LENGTH + 1];
    struct enrolment enrolment = {settings, folder, host, NULL};
    json_t *token = NULL;
    int result = make_folder(settings, owner, folder, error);
    if (result || enrolled(owner, folder))
        return result;
    name_host(settings, owner, host);
    result = as_user(settings->server_user, make_token, &enrolment, &token, error);
    if (result)
        return error_prefix(error, "cannot enrol an agent for user %s", owner);
    enrolment.token = json_string_value(token);
    result = as_user(owner, write_enrolment, &enrolment, NULL, error);
    json_decref(token);
    return result;
}

static int await_enrolled(const struct settings *settings, const struct role *role, const char *owner,
                          const char *folder, pid_t pid, struct error *error)
{
    for (int64_t until = clock_steady() + ENROL_PATIENCE; !enrolled(owner, folder); clock_pause(50)) {
        if (pid > 0 && waitpid(pid, NULL, WNOHANG) == pid) {
            role_print_tail(settings, role);
            return error_set(error, ERROR_IO, "the agent of user %s has ended", owner);
        }
        if (clock_steady() > until)
            return error_set(error, ERROR_TIMEOUT,
                             "the agent of user %s does not enrol: does the server run?", owner);
    }
    return 0;
}

int agent_place_ensure(const struct settings *settings, const char *owner, struct error *error)
{
    const char *user = agent_place_of(settings, owner);
    const struct role role = {"agent", user};
    AUTO_FREE char *folder = agent_place_state(settings, user);
    pid_t pid = 0;
    int result = user ? prepare(settings, owner, folder, error) : 0;
    if (!result && !role_pid(settings, &role))
        result = role_start(settings, &role, &pid, error);
    return result ? result : await_enrolled(settings, &role, owner, folder, pid, error);
}
