/* fleet/rotate, rotate_observe, maintenance, rehearsal: what the fleet does with a certificate's life, with
 * agents that are played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/bridge.h"
#include "fleet/event.h"
#include "fleet/host.h"
#include "fleet/instance.h"
#include "fleet/maintenance.h"
#include "fleet/rehearsal.h"
#include "fleet/rotate.h"
#include "fleet/work.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARN "arn:aws:rds:us-east-1:123456789012:db:orders"

struct stage {
    struct world *world;
    int serials;
};

static struct instance_row load(struct stage *stage)
{
    struct instance_row row = {0};
    assert_int_equal(store_instance_get(stage->world->fleet.store, "us-east-1", "orders", &row, NULL), 0);
    return row;
}

/* What the agent reports: `generation` is served; the guard says `outcome` of the newest one. */
static void report(struct stage *stage, int64_t generation, const char *serial, enum guard_outcome outcome,
                   int64_t refusals)
{
    struct error error = {0};
    struct instance_row row = load(stage);
    struct observed_instance observed = {
        .generation = row.generation,
        .state = OBSERVED_RUNNING,
        .port = 5432,
        .restart = row.restart,
        .password_generation = row.password_generation,
        .certificate_generation = generation,
        .guard_generation = outcome == GUARD_NONE ? 0 : row.certificate_generation,
        .guard_outcome = outcome,
        .guard_refusals = refusals,
    };
    text_copy(observed.resource_id, sizeof observed.resource_id, row.resource_id);
    text_copy(observed.certificate_serial, sizeof observed.certificate_serial, serial);
    text_uuid(observed.report_id);
    if (refusals)
        text_list_add(&observed.guard_clients, "192.0.2.7");
    if (host_observe(&stage->world->fleet, "one", &observed, &error))
        fail_msg("%s", error.text);
    observed_free(&observed);
    instance_row_free(&row);
}

/* The signer's and the agent's part: the wanted certificate is issued and served. Answers its serial. */
static const char *serve(struct stage *stage, enum guard_outcome outcome)
{
    static char serial[48];
    struct error error = {0};
    struct instance_row row = load(stage);
    struct server_certificate_row record = {.certificate_generation = row.certificate_generation,
                                            .number = 1};
    int64_t now = clock_now();
    snprintf(serial, sizeof serial, "%032x", ++stage->serials);
    text_copy(record.serial, sizeof record.serial, serial);
    text_copy(record.resource_id, sizeof record.resource_id, row.resource_id);
    text_copy(record.region, sizeof record.region, row.region);
    json_t *rehearsal = json_loadb((const char *)row.rehearsal.data, row.rehearsal.length, 0, NULL);
    const char *other = json_string_value(json_object_get(rehearsal, "ca_identifier"));
    text_copy(record.ca_identifier, sizeof record.ca_identifier, other ? other : row.ca_identifier);
    json_decref(rehearsal);
    record.issued_at = record.not_before = now;
    record.not_after =
        rotation_end_of_life(&stage->world->settings, !text_starts_with(row.engine, "sql"), now, now);
    buf_append_text(&record.certificate, "a certificate");
    assert_int_equal(store_server_certificate_insert(stage->world->fleet.store, &record, &error), 0);
    server_certificate_row_free(&record);
    int64_t generation = row.certificate_generation;
    instance_row_free(&row);
    report(stage, generation, serial, outcome, 0);
    return serial;
}

static void be_engine(struct stage *stage, const char *engine)
{
    struct instance_row row = load(stage);
    text_copy(row.engine, sizeof row.engine, engine);
    row.served_not_after =
        rotation_end_of_life(&stage->world->settings, false, row.served_issued_at, row.served_issued_at);
    assert_int_equal(store_instance_update(stage->world->fleet.store, &row, NULL), 0);
    instance_row_free(&row);
}

/* Runs the fleet's work until nothing is due. */
static void work(struct stage *stage)
{
    struct error error = {0};
    for (int i = 0; i < 100; i++)
        if (work_step(&stage->world->fleet, &error) == ERROR_NOT_FOUND)
            return;
}

static void go_to(int64_t moment)
{
    clock_shift(0);
    clock_shift(moment - clock_now());
}

static int64_t due_at(struct stage *stage)
{
    struct rotation_plan plan;
    struct instance_row row = load(stage);
    assert_int_equal(rotate_next(&stage->world->fleet, &row, &plan, NULL), 0);
    instance_row_free(&row);
    return plan.due;
}

struct search {
    const char *text;
    int found;
};

static bool search_event(const struct event_row *row, void *context)
{
    struct search *search = context;
    search->found += strstr(row->message, search->text) != NULL || text_equal(row->code, search->text);
    return true;
}

/* How many events hold a text or have a code. */
static int events(struct stage *stage, const char *text)
{
    struct search search = {text, 0};
    assert_int_equal(
        store_event_list(stage->world->fleet.store, "us-east-1", 0, INT64_MAX, search_event, &search, NULL),
        0);
    return search.found;
}

static int64_t generation(struct stage *stage)
{
    struct instance_row row = load(stage);
    int64_t found = row.certificate_generation;
    instance_row_free(&row);
    return found;
}

static void assert_instance(struct stage *stage, const char *path, const char *text)
{
    xmlNode *result;
    AUTO_FREE char *whole = mem_format("DBInstances/DBInstance/%s", path);
    xmlDoc *document = world_ask(stage->world, ACTION("DescribeDBInstances"), &result);
    if (text)
        assert_xml(result, whole, text);
    else
        assert_xml_absent(result, whole);
    xmlFreeDoc(document);
}

static void ask(struct stage *stage, const char *parameters)
{
    xmlNode *result;
    xmlFreeDoc(world_ask(stage->world, parameters, &result));
}

static void a_renewal_starts_at_its_moment_and_is_seen_through(void **state)
{
    struct stage *stage = *state;
    int64_t due = due_at(stage), before = generation(stage);
    assert_true(due > clock_now() + 150 * CLOCK_DAY);
    go_to(due - CLOCK_MINUTE);
    work(stage);
    assert_int_equal(generation(stage), before);
    go_to(due + CLOCK_SECOND);
    work(stage);
    assert_int_equal(generation(stage), before + 1);
    assert_instance(stage, "DBInstanceStatus", "available");
    assert_instance(stage, "StatusInfos/DBInstanceStatusInfo/Status", "in-progress");
    assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0101"), 1);
    work(stage);
    assert_int_equal(generation(stage), before + 1); /* once */
    serve(stage, GUARD_WATCHING);
    assert_instance(stage, "StatusInfos/DBInstanceStatusInfo/Status", "guarded");
    assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0102"), 1);
    report(stage, before + 1, "", GUARD_KEPT, 0);
    assert_instance(stage, "StatusInfos/DBInstanceStatusInfo/Status", "scheduled");
    assert_true(due_at(stage) > clock_now() + 150 * CLOCK_DAY);
}

/* A text somewhere in the description of the instance. */
static void assert_described(struct stage *stage, const char *text)
{
    xmlNode *result;
    xmlChar *whole = NULL;
    int size = 0;
    xmlDoc *document = world_ask(stage->world, ACTION("DescribeDBInstances"), &result);
    xmlDocDumpMemory(document, &whole, &size);
    if (!strstr((const char *)whole, text))
        fail_msg("expected \"%s\" in:\n%s", text, (const char *)whole);
    xmlFree(whole);
    xmlFreeDoc(document);
}

static void the_certificate_on_the_wire_is_named(void **state)
{
    struct stage *stage = *state;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char hex[2 * sizeof digest + 1], from[32];
    SHA256((const unsigned char *)"a certificate", strlen("a certificate"), digest);
    text_hex(digest, sizeof digest, hex);
    ask(stage, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&ApplyImmediately=true"
                                          "&CACertificateIdentifier=rds-ca-ecc384-g1");
    const char *serial = serve(stage, GUARD_KEPT);
    clock_format_seconds(clock_now(), from);
    AUTO_FREE char *expected = mem_format(
        "<StatusType>server-certificate</StatusType><Normal>true</Normal><Status>%s</Status><Message>SHA-256 "
        "%s, from %.16s",
        serial, hex, from);
    assert_described(stage, expected);
    assert_described(stage,
                     ", issued by rds-ca-ecc384-g1 subordinate 1, bridged from rds-ca-rsa2048-g1</Message>");
}

static void an_undone_change_of_ca_is_told_and_given_up(void **state)
{
    struct stage *stage = *state;
    struct instance_row row = load(stage);
    char old[48];
    text_copy(old, sizeof old, row.served_serial);
    instance_row_free(&row);
    ask(stage,
        ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&CACertificateIdentifier=rds-ca-ecc384-g1"
                                   "&ApplyImmediately=true");
    assert_instance(stage, "PendingModifiedValues/CACertificateIdentifier", "rds-ca-ecc384-g1");
    serve(stage, GUARD_WATCHING);
    assert_instance(stage, "CACertificateIdentifier", "rds-ca-ecc384-g1");
    int64_t undone = generation(stage);
    report(stage, undone - 1, old, GUARD_UNDONE, 3);
    assert_instance(stage, "CACertificateIdentifier", "rds-ca-rsa2048-g1");
    assert_instance(stage, "CertificateDetails/CAIdentifier", "rds-ca-rsa2048-g1");
    assert_instance(stage, "PendingModifiedValues/CACertificateIdentifier", NULL);
    assert_instance(stage, "DBInstanceStatus", "available");
    assert_instance(stage, "StatusInfos/DBInstanceStatusInfo/Status", "undone");
    assert_int_equal(events(stage, "3 connections of clients at 192.0.2.7 refused it"), 1);
    assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0104"), 1);
    report(stage, undone - 1, old, GUARD_UNDONE, 3); /* said again, told once */
    work(stage);
    assert_int_equal(generation(stage), undone);
    assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0104"), 1);
    row = load(stage);
    assert_true(slice_is(slice_buf(&row.bridges), "[]"));
    instance_row_free(&row);
}

static void an_undone_renewal_pauses_then_comes_again(void **state)
{
    struct stage *stage = *state;
    struct instance_row row = load(stage);
    char old[48];
    text_copy(old, sizeof old, row.served_serial);
    instance_row_free(&row);
    go_to(due_at(stage));
    work(stage);
    int64_t first = generation(stage);
    serve(stage, GUARD_WATCHING);
    report(stage, first - 1, old, GUARD_UNDONE, 5);
    int64_t due = due_at(stage);
    assert_true(due >= clock_now() + CLOCK_DAY - CLOCK_SECOND);
    work(stage);
    assert_int_equal(generation(stage), first);
    go_to(due);
    work(stage);
    assert_int_equal(generation(stage), first + 1);
    serve(stage, GUARD_WATCHING);
    report(stage, first + 1, "", GUARD_KEPT, 1);
    assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0103"), 1);
    row = load(stage);
    assert_int_equal(row.rotation_failures, 0);
    instance_row_free(&row);
}

static bool keep_desired(const struct desired_instance *desired, struct desired_instance *kept)
{
    text_copy(kept->ca_identifier, sizeof kept->ca_identifier, desired->ca_identifier);
    kept->certificate_generation = desired->certificate_generation;
    kept->guard_seconds = desired->guard_seconds;
    kept->rehearsal = desired->rehearsal;
    return true;
}

static void visit_desired(const struct desired_instance *desired, void *context)
{
    keep_desired(desired, context);
}

static struct desired_instance desired_of(struct stage *stage)
{
    struct desired_instance desired = {0};
    int64_t revision;
    assert_int_equal(host_desired(&stage->world->fleet, "one", &revision, visit_desired, &desired, NULL), 0);
    return desired;
}

static void a_rehearsal_by_tag_serves_another_ca_and_returns(void **state)
{
    struct stage *stage = *state;
    struct instance_row row = load(stage);
    char old[48];
    text_copy(old, sizeof old, row.served_serial);
    instance_row_free(&row);
    ask(stage, ACTION("AddTagsToResource") "&ResourceName=" ARN "&Tags.Tag.1.Key=sealwright:rehearse"
                                           "&Tags.Tag.1.Value=rds-ca-rsa4096-g1%2060");
    struct desired_instance desired = desired_of(stage);
    assert_string_equal(desired.ca_identifier, "rds-ca-rsa4096-g1");
    assert_true(desired.rehearsal);
    assert_int_equal(desired.guard_seconds, 60);
    serve(stage, GUARD_WATCHING);
    assert_instance(stage, "CACertificateIdentifier", "rds-ca-rsa4096-g1"); /* what clients see */
    assert_instance(stage, "PendingModifiedValues/CACertificateIdentifier", "rds-ca-rsa2048-g1");
    assert_instance(stage, "StatusInfos/DBInstanceStatusInfo/Status", "rehearsal");
    struct error error = {0};
    assert_int_equal(
        rehearsal_start(&stage->world->fleet, "us-east-1", "orders", "rds-ca-ecc384-g1", 5, &error),
        ERROR_STATE);
    report(stage, generation(stage) - 1, old, GUARD_UNDONE, 2);
    assert_instance(stage, "CACertificateIdentifier", "rds-ca-rsa2048-g1");
    assert_instance(stage, "PendingModifiedValues/CACertificateIdentifier", NULL);
    assert_instance(stage, "TagList/Tag/Key", NULL);
    assert_int_equal(events(stage, "2 connections of clients at 192.0.2.7 refused its certificate"), 1);
    assert_false(desired_of(stage).rehearsal);
    row = load(stage);
    assert_int_equal(row.rotation_after, 0);
    assert_false(rotate_outstanding(&row));
    instance_row_free(&row);
}

static void a_rehearsal_that_cannot_return_is_followed_by_an_own_certificate(void **state)
{
    struct stage *stage = *state;
    struct error error = {0};
    assert_int_equal(
        rehearsal_start(&stage->world->fleet, "us-east-1", "orders", "rds-ca-ecc384-g1", 60, &error), 0);
    int64_t rehearsed = generation(stage);
    serve(stage, GUARD_NONE);
    assert_int_equal(generation(stage), rehearsed + 1);
    struct desired_instance desired = desired_of(stage);
    assert_false(desired.rehearsal);
    assert_string_equal(desired.ca_identifier, "rds-ca-rsa2048-g1");
}

static void an_engine_that_restarts_waits_for_the_operator(void **state)
{
    struct stage *stage = *state;
    xmlNode *result;
    be_engine(stage, "sqlserver-se");
    int64_t before = generation(stage), now = clock_now();
    go_to(now + 540 * CLOCK_DAY);
    work(stage);
    xmlDoc *document = world_ask(stage->world, ACTION("DescribePendingMaintenanceActions"), &result);
    assert_int_equal(xml_count(result, "PendingMaintenanceActions/ResourcePendingMaintenanceActions"), 0);
    xmlFreeDoc(document);
    go_to(now + 700 * CLOCK_DAY); /* half of three years and the spread are over */
    work(stage);
    assert_int_equal(generation(stage), before);
    document = world_ask(stage->world, ACTION("DescribePendingMaintenanceActions"), &result);
#define ACTION_PATH                                                                                          \
    "PendingMaintenanceActions/ResourcePendingMaintenanceActions/PendingMaintenanceActionDetails/"           \
    "PendingMaintenanceAction/"
    assert_xml(result, ACTION_PATH "Action", "server-certificate-rotation");
    assert_xml_absent(result, ACTION_PATH "OptInStatus");
    assert_non_null(xml_at(result, ACTION_PATH "AutoAppliedAfterDate", 0));
    assert_non_null(xml_at(result, ACTION_PATH "ForcedApplyDate", 0));
    xmlFreeDoc(document);
    assert_int_equal(events(stage, "RDS-EVENT-0501"), 1);
#define APPLY(opt_in)                                                                                        \
    ACTION("ApplyPendingMaintenanceAction")                                                                  \
    "&ResourceIdentifier=" ARN "&ApplyAction=server-certificate-rotation&OptInType=" opt_in
    document = world_ask(stage->world, APPLY("next-maintenance"), &result);
    assert_xml(result,
               "ResourcePendingMaintenanceActions/PendingMaintenanceActionDetails/PendingMaintenanceAction/"
               "OptInStatus",
               "next-maintenance");
    xmlFreeDoc(document);
    assert_int_equal(events(stage, "RDS-EVENT-0502"), 1);
    assert_true(due_at(stage) < clock_now() + 8 * CLOCK_DAY);
    ask(stage, APPLY("undo-opt-in"));
    assert_true(due_at(stage) > clock_now() + 100 * CLOCK_DAY);
    ask(stage, APPLY("immediate"));
    assert_int_equal(generation(stage), before + 1);
    assert_instance(stage, "DBInstanceStatus", "modifying");
    document = world_ask(stage->world, ACTION("DescribePendingMaintenanceActions"), &result);
    assert_int_equal(xml_count(result, "PendingMaintenanceActions/ResourcePendingMaintenanceActions"), 0);
    xmlFreeDoc(document);
}

static void a_staged_ca_comes_with_the_next_restart(void **state)
{
    struct stage *stage = *state;
    be_engine(stage, "sqlserver-se");
    int64_t before = generation(stage);
    ask(stage,
        ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&CACertificateIdentifier=rds-ca-ecc384-g1"
                                   "&ApplyImmediately=true&CertificateRotationRestart=false");
    assert_instance(stage, "PendingModifiedValues/CACertificateIdentifier", "rds-ca-ecc384-g1");
    assert_instance(stage, "DBInstanceStatus", "available");
    go_to(clock_now() + 8 * CLOCK_DAY); /* a window has passed */
    work(stage);
    assert_int_equal(generation(stage), before);
    ask(stage, ACTION("RebootDBInstance") "&DBInstanceIdentifier=orders");
    assert_int_equal(generation(stage), before + 1);
    serve(stage, GUARD_NONE);
    assert_instance(stage, "CACertificateIdentifier", "rds-ca-ecc384-g1");
    assert_instance(stage, "PendingModifiedValues/CACertificateIdentifier", NULL);
}

static void rds_ca_2019_warns_and_never_rotates(void **state)
{
    struct stage *stage = *state;
    xmlNode *result;
    ask(stage, ACTION("ModifyDBInstance") "&DBInstanceIdentifier=orders&CACertificateIdentifier=rds-ca-2019"
                                          "&ApplyImmediately=true");
    serve(stage, GUARD_NONE);
    struct instance_row row = load(stage);
    int64_t before = generation(stage), end = row.served_not_after;
    instance_row_free(&row);
    static const int days[] = {90, 30, 7, 1};
    for (int i = 0; i < 4; i++) {
        go_to(end - days[i] * CLOCK_DAY + CLOCK_HOUR);
        work(stage);
        work(stage);
        assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0107"), i + 1);
    }
    assert_int_equal(generation(stage), before);
    xmlDoc *document = world_ask(stage->world, ACTION("DescribePendingMaintenanceActions"), &result);
    assert_xml(result, ACTION_PATH "Action", "ca-certificate-rotation");
    xmlFreeDoc(document);
    ask(stage,
        ACTION("ApplyPendingMaintenanceAction") "&ResourceIdentifier=" ARN
                                                "&ApplyAction=ca-certificate-rotation&OptInType=immediate");
    serve(stage, GUARD_NONE);
    assert_instance(stage, "CACertificateIdentifier", "rds-ca-rsa2048-g1");
    document = world_ask(stage->world, ACTION("DescribePendingMaintenanceActions"), &result);
    assert_int_equal(xml_count(result, "PendingMaintenanceActions/ResourcePendingMaintenanceActions"), 0);
    xmlFreeDoc(document);
}

static void a_clock_that_jumps_rotates_nothing(void **state)
{
    struct stage *stage = *state;
    int64_t before = generation(stage);
    clock_guard(clock_now(), 30 * CLOCK_DAY);
    for (int64_t years = -5; years <= 5; years += 10) {
        clock_shift(years * 365 * CLOCK_DAY);
        work(stage);
        assert_int_equal(generation(stage), before);
    }
    clock_shift(0);
    work(stage);
    assert_int_equal(generation(stage), before);
    clock_guard(0, 0);
    go_to(due_at(stage));
    work(stage);
    assert_int_equal(generation(stage), before + 1);
}

/* So many more instances; a moment when all of them are in an emergency. */
static int64_t multiply(struct stage *stage, int count)
{
    struct error error = {0};
    struct instance_row row = load(stage);
    for (int i = 0; i < count; i++) {
        snprintf(row.identifier, sizeof row.identifier, "more-%d", i);
        snprintf(row.resource_id, sizeof row.resource_id, "db-%d", i);
        assert_int_equal(store_instance_insert(stage->world->fleet.store, &row, &error), 0);
        assert_int_equal(rotate_schedule(&stage->world->fleet, &row, &error), 0);
    }
    instance_row_free(&row);
    return row.served_not_after - CLOCK_HOUR;
}

struct starts {
    int64_t at[64];
    size_t count;
};

static bool keep_start(const struct event_row *row, void *context)
{
    struct starts *starts = context;
    if (text_equal(row->code, "SEALWRIGHT-EVENT-0101"))
        starts->at[starts->count++ % 64] = row->occurred_at;
    return true;
}

/* All are due at once: each asks when its turn has come, not whenever it is somebody's. */
static void the_fleet_keeps_its_pace(void **state)
{
    struct stage *stage = *state;
    struct error error = {0};
    struct starts starts = {0};
    int64_t start = multiply(stage, 39);
    int steps = 0;
    stage->world->settings.rotations_per_minute = 7;
    for (int64_t second = 0; second < 600; second++) {
        go_to(start + second * CLOCK_SECOND);
        while (work_step(&stage->world->fleet, &error) == 0)
            steps++;
    }
    assert_int_equal(
        store_event_list(stage->world->fleet.store, "us-east-1", start, INT64_MAX, keep_start, &starts, NULL),
        0);
    assert_int_equal(starts.count, 40);
    for (size_t i = 7; i < starts.count; i++)
        assert_true(starts.at[i] - starts.at[i - 7] >= CLOCK_MINUTE);
    assert_true(starts.at[39] - start <= 7 * CLOCK_MINUTE); /* and nearly as fast as it may */
    assert_in_range(steps, 40, 3 * 40);
}

/* The host says nothing: neither hours' looks nor silence. */
static void what_is_late_is_told_once_a_day(void **state)
{
    struct stage *stage = *state;
    int64_t due = 0;
    go_to(due_at(stage));
    work(stage);
    struct instance_row row = load(stage);
    assert_int_equal(store_work_due(stage->world->fleet.store, WORK_ROTATION, row.resource_id, &due, NULL),
                     0);
    instance_row_free(&row);
    assert_in_range(due, clock_now() + CLOCK_DAY - CLOCK_MINUTE, clock_now() + CLOCK_DAY);
    for (int day = 1; day <= 3; day++) {
        go_to(due + (day - 1) * CLOCK_DAY + day * CLOCK_MINUTE);
        work(stage);
        assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0105"), day);
    }
}

/* Likewise what an operator has asked for. */
static void what_was_asked_for_and_is_late_is_told(void **state)
{
    struct stage *stage = *state;
    be_engine(stage, "sqlserver-se");
    go_to(clock_now() + 700 * CLOCK_DAY);
    work(stage);
    ask(stage, ACTION("ApplyPendingMaintenanceAction") "&ResourceIdentifier=" ARN
                                                       "&ApplyAction=server-certificate-rotation"
                                                       "&OptInType=immediate");
    go_to(clock_now() + CLOCK_DAY + CLOCK_MINUTE);
    work(stage);
    assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0105"), 1);
}

static void a_lost_rehearsal_holds_up_nothing(void **state)
{
    struct stage *stage = *state;
    ask(stage, ACTION("AddTagsToResource") "&ResourceName=" ARN "&Tags.Tag.1.Key=sealwright:rehearse"
                                           "&Tags.Tag.1.Value=rds-ca-rsa4096-g1%2060");
    serve(stage, GUARD_WATCHING); /* the last word of its host */
    int64_t rehearsed = generation(stage);
    go_to(clock_now() + 360 * CLOCK_DAY);
    work(stage);
    assert_int_equal(events(stage, "SEALWRIGHT-EVENT-0107"), 1);
    assert_int_equal(generation(stage), rehearsed + 1);
    struct desired_instance desired = desired_of(stage);
    assert_string_equal(desired.ca_identifier, "rds-ca-rsa2048-g1");
    assert_false(desired.rehearsal);
}

static void bridges_keep_their_order(void **state)
{
    struct stage *stage = *state;
    struct instance_row row = {0};
    static const struct {
        const char *from, *to, *list;
    } moves[] = {
        {"rds-ca-2019", "rds-ca-rsa2048-g1", "[\"rds-ca-2019\"]"},
        {"rds-ca-rsa2048-g1", "rds-ca-rsa4096-g1", "[\"rds-ca-rsa2048-g1\",\"rds-ca-2019\"]"},
        {"rds-ca-rsa4096-g1", "rds-ca-rsa2048-g1", "[\"rds-ca-rsa4096-g1\",\"rds-ca-2019\"]"},
        {"", "rds-ca-rsa4096-g1", "[\"rds-ca-2019\"]"}, /* a change that was undone */
    };
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        bridge_list_move(&stage->world->fleet, &row, moves[i].from, moves[i].to, true);
        assert_string_equal(buf_text(&row.bridges), moves[i].list);
    }
    bridge_list_move(&stage->world->fleet, &row, "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1", false);
    assert_string_equal(buf_text(&row.bridges), "[]");
    instance_row_free(&row);
}

static void a_subordinate_gets_its_successor_before_a_leaf_would_outlive_it(void **state)
{
    struct stage *stage = *state;
    const struct settings *settings = &stage->world->settings;
    int64_t now = clock_now(), end = now + 3653 * CLOCK_DAY;
    int64_t due = authority_succession(settings, end, now + 36525 * CLOCK_DAY);
    /* Three years, the longest life of a leaf; a month in the bundles; a month to spare. */
    assert_true(end - due >= (1095 + 30) * CLOCK_DAY);
    assert_true(end - due <= (1097 + 60) * CLOCK_DAY);
    assert_true(authority_succession(settings, end, end) == MOMENT_NEVER); /* its root has no more to give */
}

static void put_subordinate(struct stage *stage, int number, int64_t not_after, int64_t signs_at)
{
    struct authority_row row = {.number = number, .not_after = not_after, .signs_at = signs_at};
    text_copy(row.scope, sizeof row.scope, "us-east-1");
    text_copy(row.ca_identifier, sizeof row.ca_identifier, "rds-ca-rsa2048-g1");
    snprintf(row.sha1, sizeof row.sha1, "%d", number);
    buf_append_text(&row.certificate, "a subordinate");
    assert_int_equal(store_authority_insert(stage->world->fleet.store, &row, NULL), 0);
    authority_row_free(&row);
}

static int signing_number(struct stage *stage)
{
    struct authority_row row = {0};
    assert_int_equal(store_authority_signing(stage->world->fleet.store, "us-east-1", "rds-ca-rsa2048-g1",
                                             clock_now(), &row, NULL),
                     0);
    authority_row_free(&row);
    return row.number;
}

static void a_successor_is_asked_for_in_time_and_signs_later(void **state)
{
    struct stage *stage = *state;
    struct store *store = stage->world->fleet.store;
    const struct work_row life = {.kind = WORK_AUTHORITY_LIFE, .subject = "all"};
    int64_t now = clock_now(), due = 0;
    put_subordinate(stage, 1, now + 2000 * CLOCK_DAY, now);
    assert_int_equal(authority_life_work(&stage->world->fleet, &life, NULL), 0);
    assert_int_equal(store_work_due(store, WORK_SUCCESSOR, "us-east-1/rds-ca-rsa2048-g1/2", &due, NULL),
                     ERROR_NOT_FOUND);
    go_to(now + 1000 * CLOCK_DAY); /* less than three years are left */
    assert_int_equal(authority_life_work(&stage->world->fleet, &life, NULL), 0);
    assert_int_equal(store_work_due(store, WORK_SUCCESSOR, "us-east-1/rds-ca-rsa2048-g1/2", &due, NULL), 0);
    now = clock_now();
    put_subordinate(stage, 2, now + 3650 * CLOCK_DAY, now + 30 * CLOCK_DAY);
    assert_int_equal(signing_number(stage), 1); /* the new one is only in the bundles */
    go_to(now + 31 * CLOCK_DAY);
    assert_int_equal(signing_number(stage), 2);
}

static void an_ended_root_is_neither_default_nor_choice(void **state)
{
    struct stage *stage = *state;
    ask(stage, ACTION("ModifyCertificates") "&CertificateIdentifier=rds-ca-2019");
    go_to(INT64_C(4733510400000) + CLOCK_DAY); /* the fixture's roots end in 2120 */
    char ca[32];
    bool overridden;
    assert_int_equal(authority_default(&stage->world->fleet, "us-east-1", ca, &overridden, NULL), 0);
    assert_false(overridden);
    const struct ca_profile *profile;
    struct error error = {0};
    assert_int_equal(
        authority_check_usable(&stage->world->fleet, "us-east-1", "rds-ca-2019", &profile, &error),
        ERROR_STATE);
    assert_non_null(strstr(error.text, "expired"));
}

static int set_up(void **state)
{
    struct stage *stage = mem_new(sizeof *stage);
    stage->world = world_new();
    world_create(stage->world, "orders",
                 "&PreferredMaintenanceWindow=tue:03:00-tue:03:30&PreferredBackupWindow=05:00-05:30");
    serve(stage, GUARD_NONE);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    clock_shift(0);
    world_free(stage->world);
    free(stage);
    return 0;
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STAGED(a_renewal_starts_at_its_moment_and_is_seen_through),
        STAGED(the_certificate_on_the_wire_is_named),
        STAGED(an_undone_change_of_ca_is_told_and_given_up),
        STAGED(an_undone_renewal_pauses_then_comes_again),
        STAGED(a_rehearsal_by_tag_serves_another_ca_and_returns),
        STAGED(a_rehearsal_that_cannot_return_is_followed_by_an_own_certificate),
        STAGED(an_engine_that_restarts_waits_for_the_operator),
        STAGED(a_staged_ca_comes_with_the_next_restart),
        STAGED(rds_ca_2019_warns_and_never_rotates),
        STAGED(a_clock_that_jumps_rotates_nothing),
        STAGED(the_fleet_keeps_its_pace),
        STAGED(what_is_late_is_told_once_a_day),
        STAGED(what_was_asked_for_and_is_late_is_told),
        STAGED(a_lost_rehearsal_holds_up_nothing),
        STAGED(bridges_keep_their_order),
        STAGED(a_subordinate_gets_its_successor_before_a_leaf_would_outlive_it),
        STAGED(a_successor_is_asked_for_in_time_and_signs_later),
        STAGED(an_ended_root_is_neither_default_nor_choice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
