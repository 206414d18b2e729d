/* The guard of a new certificate, with a real PostgreSQL and clients that refuse what it serves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/state.h"
#include "agent/track.h"
#include "agent_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { PATIENCE = 15 * 1000, LONG = 600, NEVER = 1000 };

static const char *other_ca(const struct world *world)
{
    return text_equal(world->desired.ca_identifier, FIRST_CA) ? SECOND_CA : FIRST_CA;
}

/* Wants the other authority's certificate. */
static void want(struct world *world, int64_t seconds, int64_t refusals, bool rehearsal)
{
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, other_ca(world));
    world->desired.certificate_generation++;
    world->desired.generation++;
    world->desired.guard_seconds = seconds;
    world->desired.guard_refusals = refusals;
    world->desired.rehearsal = rehearsal;
    buf_clear(&world->guards);
}

static void rotate(struct world *world, int64_t seconds, int64_t refusals, bool rehearsal)
{
    want(world, seconds, refusals, rehearsal);
    world_converge(world);
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
}

/* As the server does after an undo; a new certificate without a guard makes the next test begin anew. */
static void settle(struct world *world)
{
    if (world->last.guard_outcome == GUARD_UNDONE)
        text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, other_ca(world));
    rotate(world, 0, 0, false);
}

static bool is_due(const struct world *world)
{
    bool due = false;
    reconcile_guarded(&world->site, &world->desired, &due);
    return due;
}

static void await_due(const struct world *world)
{
    int64_t until = clock_steady() + PATIENCE;
    while (!is_due(world)) {
        assert_true(clock_steady() < until);
        usleep(5000);
    }
}

/* Rounds, each once the cheap look asks for it, until the guard counted so many refusals. */
static void await_refusals(struct world *world, int64_t refusals)
{
    while (world->last.guard_refusals < refusals) {
        await_due(world);
        world_converge(world);
    }
    assert_int_equal(world->last.guard_refusals, refusals);
}

static void await_end(struct world *world)
{
    while (world->last.guard_outcome == GUARD_WATCHING) {
        await_due(world);
        world_converge(world);
    }
}

/* A real psql that does one statement; true when it got an answer. */
static bool psql(const struct world *world, const char *more)
{
    AUTO_FREE char *target = mem_format(
        "host=" ENDPOINT " port=%d user=app dbname=postgres connect_timeout=10 %s", world->last.port, more);
    const char *const arguments[] = {"psql", "-X", "-w", "-c", "SELECT 1", target, NULL};
    return process_run(arguments, PATIENCE, NULL, NULL) == 0;
}

/* A psql that trusts one authority alone. */
static bool psql_trusting(const struct world *world, const char *ca_identifier, const char *address,
                          const char *more)
{
    AUTO_FREE char *root = world_root_file(world, ca_identifier);
    AUTO_FREE char *options =
        mem_format("hostaddr=%s sslrootcert=%s sslmode=verify-full %s", address, root, more);
    return psql(world, options);
}

static void psql_refuses(const struct world *world, const char *address)
{
    assert_false(psql_trusting(world, other_ca(world), address, ""));
}

/* A client at an address of its own (127.0.0.N) that trusts nobody. */
static void refuse_from(const struct world *world, int number)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + (uint32_t)number)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)world->last.port)};
    static const unsigned char ask_for_tls[] = {0, 0, 0, 8, 4, 210, 22, 47};
    char answer = 0;
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(send(fd, ask_for_tls, sizeof ask_for_tls, MSG_NOSIGNAL), sizeof ask_for_tls);
    assert_int_equal(recv(fd, &answer, 1, 0), 1);
    assert_int_equal(answer, 'S');
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL *ssl = SSL_new(context);
    assert_int_equal(SSL_set_fd(ssl, fd), 1);
    assert_int_not_equal(SSL_connect(ssl), 1);
    SSL_free(ssl);
    SSL_CTX_free(context);
}

/* Refusals in the whole log. */
static int64_t logged(const struct world *world)
{
    AUTO_FREE char *folder = world_path(world, ".");
    const struct engine_instance instance = {.folder = folder};
    struct engine_evidence evidence = {0};
    assert_int_equal(engine_find("postgres")->evidence(&instance, &evidence, NULL), 0);
    return evidence.refusals;
}

/* The same once it is in the log, for what nobody waits for otherwise. */
static void refuse_and_log(const struct world *world, int number)
{
    int64_t before = logged(world), until = clock_steady() + PATIENCE;
    refuse_from(world, number);
    while (logged(world) == before) {
        assert_true(clock_steady() < until);
        usleep(5000);
    }
}

static void expect_clients(const struct world *world, const char *expected)
{
    AUTO_BUF struct buf clients = {0};
    for (size_t i = 0; i < world->last.guard_clients.count; i++)
        buf_printf(&clients, "%s ", world->last.guard_clients.items[i]);
    assert_string_equal(buf_text(&clients), expected);
}

/* What was reported of guards, in its order. */
static void expect_guards(struct world *world, int64_t first, const char *outcome, int64_t second,
                          const char *then)
{
    AUTO_FREE char *expected = mem_format("%d %s, %d %s, ", (int)first, outcome, (int)second, then);
    assert_string_equal(buf_text(&world->guards), expected);
}

static void the_first_certificate_is_not_watched(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    world->desired.guard_seconds = LONG;
    world->desired.guard_refusals = 1;
    world_converge(world);
    assert_int_equal(world->last.certificate_generation, 1);
    assert_int_equal(world->last.guard_generation, 0);
    assert_int_equal(world->last.guard_outcome, GUARD_NONE);
    psql_refuses(world, "127.0.0.1");
    assert_false(is_due(world));
}

static void keeps_a_certificate_that_nobody_refuses(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    size_t events = world->events;
    rotate(world, 1, 1, false);
    int64_t begin = clock_steady();
    bool due = true;
    assert_int_equal(world->last.guard_generation, 2);
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
    assert_true(reconcile_guarded(&world->site, &world->desired, &due));
    assert_false(due);
    assert_false(reconcile_due(&world->site, &world->desired));
    await_end(world);
    assert_in_range(clock_steady() - begin, 700, PATIENCE);
    assert_int_equal(world->last.guard_generation, 2);
    assert_int_equal(world->last.guard_outcome, GUARD_KEPT);
    assert_int_equal(world->last.guard_refusals, 0);
    assert_int_equal(world->last.certificate_generation, 2);
    expect_guards(world, 2, "watching", 2, "kept");
    assert_false(reconcile_guarded(&world->site, &world->desired, &due));
    assert_int_equal(world->events, events);
    PQfinish(world_connect(world, world->desired.ca_identifier));
}

static void goes_back_when_clients_refuse_without_a_restart(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    AUTO_FREE char *old = mem_string(world->last.certificate_serial);
    const char *old_ca = text_equal(world->desired.ca_identifier, FIRST_CA) ? FIRST_CA : SECOND_CA;
    int64_t installed = world->last.certificate_generation;
    size_t events = world->events;
    int postmaster = world_postmaster(world);
    PGconn *open = world_connect(world, old_ca);
    AUTO_FREE char *started = ask(open, "SELECT pg_postmaster_start_time()");
    AUTO_FREE char *backend = ask(open, "SELECT pg_backend_pid()");
    rotate(world, LONG, 2, false);
    psql_refuses(world, "127.0.0.1");
    await_refusals(world, 1);
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
    assert_int_equal(world->last.certificate_generation, installed + 1);
    assert_string_not_equal(world->last.certificate_serial, old);
    psql_refuses(world, "127.0.0.1");
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->last.guard_generation, installed + 1);
    assert_int_equal(world->last.guard_refusals, 2);
    expect_clients(world, "127.0.0.1 ");
    assert_int_equal(world->last.state, OBSERVED_RUNNING);
    assert_int_equal(world->last.certificate_generation, installed);
    assert_string_equal(world->last.certificate_serial, old);
    expect_served(world, old);
    assert_int_equal(world_postmaster(world), postmaster);
    expect_answer(open, "SELECT pg_postmaster_start_time()", started);
    expect_answer(open, "SELECT pg_backend_pid()", backend);
    PQfinish(open);
    PQfinish(world_connect(world, old_ca));
    assert_int_equal(world->events, events); /* the server tells */
}

/* Follows the test above: its undone generation is still wanted. */
static void is_done_with_what_was_undone(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    int requests = world->requests;
    int64_t installed = world->last.certificate_generation;
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->desired.certificate_generation, installed + 1);
    for (int i = 0; i < 3; i++) {
        assert_false(reconcile_due(&world->site, &world->desired));
        assert_int_equal(world_reconcile(world), RECONCILE_DONE);
        assert_int_equal(world->last.state, OBSERVED_RUNNING);
        assert_int_equal(world->last.certificate_generation, installed);
        /* The server's answer to an undo, sooner or later; then a change that is none of the guard's. */
        if (i == 0)
            text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, other_ca(world));
        if (i == 1)
            desired_set_parameter(&world->desired, "work_mem", "5MB");
        world->desired.generation += i < 2;
        world_converge(world);
    }
    assert_int_equal(world->requests, requests);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    rotate(world, 0, 0, false);
    assert_int_equal(world->last.certificate_generation, installed + 2);
    assert_int_equal(world->requests, requests + 1);
    PQfinish(world_connect(world, world->desired.ca_identifier));
}

static void keeps_a_certificate_that_few_refuse(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    rotate(world, 2, 4, false);
    psql_refuses(world, "127.0.0.1");
    psql_refuses(world, "::1");
    refuse_from(world, 7);
    await_refusals(world, 3);
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_KEPT);
    assert_int_equal(world->last.guard_refusals, 3);
    expect_clients(world, "127.0.0.1 ::1 127.0.0.7 ");
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
    PQfinish(world_connect(world, world->desired.ca_identifier));
}

static void a_rehearsal_counts_and_goes_back_at_its_end(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    AUTO_FREE char *old = mem_string(world->last.certificate_serial);
    int64_t installed = world->last.certificate_generation;
    rotate(world, 3, 1, true);
    int64_t begin = clock_steady();
    psql_refuses(world, "127.0.0.1");
    psql_refuses(world, "::1");
    await_refusals(world, 2);
    for (int i = 0; i < GUARD_CLIENT_LIMIT + 5; i++)
        refuse_from(world, 10 + i);
    await_refusals(world, GUARD_CLIENT_LIMIT + 7);
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
    assert_int_equal(world->last.certificate_generation, installed + 1);
    expect_served(world, world->last.certificate_serial);
    assert_string_not_equal(world->last.certificate_serial, old);
    await_end(world);
    assert_in_range(clock_steady() - begin, 2500, PATIENCE);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->last.guard_refusals, GUARD_CLIENT_LIMIT + 7);
    assert_int_equal(world->last.guard_clients.count, GUARD_CLIENT_LIMIT);
    assert_string_equal(world->last.guard_clients.items[0], "127.0.0.1");
    assert_string_equal(world->last.guard_clients.items[1], "::1");
    assert_int_equal(world->last.certificate_generation, installed);
    expect_served(world, old);
}

static void a_rehearsal_that_nobody_refuses_goes_back_too(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    for (int seconds = 0; seconds < 2; seconds++) {
        settle(world);
        AUTO_FREE char *old = mem_string(world->last.certificate_serial);
        rotate(world, seconds, 1, true);
        await_end(world);
        assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
        assert_int_equal(world->last.guard_refusals, 0);
        expect_served(world, old);
    }
}

static void clients_that_refused_the_old_one_do_not_count(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    psql_refuses(world, "127.0.0.1");
    refuse_and_log(world, 7);
    rotate(world, LONG, 1, false);
    refuse_from(world, 7);
    psql_refuses(world, "127.0.0.1");
    refuse_from(world, 8);
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->last.guard_refusals, 1);
    expect_clients(world, "127.0.0.8 ");
    /* The same clients at the next try: who refused what was undone counts again, who refuses all does not.
     */
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, other_ca(world));
    rotate(world, LONG, 1, false);
    refuse_from(world, 7);
    psql_refuses(world, "127.0.0.1");
    refuse_from(world, 8);
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->last.guard_refusals, 1);
    expect_clients(world, "127.0.0.8 ");
}

static void clients_that_refused_long_ago_count_again(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    refuse_and_log(world, 7);
    clock_shift(3 * CLOCK_DAY);
    rotate(world, LONG, 1, false);
    refuse_from(world, 7);
    await_end(world);
    clock_shift(0);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    expect_clients(world, "127.0.0.7 ");
}

static void a_newer_certificate_ends_a_guard(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    AUTO_FREE char *old = mem_string(world->last.certificate_serial);
    rotate(world, LONG, 2, false);
    int64_t first = world->desired.certificate_generation;
    AUTO_FREE char *first_serial = mem_string(world->last.certificate_serial);
    refuse_from(world, 7);
    await_due(world);
    /* Both ends are told, though they fall into one round and its reports are not heard at once. */
    want(world, LONG, 1, false);
    assert_int_equal(world_reconcile(world), RECONCILE_DONE);
    expect_guards(world, first, "kept", first + 1, "watching");
    assert_int_equal(world->last.certificate_generation, first + 1);
    refuse_from(world, 8);
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->last.guard_refusals, 1);
    expect_clients(world, "127.0.0.8 ");
    assert_int_equal(world->last.certificate_generation, first);
    expect_served(world, first_serial);
    assert_string_not_equal(first_serial, old);
}

static void a_newer_certificate_ends_a_rehearsal_first(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    AUTO_FREE char *old = mem_string(world->last.certificate_serial);
    int64_t installed = world->last.certificate_generation;
    rotate(world, LONG, 1, true);
    refuse_from(world, 7);
    await_refusals(world, 1);
    want(world, LONG, 1, false);
    text_copy(world->desired.ca_identifier, sizeof world->desired.ca_identifier, other_ca(world));
    assert_int_equal(world_reconcile(world), RECONCILE_DONE);
    expect_guards(world, installed + 1, "undone", installed + 2, "watching");
    assert_int_equal(world->last.certificate_generation, installed + 2);
    refuse_from(world, 7);
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->last.certificate_generation, installed);
    expect_served(world, old);
}

/* One that cannot be got changes nothing yet. */
static void a_newer_certificate_that_is_not_there_ends_nothing(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    int64_t installed = world->last.certificate_generation;
    rotate(world, LONG, 1, false);
    want(world, LONG, NEVER, false);
    world->mischief = MISCHIEF_RETRY;
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_int_equal(world->last.guard_generation, installed + 1);
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
    refuse_from(world, 7);
    await_due(world);
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->last.certificate_generation, installed);
    world->mischief = MISCHIEF_NONE;
    world_converge(world);
    assert_int_equal(world->last.guard_generation, installed + 2);
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
}

static void stays_where_the_old_certificate_is_not_usable_any_more(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    for (int rehearsal = 0; rehearsal < 2; rehearsal++) {
        settle(world);
        int64_t installed = world->last.certificate_generation;
        size_t events = world->events;
        rotate(world, LONG, 1, rehearsal);
        refuse_from(world, 7);
        await_due(world);
        clock_shift(366 * CLOCK_DAY); /* the old one was issued for a year, and the guard's time is over */
        world_reconcile(world);
        clock_shift(0);
        assert_int_equal(world->last.guard_outcome, GUARD_KEPT);
        assert_int_equal(world->last.guard_refusals, 1);
        assert_int_equal(world->last.certificate_generation, installed + 1);
        assert_int_equal(world->events, events + 1);
        assert_non_null(strstr(world->event, "orders"));
        assert_non_null(strstr(world->event, "cannot come back"));
        assert_non_null(strstr(world->event, "expired"));
        assert_non_null(strstr(world->event, rehearsal ? "rehearsed" : "Clients refuse"));
        world_converge(world);
        assert_int_equal(world->events, events + 1);
        PQfinish(world_connect(world, world->desired.ca_identifier));
    }
}

static char *pair_folder(const struct world *world, int64_t generation)
{
    AUTO_FREE char *name = mem_format("certificates/%d", (int)generation);
    return world_path(world, name);
}

static void stays_where_the_old_certificate_is_lost(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    size_t events = world->events;
    AUTO_FREE char *folder = pair_folder(world, world->last.certificate_generation);
    rotate(world, LONG, 1, false);
    assert_int_equal(file_remove_tree(folder, NULL), 0);
    refuse_from(world, 7);
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_KEPT);
    assert_int_equal(world->events, events + 1);
    PQfinish(world_connect(world, world->desired.ca_identifier));
}

/* Of the older ones two are kept otherwise: that which serves and the newest below it. */
static void keeps_the_pair_to_go_back_to(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    AUTO_FREE char *old = mem_string(world->last.certificate_serial);
    int64_t installed = world->last.certificate_generation;
    AUTO_FREE char *between = pair_folder(world, installed + 1);
    assert_int_equal(file_make_folder(between, 0700, NULL), 0); /* was tried, and came to nothing */
    world->desired.certificate_generation++;
    rotate(world, LONG, 1, false);
    world_converge(world);
    refuse_from(world, 7);
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->last.certificate_generation, installed);
    expect_served(world, old);
}

/* The pair of the RSA authority cannot serve where clients can use elliptic curves alone. */
static void tries_again_when_the_old_certificate_cannot_be_served(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    if (text_equal(world->desired.ca_identifier, FIRST_CA))
        rotate(world, 0, 0, false);
    AUTO_FREE char *old = mem_string(world->last.certificate_serial);
    size_t events = world->events;
    rotate(world, LONG, 1, false);
    AUTO_FREE char *new = mem_string(world->last.certificate_serial);
    desired_set_parameter(&world->desired, "ssl_max_protocol_version", "TLSv1.2");
    desired_set_parameter(&world->desired, "ssl_ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384");
    world->desired.generation++;
    world_converge(world);
    refuse_from(world, 7);
    await_due(world);
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    assert_int_equal(world->last.state, OBSERVED_WORKING);
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
    assert_non_null(strstr(world->last.problem, "could not be put back"));
    assert_int_equal(world->events, events + 1);
    assert_non_null(strstr(world->event, "could not be installed"));
    expect_served(world, new);
    assert_false(is_due(world)); /* the pause between rounds is not cut short */
    assert_true(reconcile_due(&world->site, &world->desired));
    desired_set_parameter(&world->desired, "ssl_max_protocol_version", "");
    desired_set_parameter(&world->desired, "ssl_ciphers", "HIGH:!aNULL");
    world->desired.generation++;
    world_converge(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    assert_int_equal(world->events, events + 1);
    expect_served(world, old);
}

static void a_renamed_instance_is_not_watched(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    int64_t watched = world->last.guard_generation;
    text_list_add(&world->desired.names, "more.localhost");
    rotate(world, LONG, 1, false);
    assert_int_equal(world->last.guard_generation, watched);
    refuse_and_log(world, 7);
    assert_false(is_due(world));
    world_converge(world);
    assert_int_equal(world->last.certificate_generation, world->desired.certificate_generation);
}

static void a_clock_that_is_put_back_does_not_make_it_longer(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    rotate(world, 1, NEVER, false);
    clock_shift(-6 * CLOCK_HOUR);
    int64_t begin = clock_steady();
    await_end(world);
    clock_shift(0);
    assert_true(clock_steady() - begin < 5000);
    assert_int_equal(world->last.guard_outcome, GUARD_KEPT);
}

static void goes_back_without_a_server_and_reports_later(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    AUTO_FREE char *old = mem_string(world->last.certificate_serial);
    int64_t generation = world->desired.certificate_generation + 1;
    rotate(world, LONG, 1, false);
    world->unreachable = true;
    refuse_from(world, 7);
    await_due(world);
    assert_int_equal(world_reconcile(world), RECONCILE_AGAIN);
    expect_served(world, old);
    world->unreachable = false;
    /* The next guard begins before the end of this one was heard. */
    want(world, LONG, 1, false);
    buf_clear(&world->guards);
    world_converge(world);
    expect_guards(world, generation, "undone", generation + 1, "watching");
}

static void goes_back_after_a_stop_and_after_a_crash_of_the_engine(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    AUTO_FREE char *old = mem_string(world->last.certificate_serial);
    rotate(world, 1, 1, true);
    world->desired.running = false;
    world->desired.generation++;
    world_converge(world);
    assert_false(reconcile_guarded(&world->site, &world->desired, &(bool){false}));
    clock_shift(5 * CLOCK_SECOND); /* the rehearsal's time goes by */
    world->desired.running = true;
    world->desired.generation++;
    world_converge(world);
    clock_shift(0);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    expect_served(world, old);
    settle(world);
    AUTO_FREE char *kept = mem_string(world->last.certificate_serial);
    size_t events = world->events;
    rotate(world, LONG, 1, false);
    refuse_from(world, 7);
    await_due(world);
    int postmaster = world_postmaster(world);
    kill(postmaster, SIGKILL);
    while (process_alive(postmaster))
        usleep(5000);
    waitpid(postmaster, NULL, WNOHANG);
    world_converge(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    expect_served(world, kept);
    assert_int_equal(world->events, events + 1);
    assert_non_null(strstr(world->event, "was not running"));
}

/* What stands in the state on disk while a child works. */
static bool is_undoing(const struct world *world)
{
    struct instance_state kept;
    AUTO_FREE char *folder = world_path(world, ".");
    assert_int_equal(state_load(folder, &kept, NULL), 0);
    bool undoing = kept.guard.undoing;
    state_free(&kept);
    return undoing;
}

static bool is_installing(const struct world *world)
{
    struct instance_state kept;
    AUTO_FREE char *folder = world_path(world, ".");
    assert_int_equal(state_load(folder, &kept, NULL), 0);
    bool installing = kept.installing == world->desired.certificate_generation;
    state_free(&kept);
    return installing;
}

static char *served_serial(const struct world *world)
{
    const struct probe_target target = {.protocol = PROBE_POSTGRES,
                                        .address = "127.0.0.1",
                                        .port = world->last.port,
                                        .server_name = ENDPOINT,
                                        .deadline = 5000};
    struct probe_result served;
    assert_int_equal(probe_run(&target, &served, NULL), 0);
    char *serial = mem_string(served.leaf.serial);
    probe_result_free(&served);
    return serial;
}

/* The new pair is on the wire, and the round that installs it goes on. */
static bool serves_before_the_end(const struct world *world)
{
    if (!is_installing(world))
        return false;
    AUTO_FREE char *serial = served_serial(world);
    return !text_equal(serial, world->last.certificate_serial) && is_installing(world);
}

/* A round that is killed `delay` microseconds after the state on disk says that something began. True when it
 * had ended by itself. */
static bool killed_after(struct world *world, bool (*begun)(const struct world *world), useconds_t delay)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit((int)world_reconcile(world));
    pid_t ended = 0;
    while (!begun(world) && !ended)
        ended = waitpid(child, &status, WNOHANG);
    usleep(delay);
    kill(child, SIGKILL);
    if (!ended)
        waitpid(child, &status, 0);
    return WIFEXITED(status);
}

/* The key and the certificate that the engine reads belong together. */
static void expect_a_whole_pair_on_disk(const struct world *world)
{
    AUTO_FREE char *key_file = world_path(world, "tls/server.key"),
                   *chain_file = world_path(world, "tls/server.crt");
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_chain_file(context, chain_file), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM), 1);
    SSL_CTX_free(context);
}

static void an_undo_survives_kills_at_any_instant(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    int cut = 0, postmaster = world_postmaster(world);
    srand((unsigned)clock_now());
    for (int i = 0; i < 9; i++) {
        settle(world);
        size_t events = world->events;
        int64_t installed = world->last.certificate_generation;
        AUTO_FREE char *old = mem_string(world->last.certificate_serial);
        rotate(world, LONG, 1, i % 3 == 0);
        AUTO_FREE char *new = mem_string(world->last.certificate_serial);
        refuse_from(world, 7);
        await_due(world);
        if (i % 3 == 0)
            clock_shift((LONG + 1) * CLOCK_SECOND); /* the rehearsal is over */
        for (int k = 0; k < 3; k++) {
            cut += !killed_after(world, is_undoing, (useconds_t)(rand() % 50) * 1000);
            AUTO_FREE char *served = served_serial(world);
            assert_true(text_equal(served, old) || text_equal(served, new));
        }
        world_converge(world);
        clock_shift(0);
        assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
        assert_int_equal(world->last.guard_refusals, 1);
        assert_int_equal(world->last.certificate_generation, installed);
        expect_served(world, old);
        expect_a_whole_pair_on_disk(world);
        assert_int_equal(world->events, events);
        assert_false(is_undoing(world));
    }
    assert_int_equal(world_postmaster(world), postmaster);
    print_message("%d of 27 rounds were cut in the middle of an undo\n", cut);
    assert_true(cut > 0);
}

static void a_watched_installation_survives_kills_at_any_instant(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    size_t events = world->events;
    for (int i = 0; i < 6; i++) {
        settle(world);
        int64_t installed = world->last.certificate_generation;
        AUTO_FREE char *old = mem_string(world->last.certificate_serial);
        refuse_and_log(world, 9);
        want(world, LONG, 1, false);
        for (int k = 0; k < 3; k++)
            world_reconcile_killed(world, (useconds_t)(rand() % 60) * 1000);
        world_converge(world);
        assert_int_equal(world->last.certificate_generation, installed + 1);
        assert_int_equal(world->last.guard_generation, installed + 1);
        assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
        expect_a_whole_pair_on_disk(world);
        refuse_from(world, 9); /* known from before, in spite of the kills */
        refuse_from(world, 7);
        await_end(world);
        assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
        expect_clients(world, "127.0.0.7 ");
        expect_served(world, old);
    }
    assert_int_equal(world->events, events);
}

/* Who refuses the new certificate while its installation is not finished is not taken for one who refused the
 * old one. */
static void clients_that_come_before_the_end_of_an_installation_count(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    bool cut = false;
    for (int i = 0; i < 200 && !cut; i++) {
        settle(world);
        want(world, LONG, 1, false);
        killed_after(world, serves_before_the_end, 0);
        cut = serves_before_the_end(world);
        if (cut)
            refuse_and_log(world, 11);
        world_converge(world);
    }
    assert_true(cut);
    await_end(world);
    assert_int_equal(world->last.guard_outcome, GUARD_UNDONE);
    expect_clients(world, "127.0.0.11 ");
}

/* The agent's own loop, with an interval between looks at which nothing would be noticed in time. Returns how
 * many rounds it started. */
static int turn_tracks(struct world *world, struct tracks *tracks)
{
    size_t before = tracks->children;
    tracks_look(tracks, &world->site, CLOCK_HOUR);
    tracks_start(tracks, &world->site, &world->transport, 1);
    int started = tracks->children > before;
    usleep(10000);
    tracks_reap(tracks);
    return started;
}

static bool is_kept(const struct world *world, int64_t generation, enum guard_outcome outcome)
{
    struct instance_state kept;
    AUTO_FREE char *folder = world_path(world, ".");
    assert_int_equal(state_load(folder, &kept, NULL), 0);
    bool same = kept.certificate_generation == generation && kept.guard.outcome == outcome;
    state_free(&kept);
    return same;
}

static void is_looked_after_every_second_without_a_child(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    struct tracks tracks = {0};
    struct desired_instance heard;
    settle(world);
    int64_t installed = world->last.certificate_generation;
    want(world, LONG, 1, false);
    json_t *json = desired_to_json(&world->desired);
    assert_int_equal(desired_from_json(json, &heard, NULL), 0);
    json_decref(json);
    tracks_load(&tracks, world->folder);
    tracks_hear(&tracks, &heard);
    int rounds = 0;
    while (!is_kept(world, installed + 1, GUARD_WATCHING) || tracks.children)
        rounds += turn_tracks(world, &tracks);
    assert_int_equal(rounds, 1);
    for (int64_t until = clock_steady() + 2500; clock_steady() < until;) {
        rounds += turn_tracks(world, &tracks);
        assert_true(tracks_next(&tracks, 1) <= clock_steady() + 1000);
    }
    assert_int_equal(rounds, 1);
    refuse_from(world, 7);
    int64_t begin = clock_steady();
    while (!is_kept(world, installed, GUARD_UNDONE)) {
        assert_true(clock_steady() - begin < PATIENCE);
        turn_tracks(world, &tracks);
    }
    print_message("undone after %lld ms\n", (long long)(clock_steady() - begin));
    while (tracks.children)
        turn_tracks(world, &tracks);
    turn_tracks(world, &tracks);
    turn_tracks(world, &tracks);
    assert_true(tracks_next(&tracks, 1) > clock_steady() + CLOCK_MINUTE); /* nothing is watched any more */
    tracks_stop(&tracks, PATIENCE);
    tracks_free(&tracks);
    world_converge(world);
}

/* What real clients leave in the log, seen by a rehearsal that counts them. */
static void counts_clients_of_both_families_and_versions(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    static const char *const modes[] = {"verify-ca", "verify-full"};
    static const char *const versions[] = {"TLSv1.2", "TLSv1.3"};
    struct world *world = *state;
    world_need_postgres(world);
    settle(world);
    rotate(world, LONG, 1, true);
    AUTO_FREE char *root = world_root_file(world, other_ca(world));
    int refusals = 0;
    for (int i = 0; i < 8; i++) {
        AUTO_FREE char *more = mem_format(
            "hostaddr=%s sslmode=%s sslrootcert=%s ssl_min_protocol_version=%s ssl_max_protocol_version=%s",
            addresses[i & 1], modes[i >> 1 & 1], root, versions[i >> 2], versions[i >> 2]);
        assert_false(psql(world, more));
        await_refusals(world, ++refusals);
        expect_clients(world, i ? "127.0.0.1 ::1 " : "127.0.0.1 ");
    }
}

/* Begins TLS, or plain text where TLS is over, and leaves. */
static void hang_up(const struct world *world, const void *sent, size_t length)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)world->last.port)};
    char answer = 0;
    AUTO_CLOSE int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    if (length) {
        assert_int_equal(send(fd, sent, length, MSG_NOSIGNAL), length);
        assert_in_range(recv(fd, &answer, 1, 0), 0, 1);
    }
}

/* Follows the test above, in its rehearsal. */
static void clients_that_leave_for_other_reasons_do_not_count(void **state)
{
    struct world *world = *state;
    world_need_postgres(world);
    int64_t refusals = world->last.guard_refusals;
    const char *trusted = world->desired.ca_identifier;
    assert_int_equal(world->last.guard_outcome, GUARD_WATCHING);
    AUTO_FREE char *root = world_root_file(world, trusted);
    AUTO_FREE char *wrong_host = mem_format("host=other.localhost hostaddr=127.0.0.1 sslmode=verify-full "
                                            "sslrootcert=%s",
                                            root);
    assert_false(psql(world, wrong_host));
    assert_false(psql(world, "hostaddr=127.0.0.1 sslmode=disable"));
    assert_false(psql_trusting(world, trusted, "127.0.0.1", "password=wrong"));
    assert_false(psql_trusting(world, trusted, "::1", "user='a\nb' password=wrong"));
    hang_up(world, NULL, 0);
    hang_up(world, "\0\0\0\x08\x04\xd2\x16\x2f", 8); /* asks for TLS */
    hang_up(world,
            "\0\0\0\x08\x04\xd2\x16\x2f"
            "GET / HTTP/1.1\r\n",
            24); /* and talks of something else */
    hang_up(world,
            "\0\0\0\x08\x04\xd2\x16\x2f"
            "\x15\3\1\0\2\2\x30",
            15); /* an alert before a handshake */
    /* A logged-in client that writes into the log in the name of another. */
    PGconn *open = world_connect(world, trusted);
    PQclear(PQexec(open, "DO $$ BEGIN RAISE LOG E'x\\n2026-01-02 03:04:05.678 UTC [12] 192.0.2.7 LOG:  could "
                         "not accept SSL connection: tlsv1 alert unknown ca'; END $$"));
    PQfinish(open);
    refuse_from(world, 7);
    await_refusals(world, refusals + 1);
    expect_clients(world, "127.0.0.1 ::1 127.0.0.7 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_certificate_is_not_watched),
        cmocka_unit_test(keeps_a_certificate_that_nobody_refuses),
        cmocka_unit_test(goes_back_when_clients_refuse_without_a_restart),
        cmocka_unit_test(is_done_with_what_was_undone),
        cmocka_unit_test(keeps_a_certificate_that_few_refuse),
        cmocka_unit_test(a_rehearsal_counts_and_goes_back_at_its_end),
        cmocka_unit_test(a_rehearsal_that_nobody_refuses_goes_back_too),
        cmocka_unit_test(clients_that_refused_the_old_one_do_not_count),
        cmocka_unit_test(clients_that_refused_long_ago_count_again),
        cmocka_unit_test(a_newer_certificate_ends_a_guard),
        cmocka_unit_test(a_newer_certificate_ends_a_rehearsal_first),
        cmocka_unit_test(a_newer_certificate_that_is_not_there_ends_nothing),
        cmocka_unit_test(stays_where_the_old_certificate_is_not_usable_any_more),
        cmocka_unit_test(stays_where_the_old_certificate_is_lost),
        cmocka_unit_test(keeps_the_pair_to_go_back_to),
        cmocka_unit_test(tries_again_when_the_old_certificate_cannot_be_served),
        cmocka_unit_test(a_renamed_instance_is_not_watched),
        cmocka_unit_test(a_clock_that_is_put_back_does_not_make_it_longer),
        cmocka_unit_test(goes_back_without_a_server_and_reports_later),
        cmocka_unit_test(goes_back_after_a_stop_and_after_a_crash_of_the_engine),
        cmocka_unit_test(an_undo_survives_kills_at_any_instant),
        cmocka_unit_test(a_watched_installation_survives_kills_at_any_instant),
        cmocka_unit_test(clients_that_come_before_the_end_of_an_installation_count),
        cmocka_unit_test(is_looked_after_every_second_without_a_child),
        cmocka_unit_test(counts_clients_of_both_families_and_versions),
        cmocka_unit_test(clients_that_leave_for_other_reasons_do_not_count),
    };
    if (drop_root())
        return 1;
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
