/* DeleteDBInstance, RebootDBInstance, StartDBInstance, StopDBInstance. */
#include "base/text.h"
#include "fleet/event.h"
#include "fleet/instance_internal.h"
#include "fleet/state.h"

/* What an action does to the desired state, once it is allowed. */
typedef int action_change(struct fleet *fleet, struct instance_row *row, struct error *error);

/* `doing`: what is not done to a server that was there before; NULL: this is. */
static int run_in_transaction(struct fleet *fleet, const char *region, const char *identifier,
                              enum state_action action, const char *doing, action_change *change,
                              struct instance_row *row, struct error *error)
{
    const char *next;
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = instance_read(fleet, region, identifier, row, error);
    if (!result && doing)
        result = instance_check_own_server(row, doing, error);
    if (!result)
        result = state_check(row->identifier, row->status, action, &next, error);
    if (!result)
        result = change(fleet, row, error);
    if (!result) {
        text_copy(row->status, sizeof row->status, next);
        result = instance_write_desired(fleet, row, error);
    }
    return store_finish(fleet->store, result, error);
}

static int want_deleted(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    (void)fleet;
    if (row->deletion_protection)
        return error_set_named(
            error, ERROR_DENIED, "InvalidParameterCombination",
            "Cannot delete protected DB Instance, please disable deletion protection and try again.");
    row->deleted = true;
    row->running = false;
    return 0;
}

int instance_delete(struct fleet *fleet, const char *region, const char *identifier, bool skip_final_snapshot,
                    const char *final_snapshot, struct instance_row *row, struct error *error)
{
    int result = instance_get(fleet, region, identifier, false, row, error);
    if (result)
        return result;
    if (skip_final_snapshot && final_snapshot)
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is enabled.");
    if (!skip_final_snapshot && !final_snapshot)
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterCombination",
            "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.");
    if (!skip_final_snapshot)
        return error_set_named(
            error, ERROR_DENIED, "InvalidParameterCombination",
            "Sealwright makes no snapshots: take a copy with pg_dump and delete with SkipFinalSnapshot.");
    return run_in_transaction(fleet, region, identifier, ACTION_DELETE, NULL, want_deleted, row, error);
}

static int want_restart(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    row->restart++;
    return instance_apply_at_restart(fleet, row, error);
}

int instance_reboot(struct fleet *fleet, const char *region, const char *identifier, bool force_failover,
                    struct instance_row *row, struct error *error)
{
    if (force_failover)
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterCombination",
            "ForceFailover cannot be specified since the instance is not configured for either MultiAZ "
            "or High Availability.");
    return run_in_transaction(fleet, region, identifier, ACTION_REBOOT, "rebooted", want_restart, row, error);
}

static int want_running(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    row->running = true;
    return instance_apply_at_restart(fleet, row, error);
}

int instance_start(struct fleet *fleet, const char *region, const char *identifier, struct instance_row *row,
                   struct error *error)
{
    return run_in_transaction(fleet, region, identifier, ACTION_START, "started", want_running, row, error);
}

static int want_stopped(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    (void)fleet;
    (void)error;
    row->running = false;
    return 0;
}

int instance_stop(struct fleet *fleet, const char *region, const char *identifier, struct instance_row *row,
                  struct error *error)
{
    return run_in_transaction(fleet, region, identifier, ACTION_STOP, "stopped", want_stopped, row, error);
}
