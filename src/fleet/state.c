#include "fleet/state.h"

#include "base/text.h"

struct transition {
    const char *state;
    enum state_action action;
    const char *next;
};

static const struct transition transitions[] = {
    {STATE_CREATING, ACTION_DELETE, STATE_DELETING},
    {STATE_CREATING, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_CREATING, ACTION_REACHED_FAILED, STATE_FAILED},

    {STATE_AVAILABLE, ACTION_MODIFY, STATE_MODIFYING},
    {STATE_AVAILABLE, ACTION_RENAME, STATE_RENAMING},
    {STATE_AVAILABLE, ACTION_RESET_PASSWORD, STATE_RESETTING},
    {STATE_AVAILABLE, ACTION_REBOOT, STATE_REBOOTING},
    {STATE_AVAILABLE, ACTION_STOP, STATE_STOPPING},
    {STATE_AVAILABLE, ACTION_DELETE, STATE_DELETING},
    {STATE_AVAILABLE, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_AVAILABLE, ACTION_REACHED_STOPPED, STATE_STOPPED}, /* an adopted server, by its owner */
    {STATE_AVAILABLE, ACTION_REACHED_FAILED, STATE_FAILED},

    {STATE_MODIFYING, ACTION_MODIFY, STATE_MODIFYING},
    {STATE_MODIFYING, ACTION_RENAME, STATE_RENAMING},
    {STATE_MODIFYING, ACTION_RESET_PASSWORD, STATE_MODIFYING},
    {STATE_MODIFYING, ACTION_DELETE, STATE_DELETING},
    {STATE_MODIFYING, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_MODIFYING, ACTION_REACHED_FAILED, STATE_FAILED},

    {STATE_RENAMING, ACTION_MODIFY, STATE_RENAMING},
    {STATE_RENAMING, ACTION_RESET_PASSWORD, STATE_RENAMING},
    {STATE_RENAMING, ACTION_DELETE, STATE_DELETING},
    {STATE_RENAMING, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_RENAMING, ACTION_REACHED_FAILED, STATE_FAILED},

    {STATE_RESETTING, ACTION_MODIFY, STATE_MODIFYING},
    {STATE_RESETTING, ACTION_RENAME, STATE_RENAMING},
    {STATE_RESETTING, ACTION_RESET_PASSWORD, STATE_RESETTING},
    {STATE_RESETTING, ACTION_DELETE, STATE_DELETING},
    {STATE_RESETTING, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_RESETTING, ACTION_REACHED_FAILED, STATE_FAILED},

    {STATE_REBOOTING, ACTION_DELETE, STATE_DELETING},
    {STATE_REBOOTING, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_REBOOTING, ACTION_REACHED_FAILED, STATE_FAILED},

    {STATE_STOPPING, ACTION_DELETE, STATE_DELETING},
    {STATE_STOPPING, ACTION_REACHED_STOPPED, STATE_STOPPED},
    {STATE_STOPPING, ACTION_REACHED_FAILED, STATE_FAILED},

    {STATE_STOPPED, ACTION_START, STATE_STARTING},
    {STATE_STOPPED, ACTION_DELETE, STATE_DELETING},
    {STATE_STOPPED, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_STOPPED, ACTION_REACHED_STOPPED, STATE_STOPPED},

    {STATE_STARTING, ACTION_DELETE, STATE_DELETING},
    {STATE_STARTING, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_STARTING, ACTION_REACHED_FAILED, STATE_FAILED},

    {STATE_FAILED, ACTION_MODIFY, STATE_MODIFYING},
    {STATE_FAILED, ACTION_DELETE, STATE_DELETING},
    {STATE_FAILED, ACTION_REACHED_RUNNING, STATE_AVAILABLE},
    {STATE_FAILED, ACTION_REACHED_STOPPED, STATE_STOPPED},
};

static const char *const action_names[] = {
    [ACTION_MODIFY] = "modify",
    [ACTION_RENAME] = "rename",
    [ACTION_RESET_PASSWORD] = "reset password",
    [ACTION_REBOOT] = "reboot",
    [ACTION_STOP] = "stop",
    [ACTION_START] = "start",
    [ACTION_DELETE] = "delete",
    [ACTION_REACHED_RUNNING] = "reached: running",
    [ACTION_REACHED_STOPPED] = "reached: stopped",
    [ACTION_REACHED_FAILED] = "reached: failed",
};

const char *state_next(const char *state, enum state_action action)
{
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
        if (transitions[i].action == action && text_equal(transitions[i].state, state))
            return transitions[i].next;
    return NULL;
}

int state_check(const char *identifier, const char *state, enum state_action action, const char **next,
                struct error *error)
{
    *next = state_next(state, action);
    if (*next)
        return 0;
    if (action == ACTION_DELETE)
        return error_set_named(error, ERROR_STATE, "InvalidDBInstanceState",
                               "Instance %s is already being deleted.", identifier);
    if (action == ACTION_START)
        return error_set_named(error, ERROR_STATE, "InvalidDBInstanceState",
                               "Instance %s is not stopped (it is %s), cannot be started.", identifier,
                               state);
    return error_set_named(error, ERROR_STATE, "InvalidDBInstanceState",
                           "Instance %s is not in available state: it is %s, and %s is not possible in it.",
                           identifier, state, action_names[action]);
}

void state_print_markdown(FILE *out)
{
    fprintf(out, "| state | action | next state |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof transitions / sizeof transitions[0]; i++)
        fprintf(out, "| %s | %s | %s |\n", transitions[i].state, action_names[transitions[i].action],
                transitions[i].next);
}
