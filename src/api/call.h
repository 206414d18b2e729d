/* One call of an action, and the functions that carry them out. */
#ifndef API_CALL_H
#define API_CALL_H

#include "aws/model.h"
#include "fleet/fleet.h"

/* The caller is known and may do this, and the parameters fit the action's table. */
struct call {
    struct fleet *fleet;
    const char *region;
    const struct action_input *input;
    struct buf *result; /* takes what stands inside of <ActionResult> */
};

/* Failures carry RDS's code in error->name; what was written to `result` by then is thrown away. */
typedef int call_action(const struct call *call, struct error *error);

call_action certificates_describe, certificates_modify;
call_action instances_create, instances_modify, instances_delete, instances_reboot, instances_start,
    instances_stop, instances_describe;
call_action engines_describe_versions, engines_describe_orderable;
call_action events_describe;
call_action maintenance_describe, maintenance_apply_action;
call_action parameter_groups_create, parameter_groups_modify, parameter_groups_reset, parameter_groups_delete,
    parameter_groups_describe, parameter_groups_describe_parameters, parameter_groups_describe_defaults;
call_action option_groups_create, option_groups_modify, option_groups_delete, option_groups_describe,
    option_groups_describe_options;
call_action tags_add, tags_list, tags_remove;

/* True when every filter called `name` has `value` among its values (values of one filter are alternatives,
 * filters add up); ASCII case ignored. */
bool call_filter_accepts(const struct call *call, const char *name, const char *value);
/* True when there is a filter of this name. */
bool call_filter_given(const struct call *call, const char *name);

/* The tags of a request as the rules take them, for free(). The texts are the request's. */
struct instance_tag *call_tags(const struct call *call, size_t *count);

/* Writes the members of one DBInstance. */
int instance_reply(const struct call *call, const struct instance_row *row, struct error *error);

#endif
