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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_LIMIT = 64 * 1024 };

/* In the child, between fork and exec. The program does not outlive the process that waits for it. */
static _Noreturn void become(const struct process_command *command, int input, int output, pid_t parent)
{
    const char *const *arguments = command->arguments;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
        _exit(126);
    if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(126);
    if (command->folder && chdir(command->folder) < 0)
        _exit(126);
    setpgid(0, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    union {
        const char *const *given;
        char *const *taken;
    } cast = {arguments}, environment = {command->environment}; /* execvp predates const; it does not write */
    if (command->environment)
        execvpe(arguments[0], cast.taken, environment.taken);
    else
        execvp(arguments[0], cast.taken);
    /* Not stdio: another thread may have held its lock at the fork. */
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

/* What one program prints: `from` does not block and is -1 once all its writers are gone. */
struct output {
    int from;
    size_t room; /* bytes that may still be kept */
    struct buf *kept;
};

/* Takes what is there now, at most `chunks` reads of it, so that a chatty program cannot hold off its
 * deadline. */
static void take_output(struct output *output, int chunks)
{
    char chunk[4096];
    while (output->from >= 0 && chunks-- > 0) {
        ssize_t got = read(output->from, chunk, sizeof chunk);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (got <= 0) {
            output->from = -1;
            return;
        }
        size_t kept = (size_t)got < output->room ? (size_t)got : output->room;
        buf_append(output->kept, chunk, kept);
        output->room -= kept;
    }
}

/* Collects output until the program ends. A daemon that the program left behind may keep the pipe open, and a
 * program may close its outputs and go on: the end of the program, not the end of the pipe, is what is
 * awaited. */
static int collect(pid_t child, struct output *output, int64_t until, int *status)
{
    for (;;) {
        struct pollfd wait_for = {output->from, POLLIN, 0};
        if (poll(&wait_for, 1, 10) > 0)
            take_output(output, 1);
        pid_t ended = waitpid(child, status, WNOHANG);
        if (ended == child) {
            /* What it printed right before its end; no more than a pipe holds, should a daemon go on
             * printing. */
            take_output(output, OUTPUT_LIMIT / 4096);
            return 0;
        }
        if (ended < 0 && errno != EINTR)
            return ERROR_IO;
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

/* A file of nothing but memory: whatever its size, nobody waits for a reader. */
static int open_input(struct slice input, int *file, struct error *error)
{
    *file = input.length ? memfd_create("input", MFD_CLOEXEC) : open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (*file < 0)
        return error_set_system(error, errno, "cannot prepare a program's input");
    if (!input.length)
        return 0;
    int result = file_write_all(*file, input, error);
    if (!result && lseek(*file, 0, SEEK_SET) < 0)
        result = error_set_system(error, errno, "cannot prepare a program's input");
    return result;
}

int process_run(const char *const *arguments, int64_t deadline, struct buf *output, struct error *error)
{
    const struct process_command command = {.arguments = arguments};
    return process_run_command(&command, deadline, output, error);
}

int process_run_command(const struct process_command *command, int64_t deadline, struct buf *output,
                        struct error *error)
{
    const char *program = command->arguments[0];
    int ends[2];
    AUTO_CLOSE int input = -1;
    int prepared = open_input(command->input, &input, error);
    if (prepared)
        return prepared;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set_system(error, errno, "cannot make a pipe");
    AUTO_CLOSE int from = ends[0];
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        become(command, input, ends[1], parent);
    int reason = errno;
    close(ends[1]);
    if (child < 0)
        return error_set_system(error, reason, "cannot fork");
    if (fcntl(from, F_SETFL, O_NONBLOCK) < 0)
        abort(); /* of a pipe just made */
    AUTO_BUF struct buf own = {0};
    struct output printed = {from, OUTPUT_LIMIT, output ? output : &own};
    int status = 0;
    int failed = collect(child, &printed, clock_steady() + deadline, &status);
    if (failed == ERROR_IO)
        return error_set_system(error, errno, "cannot wait for %s", program);
    if (failed) {
        kill(-child, SIGKILL);
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        return error_set(error, ERROR_TIMEOUT, "%s did not end within %lld ms", program, (long long)deadline);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFSIGNALED(status))
        return error_set(error, ERROR_IO, "%s was ended by signal %d", program, WTERMSIG(status));
    return error_set(error, ERROR_IO, "%s failed with status %d: %s", program, WEXITSTATUS(status),
                     last_line(printed.kept));
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
