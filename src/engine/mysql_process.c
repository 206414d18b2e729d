/* The server of MySQL or MariaDB: made, running or not, start, stop. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/data.h"
#include "engine/mysql.h"
#include "engine/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_NAME "error.log"
enum { PID_FILE_LIMIT = 64, REASON_LENGTH = 400, LOG_PIECE = 64 * 1024 };

char *mysqld_log_file(const struct engine_instance *instance)
{
    return mem_format("%s/log/" LOG_NAME, instance->folder);
}

bool mysqld_provisioned(const struct engine_instance *instance)
{
    AUTO_FREE char *mark = mem_format("%s/data/ibdata1", instance->folder);
    return file_exists(mark);
}

int mysqld_provision(const struct engine_instance *instance, struct error *error)
{
    if (mysqld_provisioned(instance))
        return 0;
    return engine_data_make(instance, mysqld_flavour_of(instance)->fill, error);
}

/* The server writes its pid file late in its start; until it is ready this driver's mark says that there may
 * be one. */
static char *starting_file(const struct engine_instance *instance)
{
    return mem_format("%s/starting", instance->folder);
}

struct engine_status mysqld_status(const struct engine_instance *instance)
{
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    AUTO_FREE char *path = mem_format("%s/server.pid", instance->folder);
    AUTO_FREE char *starting = starting_file(instance);
    AUTO_BUF struct buf text = {0};
    struct stat file = {0};
    int pid = 0;
    if (file_read(path, PID_FILE_LIMIT, &text, NULL) == 0)
        pid = (int)strtol(buf_text(&text), NULL, 10);
    if (pid > 0 && engine_process_works_in(pid, data) && stat(path, &file) == 0)
        return (struct engine_status){true, pid,
                                      file.st_mtim.tv_sec * CLOCK_SECOND + file.st_mtim.tv_nsec / 1000000};
    pid = stat(starting, &file) == 0 ? engine_process_find(data) : 0;
    if (!pid)
        return (struct engine_status){0};
    return (struct engine_status){true, pid,
                                  file.st_mtim.tv_sec * CLOCK_SECOND + file.st_mtim.tv_nsec / 1000000};
}

/* What the server said of its end since `from`. */
static void read_reason(const struct engine_instance *instance, off_t from, char *reason, bool *taken)
{
    AUTO_FREE char *path = mysqld_log_file(instance);
    AUTO_CLOSE int log = open(path, O_RDONLY | O_CLOEXEC);
    AUTO_FREE char *text = mem_new(LOG_PIECE + 1);
    ssize_t length = log < 0 ? -1 : pread(log, text, LOG_PIECE, from);
    snprintf(reason, REASON_LENGTH, "see %s", path);
    *taken = length > 0 && strstr(text, "Bind on TCP/IP port") && strstr(text, "Address already in use");
    char *rest = length > 0 ? text : NULL;
    for (const char *line; (line = strsep(&rest, "\n"));) {
        const char *mark = strstr(line, "[ERROR]");
        if (mark && !text_ends_with(mark, "Aborting"))
            snprintf(reason, REASON_LENGTH, "%s", mark + strlen("[ERROR] "));
    }
}

static void forget_start(const struct engine_instance *instance)
{
    AUTO_FREE char *starting = starting_file(instance);
    unlink(starting);
}

static int settle(const struct engine_instance *instance, struct error *error)
{
    int result = mysqld_account_settle(instance, error);
    if (!result)
        forget_start(instance);
    return result;
}

/* Waits until the server answers. `child` is the one started here, or 0. */
static int wait_until_ready(const struct engine_instance *instance, pid_t child, off_t log_end, int64_t until,
                            struct error *error)
{
    for (;;) {
        struct mysqld_session session;
        int status = 0;
        bool ended = child > 0 && waitpid(child, &status, WNOHANG) == child;
        int result = mysqld_session_open(instance, &session, error);
        if (!result)
            mysqld_session_close(&session);
        /* A server that refuses this driver takes connections all the same. */
        if (result != ERROR_BUSY && mysqld_status(instance).running)
            return settle(instance, error);
        if ((ended || !child) && !mysqld_status(instance).running) {
            char reason[REASON_LENGTH];
            bool taken = false;
            forget_start(instance);
            read_reason(instance, log_end, reason, &taken);
            return error_set(error, taken ? ERROR_EXISTS : ERROR_IO, "%s did not start: %s",
                             mysqld_flavour_of(instance)->title, reason);
        }
        child = ended ? 0 : child;
        if (clock_steady() >= until)
            return error_set(error, ERROR_TIMEOUT, "%s was started but is not ready yet",
                             mysqld_flavour_of(instance)->title);
        usleep(ENGINE_POLL);
    }
}

/* A socket's lock file whose process number is in use by now, by another program (after a reboot), stops the
 * server from starting. Nothing works in the data folder any more. */
static void remove_stale_files(const struct engine_instance *instance)
{
    AUTO_FREE char *socket = mysqld_socket(instance);
    AUTO_FREE char *lock = mem_format("%s.lock", socket);
    AUTO_FREE char *pid = mem_format("%s/server.pid", instance->folder);
    unlink(lock);
    unlink(pid);
}

static int launch(const struct engine_instance *instance, const char *data, pid_t *child, off_t *log_end,
                  struct error *error)
{
    AUTO_FREE char *settings = mysqld_settings_file(instance);
    AUTO_FREE char *option = mem_format("--defaults-file=%s", settings);
    AUTO_FREE char *program = mysqld_program(mysqld_flavour_of(instance), instance->release->programs);
    AUTO_FREE char *starting = starting_file(instance);
    AUTO_CLOSE int log = -1;
    if (!program)
        return error_set(error, ERROR_NOT_FOUND, "%s is not in %s any more",
                         mysqld_flavour_of(instance)->title, instance->release->programs);
    int result = mysqld_account_prepare(instance, error);
    if (!result)
        result = engine_log_open(instance->folder, LOG_NAME, &log, log_end, error);
    if (!result)
        result = file_write(starting, slice_text(""), 0600, error);
    if (result)
        return result;
    remove_stale_files(instance);
    const char *const arguments[] = {program, option, NULL};
    /* The log's times are in UTC. */
    const char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", NULL};
    const struct engine_command command = {program, arguments, environment, data, log};
    return engine_process_start(&command, child, error);
}

int mysqld_start(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    int64_t until = clock_steady() + deadline;
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    pid_t child = 0;
    off_t log_end = 0;
    if (mysqld_status(instance).running || engine_process_find(data))
        return wait_until_ready(instance, 0, 0, until, error);
    int result = launch(instance, data, &child, &log_end, error);
    return result ? result : wait_until_ready(instance, child, log_end, until, error);
}

/* An orderly end; past three quarters of the deadline a hard one, after which the next start recovers from
 * the log. */
int mysqld_stop(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    struct engine_status status = mysqld_status(instance);
    int64_t now = clock_steady();
    if (!status.running)
        return 0;
    if (kill(status.pid, SIGTERM) == 0 && engine_process_await_end(status.pid, data, now + deadline * 3 / 4))
        return 0;
    if (kill(status.pid, SIGKILL) == 0 && engine_process_await_end(status.pid, data, now + deadline))
        return 0;
    if (!engine_process_works_in(status.pid, data))
        return 0;
    return error_set(error, ERROR_TIMEOUT, "the server (process %d) did not stop within %lld ms", status.pid,
                     (long long)deadline);
}
