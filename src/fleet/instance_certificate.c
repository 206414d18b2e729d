/* Which certificate an instance is to have: its CA, its bridges, a new one. */
#include "base/clock.h"
#include "base/text.h"
#include "fleet/bridge.h"
#include "fleet/instance_internal.h"

static bool rehearses(const struct instance_row *row)
{
    return instance_json_integer(&row->rehearsal, "generation", 0) == row->certificate_generation;
}

void instance_wanted_ca(const struct instance_row *row, char ca_identifier[32])
{
    json_t *rehearsal = instance_json(&row->rehearsal);
    const char *other = json_string_value(json_object_get(rehearsal, "ca_identifier"));
    text_copy(ca_identifier, 32, other && rehearses(row) ? other : row->ca_identifier);
    json_decref(rehearsal);
}

json_t *instance_wanted_bridges(const struct instance_row *row)
{
    if (!rehearses(row))
        return bridge_list(&row->bridges);
    json_t *rehearsal = instance_json(&row->rehearsal);
    json_t *list = json_incref(json_object_get(rehearsal, "bridges"));
    json_decref(rehearsal);
    return list;
}

void instance_want_certificate(struct instance_row *row, const char *reason)
{
    row->certificate_generation++;
    instance_set_json(&row->rehearsal, NULL);
    json_t *rotation =
        json_pack("{s:s, s:s, s:I, s:I, s:s, s:s}", "state", "started", "reason", reason, "generation",
                  (json_int_t)row->certificate_generation, "started_at", (json_int_t)clock_now(), "from",
                  row->served_ca_identifier, "to", row->ca_identifier);
    instance_set_json(&row->rotation, rotation);
    json_decref(rotation);
}

int instance_move_ca(struct fleet *fleet, struct instance_row *row, const char *ca_identifier,
                     const char *reason, struct error *error)
{
    bool wanted = true;
    int result = bridge_wanted(fleet, row, &wanted, error);
    if (result)
        return result;
    bridge_list_move(fleet, row, row->ca_identifier, ca_identifier, wanted);
    text_copy(row->ca_identifier, sizeof row->ca_identifier, ca_identifier);
    instance_want_certificate(row, reason);
    return 0;
}
