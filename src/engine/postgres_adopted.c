/* PostgreSQL servers that were there before: TLS is switched by a file of the instance's folder, which the
 * last line of postgresql.conf includes where it is there. Empty, the owner's settings are in force. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/adopted.h"
#include "engine/postgres.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 1024 * 1024 };

static const char *const engines[] = {"postgres", NULL};

static const char *recognise(const char *data_folder)
{
    AUTO_FREE char *mark = mem_format("%s/PG_VERSION", data_folder);
    return file_exists(mark) ? "postgres" : NULL;
}

/* data_directory = '...' of the configuration file, else the file's own folder (guc-file.l). */
static char *find_data(const char *config_file)
{
    AUTO_BUF struct buf text = {0};
    if (file_read(config_file, FILE_LIMIT, &text, NULL))
        return NULL;
    AUTO_FREE char *copy = mem_string(buf_text(&text));
    char *rest = copy, *found = NULL;
    for (char *line; (line = strsep(&rest, "\n"));) {
        line += strspn(line, " \t");
        if (!text_starts_with(line, "data_directory"))
            continue;
        line += strlen("data_directory");
        line += strspn(line, " \t=");
        if (*line++ != '\'')
            continue;
        free(found);
        found = slice_string(slice_of(line, strcspn(line, "'")));
    }
    if (found)
        return found;
    char *folder = mem_string(config_file);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    return folder;
}

static char *settings_file(const char *folder)
{
    return mem_format("%s/" POSTGRES_ADOPTED_FILE, folder);
}

static int plan(struct adopted *server, const char *folder, struct error *error)
{
    const struct engine_instance instance = {.folder = folder};
    struct engine_certificate_files files = {0};
    AUTO_BUF struct buf lines = {0};
    AUTO_FREE char *included = settings_file(folder);
    buf_append_text(&lines, HOOK_MARK ", whose certificate is served; `sealwright release` takes "
                                      "these two lines out.\n");
    int result = postgres_put_setting(&lines, "include_if_exists", included, error);
    if (result)
        return result;
    postgres_certificate_files(&instance, &files);
    adopted_add_setting(server, "ssl", server->tls ? "on" : "off", "on");
    adopted_add_setting(server, "ssl_cert_file", server->certificate, files.chain);
    adopted_add_setting(server, "ssl_key_file", server->key, files.key);
    engine_certificate_files_free(&files);
    adopted_add_hook(server, HOOK_APPEND, server->config_file, buf_text(&lines));
    return 0;
}

static int write_settings(const char *folder, const struct buf *text, bool *changed, struct error *error)
{
    AUTO_FREE char *path = settings_file(folder);
    AUTO_BUF struct buf old = {0};
    bool there = file_read(path, FILE_LIMIT, &old, NULL) == 0;
    if (slice_equal(slice_buf(&old), slice_buf(text)) && (there || !text->length))
        return 0;
    *changed = true;
    return file_write(path, slice_buf(text), 0600, error);
}

static int configure(const struct engine_instance *instance, bool *changed, struct error *error)
{
    struct engine_certificate_files files = {0};
    struct adopted server;
    AUTO_BUF struct buf text = {0};
    bool hooked = false;
    *changed = false;
    postgres_certificate_files(instance, &files);
    int result = adopted_load(instance->folder, &server, error);
    if (!result)
        result = postgres_put_setting(&text, "ssl", "on", error);
    if (!result)
        result = postgres_put_setting(&text, "ssl_cert_file", files.chain, error);
    if (!result)
        result = postgres_put_setting(&text, "ssl_key_file", files.key, error);
    if (!result)
        result = write_settings(instance->folder, &text, changed, error);
    if (!result)
        result = adopted_put_hooks(&server, &hooked, error);
    *changed |= hooked;
    engine_certificate_files_free(&files);
    adopted_free(&server);
    return result;
}

static struct engine_status status(const struct engine_instance *instance)
{
    struct adopted server;
    struct postgres_postmaster postmaster;
    struct engine_status found = {0};
    if (!adopted_load(instance->folder, &server, NULL) &&
        postgres_find_postmaster(server.data_folder, &postmaster))
        found = (struct engine_status){true, postmaster.pid, postmaster.started_at};
    adopted_free(&server);
    return found;
}

static int tell(const struct adopted *server, struct error *error)
{
    return postgres_reload_in(server->data_folder, error);
}

static int reload(const struct engine_instance *instance, struct error *error)
{
    struct adopted server;
    bool changed;
    int result = adopted_load(instance->folder, &server, error);
    if (!result)
        result = configure(instance, &changed, error);
    if (!result)
        result = tell(&server, error);
    adopted_free(&server);
    return result;
}

static int evidence(const struct engine_instance *instance, struct engine_evidence *found,
                    struct error *error)
{
    struct adopted server;
    AUTO_FREE char *log = NULL;
    int result = adopted_load(instance->folder, &server, error);
    if (!result && server.unguarded)
        result = error_set(error, ERROR_NOT_FOUND, "%s", server.unguarded);
    if (!result && !(log = postgres_find_log(server.data_folder)))
        result = error_set(error, ERROR_NOT_FOUND, "the server's log is no file that can be read");
    if (!result)
        result = postgres_read_evidence(log, server.log_line_prefix, found, error);
    adopted_free(&server);
    return result;
}

/* The old pair must be good before the new one goes: a server that starts without one does not start. */
static int check_old(const struct adopted *server, struct error *error)
{
    AUTO_SECRET struct buf key = {0};
    AUTO_BUF struct buf certificate = {0};
    if (!server->tls)
        return 0;
    int result = file_read(server->certificate, FILE_LIMIT, &certificate, error);
    if (!result)
        result = file_read(server->key, FILE_LIMIT, &key, error);
    return result ? error_prefix(error, "the certificate of before cannot come back") : 0;
}

static int neutral(const struct adopted *server, const char *folder, struct error *error)
{
    const struct buf nothing = {0};
    bool changed;
    int result = check_old(server, error);
    return result ? result : write_settings(folder, &nothing, &changed, error);
}

static const struct engine_driver face = {
    .engines = engines,
    .default_port = 5432,
    .probe = PROBE_POSTGRES,
    .reloads_certificate = true,
    .provisioned = adopted_provisioned,
    .provision = adopted_never_provision,
    .configure = configure,
    .status = status,
    .start = adopted_never,
    .stop = adopted_never,
    .reload = reload,
    .set_master = adopted_never_set_master,
    .certificate_files = postgres_certificate_files,
    .evidence = evidence,
};

const struct engine_adoption postgres_adoption = {
    .recognise = recognise,
    .find_data = find_data,
    .look = postgres_look,
    .plan = plan,
    .neutral = neutral,
    .tell = tell,
    .face = &face,
};
