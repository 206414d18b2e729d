/* Tags of instances; the one that names customers' host names changes the certificate. */
#include "base/text.h"
#include "fleet/bridge.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/rehearsal.h"
#include "fleet/state.h"
#include "fleet/tag.h"

static int find(struct fleet *fleet, const char *region, const char *arn, struct instance_row *row,
                struct error *error)
{
    char arn_region[32], identifier[64];
    int result = name_parse_instance_arn(fleet->settings, arn, arn_region, identifier, error);
    if (result)
        return result;
    if (!text_equal(region, arn_region))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "The specified resource name does not match an RDS resource in this region.");
    return instance_read(fleet, region, identifier, row, error);
}

/* A tag may ask for another certificate: with other names, or without bridges. The agent carries it out where
 * the instance's state allows it; else with its next change. */
static int renew_for_tags(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    bool names, bridges = true;
    int result = instance_refresh_names(fleet, row, &names, error);
    if (!result)
        result = bridge_wanted(fleet, row, &bridges, error);
    bool dropped = !bridges && !slice_is(slice_buf(&row->bridges), "[]");
    if (result || row->deleted || (!names && !dropped))
        return result;
    if (dropped)
        bridge_list_move(fleet, row, "", row->ca_identifier, false);
    instance_want_certificate(row, names ? "names" : "bridge");
    const char *next = state_next(row->status, ACTION_MODIFY);
    if (next)
        text_copy(row->status, sizeof row->status, next);
    return instance_write_desired(fleet, row, error);
}

int instance_tags_add(struct fleet *fleet, const char *region, const char *arn,
                      const struct instance_tag *tags, size_t count, struct error *error)
{
    struct instance_row row = {0};
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = find(fleet, region, arn, &row, error);
    if (!result)
        result = tag_put_all(fleet, arn, tags, count, error);
    if (!result)
        result = renew_for_tags(fleet, &row, error);
    for (size_t i = 0; !result && i < count; i++)
        if (text_equal(tags[i].key, TAG_REHEARSE))
            result = rehearsal_start_tag(fleet, &row, tags[i].value, error);
    instance_row_free(&row);
    return store_finish(fleet->store, result, error);
}

int instance_tags_remove(struct fleet *fleet, const char *region, const char *arn,
                         const struct text_list *keys, struct error *error)
{
    struct instance_row row = {0};
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = find(fleet, region, arn, &row, error);
    for (size_t i = 0; !result && i < keys->count; i++)
        result = store_tag_remove(fleet->store, arn, keys->items[i], error);
    if (!result)
        result = renew_for_tags(fleet, &row, error);
    instance_row_free(&row);
    return store_finish(fleet->store, result, error);
}

int instance_tags_list(struct fleet *fleet, const char *region, const char *arn, tag_visitor *visit,
                       void *context, struct error *error)
{
    struct instance_row row = {0};
    int result = find(fleet, region, arn, &row, error);
    instance_row_free(&row);
    return result ? result : store_tag_list(fleet->store, arn, visit, context, error);
}
