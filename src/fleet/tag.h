/* Tags of whatever has an ARN. */
#ifndef FLEET_TAG_H
#define FLEET_TAG_H

#include "fleet/instance.h"

/* InvalidParameterValue for an ARN that is of no resource of this region, and the resource's own error for
 * one that is not there. */
int tag_add(struct fleet *fleet, const char *region, const char *arn, const struct instance_tag *tags,
            size_t count, struct error *error);
int tag_remove(struct fleet *fleet, const char *region, const char *arn, const struct text_list *keys,
               struct error *error);
int tag_list(struct fleet *fleet, const char *region, const char *arn, tag_visitor *visit, void *context,
             struct error *error);

/* Within the caller's transaction: checks tags, and gives them to what has the ARN. At most 50 each. */
int tag_put_all(struct fleet *fleet, const char *arn, const struct instance_tag *tags, size_t count,
                struct error *error);

#endif
