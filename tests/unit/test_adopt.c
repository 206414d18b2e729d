/* fleet/adopt: who may have an instance made of a server that was there before, and what is not done to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/adopt.h"
#include "fleet/host.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#define OLD "&DBInstanceIdentifier=old"

static const struct adoption example = {
    .resource_id = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    .identifier = "old",
    .region = "us-east-1",
    .engine = "postgres",
    .engine_version = "14.2",
    .instance_class = "db.t3.micro",
    .master_username = "postgres",
    .allocated_storage = 20,
    .port = 5433,
};

static int set_up(void **state)
{
    *state = world_new();
    return 0;
}

static int tear_down(void **state)
{
    world_free(*state);
    return 0;
}

static int adopt(struct world *world, const char *host, const struct adoption *adoption, const char *token)
{
    struct error error = {0};
    struct instance_row row = {0};
    int result = adopt_instance(&world->fleet, host, adoption, token, &row, &error);
    instance_row_free(&row);
    return result;
}

static void adopt_with_token(struct world *world)
{
    char token[65];
    assert_int_equal(adopt_token_create(&world->fleet, "one", &example, token, NULL), 0);
    assert_int_equal(adopt(world, "one", &example, token), 0);
}

static void report(struct world *world, enum observed_state observed_state, bool deleted)
{
    clock_pause(2); /* events of the same millisecond are in no order */
    struct instance_row row = {0};
    assert_int_equal(store_instance_get_by_resource(world->fleet.store, example.resource_id, &row, NULL), 0);
    struct observed_instance observed = {.generation = row.generation, .state = observed_state, .port = 5433};
    text_copy(observed.resource_id, sizeof observed.resource_id, example.resource_id);
    text_uuid(observed.report_id);
    assert_int_equal(row.deleted, deleted);
    assert_int_equal(host_observe(&world->fleet, "one", &observed, NULL), 0);
    instance_row_free(&row);
}

static void expect_status(struct world *world, const char *expected)
{
    xmlNode *result;
    xmlDoc *document = world_ask(world, ACTION("DescribeDBInstances") "&DBInstanceIdentifier=old", &result);
    assert_xml(result, "DBInstances/DBInstance/DBInstanceStatus", expected);
    xmlFreeDoc(document);
}

static void expect_event(struct world *world, const char *expected)
{
    xmlNode *result;
    xmlDoc *document =
        world_ask(world, ACTION("DescribeEvents") "&SourceType=db-instance&SourceIdentifier=old", &result);
    int count = xml_count(result, "Events/Event");
    assert_true(count > 0);
    assert_xml(xml_at(result, "Events/Event", count - 1), "Message", expected);
    xmlFreeDoc(document);
}

static void a_token_is_good_for_one_host_and_one_instance(void **state)
{
    struct world *world = *state;
    char token[65];
    struct adoption other = example;
    assert_int_equal(adopt(world, "one", &example, NULL), ERROR_DENIED);
    assert_int_equal(adopt_token_create(&world->fleet, "one", &example, token, NULL), 0);
    assert_int_equal(adopt(world, "two", &example, token), ERROR_DENIED);
    text_copy(other.identifier, sizeof other.identifier, "new");
    assert_int_equal(adopt(world, "one", &other, token), ERROR_DENIED);
    other = example;
    other.names = (struct text_list){0};
    text_list_add(&other.names, "db.example.com");
    assert_int_equal(adopt(world, "one", &other, token), ERROR_DENIED);
    text_list_free(&other.names);
    assert_int_equal(adopt(world, "one", &example, token), 0);
    expect_status(world, "creating");
    /* Asked again: the same, without a token; but not by another host. */
    assert_int_equal(adopt(world, "one", &example, NULL), 0);
    assert_int_equal(adopt(world, "two", &example, token), ERROR_DENIED);
}

static void what_was_there_is_shown(void **state)
{
    struct world *world = *state;
    xmlNode *result;
    adopt_with_token(world);
    report(world, OBSERVED_RUNNING, false);
    expect_event(world, "DB instance adopted");
    xmlDoc *document = world_ask(world, ACTION("DescribeDBInstances") "&DBInstanceIdentifier=old", &result);
    xmlNode *instance = xml_at(result, "DBInstances/DBInstance", 0);
    assert_xml(instance, "DBInstanceStatus", "available");
    assert_xml(instance, "EngineVersion", "14.2"); /* no host offers it for new instances */
    assert_xml(instance, "Endpoint/Port", "5433");
    assert_xml(instance, "MasterUsername", "postgres");
    assert_xml(instance, "StatusInfos/DBInstanceStatusInfo/StatusType", "adopted");
    assert_xml_absent(instance, "PendingModifiedValues/MasterUserPassword");
    assert_xml_absent(instance, "PendingModifiedValues/Port");
    xmlFreeDoc(document);
}

static void expect_error(struct world *world, const char *parameters, const char *code)
{
    struct api_reply reply;
    const struct question question = {.parameters = parameters};
    AUTO_FREE char *element = mem_format("<Code>%s</Code>", code);
    world_send(world, &question, &reply);
    if (reply.status == 200 || !strstr(buf_text(&reply.body), element) ||
        !strstr(buf_text(&reply.body), "adopted"))
        fail_msg("%s: %d %s", parameters, reply.status, buf_text(&reply.body));
    api_reply_free(&reply);
}

static void what_is_its_owners_is_refused(void **state)
{
    struct world *world = *state;
    xmlNode *result;
    adopt_with_token(world);
    report(world, OBSERVED_RUNNING, false);
    expect_error(world, ACTION("StopDBInstance") OLD, "InvalidDBInstanceState");
    expect_error(world, ACTION("StartDBInstance") OLD, "InvalidDBInstanceState");
    expect_error(world, ACTION("RebootDBInstance") OLD, "InvalidDBInstanceState");
    static const char *const members[] = {"NewDBInstanceIdentifier=young",
                                          "DBPortNumber=6000",
                                          "MasterUserPassword=correct-horse-9",
                                          "DBInstanceClass=db.t3.small",
                                          "AllocatedStorage=30",
                                          "DBParameterGroupName=default.postgres14",
                                          "EngineVersion=15.18",
                                          "OptionGroupName=default:postgres-14"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        AUTO_FREE char *parameters =
            mem_format(ACTION("ModifyDBInstance") OLD "&ApplyImmediately=true&%s", members[i]);
        expect_error(world, parameters, "InvalidParameterCombination");
    }
    xmlFreeDoc(world_ask(world,
                         ACTION("ModifyDBInstance") OLD "&ApplyImmediately=true&CACertificateIdentifier="
                                                        "rds-ca-rsa4096-g1&DBInstanceClass=db.t3.micro",
                         &result));
    expect_status(world, "modifying");
}

static void a_stop_by_its_owner_is_shown(void **state)
{
    struct world *world = *state;
    adopt_with_token(world);
    report(world, OBSERVED_STOPPED, false);
    expect_status(world, "creating");
    report(world, OBSERVED_RUNNING, false);
    report(world, OBSERVED_STOPPED, false);
    expect_status(world, "stopped");
    expect_event(world, "DB instance stopped");
    report(world, OBSERVED_RUNNING, false);
    expect_status(world, "available");
    expect_event(world, "DB instance started");
}

static int release(struct world *world, const char *host)
{
    struct instance_row row = {0};
    struct error error = {0};
    int result = adopt_release(&world->fleet, host, example.resource_id, &row, &error);
    instance_row_free(&row);
    return result;
}

static void its_host_releases_it(void **state)
{
    struct world *world = *state;
    adopt_with_token(world);
    report(world, OBSERVED_RUNNING, false);
    assert_int_equal(release(world, "two"), ERROR_DENIED);
    assert_int_equal(release(world, "one"), 0);
    expect_status(world, "deleting");
    assert_int_equal(release(world, "one"), 0);
    report(world, OBSERVED_DELETED, true);
    assert_int_equal(release(world, "one"), ERROR_NOT_FOUND);
    expect_event(world, "DB instance released");
}

static void deletion_protection_holds(void **state)
{
    struct world *world = *state;
    xmlNode *result;
    adopt_with_token(world);
    report(world, OBSERVED_RUNNING, false);
    xmlFreeDoc(world_ask(world, ACTION("ModifyDBInstance") OLD "&DeletionProtection=true", &result));
    assert_int_equal(release(world, "one"), ERROR_DENIED);
    expect_status(world, "available");
}

static void an_instance_of_sealwrights_own_is_not_released(void **state)
{
    struct world *world = *state;
    struct instance_row row = {0};
    world_create(world, "own", "");
    assert_int_equal(store_instance_get(world->fleet.store, "us-east-1", "own", &row, NULL), 0);
    struct instance_row found = {0};
    assert_int_equal(adopt_release(&world->fleet, "one", row.resource_id, &found, NULL), ERROR_DENIED);
    instance_row_free(&found);
    instance_row_free(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_is_good_for_one_host_and_one_instance, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_there_is_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_its_owners_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_by_its_owner_is_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(its_host_releases_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deletion_protection_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_instance_of_sealwrights_own_is_not_released, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
