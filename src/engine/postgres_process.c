/* PostgreSQL's postmaster: running or not, start, stop, reload. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/postgres.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { POLL_MICROSECONDS = 3000, LOG_LIMIT = 32 * 1024 * 1024, PID_FILE_LIMIT = 16 * 1024 };

char *postgres_log_file(const struct engine_instance *instance)
{
    return mem_format("%s/log/postgresql.log", instance->folder);
}

/* Does the process work in this data folder? A postmaster and its children do; a process that merely got a
 * stale postmaster.pid's number (after a reboot) does not. */
static bool works_in(int pid, const char *data)
{
    char path[64], folder[PATH_MAX];
    AUTO_FREE char *real = realpath(data, NULL);
    snprintf(path, sizeof path, "/proc/%d/cwd", pid);
    ssize_t length = real ? readlink(path, folder, sizeof folder - 1) : -1;
    if (length < 0)
        return false;
    folder[length] = 0;
    return text_equal(folder, real) && process_alive(pid);
}

/* postmaster.pid: process id, data folder, start time, port, socket folder, address, shared memory, state
 * (pidfile.h). */
struct postmaster_file {
    int pid;
    int64_t started_at;
    bool ready;
};

static bool read_postmaster_file(const char *data, struct postmaster_file *file)
{
    AUTO_FREE char *path = mem_format("%s/postmaster.pid", data);
    AUTO_BUF struct buf text = {0};
    *file = (struct postmaster_file){0};
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
        if (line == 8)
            file->ready = text_starts_with(content, "ready");
    }
    return file->pid > 0;
}

struct engine_status postgres_status(const struct engine_instance *instance)
{
    struct postmaster_file file;
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    if (!read_postmaster_file(data, &file) || !works_in(file.pid, data))
        return (struct engine_status){0};
    return (struct engine_status){.running = true, .pid = file.pid, .started_at = file.started_at};
}

/* A process still working in the data folder, or 0: backends live on for a moment when their postmaster was
 * killed. */
static int find_worker(const char *data)
{
    DIR *processes = opendir("/proc");
    int found = 0;
    for (const struct dirent *entry; processes && !found && (entry = readdir(processes));) {
        int pid = (int)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && works_in(pid, data))
            found = pid;
    }
    if (processes)
        closedir(processes);
    return found;
}

/* Lock files whose process number is in use by now, by another program (after a reboot) or by a dead process
 * that nobody waited for, stop PostgreSQL from starting ("lock file already exists"). They go once it is
 * certain that nothing works in the data folder any more; both lie in folders of this instance alone. */
static void remove_stale_files(const struct engine_instance *instance, const char *data, int64_t until)
{
    struct postmaster_file file;
    AUTO_FREE char *path = mem_format("%s/postmaster.pid", data);
    AUTO_FREE char *socket_lock = mem_format("%s/.s.PGSQL.%d.lock", instance->folder, instance->port);
    if (!read_postmaster_file(data, &file))
        return;
    while (find_worker(data))
        if (usleep(POLL_MICROSECONDS) < 0 || clock_steady() >= until)
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

/* In the child, between fork and exec: its own session, nothing of the agent's but the log. */
static _Noreturn void become_postmaster(const char *program, const char *data, int log)
{
    int nothing = open("/dev/null", O_RDONLY);
    setsid();
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    close_range(3, ~0U, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    const char *const arguments[] = {program, "-D", data, NULL};
    const char *const environment[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
    union {
        const char *const *given;
        char *const *taken;
    } argument_cast = {arguments}, environment_cast = {environment}; /* execve's prototype predates const */
    umask(077);
    execve(program, argument_cast.taken, environment_cast.taken);
    _exit(127);
}

static int open_log(const struct engine_instance *instance, int *log, off_t *end, struct error *error)
{
    AUTO_FREE char *folder = mem_format("%s/log", instance->folder);
    AUTO_FREE char *path = postgres_log_file(instance);
    int result = file_make_folder(folder, 0700, error);
    if (result)
        return result;
    *log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (*log < 0)
        return error_set_system(error, errno, "cannot open %s", path);
    *end = lseek(*log, 0, SEEK_END);
    if (*end < LOG_LIMIT)
        return 0;
    /* The engine is down: its log can start anew, the last one is kept. */
    AUTO_FREE char *old = mem_format("%s.1", path);
    close(*log);
    *log = -1;
    *end = 0;
    if (rename(path, old) == 0)
        *log = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    return *log >= 0 ? 0 : error_set_system(error, errno, "cannot start %s anew", path);
}

/* Waits until the postmaster is ready. `child` is the one started here, or 0; it is not ours to reap when
 * another try's postmaster was first. */
static int wait_until_ready(const struct engine_instance *instance, const char *data, pid_t child,
                            off_t log_end, int64_t until, struct error *error)
{
    struct postmaster_file file;
    for (;;) {
        int status = 0;
        bool ended = child > 0 && waitpid(child, &status, WNOHANG) == child;
        if (read_postmaster_file(data, &file) && file.ready && works_in(file.pid, data))
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
        usleep(POLL_MICROSECONDS);
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
    int result = open_log(instance, &log, &log_end, error);
    if (result)
        return result;
    pid_t child = fork();
    if (child < 0)
        return error_set_system(error, errno, "cannot fork");
    if (child == 0)
        become_postmaster(program, data, log);
    return wait_until_ready(instance, data, child, log_end, until, error);
}

static bool wait_until_gone(int pid, const char *data, int64_t until)
{
    while (clock_steady() < until) {
        /* Reaps it where this process started it. */
        waitpid(pid, NULL, WNOHANG);
        if (!works_in(pid, data))
            return true;
        usleep(POLL_MICROSECONDS);
    }
    return false;
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
    if (kill(status.pid, SIGINT) == 0 && wait_until_gone(status.pid, data, now + deadline * 3 / 4))
        return 0;
    if (kill(status.pid, SIGQUIT) == 0 && wait_until_gone(status.pid, data, now + deadline))
        return 0;
    if (!works_in(status.pid, data))
        return 0;
    return error_set(error, ERROR_TIMEOUT, "PostgreSQL (process %d) did not stop within %lld ms", status.pid,
                     (long long)deadline);
}

int postgres_reload(const struct engine_instance *instance, struct error *error)
{
    struct engine_status status = postgres_status(instance);
    if (!status.running)
        return error_set(error, ERROR_STATE, "PostgreSQL does not run");
    if (kill(status.pid, SIGHUP) < 0)
        return error_set_system(error, errno, "cannot signal PostgreSQL (process %d)", status.pid);
    return 0;
}
