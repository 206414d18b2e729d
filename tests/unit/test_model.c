/* aws/model: requests decoded by tables, each refusal's words, and docs/api.md as the tables say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "aws/errors.h"
#include "aws/model.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define VERSION "&Version=2014-10-31"
#define CREATE                                                                                               \
    "Action=CreateDBInstance" VERSION                                                                        \
    "&DBInstanceIdentifier=orders&DBInstanceClass=db.t3.micro&Engine=postgres&MasterUserPassword=geheimnis1"
#define MODIFY "Action=ModifyDBInstance" VERSION "&DBInstanceIdentifier=orders"

/* Decodes and keeps the parameters that the input points into. */
struct decoded {
    struct query_parameters parameters;
    struct action_input input;
    struct error error;
    int failed;
};

static struct decoded decode(const char *form)
{
    struct decoded decoded = {0};
    assert_int_equal(query_parse(slice_text(form), &decoded.parameters, &decoded.error), 0);
    decoded.failed = action_decode(&decoded.parameters, &decoded.input, &decoded.error);
    return decoded;
}

static void decoded_free(struct decoded *decoded)
{
    action_input_free(&decoded->input);
    query_free(&decoded->parameters);
}
#define AUTO_DECODED __attribute__((cleanup(decoded_free)))

static void assert_accepted(const char *form)
{
    AUTO_DECODED struct decoded decoded = decode(form);
    if (decoded.failed)
        fail_msg("%s: %s: %s", form, decoded.error.name, decoded.error.text);
}

static void scalars_lists_and_structures(void **state)
{
    (void)state;
    AUTO_DECODED struct decoded decoded = decode(
        CREATE
        "&AllocatedStorage=20&DeletionProtection=True&Tags.Tag.3.Key=c&Tags.Tag.1.Key=a&Tags.Tag.1.Value=x+y"
        "&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1&Unheard.Of=1&EnableCloudwatchLogsExports=");
    assert_int_equal(decoded.failed, 0);
    const struct action_input *input = &decoded.input;
    assert_string_equal(input->action->name, "CreateDBInstance");
    assert_string_equal(action_text(input, "Engine"), "postgres");
    assert_int_equal(action_integer(input, "AllocatedStorage", 5), 20);
    assert_int_equal(action_integer(input, "Port", 5432), 5432);
    assert_true(action_boolean(input, "DeletionProtection", false));
    assert_true(action_boolean(input, "PubliclyAccessible", true));
    assert_null(action_text(input, "EngineVersion"));
    const struct action_value *tags = action_value(input, "Tags");
    assert_int_equal(tags->item_count, 2);
    assert_string_equal(action_field(&tags->items[0], "Key")->text, "a");
    assert_string_equal(action_field(&tags->items[0], "Value")->text, "x y");
    assert_string_equal(action_field(&tags->items[1], "Key")->text, "c");
    assert_null(action_field(&tags->items[1], "Value")->text);
    assert_string_equal(action_value(input, "VpcSecurityGroupIds")->items[0].text, "sg-1");
    assert_true(action_given(input, "EnableCloudwatchLogsExports"));
    assert_false(action_given(input, "ProcessorFeatures"));
}

static void nested_lists_and_times(void **state)
{
    (void)state;
    AUTO_DECODED struct decoded filters =
        decode("Action=DescribeDBInstances" VERSION
               "&Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.2=mysql"
               "&Filters.Filter.1.Values.Value.1=postgres&Filters.Filter.4.Name=db-instance-id&Filters."
               "Filter.4.Values.member.1=x");
    assert_int_equal(filters.failed, 0);
    const struct action_value *list = action_value(&filters.input, "Filters");
    assert_int_equal(list->item_count, 2);
    const struct action_value *values = action_field(&list->items[0], "Values");
    assert_int_equal(values->item_count, 2);
    assert_string_equal(values->items[0].text, "postgres");
    assert_string_equal(values->items[1].text, "mysql");
    assert_string_equal(action_field(&list->items[1], "Values")->items[0].text, "x");
    AUTO_DECODED struct decoded events =
        decode("Action=DescribeEvents" VERSION "&StartTime=2026-01-02T03%3A04%3A05.678Z"
               "&EndTime=2026-01-02T04:00Z&EventCategories.EventCategory.1=maintenance");
    assert_int_equal(events.failed, 0);
    int64_t expected = 0;
    assert_true(clock_parse("2026-01-02T03:04:05.678Z", &expected));
    assert_true(action_value(&events.input, "StartTime")->number == expected);
}

struct bad_request {
    const char *form;
    const char *code;
    int status;
    const char *text;
};

static const struct bad_request bad_requests[] = {
    {"Version=2014-10-31", "MissingAction", 400,
     "The request must contain the parameter Action, an operation's name such as DescribeDBInstances."},
    {"Action=" VERSION, "MissingAction", 400,
     "The request must contain the parameter Action, an operation's name such as DescribeDBInstances."},
    {"Action=CreateDBCluster" VERSION, "InvalidAction", 400,
     "Could not find operation CreateDBCluster for version 2014-10-31"},
    {"Action=describedbinstances" VERSION, "InvalidAction", 400,
     "Could not find operation describedbinstances for version 2014-10-31"},
    {"Action=DescribeDBInstances", "InvalidAction", 400,
     "Could not find operation DescribeDBInstances for version NO_VERSION_SPECIFIED"},
    {"Action=DescribeDBInstances&Version=2013-01-10", "InvalidAction", 400,
     "Could not find operation DescribeDBInstances for version 2013-01-10"},
    {"Action=DeleteDBInstance" VERSION, "MissingParameter", 400,
     "The request must contain the parameter DBInstanceIdentifier."},
    {"Action=DeleteDBInstance" VERSION "&DBInstanceIdentifier=", "InvalidParameterValue", 400,
     "The parameter DBInstanceIdentifier must be provided and must not be blank."},
    {"Action=CreateDBInstance" VERSION "&DBInstanceIdentifier=orders&DBInstanceClass=db.t3.micro",
     "MissingParameter", 400, "The request must contain the parameter Engine."},
    {CREATE "&DBInstanceIdentifier=1orders", "InvalidParameterValue", 400,
     "The parameter DBInstanceIdentifier is not a valid identifier. Identifiers must begin with a letter; "
     "must contain only ASCII "
     "letters, digits, and hyphens; must have at most 63 characters; and must not end with a hyphen or "
     "contain two consecutive "
     "hyphens."},
    {CREATE "&Port=abc", "InvalidParameterValue", 400,
     "Invalid value 'abc' for Port. Must be a whole number."},
    {CREATE "&Port=", "InvalidParameterValue", 400, "Invalid value '' for Port. Must be a whole number."},
    {CREATE "&Port=99999999999", "InvalidParameterValue", 400,
     "Invalid value '99999999999' for Port. Must be a whole number."},
    {CREATE "&Port=80", "InvalidParameterValue", 400,
     "Invalid value 80 for Port. Must be between 1150 and 65535"},
    {CREATE "&Port.x=80", "MalformedInput", 400, "Port must be a single value, not a structure or a list."},
    {CREATE "&PubliclyAccessible=yes", "InvalidParameterValue", 400,
     "Invalid value 'yes' for PubliclyAccessible. Must be true or false."},
    {CREATE "&StorageType=floppy", "InvalidParameterValue", 400,
     "Invalid value 'floppy' for StorageType. Must be one of: standard, gp2, gp3, io1, io2"},
    {CREATE "&MultiAZ=true", "InvalidParameterCombination", 400,
     "MultiAZ cannot be 'true': an instance has one server and no standby. Leave it out or set it to false."},
    {CREATE "&StorageEncrypted=true", "InvalidParameterCombination", 400,
     "StorageEncrypted cannot be 'true': storage is not encrypted by the service; encrypt the host's disk. "
     "Leave it out or set it to "
     "false."},
    {CREATE "&DBSubnetGroupName=mine", "DBSubnetGroupNotFoundFault", 404,
     "DBSubnetGroupName cannot be 'mine': there are no subnets to place an instance in. Leave it out or set "
     "it to default."},
    {CREATE "&DBClusterIdentifier=c", "DBClusterNotFoundFault", 404,
     "DBClusterIdentifier cannot be 'c': there are no DB clusters and no Aurora. Leave it out."},
    {CREATE "&TdeCredentialPassword=verysecret", "InvalidParameterCombination", 400,
     "TdeCredentialPassword cannot be '(not shown)': there is no transparent data encryption. Leave it out."},
    {CREATE "&EnableCloudwatchLogsExports.member.1=postgresql", "InvalidParameterCombination", 400,
     "EnableCloudwatchLogsExports cannot be given: logs stay on the host. Leave it out."},
    {CREATE "&BackupRetentionPeriod=36", "InvalidParameterValue", 400,
     "Invalid value 36 for BackupRetentionPeriod. Must be between 0 and 35"},
    {CREATE "&BackupRetentionPeriod=7", "InvalidParameterCombination", 400,
     "BackupRetentionPeriod cannot be '7': no backups and no snapshots are made. Leave it out or set it to "
     "0."},
    {CREATE "&MonitoringInterval=7", "InvalidParameterValue", 400,
     "Invalid value '7' for MonitoringInterval. Must be one of: 0, 1, 5, 10, 15, 30, 60"},
    {CREATE "&Tags.Tag.1.Value=x", "MissingParameter", 400,
     "The request must contain the parameter Tags.Tag.1.Key."},
    {CREATE "&Tags.Tag.1.Key=", "InvalidParameterValue", 400,
     "The parameter Tags.Tag.1.Key must be provided and must not be blank."},
    {CREATE "&Tags.Tag.x.Key=a", "MalformedInput", 400,
     "'Tags.Tag.x.Key' is not the name of a list's item: after 'Tags.Tag.' a whole number from 1 on is "
     "expected."},
    {CREATE "&VpcSecurityGroupIds.VpcSecurityGroupId.1.x=a", "MalformedInput", 400,
     "VpcSecurityGroupIds.VpcSecurityGroupId.1 must be a text, not a structure or a list."},
    {MODIFY "&CloudwatchLogsExportConfiguration.EnableLogTypes.member.1=a", "InvalidParameterCombination",
     400, "CloudwatchLogsExportConfiguration cannot be given: logs stay on the host. Leave it out."},
    {"Action=DescribeDBInstances" VERSION "&MaxRecords=10", "InvalidParameterValue", 400,
     "Invalid value 10 for MaxRecords. Must be between 20 and 100"},
    {"Action=DescribeDBInstances" VERSION "&MaxRecords=101", "InvalidParameterValue", 400,
     "Invalid value 101 for MaxRecords. Must be between 20 and 100"},
    {"Action=DescribeDBInstances" VERSION "&Filters.Filter.1.Name=colour&Filters.Filter.1.Values.Value.1=red",
     "InvalidParameterValue", 400, "Unrecognized filter name: colour"},
    {"Action=DescribeCertificates" VERSION
     "&Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=red",
     "InvalidParameterValue", 400, "Unrecognized filter name: engine"},
    {"Action=DescribeDBInstances" VERSION "&Filters.Filter.1.Name=engine", "MissingParameter", 400,
     "The request must contain the parameter Filters.Filter.1.Values."},
    {"Action=DescribeEvents" VERSION "&StartTime=yesterday", "InvalidParameterValue", 400,
     "Invalid value 'yesterday' for StartTime. Must be a time in UTC such as 2026-01-02T03:04:05Z."},
    {"Action=DescribeEvents" VERSION "&SourceType=db-table", "InvalidParameterValue", 400,
     "Invalid value 'db-table' for SourceType. Must be one of: db-instance, db-parameter-group, "
     "db-security-group, db-snapshot, "
     "db-cluster, db-cluster-snapshot, db-proxy, custom-engine-version, blue-green-deployment, "
     "db-shard-group, zero-etl"},
    {"Action=RemoveTagsFromResource" VERSION "&ResourceName=a&TagKeys=", "MissingParameter", 400,
     "The request must contain the parameter TagKeys."},
    {"Action=DescribeOrderableDBInstanceOptions" VERSION, "MissingParameter", 400,
     "The request must contain the parameter Engine."},
};

static void each_bad_request_has_its_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_requests / sizeof *bad_requests; i++) {
        const struct bad_request *bad = &bad_requests[i];
        AUTO_DECODED struct decoded decoded = decode(bad->form);
        if (!decoded.failed)
            fail_msg("accepted: %s", bad->form);
        assert_string_equal(decoded.error.text, bad->text);
        assert_string_equal(decoded.error.name, bad->code);
        assert_int_equal(aws_error_status(decoded.error.name), bad->status);
    }
}

static void lists_are_limited(void **state)
{
    (void)state;
    AUTO_BUF struct buf form = {0};
    buf_append_text(&form, CREATE);
    for (int i = 1; i <= 101; i++)
        buf_printf(&form, "&Tags.Tag.%d.Key=k%d", i, i);
    AUTO_DECODED struct decoded decoded = decode(buf_text(&form));
    assert_string_equal(decoded.error.text,
                        "Invalid value for Tags. Must have at most 100 items, but has 101.");
}

static void harmless_values_are_accepted(void **state)
{
    (void)state;
    assert_accepted(
        CREATE
        "&MultiAZ=false&StorageEncrypted=FALSE&KmsKeyId=&DBSubnetGroupName=default&MonitoringInterval=0"
        "&BackupRetentionPeriod=0&ProcessorFeatures=&EnablePerformanceInsights=false&DatabaseInsightsMode="
        "standard");
    assert_accepted(MODIFY "&MultiAZ=false&UseDefaultProcessorFeatures=true&DisableDomain=true");
    assert_accepted("Action=DeleteDBInstance" VERSION
                    "&DBInstanceIdentifier=orders&SkipFinalSnapshot=true&DeleteAutomatedBackups=true");
    assert_accepted("Action=DescribeOrderableDBInstanceOptions" VERSION "&Engine=postgres&MaxRecords=1000");
}

/* What a member that is kept, ignored or refused needs for the documentation and for the error. */
static void check_members(const char *action, const struct model_member *members)
{
    for (const struct model_member *member = members; member->name; member++) {
        bool list = member->type == MODEL_STRINGS || member->type == MODEL_STRUCTURES;
        bool structure = member->type == MODEL_STRUCTURE || member->type == MODEL_STRUCTURES;
        if (member->disposition != MODEL_USED && !member->reason)
            fail_msg("%s %s has no reason", action, member->name);
        if (list != (member->item != NULL) || structure != (member->members != NULL))
            fail_msg("%s %s: item or members do not fit its type", action, member->name);
        if ((member->harmless || member->code) && member->disposition != MODEL_REFUSED)
            fail_msg("%s %s has a harmless value or a code, but is not refused", action, member->name);
        if (member->members)
            check_members(action, member->members);
    }
}

static void tables_are_whole(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct model_action *const *action = model_actions; *action; action++, count++) {
        check_members((*action)->name, (*action)->members);
        assert_ptr_equal(model_action((*action)->name), *action);
        bool reads =
            text_starts_with((*action)->name, "Describe") || text_starts_with((*action)->name, "List");
        assert_true((*action)->changes == !reads);
    }
    assert_int_equal(count, 29);
}

static void documentation_is_what_the_tables_say(void **state)
{
    (void)state;
    const char *path = SOURCE_ROOT "/docs/api.md";
    AUTO_BUF struct buf page = {0};
    AUTO_BUF struct buf file = {0};
    struct error error = {0};
    model_print_markdown(&page);
    if (getenv("SEALWRIGHT_WRITE_DOCS"))
        assert_int_equal(file_write(path, slice_buf(&page), 0644, &error), 0);
    if (file_read(path, 1 << 20, &file, &error))
        fail_msg("%s", error.text);
    if (!slice_equal(slice_buf(&page), slice_buf(&file)))
        fail_msg("%s is not what the tables of actions say; run this test with SEALWRIGHT_WRITE_DOCS=1 to "
                 "write it",
                 path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_lists_and_structures),         cmocka_unit_test(nested_lists_and_times),
        cmocka_unit_test(each_bad_request_has_its_words),       cmocka_unit_test(lists_are_limited),
        cmocka_unit_test(harmless_values_are_accepted),         cmocka_unit_test(tables_are_whole),
        cmocka_unit_test(documentation_is_what_the_tables_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
