#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

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

int world_issue(const struct world *world, const char *ca_identifier, EVP_PKEY *key,
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
    struct world *world = context;
    EVP_PKEY *key = NULL;
    struct text_list names = {0};
    world->requests++;
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
    result = world_issue(world, world->desired.ca_identifier, key, &names, &reply->chain, error);
    EVP_PKEY_free(key);
    text_list_free(&names);
    return result;
}

static void note_guard(struct world *world, const struct observed_instance *observed)
{
    if (observed->guard_generation == world->last.guard_generation &&
        observed->guard_outcome == world->last.guard_outcome)
        return;
    buf_printf(&world->guards, "%lld %s, ", (long long)observed->guard_generation,
               guard_outcome_name(observed->guard_outcome));
}

static int take_report(void *context, const json_t *json, struct error *error)
{
    struct world *world = context;
    struct observed_instance observed;
    if (world->unreachable)
        return error_set(error, ERROR_IO, "the server was not reached");
    assert_int_equal(observed_from_json(json, &observed, error), 0);
    note_guard(world, &observed);
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

int world_set_up(void **state)
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

enum reconcile_outcome world_reconcile(struct world *world)
{
    return reconcile_instance(&world->site, &world->transport, &world->desired, true);
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    world->mischief = MISCHIEF_NONE;
    world->unreachable = false;
    world->desired.deleted = true;
    world->desired.generation++;
    world_reconcile(world);
    file_remove_tree(world->folder, NULL);
    desired_free(&world->desired);
    observed_free(&world->last);
    buf_free(&world->guards);
    engine_releases_free(&world->releases);
    free_authority(&world->first);
    free_authority(&world->second);
    free(world);
    return 0;
}

void world_need_postgres(const struct world *world)
{
    if (world->releases.count)
        return;
    print_message("no PostgreSQL is installed: skipped\n");
    skip();
}

void world_converge(struct world *world)
{
    enum reconcile_outcome outcome = world_reconcile(world);
    /* What a killed round left behind may hold the instance's lock for a moment. */
    for (int i = 0;
         i < 50 && outcome == RECONCILE_AGAIN && world->last.generation != world->desired.generation; i++) {
        usleep(20000);
        outcome = world_reconcile(world);
    }
    if (outcome != RECONCILE_DONE && world->last.problem)
        print_message("problem: %s\n", world->last.problem);
    assert_int_equal(outcome, RECONCILE_DONE);
    assert_int_equal(world->last.generation, world->desired.generation);
    assert_null(world->last.problem);
}

char *world_root_file(const struct world *world, const char *ca_identifier)
{
    AUTO_BUF struct buf pem = {0};
    char *path = mem_format("%s/.%s.pem", world->folder, ca_identifier);
    certificate_pem(authority_of(world, ca_identifier)->root, &pem);
    assert_int_equal(file_write(path, slice_buf(&pem), 0600, NULL), 0);
    return path;
}

PGconn *world_connect_as(const struct world *world, const char *password, const char *sslmode,
                         const char *ca_identifier, const char *database)
{
    char port[8];
    AUTO_FREE char *root = world_root_file(world, ca_identifier);
    snprintf(port, sizeof port, "%d", world->last.port);
    const char *const names[] = {"host",   "hostaddr", "port",        "user",     "password",
                                 "dbname", "sslmode",  "sslrootcert", "passfile", NULL};
    const char *const values[] = {ENDPOINT, "127.0.0.1", port, world->desired.master_username, password,
                                  database, sslmode,     root, "/tmp/no-password-file",        NULL};
    return PQconnectdbParams(names, values, 0);
}

PGconn *world_connect(const struct world *world, const char *ca_identifier)
{
    PGconn *connection = world_connect_as(world, world->desired.master_password, "verify-full", ca_identifier,
                                          world->desired.database);
    if (PQstatus(connection) != CONNECTION_OK)
        print_message("%s", PQerrorMessage(connection));
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    return connection;
}

char *ask(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        print_message("%s: %s", sql, PQerrorMessage(connection));
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    char *value = mem_string(PQgetvalue(result, 0, 0));
    PQclear(result);
    return value;
}

void expect_answer(PGconn *connection, const char *sql, const char *expected)
{
    AUTO_FREE char *value = ask(connection, sql);
    assert_string_equal(value, expected);
}

void expect_served(const struct world *world, const char *serial)
{
    const struct probe_target target = {.protocol = PROBE_POSTGRES,
                                        .address = "127.0.0.1",
                                        .port = world->last.port,
                                        .server_name = ENDPOINT,
                                        .deadline = 5000};
    struct probe_result served;
    assert_int_equal(probe_run(&target, &served, NULL), 0);
    assert_string_equal(served.leaf.serial, serial);
    probe_result_free(&served);
}

char *world_path(const struct world *world, const char *name)
{
    return mem_format("%s/" RESOURCE "/%s", world->folder, name);
}

int world_postmaster(const struct world *world)
{
    AUTO_FREE char *path = world_path(world, "data/postmaster.pid");
    AUTO_BUF struct buf text = {0};
    return file_read(path, 4096, &text, NULL) ? 0 : (int)strtol(buf_text(&text), NULL, 10);
}

bool world_reconcile_killed(struct world *world, useconds_t delay)
{
    pid_t child = fork();
    if (child == 0)
        _exit((int)world_reconcile(world));
    usleep(delay);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status);
}

int drop_root(void)
{
    const struct passwd *user = getpwnam("postgres");
    if (!user)
        user = getpwnam("nobody");
    if (geteuid() != 0)
        return 0;
    return user && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0 && chdir("/") == 0 ? 0 : -1;
}
