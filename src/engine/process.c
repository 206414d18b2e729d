#include "engine/process.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOG_LIMIT = 32 * 1024 * 1024, PROC_LIMIT = 1024 * 1024 };

bool engine_process_works_in(int pid, const char *folder)
{
    char path[64], found[PATH_MAX];
    AUTO_FREE char *real = realpath(folder, NULL);
    snprintf(path, sizeof path, "/proc/%d/cwd", pid);
    ssize_t length = real ? readlink(path, found, sizeof found - 1) : -1;
    if (length < 0)
        return false;
    found[length] = 0;
    return text_equal(found, real) && process_alive(pid);
}

int engine_process_find(const char *folder)
{
    DIR *processes = opendir("/proc");
    int found = 0;
    for (const struct dirent *entry; processes && !found && (entry = readdir(processes));) {
        int pid = (int)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && engine_process_works_in(pid, folder))
            found = pid;
    }
    if (processes)
        closedir(processes);
    return found;
}

/* Both numbers stay the same as long as the process lives and nobody sets the clock: the boot's time of
 * /proc/stat, in seconds, and the ticks since then, field 22 of the process (proc(5)). */
int64_t engine_process_started_at(int pid)
{
    AUTO_FREE char *path = mem_format("/proc/%d/stat", pid);
    AUTO_BUF struct buf stat = {0}, machine = {0};
    unsigned long long ticks = 0;
    if (file_read(path, PROC_LIMIT, &stat, NULL) || file_read("/proc/stat", PROC_LIMIT, &machine, NULL))
        return 0;
    const char *name_end = strrchr(buf_text(&stat), ')'), *boot = strstr(buf_text(&machine), "\nbtime ");
    if (!name_end || !boot ||
        sscanf(name_end + 1,
               " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1)
        return 0;
    return strtoll(boot + strlen("\nbtime "), NULL, 10) * CLOCK_SECOND +
           (int64_t)(ticks * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static int open_to_append(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

int engine_log_open(const char *instance_folder, const char *name, int *log, off_t *end, struct error *error)
{
    AUTO_FREE char *folder = mem_format("%s/log", instance_folder);
    AUTO_FREE char *path = mem_format("%s/%s", folder, name);
    int result = file_make_folder(folder, 0700, error);
    if (result)
        return result;
    *log = open_to_append(path);
    if (*log < 0)
        return error_set_system(error, errno, "cannot open %s", path);
    *end = lseek(*log, 0, SEEK_END);
    if (*end < LOG_LIMIT)
        return 0;
    AUTO_FREE char *old = mem_format("%s.1", path);
    close(*log);
    *log = -1;
    *end = 0;
    if (rename(path, old) == 0)
        *log = open_to_append(path);
    return *log >= 0 ? 0 : error_set_system(error, errno, "cannot start %s anew", path);
}

/* In the child, between fork and exec. */
static _Noreturn void become(const struct engine_command *command, pid_t parent,
                             int (*prepare)(const void *context), const void *context)
{
    /* Until the engine can be found by what it is, nothing of it may outlive who started it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(126);
    int nothing = open("/dev/null", O_RDONLY);
    setsid();
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(command->log, STDOUT_FILENO) < 0 ||
        dup2(command->log, STDERR_FILENO) < 0 || chdir(command->folder) < 0)
        _exit(126);
    close_range(3, ~0U, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    union {
        const char *const *given;
        char *const *taken;
    } arguments = {command->arguments}, environment = {command->environment}; /* execve predates const */
    umask(077);
    if (prepare && prepare(context))
        _exit(125);
    prctl(PR_SET_PDEATHSIG, 0);
    execve(command->program, arguments.taken, environment.taken);
    _exit(127);
}

int engine_process_start(const struct engine_command *command, pid_t *child, struct error *error)
{
    return engine_process_start_prepared(command, NULL, NULL, child, error);
}

int engine_process_start_prepared(const struct engine_command *command, int (*prepare)(const void *context),
                                  const void *context, pid_t *child, struct error *error)
{
    pid_t parent = getpid();
    *child = fork();
    if (*child < 0)
        return error_set_system(error, errno, "cannot fork");
    if (*child == 0)
        become(command, parent, prepare, context);
    return 0;
}

bool engine_process_await_end(int pid, const char *folder, int64_t until)
{
    while (clock_steady() < until) {
        waitpid(pid, NULL, WNOHANG);
        if (!engine_process_works_in(pid, folder))
            return true;
        usleep(ENGINE_POLL);
    }
    return false;
}
