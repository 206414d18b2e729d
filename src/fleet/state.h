/* The states of a DB instance (RDS user guide, "Viewing DB instance status") as a table: which action is
 * allowed in which state, and what state follows. docs/architecture.md prints the same table. */
#ifndef FLEET_STATE_H
#define FLEET_STATE_H

#include "base/error.h"

#include <stdio.h>

#define STATE_CREATING  "creating"
#define STATE_AVAILABLE "available"
#define STATE_MODIFYING "modifying"
#define STATE_RENAMING  "renaming"
#define STATE_RESETTING "resetting-master-credentials"
#define STATE_REBOOTING "rebooting"
#define STATE_STOPPING  "stopping"
#define STATE_STOPPED   "stopped"
#define STATE_STARTING  "starting"
#define STATE_DELETING  "deleting"
#define STATE_FAILED    "failed"

enum state_action {
    ACTION_MODIFY, /* a change that the agent must carry out */
    ACTION_RENAME,
    ACTION_RESET_PASSWORD,
    ACTION_REBOOT,
    ACTION_STOP,
    ACTION_START,
    ACTION_DELETE,
    ACTION_REACHED_RUNNING, /* the agent reached the desired state: the engine runs */
    ACTION_REACHED_STOPPED,
    ACTION_REACHED_FAILED,
};

/* The state that follows, or NULL when the action is not allowed in that state. */
const char *state_next(const char *state, enum state_action action);

/* The same for an action of a caller: answers 0 and the next state, or InvalidDBInstanceState. */
int state_check(const char *identifier, const char *state, enum state_action action, const char **next,
                struct error *error);

/* The table in Markdown, for the documentation. */
void state_print_markdown(FILE *out);

#endif
