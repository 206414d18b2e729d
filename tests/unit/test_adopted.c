/* The agent with a PostgreSQL that was there before: taken into care and let go under open connections, never
 * started or stopped, its owner's files as they were afterwards; kills at any instant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/adopted.h"

#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMAND_DEADLINE = 120 * 1000 };

/* The owner's server. */
struct old {
    char *data, *config, *certificate, *key; /* the pair is made, but not served at first */
    char *pg_ctl;
    int port;
    struct buf before; /* postgresql.conf */
};

static struct old old; /* one for all tests, as the world is */

static void run(const char *const *arguments)
{
    struct error error = {0};
    if (process_run(arguments, COMMAND_DEADLINE, NULL, &error))
        fail_msg("%s", error.text);
}

static void control(const char *action)
{
    AUTO_FREE char *log = mem_format("%s.log", old.data);
    const char *const arguments[] = {old.pg_ctl, "-D", old.data, "-l", log, "-w", "-m", "fast", action, NULL};
    run(arguments);
}

static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return ntohs(address.sin_port);
}

static void append(const char *text)
{
    FILE *file = fopen(old.config, "a");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void make_server(const struct world *world)
{
    AUTO_FREE char *initdb = mem_format("%s/initdb", world->releases.items[0].programs);
    AUTO_FREE char *folder = realpath(world->folder, NULL);
    old.pg_ctl = mem_format("%s/pg_ctl", world->releases.items[0].programs);
    old.data = mem_format("%s/.old", folder);
    old.config = mem_format("%s/postgresql.conf", old.data);
    old.certificate = mem_format("%s/own.crt", old.data);
    old.key = mem_format("%s/own.key", old.data);
    const char *const make[] = {initdb, "-D", old.data, "--no-sync", "-A", "trust", NULL};
    const char *const pair[] = {"openssl", "req",     "-x509", "-newkey", "rsa:2048",      "-nodes", "-subj",
                                "/CN=old", "-keyout", old.key, "-out",    old.certificate, NULL};
    run(make);
    run(pair);
    assert_int_equal(chmod(old.key, 0600), 0);
    old.port = free_port();
    AUTO_FREE char *settings =
        mem_format("port = %d\nunix_socket_directories = '%s'\nlisten_addresses = '127.0.0.1'\nfsync = off\n"
                   "log_line_prefix = '%%m [%%p] %%h '\nlc_messages = 'C'\n# no end",
                   old.port, old.data);
    append(settings);
    assert_int_equal(chmod(old.config, 0640), 0);
    control("start");
}

static int set_up(void **state)
{
    if (drop_root() || world_set_up(state))
        return -1;
    struct world *world = *state;
    if (world->releases.count)
        make_server(world);
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    if (world->releases.count)
        control("stop");
    free(old.data);
    free(old.config);
    free(old.certificate);
    free(old.key);
    free(old.pg_ctl);
    buf_free(&old.before);
    world->desired.deleted = true;
    return world_tear_down(state);
}

static char *folder_of(const struct world *world)
{
    return mem_format("%s/" RESOURCE, world->folder);
}

static int postmaster(void)
{
    AUTO_FREE char *path = mem_format("%s/postmaster.pid", old.data);
    AUTO_BUF struct buf text = {0};
    return file_read(path, 4096, &text, NULL) ? 0 : (int)strtol(buf_text(&text), NULL, 10);
}

/* What `sealwright adopt` does on the host before the server hears of it. */
static void prepare(struct world *world)
{
    const struct engine_adoption *adoption = engine_find("postgres")->adoption;
    struct adopted server = {0};
    struct error error = {0};
    AUTO_FREE char *folder = folder_of(world), *tls = mem_format("%s/tls", folder);
    assert_string_equal(adoption->recognise(old.data), "postgres");
    text_copy(server.engine, sizeof server.engine, "postgres");
    text_copy(server.identifier, sizeof server.identifier, "orders");
    adopted_set(&server.data_folder, old.data);
    if (adoption->look(&server, &error) || adoption->plan(&server, folder, &error) ||
        file_make_folder(tls, 0700, &error) || adopted_save(folder, &server, &error))
        fail_msg("%s", error.text);
    assert_null(server.unguarded);
    adopted_free(&server);
    buf_clear(&old.before);
    assert_int_equal(file_read(old.config, 1 << 20, &old.before, NULL), 0);
    observed_free(&world->last);
    mem_free_secret(world->desired.master_password);
    world->desired.master_password = NULL;
    world->desired.password_generation = 0;
    text_copy(world->desired.master_username, sizeof world->desired.master_username,
              getpwuid(geteuid())->pw_name);
    text_copy(world->desired.database, sizeof world->desired.database, "postgres");
    world->desired.adopted = true;
    world->desired.deleted = false;
    world->desired.generation = 1;
    world->desired.certificate_generation = 1;
}

static PGconn *open_verified(const struct world *world)
{
    return world_connect(world, world->desired.ca_identifier);
}

static void change_ca(struct world *world, const char *ca_identifier)
{
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, ca_identifier);
    world->desired.certificate_generation++;
    world->desired.generation++;
}

static void expect_untouched(mode_t mode)
{
    AUTO_BUF struct buf now = {0};
    struct stat status;
    assert_int_equal(file_read(old.config, 1 << 20, &now, NULL), 0);
    assert_string_equal(buf_text(&now), buf_text(&old.before));
    assert_int_equal(stat(old.config, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
}

/* A connection without verification; its setting ssl. */
static void expect_setting(struct world *world, const char *name, const char *expected)
{
    world->last.port = old.port; /* a report of a folder that is gone names none */
    AUTO_FREE char *sql = mem_format("SHOW %s", name);
    PGconn *connection = world_connect_as(world, NULL, "prefer", world->desired.ca_identifier, "postgres");
    assert_int_equal(PQstatus(connection), CONNECTION_OK);
    expect_answer(connection, sql, expected);
    PQfinish(connection);
}

static void release(struct world *world)
{
    AUTO_FREE char *folder = folder_of(world);
    world->desired.deleted = true;
    world->desired.generation++;
    world_converge(world);
    assert_int_equal(world->last.state, OBSERVED_DELETED);
    assert_false(file_exists(folder));
}

static void is_taken_into_care_and_let_go_under_open_connections(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    prepare(world);
    int pid = postmaster();
    world_converge(world);
    assert_int_equal(world->last.state, OBSERVED_RUNNING);
    assert_string_equal(world->last.engine_version, world->releases.items[0].version);
    PGconn *open = open_verified(world);
    AUTO_FREE char *backend = ask(open, "SELECT pg_backend_pid()");
    assert_false(reconcile_due(&world->site, &world->desired));
    change_ca(world, SECOND_CA);
    world_converge(world);
    PQfinish(open_verified(world));
    assert_int_equal(world->last.certificate_generation, 2);
    release(world);
    expect_untouched(0640);
    expect_setting(world, "ssl", "off");
    expect_answer(open, "SELECT pg_backend_pid()", backend);
    PQfinish(open);
    assert_int_equal(postmaster(), pid);
    assert_int_equal(world->events, 0);
}

static void its_own_certificate_comes_back(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    AUTO_FREE char *settings =
        mem_format("\nssl = yes\nssl_cert_file = 'own.crt'\nssl_key_file = '%s'\n", old.key);
    AUTO_FREE char *hidden = mem_format("%s.hidden", old.key);
    append(settings);
    control("reload");
    prepare(world);
    world_converge(world);
    PQfinish(open_verified(world));
    assert_int_equal(rename(old.key, hidden), 0);
    world->desired.deleted = true;
    world->desired.generation++;
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_non_null(strstr(world->last.problem, "own.key"));
    world->desired.deleted = false;
    PQfinish(open_verified(world)); /* nothing has changed */
    assert_int_equal(rename(hidden, old.key), 0);
    release(world);
    expect_untouched(0640);
    expect_setting(world, "ssl_key_file", old.key);
    world->desired.deleted = false;
    PGconn *refused = world_connect_as(world, NULL, "verify-full", SECOND_CA, "postgres");
    assert_int_equal(PQstatus(refused), CONNECTION_BAD);
    PQfinish(refused);
}

static void is_never_started_or_stopped(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    prepare(world);
    world_converge(world);
    int pid = postmaster();
    world->desired.restart++;
    world->desired.port = 1;
    world->desired.generation++;
    world_converge(world);
    assert_int_not_equal(world->last.port, 1);
    world->desired.running = false;
    world->desired.generation++;
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_non_null(strstr(world->last.problem, "adopted"));
    assert_int_equal(postmaster(), pid);
    world->desired.running = true;
    world->desired.port = 0;
    world->desired.generation++;
    world_converge(world);
    control("stop");
    assert_true(reconcile_due(&world->site, &world->desired));
    assert_int_equal(world_reconcile(world), RECONCILE_DONE);
    assert_int_equal(world->last.state, OBSERVED_STOPPED);
    assert_non_null(strstr(world->last.problem, "does not run"));
    assert_int_equal(world->last.started_at, 0);
    assert_false(reconcile_due(&world->site, &world->desired));
    change_ca(world, FIRST_CA);
    assert_int_equal(world_reconcile(world), RECONCILE_DONE);
    assert_int_equal(world->last.certificate_generation, 1);
    assert_int_equal(postmaster(), 0);
    control("start");
    assert_true(reconcile_due(&world->site, &world->desired));
    world_converge(world);
    assert_int_equal(world->last.state, OBSERVED_RUNNING);
    PQfinish(open_verified(world));
    assert_int_equal(world->events, 0);
}

static void what_its_owner_changes_is_seen(void **state)
{
    struct world *world = *state;
    AUTO_BUF struct buf hooked = {0}, again = {0};
    world_need_postgres(world);
    /* Some tool writes the configuration anew. */
    assert_int_equal(file_read(old.config, 1 << 20, &hooked, NULL), 0);
    assert_int_equal(file_write(old.config, slice_buf(&old.before), 0640, NULL), 0);
    control("reload");
    world_converge(world);
    assert_int_equal(file_read(old.config, 1 << 20, &again, NULL), 0);
    assert_string_equal(buf_text(&hooked), buf_text(&again));
    PQfinish(open_verified(world));
    /* What wins over the configuration file is told. */
    PGconn *connection = open_verified(world);
    PQclear(PQexec(connection, "ALTER SYSTEM SET ssl_cert_file = 'own.crt'"));
    world->desired.generation++;
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_non_null(strstr(world->last.problem, "ALTER SYSTEM RESET ssl_cert_file"));
    PQclear(PQexec(connection, "ALTER SYSTEM RESET ssl_cert_file"));
    PQfinish(connection);
    world_converge(world);
    release(world);
    expect_untouched(0640);
}

static void a_certificate_that_is_not_served_is_taken_back(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    prepare(world);
    append("this = is no configuration\n"); /* PostgreSQL keeps what it has */
    assert_int_equal(world_reconcile(world), RECONCILE_FAILED);
    assert_int_equal(world->last.state, OBSERVED_FAILED);
    assert_non_null(strstr(world->last.problem, "has its own again"));
    assert_int_equal(world->last.certificate_generation, 0);
    expect_setting(world, "ssl_key_file", old.key);
    release(world);
    AUTO_BUF struct buf now = {0};
    assert_int_equal(file_read(old.config, 1 << 20, &now, NULL), 0);
    assert_true(text_ends_with(buf_text(&now), "\nthis = is no configuration\n"));
    assert_int_equal(file_write(old.config, slice_buf(&old.before), 0640, NULL), 0);
    control("reload");
}

static void refusing_clients_are_seen_in_its_log(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    prepare(world);
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, FIRST_CA);
    world->desired.guard_seconds = 600;
    world->desired.guard_refusals = 2;
    world_converge(world);
    change_ca(world, SECOND_CA);
    world_converge(world);
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
    for (int i = 0; i < 2; i++)
        PQfinish(world_connect_as(world, NULL, "verify-full", FIRST_CA, "postgres"));
    for (int64_t until = clock_steady() + COMMAND_DEADLINE;
         world->last.guard_outcome == GUARD_WATCHING && clock_steady() < until; usleep(5000)) {
        bool due = false;
        assert_true(reconcile_guarded(&world->site, &world->desired, &due));
        if (due)
            world_converge(world);
    }
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_string_equal(world->last.guard_clients.items[0], "127.0.0.1");
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, FIRST_CA);
    PQfinish(open_verified(world));
    release(world);
    expect_untouched(0640);
    world->desired.guard_seconds = 0;
}

static void survives_kills_at_any_instant(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    int pid = postmaster(), ended = 0;
    srand((unsigned)clock_now());
    for (int i = 0; i < 6; i++) {
        prepare(world);
        for (int kill_number = 0; kill_number < 3; kill_number++)
            ended += world_reconcile_killed(world, (useconds_t)(rand() % 900) * 1000);
        world_converge(world);
        PQfinish(open_verified(world));
        world->desired.deleted = true;
        world->desired.generation++;
        for (int kill_number = 0; kill_number < 3; kill_number++)
            ended += world_reconcile_killed(world, (useconds_t)(rand() % 600) * 1000);
        world_converge(world);
        expect_untouched(0640);
        expect_setting(world, "ssl_key_file", old.key);
    }
    print_message("%d of 36 rounds ended before they were killed\n", ended);
    assert_int_equal(postmaster(), pid);
    assert_int_equal(world->events, 0);
}

/* Whatever the server says: what the folder says decides. */
static void a_folder_without_its_server_is_told(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    prepare(world);
    world->desired.adopted = false;
    world_converge(world);
    PQfinish(open_verified(world));
    release(world);
    world->desired.deleted = false;
    world->desired.adopted = true;
    assert_int_equal(world_reconcile(world), RECONCILE_FAILED);
    assert_non_null(strstr(world->last.problem, "adopted.json is missing"));
    assert_int_not_equal(postmaster(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_taken_into_care_and_let_go_under_open_connections),
        cmocka_unit_test(its_own_certificate_comes_back),
        cmocka_unit_test(is_never_started_or_stopped),
        cmocka_unit_test(what_its_owner_changes_is_seen),
        cmocka_unit_test(a_certificate_that_is_not_served_is_taken_back),
        cmocka_unit_test(refusing_clients_are_seen_in_its_log),
        cmocka_unit_test(survives_kills_at_any_instant),
        cmocka_unit_test(a_folder_without_its_server_is_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
