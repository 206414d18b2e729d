#include "fleet/forecast.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/bridge.h"
#include "fleet/instance_internal.h"
#include "fleet/rehearsal.h"
#include "fleet/rotate.h"
#include "fleet/state.h"

#include <stdlib.h>
#include <time.h>

#define LOST_AFTER       CLOCK_DAY /* hosts, and rotations that were started */
#define BACKDATE         (5 * CLOCK_MINUTE)
#define BRIDGE_LEAD      (15 * CLOCK_DAY) /* bridges with less than that left leave the chain with a renewal */
#define SUBORDINATE_LIFE 10               /* years, and an hour */
enum { CA_MOST = 8, NO_CA = -1 };

/* A subordinate that is there, or that will be. */
struct issuer {
    int64_t created_at, signs_at, not_after;
    int number;
    bool planned;
};

/* One CA of one region: its root's end (0: not there) and its subordinates, the newest last. */
struct line {
    const struct region *region;
    int64_t root_end;
    struct issuer *issuers;
    size_t count;
};

struct forecast {
    struct fleet *fleet;
    int64_t now, horizon;
    const struct ca_profile *profiles;
    size_t profile_count;
    struct line *lines; /* region by region, in the order of the profiles */
    struct text_list lost_hosts;
};

static size_t line_count(const struct forecast *forecast)
{
    return forecast->fleet->settings->regions.count * forecast->profile_count;
}

static int ca_index(const struct forecast *forecast, const char *identifier)
{
    for (size_t i = 0; i < forecast->profile_count; i++)
        if (text_equal(forecast->profiles[i].identifier, identifier))
            return (int)i;
    return NO_CA;
}

/* The lines of a region; NULL: no such region. */
static struct line *lines_of(const struct forecast *forecast, const char *region)
{
    const struct region_table *table = &forecast->fleet->settings->regions;
    for (size_t i = 0; i < table->count; i++)
        if (text_equal(table->regions[i].name, region))
            return &forecast->lines[i * forecast->profile_count];
    return NULL;
}

/* ---- authorities */

static void add_issuer(struct line *line, const struct issuer *issuer)
{
    line->issuers = mem_grow(line->issuers, line->count + 1, sizeof *line->issuers);
    line->issuers[line->count++] = *issuer;
}

static bool note_authority(const struct authority_row *row, void *context)
{
    struct forecast *forecast = context;
    const struct region_table *table = &forecast->fleet->settings->regions;
    int ca = ca_index(forecast, row->ca_identifier);
    const struct issuer issuer = {row->created_at, row->signs_at, row->not_after, row->number, false};
    for (size_t i = 0; ca != NO_CA && i < table->count; i++) {
        struct line *line = &forecast->lines[i * forecast->profile_count + (size_t)ca];
        const char *root_scope = region_root_scope(&table->regions[i], row->ca_identifier);
        line->region = &table->regions[i];
        if (row->number == 0 && text_equal(root_scope, row->scope))
            line->root_end = row->not_after;
        else if (row->number > 0 && text_equal(table->regions[i].name, row->scope))
            add_issuer(line, &issuer);
    }
    return true;
}

/* Where pki/ lets a subordinate end that is made at `from`. */
static int64_t issuer_end(int64_t from, int64_t root_end)
{
    time_t begin = (time_t)((from - BACKDATE) / 1000);
    struct tm tm;
    gmtime_r(&begin, &tm);
    tm.tm_year += SUBORDINATE_LIFE;
    tm.tm_hour += 1;
    int64_t end = (int64_t)timegm(&tm) * 1000;
    return end < root_end ? end : root_end;
}

/* The successors until the horizon, as authority_life_work() makes them. */
static void plan_successors(const struct forecast *forecast, struct line *line)
{
    const struct settings *settings = forecast->fleet->settings;
    int64_t earliest = forecast->now;
    while (line->count && line->root_end) {
        const struct issuer *newest = &line->issuers[line->count - 1];
        int64_t made = authority_succession(settings, newest->not_after, line->root_end);
        made = made < earliest ? earliest : made;
        int64_t end = issuer_end(made, line->root_end);
        if (made > forecast->horizon || end <= newest->not_after)
            break;
        earliest = made + CLOCK_HOUR;
        const struct issuer next = {made, made + settings->subordinate_lead_seconds * CLOCK_SECOND, end,
                                    newest->number + 1, true};
        add_issuer(line, &next);
    }
}

/* The one that signs at `t`; NULL: none is there. */
static const struct issuer *signing(const struct line *line, int64_t t)
{
    for (size_t i = line->count; i > 0; i--)
        if (line->issuers[i - 1].signs_at <= t)
            return &line->issuers[i - 1];
    return NULL;
}

static bool note_lost(const struct host_row *row, void *context)
{
    struct forecast *forecast = context;
    if (forecast->now - row->seen_at > LOST_AFTER)
        text_list_add(&forecast->lost_hosts, row->host);
    return true;
}

int forecast_new(struct fleet *fleet, int64_t now, int64_t horizon, struct forecast **made,
                 struct error *error)
{
    struct forecast *forecast = mem_new(sizeof *forecast);
    *forecast = (struct forecast){.fleet = fleet, .now = now, .horizon = horizon};
    forecast->profiles = ca_profiles(&forecast->profile_count);
    forecast->lines = mem_new_array(line_count(forecast), sizeof *forecast->lines);
    int result = store_host_list(fleet->store, note_lost, forecast, error);
    if (!result)
        result = store_authority_list(fleet->store, NULL, note_authority, forecast, error);
    for (size_t i = 0; !result && i < line_count(forecast); i++)
        plan_successors(forecast, &forecast->lines[i]);
    if (result)
        forecast_free(forecast);
    else
        *made = forecast;
    return result;
}

void forecast_free(struct forecast *forecast)
{
    if (!forecast)
        return;
    for (size_t i = 0; i < line_count(forecast); i++)
        free(forecast->lines[i].issuers);
    free(forecast->lines);
    text_list_free(&forecast->lost_hosts);
    free(forecast);
}

/* ---- one instance */

/* An instance on its way through time. */
struct traveller {
    const struct forecast *forecast;
    const struct line *lines; /* of its region */
    struct rotation_facts facts;
    const struct issuer *issuer; /* of the certificate that it serves */
    int ca;                      /* that it serves */
    int bridges[CA_MOST];        /* CAs whose clients its chain still serves, the newest first */
    size_t bridge_count;
    int next_ca;        /* that it is moved to at `moves_at`; NO_CA: to none */
    int64_t moves_at;   /* MOMENT_NEVER */
    bool keeps_bridges; /* and its chain serves the clients of the CA before then */
    struct forecast_instance seen;
};

/* Both roots' earlier end. */
static int64_t link_end(const struct traveller *traveller, int subject, int issuer)
{
    int64_t a = traveller->lines[subject].root_end, b = traveller->lines[issuer].root_end;
    return a < b ? a : b;
}

static void refresh_bridge_ends(struct traveller *traveller)
{
    int subject = traveller->ca;
    traveller->facts.bridge_ends = MOMENT_NEVER;
    for (size_t i = 0; i < traveller->bridge_count; i++) {
        int64_t end = link_end(traveller, subject, traveller->bridges[i]);
        if (end < traveller->facts.bridge_ends)
            traveller->facts.bridge_ends = end;
        subject = traveller->bridges[i];
    }
}

/* As bridge_list_trim(). */
static void trim_bridges(struct traveller *traveller, int64_t t)
{
    int subject = traveller->ca;
    size_t kept = 0;
    for (size_t i = 0; i < traveller->bridge_count; i++) {
        if (link_end(traveller, subject, traveller->bridges[i]) - BRIDGE_LEAD <= t)
            continue;
        subject = traveller->bridges[i];
        traveller->bridges[kept++] = subject;
    }
    traveller->bridge_count = kept;
}

/* As bridge_list_move(). */
static void move_bridges(struct traveller *traveller, int from, int to)
{
    int before[CA_MOST];
    size_t count = traveller->bridge_count, kept = 0;
    for (size_t i = 0; i < count; i++)
        before[i] = traveller->bridges[i];
    if (traveller->keeps_bridges && from != to)
        traveller->bridges[kept++] = from;
    for (size_t i = 0; traveller->keeps_bridges && i < count && kept < CA_MOST; i++)
        if (before[i] != from && before[i] != to)
            traveller->bridges[kept++] = before[i];
    traveller->bridge_count = kept;
}

/* A new certificate of `ca` at `t`, as issue_certificates() gives it. False: nobody can sign it. */
static bool issue(struct traveller *traveller, int ca, int64_t t)
{
    const struct settings *settings = traveller->forecast->fleet->settings;
    const struct line *line = &traveller->lines[ca];
    const struct issuer *issuer = signing(line, t);
    if (!issuer || issuer->not_after <= t || line->root_end <= t)
        return false;
    int64_t not_before = (t - BACKDATE) / 1000 * 1000;
    int64_t end = rotation_end_of_life(settings, traveller->facts.reloads, not_before, t);
    if (traveller->facts.not_after <= t && traveller->seen.expired_at == MOMENT_NEVER)
        traveller->seen.expired_at = traveller->facts.not_after;
    if (!traveller->seen.rotations++)
        traveller->seen.first_rotation = t;
    traveller->ca = ca;
    traveller->issuer = issuer;
    traveller->facts.rotates = traveller->forecast->profiles[ca].rotates;
    traveller->facts.issued_at = t;
    traveller->facts.not_after = end < issuer->not_after ? end : issuer->not_after;
    traveller->facts.after = 0;
    traveller->facts.opted_in = false;
    refresh_bridge_ends(traveller);
    if (traveller->seen.cause == FORECAST_MANUAL || traveller->seen.cause == FORECAST_ROTATES)
        traveller->seen.cause = traveller->facts.rotates ? FORECAST_ROTATES : FORECAST_MANUAL;
    return true;
}

static bool goes_on(const struct traveller *traveller)
{
    return traveller->seen.cause == FORECAST_ROTATES || traveller->seen.cause == FORECAST_MANUAL;
}

/* From rotation to rotation until the date. */
static void travel(struct traveller *traveller, int64_t from, int64_t at)
{
    const struct settings *settings = traveller->forecast->fleet->settings;
    for (int64_t t = from; goes_on(traveller);) {
        struct rotation_plan plan;
        rotation_plan(settings, &traveller->facts, t, &plan);
        bool moves = traveller->moves_at <= plan.due;
        int64_t due = moves ? traveller->moves_at : plan.due;
        if (due > at)
            return;
        int ca = moves ? traveller->next_ca : traveller->ca;
        t = due;
        if (moves) {
            move_bridges(traveller, traveller->ca, ca);
            traveller->moves_at = MOMENT_NEVER;
        } else {
            trim_bridges(traveller, t);
        }
        if (!issue(traveller, ca, t))
            traveller->seen.cause = FORECAST_ENDED;
    }
}

/* The roots whose clients verify: its own, and those that its bridges lead to. */
static unsigned roots_at(const struct traveller *traveller, int64_t at)
{
    unsigned roots = 0;
    int subject = traveller->ca;
    if (traveller->lines[subject].root_end > at)
        roots |= 1U << subject;
    for (size_t i = 0; i < traveller->bridge_count; i++) {
        if (link_end(traveller, subject, traveller->bridges[i]) <= at)
            break;
        subject = traveller->bridges[i];
        roots |= 1U << subject;
    }
    return roots;
}

static void judge(struct traveller *traveller, int64_t at)
{
    struct forecast_instance *seen = &traveller->seen;
    bool serves = seen->cause != FORECAST_PENDING && traveller->ca != NO_CA;
    seen->issued_at = traveller->facts.issued_at;
    seen->not_after = traveller->facts.not_after;
    seen->expired = seen->cause != FORECAST_PENDING && seen->not_after <= at;
    if (seen->expired && seen->expired_at == MOMENT_NEVER)
        seen->expired_at = seen->not_after;
    seen->ca_identifier = serves ? traveller->forecast->profiles[traveller->ca].identifier : "";
    seen->roots = 0;
    seen->bundle_verifies = seen->pinned_verifies = false;
    if (!serves || seen->expired || !traveller->lines)
        return;
    bool issuer_good = !traveller->issuer || traveller->issuer->not_after > at;
    seen->roots = issuer_good ? roots_at(traveller, at) : 0;
    seen->bundle_verifies = seen->roots >> traveller->ca & 1;
    seen->pinned_verifies = traveller->issuer && issuer_good && !traveller->issuer->planned;
}

/* ---- what is known of it today */

static bool was_undone(const struct instance_row *row)
{
    json_t *rotation = instance_json(&row->rotation);
    const char *from = json_string_value(json_object_get(rotation, "from"));
    const char *to = json_string_value(json_object_get(rotation, "to"));
    const char *reason = json_string_value(json_object_get(rotation, "reason"));
    /* One to another CA was given up: the renewals of its own go on. */
    bool undone = text_equal(json_string_value(json_object_get(rotation, "state")), "undone") &&
                  text_equal(from, to) && !text_equal(reason, ROTATION_REHEARSAL);
    json_decref(rotation);
    return undone;
}

static enum forecast_cause cause_of(const struct forecast *forecast, const struct instance_row *row,
                                    const struct rotation_facts *facts)
{
    int64_t started = instance_json_integer(&row->rotation, "started_at", forecast->now);
    if (!row->served_issued_at)
        return FORECAST_PENDING;
    if (!row->running)
        return FORECAST_STOPPED;
    if (text_equal(row->status, STATE_FAILED))
        return FORECAST_FAILED;
    if (text_list_has(&forecast->lost_hosts, row->host))
        return FORECAST_LOST;
    if (rotate_outstanding(row) && forecast->now - started > LOST_AFTER)
        return FORECAST_LATE;
    if (was_undone(row))
        return FORECAST_UNDONE;
    return facts->rotates ? FORECAST_ROTATES : FORECAST_MANUAL;
}

static void read_bridges(struct traveller *traveller, const struct buf *text)
{
    if (slice_is(slice_buf(text), "[]"))
        return;
    json_t *list = bridge_list(text);
    for (size_t i = 0; i < json_array_size(list) && traveller->bridge_count < CA_MOST; i++) {
        int ca = ca_index(traveller->forecast, json_string_value(json_array_get(list, i)));
        if (ca != NO_CA)
            traveller->bridges[traveller->bridge_count++] = ca;
    }
    json_decref(list);
}

/* A change of CA that waits for the window; one that waits for a restart comes when somebody restarts. */
static int read_pending(struct traveller *traveller, const struct instance_row *row, struct error *error)
{
    struct forecast_instance *seen = &traveller->seen;
    traveller->next_ca = NO_CA;
    traveller->moves_at = MOMENT_NEVER;
    if (!goes_on(traveller) || slice_is(slice_buf(&row->pending), "{}"))
        return 0;
    json_t *pending = instance_json(&row->pending);
    int ca = ca_index(traveller->forecast, json_string_value(json_object_get(pending, PENDING_CA)));
    int restart = json_is_false(json_object_get(pending, PENDING_RESTART)) ? 0 : -1;
    json_decref(pending);
    if (ca == NO_CA)
        return 0;
    traveller->next_ca = ca;
    traveller->moves_at = rotation_change_moment(&traveller->facts, false, restart, traveller->forecast->now);
    int result = bridge_wanted(traveller->forecast->fleet, seen->row, &traveller->keeps_bridges, error);
    traveller->keeps_bridges &= traveller->forecast->fleet->settings->bridges;
    return result;
}

static int begin(const struct forecast *forecast, const struct instance_row *row, struct traveller *traveller,
                 struct error *error)
{
    int64_t now = forecast->now;
    *traveller = (struct traveller){.forecast = forecast, .lines = lines_of(forecast, row->region)};
    traveller->seen =
        (struct forecast_instance){.row = row, .first_rotation = MOMENT_NEVER, .expired_at = MOMENT_NEVER};
    traveller->ca = ca_index(forecast, row->served_ca_identifier);
    rotation_facts_of(row, MOMENT_NEVER, &traveller->facts);
    traveller->seen.cause = cause_of(forecast, row, &traveller->facts);
    if (!traveller->lines || traveller->ca == NO_CA) {
        traveller->seen.cause = FORECAST_PENDING;
        return 0;
    }
    const struct line *line = &traveller->lines[traveller->ca];
    traveller->issuer = signing(line, row->served_issued_at);
    if (!traveller->issuer && line->count)
        traveller->issuer = &line->issuers[0];
    read_bridges(traveller, &row->bridges);
    refresh_bridge_ends(traveller);
    int result = read_pending(traveller, row, error);
    /* What is under way on a host that reports is done in a moment. A rehearsal ends with the CA from before,
     * whose certificate's dates are not in the row: it counts as a new one. */
    bool rehearses = !slice_is(slice_buf(&row->rehearsal), "{}");
    int wanted = ca_index(forecast, row->ca_identifier);
    if (!result && goes_on(traveller) && wanted != NO_CA && (rotate_outstanding(row) || rehearses))
        issue(traveller, wanted, now);
    return result;
}

struct walk {
    struct forecast *forecast;
    const char *region;
    const int64_t *dates;
    size_t date_count;
    forecast_visitor *visit;
    void *context;
    int result;
    struct error *error;
};

static bool visit_row(const struct instance_row *row, void *context)
{
    struct walk *walk = context;
    struct traveller traveller;
    int64_t from = walk->forecast->now;
    if (row->deleted || (walk->region && !text_equal(walk->region, row->region)))
        return true;
    walk->result = begin(walk->forecast, row, &traveller, walk->error);
    for (size_t i = 0; !walk->result && i < walk->date_count; i++) {
        travel(&traveller, from, walk->dates[i]);
        judge(&traveller, walk->dates[i]);
        walk->visit(&traveller.seen, i, walk->context);
        from = walk->dates[i];
    }
    return walk->result == 0;
}

int forecast_instances(struct forecast *forecast, const char *region, const int64_t *dates, size_t count,
                       forecast_visitor *visit, void *context, struct error *error)
{
    struct walk walk = {
        .forecast = forecast,
        .region = region,
        .dates = dates,
        .date_count = count,
        .visit = visit,
        .context = context,
        .error = error,
    };
    int result = store_instance_list_all(forecast->fleet->store, visit_row, &walk, error);
    return result ? result : walk.result;
}

/* ---- authorities, told */

struct telling {
    const struct forecast *forecast;
    const char *region;
    int64_t at;
    forecast_authority_visitor *visit;
    void *context;
};

static bool is_told(const struct telling *telling, const char *scope)
{
    const struct region *region =
        telling->region ? region_find(&telling->forecast->fleet->settings->regions, telling->region) : NULL;
    return !telling->region || text_equal(scope, telling->region) ||
           (region && text_equal(scope, region->partition));
}

/* When a subordinate's successor is made; MOMENT_NEVER when it has one or gets none. */
static int64_t succession_of(const struct forecast *forecast, const struct line *line, int number)
{
    for (size_t i = 0; line && i < line->count; i++) {
        if (line->issuers[i].number != number)
            continue;
        if (i + 1 < line->count)
            return line->issuers[i + 1].planned ? line->issuers[i + 1].created_at : MOMENT_NEVER;
        return authority_succession(forecast->fleet->settings, line->issuers[i].not_after, line->root_end);
    }
    return MOMENT_NEVER;
}

static bool tell_row(const struct authority_row *row, void *context)
{
    const struct telling *telling = context;
    const struct forecast *forecast = telling->forecast;
    int ca = ca_index(forecast, row->ca_identifier);
    const struct line *lines = lines_of(forecast, row->scope);
    const struct line *line = lines && ca != NO_CA && row->number ? &lines[ca] : NULL;
    size_t known = 0;
    while (line && known < line->count && !line->issuers[known].planned)
        known++;
    const struct forecast_authority authority = {
        .row = row,
        .ended = row->not_after <= telling->at,
        .in_use = row->number == 0 || (known && line->issuers[known - 1].number == row->number),
        .succession = succession_of(forecast, line, row->number),
    };
    if (is_told(telling, row->scope))
        telling->visit(&authority, telling->context);
    return true;
}

static void tell_planned(const struct telling *telling, const struct line *line, const char *ca_identifier)
{
    for (size_t i = 0; i < line->count; i++) {
        const struct issuer *issuer = &line->issuers[i];
        if (!issuer->planned || !is_told(telling, line->region->name))
            continue;
        struct authority_row row = {
            .number = issuer->number,
            .not_before = issuer->created_at - BACKDATE,
            .not_after = issuer->not_after,
            .created_at = issuer->created_at,
            .signs_at = issuer->signs_at,
        };
        text_copy(row.scope, sizeof row.scope, line->region->name);
        text_copy(row.ca_identifier, sizeof row.ca_identifier, ca_identifier);
        const struct forecast_authority authority = {
            .row = &row,
            .planned = true,
            .ended = issuer->not_after <= telling->at,
            .succession = succession_of(telling->forecast, line, issuer->number),
        };
        telling->visit(&authority, telling->context);
    }
}

int forecast_authorities(struct forecast *forecast, const char *region, int64_t at,
                         forecast_authority_visitor *visit, void *context, struct error *error)
{
    struct telling telling = {forecast, region, at, visit, context};
    int result = store_authority_list(forecast->fleet->store, NULL, tell_row, &telling, error);
    for (size_t i = 0; !result && i < line_count(forecast); i++)
        tell_planned(&telling, &forecast->lines[i],
                     forecast->profiles[i % forecast->profile_count].identifier);
    return result;
}
