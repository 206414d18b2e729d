/* sealwright forecast: what will have become of the fleet's certificates by a date. */
#include "fleet/forecast.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/operate.h"
#include "server/server.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALARM = 3, SHOWN_LIMIT = 20, DEFAULT_ROWS = 12, CA_COUNT = 4 };

static const char help[] =
    "usage: sealwright forecast --at DATE [--run-dir DIR] [--region R] [--step DAYS] [--json]\n"
    "\n"
    "Replays the fleet from now to a date by the scheduler's own rules: what will have been rotated, what "
    "would\n"
    "have expired, which clients would no longer verify what. Nothing is changed.\n"
    "\n"
    "  --at DATE      2027-01-31, 2027-01-31T12:00:00Z, or +90d\n"
    "  --run-dir DIR  (default: run)\n"
    "  --region R     this region alone\n"
    "  --step DAYS    between the rows of the table over time (default: a twelfth of the time)\n"
    "  --json         everything as one JSON object\n"
    "\n"
    "What cannot be known here: the agents' own certificates (they renew them at two thirds of their life).\n"
    "\n"
    "Exit status: 0 nothing to worry about, 3 something would expire or would not verify with today's "
    "bundle,\n"
    "1 failed, 2 wrong usage.\n";

static const struct option options[] = {
    {"at", required_argument, NULL, 'a'},
    {"run-dir", required_argument, NULL, 'd'},
    {"region", required_argument, NULL, 'r'},
    {"step", required_argument, NULL, 's'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct chosen {
    const char *folder, *region;
    int64_t at, step; /* ms */
    bool json;
};

/* The fleet at one date. */
struct tally {
    int64_t instances, rotations, expired, pending, bundle, pinned, roots[CA_COUNT];
    int64_t first_rotation;
    json_t *alarms; /* NULL: only counted */
};

static const char *const causes[] = {
    [FORECAST_ROTATES] = "the rotation would come too late",
    [FORECAST_MANUAL] = "its CA's certificates are not rotated by themselves",
    [FORECAST_STOPPED] = "the instance is stopped",
    [FORECAST_LOST] = "its host's agent has not been seen for over a day",
    [FORECAST_PENDING] = "none is served yet",
};

static void note_alarm(struct tally *tally, const struct forecast_instance *instance)
{
    char when[32];
    clock_format_seconds(instance->not_after, when);
    json_array_append_new(
        tally->alarms, json_pack("{s:s, s:s, s:s, s:s, s:s}", "DBInstanceIdentifier",
                                 instance->row->identifier, "Region", instance->row->region, "CAIdentifier",
                                 instance->row->served_ca_identifier, "ValidTill", when, "Reason",
                                 instance->expired ? causes[instance->cause] : "its root is not valid then"));
}

static void count(const struct forecast_instance *instance, void *context)
{
    struct tally *tally = context;
    tally->instances++;
    tally->rotations += instance->rotations;
    tally->expired += instance->expired;
    tally->pending += instance->cause == FORECAST_PENDING;
    tally->bundle += instance->bundle_verifies;
    tally->pinned += instance->pinned_verifies;
    for (unsigned i = 0; i < CA_COUNT; i++)
        tally->roots[i] += instance->roots >> i & 1;
    if (instance->first_rotation < tally->first_rotation)
        tally->first_rotation = instance->first_rotation;
    if (tally->alarms && instance->cause != FORECAST_PENDING && !instance->bundle_verifies)
        note_alarm(tally, instance);
}

static int tally_at(struct forecast *forecast, const struct chosen *chosen, int64_t at, json_t *alarms,
                    struct tally *tally, struct error *error)
{
    *tally = (struct tally){.first_rotation = MOMENT_NEVER, .alarms = alarms};
    return forecast_instances(forecast, chosen->region, at, count, tally, error);
}

static json_t *tally_json(const struct tally *tally, int64_t at)
{
    char when[32];
    size_t profile_count;
    const struct ca_profile *profiles = ca_profiles(&profile_count);
    clock_format_seconds(at, when);
    json_t *roots = json_object();
    for (size_t i = 0; i < profile_count; i++)
        json_object_set_new(roots, profiles[i].identifier, json_integer(tally->roots[i]));
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "At", when, "Instances",
                     (json_int_t)tally->instances, "Rotations", (json_int_t)tally->rotations, "Expired",
                     (json_int_t)tally->expired, "NoCertificateYet", (json_int_t)tally->pending,
                     "VerifiedByTodaysBundle", (json_int_t)tally->bundle, "VerifiedByTodaysSubordinates",
                     (json_int_t)tally->pinned, "VerifiedByRootAlone", roots);
}

static void note_authority(const struct forecast_authority *authority, void *context)
{
    char till[32], succession[32];
    clock_format_seconds(authority->row->not_after, till);
    clock_format_seconds(authority->succession == MOMENT_NEVER ? 0 : authority->succession, succession);
    json_t *json = json_pack(
        "{s:s, s:s, s:s, s:i, s:s, s:b, s:b}", "Scope", authority->row->scope, "CAIdentifier",
        authority->row->ca_identifier, "Kind", authority->row->number ? "subordinate" : "root", "Number",
        authority->row->number, "ValidTill", till, "Ended", authority->ended, "InUse", authority->in_use);
    if (authority->succession != MOMENT_NEVER)
        json_object_set_new(json, "SuccessorMade", json_string(succession));
    json_array_append_new(context, json);
}

/* The control plane's own: the first certificate of a PEM file. */
static void note_own(const struct settings *settings, const char *file, const char *what, bool renewed,
                     int64_t at, json_t *list)
{
    AUTO_FREE char *path = file[0] == '/' ? mem_string(file) : settings_path(settings, file);
    AUTO_BUF struct buf pem = {0};
    struct certificate_list chain = {0};
    struct certificate_facts facts;
    char till[32];
    if (file_read(path, 1 << 20, &pem, NULL) == 0 &&
        certificate_list_parse_pem(slice_buf(&pem), &chain, NULL) == 0 && chain.count &&
        certificate_facts(chain.items[0], &facts, NULL) == 0) {
        clock_format_seconds(facts.not_after, till);
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:b}", "What", what, "ValidTill", till,
                                              "RenewedByItself", renewed, "Ended",
                                              !renewed && facts.not_after <= at));
    }
    certificate_list_free(&chain);
}

static json_t *own_certificates(const struct settings *settings, int64_t at)
{
    json_t *list = json_array();
    bool brought = settings->endpoint_certificate != NULL;
    note_own(settings, SERVER_CONTROL_CA, "control CA", false, at, list);
    note_own(settings, brought ? settings->endpoint_certificate : SERVER_ENDPOINT_CERTIFICATE,
             brought ? "HTTPS endpoint (the operator's own)" : "HTTPS endpoint", !brought, at, list);
    return list;
}

static json_t *table_over_time(struct forecast *forecast, const struct chosen *chosen, int64_t now,
                               struct error *error)
{
    json_t *rows = json_array();
    int result = 0;
    for (int64_t at = now; !result; at = at + chosen->step < chosen->at ? at + chosen->step : chosen->at) {
        struct tally tally;
        result = tally_at(forecast, chosen, at, NULL, &tally, error);
        if (!result)
            json_array_append_new(rows, tally_json(&tally, at));
        if (at >= chosen->at)
            break;
    }
    if (!result)
        return rows;
    json_decref(rows);
    return NULL;
}

static const char *text_at(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static long long number_at(const json_t *json, const char *name)
{
    return (long long)json_integer_value(json_object_get(json, name));
}

static void print_alarms(const json_t *alarms)
{
    size_t index;
    const json_t *alarm;
    if (json_array_size(alarms))
        printf("\nwould expire, or not verify with today's bundle:\n");
    json_array_foreach(alarms, index, alarm)
    {
        if (index == SHOWN_LIMIT) {
            printf("  ... and %zu more (--json lists all)\n", json_array_size(alarms) - index);
            break;
        }
        printf("  %-24s %-16s %-18s until %s: %s\n", text_at(alarm, "DBInstanceIdentifier"),
               text_at(alarm, "Region"), text_at(alarm, "CAIdentifier"), text_at(alarm, "ValidTill"),
               text_at(alarm, "Reason"));
    }
}

static void print_table(const json_t *rows)
{
    size_t index, count;
    const json_t *row;
    const struct ca_profile *profiles = ca_profiles(&count);
    printf("\nover time; verifies for a client that trusts:\n%-12s %9s %8s %8s %8s", "", "rotations",
           "expired", "bundle*", "pinned**");
    for (size_t i = 0; i < count; i++)
        printf(" %8s", profiles[i].label);
    putchar('\n');
    json_array_foreach(rows, index, row)
    {
        const json_t *roots = json_object_get(row, "VerifiedByRootAlone");
        printf("%-12.10s %9lld %8lld %8lld %8lld", text_at(row, "At"), number_at(row, "Rotations"),
               number_at(row, "Expired"), number_at(row, "VerifiedByTodaysBundle"),
               number_at(row, "VerifiedByTodaysSubordinates"));
        for (size_t i = 0; i < count; i++)
            printf(" %8lld", number_at(roots, profiles[i].identifier));
        putchar('\n');
    }
    printf("*  today's regional bundle   ** today's subordinates alone   others: that root alone, bridges "
           "counted\n");
}

static void print_authorities(const json_t *authorities, const char *until)
{
    size_t index;
    const json_t *each;
    printf("\ncertificate authorities that end or get a successor until then:\n");
    int shown = 0;
    json_array_foreach(authorities, index, each)
    {
        const char *successor = text_at(each, "SuccessorMade");
        bool succeeds = successor[0] && strcmp(successor, until) <= 0;
        bool ended = json_is_true(json_object_get(each, "Ended"));
        if ((!ended && !succeeds) || !json_is_true(json_object_get(each, "InUse")))
            continue;
        shown++;
        printf("  %-16s %-18s %-11s %lld: %s %s\n", text_at(each, "Scope"), text_at(each, "CAIdentifier"),
               text_at(each, "Kind"), number_at(each, "Number"), ended ? "ends" : "successor made",
               ended ? text_at(each, "ValidTill") : successor);
    }
    if (!shown)
        printf("  none\n");
}

static void print_own(const json_t *own)
{
    size_t index;
    const json_t *each;
    printf("\nthe control plane's own:\n");
    json_array_foreach(own, index, each)
    {
        const char *fate = json_is_true(json_object_get(each, "RenewedByItself"))
                               ? "renewed by itself at half of its life"
                           : json_is_true(json_object_get(each, "Ended")) ? "ENDS BEFORE THAT DATE"
                                                                          : "good";
        printf("  %-36s until %s: %s\n", text_at(each, "What"), text_at(each, "ValidTill"), fate);
    }
}

static void print_text(const json_t *whole)
{
    const json_t *last = json_object_get(whole, "AtDate");
    const char *first = text_at(whole, "FirstRotation");
    printf("By %s: %lld instances, %lld rotations%s%s, %lld expired, %lld without a certificate yet\n",
           text_at(last, "At"), number_at(last, "Instances"), number_at(last, "Rotations"),
           first[0] ? ", the first at " : "", first, number_at(last, "Expired"),
           number_at(last, "NoCertificateYet"));
    print_alarms(json_object_get(whole, "Alarms"));
    print_table(json_object_get(whole, "OverTime"));
    print_authorities(json_object_get(whole, "CertificateAuthorities"), text_at(last, "At"));
    print_own(json_object_get(whole, "ControlPlane"));
}

static bool any_own_ended(const json_t *own)
{
    size_t index;
    const json_t *each;
    bool ended = false;
    json_array_foreach(own, index, each) ended |= json_is_true(json_object_get(each, "Ended"));
    return ended;
}

/* Everything as one object; `alarm` says whether somebody should look. */
static json_t *gather(struct operation *operation, struct forecast *forecast, const struct chosen *chosen,
                      int64_t now, bool *alarm, struct error *error)
{
    struct tally tally;
    json_t *whole = json_object(), *alarms = json_array(), *authorities = json_array();
    json_object_set_new(whole, "Alarms", alarms);
    json_object_set_new(whole, "CertificateAuthorities", authorities);
    int result = tally_at(forecast, chosen, chosen->at, alarms, &tally, error);
    if (!result)
        result =
            forecast_authorities(forecast, chosen->region, chosen->at, note_authority, authorities, error);
    json_t *rows = result ? NULL : table_over_time(forecast, chosen, now, error);
    if (!rows) {
        json_decref(whole);
        return NULL;
    }
    json_t *own = own_certificates(&operation->settings, chosen->at);
    json_object_set_new(whole, "OverTime", rows);
    json_object_set_new(whole, "ControlPlane", own);
    json_object_set_new(whole, "AtDate", tally_json(&tally, chosen->at));
    if (tally.first_rotation != MOMENT_NEVER) {
        char when[32];
        clock_format_seconds(tally.first_rotation, when);
        json_object_set_new(whole, "FirstRotation", json_string(when));
    }
    *alarm = json_array_size(alarms) > 0 || any_own_ended(own);
    return whole;
}

static int run(struct operation *operation, struct chosen *chosen, bool *alarm, struct error *error)
{
    struct forecast *forecast = NULL;
    int64_t now = clock_now();
    if (chosen->at < now)
        return error_set(error, ERROR_INVALID, "--at is in the past");
    if (!chosen->step)
        chosen->step = (chosen->at - now) / DEFAULT_ROWS + 1;
    int result = forecast_new(&operation->fleet, now, &forecast, error);
    json_t *whole = result ? NULL : gather(operation, forecast, chosen, now, alarm, error);
    forecast_free(forecast);
    if (!whole)
        return (int)error->code;
    AUTO_FREE char *text = chosen->json ? json_dumps(whole, JSON_INDENT(2)) : NULL;
    if (text)
        puts(text);
    else
        print_text(whole);
    json_decref(whole);
    return 0;
}

static int read_options(int argc, char **argv, struct chosen *chosen)
{
    int64_t days = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'a':
            if (!operation_date(optarg, &chosen->at))
                return cli_usage("forecast", "--at %s is no date", optarg);
            break;
        case 'd':
            chosen->folder = optarg;
            break;
        case 'r':
            chosen->region = optarg;
            break;
        case 's':
            if (!text_integer(optarg, 1, 36525, &days))
                return cli_usage("forecast", "--step %s is no number of days", optarg);
            chosen->step = days * CLOCK_DAY;
            break;
        case 'j':
            chosen->json = true;
            break;
        default:
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? -1 : 2;
        }
    }
    return chosen->at ? 0 : cli_usage("forecast", "--at which date?");
}

int cli_forecast(int argc, char **argv)
{
    struct chosen chosen = {.folder = "run"};
    struct operation operation;
    struct error error = {0};
    bool alarm = false;
    int status = read_options(argc, argv, &chosen);
    if (status)
        return status < 0 ? 0 : status;
    int result = operation_open(&operation, chosen.folder, &error);
    if (!result)
        result = run(&operation, &chosen, &alarm, &error);
    operation_close(&operation);
    return result ? cli_fail("forecast", &error) : alarm ? ALARM : 0;
}
