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

enum { ALARM = 3, SHOWN_LIMIT = 20, DEFAULT_ROWS = 12, MOST_ROWS = 4000, CA_COUNT = 4 };

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
    "A renewal that clients refused counts as refused again; an instance that rehearses, as one renewed "
    "now.\n"
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

/* The fleet, or a region of it, at one date. */
struct tally {
    int64_t instances, rotations, expired, pending, bundle, pinned, roots[CA_COUNT];
};

/* What one walk over the instances finds: by date, and by region at the first and the last of them. */
struct survey {
    const struct region_table *regions;
    int64_t *dates;
    size_t date_count;
    struct tally *by_date, *first, *last;
    int64_t first_rotation;
    json_t *alarms;
};

static const char *const causes[FORECAST_CAUSES] = {
    [FORECAST_ROTATES] = "the rotation would come too late",
    [FORECAST_MANUAL] = "its CA's certificates are not rotated by themselves",
    [FORECAST_STOPPED] = "the instance is stopped",
    [FORECAST_FAILED] = "the instance has failed",
    [FORECAST_LOST] = "its host's agent has not been seen for over a day",
    [FORECAST_LATE] = "its rotation is under way for over a day and not carried out",
    [FORECAST_UNDONE] = "clients refused its renewal, which was undone",
    [FORECAST_ENDED] = "its root or subordinate is not valid then",
    [FORECAST_PENDING] = "none is served yet",
};

static void note_alarm(struct survey *survey, const struct forecast_instance *instance)
{
    char when[32];
    bool expires = instance->expired_at != MOMENT_NEVER;
    clock_format_seconds(expires ? instance->expired_at : instance->not_after, when);
    json_array_append_new(survey->alarms,
                          json_pack("{s:s, s:s, s:s, s:s, s:s}", "DBInstanceIdentifier",
                                    instance->row->identifier, "Region", instance->row->region,
                                    "CAIdentifier", instance->ca_identifier, "ValidTill", when, "Reason",
                                    causes[expires ? instance->cause : FORECAST_ENDED]));
}

static void add(struct tally *tally, const struct forecast_instance *instance)
{
    tally->instances++;
    tally->rotations += instance->rotations;
    tally->expired += instance->expired;
    tally->pending += instance->cause == FORECAST_PENDING;
    tally->bundle += instance->bundle_verifies;
    tally->pinned += instance->pinned_verifies;
    for (unsigned i = 0; i < CA_COUNT; i++)
        tally->roots[i] += instance->roots >> i & 1;
}

static void count(const struct forecast_instance *instance, size_t index, void *context)
{
    struct survey *survey = context;
    const struct region *region = region_find(survey->regions, instance->row->region);
    size_t place = region ? (size_t)(region - survey->regions->regions) : 0;
    bool last = index == survey->date_count - 1;
    add(&survey->by_date[index], instance);
    if (region && index == 0)
        add(&survey->first[place], instance);
    if (region && last)
        add(&survey->last[place], instance);
    if (!last)
        return;
    if (instance->first_rotation < survey->first_rotation)
        survey->first_rotation = instance->first_rotation;
    bool expires = instance->expired_at != MOMENT_NEVER;
    if (expires || (instance->cause != FORECAST_PENDING && !instance->bundle_verifies))
        note_alarm(survey, instance);
}

/* The dates of the table: now, each step, the date asked for. */
static int survey_begin(struct survey *survey, const struct settings *settings, const struct chosen *chosen,
                        int64_t now, struct error *error)
{
    int64_t rows = (chosen->at - now + chosen->step - 1) / chosen->step + 1;
    *survey = (struct survey){.regions = &settings->regions, .first_rotation = MOMENT_NEVER};
    if (rows > MOST_ROWS)
        return error_set(error, ERROR_LIMIT, "--step: that makes %lld rows, at most %d", (long long)rows,
                         MOST_ROWS);
    survey->date_count = (size_t)rows;
    survey->dates = mem_new_array(survey->date_count, sizeof *survey->dates);
    for (size_t i = 0; i < survey->date_count; i++)
        survey->dates[i] = i + 1 < survey->date_count ? now + (int64_t)i * chosen->step : chosen->at;
    survey->by_date = mem_new_array(survey->date_count, sizeof *survey->by_date);
    survey->first = mem_new_array(settings->regions.count, sizeof *survey->first);
    survey->last = mem_new_array(settings->regions.count, sizeof *survey->last);
    survey->alarms = json_array();
    return 0;
}

static void survey_free(struct survey *survey)
{
    free(survey->dates);
    free(survey->by_date);
    free(survey->first);
    free(survey->last);
    json_decref(survey->alarms);
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
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:i, s:s, s:b, s:b, s:b}", "Scope", authority->row->scope, "CAIdentifier",
                  authority->row->ca_identifier, "Kind", authority->row->number ? "subordinate" : "root",
                  "Number", authority->row->number, "ValidTill", till, "Ended", authority->ended, "InUse",
                  authority->in_use, "Planned", authority->planned);
    if (authority->planned) {
        char made[32], signs[32];
        clock_format_seconds(authority->row->created_at, made);
        clock_format_seconds(authority->row->signs_at, signs);
        json_object_set_new(json, "MadeAt", json_string(made));
        json_object_set_new(json, "SignsAt", json_string(signs));
    }
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

static json_t *table_over_time(const struct survey *survey)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < survey->date_count; i++) {
        json_t *row = tally_json(&survey->by_date[i], survey->dates[i]);
        int64_t before = i ? survey->by_date[i - 1].rotations : 0;
        json_object_set_new(row, "RotationsSince", json_integer(survey->by_date[i].rotations - before));
        json_array_append_new(rows, row);
    }
    return rows;
}

/* Each region that has instances: today, and at the date. */
static json_t *table_of_regions(const struct survey *survey)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < survey->regions->count; i++)
        if (survey->last[i].instances)
            json_array_append_new(
                rows, json_pack("{s:s, s:o, s:o}", "Region", survey->regions->regions[i].name, "Today",
                                tally_json(&survey->first[i], survey->dates[0]), "AtDate",
                                tally_json(&survey->last[i], survey->dates[survey->date_count - 1])));
    return rows;
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
        printf("%-12.10s %9lld %8lld %8lld %8lld", text_at(row, "At"), number_at(row, "RotationsSince"),
               number_at(row, "Expired"), number_at(row, "VerifiedByTodaysBundle"),
               number_at(row, "VerifiedByTodaysSubordinates"));
        for (size_t i = 0; i < count; i++)
            printf(" %8lld", number_at(roots, profiles[i].identifier));
        putchar('\n');
    }
    printf("*  today's regional bundle   ** today's subordinates alone   others: that root alone, bridges "
           "counted\n");
}

static void print_pair(const json_t *today, const json_t *then, const char *name)
{
    char text[48];
    snprintf(text, sizeof text, "%lld>%lld", number_at(today, name), number_at(then, name));
    printf(" %13s", text);
}

static void print_regions(const json_t *rows)
{
    size_t index, count;
    const json_t *row;
    const struct ca_profile *profiles = ca_profiles(&count);
    printf("\nby region, today>at that date:\n%-16s %9s %13s %13s", "", "instances", "bundle*", "pinned**");
    for (size_t i = 0; i < count; i++)
        printf(" %13s", profiles[i].label);
    putchar('\n');
    json_array_foreach(rows, index, row)
    {
        const json_t *today = json_object_get(row, "Today"), *then = json_object_get(row, "AtDate");
        printf("%-16s %9lld", text_at(row, "Region"), number_at(then, "Instances"));
        print_pair(today, then, "VerifiedByTodaysBundle");
        print_pair(today, then, "VerifiedByTodaysSubordinates");
        for (size_t i = 0; i < count; i++)
            print_pair(json_object_get(today, "VerifiedByRootAlone"),
                       json_object_get(then, "VerifiedByRootAlone"), profiles[i].identifier);
        putchar('\n');
    }
}

static void print_authorities(const json_t *authorities)
{
    size_t index;
    const json_t *each;
    int shown = 0, hidden = 0;
    printf("\ncertificate authorities that end or get a successor until then:\n");
    json_array_foreach(authorities, index, each)
    {
        bool planned = json_is_true(json_object_get(each, "Planned"));
        bool ended = json_is_true(json_object_get(each, "Ended"));
        if (!ended && !planned)
            continue;
        if (shown == SHOWN_LIMIT) {
            hidden++;
            continue;
        }
        shown++;
        printf("  %-16s %-18s %-11s %lld: ", text_at(each, "Scope"), text_at(each, "CAIdentifier"),
               text_at(each, "Kind"), number_at(each, "Number"));
        if (planned)
            printf("made %s, signs from %s%s", text_at(each, "MadeAt"), text_at(each, "SignsAt"),
                   ended ? ", " : "");
        printf("%s%s\n", ended ? "ends " : "", ended ? text_at(each, "ValidTill") : "");
    }
    if (hidden)
        printf("  ... and %d more (--json lists all)\n", hidden);
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
    printf(
        "  agents: the dates of their certificates are not known here; each renews its own at two thirds of "
        "its life\n");
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
    print_regions(json_object_get(whole, "ByRegion"));
    print_authorities(json_object_get(whole, "CertificateAuthorities"));
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
static json_t *whole_of(const struct operation *operation, const struct survey *survey, json_t *authorities,
                        bool *alarm)
{
    size_t last = survey->date_count - 1;
    json_t *own = own_certificates(&operation->settings, survey->dates[last]);
    json_t *whole =
        json_pack("{s:O, s:o, s:o, s:o, s:o, s:o}", "Alarms", survey->alarms, "CertificateAuthorities",
                  authorities, "OverTime", table_over_time(survey), "ByRegion", table_of_regions(survey),
                  "AtDate", tally_json(&survey->by_date[last], survey->dates[last]), "ControlPlane", own);
    if (survey->first_rotation != MOMENT_NEVER) {
        char when[32];
        clock_format_seconds(survey->first_rotation, when);
        json_object_set_new(whole, "FirstRotation", json_string(when));
    }
    *alarm = json_array_size(survey->alarms) > 0 || any_own_ended(own);
    return whole;
}

static json_t *gather(struct operation *operation, struct forecast *forecast, const struct chosen *chosen,
                      int64_t now, bool *alarm, struct error *error)
{
    struct survey survey;
    json_t *authorities = json_array();
    int result = survey_begin(&survey, &operation->settings, chosen, now, error);
    if (!result)
        result = forecast_instances(forecast, chosen->region, survey.dates, survey.date_count, count, &survey,
                                    error);
    if (!result)
        result =
            forecast_authorities(forecast, chosen->region, chosen->at, note_authority, authorities, error);
    json_t *whole = result ? NULL : whole_of(operation, &survey, authorities, alarm);
    if (!whole)
        json_decref(authorities);
    survey_free(&survey);
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
    int result = operation_check_region(operation, chosen->region, error);
    if (!result)
        result = forecast_new(&operation->fleet, now, chosen->at, &forecast, error);
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
    int result = operation_open_read_only(&operation, chosen.folder, &error);
    if (!result)
        result = run(&operation, &chosen, &alarm, &error);
    operation_close(&operation);
    return result ? cli_fail("forecast", &error) : alarm ? ALARM : 0;
}
