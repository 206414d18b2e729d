/* The agent's reconciliation with an engine that must restart for a new certificate: SQL Server, of which a
 * stand-in plays the part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/state.h"
#include "agent_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/sqlserver.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int set_up(void **state)
{
    int result = world_set_up(state);
    struct world *world = *state;
    setenv("ACCEPT_EULA", "Y", 1);
    engine_releases_free(&world->releases);
    sqlserver_discover(SOURCE_ROOT "/tests/standin", &world->releases);
    text_copy(world->desired.engine, sizeof world->desired.engine, "sqlserver-se");
    text_copy(world->desired.engine_version, sizeof world->desired.engine_version, "16.00.4175.1.v1");
    world->desired.database[0] = 0;
    return result;
}

static struct engine_instance instance_of(const struct world *world, char *folder, size_t size)
{
    snprintf(folder, size, "%s/" RESOURCE, world->folder);
    return (struct engine_instance){.folder = folder};
}

static struct engine_status status_of(const struct world *world)
{
    char folder[200];
    const struct engine_instance instance = instance_of(world, folder, sizeof folder);
    return sqlserver_status(&instance);
}

static void expect_tds(const struct world *world, enum probe_protocol protocol)
{
    const struct probe_target target = {.protocol = protocol,
                                        .address = "127.0.0.1",
                                        .port = world->last.port,
                                        .server_name = ENDPOINT,
                                        .deadline = 5000};
    struct probe_result served;
    assert_int_equal(probe_run(&target, &served, NULL), 0);
    assert_string_equal(served.leaf.serial, world->last.certificate_serial);
    assert_int_equal(served.chain.count, 2);
    probe_result_free(&served);
}

static void expect_serving(const struct world *world)
{
    AUTO_FREE char *master = world_path(world, "data/data/master.json");
    AUTO_BUF struct buf text = {0};
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
    expect_tds(world, PROBE_TDS);
    expect_tds(world, PROBE_TDS_STRICT);
    assert_int_equal(file_read(master, 1 << 20, &text, NULL), 0);
    assert_non_null(strstr(buf_text(&text), "\"name\": \"app\""));
    assert_false(reconcile_due(&world->site, &world->desired));
}

static void serves_with_the_chain_and_keeps_its_passwords_to_itself(void **state)
{
    static const char *const files[] = {"log/sqlservr.log", "data/setup.log", "data/mssql.conf",
                                        "freetds.conf", "state.json"};
    struct world *world = *state;
    world_converge(world);
    assert_int_equal(world->last.state, OBSERVED_RUNNING);
    assert_int_equal(world->last.password_generation, 1);
    assert_true(world->last.started_at > clock_now() - CLOCK_MINUTE);
    assert_int_equal(world->events, 0);
    expect_serving(world);
    AUTO_FREE char *secret_file = world_path(world, "data/sa-password");
    AUTO_SECRET struct buf secret = {0};
    assert_int_equal(file_check_private(secret_file, NULL), 0);
    assert_int_equal(file_read(secret_file, 256, &secret, NULL), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        AUTO_FREE char *path = world_path(world, files[i]);
        AUTO_BUF struct buf text = {0};
        assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
        assert_null(strstr(buf_text(&text), buf_text(&secret)));
        assert_null(strstr(buf_text(&text), "quoted"));
    }
    char path[64];
    AUTO_BUF struct buf environment = {0};
    snprintf(path, sizeof path, "/proc/%d/environ", status_of(world).pid);
    assert_int_equal(file_read(path, 1 << 16, &environment, NULL), 0);
    for (size_t i = 0; i < environment.length; i++)
        if (!environment.data[i])
            environment.data[i] = '\n';
    assert_non_null(strstr(buf_text(&environment), "MSSQL_PID=Standard\n"));
    assert_null(strstr(buf_text(&environment), "PASSWORD"));
}

static void want_certificate(struct world *world, const char *ca_identifier)
{
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, ca_identifier);
    world->desired.certificate_generation++;
    world->desired.generation++;
}

static void restarts_once_for_a_new_certificate(void **state)
{
    struct world *world = *state;
    char before[48];
    text_copy(before, sizeof before, world->last.certificate_serial);
    int64_t started = status_of(world).started_at;
    want_certificate(world, SECOND_CA);
    world_converge(world);
    assert_string_not_equal(world->last.certificate_serial, before);
    expect_serving(world);
    assert_true(status_of(world).started_at > started);
    int pid = status_of(world).pid;
    world_converge(world);
    assert_int_equal(status_of(world).pid, pid);
    assert_int_equal(world->events, 0);
}

/* A restart that comes anyway brings what waits: one, not two. */
static void a_restart_takes_the_new_certificate_along(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *log = world_path(world, "log/sqlservr.log");
    AUTO_BUF struct buf before = {0}, after = {0};
    assert_int_equal(file_read(log, 1 << 20, &before, NULL), 0);
    want_certificate(world, FIRST_CA);
    world->desired.restart++;
    world_converge(world);
    expect_serving(world);
    assert_int_equal(world->last.restart, world->desired.restart);
    assert_int_equal(file_read(log, 1 << 20, &after, NULL), 0);
    const char *first = strstr(buf_text(&after) + before.length, "is now ready for client connections");
    assert_non_null(first);
    assert_null(strstr(first + 1, "is now ready for client connections"));
    assert_int_equal(world->events, 0);
}

static void a_stopped_one_starts_with_the_new_certificate(void **state)
{
    struct world *world = *state;
    world->desired.running = false;
    world->desired.generation++;
    world_converge(world);
    assert_int_equal(world->last.state, OBSERVED_STOPPED);
    assert_false(status_of(world).running);
    want_certificate(world, SECOND_CA);
    world->desired.running = true;
    world_converge(world);
    expect_serving(world);
    assert_int_equal(world->events, 0);
}

/* The engine loads no other key than that it has, and ends with the new one. */
static void goes_back_to_the_old_pair_when_the_new_one_cannot_be_served(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *saved = mem_string(world->last.certificate_serial);
    AUTO_FREE char *key_file = world_path(world, "tls/server.key"),
                   *only = world_path(world, "data/only-key");
    AUTO_SECRET struct buf key = {0};
    int64_t installed = world->last.certificate_generation;
    size_t events = world->events;
    assert_int_equal(file_read(key_file, 1 << 16, &key, NULL), 0);
    assert_int_equal(file_write(only, slice_buf(&key), 0600, NULL), 0);
    want_certificate(world, FIRST_CA);
    int pid = 0;
    for (int i = 0; i < 3; i++) {
        /* What cannot be done for a day is no reason to be at it all the time: the rest is reached. */
        assert_int_equal(world_reconcile(world), i ? RECONCILE_DONE : RECONCILE_AGAIN);
        assert_int_equal(world->last.state, i ? OBSERVED_RUNNING : OBSERVED_WORKING);
        assert_int_equal(world->last.certificate_generation, installed);
        assert_non_null(strstr(world->last.problem, "put back"));
        assert_string_equal(world->last.certificate_serial, saved);
        expect_tds(world, PROBE_TDS);
        assert_int_equal(world->events, events + 1); /* told once */
        assert_non_null(strstr(world->event, "Unable to load"));
        if (i)
            assert_int_equal(status_of(world).pid, pid); /* nor is it restarted for it again */
        pid = status_of(world).pid;
    }
    assert_false(reconcile_due(&world->site, &world->desired));
    clock_shift(2 * CLOCK_DAY);
    assert_true(reconcile_due(&world->site, &world->desired));
    clock_shift(0);
    /* A restart tries again; rounds that are killed between the new files and the old ones back. */
    for (int i = 0; i < 4; i++) {
        world->desired.restart++;
        world->desired.generation++;
        world_reconcile_killed(world, (useconds_t)(100 + i * 150) * 1000);
    }
    assert_int_equal(file_remove_tree(only, NULL), 0);
    /* One that was under way when it was cut off counts as done. */
    for (int i = 0; i < 3 && world->last.certificate_generation != world->desired.certificate_generation;
         i++) {
        world->desired.restart++;
        world->desired.generation++;
        world_reconcile(world);
    }
    world_converge(world);
    assert_int_equal(world->events, events + 1);
    expect_serving(world);
}

static void is_started_again_when_it_was_killed(void **state)
{
    struct world *world = *state;
    size_t events = world->events;
    kill(status_of(world).pid, SIGKILL); /* the serving process lives on for the moment */
    while (status_of(world).running)
        waitpid(-1, NULL, WNOHANG);
    assert_true(reconcile_due(&world->site, &world->desired));
    world_converge(world);
    expect_serving(world);
    assert_int_equal(world->events, events + 1);
    assert_non_null(strstr(world->event, "was not running"));
}

static void files_that_somebody_changed_go_back_without_a_restart(void **state)
{
    struct world *world = *state;
    size_t events = world->events;
    int pid = status_of(world).pid;
    AUTO_FREE char *key = world_path(world, "tls/server.key");
    assert_int_equal(file_write(key, slice_text("no key"), 0600, NULL), 0);
    assert_true(reconcile_due(&world->site, &world->desired));
    world_converge(world);
    assert_int_equal(world->events, events + 1);
    assert_non_null(strstr(world->event, "changed on disk"));
    assert_int_equal(status_of(world).pid, pid);
    expect_serving(world);
}

static void parameters_wait_for_a_restart(void **state)
{
    struct world *world = *state;
    int pid = status_of(world).pid;
    desired_set_parameter(&world->desired, "rds.force_ssl", "1");
    world->desired.generation++;
    world_converge(world);
    assert_int_equal(status_of(world).pid, pid);
    world->desired.restart++;
    world->desired.generation++;
    world_converge(world);
    assert_int_not_equal(status_of(world).pid, pid);
    expect_serving(world);
}

static void survives_kills_at_any_instant(void **state)
{
    struct world *world = *state;
    size_t events = world->events;
    int ended = 0;
    srand((unsigned)clock_now());
    for (int i = 0; i < 20; i++) {
        world->desired.certificate_generation += i % 2;
        world->desired.restart += i % 5 == 0;
        world->desired.generation++;
        text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier,
                  i % 4 < 2 ? FIRST_CA : SECOND_CA);
        ended += world_reconcile_killed(world, (useconds_t)(rand() % 1500) * 1000);
    }
    print_message("%d of 20 rounds ended before they were killed\n", ended);
    world_converge(world);
    assert_int_equal(world->last.restart, world->desired.restart);
    expect_serving(world);
    if (world->events != events)
        print_message("event: %s\n", world->event);
    assert_int_equal(world->events, events);
}

static void removes_what_was_deleted(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *folder = world_path(world, "");
    int pid = status_of(world).pid;
    world->desired.deleted = true;
    world->desired.generation++;
    world_converge(world);
    assert_int_equal(world->last.state, OBSERVED_DELETED);
    assert_false(file_exists(folder));
    assert_false(process_alive(pid));
}

static void is_created_in_spite_of_kills(void **state)
{
    struct world *world = *state;
    world->desired.deleted = false;
    world->desired.generation = 1;
    world->desired.certificate_generation = 1;
    world->desired.restart = 0;
    observed_free(&world->last);
    size_t events = world->events;
    for (int i = 0; i < 8; i++)
        world_reconcile_killed(world, (useconds_t)(i * 200 + rand() % 200) * 1000);
    world_converge(world);
    expect_serving(world);
    assert_int_equal(world->events, events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_with_the_chain_and_keeps_its_passwords_to_itself),
        cmocka_unit_test(restarts_once_for_a_new_certificate),
        cmocka_unit_test(a_restart_takes_the_new_certificate_along),
        cmocka_unit_test(a_stopped_one_starts_with_the_new_certificate),
        cmocka_unit_test(goes_back_to_the_old_pair_when_the_new_one_cannot_be_served),
        cmocka_unit_test(is_started_again_when_it_was_killed),
        cmocka_unit_test(files_that_somebody_changed_go_back_without_a_restart),
        cmocka_unit_test(parameters_wait_for_a_restart),
        cmocka_unit_test(survives_kills_at_any_instant),
        cmocka_unit_test(removes_what_was_deleted),
        cmocka_unit_test(is_created_in_spite_of_kills),
    };
    if (drop_root())
        return 1;
    return cmocka_run_group_tests(tests, set_up, world_tear_down);
}
