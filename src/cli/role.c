#include "cli/role.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "cli/command.h"
#include "server/server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_SHOWN     (64 << 20)
#define STOP_PATIENCE (15 * CLOCK_SECOND)

char *role_pid_file(const struct role *role)
{
    return role->user ? mem_format(SERVER_AGENTS_FOLDER "/%s.pid", role->user)
                      : mem_format("%s.pid", role->name);
}

static char *log_file(const struct settings *settings, const struct role *role)
{
    return mem_format("%s/" SERVER_LOG_FOLDER "/%s%s%s.log", settings->run_folder, role->name,
                      role->user ? "-" : "", role->user ? role->user : "");
}

int role_pid(const struct settings *settings, const struct role *role)
{
    AUTO_FREE char *name = role_pid_file(role);
    return cli_read_pid(settings, name);
}

int role_start(const struct settings *settings, const struct role *role, pid_t *pid, struct error *error)
{
    AUTO_FREE char *log = log_file(settings, role);
    AUTO_CLOSE int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set_system(error, errno, "cannot open %s", log);
    *pid = fork();
    if (*pid < 0)
        return error_set_system(error, errno, "cannot fork");
    if (*pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ||
            dup2(fd, STDERR_FILENO) < 0)
            _exit(126);
        setsid();
        execl("/proc/self/exe", "sealwright", role->name, "--run-dir", settings->run_folder,
              role->user ? "--user" : (char *)NULL, role->user, (char *)NULL);
        _exit(127);
    }
    return 0;
}

void role_print_tail(const struct settings *settings, const struct role *role)
{
    AUTO_FREE char *log = log_file(settings, role);
    AUTO_BUF struct buf content = {0};
    if (file_read(log, LOG_SHOWN, &content, NULL))
        return;
    const char *text = buf_text(&content);
    const char *from = text + content.length;
    for (int lines = 0; from > text && lines <= 10; from--)
        lines += from[-1] == '\n';
    fprintf(stderr, "the end of %s:\n%s", log, from > text ? from + 1 : from);
}

bool role_stop(const struct settings *settings, const struct role *role)
{
    int pid = role_pid(settings, role);
    if (!pid)
        return false;
    kill(pid, SIGTERM);
    int64_t until = clock_steady() + STOP_PATIENCE;
    while (process_alive(pid) && clock_steady() < until)
        clock_pause(20);
    return true;
}

void role_users(const struct settings *settings, struct text_list *users)
{
    AUTO_FREE char *folder = settings_path(settings, SERVER_AGENTS_FOLDER);
    DIR *listing = opendir(folder);
    for (const struct dirent *entry; listing && (entry = readdir(listing));) {
        AUTO_FREE char *path = mem_format("%s/%s", folder, entry->d_name);
        struct stat status;
        if (entry->d_name[0] != '.' && lstat(path, &status) == 0 && S_ISDIR(status.st_mode))
            text_list_add(users, entry->d_name);
    }
    if (listing)
        closedir(listing);
}
