/* The agent's reconciliation with a real PostgreSQL, a certificate authority in this process instead of a
 * server, and crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/reconcile.h"
#include "agent/state.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENDPOINT  "orders.c0ffee.us-east-1.rds.localhost"
#define RESOURCE  "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define FIRST_CA  "rds-ca-ecc384-g1"
#define SECOND_CA "rds-ca-rsa2048-g1"
#define PASSWORD  "it's \"quoted\" \\ pass"

struct authority {
    EVP_PKEY *root_key, *subordinate_key;
    X509 *root, *subordinate;
};

/* How the stand-in for the server misbehaves. */
enum mischief { MISCHIEF_NONE, MISCHIEF_OTHER_KEY, MISCHIEF_OTHER_NAME, MISCHIEF_RETRY };

struct world {
    char folder[64];
    struct authority first, second;
    struct engine_releases releases;
    struct agent_site site;
    struct agent_transport transport;
    struct desired_instance desired;
    enum mischief mischief;
    bool unreachable;
    struct observed_instance last; /* the newest report */
    size_t events;                 /* of all reports */
    char event[600];               /* the newest one */
};

static void make_authority(struct authority *authority, const char *identifier)
{
    struct organisation organisation;
    struct text_list domains = {0};
    organisation_defaults(&organisation);
    text_list_add(&domains, "localhost");
    struct ca_spec spec = {
        .profile = ca_profile_find(identifier),
        .scope = "us-east-1",
        .partition = "aws",
        .number = 1,
        .not_before = clock_now() - CLOCK_HOUR,
        .organisation = &organisation,
    };
    assert_non_null(spec.profile);
    assert_int_equal(key_generate(spec.profile->key, &authority->root_key, NULL), 0);
    assert_int_equal(key_generate(spec.profile->key, &authority->subordinate_key, NULL), 0);
    assert_int_equal(ca_certificate_issue(&spec, authority->root_key, NULL, NULL, &authority->root, NULL), 0);
    spec.subordinate = true;
    spec.permitted_domains = &domains;
    assert_int_equal(ca_certificate_issue(&spec, authority->subordinate_key, authority->root,
                                          authority->root_key, &authority->subordinate, NULL),
                     0);
    text_list_free(&domains);
}

static void free_authority(struct authority *authority)
{
    EVP_PKEY_free(authority->root_key);
    EVP_PKEY_free(authority->subordinate_key);
    X509_free(authority->root);
    X509_free(authority->subordinate);
}

static const struct authority *authority_of(const struct world *world, const char *identifier)
{
    return text_equal(identifier, FIRST_CA) ? &world->first : &world->second;
}

static int issue(const struct world *world, const char *ca_identifier, EVP_PKEY *key,
                 const struct text_list *names, char **chain, struct error *error)
{
    const struct authority *authority = authority_of(world, ca_identifier);
    struct organisation organisation;
    AUTO_BUF struct buf pem = {0};
    X509 *leaf = NULL;
    organisation_defaults(&organisation);
    const struct server_spec spec = {
        .profile = ca_profile_find(ca_identifier),
        .partition = "aws",
        .names = names,
        .not_before = clock_now() - 5 * CLOCK_MINUTE,
        .not_after = clock_now() + 365 * CLOCK_DAY,
        .organisation = &organisation,
    };
    int result = server_certificate_issue(&spec, key, authority->subordinate, authority->subordinate_key,
                                          authority->root, &leaf, error);
    if (result)
        return result;
    certificate_pem(leaf, &pem);
    certificate_pem(authority->subordinate, &pem);
    certificate_pem(authority->root, &pem);
    X509_free(leaf);
    *chain = mem_string(buf_text(&pem));
    return 0;
}

static int give_certificate(void *context, const struct certificate_request *request,
                            struct certificate_reply *reply, struct error *error)
{
    const struct world *world = context;
    EVP_PKEY *key = NULL;
    struct text_list names = {0};
    if (world->unreachable)
        return error_set(error, ERROR_IO, "the server was not reached");
    text_copy(reply->resource_id, sizeof reply->resource_id, request->resource_id);
    reply->certificate_generation = request->certificate_generation;
    if (world->mischief == MISCHIEF_RETRY) {
        reply->retry = true;
        reply->error = mem_string("the authority is still being made");
        return 0;
    }
    int result = request_read(slice_buf(&request->request), &key, &names, error);
    assert_int_equal(result, 0);
    assert_true(text_list_equal(&names, &world->desired.names));
    if (world->mischief == MISCHIEF_OTHER_KEY) {
        EVP_PKEY_free(key);
        assert_int_equal(key_generate(ca_profile_find(world->desired.ca_identifier)->key, &key, NULL), 0);
    }
    if (world->mischief == MISCHIEF_OTHER_NAME) {
        text_list_free(&names);
        text_list_add(&names, "other.c0ffee.us-east-1.rds.localhost");
    }
    result = issue(world, world->desired.ca_identifier, key, &names, &reply->chain, error);
    EVP_PKEY_free(key);
    text_list_free(&names);
    return result;
}

static int take_report(void *context, const json_t *json, struct error *error)
{
    struct world *world = context;
    struct observed_instance observed;
    if (world->unreachable)
        return error_set(error, ERROR_IO, "the server was not reached");
    assert_int_equal(observed_from_json(json, &observed, error), 0);
    observed_free(&world->last);
    world->last = observed;
    world->events += observed.event_count;
    if (observed.event_count)
        snprintf(world->event, sizeof world->event, "%s", observed.events[0].message);
    return 0;
}

static void set_desired(struct desired_instance *desired)
{
    *desired = (struct desired_instance){
        .generation = 1, .running = true, .certificate_generation = 1, .password_generation = 1};
    text_copy(desired->resource_id, sizeof desired->resource_id, RESOURCE);
    text_copy(desired->identifier, sizeof desired->identifier, "orders");
    text_copy(desired->region, sizeof desired->region, "us-east-1");
    text_copy(desired->engine, sizeof desired->engine, "postgres");
    text_copy(desired->ca_identifier, sizeof desired->ca_identifier, FIRST_CA);
    text_copy(desired->master_username, sizeof desired->master_username, "app");
    text_copy(desired->database, sizeof desired->database, "or\"ders");
    desired->master_password = mem_string(PASSWORD);
    text_list_add(&desired->names, ENDPOINT);
    text_list_add(&desired->names, "db.localhost");
    desired_set_parameter(desired, "rds.force_ssl", "0");
}

static int set_up(void **state)
{
    struct world *world = mem_new(sizeof *world);
    snprintf(world->folder, sizeof world->folder, "/tmp/sealwright-agent-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    setenv("HOME", world->folder, 1); /* libpq looks for files of the user there */
    make_authority(&world->first, FIRST_CA);
    make_authority(&world->second, SECOND_CA);
    engine_discover(NULL, &world->releases);
    set_desired(&world->desired);
    if (world->releases.count)
        text_copy(world->desired.engine_version, sizeof world->desired.engine_version,
                  world->releases.items[0].version);
    world->site =
        (struct agent_site){world->folder, "127.0.0.1,::1", "127.0.0.0/8,::1/128", &world->releases};
    world->transport = (struct agent_transport){give_certificate, take_report, world};
    *state = world;
    return 0;
}

static enum reconcile_outcome reconcile(struct world *world)
{
    return reconcile_instance(&world->site, &world->transport, &world->desired, true);
}

static int tear_down(void **state)
{
    struct world *world = *state;
    world->mischief = MISCHIEF_NONE;
    world->unreachable = false;
    world->desired.deleted = true;
    world->desired.generation++;
    reconcile(world);
    file_remove_tree(world->folder, NULL);
    desired_free(&world->desired);
    observed_free(&world->last);
    engine_releases_free(&world->releases);
    free_authority(&world->first);
    free_authority(&world->second);
    free(world);
    return 0;
}

static void need_postgres(const struct world *world)
{
    if (world->releases.count)
        return;
    print_message("no PostgreSQL is installed: skipped\n");
    skip();
}

static void converge(struct world *world)
{
    enum reconcile_outcome outcome = reconcile(world);
    /* What a killed round left behind may hold the instance's lock for a moment. */
    for (int i = 0;
         i < 50 && outcome == RECONCILE_AGAIN && world->last.generation != world->desired.generation; i++) {
        usleep(20000);
        outcome = reconcile(world);
    }
    if (outcome != RECONCILE_DONE && world->last.problem)
        print_message("problem: %s\n", world->last.problem);
    assert_int_equal(outcome, RECONCILE_DONE);
    assert_int_equal(world->last.generation, world->desired.generation);
    assert_null(world->last.problem);
}

static char *write_root(const struct world *world, const char *ca_identifier)
{
    AUTO_BUF struct buf pem = {0};
    char *path = mem_format("%s/.%s.pem", world->folder, ca_identifier);
    certificate_pem(authority_of(world, ca_identifier)->root, &pem);
    assert_int_equal(file_write(path, slice_buf(&pem), 0600, NULL), 0);
    return path;
}

static PGconn *connect_as(const struct world *world, const char *password, const char *sslmode,
                          const char *ca_identifier, const char *database)
{
    char port[8];
    AUTO_FREE char *root = write_root(world, ca_identifier);
    snprintf(port, sizeof port, "%d", world->last.port);
    const char *const names[] = {"host",   "hostaddr", "port",        "user",     "password",
                                 "dbname", "sslmode",  "sslrootcert", "passfile", NULL};
    const char *const values[] = {ENDPOINT, "127.0.0.1", port, world->desired.master_username, password,
                                  database, sslmode,     root, "/tmp/no-password-file",        NULL};
    return PQconnectdbParams(names, values, 0);
}

static PGconn *connect_verified(const struct world *world, const char *ca_identifier)
{
    PGconn *connection = connect_as(world, world->desired.master_password, "verify-full", ca_identifier,
                                    world->desired.database);
    if (PQstatus(connection) != CONNECTION_OK)
        print_message("%s", PQerrorMessage(connection));
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    return connection;
}

static char *ask(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        print_message("%s: %s", sql, PQerrorMessage(connection));
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    char *value = mem_string(PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

static void expect_answer(PGconn *connection, const char *sql, const char *expected)
{
    AUTO_FREE char *value = ask(connection, sql);
    assert_string_equal(value, expected);
}

static void expect_refusal(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    assert_int_equal(status, PGRES_FATAL_ERROR);
}

static void expect_served(const struct world *world, const char *serial)
{
    const struct probe_target target = {PROBE_POSTGRES, "127.0.0.1", world->last.port, ENDPOINT, NULL,
                                        NULL,           5000};
    struct probe_result served;
    assert_int_equal(probe_run(&target, &served, NULL), 0);
    assert_string_equal(served.leaf.serial, serial);
    probe_result_free(&served);
}

static char *path_of(const struct world *world, const char *name)
{
    return mem_format("%s/" RESOURCE "/%s", world->folder, name);
}

static int postmaster_of(const struct world *world)
{
    AUTO_FREE char *path = path_of(world, "data/postmaster.pid");
    AUTO_BUF struct buf text = {0};
    return file_read(path, 4096, &text, NULL) ? 0 : (int)strtol(buf_text(&text), NULL, 10);
}

static void serves_a_verified_certificate_and_a_master_that_is_no_superuser(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    int64_t begin = clock_steady();
    converge(world);
    print_message("created in %lld ms\n", (long long)(clock_steady() - begin));
    assert_int_equal(world->last.state, OBSERVED_RUNNING);
    assert_int_equal(world->last.certificate_generation, 1);
    assert_int_equal(world->last.password_generation, 1);
    assert_true(world->last.started_at > 0);
    assert_int_equal(world->events, 0);
    expect_served(world, world->last.certificate_serial);
    PGconn *connection = connect_verified(world, FIRST_CA);
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
    AUTO_FREE char *log = path_of(world, "log/postgresql.log"), *kept = path_of(world, "state.json");
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
    need_postgres(world);
    char before[48];
    text_copy(before, sizeof before, world->last.certificate_serial);
    PGconn *open = connect_verified(world, FIRST_CA);
    AUTO_FREE char *started = ask(open, "SELECT pg_postmaster_start_time()");
    AUTO_FREE char *backend = ask(open, "SELECT pg_backend_pid()");
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, SECOND_CA);
    world->desired.certificate_generation++;
    world->desired.generation++;
    int64_t begin = clock_steady();
    converge(world);
    print_message("rotated in %lld ms\n", (long long)(clock_steady() - begin));
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
    assert_string_not_equal(world->last.certificate_serial, before);
    expect_served(world, world->last.certificate_serial);
    expect_answer(open, "SELECT pg_postmaster_start_time()", started);
    expect_answer(open, "SELECT pg_backend_pid()", backend);
    PQfinish(open);
    PQfinish(connect_verified(world, SECOND_CA));
    PGconn *old = connect_as(world, world->desired.master_password, "verify-full", FIRST_CA, "postgres");
    assert_int_not_equal(PQstatus(old), CONNECTION_OK);
    PQfinish(old);
}

/* Another pair for the same names, from the other authority. */
static void make_foreign_pair(const struct world *world, struct buf *chain, struct buf *key_pem)
{
    EVP_PKEY *key = NULL;
    AUTO_FREE char *pem = NULL;
    assert_int_equal(key_generate(KEY_EC_P384, &key, NULL), 0);
    assert_int_equal(issue(world, FIRST_CA, key, &world->desired.names, &pem, NULL), 0);
    assert_int_equal(key_to_pem(key, key_pem, NULL), 0);
    buf_append_text(chain, pem);
    EVP_PKEY_free(key);
}

static void puts_a_bad_pair_back_before_a_client_sees_it(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    AUTO_BUF struct buf chain = {0};
    AUTO_SECRET struct buf key = {0};
    AUTO_FREE char *key_file = path_of(world, "tls/server.key"),
                   *chain_file = path_of(world, "tls/server.crt");
    AUTO_FREE char *saved = mem_string(world->last.certificate_serial);
    make_foreign_pair(world, &chain, &key);
    for (int i = 0; i < 2; i++) {
        size_t events = world->events;
        assert_int_equal(
            file_write(i ? chain_file : key_file, i ? slice_buf(&chain) : slice_buf(&key), 0600, NULL), 0);
        kill(postmaster_of(world), SIGHUP);
        usleep(100000);
        expect_served(world, saved);
        assert_true(reconcile_due(&world->site, &world->desired));
        converge(world);
        assert_int_equal(world->events, events + 1);
        assert_non_null(strstr(world->event, "changed on disk"));
        assert_non_null(strstr(world->event, "orders"));
        expect_served(world, saved);
    }
    /* The same while the engine is down: the pair is checked before it starts. */
    size_t events = world->events;
    kill(postmaster_of(world), SIGQUIT);
    while (postmaster_of(world))
        usleep(10000);
    waitpid(-1, NULL, WNOHANG);
    assert_int_equal(file_write(key_file, slice_buf(&key), 0600, NULL), 0);
    converge(world);
    assert_int_equal(world->events, events + 2); /* the pair, and the engine that did not run */
    expect_served(world, saved);
    PQfinish(connect_verified(world, SECOND_CA));
}

static void notices_a_good_pair_that_is_not_the_installed_one(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    AUTO_BUF struct buf chain = {0};
    AUTO_SECRET struct buf key = {0};
    AUTO_FREE char *key_file = path_of(world, "tls/server.key"),
                   *chain_file = path_of(world, "tls/server.crt");
    AUTO_FREE char *saved = mem_string(world->last.certificate_serial);
    size_t events = world->events;
    make_foreign_pair(world, &chain, &key);
    assert_int_equal(file_write(key_file, slice_buf(&key), 0600, NULL), 0);
    assert_int_equal(file_write(chain_file, slice_buf(&chain), 0600, NULL), 0);
    kill(postmaster_of(world), SIGHUP);
    usleep(100000);
    converge(world);
    assert_true(world->events > events);
    expect_served(world, saved);
}

static void refuses_certificates_that_are_not_what_it_asked_for(void **state)
{
    static const enum mischief all[] = {MISCHIEF_OTHER_KEY, MISCHIEF_OTHER_NAME, MISCHIEF_RETRY};
    struct world *world = *state;
    need_postgres(world);
    AUTO_FREE char *saved = mem_string(world->last.certificate_serial);
    int64_t installed = world->last.certificate_generation;
    world->desired.certificate_generation++;
    world->desired.generation++;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        world->mischief = all[i];
        assert_int_equal(reconcile(world), RECONCILE_AGAIN);
        assert_int_equal(world->last.state, OBSERVED_WORKING);
        assert_non_null(world->last.problem);
        assert_int_equal(world->last.certificate_generation, installed);
        expect_served(world, saved);
    }
    world->mischief = MISCHIEF_NONE;
    converge(world);
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
}

static void takes_a_new_password_and_requires_tls(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    PGconn *plain = connect_as(world, PASSWORD, "disable", SECOND_CA, "postgres");
    assert_int_equal(PQstatus(plain), CONNECTION_OK);
    PQfinish(plain);
    mem_free_secret(world->desired.master_password);
    world->desired.master_password = mem_string("changed-password");
    world->desired.password_generation++;
    world->desired.generation++;
    desired_set_parameter(&world->desired, "rds.force_ssl", "1");
    converge(world);
    assert_int_equal(world->last.password_generation, world->desired.password_generation);
    usleep(100000); /* the access rules are read a moment after the signal */
    PQfinish(connect_verified(world, SECOND_CA));
    PGconn *old = connect_as(world, PASSWORD, "verify-full", SECOND_CA, "postgres");
    assert_int_not_equal(PQstatus(old), CONNECTION_OK);
    PQfinish(old);
    plain = connect_as(world, "changed-password", "disable", SECOND_CA, "postgres");
    assert_int_not_equal(PQstatus(plain), CONNECTION_OK);
    assert_non_null(strstr(PQerrorMessage(plain), "no pg_hba.conf entry"));
    assert_non_null(strstr(PQerrorMessage(plain), "no encryption"));
    PQfinish(plain);
}

static void stops_starts_and_restarts_once(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    size_t events = world->events;
    int first = postmaster_of(world);
    world->desired.restart++;
    world->desired.generation++;
    converge(world);
    int second = postmaster_of(world);
    assert_int_not_equal(first, second);
    assert_int_equal(world->last.restart, world->desired.restart);
    converge(world);
    assert_int_equal(second, postmaster_of(world));
    world->desired.running = false;
    world->desired.generation++;
    converge(world);
    assert_int_equal(world->last.state, OBSERVED_STOPPED);
    assert_int_equal(postmaster_of(world), 0);
    assert_false(reconcile_due(&world->site, &world->desired));
    world->desired.running = true;
    world->desired.generation++;
    converge(world);
    PGconn *connection = connect_verified(world, SECOND_CA);
    expect_answer(connection, "SELECT n FROM kept", "42");
    PQfinish(connection);
    assert_int_equal(world->events, events);
}

static void runs_on_without_a_server_and_reports_later(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    struct instance_state kept;
    AUTO_FREE char *folder = path_of(world, ".");
    size_t events = world->events;
    world->unreachable = true;
    kill(postmaster_of(world), SIGKILL);
    usleep(50000);
    waitpid(-1, NULL, WNOHANG);
    /* As after a start of the agent: the desired state comes from the disk. */
    assert_int_equal(state_load(folder, &kept, NULL), 0);
    assert_null(kept.desired.master_password);
    assert_int_equal(kept.desired.generation, world->desired.generation);
    assert_int_equal(reconcile_instance(&world->site, &world->transport, &kept.desired, false),
                     RECONCILE_AGAIN);
    state_free(&kept);
    PQfinish(connect_verified(world, SECOND_CA));
    world->unreachable = false;
    converge(world);
    assert_int_equal(world->events, events + 1);
    assert_non_null(strstr(world->event, "was not running"));
}

static void says_which_port_is_taken(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    AUTO_CLOSE int taken = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(taken, 1), 0);
    assert_int_equal(getsockname(taken, (struct sockaddr *)&address, &size), 0);
    int before = world->desired.port;
    world->desired.port = ntohs(address.sin_port);
    world->desired.generation++;
    assert_int_equal(reconcile(world), RECONCILE_FAILED);
    assert_int_equal(world->last.state, OBSERVED_FAILED);
    assert_non_null(strstr(world->last.problem, "is taken by another program"));
    world->desired.port = before;
    world->desired.generation++;
    converge(world);
}

/* One round in a process that is killed after `delay` microseconds. True when it had ended by itself. */
static bool reconcile_killed(struct world *world, useconds_t delay)
{
    pid_t child = fork();
    if (child == 0)
        _exit((int)reconcile(world));
    usleep(delay);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status);
}

static void survives_kills_at_any_instant(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    size_t events = world->events;
    int ended = 0;
    srand((unsigned)clock_now());
    for (int i = 0; i < 20; i++) {
        world->desired.certificate_generation += i % 2;
        world->desired.restart += i % 5 == 0;
        world->desired.generation++;
        text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier,
                  i % 4 < 2 ? FIRST_CA : SECOND_CA);
        ended += reconcile_killed(world, (useconds_t)(rand() % 250) * 1000);
    }
    print_message("%d of 20 rounds ended before they were killed\n", ended);
    converge(world);
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
    assert_int_equal(world->last.restart, world->desired.restart);
    expect_served(world, world->last.certificate_serial);
    PQfinish(connect_verified(world, world->desired.ca_identifier));
    /* None of what it did itself may look to it like somebody else's doing. */
    if (world->events != events)
        print_message("event: %s\n", world->event);
    assert_int_equal(world->events, events);
}

static void removes_what_was_deleted(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    AUTO_FREE char *folder = path_of(world, "");
    int postmaster = postmaster_of(world);
    world->desired.deleted = true;
    world->desired.generation++;
    world->unreachable = true;
    assert_int_equal(reconcile(world), RECONCILE_AGAIN);
    world->unreachable = false;
    assert_int_equal(reconcile(world), RECONCILE_DONE);
    assert_int_equal(world->last.state, OBSERVED_DELETED);
    assert_false(file_exists(folder));
    assert_false(process_alive(postmaster));
    assert_int_equal(reconcile(world), RECONCILE_DONE);
    assert_int_equal(world->last.state, OBSERVED_DELETED);
}

static void is_created_in_spite_of_kills(void **state)
{
    struct world *world = *state;
    need_postgres(world);
    world->desired.deleted = false;
    world->desired.generation = 1;
    world->desired.certificate_generation = 1;
    world->desired.restart = 0;
    observed_free(&world->last);
    size_t events = world->events;
    for (int i = 0; i < 8; i++)
        reconcile_killed(world, (useconds_t)(i * 200 + rand() % 200) * 1000);
    converge(world);
    PQfinish(connect_verified(world, world->desired.ca_identifier));
    assert_int_equal(world->events, events);
}

/* PostgreSQL does not run as root, so neither does this test. */
static int drop_root(void)
{
    const struct passwd *user = getpwnam("postgres");
    if (!user)
        user = getpwnam("nobody");
    if (geteuid() != 0)
        return 0;
    return user && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0 && chdir("/") == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_a_verified_certificate_and_a_master_that_is_no_superuser),
        cmocka_unit_test(changes_the_authority_under_an_open_connection),
        cmocka_unit_test(puts_a_bad_pair_back_before_a_client_sees_it),
        cmocka_unit_test(notices_a_good_pair_that_is_not_the_installed_one),
        cmocka_unit_test(refuses_certificates_that_are_not_what_it_asked_for),
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
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
