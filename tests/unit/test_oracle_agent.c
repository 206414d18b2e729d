/* The agent's reconciliation with a stand-in for an Oracle home (tests/standin/oracle), and a certificate
 * authority in this process instead of a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/oracle.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SUITES "SSL_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
static const char master_password[] = "a;secret-of-30&'chars";

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

static struct engine_instance instance_of(const struct world *world)
{
    static char folder[128];
    AUTO_FREE char *path = world_path(world, "");
    snprintf(folder, sizeof folder, "%.*s", (int)strlen(path) - 1, path);
    return (struct engine_instance){.folder = folder, .release = &world->releases.items[0]};
}

static int database_process(const struct world *world)
{
    struct engine_instance instance = instance_of(world);
    return oracle_status(&instance).pid;
}

static int listener_process(const struct world *world)
{
    struct engine_instance instance = instance_of(world);
    return oracle_listener_find(&instance);
}

static int set_up(void **state)
{
    if (world_set_up(state))
        return -1;
    struct world *world = *state;
    AUTO_FREE char *home = mem_format("%s/home", world->folder);
    const char *const make[] = {
        "/usr/bin/python3", SOURCE_ROOT "/tests/standin/oracle/home.py", "make", home, "SE2", NULL};
    struct error error;
    if (process_run(make, 20000, NULL, &error)) {
        print_message("%s\n", error.text);
        return -1;
    }
    engine_releases_free(&world->releases);
    oracle_discover(home, &world->releases);
    text_copy(world->desired.engine, sizeof world->desired.engine, "oracle-se2");
    text_copy(world->desired.engine_version, sizeof world->desired.engine_version,
              "19.0.0.0.ru-2023-10.rur-2023-10.r1");
    text_copy(world->desired.database, sizeof world->desired.database, "orders");
    mem_free_secret(world->desired.master_password);
    world->desired.master_password = mem_string(master_password);
    world->desired.port = free_port();
    return 0;
}

/* All of a served chain's names are of the certificate that is expected. */
static void expect_tcps(const struct world *world, int port, bool rsa)
{
    AUTO_FREE char *root_file = world_root_file(world, world->desired.ca_identifier);
    AUTO_BUF struct buf pem = {0};
    struct certificate_list roots = {0};
    struct probe_result served;
    struct error error = {0};
    assert_int_equal(file_read(root_file, 65536, &pem, NULL), 0);
    assert_int_equal(certificate_list_parse_pem(slice_buf(&pem), &roots, NULL), 0);
    const struct probe_target target = {
        .protocol = PROBE_TLS,
        .address = "127.0.0.1",
        .port = port,
        .server_name = ENDPOINT,
        .roots = &roots,
        .host = ENDPOINT,
        .deadline = 10000,
    };
    int result = probe_run(&target, &served, &error);
    if (result)
        print_message("%s\n", error.text);
    assert_int_equal(result, 0);
    assert_true(served.verified);
    assert_string_equal(served.tls_version, "TLSv1.2");
    assert_string_equal(served.cipher, rsa ? "AES256-SHA" : "ECDHE-ECDSA-AES256-GCM-SHA384");
    /* A round that failed before it looked says nothing. */
    if (!world->last.problem)
        assert_string_equal(served.leaf.serial, world->last.certificate_serial);
    assert_string_equal(served.leaf.subject, "C=US,ST=Washington,L=Seattle,O=Amazon.com,OU=RDS,CN=" ENDPOINT);
    probe_result_free(&served);
    certificate_list_free(&roots);
}

static void next(struct world *world)
{
    world->desired.generation++;
    world_converge(world);
}

static void set_option(struct world *world, int port, const char *suites)
{
    char text[8];
    snprintf(text, sizeof text, "%d", port);
    desired_set_parameter(&world->desired, "option.SSL.port", text);
    desired_set_parameter(&world->desired, "SQLNET.SSL_VERSION", "1.2");
    desired_set_parameter(&world->desired, "SQLNET.CIPHER_SUITE", suites);
    desired_set_parameter(&world->desired, "FIPS.SSLFIPS_140", "FALSE");
}

static void a_home_is_found_with_its_edition(void **state)
{
    const struct world *world = *state;
    assert_int_equal(world->releases.count, 1);
    assert_string_equal(world->releases.items[0].engine, "oracle-se2");
    assert_string_equal(world->releases.items[0].version, "19.0.0.0.ru-2023-10.rur-2023-10.r1");
}

static void without_the_option_it_runs_and_serves_no_tls(void **state)
{
    struct world *world = *state;
    world_converge(world);
    assert_int_equal(world->last.state, OBSERVED_RUNNING);
    assert_int_equal(world->last.port, world->desired.port);
    assert_int_equal(world->last.certificate_generation, 1);
    assert_int_equal(world->last.password_generation, 1);
    assert_true(world->last.certificate_serial[0]);
    assert_true(world->last.started_at > 0);
    assert_true(database_process(world) && listener_process(world));
    const struct probe_target target = {
        .protocol = PROBE_TLS, .address = "127.0.0.1", .port = world->last.port, .deadline = 1000};
    struct probe_result served;
    assert_int_not_equal(probe_run(&target, &served, NULL), 0);
    probe_result_free(&served);
    assert_false(reconcile_due(&world->site, &world->desired));
    assert_int_equal(world->events, 0);
}

static char *read_database(const struct world *world)
{
    AUTO_FREE char *find = mem_format("cat %s/home/dbs/*.json", world->folder);
    const char *const arguments[] = {"/bin/sh", "-c", find, NULL};
    AUTO_BUF struct buf text = {0};
    assert_int_equal(process_run(arguments, 20000, &text, NULL), 0);
    return mem_string(buf_text(&text));
}

/* The master's password came to the database, and to no log and no argument. */
static void the_master_has_its_password(void **state)
{
    const struct world *world = *state;
    AUTO_FREE char *text = read_database(world);
    AUTO_FREE char *search =
        mem_format("grep -rlF \"%s\" %s --exclude-dir=home", master_password, world->folder);
    const char *const read_all[] = {"/bin/sh", "-c", search, NULL};
    AUTO_BUF struct buf found = {0};
    assert_non_null(strstr(text, master_password));
    assert_non_null(strstr(text, "\"APP\""));
    assert_non_null(strstr(text, "GRANT ANY OBJECT PRIVILEGE"));
    assert_null(strstr(text, "CREATE EXTERNAL JOB"));
    process_run(read_all, 20000, &found, NULL);
    assert_string_equal(buf_text(&found), "");
}

static void the_option_brings_tls_without_a_restart_of_the_database(void **state)
{
    struct world *world = *state;
    int database = database_process(world), listener = listener_process(world), port = free_port();
    set_option(world, port, SUITES);
    next(world);
    expect_tcps(world, port, false);
    assert_int_equal(database_process(world), database);
    assert_int_not_equal(listener_process(world), listener);
}

static int option_port(const struct world *world)
{
    for (size_t i = 0; i < world->desired.parameter_count; i++)
        if (text_equal(world->desired.parameters[i].name, "option.SSL.port"))
            return atoi(world->desired.parameters[i].value);
    return 0;
}

static void another_authority_restarts_the_listener_alone(void **state)
{
    struct world *world = *state;
    int database = database_process(world), listener = listener_process(world);
    char before[48];
    text_copy(before, sizeof before, world->last.certificate_serial);
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, SECOND_CA);
    world->desired.certificate_generation++;
    next(world);
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
    assert_string_not_equal(world->last.certificate_serial, before);
    expect_tcps(world, option_port(world), true);
    assert_int_equal(database_process(world), database);
    assert_int_not_equal(listener_process(world), listener);
    assert_int_equal(world->events, 0);
}

/* A certificate that none of the option's suites is for: refused, and the old one goes on. */
static void a_certificate_without_a_suite_is_put_back(void **state)
{
    struct world *world = *state;
    set_option(world, option_port(world), "SSL_RSA_WITH_AES_256_CBC_SHA");
    next(world);
    int64_t generation = world->desired.certificate_generation;
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, FIRST_CA);
    world->desired.certificate_generation++;
    world->desired.generation++;
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_non_null(strstr(world->last.problem, "has no suite for the ECDSA certificate"));
    assert_int_equal(world->last.certificate_generation, generation);
    assert_non_null(strstr(world->event, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, SECOND_CA);
    world->desired.certificate_generation++;
    next(world);
    expect_tcps(world, option_port(world), true);
}

static void parameters_come_at_once_or_with_a_restart(void **state)
{
    struct world *world = *state;
    int database = database_process(world);
    desired_set_parameter(&world->desired, "open_cursors", "456");
    desired_set_parameter(&world->desired, "processes", "321");
    next(world);
    AUTO_FREE char *before = read_database(world);
    assert_non_null(strstr(before, "\"open_cursors\": \"456\""));
    assert_null(strstr(before, "321"));
    assert_int_equal(database_process(world), database);
    world->desired.restart++;
    next(world);
    AUTO_FREE char *after = read_database(world);
    assert_non_null(strstr(after, "\"open_cursors\": \"456\""));
    assert_non_null(strstr(after, "\"processes\": \"321\""));
}

/* The wallet is whole or not there at all, and private. */
static void the_wallet_is_private_and_alone(void **state)
{
    const struct world *world = *state;
    AUTO_FREE char *wallets = world_path(world, "tls");
    AUTO_FREE char *list =
        mem_format("cd %s && ls wallets | wc -l && ls wallet/ && find . -type f ! -perm 0600", wallets);
    const char *const arguments[] = {"/bin/sh", "-c", list, NULL};
    AUTO_BUF struct buf text = {0};
    assert_int_equal(process_run(arguments, 20000, &text, NULL), 0);
    assert_string_equal(buf_text(&text), "1\ncwallet.sso\newallet.p12\n");
}

/* The files are whole, the wallet is not: what is served is another certificate, or none. */
static void a_spoilt_wallet_is_made_anew(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *twin = world_path(world, "tls/wallet/cwallet.sso");
    assert_int_equal(file_write(twin, slice_text("spoilt"), 0600, NULL), 0);
    kill(listener_process(world), SIGKILL);
    while (listener_process(world))
        usleep(1000);
    world_converge(world);
    expect_tcps(world, option_port(world), true);
}

static void a_listener_that_died_comes_back(void **state)
{
    struct world *world = *state;
    int database = database_process(world);
    kill(listener_process(world), SIGKILL);
    while (listener_process(world))
        usleep(1000);
    world_converge(world);
    expect_tcps(world, option_port(world), true);
    assert_int_equal(database_process(world), database);
}

static void it_stops_starts_and_restarts(void **state)
{
    struct world *world = *state;
    int database = database_process(world);
    world->desired.restart++;
    next(world);
    assert_int_not_equal(database_process(world), database);
    world->desired.running = false;
    next(world);
    assert_int_equal(world->last.state, OBSERVED_STOPPED);
    assert_int_equal(database_process(world), 0);
    assert_int_equal(listener_process(world), 0);
    world->desired.running = true;
    next(world);
    expect_tcps(world, option_port(world), true);
}

static void a_taken_port_of_the_option_is_named(void **state)
{
    struct world *world = *state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int port = free_port(), before = option_port(world);
    address.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    set_option(world, port, SUITES);
    world->desired.generation++;
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_non_null(strstr(world->last.problem, "of the SSL option is taken"));
    /* The old listener goes on. */
    expect_tcps(world, before, true);
    close(fd);
    world_converge(world);
    expect_tcps(world, port, true);
    set_option(world, before, SUITES);
    next(world);
    expect_tcps(world, before, true);
}

/* Killed in the middle, again and again. */
static void a_killed_round_is_finished_by_the_next(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 4; i++) {
        text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier,
                  i % 2 ? SECOND_CA : FIRST_CA);
        world->desired.certificate_generation++;
        world->desired.generation++;
        world_reconcile_killed(world, (useconds_t)(90000 * (i + 1)));
        world_converge(world);
        expect_tcps(world, option_port(world), i % 2);
    }
}

/* By one who knows nothing but the folder (sealwright down --all), or whose home is gone. */
static void it_stops_without_its_release(void **state)
{
    struct world *world = *state;
    AUTO_FREE char *bin = mem_format("%s/home/bin", world->folder), *away = mem_format("%s.away", bin);
    struct engine_instance instance = instance_of(world);
    instance.release = NULL;
    assert_int_equal(oracle_stop(&instance, 20000, NULL), 0);
    assert_int_equal(database_process(world), 0);
    assert_int_equal(listener_process(world), 0);
    world_converge(world);
    assert_true(database_process(world) && listener_process(world));
    assert_int_equal(rename(bin, away), 0);
    assert_int_equal(oracle_stop(&instance, 20000, NULL), 0);
    assert_int_equal(rename(away, bin), 0);
    assert_int_equal(database_process(world), 0);
    assert_int_equal(listener_process(world), 0);
}

static void it_is_gone_after_its_deletion(void **state)
{
    struct world *world = *state;
    world->desired.deleted = true;
    world->desired.generation++;
    assert_int_equal(world_reconcile(world), RECONCILE_DONE);
    assert_int_equal(database_process(world), 0);
    assert_int_equal(listener_process(world), 0);
    AUTO_FREE char *folder = world_path(world, "");
    assert_false(file_exists(folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_home_is_found_with_its_edition),
        cmocka_unit_test(without_the_option_it_runs_and_serves_no_tls),
        cmocka_unit_test(the_master_has_its_password),
        cmocka_unit_test(the_option_brings_tls_without_a_restart_of_the_database),
        cmocka_unit_test(another_authority_restarts_the_listener_alone),
        cmocka_unit_test(a_certificate_without_a_suite_is_put_back),
        cmocka_unit_test(parameters_come_at_once_or_with_a_restart),
        cmocka_unit_test(the_wallet_is_private_and_alone),
        cmocka_unit_test(a_listener_that_died_comes_back),
        cmocka_unit_test(a_spoilt_wallet_is_made_anew),
        cmocka_unit_test(it_stops_starts_and_restarts),
        cmocka_unit_test(a_taken_port_of_the_option_is_named),
        cmocka_unit_test(a_killed_round_is_finished_by_the_next),
        cmocka_unit_test(it_stops_without_its_release),
        cmocka_unit_test(it_is_gone_after_its_deletion),
    };
    if (drop_root())
        return 77;
    return cmocka_run_group_tests(tests, set_up, world_tear_down);
}
