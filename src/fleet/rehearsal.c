#include "fleet/rehearsal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/bridge.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/state.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE (10 * CLOCK_MINUTE)

/* The bridges that a real change would bring: a rehearsal shows what clients will meet. */
static json_t *bridges_after(struct fleet *fleet, const struct instance_row *row, const char *ca_identifier,
                             struct error *error)
{
    struct instance_row moved = {0};
    bool wanted = true;
    text_copy(moved.identifier, sizeof moved.identifier, row->identifier);
    text_copy(moved.region, sizeof moved.region, row->region);
    buf_append_slice(&moved.bridges, slice_buf(&row->bridges));
    if (bridge_wanted(fleet, row, &wanted, error))
        wanted = false;
    bridge_list_move(fleet, &moved, row->ca_identifier, ca_identifier, wanted);
    json_t *list = bridge_list(&moved.bridges);
    instance_row_free(&moved);
    return list;
}

static int start(struct fleet *fleet, struct instance_row *row, const char *ca_identifier, int64_t seconds,
                 struct error *error)
{
    const struct ca_profile *profile;
    const char *next;
    int result = authority_check_usable(fleet, row->region, ca_identifier, &profile, error);
    if (!result && (seconds < REHEARSAL_LEAST || seconds > REHEARSAL_MOST))
        result = error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                 "A rehearsal lasts %d to %d seconds.", REHEARSAL_LEAST, REHEARSAL_MOST);
    if (!result)
        result = state_check(row->identifier, row->status, ACTION_MODIFY, &next, error);
    if (!result && !slice_is(slice_buf(&row->rehearsal), "{}"))
        result = error_set_named(error, ERROR_STATE, "InvalidDBInstanceState",
                                 "A rehearsal of DB instance %s is under way.", row->identifier);
    if (result)
        return result;
    char own[32];
    text_copy(own, sizeof own, row->ca_identifier);
    json_t *bridges = bridges_after(fleet, row, profile->identifier, error);
    /* The rotation is to the other CA, though the instance's own stays what it is. */
    text_copy(row->ca_identifier, sizeof row->ca_identifier, profile->identifier);
    instance_want_certificate(row, ROTATION_REHEARSAL);
    text_copy(row->ca_identifier, sizeof row->ca_identifier, own);
    json_t *rehearsal = json_pack("{s:s, s:I, s:I, s:o}", "ca_identifier", profile->identifier, "seconds",
                                  (json_int_t)seconds, "generation", (json_int_t)row->certificate_generation,
                                  "bridges", bridges);
    instance_set_json(&row->rehearsal, rehearsal);
    json_decref(rehearsal);
    return instance_write_desired(fleet, row, error);
}

int rehearsal_start(struct fleet *fleet, const char *region, const char *identifier,
                    const char *ca_identifier, int64_t seconds, struct error *error)
{
    struct instance_row row = {0};
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = instance_read(fleet, region, identifier, &row, error);
    if (!result)
        result = start(fleet, &row, ca_identifier, seconds, error);
    instance_row_free(&row);
    return store_finish(fleet->store, result, error);
}

int rehearsal_start_tag(struct fleet *fleet, struct instance_row *row, const char *value, struct error *error)
{
    char ca_identifier[32], extra;
    long long seconds;
    if (sscanf(value, "%31s %lld %c", ca_identifier, &seconds, &extra) != 2)
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterValue",
            "Invalid value for the tag %s: expected a CA identifier and a number of seconds.", TAG_REHEARSE);
    return start(fleet, row, ca_identifier, seconds, error);
}

bool rehearsal_runs(const struct instance_row *row, int64_t now)
{
    int64_t seconds = instance_json_integer(&row->rehearsal, "seconds", 0);
    int64_t started = instance_json_integer(&row->rotation, "started_at", 0);
    return seconds && now < started + seconds * CLOCK_SECOND + PATIENCE;
}

int rehearsal_clear(struct fleet *fleet, struct instance_row *row, struct error *error)
{
    char arn[300];
    name_instance_arn(fleet->settings, row->region, row->identifier, arn);
    instance_set_json(&row->rehearsal, NULL);
    return store_tag_remove(fleet->store, arn, TAG_REHEARSE, error);
}
