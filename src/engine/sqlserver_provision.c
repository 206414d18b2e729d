/* New data: SQL Server's own set-up, with a random password of its system administrator. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/data.h"
#include "engine/process.h"
#include "engine/sqlserver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PROVISION_DEADLINE = 10 * 60 * 1000,
    LEFTOVER_DEADLINE = 10 * 1000,
    LOG_LIMIT = 1024 * 1024,
    PASSWORD_LENGTH = 32,
};

bool sqlserver_provisioned(const struct engine_instance *instance)
{
    AUTO_FREE char *password = mem_format("%s/data/sa-password", instance->folder);
    return file_exists(password);
}

/* Set-ups whose agent was killed may still be at it. */
static int end_leftovers(const char *folder, struct error *error)
{
    int result = 0;
    DIR *open = opendir(folder);
    for (const struct dirent *entry; open && !result && (entry = readdir(open));) {
        AUTO_FREE char *path = mem_format("%s/%s", folder, entry->d_name);
        if (text_starts_with(entry->d_name, "data.new."))
            result = sqlserver_view_end(0, path, LEFTOVER_DEADLINE, error);
    }
    if (open)
        closedir(open);
    return result;
}

static int await_setup(pid_t child, const char *log_file, struct error *error)
{
    int64_t until = clock_steady() + PROVISION_DEADLINE;
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (clock_steady() >= until) {
            kill(-child, SIGKILL);
            return error_set(error, ERROR_TIMEOUT, "SQL Server's set-up did not end");
        }
        usleep(ENGINE_POLL);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    AUTO_BUF struct buf log = {0};
    file_read(log_file, LOG_LIMIT, &log, NULL);
    while (log.length && log.data[log.length - 1] == '\n')
        log.length--;
    const char *text = buf_text(&log), *last = strrchr(text, '\n');
    return error_set(error, ERROR_IO, "SQL Server's set-up failed: %.300s", last ? last + 1 : text);
}

/* The password goes through the environment of the set-up alone, which ends with it: `sqlservr --help` knows
 * no other way ("should be specified in the MSSQL_SA_PASSWORD environment variable"). */
static int set_up(const struct engine_instance *instance, const char *data, const char *password,
                  struct error *error)
{
    AUTO_FREE char *program = mem_format("%s/sqlservr", instance->release->programs);
    AUTO_FREE char *edition = mem_format("MSSQL_PID=%s", sqlserver_edition(instance->release->engine));
    AUTO_FREE char *log_file = mem_format("%s/setup.log", data);
    AUTO_FREE char *hidden = mem_string(instance->folder);
    char *secret = mem_format("MSSQL_SA_PASSWORD=%s", password);
    AUTO_CLOSE int log = open(log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    const char *const arguments[] = {program, "--setup", "--reset-sa-password", NULL};
    static const char home[] = "HOME=" SQLSERVER_ROOT;
    const char *const environment[] = {
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", home, "ACCEPT_EULA=Y", edition, secret, NULL};
    const struct engine_command command = {program, arguments, environment, data, log};
    const struct sqlserver_view view = {.hidden = dirname(hidden)};
    pid_t child = 0;
    int result = log < 0
                     ? error_set_system(error, errno, "cannot make %s", log_file)
                     : engine_process_start_prepared(&command, sqlserver_view_enter, &view, &child, error);
    mem_free_secret(secret);
    return result ? result : await_setup(child, log_file, error);
}

/* Three of the four kinds of characters that SQL Server's password policy wants. */
static void make_password(char password[PASSWORD_LENGTH + 4])
{
    text_random(password, PASSWORD_LENGTH, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    memcpy(password + PASSWORD_LENGTH, "aA1", 4);
}

static int fill(const struct engine_instance *instance, const char *data, struct error *error)
{
    char password[PASSWORD_LENGTH + 4];
    AUTO_BUF struct buf settings = {0};
    AUTO_FREE char *settings_file = mem_format("%s/mssql.conf", data);
    AUTO_FREE char *password_file = mem_format("%s/sa-password", data);
    make_password(password);
    int result = file_make_folder(data, 0700, error);
    if (!result)
        result = sqlserver_settings(instance, false, &settings, error);
    if (!result)
        result = file_write(settings_file, slice_buf(&settings), 0600, error);
    if (!result)
        result = set_up(instance, data, password, error);
    if (!result)
        result = file_write(password_file, slice_text(password), 0600, error);
    mem_wipe(password, sizeof password);
    return result;
}

int sqlserver_provision(const struct engine_instance *instance, struct error *error)
{
    if (sqlserver_provisioned(instance))
        return 0;
    int result = end_leftovers(instance->folder, error);
    return result ? result : engine_data_make(instance, fill, error);
}
