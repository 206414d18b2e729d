/* fleet and api: option groups, and how their options reach the instances that have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/host.h"
#include "fleet/window.h"
#include "fleet/work.h"

#include <libxml/parser.h>
#include <string.h>

#define GROUP_ARN "arn:aws:rds:us-east-1:123456789012:og:tls"

/* One more host, with Oracle. */
static int set_up(void **state)
{
    struct error error = {0};
    struct host_row host = {.host = "two", .created_at = clock_now(), .seen_at = clock_now()};
    struct world *world = world_new();
    buf_append_text(&host.engines, "[{\"engine\":\"oracle-ee\",\"version\":\"19.0.0.0\"},"
                                   "{\"engine\":\"oracle-se2\",\"version\":\"19.0.0.0\"}]");
    assert_int_equal(store_host_put(world->fleet.store, &host, &error), 0);
    host_row_free(&host);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    clock_shift(0);
    world_free(*state);
    return 0;
}

static void ask(void **state, const char *parameters)
{
    xmlNode *result;
    xmlFreeDoc(world_ask(*state, parameters, &result));
}

static void make_group(void **state)
{
    ask(state, ACTION("CreateOptionGroup") "&OptionGroupName=tls&EngineName=oracle-ee&MajorEngineVersion=19"
                                           "&OptionGroupDescription=for+tests");
}

#define ADD                                                                                                  \
    ACTION("ModifyOptionGroup") "&OptionGroupName=tls&OptionsToInclude.OptionConfiguration.1.OptionName=SSL"
#define SETTING(n, name, value)                                                                              \
    "&OptionsToInclude.OptionConfiguration.1.OptionSettings.OptionSetting." n ".Name=" name                  \
    "&OptionsToInclude.OptionConfiguration.1.OptionSettings.OptionSetting." n ".Value=" value
#define REMOVE    ACTION("ModifyOptionGroup") "&OptionGroupName=tls&OptionsToRemove.member.1=SSL"
#define AT_ONCE   "&ApplyImmediately=true"
#define VERSION_2 SETTING("1", "SQLNET.SSL_VERSION", "1.2")

/* Its maintenance window is two days away. */
static void create_oracle(void **state, const char *more)
{
    /* Minutes since Sunday: 1970 began on a Thursday. */
    int minute = (int)((clock_now() / CLOCK_MINUTE + (4 + 2) * 24 * 60) % (7 * 24 * 60));
    struct window window = {.start = minute, .length = 30};
    char text[32];
    window_format_weekly(&window, text);
    AUTO_FREE char *parameters = mem_format(
        ACTION(
            "CreateDBInstance") "&DBInstanceIdentifier=erp&Engine=oracle-ee&DBInstanceClass=db.t3.micro"
                                "&AllocatedStorage=20&MasterUsername=app&MasterUserPassword=correct-horse-9"
                                "&PreferredMaintenanceWindow=%s%s",
        text, more);
    ask(state, parameters);
    world_reach(*state, "erp", 1521);
}

static void assert_error(void **state, const char *parameters, const char *code, const char *words)
{
    struct api_reply reply;
    struct question question = {.parameters = parameters};
    world_send(*state, &question, &reply);
    if (reply.status == 200)
        fail_msg("%s succeeded", parameters);
    xmlDoc *document = xmlReadMemory(buf_text(&reply.body), (int)reply.body.length, NULL, NULL, 0);
    xmlNode *root = xmlDocGetRootElement(document);
    AUTO_FREE char *message = xml_text(root, "Error/Message");
    assert_xml(root, "Error/Code", code);
    if (!strstr(message, words))
        fail_msg("%s: \"%s\"", parameters, message);
    xmlFreeDoc(document);
    api_reply_free(&reply);
}

/* "name status" of each membership, joined by commas. */
static void assert_memberships(void **state, const char *expected)
{
    xmlNode *result;
    AUTO_BUF struct buf found = {0};
    xmlDoc *document = world_ask(*state, ACTION("DescribeDBInstances") "&DBInstanceIdentifier=erp", &result);
    xmlNode *list = xml_at(result, "DBInstances/DBInstance/OptionGroupMemberships", 0);
    for (int i = 0; i < xml_count(list, "OptionGroupMembership"); i++) {
        xmlNode *membership = xml_at(list, "OptionGroupMembership", i);
        AUTO_FREE char *name = xml_text(membership, "OptionGroupName");
        AUTO_FREE char *status = xml_text(membership, "Status");
        buf_printf(&found, "%s%s %s", i ? ", " : "", name, status);
    }
    xmlFreeDoc(document);
    assert_string_equal(buf_text(&found), expected);
}

struct wanted {
    const char *name;
    char value[200];
};

static void look(const struct desired_instance *desired, void *context)
{
    struct wanted *wanted = context;
    for (size_t i = 0; i < desired->parameter_count; i++)
        if (text_equal(desired->parameters[i].name, wanted->name))
            text_copy(wanted->value, sizeof wanted->value, desired->parameters[i].value);
}

/* What the host is told; "" when it is told nothing of it. */
static void assert_told(void **state, const char *name, const char *value)
{
    struct world *world = *state;
    struct error error = {0};
    struct wanted wanted = {.name = name};
    int64_t revision;
    assert_int_equal(host_desired(&world->fleet, "two", &revision, look, &wanted, &error), 0);
    if (!text_equal(wanted.value, value))
        fail_msg("the host is told %s = \"%s\", expected \"%s\"", name, wanted.value, value);
}

static void do_work(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    int result;
    while ((result = work_step(&world->fleet, &error)) == 0)
        ;
    assert_int_equal(result, ERROR_NOT_FOUND);
}

/* ---- groups */

static void group_is_made_changed_and_deleted(void **state)
{
    xmlNode *result;
    make_group(state);
    xmlDoc *document = world_ask(*state,
                                 ADD "&OptionsToInclude.OptionConfiguration.1.Port=2485"
                                     "&OptionsToInclude.OptionConfiguration.1.VpcSecurityGroupMemberships."
                                     "VpcSecurityGroupId.1=sg-1" VERSION_2,
                                 &result);
    xmlNode *group = xml_at(result, "OptionGroup", 0), *option = xml_at(group, "Options/Option", 0);
    assert_xml(group, "OptionGroupName", "tls");
    assert_xml(group, "OptionGroupArn", GROUP_ARN);
    assert_xml(group, "EngineName", "oracle-ee");
    assert_xml(group, "MajorEngineVersion", "19");
    assert_xml(option, "OptionName", "SSL");
    assert_xml(option, "Port", "2485");
    assert_xml(option, "VpcSecurityGroupMemberships/VpcSecurityGroupMembership/VpcSecurityGroupId", "sg-1");
    assert_xml(option, "OptionSettings/OptionSetting/Name", "SQLNET.SSL_VERSION");
    assert_xml(option, "OptionSettings/OptionSetting/Value", "1.2");
    assert_xml(option, "OptionSettings/OptionSetting/DefaultValue", "1.0");
    xmlFreeDoc(document);
    ask(state, ADD SETTING("1", "FIPS.SSLFIPS_140", "TRUE")); /* what was set before stays */
    document = world_ask(*state, ACTION("DescribeOptionGroups") "&OptionGroupName=TLS", &result);
    option = xml_at(result, "OptionGroupsList/OptionGroup/Options/Option", 0);
    assert_xml(option, "Port", "2485");
    assert_xml(option, "OptionSettings/OptionSetting/Value", "1.2");
    assert_xml(xml_at(option, "OptionSettings/OptionSetting", 2), "Value", "TRUE");
    xmlFreeDoc(document);
    document = world_ask(*state, REMOVE, &result);
    assert_int_equal(xml_count(result, "OptionGroup/Options/Option"), 0);
    xmlFreeDoc(document);
    ask(state, ACTION("AddTagsToResource") "&ResourceName=" GROUP_ARN "&Tags.Tag.1.Key=a&Tags.Tag.1.Value=1");
    document = world_ask(*state, ACTION("ListTagsForResource") "&ResourceName=" GROUP_ARN, &result);
    assert_xml(result, "TagList/Tag/Key", "a");
    xmlFreeDoc(document);
    ask(state, ACTION("DeleteOptionGroup") "&OptionGroupName=tls");
    assert_error(state, ACTION("DescribeOptionGroups") "&OptionGroupName=tls", "OptionGroupNotFoundFault",
                 "Specified OptionGroupName: tls not found.");
}

static void groups_can_be_narrowed(void **state)
{
    static const struct {
        const char *more;
        int count;
    } cases[] = {
        {"", 5},
        {"&EngineName=oracle-ee", 2},
        {"&EngineName=oracle-ee&MajorEngineVersion=19", 2},
        {"&EngineName=oracle-ee&MajorEngineVersion=21", 0},
        {"&EngineName=postgres&MajorEngineVersion=15", 1},
        {"&OptionGroupName=default:oracle-se2-19", 1},
        {"&OptionGroupName=default:sqlserver-ex-15-00", 1},
    };
    make_group(state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        xmlNode *result;
        AUTO_FREE char *parameters = mem_format(ACTION("DescribeOptionGroups") "%s", cases[i].more);
        xmlDoc *document = world_ask(*state, parameters, &result);
        assert_int_equal(xml_count(result, "OptionGroupsList/OptionGroup"), cases[i].count);
        xmlFreeDoc(document);
    }
}

static void options_are_oracles(void **state)
{
    xmlNode *result;
    xmlDoc *document = world_ask(
        *state, ACTION("DescribeOptionGroupOptions") "&EngineName=oracle-se2&MajorEngineVersion=19", &result);
    xmlNode *option = xml_at(result, "OptionGroupOptions/OptionGroupOption", 0);
    assert_int_equal(xml_count(result, "OptionGroupOptions/OptionGroupOption"), 1);
    assert_xml(option, "Name", "SSL");
    assert_xml(option, "DefaultPort", "2484");
    assert_xml(option, "OptionsConflictsWith/OptionConflictName", "NATIVE_NETWORK_ENCRYPTION");
    assert_int_equal(xml_count(option, "OptionGroupOptionSettings/OptionGroupOptionSetting"), 3);
    xmlFreeDoc(document);
    document = world_ask(*state, ACTION("DescribeOptionGroupOptions") "&EngineName=postgres", &result);
    assert_int_equal(xml_count(result, "OptionGroupOptions/OptionGroupOption"), 0);
    xmlFreeDoc(document);
}

static void wrong_changes_are_refused(void **state)
{
    make_group(state);
    assert_error(state, ACTION("ModifyOptionGroup") "&OptionGroupName=tls", "InvalidParameterValue",
                 "At least one option must be added, modified, or removed.");
    assert_error(state, REMOVE, "InvalidParameterValue", "SSL is not in the option group tls");
    assert_error(state, ADD SETTING("1", "SQLNET.SSL_VERSION", "1.3"), "InvalidParameterValue", "1.2 or 1.0");
    assert_error(state, ADD SETTING("1", "SQLNET.SSL_VERSION", "1.0,1.2"), "InvalidParameterValue",
                 "1.0,1.2");
    assert_error(state, ADD SETTING("1", "NO.SUCH", "1"), "InvalidParameterValue", "NO.SUCH");
    assert_error(state, ADD SETTING("1", "SQLNET.CIPHER_SUITE", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
                 "InvalidParameterCombination", "needs SQLNET.SSL_VERSION 1.2");
    assert_error(state, ADD "&OptionsToRemove.member.1=SSL", "InvalidParameterValue",
                 "not in the option group");
    ask(state, ADD VERSION_2 SETTING("2", "SQLNET.CIPHER_SUITE",
                                     "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,SSL_RSA_WITH_AES_256_CBC_SHA"));
    assert_error(state, ADD "&OptionsToRemove.member.1=SSL", "InvalidParameterCombination", "both");
    assert_error(
        state,
        ACTION("ModifyOptionGroup") "&OptionGroupName=default:oracle-ee-19&OptionsToRemove.member.1=SSL",
        "InvalidOptionGroupStateFault", "default:oracle-ee-19");
    assert_error(
        state,
        ACTION("ModifyOptionGroup") "&OptionGroupName=tls&OptionsToInclude.OptionConfiguration.1.OptionName="
                                    "NATIVE_NETWORK_ENCRYPTION",
        "InvalidParameterValue", "It excludes SSL");
    assert_error(state,
                 ACTION("CreateOptionGroup") "&OptionGroupName=tls&EngineName=oracle-ee&MajorEngineVersion=19"
                                             "&OptionGroupDescription=d",
                 "OptionGroupAlreadyExistsFault", "An option group named tls already exists.");
}

/* ---- instances */

static void options_reach_an_instance_at_once_when_asked_to(void **state)
{
    make_group(state);
    create_oracle(state, "&OptionGroupName=tls");
    assert_memberships(state, "tls in-sync");
    assert_told(state, "option.SSL.port", "");
    assert_told(state, "SQLNET.SSL_VERSION", "");
    ask(state, ADD AT_ONCE VERSION_2);
    assert_memberships(state, "tls pending-apply");
    do_work(state);
    assert_memberships(state, "tls applying");
    assert_told(state, "option.SSL.port", "2484");
    assert_told(state, "SQLNET.SSL_VERSION", "1.2");
    assert_told(state, "SQLNET.CIPHER_SUITE", "SSL_RSA_WITH_AES_256_CBC_SHA");
    assert_told(state, "FIPS.SSLFIPS_140", "FALSE");
    world_reach(*state, "erp", 1521);
    assert_memberships(state, "tls in-sync");
    ask(state, REMOVE AT_ONCE);
    do_work(state);
    assert_told(state, "option.SSL.port", "");
    assert_told(state, "SQLNET.SSL_VERSION", "");
}

static void options_wait_for_the_maintenance_window(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    struct instance_row row = {0};
    int64_t due = 0;
    make_group(state);
    create_oracle(state, "&OptionGroupName=tls");
    assert_int_equal(store_instance_get(world->fleet.store, "us-east-1", "erp", &row, &error), 0);
    ask(state, ADD VERSION_2);
    do_work(state);
    assert_memberships(state, "tls pending-maintenance-apply");
    assert_told(state, "option.SSL.port", "");
    assert_int_equal(store_work_due(world->fleet.store, "groups", row.resource_id, &due, &error), 0);
    assert_true(due > clock_now() + 47 * CLOCK_HOUR && due < clock_now() + 49 * CLOCK_HOUR);
    clock_shift(due - clock_now() + CLOCK_SECOND);
    do_work(state);
    assert_told(state, "option.SSL.port", "2484");
    assert_memberships(state, "tls applying");
    instance_row_free(&row);
}

static void urgent_change_brings_what_was_waiting(void **state)
{
    make_group(state);
    create_oracle(state, "&OptionGroupName=tls");
    ask(state, ADD VERSION_2);
    do_work(state);
    ask(state, ADD AT_ONCE SETTING("1", "FIPS.SSLFIPS_140", "TRUE"));
    do_work(state);
    assert_told(state, "SQLNET.SSL_VERSION", "1.2");
    assert_told(state, "FIPS.SSLFIPS_140", "TRUE");
}

static void another_group_waits_or_comes_at_once(void **state)
{
    make_group(state);
    ask(state, ADD VERSION_2);
    create_oracle(state, "");
    assert_memberships(state, "default:oracle-ee-19 in-sync");
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=erp&OptionGroupName=tls");
    assert_memberships(state,
                       "default:oracle-ee-19 pending-maintenance-removal, tls pending-maintenance-apply");
    assert_told(state, "option.SSL.port", "");
    assert_error(state, ACTION("DeleteOptionGroup") "&OptionGroupName=tls", "InvalidOptionGroupStateFault",
                 "The option group 'tls' cannot be deleted because it is in use.");
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=erp&ApplyImmediately=true");
    assert_memberships(state, "tls applying");
    assert_told(state, "option.SSL.port", "2484");
    world_reach(*state, "erp", 1521);
    assert_error(state, ACTION("DeleteOptionGroup") "&OptionGroupName=tls", "InvalidOptionGroupStateFault",
                 "in use");
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=erp&OptionGroupName=default:oracle-ee-19"
                                          "&ApplyImmediately=true");
    assert_told(state, "option.SSL.port", "");
    world_reach(*state, "erp", 1521);
    assert_memberships(state, "default:oracle-ee-19 in-sync");
    ask(state, ACTION("DeleteOptionGroup") "&OptionGroupName=tls");
}

static void group_that_does_not_fit_is_refused(void **state)
{
    make_group(state);
    ask(state, ADD VERSION_2 "&OptionsToInclude.OptionConfiguration.1.Port=1521");
    create_oracle(state, "");
    assert_error(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=erp&OptionGroupName=tls",
                 "InvalidParameterCombination", "The port 1521 of the option SSL is the instance's own");
    assert_error(state,
                 ACTION("ModifyDBInstance") "&DBInstanceIdentifier=erp&OptionGroupName=default:oracle-se2-19",
                 "InvalidParameterCombination", "is for oracle-se2 19");
    assert_error(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=erp&OptionGroupName=none",
                 "OptionGroupNotFoundFault", "none");
}

/* RDS's user guide, "Certificate compatibility with cipher suites". */
static void suites_must_be_for_the_authoritys_kind_of_key(void **state)
{
#define ECC    "&CACertificateIdentifier=rds-ca-ecc384-g1"
#define MODIFY ACTION("ModifyDBInstance") "&DBInstanceIdentifier=erp&ApplyImmediately=true"
    make_group(state);
    ask(state, ADD VERSION_2);
    create_oracle(state, "&OptionGroupName=tls");
    assert_error(state, MODIFY ECC, "InvalidParameterCombination",
                 "SSL_RSA_WITH_AES_256_CBC_SHA has no cipher suite for the ECDSA certificates");
    ask(state, ACTION("CreateOptionGroup") "&OptionGroupName=both&EngineName=oracle-ee&MajorEngineVersion=19"
                                           "&OptionGroupDescription=for+tests");
    ask(state,
        ACTION(
            "ModifyOptionGroup") "&OptionGroupName=both"
                                 "&OptionsToInclude.OptionConfiguration.1.OptionName=SSL" VERSION_2 SETTING(
                                     "2", "SQLNET.CIPHER_SUITE",
                                     "SSL_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"));
    ask(state, MODIFY ECC "&OptionGroupName=both");
    assert_error(state, MODIFY "&OptionGroupName=tls", "InvalidParameterCombination", "no cipher suite");
    ask(state, MODIFY "&OptionGroupName=tls&CACertificateIdentifier=rds-ca-rsa4096-g1");
    assert_error(
        state,
        ACTION(
            "CreateDBInstance") "&DBInstanceIdentifier=other&Engine=oracle-ee&DBInstanceClass=db.t3.micro"
                                "&AllocatedStorage=20&MasterUsername=app&MasterUserPassword=correct-horse-9"
                                "&OptionGroupName=tls" ECC,
        "InvalidParameterCombination", "rds-ca-ecc384-g1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(group_is_made_changed_and_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(groups_can_be_narrowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_are_oracles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_changes_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_reach_an_instance_at_once_when_asked_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_wait_for_the_maintenance_window, set_up, tear_down),
        cmocka_unit_test_setup_teardown(urgent_change_brings_what_was_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_group_waits_or_comes_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(group_that_does_not_fit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(suites_must_be_for_the_authoritys_kind_of_key, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
