/* fleet: what follows from an engine and its version, and what each engine takes of callers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/catalogue.h"

#include <libxml/parser.h>

#define ALL_ENGINES                                                                                          \
    "[{\"engine\":\"mysql\",\"version\":\"8.4.5\"},{\"engine\":\"mariadb\",\"version\":\"10.11.6\"},"        \
    "{\"engine\":\"oracle-ee\",\"version\":\"19.0.0.0.ru-2023-10.rur-2023-10.r1\"},"                         \
    "{\"engine\":\"oracle-se2\",\"version\":\"19.0.0.0.ru-2023-10.rur-2023-10.r1\"},"                        \
    "{\"engine\":\"sqlserver-ex\",\"version\":\"15.00.4073.23.v1\"}]"

static int set_up(void **state)
{
    *state = world_new();
    return 0;
}

/* One more host, with the other engines. */
static int set_up_all(void **state)
{
    struct error error = {0};
    struct host_row host = {.host = "two", .created_at = clock_now(), .seen_at = clock_now()};
    struct world *world = world_new();
    buf_append_text(&host.engines, ALL_ENGINES);
    assert_int_equal(store_host_put(world->fleet.store, &host, &error), 0);
    host_row_free(&host);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    world_free(*state);
    return 0;
}

static void names_follow_from_the_version(void **state)
{
    (void)state;
    static const struct {
        const char *engine, *version, *major, *family, *option_group;
        bool reloads;
    } cases[] = {
        {"postgres", "15.18", "15", "postgres15", "default:postgres-15", true},
        {"postgres", "9.6.24", "9.6", "postgres9.6", "default:postgres-9-6", false},
        {"mysql", "8.4.5", "8.4", "mysql8.4", "default:mysql-8-4", true},
        {"mysql", "5.7.44", "5.7", "mysql5.7", "default:mysql-5-7", false},
        {"mysql", "8.0.15", "8.0", "mysql8.0", "default:mysql-8-0", false},
        {"mariadb", "10.11.6", "10.11", "mariadb10.11", "default:mariadb-10-11", true},
        {"sqlserver-ex", "15.00.4073.23.v1", "15.00", "sqlserver-ex-15.0", "default:sqlserver-ex-15-00",
         false},
        {"sqlserver-web", "16.0.4175.1", "16.00", "sqlserver-web-16.0", "default:sqlserver-web-16-00", false},
        {"oracle-ee", "19.0.0.0.ru-2023-10.rur-2023-10.r1", "19", "oracle-ee-19", "default:oracle-ee-19",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct catalogue_version version = {0};
        catalogue_describe_version(catalogue_engine(cases[i].engine), cases[i].version, &version);
        assert_string_equal(version.version, cases[i].version);
        assert_string_equal(version.major, cases[i].major);
        assert_string_equal(version.family, cases[i].family);
        assert_string_equal(version.option_group, cases[i].option_group);
        assert_int_equal(catalogue_reloads(cases[i].engine, cases[i].version), cases[i].reloads);
    }
}

static int count_versions(void **state, const char *more, const char *status)
{
    xmlNode *result;
    AUTO_FREE char *parameters = mem_format(ACTION("DescribeDBEngineVersions") "%s", more);
    xmlDoc *document = world_ask(*state, parameters, &result);
    int count = xml_count(result, "DBEngineVersions/DBEngineVersion");
    for (int i = 0; i < count; i++)
        assert_xml(xml_at(result, "DBEngineVersions/DBEngineVersion", i), "Status", status);
    xmlFreeDoc(document);
    return count;
}

/* The host has PostgreSQL 15 and 16. */
static void versions_that_no_host_has_are_told_when_asked_for(void **state)
{
    xmlNode *result;
    assert_int_equal(count_versions(state, "&Engine=mysql", "available"), 0);
    assert_int_equal(count_versions(state, "&Engine=mysql&IncludeAll=true", "unavailable"), 2);
    assert_int_equal(count_versions(state, "&Engine=mysql&IncludeAll=true&DefaultOnly=true", ""), 0);
    assert_int_equal(count_versions(state, "&Engine=postgres&EngineVersion=15&IncludeAll=true", "available"),
                     2);
    assert_int_equal(
        count_versions(state, "&DBParameterGroupFamily=postgres17&IncludeAll=true", "unavailable"), 1);
    assert_int_equal(count_versions(state,
                                    "&IncludeAll=true&Filters.Filter.1.Name=status"
                                    "&Filters.Filter.1.Values.Value.1=available",
                                    "available"),
                     3);
    xmlDoc *document =
        world_ask(*state, ACTION("DescribeDBEngineVersions") "&Engine=oracle-ee&IncludeAll=true", &result);
    xmlNode *version = xml_at(result, "DBEngineVersions/DBEngineVersion", 0);
    assert_xml(version, "DBEngineVersionDescription",
               "Oracle Database Enterprise Edition: no database host has this version");
    assert_xml(version, "SupportsCertificateRotationWithoutRestart", "false");
    xmlFreeDoc(document);
}

static void each_engine_has_its_licenses(void **state)
{
    static const struct {
        const char *more;
        int count;
    } cases[] = {
        {"&Engine=oracle-se2&DBInstanceClass=db.t3.micro", 2},
        {"&Engine=oracle-se2&DBInstanceClass=db.t3.micro&LicenseModel=bring-your-own-license", 1},
        {"&Engine=oracle-ee&DBInstanceClass=db.t3.micro&LicenseModel=license-included", 0},
        {"&Engine=sqlserver-ex&DBInstanceClass=db.t3.micro&LicenseModel=license-included", 1},
        {"&Engine=sqlserver-ee&DBInstanceClass=db.t3.micro", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        xmlNode *result;
        AUTO_FREE char *parameters =
            mem_format(ACTION("DescribeOrderableDBInstanceOptions") "%s", cases[i].more);
        xmlDoc *document = world_ask(*state, parameters, &result);
        assert_int_equal(xml_count(result, "OrderableDBInstanceOptions/OrderableDBInstanceOption"),
                         cases[i].count);
        xmlFreeDoc(document);
    }
}

#define CREATE                                                                                               \
    ACTION("CreateDBInstance")                                                                               \
    "&DBInstanceIdentifier=%s&Engine=%s&DBInstanceClass=db.t3.micro"                                         \
    "&AllocatedStorage=20%s"

/* "" when it was created, else the error's code. */
static char *create(void **state, const char *identifier, const char *engine, const char *more)
{
    struct api_reply reply;
    AUTO_FREE char *parameters = mem_format(CREATE, identifier, engine, more);
    struct question question = {.parameters = parameters};
    world_send(*state, &question, &reply);
    xmlDoc *document = xmlReadMemory(buf_text(&reply.body), (int)reply.body.length, NULL, NULL, 0);
    char *code =
        reply.status == 200 ? mem_string("") : xml_text(xmlDocGetRootElement(document), "Error/Code");
    xmlFreeDoc(document);
    api_reply_free(&reply);
    return code;
}

static void each_engine_has_its_bounds(void **state)
{
    static const struct {
        const char *engine, *more, *code;
    } cases[] = {
        {"mysql", "&MasterUsername=app&MasterUserPassword=correct-horse", ""},
        {"mysql", "&MasterUsername=a2345678901234567890123456789012&MasterUserPassword=correct-horse", ""},
        {"mysql", "&MasterUsername=a23456789012345678901234567890123&MasterUserPassword=correct-horse",
         "InvalidParameterValue"},
        {"mysql", "&MasterUsername=Root&MasterUserPassword=correct-horse", "InvalidParameterValue"},
        {"mysql", "&MasterUsername=app&MasterUserPassword=short", "InvalidParameterValue"},
        {"mysql", "&MasterUsername=app&MasterUserPassword=correct-horse&DBName=sys", "InvalidParameterValue"},
        {"mysql", "&MasterUsername=app&MasterUserPassword=correct-horse&DBName=_a", "InvalidParameterValue"},
        {"mysql", "&MasterUsername=app&MasterUserPassword=correct-horse&Port=3389", ""},
        {"mysql", "&MasterUsername=app&MasterUserPassword=correct-horse&LicenseModel=postgresql-license",
         "InvalidParameterCombination"},
        {"mariadb", "&MasterUsername=a234567890123456&MasterUserPassword=correct-horse&DBName=shop", ""},
        {"mariadb", "&MasterUsername=a2345678901234567&MasterUserPassword=correct-horse",
         "InvalidParameterValue"},
        {"oracle-ee", "&MasterUsername=app&MasterUserPassword=correct-horse", ""},
        {"oracle-ee", "&MasterUsername=app&MasterUserPassword=correct%26horse", "InvalidParameterValue"},
        {"oracle-ee", "&MasterUsername=app&MasterUserPassword=correct%27horse", "InvalidParameterValue"},
        {"oracle-ee", "&MasterUsername=system&MasterUserPassword=correct-horse", "InvalidParameterValue"},
        {"oracle-ee", "&MasterUsername=app&MasterUserPassword=correct-horse&DBName=EIGHTSID", ""},
        {"oracle-ee", "&MasterUsername=app&MasterUserPassword=correct-horse&DBName=NINE_CHAR",
         "InvalidParameterValue"},
        {"oracle-ee", "&MasterUsername=app&MasterUserPassword=correct-horse&LicenseModel=license-included",
         "InvalidParameterCombination"},
        {"oracle-se2", "&MasterUsername=app&MasterUserPassword=correct-horse&LicenseModel=license-included",
         ""},
        {"sqlserver-ex", "&MasterUsername=app&MasterUserPassword=correct%26horse", ""},
        {"sqlserver-ex", "&MasterUsername=sa&MasterUserPassword=correct-horse", "InvalidParameterValue"},
        {"sqlserver-ex", "&MasterUsername=app&MasterUserPassword=correct-horse&DBName=shop",
         "InvalidParameterValue"},
        {"sqlserver-ex", "&MasterUsername=app&MasterUserPassword=correct-horse&Port=1434",
         "InvalidParameterValue"},
        {"sqlserver-ex", "&MasterUsername=app&MasterUserPassword=correct-horse&Port=49155",
         "InvalidParameterValue"},
        {"sqlserver-ex", "&MasterUsername=app&MasterUserPassword=correct-horse&Port=1500", ""},
        {"sqlserver-se", "&MasterUsername=app&MasterUserPassword=correct-horse",
         "InsufficientDBInstanceCapacity"},
        {"db2-se", "&MasterUsername=app&MasterUserPassword=correct-horse", "InvalidParameterValue"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        AUTO_FREE char *identifier = mem_format("db%zu", i);
        AUTO_FREE char *code = create(state, identifier, cases[i].engine, cases[i].more);
        if (!text_equal(code, cases[i].code))
            fail_msg("%s%s: \"%s\", expected \"%s\"", cases[i].engine, cases[i].more, code, cases[i].code);
    }
}

static void oracle_has_a_database_when_none_is_named(void **state)
{
    xmlNode *result;
    AUTO_FREE char *code =
        create(state, "erp", "oracle-ee", "&MasterUsername=app&MasterUserPassword=correct-horse");
    assert_string_equal(code, "");
    xmlDoc *document = world_ask(*state, ACTION("DescribeDBInstances") "&DBInstanceIdentifier=erp", &result);
    xmlNode *instance = xml_at(result, "DBInstances/DBInstance", 0);
    assert_xml(instance, "DBName", "ORCL");
    assert_xml(instance, "EngineVersion", "19.0.0.0.ru-2023-10.rur-2023-10.r1");
    assert_xml(instance, "LicenseModel", "bring-your-own-license");
    assert_xml(instance, "DBParameterGroups/DBParameterGroup/DBParameterGroupName", "default.oracle-ee-19");
    xmlFreeDoc(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_from_the_version),
        cmocka_unit_test_setup_teardown(versions_that_no_host_has_are_told_when_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_engine_has_its_licenses, set_up_all, tear_down),
        cmocka_unit_test_setup_teardown(each_engine_has_its_bounds, set_up_all, tear_down),
        cmocka_unit_test_setup_teardown(oracle_has_a_database_when_none_is_named, set_up_all, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
