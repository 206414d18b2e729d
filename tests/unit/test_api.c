/* api: each action's reply as a client reads it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"

#include "api/reply_cache.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/event.h"

#include <libxml/parser.h>
#include <stdio.h>
#include <stdlib.h>

#define ARN "arn:aws:rds:us-east-1:123456789012:db:orders"

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

/* One instance by DescribeDBInstances; *instance is its element. */
static xmlDoc *describe(void **state, const char *identifier, xmlNode **instance)
{
    AUTO_FREE char *parameters =
        mem_format(ACTION("DescribeDBInstances") "&DBInstanceIdentifier=%s", identifier);
    xmlDoc *document = world_ask(*state, parameters, instance);
    assert_int_equal(xml_count(*instance, "DBInstances/DBInstance"), 1);
    *instance = xml_at(*instance, "DBInstances/DBInstance", 0);
    return document;
}

static void assert_instances(void **state, const char *more, int count)
{
    xmlNode *result;
    AUTO_FREE char *parameters = mem_format(ACTION("DescribeDBInstances") "%s", more);
    xmlDoc *document = world_ask(*state, parameters, &result);
    if (xml_count(result, "DBInstances/DBInstance") != count)
        fail_msg("%s: %d instances, expected %d", more, xml_count(result, "DBInstances/DBInstance"), count);
    xmlFreeDoc(document);
}

static void ask(void **state, const char *parameters)
{
    xmlNode *result;
    xmlFreeDoc(world_ask(*state, parameters, &result));
}

static void new_instance_is_shown_as_rds_shows_it(void **state)
{
    xmlNode *instance;
    world_create(
        *state, "Orders",
        "&DBName=shop&Tags.Tag.1.Key=team&Tags.Tag.1.Value=%3C%26%3E&CopyTagsToSnapshot=TRUE"
        "&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1&VpcSecurityGroupIds.VpcSecurityGroupId.2=sg-2"
        "&CACertificateIdentifier=RDS-CA-ECC384-G1&Iops=03000&DeletionProtection=true");
    xmlDoc *document = describe(state, "oRDERS", &instance);
    assert_xml(instance, "DBInstanceIdentifier", "orders");
    assert_xml(instance, "DBInstanceStatus", "creating");
    assert_xml(instance, "Engine", "postgres");
    assert_xml(instance, "EngineVersion", "16.4");
    assert_xml(instance, "DBName", "shop");
    assert_xml(instance, "MasterUsername", "app");
    assert_xml(instance, "AllocatedStorage", "20");
    assert_xml(instance, "DBInstanceArn", ARN);
    assert_xml(instance, "CACertificateIdentifier", "rds-ca-ecc384-g1");
    assert_xml(instance, "CopyTagsToSnapshot", "true");
    assert_xml(instance, "Iops", "3000");
    assert_xml(instance, "DeletionProtection", "true");
    assert_xml(instance, "LicenseModel", "postgresql-license");
    assert_xml(instance, "AvailabilityZone", "us-east-1a");
    assert_xml(instance, "DBParameterGroups/DBParameterGroup/DBParameterGroupName", "default.postgres16");
    assert_xml(instance, "OptionGroupMemberships/OptionGroupMembership/OptionGroupName",
               "default:postgres-16");
    assert_int_equal(xml_count(instance, "VpcSecurityGroups/VpcSecurityGroupMembership"), 2);
    assert_xml(instance, "TagList/Tag/Key", "team");
    assert_xml(instance, "TagList/Tag/Value", "<&>");
    assert_xml(instance, "PendingModifiedValues", "");
    assert_xml(instance, "MultiAZ", "false");
    assert_xml_absent(instance, "Endpoint");
    assert_xml_absent(instance, "InstanceCreateTime");
    assert_xml_absent(instance, "CertificateDetails");
    assert_xml_absent(instance, "MasterUserPassword");
    xmlFreeDoc(document);
}

static void reached_instance_has_endpoint_and_certificate(void **state)
{
    xmlNode *instance;
    world_create(*state, "orders", "");
    world_reach(*state, "orders", 5433);
    xmlDoc *document = describe(state, ARN, &instance);
    AUTO_FREE char *address = xml_text(instance, "Endpoint/Address");
    assert_xml(instance, "DBInstanceStatus", "available");
    assert_true(text_starts_with(address, "orders.c") && text_ends_with(address, ".us-east-1.rds.localhost"));
    assert_xml(instance, "Endpoint/Port", "5433");
    assert_xml(instance, "CACertificateIdentifier", "rds-ca-rsa2048-g1");
    assert_xml(instance, "CertificateDetails/CAIdentifier", "rds-ca-rsa2048-g1");
    assert_xml(instance, "CertificateDetails/ValidTill", "2030-01-01T00:00:00.000Z");
    assert_non_null(xml_at(instance, "InstanceCreateTime", 0));
    xmlFreeDoc(document);
}

static void changed_ca_is_pending_until_it_is_served(void **state)
{
    xmlNode *instance;
    world_create(*state, "orders", "");
    world_reach(*state, "orders", 5432);
    ask(state,
        ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&CACertificateIdentifier=rds-ca-rsa4096-g1"
                                   "&StorageType=gp3&PubliclyAccessible=true");
    xmlDoc *document = describe(state, "orders", &instance);
    assert_xml(instance, "DBInstanceStatus", "available");
    assert_xml(instance, "CACertificateIdentifier", "rds-ca-rsa2048-g1");
    assert_xml(instance, "PendingModifiedValues/CACertificateIdentifier", "rds-ca-rsa4096-g1");
    assert_xml(instance, "PendingModifiedValues/StorageType", "gp3");
    assert_xml(instance, "StorageType", "gp2");
    assert_xml(instance, "PubliclyAccessible", "true");
    xmlFreeDoc(document);
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&ApplyImmediately=true"
                                          "&MasterUserPassword=another-horse-9&DBPortNumber=6000");
    document = describe(state, "orders", &instance);
    assert_xml(instance, "CACertificateIdentifier", "rds-ca-rsa2048-g1");
    assert_xml(instance, "PendingModifiedValues/CACertificateIdentifier", "rds-ca-rsa4096-g1");
    assert_xml(instance, "PendingModifiedValues/MasterUserPassword", "****");
    assert_xml(instance, "PendingModifiedValues/Port", "6000");
    assert_xml(instance, "StorageType", "gp3");
    assert_xml_absent(instance, "PendingModifiedValues/StorageType");
    xmlFreeDoc(document);
    world_reach(*state, "orders", 6000);
    document = describe(state, "orders", &instance);
    assert_xml(instance, "CACertificateIdentifier", "rds-ca-rsa4096-g1");
    assert_xml(instance, "PendingModifiedValues", "");
    xmlFreeDoc(document);
}

/* A value that is in force already takes an earlier pending one back. */
static void asking_for_what_is_in_force_is_not_pending(void **state)
{
    xmlNode *instance;
    world_create(*state, "orders", "&StorageType=gp3");
    world_reach(*state, "orders", 5432);
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&StorageType=io1&AllocatedStorage=30");
    ask(state, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&StorageType=gp3"
                                          "&CACertificateIdentifier=rds-ca-rsa2048-g1");
    xmlDoc *document = describe(state, "orders", &instance);
    assert_xml(instance, "PendingModifiedValues", "30");
    assert_xml(instance, "PendingModifiedValues/AllocatedStorage", "30");
    xmlFreeDoc(document);
}

static void assert_status(void **state, const char *action, const char *during, const char *after)
{
    xmlNode *result;
    AUTO_FREE char *parameters =
        mem_format("Action=%s&Version=2014-10-31&DBInstanceIdentifier=orders", action);
    xmlDoc *document = world_ask(*state, parameters, &result);
    assert_xml(result, "DBInstance/DBInstanceStatus", during);
    xmlFreeDoc(document);
    world_reach(*state, "orders", 5432);
    document = describe(state, "orders", &result);
    assert_xml(result, "DBInstanceStatus", after);
    xmlFreeDoc(document);
}

static void instance_is_rebooted_stopped_started_and_deleted(void **state)
{
    xmlNode *result;
    world_create(*state, "orders", "");
    world_reach(*state, "orders", 5432);
    assert_status(state, "RebootDBInstance", "rebooting", "available");
    assert_status(state, "StopDBInstance", "stopping", "stopped");
    assert_status(state, "StartDBInstance", "starting", "available");
    xmlDoc *document = world_ask(
        *state, ACTION("DeleteDBInstance") "&DBInstanceIdentifier=orders&SkipFinalSnapshot=true", &result);
    assert_xml(result, "DBInstance/DBInstanceStatus", "deleting");
    xmlFreeDoc(document);
}

static void instances_are_filtered(void **state)
{
    xmlNode *instance;
    world_create(*state, "orders", "");
    world_create(*state, "users", "");
    xmlDoc *document = describe(state, "users", &instance);
    AUTO_FREE char *resource = xml_text(instance, "DbiResourceId");
    xmlFreeDoc(document);
    AUTO_FREE char *by_resource =
        mem_format("&Filters.Filter.1.Name=dbi-resource-id&Filters.Filter.1.Values.Value.1=%s", resource);
    assert_instances(state, "", 2);
    assert_instances(state, by_resource, 1);
    assert_instances(state, "&Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=postgres", 2);
    assert_instances(state, "&Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=mysql", 0);
    assert_instances(state,
                     "&Filters.Filter.1.Name=db-instance-id&Filters.Filter.1.Values.Value.1=" ARN
                     "&Filters.Filter.1.Values.Value.2=users",
                     2);
    assert_instances(state,
                     "&Filters.Filter.1.Name=db-instance-id&Filters.Filter.1.Values.Value.1=orders"
                     "&Filters.Filter.2.Name=engine&Filters.Filter.2.Values.Value.1=mysql",
                     0);
    assert_instances(state, "&Filters.Filter.1.Name=db-cluster-id&Filters.Filter.1.Values.Value.1=x", 0);
    assert_instances(state, "&Filters.Filter.1.Name=domain&Filters.Filter.1.Values.Value.1=x", 0);
    assert_instances(state,
                     "&DBInstanceIdentifier=orders&Filters.Filter.1.Name=db-instance-id"
                     "&Filters.Filter.1.Values.Value.1=users",
                     0);
}

static void other_regions_have_instances_of_their_own(void **state)
{
    xmlNode *result;
    world_create(*state, "orders", "");
    xmlDoc *document = world_ask_in(*state, "us-gov-west-1", ACTION("DescribeDBInstances"), &result);
    assert_int_equal(xml_count(result, "DBInstances/DBInstance"), 0);
    xmlFreeDoc(document);
}

/* Walks all pages of an action; answers how many items they have in all, and checks each page's size. */
static int walk(void **state, const char *region, const char *parameters, const char *items, int page)
{
    int total = 0, count;
    AUTO_FREE char *marker = mem_string("");
    do {
        xmlNode *result;
        AUTO_FREE char *request =
            mem_format("%s&MaxRecords=%d%s%s", parameters, page, *marker ? "&Marker=" : "", marker);
        xmlDoc *document = world_ask_in(*state, region, request, &result);
        count = xml_count(result, items);
        total += count;
        free(marker);
        marker = xml_at(result, "Marker", 0) ? xml_text(result, "Marker") : NULL;
        if (marker)
            assert_int_equal(count, page);
        xmlFreeDoc(document);
    } while (marker);
    assert_true(count > 0);
    return total;
}

static void lists_come_in_pages(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    struct instance_row row = {0};
    for (int i = 0; i < 45; i++) {
        AUTO_FREE char *identifier = mem_format("db%02d", i);
        world_create(world, identifier, "");
    }
    assert_int_equal(store_instance_get(world->fleet.store, "us-east-1", "db00", &row, &error), 0);
    for (int i = 0; i < 50; i++)
        assert_int_equal(event_record(&world->fleet, &row, EVENT_STARTED, &error, "event %d", i), 0);
    instance_row_free(&row);
    assert_int_equal(walk(state, NULL, ACTION("DescribeDBInstances"), "DBInstances/DBInstance", 20), 45);
    assert_int_equal(walk(state, NULL, ACTION("DescribeDBInstances"), "DBInstances/DBInstance", 45), 45);
    assert_int_equal(walk(state, NULL, ACTION("DescribeEvents"), "Events/Event", 20), 50);
    assert_int_equal(walk(state, NULL, ACTION("DescribeOrderableDBInstanceOptions") "&Engine=postgres",
                          "OrderableDBInstanceOptions/OrderableDBInstanceOption", 45),
                     90);
}

static void certificates_are_the_regions_roots(void **state)
{
    static const char *const order[] = {"rds-ca-ecc384-g1", "rds-ca-rsa4096-g1", "rds-ca-rsa2048-g1",
                                        "rds-ca-2019"};
    struct world *world = *state;
    struct error error = {0};
    xmlNode *result;
    xmlDoc *document = world_ask(*state, ACTION("DescribeCertificates"), &result);
    assert_xml(result, "DefaultCertificateForNewLaunches", "rds-ca-rsa2048-g1");
    assert_int_equal(xml_count(result, "Certificates/Certificate"), 4);
    for (int i = 0; i < 4; i++)
        assert_xml(xml_at(result, "Certificates/Certificate", i), "CertificateIdentifier", order[i]);
    struct authority_row root = {0};
    assert_int_equal(
        store_authority_get(world->fleet.store, "us-east-1", "rds-ca-ecc384-g1", 0, &root, &error), 0);
    xmlNode *first = xml_at(result, "Certificates/Certificate", 0);
    assert_xml(first, "Thumbprint", root.sha1);
    assert_xml(first, "ValidFrom", "2020-01-01T00:00:00.000Z");
    assert_xml(first, "CertificateType", "CA");
    assert_xml(first, "CustomerOverride", "false");
    assert_xml(first, "CertificateArn", "arn:aws:rds:us-east-1::cert:rds-ca-ecc384-g1");
    authority_row_free(&root);
    xmlFreeDoc(document);
    document =
        world_ask(*state, ACTION("DescribeCertificates") "&CertificateIdentifier=RDS-CA-2019", &result);
    assert_int_equal(xml_count(result, "Certificates/Certificate"), 1);
    assert_xml(result, "Certificates/Certificate/CertificateIdentifier", "rds-ca-2019");
    xmlFreeDoc(document);
    document = world_ask_in(*state, "eu-west-1", ACTION("DescribeCertificates"), &result);
    assert_int_equal(xml_count(result, "Certificates/Certificate"), 3); /* one is not made yet */
    xmlFreeDoc(document);
}

static void override_is_the_default_of_new_instances(void **state)
{
    xmlNode *result;
    xmlDoc *document =
        world_ask(*state, ACTION("ModifyCertificates") "&CertificateIdentifier=rds-ca-rsa4096-G1", &result);
    assert_xml(result, "Certificate/CertificateIdentifier", "rds-ca-rsa4096-g1");
    assert_xml(result, "Certificate/CustomerOverride", "true");
    AUTO_FREE char *until = xml_text(result, "Certificate/ValidTill");
    assert_xml(result, "Certificate/CustomerOverrideValidTill", until);
    xmlFreeDoc(document);
    world_create(*state, "orders", "");
    document = describe(state, "orders", &result);
    assert_xml(result, "CACertificateIdentifier", "rds-ca-rsa4096-g1");
    xmlFreeDoc(document);
    document = world_ask(*state, ACTION("DescribeCertificates"), &result);
    assert_xml(result, "DefaultCertificateForNewLaunches", "rds-ca-rsa4096-g1");
    xmlFreeDoc(document);
    document = world_ask(*state, ACTION("ModifyCertificates") "&RemoveCustomerOverride=true", &result);
    assert_xml(result, "Certificate/CertificateIdentifier", "rds-ca-rsa2048-g1");
    assert_xml(result, "Certificate/CustomerOverride", "false");
    assert_xml_absent(result, "Certificate/CustomerOverrideValidTill");
    xmlFreeDoc(document);
}

static void override_needs_a_ca_that_is_there(void **state)
{
    struct api_reply reply;
    struct question question = {.parameters =
                                    ACTION("ModifyCertificates") "&CertificateIdentifier=rds-ca-ecc384-g1",
                                .region = "eu-west-1"};
    xmlNode *result;
    world_send(*state, &question, &reply);
    assert_int_equal(reply.status, 404);
    api_reply_free(&reply);
    xmlDoc *document = world_ask_in(*state, "eu-west-1", ACTION("DescribeCertificates"), &result);
    assert_xml(result, "DefaultCertificateForNewLaunches", "rds-ca-rsa2048-g1");
    xmlFreeDoc(document);
}

static void assert_versions(void **state, const char *more, int count, const char *first)
{
    xmlNode *result;
    AUTO_FREE char *parameters = mem_format(ACTION("DescribeDBEngineVersions") "%s", more);
    xmlDoc *document = world_ask(*state, parameters, &result);
    int found = xml_count(result, "DBEngineVersions/DBEngineVersion");
    if (found != count)
        fail_msg("%s: %d versions, expected %d", more, found, count);
    if (first)
        assert_xml(result, "DBEngineVersions/DBEngineVersion/EngineVersion", first);
    xmlFreeDoc(document);
}

static void versions_are_those_of_the_hosts(void **state)
{
    assert_versions(state, "", 3, "15.17");
    assert_versions(state, "&Engine=postgres", 3, "15.17");
    assert_versions(state, "&Engine=mysql", 0, NULL);
    assert_versions(state, "&Engine=postgres&EngineVersion=15", 2, "15.17");
    assert_versions(state, "&Engine=postgres&EngineVersion=15.18", 1, "15.18");
    assert_versions(state, "&Engine=postgres&EngineVersion=9.6", 0, NULL);
    assert_versions(state, "&Engine=postgres&DefaultOnly=true", 1, "16.4");
    assert_versions(state, "&DefaultOnly=true", 1, "16.4");
    assert_versions(state, "&Engine=postgres&EngineVersion=15&DefaultOnly=true", 1, "15.18");
    assert_versions(state, "&DBParameterGroupFamily=postgres15", 2, "15.17");
    assert_versions(state, "&Filters.Filter.1.Name=engine-version&Filters.Filter.1.Values.Value.1=15.18", 1,
                    "15.18");
    assert_versions(state, "&Filters.Filter.1.Name=status&Filters.Filter.1.Values.Value.1=deprecated", 0,
                    NULL);
}

static void version_says_which_cas_it_takes(void **state)
{
    static const char *const spellings[] = {"SupportedCACertificateIdentifiers/member",
                                            "SupportedCACertificatesIdentifiers/member"};
    static const char *const order[] = {"rds-ca-2019", "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1",
                                        "rds-ca-rsa4096-g1"};
    xmlNode *result;
    xmlDoc *document = world_ask(*state, ACTION("DescribeDBEngineVersions") "&EngineVersion=15.18", &result);
    xmlNode *version = xml_at(result, "DBEngineVersions/DBEngineVersion", 0);
    assert_xml(version, "DBEngineVersionDescription", "PostgreSQL 15.18-R1");
    assert_xml(version, "DBParameterGroupFamily", "postgres15");
    assert_xml(version, "MajorEngineVersion", "15");
    assert_xml(version, "SupportsCertificateRotationWithoutRestart", "true");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(xml_count(version, spellings[i]), 4);
        for (int k = 0; k < 4; k++) {
            xmlChar *text = xmlNodeGetContent(xml_at(version, spellings[i], k));
            assert_string_equal((const char *)text, order[k]);
            xmlFree(text);
        }
    }
    xmlFreeDoc(document);
}

static void orderable_options_can_be_narrowed(void **state)
{
    static const struct {
        const char *more;
        int count;
    } cases[] = {
        {"&EngineVersion=16.4&DBInstanceClass=db.t3.micro", 1},
        {"&DBInstanceClass=db.t3.micro", 3},
        {"&DBInstanceClass=db.t3.micro&LicenseModel=postgresql-license&Vpc=true", 3},
        {"&DBInstanceClass=db.t3.micro&LicenseModel=license-included", 0},
        {"&DBInstanceClass=db.t3.micro&Vpc=false", 0},
        {"&DBInstanceClass=db.none", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        xmlNode *result;
        AUTO_FREE char *parameters =
            mem_format(ACTION("DescribeOrderableDBInstanceOptions") "&Engine=postgres%s", cases[i].more);
        xmlDoc *document = world_ask(*state, parameters, &result);
        assert_int_equal(xml_count(result, "OrderableDBInstanceOptions/OrderableDBInstanceOption"),
                         cases[i].count);
        xmlFreeDoc(document);
    }
}

static void assert_events(void **state, const char *more, int count)
{
    xmlNode *result;
    AUTO_FREE char *parameters = mem_format(ACTION("DescribeEvents") "%s", more);
    xmlDoc *document = world_ask(*state, parameters, &result);
    if (xml_count(result, "Events/Event") != count)
        fail_msg("%s: %d events, expected %d", more, xml_count(result, "Events/Event"), count);
    xmlFreeDoc(document);
}

static void events_can_be_narrowed(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    struct instance_row row = {0};
    world_create(world, "orders", "");
    assert_int_equal(store_instance_get(world->fleet.store, "us-east-1", "orders", &row, &error), 0);
    assert_int_equal(event_record(&world->fleet, &row, EVENT_CREATED, &error, "DB instance created"), 0);
    assert_int_equal(event_record(&world->fleet, &row, EVENT_ROTATED, &error, "rotated"), 0);
    instance_row_free(&row);
    assert_events(state, "", 2);
    assert_events(state, "&SourceType=db-instance&SourceIdentifier=orders", 2);
    assert_events(state, "&SourceType=db-instance&SourceIdentifier=users", 0);
    assert_events(state, "&SourceType=db-snapshot", 0);
    assert_events(state, "&EventCategories.EventCategory.1=maintenance", 1);
    assert_events(state,
                  "&EventCategories.EventCategory.1=maintenance&EventCategories.EventCategory.2=creation", 2);
    assert_events(state, "&EndTime=2020-01-01T00:00:00Z", 0);
    clock_shift(2 * CLOCK_HOUR);
    assert_events(state, "", 0);
    assert_events(state, "&Duration=180", 2);
    assert_events(state, "&Duration=20160", 2);
    char start[32];
    clock_format(clock_now() - 3 * CLOCK_HOUR, start);
    AUTO_FREE char *since = mem_format("&StartTime=%s", start);
    AUTO_FREE char *until = mem_format("&StartTime=%s&Duration=30", start);
    assert_events(state, since, 2);
    assert_events(state, until, 0);
    clock_shift(0);
    xmlNode *result;
    xmlDoc *document = world_ask(world, ACTION("DescribeEvents"), &result);
    assert_xml(result, "Events/Event/SourceIdentifier", "orders");
    assert_xml(result, "Events/Event/SourceType", "db-instance");
    assert_xml(result, "Events/Event/SourceArn", ARN);
    xmlFreeDoc(document);
}

static void tags_are_added_listed_and_removed(void **state)
{
    xmlNode *result;
    world_create(*state, "orders", "");
    xmlDoc *document =
        world_ask(*state,
                  ACTION("AddTagsToResource") "&ResourceName=" ARN "&Tags.Tag.1.Key=a&Tags.Tag.1.Value=1"
                                              "&Tags.Tag.2.Key=b",
                  &result);
    assert_string_equal((const char *)result->name, "AddTagsToResourceResponse");
    xmlFreeDoc(document);
    document = world_ask(*state, ACTION("ListTagsForResource") "&ResourceName=" ARN, &result);
    assert_int_equal(xml_count(result, "TagList/Tag"), 2);
    assert_xml(result, "TagList/Tag/Key", "a");
    assert_xml(result, "TagList/Tag/Value", "1");
    xmlFreeDoc(document);
    ask(state, ACTION("RemoveTagsFromResource") "&ResourceName=" ARN "&TagKeys.member.1=a");
    document = describe(state, "orders", &result);
    assert_int_equal(xml_count(result, "TagList/Tag"), 1);
    assert_xml(result, "TagList/Tag/Key", "b");
    assert_xml(result, "TagList/Tag/Value", "");
    xmlFreeDoc(document);
}

static void forms_may_stand_in_the_query_and_readers_may_read(void **state)
{
    struct api_reply reply;
    struct question question = {.parameters = "Action=DescribeDBInstances&Version=2014-10-31",
                                .method = "GET"};
    world_send(*state, &question, &reply);
    assert_int_equal(reply.status, 200);
    api_reply_free(&reply);
    question = (struct question){.parameters = ACTION("DescribeDBInstances"), .key = "reader"};
    world_send(*state, &question, &reply);
    assert_int_equal(reply.status, 200);
    api_reply_free(&reply);
    question.key = "elsewhere";
    question.region = "eu-west-1";
    world_send(*state, &question, &reply);
    assert_int_equal(reply.status, 200);
    api_reply_free(&reply);
}

/* The same question twice: the same result under another request id, and the truth after any change. */
static void kept_results_are_true(void **state)
{
    xmlNode *result;
    char *ids[2];
    world_create(*state, "orders", "");
    for (int i = 0; i < 2; i++) {
        xmlDoc *document = world_ask(*state, ACTION("DescribeDBInstances"), &result);
        assert_int_equal(xml_count(result, "DBInstances/DBInstance"), 1);
        ids[i] = xml_text(xmlDocGetRootElement(document), "ResponseMetadata/RequestId");
        xmlFreeDoc(document);
    }
    assert_string_not_equal(ids[0], ids[1]);
    free(ids[0]);
    free(ids[1]);
    world_create(*state, "users", "");
    assert_instances(state, "", 2);
    assert_instances(state, "&MaxRecords=20", 2);
    assert_instances(state, "&Filters.Filter.1.Name=engine&Filters.Filter.1.Values.Value.1=mysql", 0);
    xmlDoc *document = world_ask_in(*state, "eu-west-1", ACTION("DescribeDBInstances"), &result);
    assert_int_equal(xml_count(result, "DBInstances/DBInstance"), 0);
    xmlFreeDoc(document);
}

static void cache_is_bounded(void **state)
{
    (void)state;
    struct reply_cache *cache = reply_cache_new(100);
    struct slice result;
    char text[64] = {0};
    for (int i = 0; i < 50; i++) {
        snprintf(text, sizeof text, "key %02d", i);
        reply_cache_put(cache, 1, slice_text(text), slice_of(text, 30));
        assert_true(reply_cache_size(cache) <= 100);
        assert_true(reply_cache_find(cache, 1, slice_text(text), &result));
        assert_int_equal(result.length, 30);
    }
    assert_false(reply_cache_find(cache, 1, slice_text("key 01"), &result));
    AUTO_FREE char *large = mem_new(200);
    reply_cache_put(cache, 1, slice_text("large"), slice_of(large, 200));
    assert_false(reply_cache_find(cache, 1, slice_text("large"), &result));
    assert_true(reply_cache_find(cache, 1, slice_text("key 49"), &result));
    assert_false(reply_cache_find(cache, 2, slice_text("key 49"), &result));
    assert_int_equal(reply_cache_size(cache), 0);
    reply_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_instance_is_shown_as_rds_shows_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reached_instance_has_endpoint_and_certificate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changed_ca_is_pending_until_it_is_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(asking_for_what_is_in_force_is_not_pending, set_up, tear_down),
        cmocka_unit_test_setup_teardown(instance_is_rebooted_stopped_started_and_deleted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(instances_are_filtered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_regions_have_instances_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lists_come_in_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(certificates_are_the_regions_roots, set_up, tear_down),
        cmocka_unit_test_setup_teardown(override_is_the_default_of_new_instances, set_up, tear_down),
        cmocka_unit_test_setup_teardown(override_needs_a_ca_that_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(versions_are_those_of_the_hosts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(version_says_which_cas_it_takes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orderable_options_can_be_narrowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_can_be_narrowed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tags_are_added_listed_and_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forms_may_stand_in_the_query_and_readers_may_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kept_results_are_true, set_up, tear_down),
        cmocka_unit_test(cache_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
