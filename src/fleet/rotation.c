#include "fleet/rotation.h"

#include "base/clock.h"
#include "base/text.h"
#include "fleet/catalogue.h"
#include "pki/profile.h"

#include <jansson.h>
#include <time.h>

/* RDS: a restart that nobody asked for comes 3 months before expiry at the latest; of shorter lives, a
 * quarter. */
#define AUTOMATIC_LEAD (90 * CLOCK_DAY)
/* A window's last minutes are kept free: a rotation that begins in it also ends in it. */
#define WINDOW_MARGIN   (5 * CLOCK_MINUTE)
#define BRIDGE_LEAD     (14 * CLOCK_DAY)
#define BRIDGE_DEADLINE CLOCK_DAY
#define LONGEST_PAUSE   (7 * CLOCK_DAY)

/* Which twenty bits of an instance's own number spread what. */
enum spread_part { SPREAD_WINDOW = 0, SPREAD_HALF = 20, SPREAD_EMERGENCY = 40 };

static int64_t spread_over(uint64_t spread, enum spread_part part, int64_t range)
{
    int64_t fraction = (int64_t)(spread >> part & 0xfffff);
    return range / 0x100000 * fraction + range % 0x100000 * fraction / 0x100000;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t rotation_slot(const struct window *window, uint64_t spread, int64_t t)
{
    int64_t start = window_next(window, t);
    int64_t offset = spread_over(spread, SPREAD_WINDOW, window->length * CLOCK_MINUTE - WINDOW_MARGIN);
    return later(start + offset, t);
}

int64_t rotation_change_moment(const struct rotation_facts *facts, bool apply_immediately, int restart,
                               int64_t now)
{
    if (!facts->reloads && restart == 0)
        return MOMENT_NEVER;
    if (apply_immediately)
        return now;
    int64_t start = window_next(&facts->window, now);
    return start <= now ? now : rotation_slot(&facts->window, facts->spread, start);
}

/* The first window from `from` on, but `deadline` at the latest. */
static int64_t in_window(const struct rotation_facts *facts, int64_t from, int64_t deadline)
{
    return earlier(rotation_slot(&facts->window, facts->spread, from), later(deadline, from));
}

static void consider(struct rotation_plan *plan, int64_t due, enum rotation_reason reason)
{
    if (due >= plan->due)
        return;
    plan->due = due;
    plan->reason = reason;
}

void rotation_plan(const struct settings *settings, const struct rotation_facts *facts, int64_t now,
                   struct rotation_plan *plan)
{
    int64_t life = facts->not_after - facts->issued_at;
    int64_t lead = earlier(AUTOMATIC_LEAD, life / 4);
    int64_t left = life / 100 * settings->rotation_emergency_percent;
    if (!facts->reloads)
        left = earlier(left, lead / 2); /* after what is applied unasked */
    int64_t from = later(now, facts->after);
    *plan = (struct rotation_plan){.raised = MOMENT_NEVER, .automatic = MOMENT_NEVER, .due = MOMENT_NEVER};
    plan->half = facts->issued_at + life / 2 +
                 spread_over(facts->spread, SPREAD_HALF, life / 100 * settings->rotation_spread_percent);
    plan->emergency = facts->not_after - left + spread_over(facts->spread, SPREAD_EMERGENCY, left / 4);
    if (facts->rotates && facts->reloads) {
        consider(plan, in_window(facts, later(plan->half, from), MOMENT_NEVER), ROTATION_RENEWAL);
        consider(plan, later(plan->emergency, from), ROTATION_EMERGENCY);
    } else if (facts->rotates) {
        plan->raised = plan->half;
        plan->automatic = later(plan->half, facts->not_after - lead);
        int64_t asked = facts->opted_in ? plan->raised : plan->automatic;
        consider(plan, in_window(facts, later(asked, from), MOMENT_NEVER), ROTATION_RENEWAL);
        consider(plan, later(plan->emergency, from), ROTATION_EMERGENCY);
    }
    if (facts->bridge_ends != MOMENT_NEVER)
        consider(plan,
                 in_window(facts, later(facts->bridge_ends - BRIDGE_LEAD, from),
                           facts->bridge_ends - BRIDGE_DEADLINE),
                 ROTATION_BRIDGE);
}

int64_t rotation_end_of_life(const struct settings *settings, bool reloads, int64_t not_before, int64_t from)
{
    int64_t seconds = reloads ? settings->server_certificate_seconds : settings->restart_certificate_seconds;
    if (seconds)
        return (from / 1000 + seconds) * 1000;
    time_t begin = (time_t)(not_before / 1000);
    struct tm tm;
    gmtime_r(&begin, &tm);
    tm.tm_year += reloads ? 1 : 3;
    return (int64_t)timegm(&tm) * 1000;
}

int rotation_reminder(const struct rotation_facts *facts, int reminded, int64_t now, int64_t *next)
{
    static const int days[] = {90, 30, 7, 1};
    int due = 0;
    *next = MOMENT_NEVER;
    for (size_t i = facts->rotates ? 1 : 0; i < sizeof days / sizeof days[0]; i++) {
        int64_t moment = facts->not_after - days[i] * CLOCK_DAY;
        /* Of a life shorter than that, or of a certificate that is to be renewed by then, nobody is warned.
         */
        if (moment <= facts->issued_at || (reminded && days[i] >= reminded))
            continue;
        if (moment <= now)
            due = days[i];
        else
            *next = earlier(*next, moment);
    }
    return due;
}

int64_t rotation_pause_until(const struct settings *settings, int failures, int64_t not_after, int64_t now)
{
    int64_t pause = settings->guard_pause_seconds * CLOCK_SECOND;
    for (int i = 1; i < failures && pause < LONGEST_PAUSE; i++)
        pause *= 2;
    return now + earlier(pause, later(not_after - now, 0) / 2);
}

uint64_t rotation_spread(const char *resource_id)
{
    /* The hash's middle bits hardly differ for texts that do at their end alone: mixed as by MurmurHash3. */
    uint64_t hash = text_hash(slice_text(resource_id));
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdU;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53U;
    return hash ^ hash >> 33;
}

static bool has_opted_in(const struct buf *maintenance)
{
    json_t *actions = json_loadb((const char *)maintenance->data, maintenance->length, 0, NULL);
    json_t *renewal = json_object_get(actions, "server-certificate-rotation");
    bool opted = text_equal(json_string_value(json_object_get(renewal, "opt_in")), "next-maintenance");
    json_decref(actions);
    return opted;
}

void rotation_facts_of(const struct instance_row *row, int64_t bridge_ends, struct rotation_facts *facts)
{
    const struct ca_profile *profile = ca_profile_find(row->served_ca_identifier);
    *facts = (struct rotation_facts){
        .rotates = profile && profile->rotates,
        .reloads = catalogue_reloads(row->engine, row->engine_version),
        .issued_at = row->served_issued_at,
        .not_after = row->served_not_after,
        .bridge_ends = bridge_ends,
        .after = row->rotation_after,
        .opted_in = has_opted_in(&row->maintenance),
        .spread = rotation_spread(row->resource_id),
    };
    window_parse_weekly(row->maintenance_window, &facts->window, NULL); /* was checked when it was set */
}
