/* The course of the simulation: from one moment to the next. */
#include "sim.h"

#include "fleet/work.h"

#include <stdlib.h>

#define SERVER_OUTAGE (130 * CLOCK_DAY) /* so long that emergencies wait for it to end */
#define JUMP          (5 * 365 * CLOCK_DAY)

enum { JUMPS = 20 };

int64_t sim_work(struct sim *sim)
{
    struct error error = {0};
    int64_t steps = 0;
    int result;
    while ((result = work_step(&sim->fleet, &error)) == 0)
        if (++steps > 10 * (int64_t)sim->count + 1000)
            sim_stop("work_step", "work that is done comes due again at once");
    if (result != ERROR_NOT_FOUND)
        sim_stop("work_step", error.text);
    sim->figures.looks += steps;
    return steps;
}

/* The machine's clock is far off for a while: as long as that lasts nothing starts. */
static void jump(struct sim *sim, int64_t by)
{
    int64_t before = watch_generations(sim);
    sim_go_to(sim->now + by);
    if (!clock_doubted())
        promise_broken(sim, PROMISE_CLOCK, "a clock that is five years off is believed");
    sim->figures.due_in_jump += sim_work(sim);
    sim->figures.jumps++;
    if (watch_generations(sim) != before)
        promise_broken(sim, PROMISE_CLOCK, "rotations were started while the clock was five years off");
    sim_go_to(sim->now);
    if (clock_doubted())
        promise_broken(sim, PROMISE_CLOCK, "the clock is doubted still, though it is right again");
}

static void tick(struct sim *sim)
{
    size_t *due;
    size_t count = watch_due(sim, &due);
    if (sim->jumps_left) {
        sim->jumps_left--;
        jump(sim, sim->jumps_left % 2 ? JUMP : -JUMP);
    } else
        sim_work(sim);
    for (size_t i = 0; i < count; i++)
        watch_instance(sim, due[i]);
    free(due);
}

static void play(struct sim *sim)
{
    struct moment moment = queue_take(&sim->queue);
    switch (moment.what) {
    case EVENTS_ARE_READ:
        watch_events(sim);
        queue_add(&sim->queue, (struct moment){.at = sim->now + CLOCK_DAY, .what = EVENTS_ARE_READ});
        break;
    case SERVER_COMES_BACK:
        /* The operator has removed the run folder's clock: the machine is right. */
        clock_guard(sim->now, sim->settings.clock_jump_seconds * CLOCK_SECOND);
        server_comes_back(sim);
        sim->jumps_left = 2;
        break;
    case CLOCK_JUMPS:
        sim->jumps_left = JUMPS;
        break;
    default:
        agents_play(sim, &moment);
    }
}

static void begin(struct sim *sim, int days)
{
    int64_t whole = days * CLOCK_DAY;
    sim->end = sim->start + whole;
    sim_go_to(sim->now);
    clock_guard(sim->now, sim->settings.clock_jump_seconds * CLOCK_SECOND);
    agents_begin(sim);
    queue_add(&sim->queue, (struct moment){.at = sim->start, .what = EVENTS_ARE_READ});
    queue_add(&sim->queue, (struct moment){.at = sim->start + whole / 5, .what = CLOCK_JUMPS});
    queue_add(&sim->queue, (struct moment){.at = sim->start + whole * 2 / 5, .what = SERVER_GOES_DOWN});
    queue_add(&sim->queue,
              (struct moment){.at = sim->start + whole * 2 / 5 + SERVER_OUTAGE, .what = SERVER_COMES_BACK});
}

void sim_run(struct sim *sim, int days)
{
    begin(sim, days);
    for (;;) {
        int64_t own = queue_next(&sim->queue), work = sim->server.up ? watch_next_due(sim) : INT64_MAX;
        int64_t at = own < work ? own : work;
        if (at >= sim->end)
            break;
        if (at > sim->now)
            sim->now = at;
        sim_go_to(sim->now);
        if (own <= work)
            play(sim);
        else
            tick(sim);
    }
    sim->now = sim->end;
    sim_go_to(sim->now);
    for (size_t i = 0; i < sim->count; i++)
        watch_life(sim, i);
    watch_pace(sim);
    watch_sums(sim);
}
