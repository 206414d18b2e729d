/* PostgreSQL's postmaster: running or not, start, stop, reload. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/postgres.h"
#include "engine/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_NAME "postgresql.log"
enum { PID_FILE_LIMIT = 16 * 1024 };

char *postgres_log_file(const struct engine_instance *instance)
{
    return mem_format("%s/log/" LOG_NAME, instance->folder);
}

/* postmaster.pid: process id, data folder, start time, port, socket folder, address, shared memory, state
 * (pidfile.h). */
static bool read_postmaster_file(const char *data, struct postgres_postmaster *file)
{
    AUTO_FREE char *path = mem_format("%s/postmaster.pid", data);
    AUTO_BUF struct buf text = {0};
    *file = (struct postgres_postmaster){0};
    if (file_read(path, PID_FILE_LIMIT, &text, NULL))
        return false;
    AUTO_FREE char *copy = mem_string(buf_text(&text));
    char *rest = copy;
    for (int line = 1; rest; line++) {
        const char *content = strsep(&rest, "\n");
        if (line == 1)
            file->pid = (int)strtol(content, NULL, 10);
        if (line == 3)
            file->started_at = strtoll(content, NULL, 10) * CLOCK_SECOND;
        if (line == 4)
            file->port = (int)strtol(content, NULL, 10);
        if (line == 5)
            text_copy(file->socket_folder, sizeof file->socket_folder, content);
        if (line == 8)
            file->ready = text_starts_with(content, "ready");
    }
    return file->pid > 0;
}

bool postgres_find_postmaster(const char *data, struct postgres_postmaster *postmaster)
{
    return read_postmaster_file(data, postmaster) && engine_process_works_in(postmaster->pid, data);
}

struct engine_status postgres_status(const struct engine_instance *instance)
{
    struct postgres_postmaster file;
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    if (!postgres_find_postmaster(data, &file))
        return (struct engine_status){0};
    return (struct engine_status){.running = true, .pid = file.pid, .started_at = file.started_at};
}

/* Backends live on for a moment when their postmaster was killed. Lock files whose process number is in use
 * by now, by another program (after a reboot) or by a dead process that nobody waited for, stop PostgreSQL
 * from starting ("lock file already exists"). They go once it is certain that nothing works in the data
 * folder any more; both lie in folders of this instance alone. */
static void remove_stale_files(const struct engine_instance *instance, const char *data, int64_t until)
{
    struct postgres_postmaster file;
    AUTO_FREE char *path = mem_format("%s/postmaster.pid", data);
    AUTO_FREE char *socket_lock = mem_format("%s/.s.PGSQL.%d.lock", instance->folder, instance->port);
    if (!read_postmaster_file(data, &file))
        return;
    while (engine_process_find(data))
        if (usleep(ENGINE_POLL) < 0 || clock_steady() >= until)
            return;
    unlink(socket_lock);
    unlink(path);
}

/* The last line that says why, out of what was logged since `from`. */
static void read_reason(const struct engine_instance *instance, off_t from, char *reason, size_t size)
{
    AUTO_FREE char *path = postgres_log_file(instance);
    AUTO_CLOSE int log = open(path, O_RDONLY | O_CLOEXEC);
    char text[8192];
    ssize_t length = log < 0 ? -1 : pread(log, text, sizeof text - 1, from);
    snprintf(reason, size, "see %s", path);
    if (length <= 0)
        return;
    text[length] = 0;
    char *rest = text;
    for (const char *line; (line = strsep(&rest, "\n"));) {
        const char *fatal = strstr(line, "FATAL:");
        if (fatal || strstr(line, "could not bind"))
            snprintf(reason, size, "%s", fatal ? fatal + strlen("FATAL:") + 2 : line);
    }
}

/* Waits until the postmaster is ready. `child` is the one started here, or 0; it is not ours to reap when
 * another try's postmaster was first. */
static int wait_until_ready(const struct engine_instance *instance, const char *data, pid_t child,
                            off_t log_end, int64_t until, struct error *error)
{
    struct postgres_postmaster file;
    for (;;) {
        int status = 0;
        bool ended = child > 0 && waitpid(child, &status, WNOHANG) == child;
        if (read_postmaster_file(data, &file) && file.ready && engine_process_works_in(file.pid, data))
            return 0;
        if (ended && !postgres_status(instance).running) {
            char reason[400];
            read_reason(instance, log_end, reason, sizeof reason);
            bool taken =
                strstr(reason, "could not bind") || strstr(reason, "could not create any TCP/IP sockets");
            return error_set(error, taken ? ERROR_EXISTS : ERROR_IO, "PostgreSQL did not start: %s", reason);
        }
        if (ended)
            child = 0;
        if (clock_steady() >= until)
            return error_set(error, ERROR_TIMEOUT, "PostgreSQL was started but is not ready yet");
        usleep(ENGINE_POLL);
    }
}

int postgres_start(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    int64_t until = clock_steady() + deadline;
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    AUTO_FREE char *program = mem_format("%s/postgres", instance->release->programs);
    if (postgres_status(instance).running)
        return wait_until_ready(instance, data, 0, 0, until, error);
    remove_stale_files(instance, data, until);
    AUTO_CLOSE int log = -1;
    off_t log_end = 0;
    int result = engine_log_open(instance->folder, LOG_NAME, &log, &log_end, error);
    if (result)
        return result;
    const char *const arguments[] = {program, "-D", data, NULL};
    const char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
    const struct engine_command command = {program, arguments, environment, data, log};
    pid_t child = 0;
    result = engine_process_start(&command, &child, error);
    if (result)
        return result;
    return wait_until_ready(instance, data, child, log_end, until, error);
}

/* Fast shutdown (SIGINT); past three quarters of the deadline the immediate one (SIGQUIT), after which the
 * next start recovers from the log. */
int postgres_stop(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    struct engine_status status = postgres_status(instance);
    int64_t now = clock_steady();
    if (!status.running)
        return 0;
    if (kill(status.pid, SIGINT) == 0 && engine_process_await_end(status.pid, data, now + deadline * 3 / 4))
        return 0;
    if (kill(status.pid, SIGQUIT) == 0 && engine_process_await_end(status.pid, data, now + deadline))
        return 0;
    if (!engine_process_works_in(status.pid, data))
        return 0;
    return error_set(error, ERROR_TIMEOUT, "PostgreSQL (process %d) did not stop within %lld ms", status.pid,
                     (long long)deadline);
}

int postgres_reload_in(const char *data, struct error *error)
{
    struct postgres_postmaster postmaster;
    if (!postgres_find_postmaster(data, &postmaster))
        return error_set(error, ERROR_STATE, "PostgreSQL does not run");
    if (kill(postmaster.pid, SIGHUP) < 0)
        return error_set_system(error, errno, "cannot signal PostgreSQL (process %d)", postmaster.pid);
    return 0;
}

int postgres_reload(const struct engine_instance *instance, struct error *error)
{
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    return postgres_reload_in(data, error);
}
