/* Pending maintenance actions of DB instances (RDS user guide, "Maintaining a DB instance"): what the
 * operator is asked to say yes to. */
#ifndef FLEET_MAINTENANCE_H
#define FLEET_MAINTENANCE_H

#include "fleet/fleet.h"

/* A renewal that the engine cannot do without a restart. */
#define MAINTENANCE_RENEWAL "server-certificate-rotation"
/* The instance's CA is being retired: a move to the region's default CA. */
#define MAINTENANCE_CA "ca-certificate-rotation"

/* Adds an action to a row that the caller writes, and records the event; one that is there stays as it is. */
int maintenance_raise(struct fleet *fleet, struct instance_row *row, const char *action, struct error *error);
/* Takes an action off a row that the caller writes. */
void maintenance_drop(struct instance_row *row, const char *action);
bool maintenance_is_raised(const struct instance_row *row, const char *action);

/* maintenance_apply.c */

struct maintenance_action {
    const char *action;
    const char *description;
    const char *opt_in; /* "immediate", "next-maintenance"; NULL: nobody has said anything */
    int64_t automatic;  /* AutoAppliedAfterDate; MOMENT_NEVER: not by itself */
    int64_t forced;     /* ForcedApplyDate; MOMENT_NEVER: never */
    int64_t current;    /* CurrentApplyDate: when it will be applied as things are; MOMENT_NEVER */
};
typedef bool maintenance_visitor(const struct maintenance_action *action, void *context);
/* The pending actions of an instance. */
int maintenance_list(struct fleet *fleet, const struct instance_row *row, maintenance_visitor *visit,
                     void *context, struct error *error);

/* ApplyPendingMaintenanceAction: `opt_in` is "immediate", "next-maintenance" or "undo-opt-in"; `arn` names an
 * instance of this region. Answers its row. ResourceNotFoundFault, InvalidParameterValue,
 * InvalidParameterCombination, InvalidDBInstanceState. */
int maintenance_apply(struct fleet *fleet, const char *region, const char *arn, const char *action,
                      const char *opt_in, struct instance_row *row, struct error *error);

#endif
