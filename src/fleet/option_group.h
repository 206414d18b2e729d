/* Option groups: what CreateOptionGroup and its neighbours do. Each runs in one transaction; success is on
 * disk. Errors carry RDS's names.
 *
 * A group keeps its options by name, {"SSL": {...}}: see option.h. default:ENGINE-MAJOR is there for every
 * engine and major version, has no options, and is stored nowhere. */
#ifndef FLEET_OPTION_GROUP_H
#define FLEET_OPTION_GROUP_H

#include "fleet/instance.h"
#include "fleet/option.h"

struct option_setting_change {
    const char *name, *value;
};

/* An option that is added, or, when it is there, changed in what is given. */
struct option_change {
    const char *name;
    int64_t port; /* -1: not given */
    const struct option_setting_change *settings;
    size_t setting_count;
    const struct text_list *security_groups; /* NULL: not given */
};

int option_group_create(struct fleet *fleet, const char *region, const char *name, const char *engine,
                        const char *major_version, const char *description, const struct instance_tag *tags,
                        size_t tag_count, struct option_group_row *row, struct error *error);

struct option_group_modify {
    const char *region, *name;
    const struct option_change *includes;
    size_t include_count;
    const struct text_list *removals;
    bool apply_immediately; /* instances do not wait for their maintenance window */
};
int option_group_modify(struct fleet *fleet, const struct option_group_modify *input,
                        struct option_group_row *row, struct error *error);
int option_group_delete(struct fleet *fleet, const char *region, const char *name, struct error *error);

/* A default group too; OptionGroupNotFoundFault. Free the row. */
int option_group_get(struct fleet *fleet, const char *region, const char *name, struct option_group_row *row,
                     struct error *error);
/* Those of a region, and the default ones of what hosts have, ordered by name, after `after`. */
int option_group_list(struct fleet *fleet, const char *region, const char *after, option_group_visitor *visit,
                      void *context, struct error *error);

#endif
