/* The long-running roles of a run folder in the background: server, agent, and the agents of other users of
 * this machine, who own databases that Sealwright did not make. */
#ifndef CLI_ROLE_H
#define CLI_ROLE_H

#include "fleet/settings.h"

#include <stdbool.h>
#include <sys/types.h>

/* `user`: of an agent beside the standard one; NULL. */
struct role {
    const char *name; /* "server", "agent" */
    const char *user;
};

/* The id of its process while it lives, else 0. */
int role_pid(const struct settings *settings, const struct role *role);
/* Starts this very program as a role that outlives us; its log goes to a file. */
int role_start(const struct settings *settings, const struct role *role, pid_t *pid, struct error *error);
/* Ends it and waits; answers whether it ran. */
bool role_stop(const struct settings *settings, const struct role *role);
/* The end of its log, on standard error. */
void role_print_tail(const struct settings *settings, const struct role *role);

/* The name of the pid file below the run folder, for free(). Root's alone: it stands in no folder of the
 * user's. */
char *role_pid_file(const struct role *role);

/* The users who have an agent beside the standard one; text_list_free. */
void role_users(const struct settings *settings, struct text_list *users);

#endif
