#include "fleet/forecast.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/bridge.h"

#include <stdlib.h>

#define HOST_LOST_AFTER CLOCK_DAY

/* What counts of one CA of one region: the root's end, and when the newest subordinate of today stops
 * signing. */
struct line {
    char region[32], ca_identifier[32];
    int64_t root_end, newest_end;
    int newest;
};

struct forecast {
    struct fleet *fleet;
    int64_t now;
    struct line *lines;
    size_t line_count;
    struct text_list lost_hosts;
};

static struct line *find_line(struct forecast *forecast, const char *region, const char *ca_identifier)
{
    for (size_t i = 0; i < forecast->line_count; i++)
        if (text_equal(forecast->lines[i].region, region) &&
            text_equal(forecast->lines[i].ca_identifier, ca_identifier))
            return &forecast->lines[i];
    return NULL;
}

static int add_line(struct forecast *forecast, const struct region *region, const char *ca_identifier,
                    struct error *error)
{
    struct authority_row root = {0}, newest = {0};
    int result = authority_root(forecast->fleet, region->name, ca_identifier, &root, error);
    if (!result)
        result = store_authority_newest(forecast->fleet->store, region->name, ca_identifier, &newest, error);
    if (!result) {
        forecast->lines = mem_grow(forecast->lines, forecast->line_count + 1, sizeof *forecast->lines);
        struct line *line = &forecast->lines[forecast->line_count++];
        *line = (struct line){
            .root_end = root.not_after, .newest_end = newest.not_after, .newest = newest.number};
        text_copy(line->region, sizeof line->region, region->name);
        text_copy(line->ca_identifier, sizeof line->ca_identifier, ca_identifier);
    }
    authority_row_free(&root);
    authority_row_free(&newest);
    return result == ERROR_NOT_FOUND ? 0 : result; /* still being made */
}

static bool note_lost(const struct host_row *row, void *context)
{
    struct forecast *forecast = context;
    if (forecast->now - row->seen_at > HOST_LOST_AFTER)
        text_list_add(&forecast->lost_hosts, row->host);
    return true;
}

int forecast_new(struct fleet *fleet, int64_t now, struct forecast **made, struct error *error)
{
    const struct region_table *table = &fleet->settings->regions;
    struct forecast *forecast = mem_new(sizeof *forecast);
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    forecast->fleet = fleet;
    forecast->now = now;
    int result = store_host_list(fleet->store, note_lost, forecast, error);
    for (size_t i = 0; !result && i < table->count * count; i++)
        result = add_line(forecast, &table->regions[i / count], profiles[i % count].identifier, error);
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
    text_list_free(&forecast->lost_hosts);
    free(forecast->lines);
    free(forecast);
}

static enum forecast_cause cause_of(const struct forecast *forecast, const struct instance_row *row,
                                    const struct rotation_facts *facts)
{
    if (!row->served_issued_at)
        return FORECAST_PENDING;
    if (!row->running)
        return FORECAST_STOPPED;
    if (text_list_has(&forecast->lost_hosts, row->host))
        return FORECAST_LOST;
    return facts->rotates ? FORECAST_ROTATES : FORECAST_MANUAL;
}

/* From rotation to rotation until the date. */
static void replay(const struct forecast *forecast, struct rotation_facts *facts, const struct line *line,
                   int64_t at, struct forecast_instance *instance)
{
    int64_t now = forecast->now;
    for (;;) {
        struct rotation_plan plan;
        rotation_plan(forecast->fleet->settings, facts, now, &plan);
        if (plan.due > at)
            break;
        if (!instance->rotations++)
            instance->first_rotation = plan.due;
        int64_t end = rotation_end_of_life(forecast->fleet->settings, facts->reloads, plan.due, plan.due);
        facts->issued_at = now = plan.due;
        facts->not_after = line && line->root_end < end ? line->root_end : end; /* never past its root */
        facts->after = 0;
        facts->bridge_ends = MOMENT_NEVER;
        if (facts->not_after <= facts->issued_at)
            break;
    }
    instance->issued_at = facts->issued_at;
    instance->not_after = facts->not_after;
}

/* The roots whose clients still verify: its own, and those of the bridges in its chain. */
static unsigned roots_of(struct forecast *forecast, const struct instance_row *row, int64_t at)
{
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    json_t *bridges = bridge_list(&row->bridges);
    unsigned roots = 0;
    for (size_t i = 0; i < count; i++) {
        bool trusted = text_equal(profiles[i].identifier, row->served_ca_identifier);
        for (size_t k = 0; k < json_array_size(bridges); k++)
            trusted |= text_equal(profiles[i].identifier, json_string_value(json_array_get(bridges, k)));
        const struct line *line = find_line(forecast, row->region, profiles[i].identifier);
        if (trusted && line && line->root_end > at)
            roots |= 1U << i;
    }
    json_decref(bridges);
    return roots;
}

/* A certificate that was issued after today's newest subordinate had handed over is not under a pinned one.
 */
static bool under_todays_subordinate(const struct forecast *forecast, const struct line *line,
                                     const struct forecast_instance *instance)
{
    const struct settings *settings = forecast->fleet->settings;
    int64_t succession = authority_succession(settings, line->newest_end, line->root_end);
    if (succession == MOMENT_NEVER)
        return true;
    return instance->issued_at < succession + settings->subordinate_lead_seconds * CLOCK_SECOND;
}

static void judge(struct forecast *forecast, const struct instance_row *row, int64_t at,
                  struct forecast_instance *instance)
{
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    const struct line *line = find_line(forecast, row->region, row->served_ca_identifier);
    instance->expired = instance->cause != FORECAST_PENDING && instance->not_after <= at;
    if (instance->cause == FORECAST_PENDING || instance->expired || !line)
        return;
    instance->roots = roots_of(forecast, row, at);
    for (size_t i = 0; i < count; i++)
        if (text_equal(profiles[i].identifier, row->served_ca_identifier))
            instance->bundle_verifies = instance->roots >> i & 1;
    instance->pinned_verifies =
        instance->bundle_verifies && under_todays_subordinate(forecast, line, instance);
}

struct walk {
    struct forecast *forecast;
    const char *region;
    int64_t at;
    forecast_visitor *visit;
    forecast_authority_visitor *visit_authority;
    void *context;
    int result;
    struct error *error;
};

static bool visit_row(const struct instance_row *row, void *context)
{
    struct walk *walk = context;
    struct forecast *forecast = walk->forecast;
    struct rotation_facts facts;
    struct forecast_instance instance = {.row = row, .first_rotation = MOMENT_NEVER};
    int64_t ends = MOMENT_NEVER;
    if (walk->region && !text_equal(walk->region, row->region))
        return true;
    if (row->served_issued_at)
        walk->result = bridge_ends(forecast->fleet, row, &ends, walk->error);
    rotation_facts_of(row, ends, &facts);
    instance.cause = cause_of(forecast, row, &facts);
    instance.issued_at = facts.issued_at;
    instance.not_after = facts.not_after;
    if (instance.cause == FORECAST_ROTATES || instance.cause == FORECAST_MANUAL)
        replay(forecast, &facts, find_line(forecast, row->region, row->served_ca_identifier), walk->at,
               &instance);
    judge(forecast, row, walk->at, &instance);
    walk->visit(&instance, walk->context);
    return walk->result == 0;
}

int forecast_instances(struct forecast *forecast, const char *region, int64_t at, forecast_visitor *visit,
                       void *context, struct error *error)
{
    struct walk walk = {
        .forecast = forecast, .region = region, .at = at, .visit = visit, .context = context, .error = error};
    int result = store_instance_list_all(forecast->fleet->store, visit_row, &walk, error);
    return result ? result : walk.result;
}

static bool visit_authority(const struct authority_row *row, void *context)
{
    struct walk *walk = context;
    struct forecast *forecast = walk->forecast;
    const struct line *line = find_line(forecast, row->scope, row->ca_identifier);
    bool newest = line && row->number == line->newest;
    const struct forecast_authority authority = {
        .row = row,
        .ended = row->not_after <= walk->at,
        .in_use = row->number == 0 || newest,
        .succession = newest ? authority_succession(forecast->fleet->settings, row->not_after, line->root_end)
                             : MOMENT_NEVER,
    };
    if (!walk->region || text_equal(walk->region, row->scope))
        walk->visit_authority(&authority, walk->context);
    return true;
}

int forecast_authorities(struct forecast *forecast, const char *region, int64_t at,
                         forecast_authority_visitor *visit, void *context, struct error *error)
{
    struct walk walk = {
        .forecast = forecast, .region = region, .at = at, .visit_authority = visit, .context = context};
    return store_authority_list(forecast->fleet->store, NULL, visit_authority, &walk, error);
}
