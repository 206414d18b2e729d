/* What the scheduler's looks cost, by the size of the fleet. */
#include "sim.h"

#include "fleet/rotate.h"
#include "fleet/work.h"

#include <stdlib.h>
#include <time.h>

enum { IDLE_TICKS = 2000, DUE = 500 };

/* The processor's time: others may be busy on this machine. */
static double microseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The mean of `count` steps, each of which is to answer `expected`; before each the clock goes on by
 * `distance` ms. */
static double time_steps(struct sim *sim, int count, int64_t distance, int expected)
{
    struct error error = {0};
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sim->now += distance;
        sim_go_to(sim->now);
        double begin = microseconds();
        int result = work_step(&sim->fleet, &error);
        sum += microseconds() - begin;
        if (result != expected)
            sim_stop("work_step", result ? error.text : "something was due");
    }
    return sum / count;
}

static void check(int result, const struct error *error)
{
    if (result)
        sim_stop("ticks", error->text);
}

/* Little is left of the lives of some: they are due, whatever their window. */
static void bring_near_their_end(struct sim *sim, size_t count)
{
    struct error error = {0};
    for (size_t i = 0, found = 0; found < count && i < sim->count; i++) {
        struct instance_row row = {0};
        check(store_instance_get_by_resource(sim->fleet.store, sim->instances[i].resource_id, &row, &error),
              &error);
        bool fit = sim->instances[i].rotates && sim->instances[i].reloads && !rotate_outstanding(&row);
        found += fit;
        row.served_issued_at = sim->now - 355 * CLOCK_DAY;
        row.served_not_after = sim->now + 10 * CLOCK_DAY;
        row.reminded_days = 30;
        if (fit)
            check(store_instance_update(sim->fleet.store, &row, &error), &error);
        if (fit)
            check(rotate_schedule(&sim->fleet, &row, &error), &error);
        instance_row_free(&row);
    }
}

struct ticks ticks_measure(size_t instances)
{
    struct error error = {0};
    struct sim *sim = sim_new(instances, 600);
    struct ticks ticks = {.instances = instances};
    sim_work(sim);
    ticks.idle = time_steps(sim, IDLE_TICKS, 0, ERROR_NOT_FOUND);
    bring_near_their_end(sim, DUE);
    int64_t before = watch_generations(sim);
    ticks.rotation = time_steps(sim, DUE, 200, 0);
    /* Some may have come due by themselves meanwhile. */
    if (watch_generations(sim) < before + DUE * 9 / 10)
        sim_stop("ticks", "not every step started a rotation");
    check(store_work_add_all(sim->fleet.store, WORK_ROTATION, sim->now, &error), &error);
    ticks.look = time_steps(sim, DUE, 0, 0);
    sim_free(sim);
    return ticks;
}
