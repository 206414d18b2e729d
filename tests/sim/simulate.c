/* simulate [INSTANCES [DAYS [ROTATIONS-PER-MINUTE]]]: a fleet's certificates over years, in minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static size_t instances = 500;
static int days = 1096, per_minute = 20;
static struct sim *sim;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_figures(double wall)
{
    const struct figures *f = &sim->figures;
    printf("figures: simulated fleet: %zu instances on %zu hosts, %d days: %lld rotations (%lld in windows, "
           "%lld "
           "emergencies, %lld asked for, %lld undone), at most %lld started in a minute (limit %d); of a "
           "life at "
           "most %.1f %% used while the host was up (%.1f %% where the engine must restart, %.1f %% where a "
           "rotation was undone), %lld expired on hosts that were down; %lld events, %lld of them warnings; "
           "%lld "
           "rows due in %lld jumps of the clock; %lld looks; %.0f s\n",
           sim->count, sim->host_count, days, (long long)f->rotations, (long long)f->in_window,
           (long long)f->emergencies, (long long)f->asked, (long long)f->undone,
           (long long)f->most_in_a_minute, per_minute, 100 * f->worst_share, 100 * f->worst_share_restart,
           100 * f->worst_share_undone, (long long)f->expired, (long long)f->events, (long long)f->warnings,
           (long long)f->due_in_jump, (long long)f->jumps, (long long)f->looks, wall);
    fflush(stdout);
}

static int simulate(void **state)
{
    (void)state;
    double begin = seconds();
    sim = sim_new(instances, per_minute);
    sim_run(sim, days);
    print_figures(seconds() - begin);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sim_free(sim);
    return 0;
}

static void assert_kept(enum promise promise)
{
    const struct broken *broken = &sim->broken[promise];
    if (broken->count)
        fail_msg("%lld times; first %s", (long long)broken->count, broken->first);
}

static void no_certificate_grows_too_old_while_its_host_is_up(void **state)
{
    (void)state;
    assert_kept(PROMISE_LIFE);
    assert_true(sim->figures.installed > (int64_t)instances);
    assert_true(sim->figures.worst_share < 1);
}

static void no_minute_has_more_rotations_than_the_limit(void **state)
{
    (void)state;
    assert_kept(PROMISE_PACE);
    assert_true(sim->figures.most_in_a_minute > per_minute / 2); /* it was reached for */
}

static void outside_the_window_only_emergencies_rotate(void **state)
{
    (void)state;
    assert_kept(PROMISE_WINDOW);
    assert_true(sim->figures.in_window > (int64_t)instances && sim->figures.emergencies > 0);
}

static void rds_ca_2019_is_never_rotated(void **state)
{
    (void)state;
    assert_kept(PROMISE_LEGACY);
    assert_true(sim->figures.legacy_expired > 0);
}

static void who_is_near_the_end_or_late_is_warned(void **state)
{
    (void)state;
    assert_kept(PROMISE_WARNING);
    assert_true(sim->figures.warnings > 0 && sim->figures.late > 0);
}

static void an_undone_rotation_pauses(void **state)
{
    (void)state;
    assert_kept(PROMISE_PAUSE);
    assert_true(sim->figures.undone > 0);
}

static void each_step_is_told_once(void **state)
{
    (void)state;
    assert_kept(PROMISE_EVENT);
}

static void a_clock_that_jumps_starts_nothing(void **state)
{
    (void)state;
    assert_kept(PROMISE_CLOCK);
    assert_true(sim->figures.due_in_jump > sim->figures.jumps);
}

/* What is due is paid for, not the fleet: 100 times as many instances cost less than ten times as much. That
 * is all that is asserted of times, and it takes the long form. */
static void assert_level(double large, double small)
{
    assert_true(large < 10 * small + 50);
}

static void a_tick_costs_what_is_due(void **state)
{
    static const size_t sizes[] = {1000, 10000, 100000};
    struct ticks ticks[3];
    size_t count = 0;
    (void)state;
    for (; count < 3 && (count == 0 || sizes[count] <= instances); count++)
        ticks[count] = ticks_measure(sizes[count]);
    printf("figures: scheduler:");
    for (size_t i = 0; i < count; i++)
        printf("%s %zu instances: idle tick %.1f us, look at one that is due %.0f us, start of a rotation "
               "%.0f us",
               i ? ";" : "", ticks[i].instances, ticks[i].idle, ticks[i].look, ticks[i].rotation);
    printf("\n");
    fflush(stdout);
    assert_level(ticks[count - 1].idle, ticks[0].idle);
    assert_level(ticks[count - 1].look, ticks[0].look);
    assert_level(ticks[count - 1].rotation, ticks[0].rotation);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_certificate_grows_too_old_while_its_host_is_up),
        cmocka_unit_test(no_minute_has_more_rotations_than_the_limit),
        cmocka_unit_test(outside_the_window_only_emergencies_rotate),
        cmocka_unit_test(rds_ca_2019_is_never_rotated),
        cmocka_unit_test(who_is_near_the_end_or_late_is_warned),
        cmocka_unit_test(an_undone_rotation_pauses),
        cmocka_unit_test(each_step_is_told_once),
        cmocka_unit_test(a_clock_that_jumps_starts_nothing),
        cmocka_unit_test(a_tick_costs_what_is_due),
    };
    if (argc > 1)
        instances = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        days = (int)strtol(argv[2], NULL, 10);
    if (argc > 3)
        per_minute = (int)strtol(argv[3], NULL, 10);
    return cmocka_run_group_tests(tests, simulate, tear_down);
}
