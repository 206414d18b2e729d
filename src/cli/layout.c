#include "cli/layout.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/access.h"
#include "fleet/host.h"
#include "server/privilege.h"
#include "server/server.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOKEN_LIFE (365 * CLOCK_DAY) /* of this machine's own token; it stands in a file of mode 0600 */
#define STATE_ROOT "/var/lib/sealwright"

/* Moves a run folder that the server's user could not reach to where it can. */
static int place_folder(struct settings *settings, struct error *error)
{
    AUTO_FREE char *given = mem_string(settings->run_folder);
    AUTO_FREE char *above = mem_string(given);
    char *slash = strrchr(above, '/');
    if (slash && slash != above)
        *slash = 0;
    if (file_exists(given) || geteuid() != 0 || privilege_can_reach(above, settings->server_user))
        return file_make_folder(settings->run_folder, 0755, error);
    char name[17];
    snprintf(name, sizeof name, "%016llx", (unsigned long long)text_hash(slice_text(given)));
    free(settings->run_folder);
    settings->run_folder = mem_format("%s/%s", STATE_ROOT, name);
    int result = file_make_folder(settings->run_folder, 0755, error);
    if (!result && symlink(settings->run_folder, given) < 0)
        result = error_set_system(error, errno, "cannot link %s to %s", given, settings->run_folder);
    return result;
}

static int make_folders(const struct settings *settings, struct error *error)
{
    const struct {
        const char *name;
        mode_t mode;
        const char *user;
    } folders[] = {
        {SERVER_STORE_FOLDER, 0700, settings->server_user},
        {SERVER_SIGNER_FOLDER, 0700, settings->signer_user},
        {SERVER_ENDPOINT_FOLDER, 0755, settings->server_user},
        {SERVER_AGENT_FOLDER, 0700, settings->server_user},
        {SERVER_INSTANCES_FOLDER, 0700, settings->server_user},
        {SERVER_LOG_FOLDER, 0755, NULL},
    };
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        AUTO_FREE char *path = settings_path(settings, folders[i].name);
        if (file_make_folder(path, folders[i].mode, error) ||
            (folders[i].user && privilege_give(path, folders[i].user, error)))
            return (int)error->code;
    }
    return 0;
}

static int make_signer_key(const struct settings *settings, struct error *error)
{
    AUTO_FREE char *path = settings_path(settings, SERVER_SIGNER_KEY);
    unsigned char key[32];
    if (file_exists(path))
        return 0;
    if (RAND_bytes(key, sizeof key) != 1)
        return error_set(error, ERROR_CRYPTO, "no random bytes");
    int result = file_write(path, slice_of(key, sizeof key), 0600, error);
    mem_wipe(key, sizeof key);
    return result ? result : privilege_give(path, settings->signer_user, error);
}

/* As the server's user: the store with the first access key, and the agent's token. The key goes back through
 * a pipe. */
static int fill_store(const struct settings *settings, int report, struct error *error)
{
    struct fleet fleet;
    struct access_key key = {0};
    struct text_list every_region = {0};
    char token[65];
    AUTO_FREE char *token_file = settings_path(settings, SERVER_AGENT_FOLDER "/token");
    int result = privilege_drop(settings->server_user, error);
    if (!result)
        result = server_open_fleet(settings, &fleet, error);
    if (result)
        return result;
    result = access_create(&fleet, "administrator", false, &every_region, &key, error);
    if (!result)
        result = host_token_create(&fleet, TOKEN_LIFE, token, error);
    if (!result)
        result = file_write(token_file, slice_text(token), 0600, error);
    if (!result)
        result = file_write_all(report, slice_of(&key, offsetof(struct access_key, regions)), error);
    access_key_free(&key);
    server_close_fleet(&fleet);
    return result;
}

static int run_fill_store(const struct settings *settings, struct access_key *key, struct error *error)
{
    int ends[2];
    if (pipe(ends) < 0)
        return error_set_system(error, errno, "cannot make a pipe");
    pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        int failed = fill_store(settings, ends[1], error);
        if (failed)
            fprintf(stderr, "sealwright init: %s\n", error->text);
        _exit(failed ? 1 : 0);
    }
    close(ends[1]);
    size_t wanted = offsetof(struct access_key, regions);
    ssize_t got = child < 0 ? -1 : read(ends[0], key, wanted);
    close(ends[0]);
    int status = 1;
    if (child > 0)
        waitpid(child, &status, 0);
    if (status != 0 || got != (ssize_t)wanted)
        return error_set(error, ERROR_IO, "the store could not be made");
    return 0;
}

static int write_environment(const struct settings *settings, const struct access_key *key,
                             struct error *error)
{
    AUTO_FREE char *path = settings_path(settings, "env.sh");
    AUTO_FREE char *ca = settings_path(settings, SERVER_CONTROL_CA);
    AUTO_SECRET struct buf text = {0};
    buf_printf(&text,
               "# Source this: . env.sh\n"
               "export SEALWRIGHT_ENDPOINT='https://localhost:%d'\n"
               "export SEALWRIGHT_CA='%s'\n"
               "export SEALWRIGHT_RUN_DIR='%s'\n"
               "export AWS_CA_BUNDLE=\"$SEALWRIGHT_CA\"\n"
               "export AWS_ACCESS_KEY_ID='%s'\n"
               "export AWS_SECRET_ACCESS_KEY='%s'\n"
               "unset AWS_SESSION_TOKEN AWS_PROFILE\n"
               "export AWS_REGION='%s' AWS_DEFAULT_REGION='%s'\n"
               "export AWS_ENDPOINT_URL_RDS=\"$SEALWRIGHT_ENDPOINT\"\n"
               "# ~/.aws is neither read nor written.\n"
               "export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null\n"
               "export AWS_PAGER='' AWS_EC2_METADATA_DISABLED=true\n",
               settings->port, ca, settings->run_folder, key->access_key_id, key->secret,
               settings->home_region, settings->home_region);
    return file_write(path, slice_buf(&text), 0600, error);
}

int layout_make(struct settings *settings, struct error *error)
{
    AUTO_FREE char *environment = settings_path(settings, "env.sh");
    struct access_key key = {0};
    if (file_exists(environment))
        return 0;
    int result = place_folder(settings, error);
    if (!result)
        result = make_folders(settings, error);
    if (!result)
        result = make_signer_key(settings, error);
    if (!result)
        result = settings_save(settings, error);
    if (!result)
        result = run_fill_store(settings, &key, error);
    if (!result)
        result = write_environment(settings, &key, error); /* last: it says that the folder is whole */
    mem_wipe(&key, sizeof key);
    return result;
}
