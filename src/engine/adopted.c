#include "engine/adopted.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME "adopted.json"
enum {
    FILE_LIMIT = 1024 * 1024,
    LOOK_DEADLINE = 5 * 1000,
    LOOK_PAUSE = 50 * 1000, /* us */
    GIVE_BACK_DEADLINE = 8 * 1000,
};

static const struct {
    const char *name;
    size_t at;
} texts[] = {
    {"data_folder", offsetof(struct adopted, data_folder)},
    {"config_file", offsetof(struct adopted, config_file)},
    {"socket", offsetof(struct adopted, socket)},
    {"superuser", offsetof(struct adopted, superuser)},
    {"address", offsetof(struct adopted, address)},
    {"certificate", offsetof(struct adopted, certificate)},
    {"key", offsetof(struct adopted, key)},
    {"authorities", offsetof(struct adopted, authorities)},
    {"pid_file", offsetof(struct adopted, pid_file)},
    {"log", offsetof(struct adopted, log)},
    {"log_line_prefix", offsetof(struct adopted, log_line_prefix)},
    {"unguarded", offsetof(struct adopted, unguarded)},
};

static const struct {
    const char *name;
    size_t at, size;
} names[] = {
    {"identifier", offsetof(struct adopted, identifier), sizeof((struct adopted *)0)->identifier},
    {"region", offsetof(struct adopted, region), sizeof((struct adopted *)0)->region},
    {"engine", offsetof(struct adopted, engine), sizeof((struct adopted *)0)->engine},
    {"version", offsetof(struct adopted, version), sizeof((struct adopted *)0)->version},
};

static char **text_at(const struct adopted *server, size_t at)
{
    union {
        const char *given;
        char **taken;
    } place = {(const char *)server + at};
    return place.taken;
}

json_t *adopted_to_json(const struct adopted *server)
{
    json_t *json = json_object(), *settings = json_array(), *hooks = json_array();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        json_object_set_new(json, names[i].name, json_string((const char *)server + names[i].at));
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (*text_at(server, texts[i].at))
            json_object_set_new(json, texts[i].name, json_string(*text_at(server, texts[i].at)));
    json_object_set_new(json, "port", json_integer(server->port));
    json_object_set_new(json, "tls", json_boolean(server->tls));
    json_object_set_new(json, "given_back", json_boolean(server->given_back));
    for (size_t i = 0; i < server->setting_count; i++)
        json_array_append_new(settings,
                              json_pack("{s:s, s:s, s:s}", "name", server->settings[i].name, "before",
                                        server->settings[i].before, "after", server->settings[i].after));
    for (size_t i = 0; i < server->hook_count; i++)
        json_array_append_new(hooks, hook_to_json(&server->hooks[i]));
    json_object_set_new(json, "settings", settings);
    json_object_set_new(json, "hooks", hooks);
    return json;
}

static int read_lists(const json_t *json, struct adopted *server, struct error *error)
{
    const json_t *settings = json_object_get(json, "settings"), *hooks = json_object_get(json, "hooks");
    for (size_t i = 0; i < json_array_size(settings); i++) {
        const json_t *each = json_array_get(settings, i);
        const char *name = json_string_value(json_object_get(each, "name"));
        const char *before = json_string_value(json_object_get(each, "before"));
        const char *after = json_string_value(json_object_get(each, "after"));
        if (name && before && after)
            adopted_add_setting(server, name, before, after);
    }
    for (size_t i = 0; i < json_array_size(hooks); i++) {
        struct hook hook;
        if (hook_from_json(json_array_get(hooks, i), &hook, error))
            return ERROR_INVALID;
        adopted_add_hook(server, hook.kind, hook.path, hook.text);
        hook_free(&hook);
    }
    return 0;
}

int adopted_from_json(const json_t *json, struct adopted *server, struct error *error)
{
    *server = (struct adopted){0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = json_string_value(json_object_get(json, names[i].name));
        if (!text || !text_copy((char *)server + names[i].at, names[i].size, text))
            return error_set(error, ERROR_INVALID, "%s: expected a text of at most %zu bytes", names[i].name,
                             names[i].size - 1);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        adopted_set(text_at(server, texts[i].at), json_string_value(json_object_get(json, texts[i].name)));
    server->port = (int)json_integer_value(json_object_get(json, "port"));
    server->tls = json_is_true(json_object_get(json, "tls"));
    server->given_back = json_is_true(json_object_get(json, "given_back"));
    if (!server->data_folder || server->data_folder[0] != '/')
        return error_set(error, ERROR_INVALID, "data_folder: expected an absolute path");
    return read_lists(json, server, error);
}

bool adopted_is(const char *folder)
{
    AUTO_FREE char *path = mem_format("%s/" FILE_NAME, folder);
    return file_exists(path);
}

int adopted_load(const char *folder, struct adopted *server, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/" FILE_NAME, folder);
    AUTO_BUF struct buf text = {0};
    json_error_t where;
    *server = (struct adopted){0};
    int result = file_read(path, FILE_LIMIT, &text, error);
    if (result)
        return result;
    json_t *json = json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &where);
    if (json)
        result = adopted_from_json(json, server, error);
    else
        result = error_set(error, ERROR_INVALID, "line %d: %s", where.line, where.text);
    json_decref(json);
    return result ? error_prefix(error, "%s", path) : 0;
}

int adopted_save(const char *folder, const struct adopted *server, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/" FILE_NAME, folder);
    json_t *json = adopted_to_json(server);
    AUTO_FREE char *text = json_dumps(json, JSON_INDENT(1));
    AUTO_BUF struct buf old = {0};
    json_decref(json);
    if (!text)
        return error_set(error, ERROR_INVALID, "%s: a path or setting of the server is no UTF-8", path);
    if (file_read(path, FILE_LIMIT, &old, NULL) == 0 && slice_is(slice_buf(&old), text))
        return 0;
    return file_write(path, slice_text(text), 0600, error);
}

void adopted_free(struct adopted *server)
{
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free(*text_at(server, texts[i].at));
    for (size_t i = 0; i < server->setting_count; i++) {
        free(server->settings[i].name);
        free(server->settings[i].before);
        free(server->settings[i].after);
    }
    for (size_t i = 0; i < server->hook_count; i++)
        hook_free(&server->hooks[i]);
    free(server->settings);
    free(server->hooks);
    *server = (struct adopted){0};
}

void adopted_set(char **target, const char *value)
{
    char *copy = mem_string(value);
    free(*target);
    *target = copy;
}

void adopted_add_setting(struct adopted *server, const char *name, const char *before, const char *after)
{
    server->settings = mem_grow(server->settings, server->setting_count + 1, sizeof *server->settings);
    server->settings[server->setting_count++] =
        (struct adopted_setting){mem_string(name), mem_string(before), mem_string(after)};
}

void adopted_add_hook(struct adopted *server, enum hook_kind kind, const char *path, const char *text)
{
    server->hooks = mem_grow(server->hooks, server->hook_count + 1, sizeof *server->hooks);
    server->hooks[server->hook_count++] = (struct hook){kind, mem_string(path), mem_string(text)};
}

int adopted_put_hooks(const struct adopted *server, bool *changed, struct error *error)
{
    int result = 0;
    *changed = false;
    for (size_t i = 0; !result && i < server->hook_count; i++) {
        bool news = false;
        result = hook_put(&server->hooks[i], &news, error);
        *changed |= news;
    }
    return result;
}

int adopted_remove_hooks(const struct adopted *server, struct error *error)
{
    int result = 0;
    for (size_t i = 0; !result && i < server->hook_count; i++)
        result = hook_remove(&server->hooks[i], error);
    return result;
}

static int refuse(struct error *error)
{
    return error_set(error, ERROR_STATE,
                     "the server was adopted: it is started, stopped and set up by its owner alone");
}

int adopted_never(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    (void)instance;
    (void)deadline;
    return refuse(error);
}

int adopted_never_provision(const struct engine_instance *instance, struct error *error)
{
    (void)instance;
    return refuse(error);
}

int adopted_never_set_master(const struct engine_instance *instance, const struct engine_master *master,
                             struct error *error)
{
    (void)instance;
    (void)master;
    return refuse(error);
}

bool adopted_provisioned(const struct engine_instance *instance)
{
    (void)instance;
    return true;
}

/* The first certificate of a PEM file. */
static int read_leaf(const char *path, char sha256[65], struct error *error)
{
    AUTO_BUF struct buf pem = {0};
    struct certificate_list list = {0};
    struct certificate_facts facts;
    int result = file_read(path, FILE_LIMIT, &pem, error);
    if (!result)
        result = certificate_list_parse_pem(slice_buf(&pem), &list, error);
    if (!result && !list.count)
        result = error_set(error, ERROR_INVALID, "%s holds no certificate", path);
    if (!result)
        result = certificate_facts(list.items[0], &facts, error);
    if (!result)
        text_copy(sha256, 65, facts.sha256);
    certificate_list_free(&list);
    return result;
}

static int look_once(const struct probe_target *target, const char *sha256, struct error *error)
{
    struct probe_result served = {0};
    int result = probe_run(target, &served, error);
    if (!result && !sha256)
        result = error_set(error, ERROR_STATE, "%s port %d still serves TLS", target->address, target->port);
    else if (result == ERROR_DENIED && !sha256)
        result = 0;
    else if (!result && !text_equal(served.leaf.sha256, sha256))
        result = error_set(error, ERROR_STATE, "%s port %d serves the certificate with serial %s",
                           target->address, target->port, served.leaf.serial);
    probe_result_free(&served);
    return result;
}

/* Waits until the server serves what its owner's settings say. */
static int await_own(const struct adopted *server, enum probe_protocol protocol, struct error *error)
{
    char sha256[65];
    const struct probe_target target = {
        .protocol = protocol, .address = server->address, .port = server->port, .deadline = LOOK_DEADLINE};
    if (server->tls && read_leaf(server->certificate, sha256, error))
        return (int)(error ? error->code : ERROR_INVALID);
    for (int64_t until = clock_steady() + GIVE_BACK_DEADLINE;;) {
        int result = look_once(&target, server->tls ? sha256 : NULL, error);
        if (!result || clock_steady() >= until)
            return result;
        usleep(LOOK_PAUSE);
    }
}

static int give_back_running(const struct engine_adoption *adoption, const struct engine_instance *instance,
                             const struct adopted *server, struct error *error)
{
    int result = adoption->tell(server, error);
    if (!result)
        result = await_own(server, adoption->face->probe, error);
    if (result)
        adoption->face->reload(instance, NULL);
    return result;
}

/* A file that held lines and is gone needs nothing. */
static int check_hooks(const struct adopted *server, struct error *error)
{
    struct error why = {0};
    for (size_t i = 0; i < server->hook_count; i++)
        if (hook_look(&server->hooks[i], &why) == HOOK_CHANGED && why.code != ERROR_NOT_FOUND)
            return error_set(error, why.code, "%s", why.text);
    return 0;
}

int adopted_give_back(const struct engine_adoption *adoption, const struct engine_instance *instance,
                      struct error *error)
{
    struct adopted server;
    int result = adopted_load(instance->folder, &server, error);
    bool running = !result && adoption->face->status(instance).running;
    /* What the owner has changed meanwhile counts. */
    if (running && adoption->look(&server, NULL) == 0)
        result = adopted_save(instance->folder, &server, error);
    if (!result)
        result = check_hooks(&server, error);
    if (!result)
        result = adoption->neutral(&server, instance->folder, error);
    if (!result && running)
        result = give_back_running(adoption, instance, &server, error);
    adopted_free(&server);
    return result;
}
