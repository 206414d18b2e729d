/* An instance and its groups: how what a parameter group and an option group say reaches the instances that
 * have them.
 *
 * An instance keeps what is in force of both; the host is told this. A change of a group is carried to each
 * of its instances by a piece of work. Parameters that cannot be applied without a restart wait for the next
 * one; options wait for the maintenance window, unless they are to be applied immediately. */
#ifndef FLEET_INSTANCE_GROUPS_H
#define FLEET_INSTANCE_GROUPS_H

#include "agent/protocol.h"
#include "fleet/instance.h"

/* The work of bringing an instance (resource id) what its groups say now. */
#define WORK_GROUPS "groups"
int instance_groups_work(struct fleet *fleet, const struct work_row *work, struct error *error);

/* Gives an instance that is being made, or modified, its parameter group, within the caller's transaction;
 * NULL leaves one as it is. `changed` is set when the host must be told. DBParameterGroupNotFound,
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

/* What the host is told: RDS's defaults where they are not the engine's, and what is in force. An option is
 * told as parameters: "option.SSL.port", and its settings by their names. */
void instance_groups_desired(const struct instance_row *row, struct desired_instance *desired);

/* instance_options.c: within the caller's transaction. `option_group` NULL leaves it as it is. */
/* The group that a new instance, or one at its time, has from now on. OptionGroupNotFoundFault,
 * InvalidParameterCombination for that of another engine or major version. */
int instance_options_choose(struct fleet *fleet, struct instance_row *row, const char *option_group,
                            bool *changed, struct error *error);
/* Puts a change of the group into `pending`; instance_options_apply takes it out of there. */
int instance_options_stage(struct fleet *fleet, const struct instance_row *row, json_t *pending,
                           const char *option_group, struct error *error);
/* Do certificate authority and options go together, once all of `pending` (which may be NULL) is in force?
 * InvalidParameterCombination. */
int instance_options_check_authority(struct fleet *fleet, const struct instance_row *row,
                                     const json_t *pending, struct error *error);
int instance_options_apply(struct fleet *fleet, struct instance_row *row, json_t *pending, bool *changed,
                           struct error *error);
/* What its group says now, if its time has come; else `again` is when it comes, 0: there is nothing to come.
 */
int instance_options_bring(struct fleet *fleet, struct instance_row *row, bool *changed, int64_t *again,
                           struct error *error);
/* The second membership's name is "" unless the group is to change. */
int instance_options_status(struct fleet *fleet, const struct instance_row *row,
                            struct group_status memberships[2], struct error *error);
void instance_options_desired(const struct instance_row *row, struct desired_instance *desired);

#endif
