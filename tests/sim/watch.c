/* What the product did, and whether it is what was promised. */
#include "sim.h"

#include "base/memory.h"
#include "base/text.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRACE      CLOCK_HOUR /* an agent's slowest answer, the fleet's pace, a clock that is doubted */
#define TELL_GRACE (2 * CLOCK_HOUR)
#define WEEK       (7 * CLOCK_DAY)
#define SUNDAY     (3 * CLOCK_DAY) /* 1970-01-04 */

static const int warning_days[WARNINGS] = {90, 30, 7, 1};

void promise_broken(struct sim *sim, enum promise promise, const char *format, ...)
{
    struct broken *broken = &sim->broken[promise];
    if (broken->count++)
        return;
    va_list arguments;
    char when[32];
    clock_format_seconds(sim->now, when);
    int length = snprintf(broken->first, sizeof broken->first, "%s: ", when);
    va_start(arguments, format);
    vsnprintf(broken->first + length, sizeof broken->first - (size_t)length, format, arguments);
    va_end(arguments);
}

/* ---- reading the store */

static sqlite3_stmt *prepare(struct sim *sim, const char *text)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(sim->eye, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK)
        sim_stop(text, sqlite3_errmsg(sim->eye));
    return statement;
}

void watch_open(struct sim *sim, const char *path)
{
    if (sqlite3_open_v2(path, &sim->eye, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        sim_stop(path, sqlite3_errmsg(sim->eye));
    sim->next_due = prepare(sim, "SELECT due_at FROM work WHERE kind <> 'webhook' ORDER BY due_at LIMIT 1");
    /* By the index of the product's claims. */
    sim->due = prepare(sim, "SELECT subject FROM work WHERE kind <> 'webhook' AND due_at <= ?1 "
                            "AND +kind = 'rotation'");
    sim->row = prepare(sim, "SELECT certificate_generation, generation, rotation FROM instance "
                            "WHERE resource_id = ?1");
    sim->events = prepare(sim, "SELECT rowid, source_identifier, code, message, occurred_at FROM event "
                               "WHERE rowid > ?1 ORDER BY rowid");
    sim->newest_event = prepare(sim, "SELECT coalesce(max(rowid), 0) FROM event");
    sim->generations = prepare(sim, "SELECT sum(certificate_generation) FROM instance");
}

void watch_close(struct sim *sim)
{
    sqlite3_finalize(sim->next_due);
    sqlite3_finalize(sim->due);
    sqlite3_finalize(sim->row);
    sqlite3_finalize(sim->events);
    sqlite3_finalize(sim->newest_event);
    sqlite3_finalize(sim->generations);
    sqlite3_close(sim->eye);
}

static bool next(sqlite3_stmt *statement)
{
    int status = sqlite3_step(statement);
    if (status == SQLITE_ROW)
        return true;
    sqlite3_reset(statement);
    if (status != SQLITE_DONE)
        sim_stop(sqlite3_sql(statement), sqlite3_errstr(status));
    return false;
}

static const char *text(sqlite3_stmt *statement, int column)
{
    const void *found = sqlite3_column_text(statement, column);
    return found ? found : "";
}

int64_t watch_next_due(struct sim *sim)
{
    int64_t at = next(sim->next_due) ? sqlite3_column_int64(sim->next_due, 0) : INT64_MAX;
    sqlite3_reset(sim->next_due);
    return at;
}

size_t watch_due(struct sim *sim, size_t **due)
{
    size_t count = 0;
    *due = NULL;
    sqlite3_bind_int64(sim->due, 1, sim->now);
    while (next(sim->due)) {
        if ((count & (count - 1)) == 0)
            *due = mem_grow(*due, count ? count * 2 : 1, sizeof **due);
        (*due)[count++] = (size_t)strtoull(text(sim->due, 0) + 22, NULL, 10);
    }
    return count;
}

static int64_t integer(sqlite3_stmt *statement)
{
    int64_t value = next(statement) ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    return value;
}

int64_t watch_generations(struct sim *sim)
{
    return integer(sim->generations);
}

/* ---- rotations */

static bool is_in_window(const struct sim_instance *instance, int64_t at)
{
    int64_t since = ((at - SUNDAY - instance->window_start * CLOCK_MINUTE) % WEEK + WEEK) % WEEK;
    return since < instance->window_length * CLOCK_MINUTE;
}

/* The moments of what an instance serves, by the rules of docs/rotation.md. */
struct limits {
    int64_t half;      /* before it nothing rotates */
    int64_t unasked;   /* from then on in the window, though nobody has said so */
    int64_t emergency; /* from then on outside the window */
    int64_t latest;    /* a fleet's emergencies are spread over a quarter of what is left */
};

static struct limits limits_of(const struct sim *sim, const struct sim_instance *instance)
{
    int64_t life = instance->served.not_after - instance->served.issued_at;
    int64_t lead = life / 4 < 90 * CLOCK_DAY ? life / 4 : 90 * CLOCK_DAY;
    int64_t left = life / 100 * sim->settings.rotation_emergency_percent;
    if (!instance->reloads && lead / 2 < left)
        left = lead / 2;
    struct limits limits = {.half = instance->served.issued_at + life / 2,
                            .emergency = instance->served.not_after - left,
                            .latest = instance->served.not_after - left + left / 4};
    limits.unasked =
        instance->reloads || instance->opted_in ? limits.half : instance->served.not_after - lead;
    return limits;
}

static void check_start(struct sim *sim, const struct sim_instance *instance, int64_t at, const char *reason)
{
    const char *id = instance->resource_id;
    struct limits limits = limits_of(sim, instance);
    if (!instance->rotates)
        promise_broken(sim, PROMISE_LEGACY, "%s of rds-ca-2019 was rotated (%s)", id, reason);
    if (instance->stage != SERVES)
        promise_broken(sim, PROMISE_WINDOW, "%s was rotated again (%s) in the middle of it", id, reason);
    if (at != sim->now)
        promise_broken(sim, PROMISE_WINDOW, "%s says that it was started at another time", id);
    if (instance->asked_now)
        return;
    if (at < instance->paused_until - CLOCK_SECOND)
        promise_broken(sim, PROMISE_PAUSE, "%s was rotated %.1f hours before its pause was over", id,
                       (double)(instance->paused_until - at) / (double)CLOCK_HOUR);
    if (is_in_window(instance, at) && at < limits.unasked)
        promise_broken(sim, PROMISE_WINDOW, "%s was rotated (%s) too early in its life", id, reason);
    else if (!is_in_window(instance, at) && (at < limits.emergency || !text_equal(reason, "emergency")))
        promise_broken(sim, PROMISE_WINDOW, "%s was rotated (%s) outside its window", id, reason);
}

static void count_start(struct sim *sim, const struct sim_instance *instance, int64_t at)
{
    sim->figures.rotations++;
    if (instance->asked_now) {
        sim->figures.asked++;
        return;
    }
    if (is_in_window(instance, at))
        sim->figures.in_window++;
    else
        sim->figures.emergencies++;
    if (sim->start_count == sim->start_capacity) {
        sim->start_capacity = sim->start_capacity ? sim->start_capacity * 2 : 1024;
        sim->starts = mem_grow(sim->starts, sim->start_capacity, sizeof *sim->starts);
    }
    sim->starts[sim->start_count++] = at;
}

void watch_instance(struct sim *sim, size_t which)
{
    struct sim_instance *instance = &sim->instances[which];
    sqlite3_bind_text(sim->row, 1, instance->resource_id, -1, SQLITE_STATIC);
    if (!next(sim->row))
        sim_stop(instance->resource_id, "the instance is gone");
    int64_t generation = sqlite3_column_int64(sim->row, 0);
    instance->desired = sqlite3_column_int64(sim->row, 1);
    json_t *rotation = generation > instance->wanted ? json_loads(text(sim->row, 2), 0, NULL) : NULL;
    sqlite3_reset(sim->row);
    if (!rotation)
        return;
    const char *reason = json_string_value(json_object_get(rotation, "reason"));
    int64_t at = json_integer_value(json_object_get(rotation, "started_at"));
    check_start(sim, instance, at, reason ? reason : "");
    count_start(sim, instance, at);
    json_decref(rotation);
    instance->wanted = generation;
    instance->started_at = at;
    instance->asked_now = instance->opted_in = false;
    agents_hear(sim, which);
}

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

void watch_pace(struct sim *sim)
{
    int64_t limit = sim->settings.rotations_per_minute;
    if (sim->start_count)
        qsort(sim->starts, sim->start_count, sizeof *sim->starts, compare);
    for (size_t first = 0, i = 0; i < sim->start_count; i++) {
        while (sim->starts[i] - sim->starts[first] >= CLOCK_MINUTE)
            first++;
        int64_t count = (int64_t)(i - first + 1);
        if (count > sim->figures.most_in_a_minute)
            sim->figures.most_in_a_minute = count;
        if (count > limit)
            promise_broken(sim, PROMISE_PACE, "%lld rotations started in one minute, %lld are allowed",
                           (long long)count, (long long)limit);
    }
}

/* ---- events */

static void hear(struct sim *sim, size_t which, const char *code, const char *message, int64_t at)
{
    struct sim_instance *instance = &sim->instances[which];
    struct figures *figures = &sim->figures;
    figures->events++;
    figures->told_starts += text_equal(code, "SEALWRIGHT-EVENT-0101");
    figures->told_rotations += text_equal(code, "SEALWRIGHT-EVENT-0102");
    figures->told_undone += text_equal(code, "SEALWRIGHT-EVENT-0104");
    if (text_equal(code, "SEALWRIGHT-EVENT-0105")) {
        figures->late++;
        instance->late_told = true;
    }
    if (text_equal(code, "RDS-EVENT-0501"))
        operator_hears(sim, which);
    const char *days = strstr(message, "expires in less than ");
    if (!days || !text_equal(code, "SEALWRIGHT-EVENT-0107"))
        return;
    figures->warnings++;
    long count = strtol(days + strlen("expires in less than "), NULL, 10);
    for (size_t i = 0; i < WARNINGS; i++) {
        if (warning_days[i] == count && !instance->warned[i])
            instance->warned[i] = at;
        if (warning_days[i] == count && at < instance->served.not_after - count * CLOCK_DAY)
            promise_broken(sim, PROMISE_WARNING, "%s was warned of its end too early", instance->resource_id);
    }
}

void watch_events(struct sim *sim)
{
    /* Old ones are removed; once none is left SQLite counts from 1 again. */
    if (integer(sim->newest_event) < sim->last_event)
        sim->last_event = 0;
    sqlite3_bind_int64(sim->events, 1, sim->last_event);
    while (next(sim->events)) {
        sim->last_event = sqlite3_column_int64(sim->events, 0);
        hear(sim, (size_t)strtoull(text(sim->events, 1) + strlen("sim-"), NULL, 10), text(sim->events, 2),
             text(sim->events, 3), sqlite3_column_int64(sim->events, 4));
    }
}

/* What happens at `moment` is to be told by then. */
static int64_t told_by(const struct sim *sim, int64_t moment)
{
    int64_t by = moment + TELL_GRACE;
    for (size_t i = 0; i < sim->server.count; i++)
        if (sim->server.outages[i].from < by && sim->server.outages[i].to > moment)
            by = sim->server.outages[i].to == INT64_MAX ? INT64_MAX : sim->server.outages[i].to + TELL_GRACE;
    return by;
}

static void check_warnings(struct sim *sim, const struct sim_instance *instance)
{
    for (size_t i = instance->rotates ? 1 : 0; i < WARNINGS; i++) {
        int64_t moment = instance->served.not_after - warning_days[i] * CLOCK_DAY, by = told_by(sim, moment);
        bool told = moment < sim->start || by > sim->now;
        for (size_t k = i; k < WARNINGS; k++)
            told |= instance->warned[k] && instance->warned[k] <= by;
        if (!told)
            promise_broken(sim, PROMISE_WARNING, "%s was not warned %d days before its end",
                           instance->resource_id, warning_days[i]);
    }
    if (instance->stage == WANTS && !instance->late_told &&
        sim->now > told_by(sim, instance->started_at + CLOCK_DAY))
        promise_broken(sim, PROMISE_WARNING, "the rotation of %s is late and nobody was told",
                       instance->resource_id);
}

/* ---- the life of a certificate */

/* The last moment until `at` at which nothing was down. */
static int64_t last_reachable(const struct sim *sim, size_t host, int64_t at)
{
    const struct sim_machine *machines[] = {&sim->hosts[host], &sim->server};
    for (int64_t before = at + 1; at < before;) {
        before = at;
        for (size_t m = 0; m < 2; m++)
            for (size_t i = 0; i < machines[m]->count; i++)
                if (machines[m]->outages[i].from < at && at <= machines[m]->outages[i].to)
                    at = machines[m]->outages[i].from;
    }
    return at;
}

/* A host that has just come back has what it has: the last moment before it went counts. */
static void keep_worst_share(struct sim *sim, const struct sim_instance *instance)
{
    const struct certificate *served = &instance->served;
    int64_t since = agents_reachable_since(sim, instance->host);
    bool just_back = since <= sim->now && sim->now - since < GRACE;
    int64_t last = last_reachable(sim, instance->host, just_back ? since : sim->now);
    double share = (double)(last - served->issued_at) / (double)(served->not_after - served->issued_at);
    double *worst = instance->pauses    ? &sim->figures.worst_share_undone
                    : instance->reloads ? &sim->figures.worst_share
                                        : &sim->figures.worst_share_restart;
    if (share > *worst)
        *worst = share;
}

static void check_life(struct sim *sim, const struct sim_instance *instance)
{
    int64_t not_after = instance->served.not_after;
    int64_t overdue = agents_reachable(sim, instance->host, limits_of(sim, instance).latest, sim->now);
    int64_t expired = agents_reachable(sim, instance->host, not_after, sim->now);
    if (overdue > GRACE + instance->pauses)
        promise_broken(sim, PROMISE_LIFE,
                       "%s kept its certificate for %.1f hours too long on a host that is up",
                       instance->resource_id, (double)overdue / (double)CLOCK_HOUR);
    if (expired > GRACE)
        promise_broken(sim, PROMISE_LIFE, "%s served an expired certificate for %.1f hours",
                       instance->resource_id, (double)expired / (double)CLOCK_HOUR);
    keep_worst_share(sim, instance);
    sim->figures.expired += sim->now > not_after;
}

void watch_life(struct sim *sim, size_t which)
{
    const struct sim_instance *instance = &sim->instances[which];
    watch_events(sim);
    check_warnings(sim, instance);
    if (instance->rotates)
        check_life(sim, instance);
    else
        sim->figures.legacy_expired += sim->now > instance->served.not_after;
}

void watch_sums(struct sim *sim)
{
    const struct figures *figures = &sim->figures;
    if (figures->told_starts != figures->rotations || figures->told_rotations != figures->installed ||
        figures->told_undone != figures->undone)
        promise_broken(
            sim, PROMISE_EVENT,
            "%lld starts, %lld installations and %lld undone ones were told; there were %lld, %lld "
            "and %lld",
            (long long)figures->told_starts, (long long)figures->told_rotations,
            (long long)figures->told_undone, (long long)figures->rotations, (long long)figures->installed,
            (long long)figures->undone);
}
