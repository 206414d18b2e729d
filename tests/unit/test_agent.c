/* The agent's reconciliation with a real PostgreSQL, a certificate authority in this process instead of a
 * server, and crashes. */
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

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect_refusal(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    assert_int_equal(status, PGRES_FATAL_ERROR);
}

static void serves_a_verified_certificate_and_a_master_that_is_no_superuser(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    int64_t begin = clock_steady();
    world_converge(world);
    print_message("created in %lld ms\n", (long long)(clock_steady() - begin));
    assert_int_equal(world->last.state, OBSERVED_RUNNING);
    assert_int_equal(world->last.certificate_generation, 1);
    assert_int_equal(world->last.password_generation, 1);
    assert_true(world->last.started_at > 0);
    assert_int_equal(world->events, 0);
    expect_served(world, world->last.certificate_serial);
    PGconn *connection = world_connect(world, FIRST_CA);
    expect_answer(connection, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user", "f");
    expect_answer(connection, "SELECT pg_has_role(current_user, 'rds_superuser', 'member')", "t");
    expect_answer(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", "t");
    expect_answer(connection, "SHOW data_checksums", "on");
    expect_refusal(connection, "GRANT pg_execute_server_program TO current_user");
    expect_refusal(connection, "COPY (SELECT 1) TO PROGRAM 'cat'");
    expect_refusal(connection, "ALTER ROLE rdsadmin PASSWORD 'x'");
    PQclear(PQexec(connection, "CREATE DATABASE more"));
    PQclear(PQexec(connection,
                   "CREATE ROLE reader LOGIN; CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)"));
    expect_answer(connection, "SELECT n FROM kept", "42");
    PQfinish(connection);
    AUTO_FREE char *log = world_path(world, "log/postgresql.log"), *kept = world_path(world, "state.json");
    AUTO_BUF struct buf text = {0};
    assert_int_equal(file_read(log, 1 << 20, &text, NULL), 0);
    assert_int_equal(file_read(kept, 1 << 20, &text, NULL), 0);
    assert_null(strstr(buf_text(&text), "SCRAM-SHA-256$"));
    assert_null(strstr(buf_text(&text), "quoted"));
    assert_false(reconcile_due(&world->site, &world->desired));
}

static void changes_the_authority_under_an_open_connection(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    char before[48];
    text_copy(before, sizeof before, world->last.certificate_serial);
    PGconn *open = world_connect(world, FIRST_CA);
    AUTO_FREE char *started = ask(open, "SELECT pg_postmaster_start_time()");
    AUTO_FREE char *backend = ask(open, "SELECT pg_backend_pid()");
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, SECOND_CA);
    world->desired.certificate_generation++;
    world->desired.generation++;
    int64_t begin = clock_steady();
    world_converge(world);
    print_message("rotated in %lld ms\n", (long long)(clock_steady() - begin));
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
    assert_string_not_equal(world->last.certificate_serial, before);
    expect_served(world, world->last.certificate_serial);
    expect_answer(open, "SELECT pg_postmaster_start_time()", started);
    expect_answer(open, "SELECT pg_backend_pid()", backend);
    PQfinish(open);
    PQfinish(world_connect(world, SECOND_CA));
    PGconn *old =
        world_connect_as(world, world->desired.master_password, "verify-full", FIRST_CA, "postgres");
    assert_int_not_equal(PQstatus(old), CONNECTION_OK);
    PQfinish(old);
}

/* Another pair for the same names, from the other authority. */
static void make_foreign_pair(const struct world *world, struct buf *chain, struct buf *key_pem)
{
    EVP_PKEY *key = NULL;
    AUTO_FREE char *pem = NULL;
    assert_int_equal(key_generate(KEY_EC_P384, &key, NULL), 0);
    assert_int_equal(world_issue(world, FIRST_CA, key, &world->desired.names, &pem, NULL), 0);
    assert_int_equal(key_to_pem(key, key_pem, NULL), 0);
    buf_append_text(chain, pem);
    EVP_PKEY_free(key);
}

static void puts_a_bad_pair_back_before_a_client_sees_it(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    AUTO_BUF struct buf chain = {0};
    AUTO_SECRET struct buf key = {0};
    AUTO_FREE char *key_file = world_path(world, "tls/server.key"),
                   *chain_file = world_path(world, "tls/server.crt");
    AUTO_FREE char *saved = mem_string(world->last.certificate_serial);
    make_foreign_pair(world, &chain, &key);
    for (int i = 0; i < 2; i++) {
        size_t events = world->events;
        assert_int_equal(
            file_write(i ? chain_file : key_file, i ? slice_buf(&chain) : slice_buf(&key), 0600, NULL), 0);
        kill(world_postmaster(world), SIGHUP);
        usleep(100000);
        expect_served(world, saved);
        assert_true(reconcile_due(&world->site, &world->desired));
        world_converge(world);
        assert_int_equal(world->events, events + 1);
        assert_non_null(strstr(world->event, "changed on disk"));
        assert_non_null(strstr(world->event, "orders"));
        expect_served(world, saved);
    }
    /* The same while the engine is down: the pair is checked before it starts. */
    size_t events = world->events;
    kill(world_postmaster(world), SIGQUIT);
    while (world_postmaster(world))
        usleep(10000);
    waitpid(-1, NULL, WNOHANG);
    assert_int_equal(file_write(key_file, slice_buf(&key), 0600, NULL), 0);
    world_converge(world);
    assert_int_equal(world->events, events + 2); /* the pair, and the engine that did not run */
    expect_served(world, saved);
    PQfinish(world_connect(world, SECOND_CA));
}

static void notices_a_good_pair_that_is_not_the_installed_one(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    AUTO_BUF struct buf chain = {0};
    AUTO_SECRET struct buf key = {0};
    AUTO_FREE char *key_file = world_path(world, "tls/server.key"),
                   *chain_file = world_path(world, "tls/server.crt");
    AUTO_FREE char *saved = mem_string(world->last.certificate_serial);
    size_t events = world->events;
    make_foreign_pair(world, &chain, &key);
    assert_int_equal(file_write(key_file, slice_buf(&key), 0600, NULL), 0);
    assert_int_equal(file_write(chain_file, slice_buf(&chain), 0600, NULL), 0);
    kill(world_postmaster(world), SIGHUP);
    usleep(100000);
    world_converge(world);
    assert_true(world->events > events);
    expect_served(world, saved);
}

static void refuses_certificates_that_are_not_what_it_asked_for(void **state)
{
    static const enum mischief all[] = {MISCHIEF_OTHER_KEY, MISCHIEF_OTHER_NAME, MISCHIEF_RETRY};
    struct world *world = *state;
    world_need_postgres(world);
    AUTO_FREE char *saved = mem_string(world->last.certificate_serial);
    int64_t installed = world->last.certificate_generation;
    world->desired.certificate_generation++;
    world->desired.generation++;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        world->mischief = all[i];
        assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
        assert_int_equal(world->last.state, OBSERVED_WORKING);
        assert_non_null(world->last.problem);
        assert_int_equal(world->last.certificate_generation, installed);
        expect_served(world, saved);
    }
    world->mischief = MISCHIEF_NONE;
    world_converge(world);
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
}

/* Clients of this engine can only use elliptic curves, so a pair of the RSA authority loads but cannot be
 * served. */
static void goes_back_to_the_old_pair_when_the_new_one_cannot_be_served(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, FIRST_CA);
    world->desired.certificate_generation++;
    world->desired.generation++;
    world_converge(world);
    desired_set_parameter(&world->desired, "ssl_max_protocol_version", "TLSv1.2");
    desired_set_parameter(&world->desired, "ssl_ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384");
    world->desired.generation++;
    world_converge(world);
    AUTO_FREE char *saved = mem_string(world->last.certificate_serial);
    int64_t installed = world->last.certificate_generation;
    size_t events = world->events;
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, SECOND_CA);
    world->desired.certificate_generation++;
    world->desired.generation++;
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_int_equal(world->last.state, OBSERVED_WORKING);
    assert_int_equal(world->last.certificate_generation, installed);
    assert_string_equal(world->last.certificate_serial, saved);
    assert_non_null(strstr(world->last.problem, "put back"));
    assert_int_equal(world->events, events + 1);
    assert_non_null(strstr(world->event, "could not be installed"));
    expect_served(world, saved);
    desired_set_parameter(&world->desired, "ssl_max_protocol_version", "");
    desired_set_parameter(&world->desired, "ssl_ciphers", "HIGH:!aNULL");
    world->desired.generation++;
    world_converge(world);
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
}

static void takes_a_new_password_and_requires_tls(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    PGconn *plain = world_connect_as(world, PASSWORD, "disable", SECOND_CA, "postgres");
    assert_int_equal(PQstatus(plain), CONNECTION_OK);
    PQfinish(plain);
    mem_free_secret(world->desired.master_password);
    world->desired.master_password = mem_string("changed-password");
    world->desired.password_generation++;
    world->desired.generation++;
    desired_set_parameter(&world->desired, "rds.force_ssl", "1");
    world_converge(world);
    assert_int_equal(world->last.password_generation, world->desired.password_generation);
    usleep(100000); /* the access rules are read a moment after the signal */
    PQfinish(world_connect(world, SECOND_CA));
    PGconn *old = world_connect_as(world, PASSWORD, "verify-full", SECOND_CA, "postgres");
    assert_int_not_equal(PQstatus(old), CONNECTION_OK);
    PQfinish(old);
    plain = world_connect_as(world, "changed-password", "disable", SECOND_CA, "postgres");
    assert_int_not_equal(PQstatus(plain), CONNECTION_OK);
    assert_non_null(strstr(PQerrorMessage(plain), "no pg_hba.conf entry"));
    assert_non_null(strstr(PQerrorMessage(plain), "no encryption"));
    PQfinish(plain);
}

static void stops_starts_and_restarts_once(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    size_t events = world->events;
    int first = world_postmaster(world);
    world->desired.restart++;
    world->desired.generation++;
    world_converge(world);
    int second = world_postmaster(world);
    assert_int_not_equal(first, second);
    assert_int_equal(world->last.restart, world->desired.restart);
    world_converge(world);
    assert_int_equal(second, world_postmaster(world));
    world->desired.running = false;
    world->desired.generation++;
    world_converge(world);
    assert_int_equal(world->last.state, OBSERVED_STOPPED);
    assert_int_equal(world_postmaster(world), 0);
    assert_false(reconcile_due(&world->site, &world->desired));
    world->desired.running = true;
    world->desired.generation++;
    world_converge(world);
    PGconn *connection = world_connect(world, SECOND_CA);
    expect_answer(connection, "SELECT n FROM kept", "42");
    PQfinish(connection);
    assert_int_equal(world->events, events);
}

static void runs_on_without_a_server_and_reports_later(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    struct instance_state kept;
    AUTO_FREE char *folder = world_path(world, ".");
    size_t events = world->events;
    world->unreachable = true;
    kill(world_postmaster(world), SIGKILL);
    usleep(50000);
    waitpid(-1, NULL, WNOHANG);
    /* As after a start of the agent: the desired state comes from the disk. */
    assert_int_equal(state_load(folder, &kept, NULL), 0);
    assert_null(kept.desired.master_password);
    assert_int_equal(kept.desired.generation, world->desired.generation);
    assert_int_equal(reconcile_instance(&world->site, &world->transport, &kept.desired, false),
                     RECONCILE_AGAIN);
    state_free(&kept);
    PQfinish(world_connect(world, SECOND_CA));
    world->unreachable = false;
    world_converge(world);
    assert_int_equal(world->events, events + 1);
    assert_non_null(strstr(world->event, "was not running"));
}

static void says_which_port_is_taken(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    AUTO_CLOSE int taken = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
    int before = world->desired.port;
    world->desired.port = ntohs(address.sin_port);
    world->desired.generation++;
    assert_int_equal(world_reconcile(world), RECONCILE_FAILED);
    assert_int_equal(world->last.state, OBSERVED_FAILED);
    assert_non_null(strstr(world->last.problem, "is taken by another program"));
    world->desired.port = before;
    world->desired.generation++;
    world_converge(world);
}

static void survives_kills_at_any_instant(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    size_t events = world->events;
    int ended = 0;
    srand((unsigned)clock_now());
    for (int i = 0; i < 20; i++) {
        world->desired.certificate_generation += i % 2;
        world->desired.restart += i % 5 == 0;
        world->desired.generation++;
        text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier,
                  i % 4 < 2 ? FIRST_CA : SECOND_CA);
        ended += world_reconcile_killed(world, (useconds_t)(rand() % 250) * 1000);
    }
    print_message("%d of 20 rounds ended before they were killed\n", ended);
    world_converge(world);
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
    assert_int_equal(world->last.restart, world->desired.restart);
    expect_served(world, world->last.certificate_serial);
    PQfinish(world_connect(world, world->desired.ca_identifier));
    /* None of what it did itself may look to it like somebody else's doing. */
    if (world->events != events)
        print_message("event: %s\n", world->event);
    assert_int_equal(world->events, events);
}

static void removes_what_was_deleted(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    AUTO_FREE char *folder = world_path(world, "");
    int postmaster = world_postmaster(world);
    world->desired.deleted = true;
    world->desired.generation++;
    world->unreachable = true;
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    world->unreachable = false;
    assert_int_equal(world_reconcile(world), RECONCILE_DONE);
    assert_int_equal(world->last.state, OBSERVED_DELETED);
    assert_false(file_exists(folder));
    assert_false(process_alive(postmaster));
    assert_int_equal(world_reconcile(world), RECONCILE_DONE);
    assert_int_equal(world->last.state, OBSERVED_DELETED);
}

static void is_created_in_spite_of_kills(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    world->desired.deleted = false;
    world->desired.generation = 1;
    world->desired.certificate_generation = 1;
    world->desired.restart = 0;
    observed_free(&world->last);
    size_t events = world->events;
    for (int i = 0; i < 8; i++)
        world_reconcile_killed(world, (useconds_t)(i * 200 + rand() % 200) * 1000);
    world_converge(world);
    PQfinish(world_connect(world, world->desired.ca_identifier));
    assert_int_equal(world->events, events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_a_verified_certificate_and_a_master_that_is_no_superuser),
        cmocka_unit_test(changes_the_authority_under_an_open_connection),
        cmocka_unit_test(puts_a_bad_pair_back_before_a_client_sees_it),
        cmocka_unit_test(notices_a_good_pair_that_is_not_the_installed_one),
        cmocka_unit_test(refuses_certificates_that_are_not_what_it_asked_for),
        cmocka_unit_test(goes_back_to_the_old_pair_when_the_new_one_cannot_be_served),
        cmocka_unit_test(takes_a_new_password_and_requires_tls),
        cmocka_unit_test(stops_starts_and_restarts_once),
        cmocka_unit_test(runs_on_without_a_server_and_reports_later),
        cmocka_unit_test(says_which_port_is_taken),
        cmocka_unit_test(survives_kills_at_any_instant),
        cmocka_unit_test(removes_what_was_deleted),
        cmocka_unit_test(is_created_in_spite_of_kills),
    };
    if (drop_root())
        return 1;
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
