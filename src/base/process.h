/* Child programs: run one to its end, with a deadline. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* Runs `arguments` (NULL-terminated, [0] an absolute path or a name in PATH) with standard input from
 * /dev/null and waits for it at most `deadline` milliseconds; past that it is killed with its whole process
 * group (ERROR_TIMEOUT). What it prints on both outputs is appended to `output` (which may be NULL), at most
 * 64 KiB of it. An exit status other than 0 is ERROR_IO with the last line it printed. No secret may stand in
 * `arguments`: everyone can read them. */
int process_run(const char *const *arguments, int64_t deadline, struct buf *output, struct error *error);

struct process_command {
    const char *const *arguments;   /* as above */
    const char *const *environment; /* NULL-terminated; NULL: the caller's. No secret may stand here either */
    const char *folder;             /* to work in; NULL: the caller's */
    struct slice input;             /* on standard input, from memory; may be a secret. Empty: /dev/null */
};
/* process_run with what a program may need beside its arguments. */
int process_run_command(const struct process_command *command, int64_t deadline, struct buf *output,
                        struct error *error);

/* True while a process with this id lives (a zombie counts as dead). */
int process_alive(int pid);

#endif
