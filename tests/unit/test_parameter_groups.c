/* fleet and api: parameter groups, and how their values reach the instances that have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"

#include "base/memory.h"
#include "base/text.h"
#include "fleet/catalogue.h"
#include "fleet/host.h"
#include "fleet/instance_groups.h"
#include "fleet/parameter.h"
#include "fleet/work.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

#define GROUP_ARN "arn:aws:rds:us-east-1:123456789012:pg:tuned"

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

/* ---- the tables */

static const char *const families[] = {
    "postgres9.6", "postgres13",  "postgres15",   "postgres18",   "mysql5.7",          "mysql8.0",
    "mysql8.4",    "mariadb10.4", "mariadb10.11", "oracle-ee-19", "sqlserver-ex-15.0",
};

static void tables_are_in_order_and_their_defaults_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        struct catalogue_version version;
        const struct parameter *parameter = NULL, *last = NULL;
        assert_true(catalogue_parse_family(families[i], &version));
        for (; (parameter = parameter_next(version.engine->engine, version.version, last));
             last = parameter) {
            struct error error = {0};
            if (last && strcmp(last->name, parameter->name) >= 0)
                fail_msg("%s: %s stands before %s", families[i], last->name, parameter->name);
            if (parameter->value && parameter_check(parameter, parameter->value, &error))
                fail_msg("%s: %s", families[i], error.text);
            assert_true(parameter->description != NULL);
            assert_true(!parameter->sent || parameter->value);
            assert_true(parameter->allowed || parameter->kind == PARAMETER_CIPHERS ||
                        parameter->kind == PARAMETER_CIPHERSUITES);
        }
        assert_non_null(last);
    }
}

static const char *default_of(const char *engine, const char *version, const char *name)
{
    const struct parameter *parameter = parameter_find(engine, version, name);
    return parameter ? parameter->value : "(none)";
}

static void defaults_follow_the_version(void **state)
{
    (void)state;
    assert_string_equal(default_of("postgres", "14.18", "rds.force_ssl"), "0");
    assert_string_equal(default_of("postgres", "15.2", "rds.force_ssl"), "1");
    assert_string_equal(default_of("postgres", "11.22", "ssl_min_protocol_version"), "(none)");
    assert_string_equal(default_of("postgres", "15", "ssl_min_protocol_version"), "TLSv1.2");
    assert_string_equal(default_of("mysql", "8.4.5", "tls_version"), "TLSv1.2,TLSv1.3");
    assert_string_equal(default_of("mysql", "5.7.44", "tls_version"), "TLSv1.2");
    assert_string_equal(default_of("mariadb", "10.4.34", "require_secure_transport"), "(none)");
    assert_string_equal(default_of("mariadb", "10.11.6", "require_secure_transport"), "0");
    assert_string_equal(default_of("sqlserver-web", "15.00.4073.23.v1", "rds.force_ssl"), "0");
    assert_false(parameter_find("sqlserver-web", "15.0", "rds.force_ssl")->dynamic);
    assert_true(parameter_find("postgres", "15", "rds.force_ssl")->dynamic);
    assert_true(parameter_find("postgres", "15", "ssl")->fixed);
}

static void values_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *engine, *version, *name, *value;
        bool good;
    } cases[] = {
        {"postgres", "15", "work_mem", "64", true},
        {"postgres", "15", "work_mem", "63", false},
        {"postgres", "15", "work_mem", "4MB", false},
        {"postgres", "15", "log_min_duration_statement", "-1", true},
        {"postgres", "15", "log_min_duration_statement", "-2", false},
        {"postgres", "15", "log_statement", "ddl", true},
        {"postgres", "15", "log_statement", "ddl'\n", false},
        {"postgres", "15", "rds.force_ssl", "2", false},
        {"postgres", "15", "shared_preload_libraries", "pg_stat_statements, auto_explain", true},
        {"postgres", "15", "shared_preload_libraries", "/tmp/evil", false},
        {"postgres", "15", "ssl_ciphers", "ECDHE-RSA-AES256-GCM-SHA384:HIGH:!aNULL", true},
        {"postgres", "15", "ssl_ciphers", "NO-SUCH-CIPHER", false},
        {"postgres", "15", "ssl_ciphers", "", false},
        {"mysql", "8.4", "tls_ciphersuites", "TLS_AES_256_GCM_SHA384", true},
        {"mysql", "8.4", "tls_ciphersuites", "AES256-SHA", false},
        {"mysql", "8.4", "tls_version", "TLSv1.3", true},
        {"mysql", "8.4", "tls_version", "TLSv1.1,TLSv1.3", false},
        {"oracle-ee", "19", "sqlnetora.sqlnet.allowed_logon_version_server", "12a", true},
        {"oracle-ee", "19", "sqlnetora.sqlnet.allowed_logon_version_server", "13", false},
        {"oracle-ee", "19", "sqlnetora.sqlnet.recv_timeout", "0", true},
        {"oracle-ee", "19", "sqlnetora.sqlnet.recv_timeout", "9", false},
        {"oracle-ee", "19", "sqlnetora.sqlnet.recv_timeout", "7200", true},
        {"sqlserver-ex", "15.0", "rds.tls10", "disabled", true},
        {"sqlserver-ex", "15.0", "rds.tls12", "disabled", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error error = {0};
        const struct parameter *parameter = parameter_find(cases[i].engine, cases[i].version, cases[i].name);
        assert_non_null(parameter);
        if ((parameter_check(parameter, cases[i].value, &error) == 0) != cases[i].good)
            fail_msg("%s = %s: %s", cases[i].name, cases[i].value, error.text);
    }
}

/* ---- groups */

static void ask(void **state, const char *parameters)
{
    xmlNode *result;
    xmlFreeDoc(world_ask(*state, parameters, &result));
}

static void make_group(void **state, const char *name)
{
    AUTO_FREE char *parameters = mem_format(
        ACTION("CreateDBParameterGroup") "&DBParameterGroupName=%s&DBParameterGroupFamily=postgres16"
                                         "&Description=for+tests",
        name);
    ask(state, parameters);
}

static void set_parameter(void **state, const char *group, const char *name, const char *value,
                          const char *method)
{
    AUTO_FREE char *parameters = mem_format(
        ACTION("ModifyDBParameterGroup") "&DBParameterGroupName=%s&Parameters.Parameter.1.ParameterName=%s"
                                         "&Parameters.Parameter.1.ParameterValue=%s"
                                         "&Parameters.Parameter.1.ApplyMethod=%s",
        group, name, value, method);
    ask(state, parameters);
}

static void assert_error(void **state, const char *parameters, const char *code, const char *words)
{
    struct api_reply reply;
    struct question question = {.parameters = parameters};
    world_send(*state, &question, &reply);
    xmlDoc *document = xmlReadMemory(buf_text(&reply.body), (int)reply.body.length, NULL, NULL, 0);
    if (reply.status == 200)
        fail_msg("%s succeeded", parameters);
    xmlNode *root = xmlDocGetRootElement(document);
    AUTO_FREE char *message = xml_text(root, "Error/Message");
    assert_xml(root, "Error/Code", code);
    if (!strstr(message, words))
        fail_msg("%s: \"%s\"", parameters, message);
    xmlFreeDoc(document);
    api_reply_free(&reply);
}

/* A member of one parameter of a group, for free(); NULL: the group or the source has no such parameter. */
static char *shown(void **state, const char *group, const char *more, const char *name, const char *member)
{
    xmlNode *result;
    AUTO_FREE char *parameters = mem_format(
        ACTION("DescribeDBParameters") "&DBParameterGroupName=%s%s&Filters.Filter.1.Name=parameter-name"
                                       "&Filters.Filter.1.Values.Value.1=%s",
        group, more, name);
    AUTO_FREE char *path = mem_format("Parameters/Parameter/%s", member);
    xmlDoc *document = world_ask(*state, parameters, &result);
    char *text = xml_at(result, path, 0) ? xml_text(result, path) : NULL;
    xmlFreeDoc(document);
    return text;
}

static void assert_shown(void **state, const char *group, const char *more, const char *name,
                         const char *member, const char *expected)
{
    AUTO_FREE char *text = shown(state, group, more, name, member);
    if (!text_equal(text, expected))
        fail_msg("%s of %s in %s is %s, expected %s", member, name, group, text ? text : "absent",
                 expected ? expected : "absent");
}

static void group_is_made_and_shown_as_rds_shows_it(void **state)
{
    xmlNode *result;
    xmlDoc *document = world_ask(
        *state,
        ACTION("CreateDBParameterGroup") "&DBParameterGroupName=Tuned&DBParameterGroupFamily=Postgres16"
                                         "&Description=a+%26+b&Tags.Tag.1.Key=team&Tags.Tag.1.Value=db",
        &result);
    assert_xml(result, "DBParameterGroup/DBParameterGroupName", "tuned");
    assert_xml(result, "DBParameterGroup/DBParameterGroupFamily", "postgres16");
    assert_xml(result, "DBParameterGroup/Description", "a & b");
    assert_xml(result, "DBParameterGroup/DBParameterGroupArn", GROUP_ARN);
    xmlFreeDoc(document);
    document = world_ask(*state, ACTION("DescribeDBParameterGroups"), &result);
    assert_int_equal(xml_count(result, "DBParameterGroups/DBParameterGroup"), 3);
    assert_xml(result, "DBParameterGroups/DBParameterGroup/DBParameterGroupName", "default.postgres15");
    assert_xml(xml_at(result, "DBParameterGroups/DBParameterGroup", 2), "DBParameterGroupName", "tuned");
    xmlFreeDoc(document);
    document = world_ask_in(*state, "eu-west-1", ACTION("DescribeDBParameterGroups"), &result);
    assert_int_equal(xml_count(result, "DBParameterGroups/DBParameterGroup"), 2);
    xmlFreeDoc(document);
    document = world_ask(*state, ACTION("ListTagsForResource") "&ResourceName=" GROUP_ARN, &result);
    assert_xml(result, "TagList/Tag/Key", "team");
    xmlFreeDoc(document);
    ask(state, ACTION("AddTagsToResource") "&ResourceName=" GROUP_ARN "&Tags.Tag.1.Key=a&Tags.Tag.1.Value=1");
    ask(state, ACTION("RemoveTagsFromResource") "&ResourceName=" GROUP_ARN "&TagKeys.member.1=team");
    document = world_ask(*state, ACTION("ListTagsForResource") "&ResourceName=" GROUP_ARN, &result);
    assert_int_equal(xml_count(result, "TagList/Tag"), 1);
    assert_xml(result, "TagList/Tag/Key", "a");
    xmlFreeDoc(document);
    ask(state, ACTION("DeleteDBParameterGroup") "&DBParameterGroupName=tuned");
    assert_error(state, ACTION("DescribeDBParameterGroups") "&DBParameterGroupName=tuned",
                 "DBParameterGroupNotFound", "DBParameterGroup not found: tuned");
    make_group(state, "tuned"); /* nothing of the old one is left */
    document = world_ask(*state, ACTION("ListTagsForResource") "&ResourceName=" GROUP_ARN, &result);
    assert_int_equal(xml_count(result, "TagList/Tag"), 0);
    xmlFreeDoc(document);
}

static void parameters_say_where_they_come_from(void **state)
{
    make_group(state, "tuned");
    assert_shown(state, "tuned", "", "work_mem", "Source", "engine-default");
    assert_shown(state, "tuned", "", "work_mem", "ParameterValue", NULL);
    assert_shown(state, "tuned", "", "rds.force_ssl", "Source", "system");
    assert_shown(state, "tuned", "", "rds.force_ssl", "ParameterValue", "1");
    assert_shown(state, "tuned", "", "rds.force_ssl", "MinimumEngineVersion", "15");
    assert_shown(state, "tuned", "", "max_connections", "ApplyType", "static");
    assert_shown(state, "tuned", "", "ssl", "IsModifiable", "false");
    set_parameter(state, "tuned", "work_mem", "8192", "immediate");
    assert_shown(state, "tuned", "", "work_mem", "Source", "user");
    assert_shown(state, "tuned", "", "work_mem", "ParameterValue", "8192");
    assert_shown(state, "tuned", "", "work_mem", "ApplyMethod", "immediate");
    assert_shown(state, "tuned", "", "work_mem", "AllowedValues", "64-2147483647");
    assert_shown(state, "tuned", "", "work_mem", "DataType", "integer");
    assert_shown(state, "tuned", "&Source=user", "work_mem", "ParameterValue", "8192");
    assert_shown(state, "tuned", "&Source=system", "work_mem", "ParameterValue", NULL);
    assert_shown(state, "default.postgres16", "", "work_mem", "Source", "engine-default");
    assert_shown(state, "default.mysql8.4", "", "tls_version", "ParameterValue", "TLSv1.2,TLSv1.3");
    ask(state, ACTION("ResetDBParameterGroup") "&DBParameterGroupName=tuned");
    assert_shown(state, "tuned", "", "work_mem", "Source", "engine-default");
}

static void parameters_come_in_pages(void **state)
{
    xmlNode *result;
    int total = 0;
    AUTO_FREE char *marker = mem_string("");
    while (marker) {
        AUTO_FREE char *parameters = mem_format(
            ACTION("DescribeEngineDefaultParameters") "&DBParameterGroupFamily=postgres16&MaxRecords=20%s%s",
            *marker ? "&Marker=" : "", marker);
        xmlDoc *document = world_ask(*state, parameters, &result);
        assert_xml(result, "EngineDefaults/DBParameterGroupFamily", "postgres16");
        assert_xml_absent(result, "Marker");
        total += xml_count(result, "EngineDefaults/Parameters/Parameter");
        free(marker);
        marker =
            xml_at(result, "EngineDefaults/Marker", 0) ? xml_text(result, "EngineDefaults/Marker") : NULL;
        xmlFreeDoc(document);
    }
    xmlDoc *document =
        world_ask(*state, ACTION("DescribeDBParameters") "&DBParameterGroupName=default.postgres16", &result);
    assert_int_equal(xml_count(result, "Parameters/Parameter"), total);
    assert_true(total > 20);
    xmlFreeDoc(document);
}

#define MODIFY ACTION("ModifyDBParameterGroup") "&DBParameterGroupName="
#define ONE(name, value, method)                                                                             \
    "&Parameters.Parameter.1.ParameterName=" name "&Parameters.Parameter.1.ParameterValue=" value            \
    "&Parameters.Parameter.1.ApplyMethod=" method

static void wrong_changes_are_refused_in_rds_words(void **state)
{
    make_group(state, "tuned");
    assert_error(state, MODIFY "tuned" ONE("no_such", "1", "immediate"), "InvalidParameterValue",
                 "Could not find parameter with name: no_such");
    assert_error(state, MODIFY "tuned" ONE("ssl", "0", "pending-reboot"), "InvalidParameterValue",
                 "The parameter ssl cannot be modified.");
    assert_error(state, MODIFY "tuned" ONE("max_connections", "200", "immediate"),
                 "InvalidParameterCombination", "cannot use immediate apply method for static parameter");
    assert_error(state, MODIFY "tuned" ONE("work_mem", "1", "immediate"), "InvalidParameterValue",
                 "Invalid parameter value: 1 for: work_mem allowed values are: 64-2147483647");
    assert_error(state, MODIFY "default.postgres16" ONE("work_mem", "64", "immediate"),
                 "InvalidParameterValue", "Cannot modify a default parameter group");
    assert_error(state, MODIFY "other" ONE("work_mem", "64", "immediate"), "DBParameterGroupNotFound",
                 "DBParameterGroup not found: other");
    assert_error(state, MODIFY "tuned" ONE("ssl_max_protocol_version", "TLSv1.1", "immediate"),
                 "InvalidParameterCombination", "ssl_min_protocol_version TLSv1.2 is newer");
    assert_error(state, ACTION("DeleteDBParameterGroup") "&DBParameterGroupName=default.postgres16",
                 "InvalidDBParameterGroupState", "Default DBParameterGroup cannot be deleted");
    assert_shown(state, "tuned", "&Source=user", "work_mem", "ParameterValue", NULL);
}

/* ---- instances */

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
    assert_int_equal(host_desired(&world->fleet, "one", &revision, look, &wanted, &error), 0);
    if (!text_equal(wanted.value, value))
        fail_msg("the host is told %s = \"%s\", expected \"%s\"", name, wanted.value, value);
}

static void assert_status(void **state, const char *group, const char *status)
{
    xmlNode *result;
    xmlDoc *document =
        world_ask(*state, ACTION("DescribeDBInstances") "&DBInstanceIdentifier=orders", &result);
    xmlNode *instance = xml_at(result, "DBInstances/DBInstance", 0);
    assert_xml(instance, "DBParameterGroups/DBParameterGroup/DBParameterGroupName", group);
    assert_xml(instance, "DBParameterGroups/DBParameterGroup/ParameterApplyStatus", status);
    xmlFreeDoc(document);
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

static void instance_with_group(void **state)
{
    make_group(state, "tuned");
    world_create(*state, "orders", "&DBParameterGroupName=TUNED");
    world_reach(*state, "orders", 5432);
    do_work(state);
    assert_status(state, "tuned", "in-sync");
}

static void host_is_told_what_is_not_the_engines_own(void **state)
{
    world_create(*state, "orders", "");
    assert_told(state, "rds.force_ssl", "1");
    assert_told(state, "ssl_min_protocol_version", "TLSv1.2");
    assert_told(state, "ssl_ciphers", "HIGH:!aNULL:!3DES");
    assert_told(state, "max_connections", "100");
    assert_told(state, "work_mem", "");
}

static void dynamic_values_come_at_once(void **state)
{
    instance_with_group(state);
    set_parameter(state, "tuned", "rds.force_ssl", "0", "immediate");
    assert_status(state, "tuned", "applying");
    assert_told(state, "rds.force_ssl", "1");
    do_work(state);
    assert_told(state, "rds.force_ssl", "0");
    assert_status(state, "tuned", "applying"); /* the host has not said that it did */
    world_reach(*state, "orders", 5432);
    assert_status(state, "tuned", "in-sync");
    ask(state, ACTION("ResetDBParameterGroup") "&DBParameterGroupName=tuned"
                                               "&Parameters.Parameter.1.ParameterName=rds.force_ssl"
                                               "&Parameters.Parameter.1.ApplyMethod=immediate");
    do_work(state);
    assert_told(state, "rds.force_ssl", "1");
}

static void static_values_wait_for_a_reboot(void **state)
{
    instance_with_group(state);
    set_parameter(state, "tuned", "max_connections", "200", "pending-reboot");
    set_parameter(state, "tuned", "work_mem", "8192", "pending-reboot");
    do_work(state);
    assert_status(state, "tuned", "pending-reboot");
    assert_told(state, "max_connections", "100");
    set_parameter(state, "tuned", "statement_timeout", "5000", "immediate"); /* does not bring the others */
    do_work(state);
    assert_told(state, "statement_timeout", "5000");
    assert_told(state, "work_mem", "");
    world_reach(*state, "orders", 5432);
    assert_status(state, "tuned", "pending-reboot");
    ask(state, ACTION("RebootDBInstance") "&DBInstanceIdentifier=orders");
    assert_told(state, "max_connections", "200");
    assert_told(state, "work_mem", "8192");
    assert_status(state, "tuned", "applying");
    world_reach(*state, "orders", 5432);
    assert_status(state, "tuned", "in-sync");
    ask(state, ACTION("ResetDBParameterGroup") "&DBParameterGroupName=tuned&ResetAllParameters=true");
    do_work(state);
    assert_told(state, "statement_timeout", "");
    assert_told(state, "max_connections", "200");
    world_reach(*state, "orders", 5432);
    assert_status(state, "tuned", "pending-reboot");
    ask(state, ACTION("StopDBInstance") "&DBInstanceIdentifier=orders");
    world_reach(*state, "orders", 5432);
    ask(state, ACTION("StartDBInstance") "&DBInstanceIdentifier=orders");
    assert_told(state, "max_connections", "100");
}

static void another_group_brings_its_dynamic_values(void **state)
{
    make_group(state, "tuned");
    set_parameter(state, "tuned", "max_connections", "200", "pending-reboot");
    set_parameter(state, "tuned", "work_mem", "8192", "pending-reboot");
    world_create(*state, "orders", "");
    world_reach(*state, "orders", 5432);
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&DBParameterGroupName=tuned");
    assert_told(state, "work_mem", "8192");
    assert_told(state, "max_connections", "100");
    assert_status(state, "tuned", "applying");
    world_reach(*state, "orders", 5432);
    assert_status(state, "tuned", "pending-reboot");
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&DBPortNumber=6000"); /* restarts */
    assert_told(state, "max_connections", "200");
    world_reach(*state, "orders", 6000);
    assert_status(state, "tuned", "in-sync");
    assert_error(state, ACTION("DeleteDBParameterGroup") "&DBParameterGroupName=tuned",
                 "InvalidDBParameterGroupState", "are still members of this parameter group tuned");
    ask(state,
        ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&DBParameterGroupName=default.postgres16");
    assert_told(state, "work_mem", "");
    assert_told(state, "max_connections", "200");
    world_reach(*state, "orders", 6000);
    assert_status(state, "default.postgres16", "pending-reboot");
    ask(state, ACTION("DeleteDBParameterGroup") "&DBParameterGroupName=tuned");
}

/* With a value that the engine cannot have it does not come up: no restart is left for which the next one
 * waits.
 */
static void value_that_keeps_an_engine_down_can_be_taken_back(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    struct instance_row row = {0};
    instance_with_group(state);
    set_parameter(state, "tuned", "shared_buffers", "1073741823", "pending-reboot");
    do_work(state);
    ask(state, ACTION("RebootDBInstance") "&DBInstanceIdentifier=orders");
    assert_told(state, "shared_buffers", "1073741823");
    assert_int_equal(store_instance_get(world->fleet.store, "us-east-1", "orders", &row, &error), 0);
    row.observed_generation = row.generation;
    text_copy(row.problem, sizeof row.problem, "PostgreSQL did not start");
    assert_int_equal(store_instance_update(world->fleet.store, &row, &error), 0);
    int64_t restart = row.restart;
    assert_status(state, "tuned", "applying");
    ask(state, ACTION("ResetDBParameterGroup") "&DBParameterGroupName=tuned");
    do_work(state);
    assert_told(state, "shared_buffers", "4096");
    assert_int_equal(store_instance_get(world->fleet.store, "us-east-1", "orders", &row, &error), 0);
    assert_int_equal(row.restart, restart + 1);
    assert_string_equal(row.status, "rebooting");
    instance_row_free(&row);
}

static void new_instance_has_all_values_of_its_group(void **state)
{
    make_group(state, "tuned");
    set_parameter(state, "tuned", "max_connections", "200", "pending-reboot");
    world_create(*state, "orders", "&DBParameterGroupName=tuned");
    assert_told(state, "max_connections", "200");
    world_reach(*state, "orders", 5432);
    assert_status(state, "tuned", "in-sync");
}

static void group_of_another_family_is_refused(void **state)
{
    ask(state, ACTION("CreateDBParameterGroup") "&DBParameterGroupName=old&DBParameterGroupFamily=postgres15"
                                                "&Description=d");
    world_create(*state, "orders", "");
    world_reach(*state, "orders", 5432);
    assert_error(
        state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&DBParameterGroupName=old",
        "InvalidParameterCombination",
        "The Parameter Group old with DBParameterGroupFamily postgres15 cannot be used for this instance. "
        "Please use a Parameter Group with DBParameterGroupFamily postgres16");
    assert_error(
        state,
        ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&DBParameterGroupName=default.mysql8.4",
        "InvalidParameterCombination", "mysql8.4");
    assert_error(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&DBParameterGroupName=none",
                 "DBParameterGroupNotFound", "none");
}

/* Many instances of a group: each is brought up by a piece of work of its own, other groups' are left alone.
 */
static void change_goes_to_each_instance_of_the_group(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    int64_t count = 0;
    make_group(state, "tuned");
    for (int i = 0; i < 30; i++) {
        AUTO_FREE char *identifier = mem_format("db%02d", i);
        world_create(world, identifier, i % 3 ? "&DBParameterGroupName=tuned" : "");
    }
    set_parameter(state, "tuned", "work_mem", "8192", "immediate");
    assert_int_equal(store_work_count(world->fleet.store, WORK_GROUPS, &count, &error), 0);
    assert_int_equal(count, 20);
    do_work(state);
    assert_int_equal(store_work_count(world->fleet.store, WORK_GROUPS, &count, &error), 0);
    assert_int_equal(count, 0);
}

static void assert_event(void **state, const char *type, const char *source, const char *message)
{
    xmlNode *result;
    AUTO_FREE char *parameters =
        mem_format(ACTION("DescribeEvents") "&SourceType=%s&SourceIdentifier=%s", type, source);
    xmlDoc *document = world_ask(*state, parameters, &result);
    int count = xml_count(result, "Events/Event");
    bool found = false;
    for (int i = 0; i < count; i++) {
        xmlNode *event = xml_at(result, "Events/Event", i);
        AUTO_FREE char *text = xml_text(event, "Message");
        found |= text_equal(text, message);
    }
    if (!found)
        fail_msg("no event \"%s\" of %s among %d", message, source, count);
    xmlFreeDoc(document);
}

static void observe_newest(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    struct instance_row row = {0};
    assert_int_equal(store_instance_get(world->fleet.store, "us-east-1", "orders", &row, &error), 0);
    struct observed_instance observed = {
        .state = OBSERVED_RUNNING, .generation = row.generation, .port = 5432};
    text_copy(observed.resource_id, sizeof observed.resource_id, row.resource_id);
    text_copy(observed.report_id, sizeof observed.report_id, "report");
    assert_int_equal(host_observe(&world->fleet, "one", &observed, &error), 0);
    instance_row_free(&row);
}

static void changes_are_told_as_events(void **state)
{
    xmlNode *result;
    make_group(state, "tuned");
    world_create(*state, "orders", "");
    world_reach(*state, "orders", 5432);
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&DBParameterGroupName=tuned");
    set_parameter(state, "tuned", "work_mem", "8192", "immediate");
    do_work(state);
    observe_newest(state);
    assert_event(state, "db-parameter-group", "tuned",
                 "Updated parameter work_mem to 8192 with apply method immediate.");
    assert_event(state, "db-instance", "orders", "Updated to use DBParameterGroup tuned");
    assert_event(state, "db-instance", "orders", "Finished updating DB parameter group.");
    xmlDoc *document = world_ask(*state, ACTION("DescribeEvents") "&SourceType=db-parameter-group", &result);
    assert_xml(result, "Events/Event/SourceArn", GROUP_ARN);
    xmlFreeDoc(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_in_order_and_their_defaults_allowed),
        cmocka_unit_test(defaults_follow_the_version),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test_setup_teardown(group_is_made_and_shown_as_rds_shows_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parameters_say_where_they_come_from, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parameters_come_in_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_changes_are_refused_in_rds_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(host_is_told_what_is_not_the_engines_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dynamic_values_come_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(static_values_wait_for_a_reboot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(another_group_brings_its_dynamic_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(value_that_keeps_an_engine_down_can_be_taken_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_instance_has_all_values_of_its_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(group_of_another_family_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(change_goes_to_each_instance_of_the_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changes_are_told_as_events, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
