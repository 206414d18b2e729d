/* DB parameter groups: what CreateDBParameterGroup and its neighbours do. Each runs in one transaction;
 * success is on disk. Errors carry RDS's names.
 *
 * A group keeps what was set, {"work_mem": {"value": "4096", "method": "immediate"}}; without a value it was
 * reset, and the method says when instances that still have the old one let go of it. default.FAMILY is there
 * for every family, has the defaults alone, and is stored nowhere. */
#ifndef FLEET_PARAMETER_GROUP_H
#define FLEET_PARAMETER_GROUP_H

#include "fleet/catalogue.h"
#include "fleet/instance.h"

#define METHOD_IMMEDIATE "immediate"
#define METHOD_REBOOT    "pending-reboot"

/* A parameter that a caller sets, or resets: then without a value. */
struct parameter_change {
    const char *name, *value, *method;
};

/* The tags are those of the new group. */
int parameter_group_create(struct fleet *fleet, const char *region, const char *name, const char *family,
                           const char *description, const struct instance_tag *tags, size_t tag_count,
                           struct parameter_group_row *row, struct error *error);
/* `name` gets the stored spelling of the group's, for the reply. */
int parameter_group_modify(struct fleet *fleet, const char *region, const char *group,
                           const struct parameter_change *changes, size_t count, char name[GROUP_NAME_SIZE],
                           struct error *error);
/* No changes: resets every parameter, as soon as each can be. */
int parameter_group_reset(struct fleet *fleet, const char *region, const char *group,
                          const struct parameter_change *changes, size_t count, char name[GROUP_NAME_SIZE],
                          struct error *error);
int parameter_group_delete(struct fleet *fleet, const char *region, const char *group, struct error *error);

/* A default group too; DBParameterGroupNotFound. Free the row. */
int parameter_group_get(struct fleet *fleet, const char *region, const char *group,
                        struct parameter_group_row *row, struct error *error);
/* Those of a region, and the default ones of the families that hosts have, ordered by name, after `after`. */
int parameter_group_list(struct fleet *fleet, const char *region, const char *after,
                         parameter_group_visitor *visit, void *context, struct error *error);
/* A family that RDS has, or that a host has; InvalidParameterValue. */
int parameter_group_family(struct fleet *fleet, const char *family, struct catalogue_version *version,
                           struct error *error);

#endif
