#include "cli/care.h"

#include "agent/channel.h"
#include "agent/identity.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/agent_place.h"
#include "cli/as_user.h"
#include "cli/role.h"
#include "server/server.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CALL_DEADLINE = 20 * 1000, TREE_MODE = 0700 };

void care_free(struct care *care)
{
    adopted_free(&care->server);
    free(care->folder);
    *care = (struct care){0};
}

/* ---- which server */

static int name_owner(struct care *care, const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return error_set_system(error, errno, "cannot read %s", path);
    const struct passwd *user = getpwuid(status.st_uid);
    if (!user || !text_copy(care->owner, sizeof care->owner, user->pw_name))
        return error_set(error, ERROR_STATE, "%s belongs to the user with id %d, who has no name", path,
                         (int)status.st_uid);
    if (status.st_uid == 0)
        return error_set(error, ERROR_DENIED, "%s belongs to root: an agent never works as root", path);
    if (geteuid() != 0 && geteuid() != status.st_uid)
        return error_set(error, ERROR_DENIED, "%s belongs to user %s: run this as root or as that user", path,
                         care->owner);
    return 0;
}

/* The adopted servers of one agent: [{"resource_id", "server"}]. */
static int list(void *context, json_t **answer, struct error *error)
{
    DIR *listing = opendir(context);
    *answer = json_array();
    (void)error;
    for (const struct dirent *entry; listing && (entry = readdir(listing));) {
        AUTO_FREE char *folder = mem_format("%s/%s", (const char *)context, entry->d_name);
        struct adopted server;
        if (entry->d_name[0] == '.' || !adopted_is(folder))
            continue;
        if (!adopted_load(folder, &server, NULL))
            json_array_append_new(*answer, json_pack("{s:s, s:o}", "resource_id", entry->d_name, "server",
                                                     adopted_to_json(&server)));
        adopted_free(&server);
    }
    if (listing)
        closedir(listing);
    return 0;
}

static json_t *list_of(const struct settings *settings, const char *owner)
{
    AUTO_FREE char *instances = agent_place_instances(settings, agent_place_of(settings, owner));
    json_t *answer = NULL;
    as_user(owner, list, instances, &answer, NULL);
    return answer ? answer : json_array();
}

/* A folder's name comes from the owner's side: it is never more than a name. */
static int take_known(struct care *care, const json_t *item, struct error *error)
{
    AUTO_FREE char *instances =
        agent_place_instances(care->settings, agent_place_of(care->settings, care->owner));
    const char *id = json_string_value(json_object_get(item, "resource_id"));
    if (!id || strchr(id, '/') || !text_copy(care->resource_id, sizeof care->resource_id, id))
        return error_set(error, ERROR_INVALID, "%s holds what is no instance's folder", instances);
    care->known = true;
    care->folder = mem_format("%s/%s", instances, id);
    return adopted_from_json(json_object_get(item, "server"), &care->server, error);
}

static int find_known(struct care *care, const char *data_folder, struct error *error)
{
    json_t *items = list_of(care->settings, care->owner);
    int result = 0;
    for (size_t i = 0; !care->known && i < json_array_size(items); i++) {
        const json_t *server = json_object_get(json_array_get(items, i), "server");
        if (text_equal(json_string_value(json_object_get(server, "data_folder")), data_folder))
            result = take_known(care, json_array_get(items, i), error);
    }
    json_decref(items);
    return result;
}

int care_of_data(struct care *care, const struct settings *settings, const char *data_folder,
                 struct error *error)
{
    const char *engine = NULL;
    AUTO_FREE char *real = realpath(data_folder, NULL);
    *care = (struct care){.settings = settings};
    if (!real)
        return error_set_system(error, errno, "cannot find the data folder %s", data_folder);
    int result = name_owner(care, real, error);
    if (!result && !(care->driver = engine_recognise(real, &engine)))
        result = error_set(error, ERROR_NOT_FOUND,
                           "%s is no data folder of an engine whose servers can be adopted", real);
    if (!result)
        result = find_known(care, real, error);
    if (result || care->known)
        return result;
    text_copy(care->server.engine, sizeof care->server.engine, engine);
    adopted_set(&care->server.data_folder, real);
    return 0;
}

struct search {
    struct care *care;
    const char *identifier, *region;
    int found;
};

static int search_owner(struct search *search, const char *owner, struct error *error)
{
    struct care *care = search->care;
    json_t *items = list_of(care->settings, owner);
    int result = 0;
    for (size_t i = 0; !result && i < json_array_size(items); i++) {
        const json_t *server = json_object_get(json_array_get(items, i), "server");
        const char *region = json_string_value(json_object_get(server, "region"));
        if (!text_equal(json_string_value(json_object_get(server, "identifier")), search->identifier) ||
            (search->region && !text_equal(region, search->region)))
            continue;
        if (search->found++)
            continue;
        text_copy(care->owner, sizeof care->owner, owner);
        result = take_known(care, json_array_get(items, i), error);
    }
    json_decref(items);
    return result;
}

/* Those of whom this process can become one. */
static void list_owners(const struct settings *settings, struct text_list *owners)
{
    const struct passwd *self = getpwuid(geteuid());
    if (geteuid() == 0) {
        role_users(settings, owners);
        text_list_add(owners, settings->server_user);
    } else if (self) {
        text_list_add(owners, self->pw_name);
    }
}

int care_find(struct care *care, const struct settings *settings, const char *identifier, const char *region,
              struct error *error)
{
    struct search search = {care, identifier, region, 0};
    struct text_list owners = {0};
    int result = 0;
    *care = (struct care){.settings = settings};
    list_owners(settings, &owners);
    for (size_t i = 0; !result && i < owners.count; i++)
        result = search_owner(&search, owners.items[i], error);
    text_list_free(&owners);
    if (result)
        return result;
    if (search.found > 1)
        return error_set(error, ERROR_INVALID, "two regions have a %s: say which with --region", identifier);
    if (!search.found)
        return error_set(error, ERROR_NOT_FOUND, "no adopted server of this machine is called %s",
                         identifier);
    care->driver = engine_find(care->server.engine);
    return care->driver && care->driver->adoption
               ? 0
               : error_set(error, ERROR_INVALID, "the engine %s is unknown", care->server.engine);
}

/* ---- steps as the owner */

static int look(void *context, json_t **answer, struct error *error)
{
    struct care *care = context;
    int result = care->driver->adoption->look(&care->server, error);
    if (!result && !care->server.hook_count)
        result = care->driver->adoption->plan(&care->server, care->folder, error);
    if (!result)
        *answer = adopted_to_json(&care->server);
    return result;
}

static int take_answer(struct care *care, json_t *answer, struct error *error)
{
    adopted_free(&care->server);
    int result = adopted_from_json(answer, &care->server, error);
    json_decref(answer);
    return result;
}

int care_look(struct care *care, struct error *error)
{
    json_t *answer = NULL;
    int result = as_user(care->owner, look, care, &answer, error);
    return result ? result : take_answer(care, answer, error);
}

static bool are_in_place(const struct adopted *server)
{
    bool all = true;
    for (size_t i = 0; i < server->hook_count; i++)
        all = all && hook_look(&server->hooks[i], NULL) == HOOK_IN_PLACE;
    return all;
}

static int write_folder(void *context, json_t **answer, struct error *error)
{
    const struct care *care = context;
    AUTO_FREE char *tls = mem_format("%s/tls", care->folder);
    (void)answer;
    int result = file_make_folder(tls, TREE_MODE, error);
    if (!result)
        result = adopted_save(care->folder, &care->server, error);
    /* Hooks that are in place already mean what they are to mean. */
    return result || are_in_place(&care->server)
               ? result
               : care->driver->adoption->neutral(&care->server, care->folder, error);
}

int care_write(struct care *care, struct error *error)
{
    return as_user(care->owner, write_folder, care, NULL, error);
}

static int read_folder(void *context, json_t **answer, struct error *error)
{
    struct adopted server;
    int result = adopted_load(((const struct care *)context)->folder, &server, error);
    if (!result)
        *answer = adopted_to_json(&server);
    adopted_free(&server);
    return result;
}

int care_read(struct care *care, struct error *error)
{
    json_t *answer = NULL;
    int result = as_user(care->owner, read_folder, care, &answer, error);
    return result ? result : take_answer(care, answer, error);
}

static int remove_folder(void *context, json_t **answer, struct error *error)
{
    (void)answer;
    return file_remove_tree(((const struct care *)context)->folder, error);
}

int care_forget(struct care *care, struct error *error)
{
    return as_user(care->owner, remove_folder, care, NULL, error);
}

static int give_back(void *context, json_t **answer, struct error *error)
{
    const struct care *care = context;
    const struct engine_instance instance = {.folder = care->folder};
    (void)answer;
    return adopted_give_back(care->driver->adoption, &instance, error);
}

int care_give_back(struct care *care, struct error *error)
{
    return as_user(care->owner, give_back, care, NULL, error);
}

/* ---- hooks: one at a time, by whoever may */

struct hooking {
    const struct hook *hook;
    bool remove;
};

static int change(void *context, json_t **answer, struct error *error)
{
    const struct hooking *hooking = context;
    bool changed;
    (void)answer;
    return hooking->remove ? hook_remove(hooking->hook, error) : hook_put(hooking->hook, &changed, error);
}

static int change_hooks(struct care *care, bool remove, struct error *error)
{
    for (size_t i = 0; i < care->server.hook_count; i++) {
        struct hooking hooking = {&care->server.hooks[i], remove};
        int result = as_user(care->owner, change, &hooking, NULL, error);
        if (result == ERROR_DENIED && geteuid() == 0 && hook_is_for_root(hooking.hook))
            result = change(&hooking, NULL, error);
        if (result)
            return result;
    }
    return 0;
}

int care_put_hooks(struct care *care, struct error *error)
{
    return change_hooks(care, false, error);
}

int care_remove_hooks(struct care *care, struct error *error)
{
    return change_hooks(care, true, error);
}

/* ---- the server of Sealwright */

struct calling {
    const struct settings *settings;
    const char *state; /* the state folder of the agent */
    const char *path;
    const json_t *body;
};

static int call(void *context, json_t **answer, struct error *error)
{
    const struct calling *calling = context;
    const struct settings *settings = calling->settings;
    AUTO_FREE char *endpoint = mem_format("https://localhost:%d", settings->port);
    AUTO_FREE char *ca = settings_path(settings, SERVER_CONTROL_CA);
    const struct agent_options options = {
        .endpoint = endpoint, .ca_file = ca, .state_folder = calling->state};
    AUTO_FREE char *pem = identity_file(&options);
    struct channel *channel = NULL;
    int result = channel_new(&options, pem, &channel, error);
    if (!result)
        result = channel_call(channel, calling->path, calling->body, true, CALL_DEADLINE, answer, error);
    channel_free(channel);
    return result;
}

int care_call(struct care *care, const char *path, json_t *body, json_t **reply, struct error *error)
{
    AUTO_FREE char *state = agent_place_state(care->settings, agent_place_of(care->settings, care->owner));
    struct calling calling = {care->settings, state, path, body};
    int result = as_user(care->owner, call, &calling, reply, error);
    json_decref(body);
    return result;
}

bool care_confirm(const char *question, bool yes)
{
    char answer[16] = "";
    if (yes)
        return true;
    printf("%s [y/N] ", question);
    fflush(stdout);
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}
