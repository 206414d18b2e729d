/* fleet/forecast: the fleet replayed to a date. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/forecast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of ca_profiles(). */
enum { CA_ECC384, CA_RSA4096, CA_RSA2048, CA_2019 };

struct stage {
    struct world *world;
    int64_t now;
    struct forecast_instance found; /* of the last instance visited */
    int visited;
};

static void put_subordinate(struct stage *stage, const char *ca_identifier, int64_t not_after)
{
    struct authority_row row = {.number = 1, .not_after = not_after};
    text_copy(row.scope, sizeof row.scope, "us-east-1");
    text_copy(row.ca_identifier, sizeof row.ca_identifier, ca_identifier);
    text_copy(row.sha1, sizeof row.sha1, ca_identifier);
    buf_append_text(&row.certificate, ca_identifier);
    assert_int_equal(store_authority_insert(stage->world->fleet.store, &row, NULL), 0);
    authority_row_free(&row);
}

/* An instance that serves a certificate of a year, issued now. */
static void put_instance(struct stage *stage, const char *ca_identifier, const char *bridges,
                         const char *host, bool running)
{
    struct instance_row row = {0};
    assert_int_equal(store_instance_get(stage->world->fleet.store, "us-east-1", "orders", &row, NULL), 0);
    text_copy(row.ca_identifier, sizeof row.ca_identifier, ca_identifier);
    text_copy(row.served_ca_identifier, sizeof row.served_ca_identifier, ca_identifier);
    text_copy(row.host, sizeof row.host, host);
    buf_clear(&row.bridges);
    buf_append_text(&row.bridges, bridges);
    row.running = running;
    row.observed_certificate_generation = row.certificate_generation;
    row.served_issued_at = stage->now;
    row.served_not_after = stage->now + 365 * CLOCK_DAY;
    assert_int_equal(store_instance_update(stage->world->fleet.store, &row, NULL), 0);
    instance_row_free(&row);
}

static void keep(const struct forecast_instance *instance, size_t index, void *context)
{
    struct stage *stage = context;
    (void)index;
    stage->found = *instance;
    stage->found.row = NULL;
    stage->visited++;
}

static const struct forecast_instance *forecast_at(struct stage *stage, int days)
{
    struct forecast *forecast;
    struct error error = {0};
    int64_t at = stage->now + days * CLOCK_DAY;
    assert_int_equal(forecast_new(&stage->world->fleet, stage->now, at, &forecast, &error), 0);
    assert_int_equal(forecast_instances(forecast, NULL, &at, 1, keep, stage, &error), 0);
    forecast_free(forecast);
    return &stage->found;
}

static void one_that_rotates_is_good_for_ever(void **state)
{
    struct stage *stage = *state;
    put_instance(stage, "rds-ca-rsa2048-g1", "[]", "one", true);
    assert_int_equal(forecast_at(stage, 100)->rotations, 0);
    const struct forecast_instance *year = forecast_at(stage, 365);
    assert_int_equal(year->rotations, 1);
    assert_in_range(year->first_rotation, stage->now + 182 * CLOCK_DAY, stage->now + 230 * CLOCK_DAY);
    const struct forecast_instance *decade = forecast_at(stage, 3650);
    assert_false(decade->expired);
    assert_in_range(decade->rotations, 15, 20);
    assert_true(decade->bundle_verifies);
    assert_int_equal(decade->roots, 1U << CA_RSA2048);
}

static void rds_ca_2019_expires(void **state)
{
    struct stage *stage = *state;
    put_instance(stage, "rds-ca-2019", "[]", "one", true);
    assert_false(forecast_at(stage, 364)->expired);
    const struct forecast_instance *later = forecast_at(stage, 366);
    assert_true(later->expired);
    assert_int_equal(later->cause, FORECAST_MANUAL);
    assert_int_equal(later->rotations, 0);
    assert_false(later->bundle_verifies);
}

static void stopped_ones_and_lost_hosts_are_not_rotated(void **state)
{
    struct stage *stage = *state;
    put_instance(stage, "rds-ca-rsa2048-g1", "[]", "one", false);
    assert_int_equal(forecast_at(stage, 366)->cause, FORECAST_STOPPED);
    assert_true(stage->found.expired);
    struct host_row host = {.host = "gone", .seen_at = stage->now - 2 * CLOCK_DAY};
    buf_append_text(&host.engines, "[]");
    assert_int_equal(store_host_put(stage->world->fleet.store, &host, NULL), 0);
    host_row_free(&host);
    put_instance(stage, "rds-ca-rsa2048-g1", "[]", "gone", true);
    assert_int_equal(forecast_at(stage, 366)->cause, FORECAST_LOST);
    assert_true(stage->found.expired);
}

static void a_bridge_carries_clients_of_the_ca_before(void **state)
{
    struct stage *stage = *state;
    put_instance(stage, "rds-ca-rsa2048-g1", "[\"rds-ca-2019\"]", "one", true);
    assert_int_equal(forecast_at(stage, 10)->roots, 1U << CA_RSA2048 | 1U << CA_2019);
    /* The fixture's roots end in 2120. */
    int days = (int)((INT64_C(4733510400000) - stage->now) / CLOCK_DAY) + 10;
    assert_int_equal(forecast_at(stage, days)->roots, 0);
    assert_false(stage->found.bundle_verifies);
}

static void a_successor_breaks_pinned_subordinates_alone(void **state)
{
    struct stage *stage = *state;
    put_instance(stage, "rds-ca-rsa2048-g1", "[]", "one", true);
    assert_true(forecast_at(stage, 1000)->pinned_verifies);
    const struct forecast_instance *later = forecast_at(stage, 3600);
    assert_false(later->pinned_verifies);
    assert_true(later->bundle_verifies);
}

static void note_succession(const struct forecast_authority *authority, void *context)
{
    if (authority->row->number && text_equal(authority->row->ca_identifier, "rds-ca-rsa2048-g1"))
        *(int64_t *)context = authority->succession;
}

static void authorities_tell_when_their_successor_comes(void **state)
{
    struct stage *stage = *state;
    struct forecast *forecast;
    int64_t succession = 0;
    assert_int_equal(forecast_new(&stage->world->fleet, stage->now, stage->now, &forecast, NULL), 0);
    assert_int_equal(
        forecast_authorities(forecast, "us-east-1", stage->now, note_succession, &succession, NULL), 0);
    forecast_free(forecast);
    assert_in_range(succession, stage->now + 2400 * CLOCK_DAY, stage->now + 2600 * CLOCK_DAY);
}

/* What else is known of the instance: a member of its row. */
static void change_row(struct stage *stage, void (*change)(struct instance_row *, int64_t now))
{
    struct instance_row row = {0};
    assert_int_equal(store_instance_get(stage->world->fleet.store, "us-east-1", "orders", &row, NULL), 0);
    change(&row, stage->now);
    assert_int_equal(store_instance_update(stage->world->fleet.store, &row, NULL), 0);
    instance_row_free(&row);
}

static void set_text(struct buf *target, const char *text)
{
    buf_clear(target);
    buf_append_text(target, text);
}

static void undo_renewal(struct instance_row *row, int64_t now)
{
    (void)now;
    set_text(&row->rotation, "{\"state\":\"undone\",\"reason\":\"renewal\",\"from\":\"rds-ca-rsa2048-g1\","
                             "\"to\":\"rds-ca-rsa2048-g1\"}");
}

static void undo_change(struct instance_row *row, int64_t now)
{
    (void)now;
    set_text(&row->rotation, "{\"state\":\"undone\",\"reason\":\"change\",\"from\":\"rds-ca-rsa2048-g1\","
                             "\"to\":\"rds-ca-ecc384-g1\"}");
}

static void a_renewal_that_clients_refused_is_no_renewal(void **state)
{
    struct stage *stage = *state;
    put_instance(stage, "rds-ca-rsa2048-g1", "[]", "one", true);
    change_row(stage, undo_renewal);
    assert_true(forecast_at(stage, 366)->expired);
    assert_int_equal(stage->found.cause, FORECAST_UNDONE);
    assert_true(stage->found.expired_at == stage->now + 365 * CLOCK_DAY);
    change_row(stage, undo_change); /* given up; its own CA's renewals go on */
    assert_false(forecast_at(stage, 366)->expired);
    assert_int_equal(stage->found.rotations, 1);
}

static void start_lately(struct instance_row *row, int64_t now)
{
    (void)now;
    row->certificate_generation++;
    text_copy(row->ca_identifier, sizeof row->ca_identifier, "rds-ca-2019");
}

static void start_long_ago(struct instance_row *row, int64_t now)
{
    AUTO_FREE char *text = mem_format("{\"started_at\":%lld}", (long long)(now - 2 * CLOCK_DAY));
    set_text(&row->rotation, text);
}

static void what_is_under_way_is_done_unless_it_is_late(void **state)
{
    struct stage *stage = *state;
    put_instance(stage, "rds-ca-rsa2048-g1", "[]", "one", true);
    change_row(stage, start_lately);
    assert_int_equal(forecast_at(stage, 10)->rotations, 1);
    assert_int_equal(stage->found.roots, 1U << CA_2019);
    change_row(stage, start_long_ago);
    assert_int_equal(forecast_at(stage, 366)->cause, FORECAST_LATE);
    assert_true(stage->found.expired);
}

static void wait_for_window(struct instance_row *row, int64_t now)
{
    (void)now;
    set_text(&row->pending, "{\"CACertificateIdentifier\":\"rds-ca-rsa2048-g1\"}");
}

static void a_pending_change_comes_in_the_window_with_its_bridge(void **state)
{
    struct stage *stage = *state;
    put_instance(stage, "rds-ca-2019", "[]", "one", true);
    change_row(stage, wait_for_window);
    assert_int_equal(forecast_at(stage, 8)->rotations, 1);
    assert_int_equal(stage->found.roots, 1U << CA_2019 | 1U << CA_RSA2048);
    assert_false(forecast_at(stage, 700)->expired);
    stage->world->settings.bridges = false;
    assert_int_equal(forecast_at(stage, 8)->roots, 1U << CA_RSA2048);
}

static void note_row(const struct forecast_instance *instance, size_t index, void *context)
{
    int *rotations = context;
    rotations[index] = instance->rotations;
}

static void many_dates_are_answered_in_one_walk(void **state)
{
    struct stage *stage = *state;
    struct forecast *forecast;
    int64_t dates[5];
    int rotations[5] = {0};
    put_instance(stage, "rds-ca-rsa2048-g1", "[]", "one", true);
    for (int i = 0; i < 5; i++)
        dates[i] = stage->now + i * 500 * CLOCK_DAY;
    assert_int_equal(forecast_new(&stage->world->fleet, stage->now, dates[4], &forecast, NULL), 0);
    assert_int_equal(forecast_instances(forecast, NULL, dates, 5, note_row, rotations, NULL), 0);
    forecast_free(forecast);
    for (int i = 0; i < 5; i++)
        assert_int_equal(rotations[i], forecast_at(stage, i * 500)->rotations);
}

static void count_planned(const struct forecast_authority *authority, void *context)
{
    if (authority->planned && text_equal(authority->row->ca_identifier, "rds-ca-rsa2048-g1")) {
        assert_int_equal(authority->row->signs_at - authority->row->created_at, 30 * CLOCK_DAY);
        ++*(int *)context;
    }
}

static void successors_of_successors_are_planned(void **state)
{
    struct stage *stage = *state;
    struct forecast *forecast;
    int planned = 0;
    int64_t at = stage->now + 20 * 365 * CLOCK_DAY;
    assert_int_equal(forecast_new(&stage->world->fleet, stage->now, at, &forecast, NULL), 0);
    assert_int_equal(forecast_authorities(forecast, NULL, at, count_planned, &planned, NULL), 0);
    forecast_free(forecast);
    assert_int_equal(planned, 2);
}

static void a_large_fleet_is_replayed(void **state)
{
    struct stage *stage = *state;
    struct error error = {0};
    put_instance(stage, "rds-ca-rsa2048-g1", "[]", "one", true);
    struct instance_row row = {0};
    assert_int_equal(store_instance_get(stage->world->fleet.store, "us-east-1", "orders", &row, NULL), 0);
    assert_int_equal(store_begin(stage->world->fleet.store, &error), 0);
    for (int i = 0; i < 100000; i++) {
        snprintf(row.identifier, sizeof row.identifier, "many-%d", i);
        snprintf(row.resource_id, sizeof row.resource_id, "db-%d", i);
        assert_int_equal(store_instance_insert(stage->world->fleet.store, &row, &error), 0);
    }
    assert_int_equal(store_commit(stage->world->fleet.store, &error), 0);
    instance_row_free(&row);
    stage->visited = 0;
    forecast_at(stage, 1095);
    assert_int_equal(stage->visited, 100001);
}

static int set_up(void **state)
{
    struct stage *stage = mem_new(sizeof *stage);
    stage->world = world_new();
    stage->now = clock_now();
    world_create(stage->world, "orders", "");
    put_subordinate(stage, "rds-ca-rsa2048-g1", stage->now + 3652 * CLOCK_DAY);
    put_subordinate(stage, "rds-ca-2019", INT64_C(4733510400000));
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    world_free(stage->world);
    free(stage);
    return 0;
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(one_that_rotates_is_good_for_ever),
        STAGED(rds_ca_2019_expires),
        STAGED(stopped_ones_and_lost_hosts_are_not_rotated),
        STAGED(a_bridge_carries_clients_of_the_ca_before),
        STAGED(a_successor_breaks_pinned_subordinates_alone),
        STAGED(authorities_tell_when_their_successor_comes),
        STAGED(a_renewal_that_clients_refused_is_no_renewal),
        STAGED(what_is_under_way_is_done_unless_it_is_late),
        STAGED(a_pending_change_comes_in_the_window_with_its_bridge),
        STAGED(many_dates_are_answered_in_one_walk),
        STAGED(successors_of_successors_are_planned),
        STAGED(a_large_fleet_is_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
