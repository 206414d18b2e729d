/* api: each malformed, out-of-range or forbidden request has RDS's error, and none is the service's fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"

#include "base/text.h"

#include <jansson.h>
#include <libxml/parser.h>
#include <stdio.h>

static const char *member(const json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

/* True when the reply is this error, in the shape of RDS's errors. */
static bool is_error(struct api_reply *reply, const char *code, int status)
{
    xmlDoc *document = xmlReadMemory(buf_text(&reply->body), (int)reply->body.length, NULL, NULL, 0);
    assert_non_null(document);
    xmlNode *root = xmlDocGetRootElement(document);
    bool error = text_equal((const char *)root->name, "ErrorResponse") && xml_at(root, "Error/Code", 0);
    if (error) {
        char *found = xml_text(root, "Error/Code"), *message = xml_text(root, "Error/Message");
        error = text_equal(found, code) && reply->status == status && *message;
        assert_xml(root, "Error/Type", "Sender");
        assert_xml(root, "RequestId", reply->request_id);
        free(found);
        free(message);
    }
    xmlFreeDoc(document);
    return error;
}

static void each_bad_request_has_its_error(void **state)
{
    (void)state;
    json_error_t where;
    json_t *file = json_load_file(SOURCE_ROOT "/tests/data/bad_requests.json", 0, &where);
    if (!file)
        fail_msg("bad_requests.json: %s", where.text);
    struct world *world = world_new();
    world_create(world, "orders", "&DeletionProtection=true");
    world_reach(world, "orders", 5432);
    size_t index, wrong = 0, faults = 0;
    json_t *row, *rows = json_object_get(file, "requests");
    json_array_foreach(rows, index, row)
    {
        struct api_reply reply;
        struct question question = {
            .parameters = member(row, "parameters"),
            .method = member(row, "method"),
            .region = member(row, "region"),
            .key = member(row, "key"),
            .signature = member(row, "signature"),
        };
        world_send(world, &question, &reply);
        faults += reply.status >= 500;
        if (!is_error(&reply, member(row, "code"), (int)json_integer_value(json_object_get(row, "status")))) {
            wrong++;
            print_message("# %s: expected %s, got %d %s\n", member(row, "name"), member(row, "code"),
                          reply.status, buf_text(&reply.body));
        }
        api_reply_free(&reply);
    }
    print_message("# bad requests: %zu, wrong answers: %zu, 5xx: %zu\n", json_array_size(rows), wrong,
                  faults);
    assert_true(json_array_size(rows) >= 100);
    assert_int_equal(wrong, 0);
    assert_int_equal(faults, 0);
    json_decref(file);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_bad_request_has_its_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
