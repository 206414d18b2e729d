#include "fleet/maintenance.h"

#include "base/clock.h"
#include "base/text.h"
#include "fleet/event.h"
#include "fleet/instance_internal.h"

bool maintenance_is_raised(const struct instance_row *row, const char *action)
{
    json_t *actions = instance_json(&row->maintenance);
    bool raised = json_object_get(actions, action) != NULL;
    json_decref(actions);
    return raised;
}

void maintenance_drop(struct instance_row *row, const char *action)
{
    json_t *actions = instance_json(&row->maintenance);
    json_object_del(actions, action);
    instance_set_json(&row->maintenance, actions);
    json_decref(actions);
}

int maintenance_raise(struct fleet *fleet, struct instance_row *row, const char *action, struct error *error)
{
    if (maintenance_is_raised(row, action))
        return 0;
    json_t *actions = instance_json(&row->maintenance);
    json_object_set_new(actions, action, json_pack("{s:I}", "raised_at", (json_int_t)clock_now()));
    instance_set_json(&row->maintenance, actions);
    json_decref(actions);
    if (text_equal(action, MAINTENANCE_RENEWAL))
        return event_record(
            fleet, row, EVENT_ROTATION_REQUIRED, error,
            "DB instance's server certificate requires rotation through a pending maintenance "
            "action.");
    return event_record(
        fleet, row, EVENT_CA_RETIRING, error,
        "The certificate authority %s is being retired: apply the pending maintenance action %s.",
        row->served_ca_identifier, MAINTENANCE_CA);
}
