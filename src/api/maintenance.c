/* DescribePendingMaintenanceActions, ApplyPendingMaintenanceAction. */
#include "fleet/maintenance.h"

#include "api/call.h"
#include "api/paging.h"
#include "aws/reply.h"
#include "base/text.h"
#include "fleet/instance.h"
#include "fleet/name.h"
#include "fleet/rotation.h"

static void write_moment(struct buf *result, const char *name, int64_t moment)
{
    if (moment != MOMENT_NEVER)
        reply_time(result, name, moment);
}

static bool write_action(const struct maintenance_action *action, void *context)
{
    struct buf *result = context;
    reply_open(result, "PendingMaintenanceAction");
    reply_text(result, "Action", action->action);
    write_moment(result, "AutoAppliedAfterDate", action->automatic);
    write_moment(result, "ForcedApplyDate", action->forced);
    reply_text(result, "OptInStatus", action->opt_in);
    write_moment(result, "CurrentApplyDate", action->current);
    reply_text(result, "Description", action->description);
    reply_close(result, "PendingMaintenanceAction");
    return true;
}

static int write_resource(const struct call *call, const struct instance_row *row, struct error *error)
{
    char arn[300];
    name_instance_arn(call->fleet->settings, row->region, row->identifier, arn);
    reply_open(call->result, "ResourcePendingMaintenanceActions");
    reply_text(call->result, "ResourceIdentifier", arn);
    reply_open(call->result, "PendingMaintenanceActionDetails");
    int result = maintenance_list(call->fleet, row, write_action, call->result, error);
    reply_close(call->result, "PendingMaintenanceActionDetails");
    reply_close(call->result, "ResourcePendingMaintenanceActions");
    return result;
}

struct listing {
    const struct call *call;
    struct page page;
    struct error *error;
    int result;
};

static bool list_resource(const struct instance_row *row, void *context)
{
    struct listing *listing = context;
    const struct call *call = listing->call;
    char arn[300];
    name_instance_arn(call->fleet->settings, row->region, row->identifier, arn);
    const char *asked = action_text(call->input, "ResourceIdentifier");
    bool named = call_filter_accepts(call, "db-instance-id", row->identifier) ||
                 call_filter_accepts(call, "db-instance-id", arn);
    if (!named || call_filter_given(call, "db-cluster-id") || (asked && !text_equal(asked, arn)))
        return true;
    if (!page_take(&listing->page, row->identifier))
        return false;
    listing->result = write_resource(call, row, listing->error);
    return listing->result == 0;
}

/* A resource that is asked for by its ARN must be there, though it need not have an action. */
static int check_resource(const struct call *call, struct error *error)
{
    const char *arn = action_text(call->input, "ResourceIdentifier");
    struct instance_row row = {0};
    if (!arn)
        return 0;
    int result = instance_get(call->fleet, call->region, arn, true, &row, error);
    instance_row_free(&row);
    if (result == ERROR_NOT_FOUND)
        return error_set_named(error, ERROR_NOT_FOUND, "ResourceNotFoundFault", "DB instance not found: %s",
                               arn);
    return result;
}

int maintenance_describe(const struct call *call, struct error *error)
{
    struct listing listing = {.call = call, .error = error};
    int result = check_resource(call, error);
    if (!result)
        result = page_open(call, PAGE_BY_KEY, &listing.page, error);
    reply_open(call->result, "PendingMaintenanceActions");
    if (!result)
        result = store_instance_list_maintenance(
            call->fleet->store, call->region, buf_text(&listing.page.after), list_resource, &listing, error);
    reply_close(call->result, "PendingMaintenanceActions");
    page_write_marker(call, &listing.page);
    page_free(&listing.page);
    return result ? result : listing.result;
}

int maintenance_apply_action(const struct call *call, struct error *error)
{
    struct instance_row row = {0};
    int result = maintenance_apply(call->fleet, call->region, action_text(call->input, "ResourceIdentifier"),
                                   action_text(call->input, "ApplyAction"),
                                   action_text(call->input, "OptInType"), &row, error);
    if (!result)
        result = write_resource(call, &row, error);
    instance_row_free(&row);
    return result;
}
