/* An instance and its groups: how what is set in a parameter group reaches the instances that have it.
 *
 * An instance keeps the group's values that are in force; the host is told these. A change of the group is
 * carried to each of its instances by a piece of work; what cannot be applied without a restart waits for the
 * next one. */
#ifndef FLEET_INSTANCE_GROUPS_H
#define FLEET_INSTANCE_GROUPS_H

#include "agent/protocol.h"
#include "fleet/instance.h"

/* The work of bringing an instance (resource id) what its groups say now. */
#define WORK_GROUPS "groups"
int instance_groups_work(struct fleet *fleet, const struct work_row *work, struct error *error);

/* Gives an instance that is being made, or modified, its groups, within the caller's transaction; NULL leaves
 * one as it is. `changed` is set when the host must be told. DBParameterGroupNotFound,
 * InvalidParameterCombination for another family's. */
int instance_groups_choose(struct fleet *fleet, struct instance_row *row, const char *parameter_group,
                           bool *changed, struct error *error);
/* What waited for a restart comes with the one that is about to happen; the caller writes the row with
 * instance_write_desired. */
int instance_groups_restart(struct fleet *fleet, struct instance_row *row, struct error *error);

/* The name of its parameter group, and where it stands: in-sync, applying, pending-reboot. */
struct group_status {
    char name[GROUP_NAME_SIZE];
    const char *status;
};
int instance_groups_status(struct fleet *fleet, const struct instance_row *row,
                           struct group_status *parameters, struct error *error);

/* What the host is told: RDS's defaults where they are not the engine's, and what is in force. */
void instance_groups_desired(const struct instance_row *row, struct desired_instance *desired);

#endif
