/* fleet/webhook: what a receiver is told of an event and how it is signed, and who claims the work of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/event.h"
#include "fleet/webhook.h"
#include "fleet/work.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct event_row rotated_back = {
    .region = "us-east-1",
    .occurred_at = INT64_C(1795446245678), /* 2026-11-23T15:04:05.678Z */
    .event_id = "0b7e0000-0000-4000-8000-000000000001",
    .source_type = "db-instance",
    .source_identifier = "orders",
    .source_arn = "arn:aws:rds:us-east-1:123456789012:db:orders",
    .category = "failure",
    .message = "Refused by \"192.0.2.7\"",
    .code = "SEALWRIGHT-EVENT-0104",
};

/* ---- the body and its signature */

#define BODY_START                                                                                           \
    "{\"Event Source\":\"db-instance\",\"Event Time\":\"2026-11-23 15:04:05.678\",\"Identifier Link\":"      \
    "\"https://localhost:8443/console/#/databases/us-east-1/orders\",\"Source ID\":\"orders\","              \
    "\"Source ARN\":\"arn:aws:rds:us-east-1:123456789012:db:orders\",\"Event ID\":"
#define BODY_END                                                                                             \
    "\"Event Message\":\"Refused by \\\"192.0.2.7\\\"\",\"Region\":\"us-east-1\",\"Event Categories\":"      \
    "[\"failure\"],\"Event Key\":\"us-east-1/1795446245678/0b7e0000-0000-4000-8000-000000000001\"}"

static void assert_body(const struct world *world, const struct event_row *event, const char *expected)
{
    AUTO_BUF struct buf body = {0};
    webhook_body(&world->settings, event, &body);
    assert_string_equal(buf_text(&body), expected);
}

static void the_body_has_the_shape_of_rds_notifications(void **state)
{
    struct event_row event = rotated_back;
    assert_body(*state, &event, BODY_START "\"#SEALWRIGHT-EVENT-0104\"," BODY_END);
    text_copy(event.code, sizeof event.code, "RDS-EVENT-0005");
    assert_body(*state, &event,
                BODY_START "\"http://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/"
                           "USER_Events.html#RDS-EVENT-0005\"," BODY_END);
}

static void the_link_leads_to_the_name_that_others_know(void **state)
{
    struct world *world = *state;
    AUTO_BUF struct buf body = {0};
    text_list_add(&world->settings.endpoint_names, "control.example.com");
    world->settings.port = 9443;
    webhook_body(&world->settings, &rotated_back, &body);
    assert_non_null(
        strstr(buf_text(&body), "\"https://control.example.com:9443/console/#/databases/us-east-1/orders\""));
}

static void a_message_cut_within_a_character_is_still_json(void **state)
{
    const struct world *world = *state;
    struct event_row event = rotated_back;
    AUTO_BUF struct buf body = {0};
    memset(event.message, 'x', sizeof event.message);
    memcpy(event.message + sizeof event.message - 3, "\xE2\x82", 3); /* a euro sign without its last byte */
    webhook_body(&world->settings, &event, &body);
    json_t *json = json_loads(buf_text(&body), 0, NULL);
    const char *message = json_string_value(json_object_get(json, "Event Message"));
    assert_true(text_starts_with(message, "xxxxxx"));
    assert_true(text_ends_with(message, "x\xEF\xBF\xBD\xEF\xBF\xBD"));
    json_decref(json);
}

/* printf '1795446245.{"a":1}' | openssl dgst -sha256 -hmac the-secret */
static void the_signature_is_the_hmac_of_time_and_body(void **state)
{
    (void)state;
    AUTO_BUF struct buf signature = {0};
    webhook_sign(slice_text("the-secret"), INT64_C(1795446245678), slice_text("{\"a\":1}"), &signature);
    assert_string_equal(buf_text(&signature),
                        "t=1795446245,v1=20f6083a73cc7c34df50c22811fc0f6ddac22d0f60f6700b4506660636377494");
}

/* ---- the secret */

static int load(const char *folder, const char *content, mode_t mode, struct buf *secret, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/secret", folder);
    assert_int_equal(file_write(path, slice_text(content), mode, error), 0);
    return webhook_load_secret(path, secret, error);
}

static void the_secret_is_the_line_of_a_file_that_others_cannot_read(void **state)
{
    const struct world *world = *state;
    struct error error = {0};
    AUTO_SECRET struct buf secret = {0}, windows = {0}, open = {0}, empty = {0}, missing = {0};
    assert_int_equal(load(world->folder, "the-secret\n", 0600, &secret, &error), 0);
    assert_string_equal(buf_text(&secret), "the-secret");
    assert_int_equal(load(world->folder, " the secret\r\n", 0400, &windows, &error), 0);
    assert_string_equal(buf_text(&windows), " the secret");
    assert_int_equal(load(world->folder, "the-secret\n", 0640, &open, &error), ERROR_DENIED);
    assert_int_equal(load(world->folder, "\n", 0600, &empty, &error), ERROR_INVALID);
    assert_int_equal(webhook_load_secret("/nonexistent/secret", &missing, &error), ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, "webhook_secret_file"));
    assert_non_null(strstr(error.text, "/nonexistent/secret"));
}

/* ---- settings */

static int parse(const char *members, struct error *error)
{
    struct settings settings;
    AUTO_FREE char *json = mem_format("{%s}", members);
    settings_defaults(&settings, "/nonexistent");
    int result = settings_parse(&settings, slice_text(json), error);
    settings_free(&settings);
    return result;
}

static int parse_url(const char *url, struct error *error)
{
    AUTO_FREE char *members =
        mem_format("\"webhook_url\": \"%s\", \"webhook_secret_file\": \"/etc/secret\"", url);
    return parse(members, error);
}

static void addresses_are_https_or_on_this_machine(void **state)
{
    (void)state;
    static const char *const good[] = {
        "https://events.example.com/rds?team=1",
        "https://192.0.2.1:8443/",
        "http://127.0.0.1:8000/",
        "http://127.1.2.3/",
        "http://[::1]:8000/hook",
        "http://localhost:8000/",
    };
    static const char *const bad[] = {
        "http://events.example.com/s3cret",
        "http://192.0.2.1/s3cret",
        "http://[2001:db8::1]/s3cret",
        "http://127.0.0.1.example.com/s3cret",
        "http://127.0.0.1@example.com/s3cret",
        "http://localhost.example.com/s3cret",
        "http://2130706434.example.com/s3cret",
        "https://someone:s3cret@events.example.com/",
        "https://someone@events.example.com/s3cret",
        "ftp://127.0.0.1/s3cret",
        "file:///etc/s3cret",
        "events.example.com/s3cret",
        "https://events.example.com/s3cret with a space",
        "https://",
        "",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct error error = {0};
        if (parse_url(good[i], &error))
            fail_msg("%s: %s", good[i], error.text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error error = {0};
        if (parse_url(bad[i], &error) != ERROR_INVALID)
            fail_msg("%s was taken", bad[i]);
        assert_non_null(strstr(error.text, "webhook_url: expected"));
        assert_null(strstr(error.text, "s3cret")); /* an address may be as good as a key */
    }
}

static void address_and_secret_go_together(void **state)
{
    (void)state;
    struct error error = {0};
    assert_int_equal(parse("\"webhook_url\": \"https://events.example.com\"", &error), ERROR_INVALID);
    assert_non_null(strstr(error.text, "webhook_secret_file"));
    assert_int_equal(parse("\"webhook_secret_file\": \"/etc/secret\"", &error), ERROR_INVALID);
    assert_int_equal(parse("\"webhook_ca_file\": \"/etc/ca.pem\"", &error), ERROR_INVALID);
    assert_int_equal(parse("\"webhook_url\": \"https://events.example.com\", \"webhook_secret_file\": "
                           "\"/etc/secret\", \"webhook_ca_file\": \"/etc/ca.pem\"",
                           &error),
                     0);
}

/* ---- the work */

static void subscribe(struct world *world)
{
    world->settings.webhook_url = mem_string("https://events.example.com");
    world->settings.webhook_secret_file = mem_string("/etc/secret");
}

static void record(struct world *world, const char *identifier)
{
    struct error error = {0};
    struct instance_row instance = {.region = "us-east-1"};
    text_copy(instance.identifier, sizeof instance.identifier, identifier);
    if (event_record(&world->fleet, &instance, EVENT_CREATED, &error, "DB instance created"))
        fail_msg("%s", error.text);
}

static int64_t pending(struct world *world)
{
    int64_t count = -1;
    assert_int_equal(store_work_count(world->fleet.store, WORK_WEBHOOK, &count, NULL), 0);
    return count;
}

/* Claims the next webhook, which must be there. */
static struct work_row claim(struct world *world, struct event_row *event)
{
    struct error error = {0};
    struct work_row work = {0};
    if (webhook_claim(&world->fleet, &work, event, &error))
        fail_msg("nothing to claim: %s", error.text);
    return work;
}

static void assert_nothing_due(struct world *world)
{
    struct work_row work;
    struct event_row event;
    assert_int_equal(webhook_claim(&world->fleet, &work, &event, NULL), ERROR_NOT_FOUND);
}

static void an_event_is_told_when_there_is_a_receiver(void **state)
{
    struct world *world = *state;
    struct event_row event;
    record(world, "before");
    assert_int_equal(pending(world), 0);
    subscribe(world);
    record(world, "orders");
    struct work_row work = claim(world, &event);
    assert_string_equal(event.source_identifier, "orders");
    assert_string_equal(event.code, "RDS-EVENT-0005");
    assert_string_equal(event.message, "DB instance created");
    assert_string_equal(event.category, "creation");
    assert_int_equal(store_work_done(world->fleet.store, &work, world->fleet.owner, NULL), 0);
    assert_int_equal(pending(world), 0);
}

static void an_event_that_is_taken_back_is_not_told(void **state)
{
    struct world *world = *state;
    subscribe(world);
    assert_int_equal(store_begin(world->fleet.store, NULL), 0);
    record(world, "orders");
    store_rollback(world->fleet.store);
    assert_int_equal(pending(world), 0);
}

static int claim_as_worker(struct world *world, struct work_row *work)
{
    return store_work_claim(world->fleet.store, WORK_OF_WORKERS, "worker", clock_now(), CLOCK_MINUTE, work,
                            NULL);
}

static void each_share_of_work_has_its_own_claimants(void **state)
{
    struct world *world = *state;
    struct work_row work;
    struct event_row event;
    subscribe(world);
    record(world, "orders");
    clock_shift(CLOCK_MINUTE);
    assert_int_equal(store_work_add(world->fleet.store, "due", "before", 0, NULL), 0);
    assert_int_equal(store_work_add(world->fleet.store, "due", "after", clock_now(), NULL), 0);
    assert_int_equal(claim_as_worker(world, &work), 0);
    assert_string_equal(work.subject, "before");
    assert_int_equal(store_work_wait(world->fleet.store, &work, "worker", 0, NULL), 0);
    work = claim(world, &event);
    assert_string_equal(work.kind, WORK_WEBHOOK);
    assert_nothing_due(world);
    assert_int_equal(store_work_wait(world->fleet.store, &work, world->fleet.owner, 0, NULL), 0);
    assert_int_equal(claim_as_worker(world, &work), 0);
    assert_string_equal(work.subject, "before");
    assert_int_equal(claim_as_worker(world, &work), 0);
    assert_string_equal(work.subject, "after");
    assert_int_equal(claim_as_worker(world, &work), ERROR_NOT_FOUND);
}

static void events_are_told_in_their_order(void **state)
{
    struct world *world = *state;
    struct event_row event;
    static const char *const names[] = {"zebra", "ant", "monkey"};
    subscribe(world);
    for (int i = 0; i < 3; i++) {
        clock_shift(i * CLOCK_MINUTE);
        record(world, names[i]);
    }
    for (int i = 0; i < 3; i++) {
        struct work_row work = claim(world, &event);
        assert_string_equal(event.source_identifier, names[i]);
        assert_int_equal(store_work_done(world->fleet.store, &work, world->fleet.owner, NULL), 0);
    }
    assert_nothing_due(world);
}

static void what_a_killed_notifier_had_claimed_comes_again(void **state)
{
    struct world *world = *state;
    struct event_row event;
    subscribe(world);
    record(world, "orders");
    claim(world, &event);
    clock_shift(WEBHOOK_DEADLINE);
    assert_nothing_due(world); /* it might still be at it */
    clock_shift(2 * WEBHOOK_DEADLINE);
    claim(world, &event);
    assert_string_equal(event.source_identifier, "orders");
}

/* Fails the next attempt, made `shift` ms from the start. */
static void fail_at(struct world *world, int64_t shift)
{
    struct error error = {0};
    struct event_row event;
    clock_shift(shift);
    struct work_row work = claim(world, &event);
    assert_int_equal(webhook_failed(&world->fleet, &work, &event, "the receiver answered 500", &error), 0);
}

static void a_failed_attempt_is_made_again_for_a_day(void **state)
{
    struct world *world = *state;
    subscribe(world);
    record(world, "orders");
    int64_t at = 0;
    for (int64_t pause = CLOCK_SECOND; pause < 4 * CLOCK_MINUTE; pause *= 2) {
        fail_at(world, at);
        clock_shift(at + pause - CLOCK_SECOND / 2);
        assert_nothing_due(world);
        at += pause + CLOCK_SECOND / 2;
    }
    fail_at(world, WEBHOOK_PATIENCE - CLOCK_MINUTE);
    clock_shift(WEBHOOK_PATIENCE + CLOCK_MINUTE);
    assert_nothing_due(world);
    assert_int_equal(pending(world), 1);
    fail_at(world, WEBHOOK_PATIENCE + 5 * CLOCK_MINUTE);
    assert_int_equal(pending(world), 0);
}

static void an_event_that_is_gone_is_let_go(void **state)
{
    struct world *world = *state;
    subscribe(world);
    record(world, "orders");
    assert_int_equal(store_event_remove_before(world->fleet.store, clock_now() + CLOCK_MINUTE, NULL), 0);
    assert_nothing_due(world);
    assert_int_equal(pending(world), 0);
}

/* Where the webhook is switched off, what is left of it goes with the events. */
static void what_nobody_sends_is_removed_with_the_events(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    subscribe(world);
    record(world, "orders");
    assert_int_equal(store_work_add(world->fleet.store, "remove-old-events", "all", 0, &error), 0);
    clock_shift(EVENT_LIFE - CLOCK_HOUR);
    assert_int_equal(work_step(&world->fleet, &error), 0);
    assert_int_equal(pending(world), 1);
    clock_shift(EVENT_LIFE + CLOCK_HOUR);
    assert_int_equal(work_step(&world->fleet, &error), 0);
    assert_int_equal(pending(world), 0);
}

/* ---- the documentation */

static void the_documentation_prints_the_same_events(void **state)
{
    (void)state;
    char *table = NULL;
    size_t size = 0;
    AUTO_BUF struct buf page = {0};
    FILE *out = open_memstream(&table, &size);
    event_print_markdown(out);
    fclose(out);
    assert_int_equal(file_read(SOURCE_ROOT "/docs/events.md", 1 << 20, &page, NULL), 0);
    assert_non_null(strstr(buf_text(&page), table));
    free(table);
}

static int set_up(void **state)
{
    *state = world_new();
    return 0;
}

static int tear_down(void **state)
{
    clock_shift(0);
    world_free(*state);
    return 0;
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_body_has_the_shape_of_rds_notifications),
        WITH_WORLD(the_link_leads_to_the_name_that_others_know),
        WITH_WORLD(a_message_cut_within_a_character_is_still_json),
        cmocka_unit_test(the_signature_is_the_hmac_of_time_and_body),
        WITH_WORLD(the_secret_is_the_line_of_a_file_that_others_cannot_read),
        cmocka_unit_test(addresses_are_https_or_on_this_machine),
        cmocka_unit_test(address_and_secret_go_together),
        WITH_WORLD(an_event_is_told_when_there_is_a_receiver),
        WITH_WORLD(an_event_that_is_taken_back_is_not_told),
        WITH_WORLD(each_share_of_work_has_its_own_claimants),
        WITH_WORLD(events_are_told_in_their_order),
        WITH_WORLD(what_a_killed_notifier_had_claimed_comes_again),
        WITH_WORLD(a_failed_attempt_is_made_again_for_a_day),
        WITH_WORLD(an_event_that_is_gone_is_let_go),
        WITH_WORLD(what_nobody_sends_is_removed_with_the_events),
        cmocka_unit_test(the_documentation_prints_the_same_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
