#include "base/process.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_LIMIT = 64 * 1024 };

/* In the child, between fork and exec. */
static _Noreturn void become(const char *const *arguments, int output)
{
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(output, STDERR_FILENO) < 0)
        _exit(126);
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    union {
        const char *const *given;
        char *const *taken;
    } cast = {arguments}; /* execvp's prototype predates const; it does not write */
    execvp(arguments[0], cast.taken);
    fprintf(stderr, "cannot run %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

/* Collects output until the program ends. A daemon that the program left behind may keep the pipe open, so
 * the end of the program, not the end of the pipe, is what is awaited. */
static int collect(pid_t child, int from, int64_t until, struct buf *output, int *status)
{
    for (;;) {
        struct pollfd wait_for = {from, POLLIN, 0};
        int ready = poll(&wait_for, 1, 10);
        char chunk[4096];
        ssize_t got = ready > 0 ? read(from, chunk, sizeof chunk) : 0;
        if (got > 0) {
            size_t room = OUTPUT_LIMIT > output->length ? OUTPUT_LIMIT - output->length : 0;
            buf_append(output, chunk, (size_t)got < room ? (size_t)got : room);
            continue;
        }
        pid_t ended = waitpid(child, status, ready > 0 ? 0 : WNOHANG);
        if (ended == child)
            return 0;
        if (clock_steady() >= until)
            return ERROR_TIMEOUT;
    }
}

static const char *last_line(struct buf *output)
{
    while (output->length && output->data[output->length - 1] == '\n')
        output->length--;
    const char *text = buf_text(output);
    const char *newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

int process_run(const char *const *arguments, int64_t deadline, struct buf *output, struct error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set_system(error, errno, "cannot make a pipe");
    AUTO_CLOSE int from = ends[0];
    pid_t child = fork();
    if (child == 0)
        become(arguments, ends[1]);
    close(ends[1]);
    if (child < 0)
        return error_set_system(error, errno, "cannot fork");
    AUTO_BUF struct buf own = {0};
    struct buf *kept = output ? output : &own;
    int status = 0;
    if (collect(child, from, clock_steady() + deadline, kept, &status)) {
        kill(-child, SIGKILL);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return error_set(error, ERROR_TIMEOUT, "%s did not end within %lld ms", arguments[0],
                         (long long)deadline);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return error_set(error, ERROR_IO, "%s was ended by signal %d", arguments[0], WTERMSIG(status));
    return error_set(error, ERROR_IO, "%s failed with status %d: %s", arguments[0], WEXITSTATUS(status),
                     last_line(kept));
}

int process_alive(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    AUTO_BUF struct buf stat = {0};
    if (pid <= 0 || file_read(path, 4096, &stat, NULL))
        return 0;
    const char *after_name = strrchr(buf_text(&stat), ')');
    return after_name && after_name[1] == ' ' && after_name[2] != 'Z' && after_name[2] != 'X';
}
