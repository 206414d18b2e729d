/* agent/protocol: what server and agent say to each other comes through whole, and nothing else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/adoption.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void fill_desired(struct desired_instance *desired)
{
    *desired = (struct desired_instance){.generation = 7,
                                         .running = true,
                                         .adopted = true,
                                         .restart = 2,
                                         .port = 5432,
                                         .certificate_generation = 3,
                                         .guard_seconds = 600,
                                         .guard_refusals = 5,
                                         .rehearsal = true,
                                         .password_generation = 4};
    text_copy(desired->resource_id, sizeof desired->resource_id, "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    text_copy(desired->identifier, sizeof desired->identifier, "orders");
    text_copy(desired->master_username, sizeof desired->master_username, "app");
    desired->master_password = mem_string("se\"cret\\");
    text_list_add(&desired->names, "orders.localhost");
    desired_set_parameter(desired, "rds.force_ssl", "0");
    desired_set_parameter(desired, "rds.force_ssl", "1");
}

static void a_desired_instance_comes_through(void **state)
{
    (void)state;
    struct desired_instance sent, heard;
    fill_desired(&sent);
    json_t *json = desired_to_json(&sent), *again;
    assert_int_equal(desired_from_json(json, &heard, NULL), 0);
    again = desired_to_json(&heard);
    assert_true(json_equal(json, again));
    assert_string_equal(heard.master_password, "se\"cret\\");
    assert_int_equal(heard.guard_seconds, 600);
    assert_int_equal(heard.guard_refusals, 5);
    assert_true(heard.rehearsal);
    assert_true(heard.adopted);
    assert_int_equal(heard.parameter_count, 1);
    assert_string_equal(heard.parameters[0].value, "1");
    json_decref(again);
    json_decref(json);
    desired_free(&sent);
    desired_free(&heard);
    assert_null(heard.master_password);
}

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json;
    } wrong[] = {
        {"resource_id", "\"../../etc\""},
        {"resource_id", "\"\""},
        {"resource_id", "\"-x\""},
        {"resource_id", "null"},
        {"generation", "-1"},
        {"generation", "\"1\""},
        {"generation", "1.5"},
        {"running", "1"},
        {"port", "65536"},
        {"names", "\"a\""},
        {"names", "[1]"},
        {"names", "[\"\"]"},
        {"parameters", "[]"},
        {"parameters", "{\"a\": 1}"},
        {"master_password", "5"},
        {"guard_seconds", "-1"},
        {"guard_seconds", "31622401"},
        {"guard_seconds", "null"},
        {"guard_refusals", "\"5\""},
        {"rehearsal", "0"},
        {"engine", "\"a much too long name of a database engine\""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct desired_instance sent, heard;
        struct error error = {0};
        fill_desired(&sent);
        json_t *json = desired_to_json(&sent);
        json_object_set_new(json, wrong[i].name, json_loads(wrong[i].json, JSON_DECODE_ANY, NULL));
        assert_int_equal(desired_from_json(json, &heard, &error), ERROR_INVALID);
        assert_non_null(strstr(error.text, wrong[i].name));
        json_decref(json);
        desired_free(&sent);
    }
    struct observed_instance observed;
    assert_int_equal(observed_from_json(NULL, &observed, NULL), ERROR_INVALID);
}

static void an_observed_instance_comes_through(void **state)
{
    (void)state;
    struct observed_instance sent = {.generation = 9, .state = OBSERVED_FAILED, .port = 1, .started_at = 5},
                             heard;
    text_copy(sent.resource_id, sizeof sent.resource_id, "db-A");
    text_copy(sent.certificate_serial, sizeof sent.certificate_serial, "00a1");
    text_uuid(sent.report_id);
    sent.problem = mem_string("port 1 is taken");
    sent.events = mem_new_array(2, sizeof *sent.events);
    sent.event_count = 2;
    for (size_t i = 0; i < 2; i++) {
        text_copy(sent.events[i].category, sizeof sent.events[i].category, "failure");
        sent.events[i].message = mem_format("event %zu", i);
    }
    json_t *json = observed_to_json(&sent);
    assert_int_equal(observed_from_json(json, &heard, NULL), 0);
    json_t *again = observed_to_json(&heard);
    assert_true(json_equal(json, again));
    json_object_set_new(json, "state", json_string("sleeping"));
    observed_free(&heard);
    assert_int_equal(observed_from_json(json, &heard, NULL), ERROR_INVALID);
    json_decref(again);
    json_decref(json);
    observed_free(&sent);
}

static void fill_watched(struct observed_instance *observed)
{
    *observed = (struct observed_instance){.generation = 9,
                                           .state = OBSERVED_RUNNING,
                                           .certificate_generation = 2,
                                           .guard_generation = 3,
                                           .guard_outcome = GUARD_UNDONE,
                                           .guard_refusals = 6};
    text_copy(observed->resource_id, sizeof observed->resource_id, "db-A");
    text_list_add(&observed->guard_clients, "192.0.2.7");
    text_list_add(&observed->guard_clients, "2001:db8::7");
}

static void what_became_of_a_guard_comes_through(void **state)
{
    (void)state;
    static const struct {
        enum guard_outcome outcome;
        const char *name;
    } all[] = {
        {GUARD_NONE, "none"}, {GUARD_WATCHING, "watching"}, {GUARD_KEPT, "kept"}, {GUARD_UNDONE, "undone"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct observed_instance sent, heard;
        fill_watched(&sent);
        sent.guard_outcome = all[i].outcome;
        json_t *json = observed_to_json(&sent);
        assert_string_equal(json_string_value(json_object_get(json, "guard_outcome")), all[i].name);
        assert_int_equal(observed_from_json(json, &heard, NULL), 0);
        assert_int_equal(heard.guard_outcome, all[i].outcome);
        assert_int_equal(heard.guard_generation, 3);
        assert_int_equal(heard.guard_refusals, 6);
        assert_true(text_list_equal(&heard.guard_clients, &sent.guard_clients));
        json_decref(json);
        observed_free(&sent);
        observed_free(&heard);
    }
}

static void a_malformed_guard_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json;
    } wrong[] = {
        {"guard_generation", "-1"},
        {"guard_generation", "\"3\""},
        {"guard_outcome", "\"lost\""},
        {"guard_outcome", "3"},
        {"guard_refusals", "1.5"},
        {"guard_clients", "\"192.0.2.7\""},
        {"guard_clients", "[192]"},
        {"guard_clients", "[\"\"]"},
        {"guard_clients", "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\","
                          "\"13\",\"14\",\"15\",\"16\","
                          "\"17\",\"18\",\"19\",\"20\",\"21\"]"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct observed_instance sent, heard;
        struct error error = {0};
        fill_watched(&sent);
        json_t *json = observed_to_json(&sent);
        json_object_set_new(json, wrong[i].name, json_loads(wrong[i].json, JSON_DECODE_ANY, NULL));
        assert_int_equal(observed_from_json(json, &heard, &error), ERROR_INVALID);
        assert_non_null(strstr(error.text, wrong[i].name));
        json_decref(json);
        observed_free(&sent);
    }
}

static void messages_from_before_these_members_are_read(void **state)
{
    (void)state;
    static const char *const members[] = {"guard_seconds", "guard_refusals", "rehearsal", "guard_generation",
                                          "guard_outcome", "guard_clients",  "adopted"};
    struct desired_instance sent, heard;
    struct observed_instance watched, seen;
    fill_desired(&sent);
    fill_watched(&watched);
    json_t *desired = desired_to_json(&sent), *observed = observed_to_json(&watched);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        json_object_del(desired, members[i]);
        json_object_del(observed, members[i]);
    }
    assert_int_equal(desired_from_json(desired, &heard, NULL), 0);
    assert_int_equal(heard.guard_seconds, 0);
    assert_int_equal(heard.guard_refusals, 0);
    assert_false(heard.rehearsal);
    assert_false(heard.adopted);
    assert_int_equal(observed_from_json(observed, &seen, NULL), 0);
    assert_int_equal(seen.guard_generation, 0);
    assert_int_equal(seen.guard_outcome, GUARD_NONE);
    assert_int_equal(seen.guard_refusals, 0);
    assert_int_equal(seen.guard_clients.count, 0);
    json_decref(desired);
    json_decref(observed);
    desired_free(&sent);
    desired_free(&heard);
    observed_free(&watched);
    observed_free(&seen);
}

static void requests_and_replies_come_through(void **state)
{
    (void)state;
    struct certificate_request request = {.resource_id = "db-A", .certificate_generation = 2}, heard;
    struct certificate_reply reply = {.resource_id = "db-A", .certificate_generation = 2, .retry = true},
                             answer;
    buf_append(&request.request, "\x30\x00\xff", 3);
    json_t *json = certificate_request_to_json(&request);
    assert_int_equal(certificate_request_from_json(json, &heard, NULL), 0);
    assert_true(slice_equal(slice_buf(&heard.request), slice_buf(&request.request)));
    json_object_set_new(json, "request", json_string("no base64!"));
    certificate_request_free(&heard);
    assert_int_equal(certificate_request_from_json(json, &heard, NULL), ERROR_INVALID);
    json_decref(json);
    certificate_request_free(&request);

    json = certificate_reply_to_json(&reply); /* neither chain nor error */
    assert_int_equal(certificate_reply_from_json(json, &answer, NULL), ERROR_INVALID);
    json_decref(json);
    reply.error = mem_string("later");
    json = certificate_reply_to_json(&reply);
    assert_int_equal(certificate_reply_from_json(json, &answer, NULL), 0);
    assert_true(answer.retry);
    assert_string_equal(answer.error, "later");
    json_decref(json);
    certificate_reply_free(&reply);
    certificate_reply_free(&answer);
}

static json_t *adoption_json(void)
{
    struct adoption sent = {.allocated_storage = 20, .port = 5433};
    text_copy(sent.resource_id, sizeof sent.resource_id, "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    text_copy(sent.identifier, sizeof sent.identifier, "old");
    text_list_add(&sent.names, "db.example.com");
    json_t *json = adoption_to_json(&sent);
    adoption_free(&sent);
    return json;
}

static void an_adoption_comes_through(void **state)
{
    (void)state;
    struct adoption heard;
    json_t *json = adoption_json();
    assert_int_equal(adoption_from_json(json, &heard, NULL), 0);
    assert_string_equal(heard.identifier, "old");
    assert_string_equal(heard.ca_identifier, "");
    assert_int_equal(heard.port, 5433);
    assert_string_equal(heard.names.items[0], "db.example.com");
    json_t *again = adoption_to_json(&heard);
    assert_true(json_equal(json, again));
    json_decref(again);
    json_decref(json);
    adoption_free(&heard);
}

static void a_malformed_adoption_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json;
    } wrong[] = {
        {"resource_id", "\"db-abcdefghijklmnopqrstuvwxyz\""},
        {"resource_id", "\"../../../../../../../etc/1234\""},
        {"identifier", "null"},
        {"engine", "\"a-name-of-more-than-23-letters\""},
        {"allocated_storage", "0"},
        {"port", "65536"},
        {"names", "[\"a b\"]"},
        {"names", "[1]"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct adoption heard;
        struct error error = {0};
        json_t *json = adoption_json();
        json_object_set_new(json, wrong[i].name, json_loads(wrong[i].json, JSON_DECODE_ANY, NULL));
        assert_int_equal(adoption_from_json(json, &heard, &error), ERROR_INVALID);
        assert_non_null(strstr(error.text, wrong[i].name));
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_desired_instance_comes_through),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(an_observed_instance_comes_through),
        cmocka_unit_test(what_became_of_a_guard_comes_through),
        cmocka_unit_test(a_malformed_guard_is_refused),
        cmocka_unit_test(messages_from_before_these_members_are_read),
        cmocka_unit_test(requests_and_replies_come_through),
        cmocka_unit_test(an_adoption_comes_through),
        cmocka_unit_test(a_malformed_adoption_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
