/* An engine's process: started in a session of its own, found again by the folder that it works in. */
#ifndef ENGINE_PROCESS_H
#define ENGINE_PROCESS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* How often a condition is looked at while it is awaited, microseconds. */
enum { ENGINE_POLL = 3000 };

/* Does the living process have `folder` as its working folder? An engine and its children do; a process that
 * merely got a stale file's number (after a reboot) does not. */
bool engine_process_works_in(int pid, const char *folder);

/* A process that works in the folder, or 0. */
int engine_process_find(const char *folder);

/* When the process started, ms since 1970 by the machine's clock; 0 when there is none. */
int64_t engine_process_started_at(int pid);

/* Opens the log `name` in the instance folder's log/ for appending; one past 32 MiB starts anew, the last one
 * is kept beside it as NAME.1. For an engine that is down. `end` is where it will go on. */
int engine_log_open(const char *instance_folder, const char *name, int *log, off_t *end, struct error *error);

struct engine_command {
    const char *program;
    const char *const *arguments;   /* NULL-terminated, [0] the program's name; no secret may stand here */
    const char *const *environment; /* NULL-terminated */
    const char *folder;             /* to work in */
    int log;                        /* both outputs */
};
/* Starts the program in a session of its own, with nothing of the caller's but the log. The child is the
 * caller's to reap. */
int engine_process_start(const struct engine_command *command, pid_t *child, struct error *error);
/* The same; `prepare` is called in the child right before the program, in its folder, with the log for its
 * outputs. Where it fails the child ends with status 125. */
int engine_process_start_prepared(const struct engine_command *command, int (*prepare)(const void *context),
                                  const void *context, pid_t *child, struct error *error);

/* Waits until the process no longer works in the folder, and reaps it where this process started it; false
 * past `until` (clock_steady). */
bool engine_process_await_end(int pid, const char *folder, int64_t until);

#endif
