#include "fleet/rotate.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/bridge.h"
#include "fleet/event.h"
#include "fleet/instance_internal.h"
#include "fleet/maintenance.h"
#include "fleet/rehearsal.h"
#include "fleet/state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOK_AGAIN      (90 * CLOCK_DAY) /* at the latest: what changes before is scheduled when it does */
#define BUSY_AGAIN      CLOCK_HOUR       /* reports of the agent come before */
#define REHEARSED_AGAIN (10 * CLOCK_SECOND)
#define SLACK           (CLOCK_MINUTE / 10)
#define QUEUE           CLOCK_HOUR /* who waits longer for the fleet's pace asks again on the way */
#define LATE_AFTER      CLOCK_DAY
#define DOUBTED_AGAIN   CLOCK_MINUTE
#define BRIDGE_LEAD     (15 * CLOCK_DAY) /* bridges with less than that left are not put into a new chain */
#define SETTING_TURN    "rotation-turn"
#define SETTING_POLICY  "rotation-settings"

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

bool rotate_outstanding(const struct instance_row *row)
{
    return row->certificate_generation > row->observed_certificate_generation &&
           !(instance_json_is(&row->rotation, "state", "undone") &&
             instance_json_integer(&row->rotation, "generation", 0) == row->certificate_generation);
}

int rotate_next(struct fleet *fleet, const struct instance_row *row, struct rotation_plan *plan,
                struct error *error)
{
    struct rotation_facts facts;
    int64_t ends = MOMENT_NEVER;
    *plan = (struct rotation_plan){.due = MOMENT_NEVER, .raised = MOMENT_NEVER, .automatic = MOMENT_NEVER};
    if (!row->served_issued_at || row->deleted)
        return 0;
    int result = bridge_ends(fleet, row, &ends, error);
    rotation_facts_of(row, ends, &facts);
    if (!result)
        rotation_plan(fleet->settings, &facts, clock_now(), plan);
    return result;
}

/* When it is told next that a rotation under way is late. */
static int64_t late_at(const struct instance_row *row)
{
    int64_t told = instance_json_integer(&row->rotation, "late_at",
                                         instance_json_integer(&row->rotation, "started_at", clock_now()));
    return told + LATE_AFTER;
}

/* The next moment at which there is something to do for an instance. */
static int next_moment(struct fleet *fleet, const struct instance_row *row, int64_t *next,
                       struct error *error)
{
    struct rotation_facts facts;
    struct rotation_plan plan;
    int64_t now = clock_now(), reminder;
    int result = rotate_next(fleet, row, &plan, error);
    rotation_facts_of(row, MOMENT_NEVER, &facts);
    if (rotation_reminder(&facts, row->reminded_days, now, &reminder))
        reminder = now;
    if (!row->served_issued_at)
        reminder = MOMENT_NEVER;
    bool outstanding = rotate_outstanding(row);
    *next = earlier(earlier(outstanding ? late_at(row) : plan.due, reminder), now + LOOK_AGAIN);
    if (!outstanding && !maintenance_is_raised(row, MAINTENANCE_RENEWAL))
        *next = earlier(*next, plan.raised);
    if (*next < now)
        *next = now;
    return result;
}

int rotate_schedule(struct fleet *fleet, const struct instance_row *row, struct error *error)
{
    int64_t next = 0;
    int result = next_moment(fleet, row, &next, error);
    return result ? result : store_work_add(fleet->store, WORK_ROTATION, row->resource_id, next, error);
}

/* The fleet's pace: each rotation that starts by itself takes a turn, and the turns are so far apart that no
 * minute has more starts than the settings allow, though one may be early by SLACK: what a busy machine was
 * late with is made up for. `again` is 0 when this one may start, else when it is to ask again. Those who
 * wait stand in a queue: all asking at the next turn, each would ask as often as there are others. */
static int take_turn(struct fleet *fleet, int64_t now, int64_t *again, struct error *error)
{
    AUTO_BUF struct buf text = {0};
    char next[64];
    int64_t limit = fleet->settings->rotations_per_minute;
    int64_t apart = (CLOCK_MINUTE + SLACK + limit - 1) / limit;
    int64_t turn = 0, queue_end = 0;
    if (store_setting_get(fleet->store, SETTING_TURN, &text, NULL) == 0)
        sscanf(buf_text(&text), "%" SCNd64 " %" SCNd64, &turn, &queue_end);
    *again = 0;
    if (turn > now + SLACK && turn <= now + 2 * CLOCK_MINUTE) { /* a later one is of a clock that went back */
        *again = queue_end > turn - SLACK && queue_end <= now + QUEUE ? queue_end : turn - SLACK;
        queue_end = *again + apart;
    } else
        turn = (turn > now && turn <= now + SLACK ? turn : now) + apart;
    snprintf(next, sizeof next, "%" PRId64 " %" PRId64, turn, queue_end);
    return store_setting_put(fleet->store, SETTING_TURN, next, error);
}

int rotate_start(struct fleet *fleet, struct instance_row *row, const char *reason, struct error *error)
{
    bool trimmed;
    int result = bridge_list_trim(fleet, row, row->ca_identifier, BRIDGE_LEAD, &trimmed, error);
    if (result)
        return result;
    instance_want_certificate(row, reason);
    maintenance_drop(row, MAINTENANCE_RENEWAL);
    /* Only a rotation that restarts the engine is seen in the instance's status. */
    bool reloads = catalogue_reloads(row->engine, row->engine_version);
    const char *next = reloads ? NULL : state_next(row->status, ACTION_MODIFY);
    if (next)
        text_copy(row->status, sizeof row->status, next);
    result = event_record(fleet, row, EVENT_ROTATION_STARTED, error,
                          "Rotation of the server certificate issued by %s was started (%s).",
                          row->ca_identifier, reason);
    return result ? result : instance_write_desired(fleet, row, error);
}

static const char *reason_text(enum rotation_reason reason)
{
    return reason == ROTATION_EMERGENCY ? "emergency" : reason == ROTATION_BRIDGE ? "bridge" : "renewal";
}

/* Warnings and pending actions that have come due; `changed` is set when there was one. */
static int remind(struct fleet *fleet, struct instance_row *row, const struct rotation_plan *plan,
                  bool *changed, struct error *error)
{
    struct rotation_facts facts;
    int64_t next, now = clock_now();
    size_t actions = row->maintenance.length;
    char until[32];
    rotation_facts_of(row, MOMENT_NEVER, &facts);
    clock_format_seconds(row->served_not_after, until);
    int days = rotation_reminder(&facts, row->reminded_days, now, &next);
    int result = 0;
    if (days) {
        row->reminded_days = days;
        result = event_record(fleet, row, EVENT_EXPIRY, error,
                              "The server certificate issued by %s expires in less than %d day%s, at %s.",
                              row->served_ca_identifier, days, days == 1 ? "" : "s", until);
        if (!result && !facts.rotates)
            result = maintenance_raise(fleet, row, MAINTENANCE_CA, error);
    }
    if (!result && plan->raised <= now)
        result = maintenance_raise(fleet, row, MAINTENANCE_RENEWAL, error);
    if (!result && text_list_has(&fleet->settings->retiring, row->served_ca_identifier))
        result = maintenance_raise(fleet, row, MAINTENANCE_CA, error);
    *changed |= days || row->maintenance.length != actions;
    return result;
}

/* What was started and is not done: told once a day. */
static int check_late(struct fleet *fleet, struct instance_row *row, bool *changed, struct error *error)
{
    int64_t now = clock_now();
    if (now < late_at(row))
        return 0;
    *changed = true;
    json_t *rotation = instance_json(&row->rotation);
    json_object_set_new(rotation, "late_at", json_integer(now));
    instance_set_json(&row->rotation, rotation);
    json_decref(rotation);
    return event_record(fleet, row, EVENT_ROTATION_LATE, error,
                        "The rotation of the server certificate was not carried out yet: %s",
                        row->problem[0] ? row->problem : "the host's agent does not report.");
}

/* Starts what is due and writes the row; `again` is 0 then, else when to ask again. */
static int start_due(struct fleet *fleet, struct instance_row *row, enum rotation_reason reason,
                     int64_t *again, struct error *error)
{
    int64_t now = clock_now();
    int result = 0;
    if (!text_equal(row->status, STATE_AVAILABLE)) /* something else is going on */
        *again = now + BUSY_AGAIN;
    else if (rehearsal_runs(row, now))
        *again = now + REHEARSED_AGAIN;
    else
        result = take_turn(fleet, now, again, error);
    return result || *again ? result : rotate_start(fleet, row, reason_text(reason), error);
}

/* Does what is due; `again` is when to look next. */
static int take_step(struct fleet *fleet, struct instance_row *row, int64_t *again, struct error *error)
{
    struct rotation_plan plan;
    bool changed = false, started = false;
    int64_t now = clock_now(), wait = 0;
    *again = now + LOOK_AGAIN; /* reports of the agent come before */
    if (row->deleted || !row->running || !row->served_issued_at)
        return 0;
    int result = rotate_next(fleet, row, &plan, error);
    if (!result)
        result = remind(fleet, row, &plan, &changed, error);
    bool outstanding = rotate_outstanding(row);
    if (!result && outstanding)
        result = check_late(fleet, row, &changed, error);
    if (!result && !outstanding && plan.due <= now) {
        result = start_due(fleet, row, plan.reason, &wait, error);
        started = !wait;
    }
    if (!result && changed && !started)
        result = store_instance_update(fleet->store, row, error);
    if (wait)
        *again = wait;
    return result || wait ? result : next_moment(fleet, row, again, error);
}

static int step(struct fleet *fleet, const struct work_row *work, struct error *error)
{
    struct instance_row row = {0};
    int64_t again = clock_now() + DOUBTED_AGAIN;
    int result = store_instance_get_by_resource(fleet->store, work->subject, &row, error);
    if (result == ERROR_NOT_FOUND)
        return store_work_remove(fleet->store, WORK_ROTATION, work->subject, error);
    /* A clock that jumped is no reason to rotate anything. */
    if (!result && !clock_doubted())
        result = take_step(fleet, &row, &again, error);
    instance_row_free(&row);
    return result ? result : store_work_again(fleet->store, work, fleet->owner, again, error);
}

int rotate_work(struct fleet *fleet, const struct work_row *work, struct error *error)
{
    int result = store_begin(fleet->store, error);
    return result ? result : store_finish(fleet->store, step(fleet, work, error), error);
}

int rotate_plan_all(struct fleet *fleet, struct error *error)
{
    const struct settings *settings = fleet->settings;
    AUTO_BUF struct buf now = {0}, before = {0};
    buf_printf(&now, "%" PRId64 " %" PRId64, settings->rotation_emergency_percent,
               settings->rotation_spread_percent);
    for (size_t i = 0; i < settings->retiring.count; i++)
        buf_printf(&now, " %s", settings->retiring.items[i]);
    if (store_setting_get(fleet->store, SETTING_POLICY, &before, NULL) == 0 &&
        slice_equal(slice_buf(&now), slice_buf(&before)))
        return 0;
    int result = store_work_add_all(fleet->store, WORK_ROTATION, clock_now(), error);
    return result ? result : store_setting_put(fleet->store, SETTING_POLICY, buf_text(&now), error);
}
