/* Hosts that come and go, agents that do what is wanted of them, operators who are asked. */
#include "sim.h"

#include "base/memory.h"
#include "base/text.h"
#include "fleet/host.h"
#include "fleet/maintenance.h"
#include "fleet/name.h"
#include "fleet/rotation.h"

#include <math.h>
#include <stdlib.h>

#define MEAN_UP         (60 * CLOCK_DAY)
#define SHORTEST_OUTAGE CLOCK_HOUR
#define LONGEST_OUTAGE  (60 * CLOCK_DAY)
#define SLOWEST_AGENT   (10 * CLOCK_MINUTE)
#define GUARD           (5 * CLOCK_MINUTE)
#define UNDONE          0.01
#define UNDONE_AGAIN    0.5 /* clients that refused it once are slow to change */
#define OPERATOR_ACTS   0.3

static void add(struct sim *sim, int64_t after, enum happening what, size_t which, int64_t mark)
{
    queue_add(&sim->queue, (struct moment){sim->now + after, what, which, mark});
}

static double fraction(struct sim *sim)
{
    return ((double)(sim_random(sim) >> 11) + 0.5) * 0x1p-53;
}

static void schedule_outage(struct sim *sim, size_t host)
{
    add(sim, (int64_t)(-log(fraction(sim)) * (double)MEAN_UP), HOST_GOES_DOWN, host, 0);
}

void agents_begin(struct sim *sim)
{
    sim->server.up = true;
    for (size_t i = 0; i < sim->host_count; i++) {
        sim->hosts[i].up = true;
        schedule_outage(sim, i);
    }
}

/* ---- who can be reached */

static int64_t up_time(const struct sim_machine *machine, int64_t from, int64_t to)
{
    int64_t sum = to > from ? to - from : 0;
    for (size_t i = machine->count; i-- && machine->outages[i].to > from;) {
        const struct outage *outage = &machine->outages[i];
        int64_t begin = outage->from > from ? outage->from : from, end = outage->to < to ? outage->to : to;
        if (end > begin)
            sum -= end - begin;
    }
    return sum;
}

int64_t agents_reachable(const struct sim *sim, size_t host, int64_t from, int64_t to)
{
    int64_t sum = up_time(&sim->hosts[host], from, to);
    for (size_t i = 0; i < sim->server.count; i++) {
        const struct outage *outage = &sim->server.outages[i];
        sum -= up_time(&sim->hosts[host], outage->from > from ? outage->from : from,
                       outage->to < to ? outage->to : to);
    }
    return sum;
}

int64_t agents_reachable_since(const struct sim *sim, size_t host)
{
    const struct sim_machine *machine = &sim->hosts[host];
    int64_t since = machine->count ? machine->outages[machine->count - 1].to : sim->start;
    int64_t server = sim->server.count ? sim->server.outages[sim->server.count - 1].to : sim->start;
    return since > server ? since : server;
}

static bool is_reachable(const struct sim *sim, size_t which)
{
    return sim->server.up && sim->hosts[sim->instances[which].host].up;
}

/* ---- agents */

static void report(struct sim *sim, size_t which)
{
    const struct sim_instance *instance = &sim->instances[which];
    struct error error = {0};
    char host[64];
    struct observed_instance observed = {
        .generation = instance->desired,
        .state = OBSERVED_RUNNING,
        .port = 5432,
        .certificate_generation = instance->served.generation,
        .guard_generation = instance->guarded,
        .guard_outcome = instance->outcome,
        .guard_refusals = instance->outcome == GUARD_UNDONE ? 4 : 0,
        .started_at = sim->now,
    };
    text_copy(observed.resource_id, sizeof observed.resource_id, instance->resource_id);
    sim_serial(instance->served.number, observed.certificate_serial);
    text_uuid(observed.report_id);
    if (instance->outcome == GUARD_UNDONE)
        text_list_add(&observed.guard_clients, "192.0.2.7");
    sim_host_name(instance->host, host);
    if (host_observe(&sim->fleet, host, &observed, &error))
        sim_stop("host_observe", error.text);
    observed_free(&observed);
    if (instance->outcome == GUARD_UNDONE)
        watch_instance(sim, which); /* the wish is given up */
}

/* The signer's part, but for the signature. */
static void issue(struct sim *sim, size_t which, struct certificate *certificate)
{
    const struct sim_instance *instance = &sim->instances[which];
    struct error error = {0};
    *certificate = (struct certificate){
        .number = ++sim->serials,
        .generation = instance->wanted,
        .issued_at = sim->now,
        .not_after =
            rotation_end_of_life(&sim->settings, instance->reloads, sim->now - 5 * CLOCK_MINUTE, sim->now),
    };
    struct server_certificate_row row = {.certificate_generation = certificate->generation,
                                         .number = 1,
                                         .not_before = sim->now - 5 * CLOCK_MINUTE,
                                         .not_after = certificate->not_after,
                                         .issued_at = certificate->issued_at};
    sim_serial(certificate->number, row.serial);
    text_copy(row.resource_id, sizeof row.resource_id, instance->resource_id);
    text_copy(row.region, sizeof row.region, sim_region(instance->host));
    text_copy(row.ca_identifier, sizeof row.ca_identifier, instance->ca);
    buf_append_text(&row.certificate, "a certificate");
    if (store_server_certificate_insert(sim->fleet.store, &row, &error))
        sim_stop("issuance log", error.text);
    server_certificate_row_free(&row);
}

static void install(struct sim *sim, size_t which)
{
    struct sim_instance *instance = &sim->instances[which];
    watch_life(sim, which);
    instance->before = instance->served;
    issue(sim, which, &instance->served);
    instance->stage = WATCHES;
    instance->guarded = instance->wanted;
    instance->outcome = GUARD_WATCHING;
    sim->figures.installed++;
    report(sim, which);
    add(sim, GUARD, GUARD_ENDS, which, instance->wanted);
}

static void keep_pause(struct sim *sim, struct sim_instance *instance)
{
    int64_t pause = CLOCK_DAY, middle = (instance->served.not_after - sim->now) / 2;
    for (int i = 0; i < instance->failures && pause < 7 * CLOCK_DAY; i++)
        pause = 2 * pause < 7 * CLOCK_DAY ? 2 * pause : 7 * CLOCK_DAY;
    if (middle < pause)
        pause = middle > 0 ? middle : 0;
    instance->failures++;
    instance->paused_until = sim->now + pause;
    /* The product may pause for up to twice the seven days. */
    instance->pauses += 2 * pause + SLOWEST_AGENT + GUARD;
}

static void end_guard(struct sim *sim, size_t which)
{
    struct sim_instance *instance = &sim->instances[which];
    instance->stage = SERVES;
    if (instance->refused && instance->before.not_after > sim->now) { /* an expired one is never put back */
        instance->served = instance->before;
        instance->outcome = GUARD_UNDONE;
        keep_pause(sim, instance);
        sim->figures.undone++;
    } else {
        watch_events(sim);
        instance->outcome = GUARD_KEPT;
        instance->failures = 0;
        instance->pauses = 0;
        instance->paused_until = 0;
        for (size_t i = 0; i < WARNINGS; i++)
            instance->warned[i] = 0;
    }
    report(sim, which);
}

/* What is left to do for an instance whose agent has found the server. */
static void take_up(struct sim *sim, size_t which)
{
    const struct sim_instance *instance = &sim->instances[which];
    if (instance->stage != SERVES)
        add(sim, sim_between(sim, CLOCK_SECOND, SLOWEST_AGENT),
            instance->stage == WANTS ? AGENT_INSTALLS : GUARD_ENDS, which, instance->wanted);
}

void agents_hear(struct sim *sim, size_t which)
{
    struct sim_instance *instance = &sim->instances[which];
    instance->stage = WANTS;
    instance->late_told = false;
    instance->refused = sim_chance(sim, instance->failures ? UNDONE_AGAIN : UNDONE);
    if (is_reachable(sim, which))
        take_up(sim, which);
}

/* ---- operators */

void operator_hears(struct sim *sim, size_t which)
{
    if (sim_chance(sim, OPERATOR_ACTS))
        add(sim, sim_between(sim, CLOCK_MINUTE, 60 * CLOCK_DAY), OPERATOR_ASKS, which,
            sim->instances[which].served.generation);
}

static void ask(struct sim *sim, size_t which, int64_t mark)
{
    struct sim_instance *instance = &sim->instances[which];
    struct instance_row row = {0};
    struct error error = {0};
    char arn[300];
    bool at_once = sim_chance(sim, 0.5);
    if (instance->served.generation != mark || instance->stage != SERVES)
        return;
    if (!sim->server.up) {
        add(sim, CLOCK_DAY, OPERATOR_ASKS, which, mark);
        return;
    }
    AUTO_FREE char *identifier = mem_format("sim-%s", instance->resource_id + 22);
    name_instance_arn(&sim->settings, sim_region(instance->host), identifier, arn);
    if (maintenance_apply(&sim->fleet, sim_region(instance->host), arn, MAINTENANCE_RENEWAL,
                          at_once ? "immediate" : "next-maintenance", &row, &error))
        sim_stop("maintenance_apply", error.text);
    instance_row_free(&row);
    instance->asked_now = at_once;
    instance->opted_in = !at_once;
    watch_instance(sim, which);
}

/* ---- hosts */

static void go_down(struct sim *sim, struct sim_machine *machine)
{
    machine->up = false;
    machine->outages = mem_grow(machine->outages, machine->count + 1, sizeof *machine->outages);
    machine->outages[machine->count++] = (struct outage){sim->now, INT64_MAX};
}

static void come_back(struct sim *sim, struct sim_machine *machine)
{
    machine->up = true;
    machine->outages[machine->count - 1].to = sim->now;
}

static void host_goes_down(struct sim *sim, size_t host)
{
    /* As many of an hour to a day as of a day to a month. */
    double longer = pow((double)(LONGEST_OUTAGE / SHORTEST_OUTAGE), fraction(sim));
    go_down(sim, &sim->hosts[host]);
    add(sim, (int64_t)((double)SHORTEST_OUTAGE * longer), HOST_COMES_BACK, host, 0);
}

static void host_comes_back(struct sim *sim, size_t host)
{
    come_back(sim, &sim->hosts[host]);
    schedule_outage(sim, host);
    for (size_t i = host * INSTANCES_OF_A_HOST; i < sim->count && i < (host + 1) * INSTANCES_OF_A_HOST; i++) {
        if (sim->server.up)
            report(sim, i); /* its engine has started anew */
        take_up(sim, i);
    }
}

void server_comes_back(struct sim *sim)
{
    come_back(sim, &sim->server);
    for (size_t i = 0; i < sim->count; i++)
        if (is_reachable(sim, i))
            take_up(sim, i);
}

void agents_play(struct sim *sim, const struct moment *moment)
{
    size_t which = moment->which;
    switch (moment->what) {
    case HOST_GOES_DOWN:
        host_goes_down(sim, which);
        break;
    case HOST_COMES_BACK:
        host_comes_back(sim, which);
        break;
    case AGENT_INSTALLS:
        if (is_reachable(sim, which) && sim->instances[which].stage == WANTS &&
            sim->instances[which].wanted == moment->mark)
            install(sim, which);
        break;
    case GUARD_ENDS:
        if (is_reachable(sim, which) && sim->instances[which].stage == WATCHES &&
            sim->instances[which].wanted == moment->mark)
            end_guard(sim, which);
        break;
    case OPERATOR_ASKS:
        ask(sim, which, moment->mark);
        break;
    default: /* SERVER_GOES_DOWN */
        go_down(sim, &sim->server);
    }
}
