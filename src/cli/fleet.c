/* sealwright fleet: the fleet's certificates at a glance, and its rotations while they are under way. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/operate.h"
#include "fleet/rehearsal.h"
#include "fleet/rotate.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { NEXT_SHOWN = 10, WATCH_PAUSE = 500 /* ms */ };

static const char help[] = "usage: sealwright fleet [--run-dir DIR] [--region R] [--json] [--watch]\n"
                           "\n"
                           "Instances by CA, by days to the end of their server certificate, by the state of "
                           "their rotation; the next\n"
                           "rotations.\n"
                           "\n"
                           "  --run-dir DIR  (default: run)\n"
                           "  --region R     this region alone\n"
                           "  --json         as JSON\n"
                           "  --watch        follows the rotations that are under way until none is\n";

static const struct option options[] = {
    {"run-dir", required_argument, NULL, 'd'}, {"region", required_argument, NULL, 'r'},
    {"json", no_argument, NULL, 'j'},          {"watch", no_argument, NULL, 'w'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
};

struct chosen {
    const char *folder, *region;
    bool json, watch;
};

static const struct {
    const char *label;
    int64_t days; /* less than that many are left */
} ages[] = {{"expired", 0},
            {"under 1 day", 1},
            {"under 7 days", 7},
            {"under 30 days", 30},
            {"under 90 days", 90},
            {"under 180 days", 180},
            {"180 days and more", INT64_MAX / CLOCK_DAY}};
enum { AGE_COUNT = sizeof ages / sizeof ages[0] };

struct next {
    int64_t due;
    char identifier[64], region[32], ca_identifier[32];
    enum rotation_reason reason;
    char change_to[32]; /* a change of CA that waits for the window; "": none */
};

struct glance {
    struct operation *operation;
    const char *region;
    json_t *by_ca, *by_age, *by_state;
    struct next next[NEXT_SHOWN]; /* the earliest, in order */
    size_t next_count;
    int64_t instances, outstanding;
    bool watch;
    int64_t watched_since;
    struct progress *progress;
    struct text_list told; /* what was told of instances in trouble */
    int result;
    struct error *error;
};

static void add_one(json_t *counts, const char *name)
{
    json_object_set_new(counts, name, json_integer(json_integer_value(json_object_get(counts, name)) + 1));
}

static const char *age_of(const struct instance_row *row, int64_t now)
{
    if (!row->served_issued_at)
        return "none yet";
    size_t i = 0;
    while (row->served_not_after - now >= ages[i].days * CLOCK_DAY)
        i++;
    return ages[i].label;
}

static const char *state_of(const struct instance_row *row, const struct rotation_plan *plan)
{
    json_t *rotation = json_loadb((const char *)row->rotation.data, row->rotation.length, 0, NULL);
    const char *kept = json_string_value(json_object_get(rotation, "state"));
    bool rehearsal = text_equal(json_string_value(json_object_get(rotation, "reason")), ROTATION_REHEARSAL);
    const char *state = rotate_outstanding(row)                         ? "in progress"
                        : text_equal(kept, "guarded") && rehearsal      ? "rehearsal"
                        : text_equal(kept, "guarded")                   ? "guarded"
                        : text_equal(kept, "undone") && !rehearsal      ? "undone"
                        : !slice_is(slice_buf(&row->maintenance), "{}") ? "pending maintenance"
                        : !slice_is(slice_buf(&row->pending), "{}")     ? "waiting for the window"
                        : plan->due != MOMENT_NEVER                     ? "scheduled"
                                                                        : "not by itself";
    json_decref(rotation);
    return state;
}

/* A change of CA that waits for the window comes before or in place of the next renewal. */
static void find_next(const struct instance_row *row, const struct rotation_plan *plan, struct next *next)
{
    struct rotation_facts facts;
    json_t *pending = json_loadb((const char *)row->pending.data, row->pending.length, 0, NULL);
    const char *ca = json_string_value(json_object_get(pending, "CACertificateIdentifier"));
    int restart = json_is_false(json_object_get(pending, "CertificateRotationRestart")) ? 0 : -1;
    *next = (struct next){.due = plan->due, .reason = plan->reason};
    text_copy(next->identifier, sizeof next->identifier, row->identifier);
    text_copy(next->region, sizeof next->region, row->region);
    text_copy(next->ca_identifier, sizeof next->ca_identifier, row->ca_identifier);
    if (ca) {
        rotation_facts_of(row, MOMENT_NEVER, &facts);
        int64_t moment = rotation_change_moment(&facts, false, restart, clock_now());
        if (moment < next->due) {
            next->due = moment;
            text_copy(next->change_to, sizeof next->change_to, ca);
        }
    }
    json_decref(pending);
}

/* Keeps the earliest rotations in order. */
static void note_next(struct glance *glance, const struct instance_row *row, const struct rotation_plan *plan)
{
    struct next next;
    size_t place = glance->next_count;
    find_next(row, plan, &next);
    if (next.due == MOMENT_NEVER || !row->running || rotate_outstanding(row))
        return;
    while (place > 0 && glance->next[place - 1].due > next.due)
        place--;
    if (place == NEXT_SHOWN)
        return;
    glance->next_count += glance->next_count < NEXT_SHOWN;
    for (size_t i = glance->next_count - 1; i > place; i--)
        glance->next[i] = glance->next[i - 1];
    glance->next[place] = next;
}

/* A rotation that was undone or that its host cannot carry out is named, once. */
static void note_trouble(struct glance *glance, const struct instance_row *row)
{
    json_t *rotation = json_loadb((const char *)row->rotation.data, row->rotation.length, 0, NULL);
    long long generation = (long long)json_integer_value(json_object_get(rotation, "generation"));
    bool undone = text_equal(json_string_value(json_object_get(rotation, "state")), "undone") &&
                  !text_equal(json_string_value(json_object_get(rotation, "reason")), ROTATION_REHEARSAL) &&
                  json_integer_value(json_object_get(rotation, "ended_at")) >= glance->watched_since;
    json_decref(rotation);
    const char *what = undone ? "undone: clients refused the new certificate"
                       : rotate_outstanding(row) && row->problem[0] ? row->problem
                                                                    : NULL;
    if (!what)
        return;
    AUTO_FREE char *key = mem_format("%s %lld %s", row->resource_id, generation, what);
    if (text_list_has(&glance->told, key))
        return;
    text_list_add(&glance->told, key);
    progress_break(glance->progress);
    fprintf(stderr, "%s (%s): %s\n", row->identifier, row->region, what);
}

static bool look_at(const struct instance_row *row, void *context)
{
    struct glance *glance = context;
    struct rotation_plan plan;
    if (row->deleted || (glance->region && !text_equal(glance->region, row->region)))
        return true;
    if (glance->watch)
        note_trouble(glance, row);
    glance->result = rotate_next(&glance->operation->fleet, row, &plan, glance->error);
    glance->instances++;
    glance->outstanding += rotate_outstanding(row);
    add_one(glance->by_ca, row->served_ca_identifier[0] ? row->served_ca_identifier : row->ca_identifier);
    add_one(glance->by_age, age_of(row, clock_now()));
    add_one(glance->by_state, state_of(row, &plan));
    note_next(glance, row, &plan);
    return glance->result == 0;
}

static void glance_begin(struct glance *glance, struct operation *operation, const char *region,
                         struct error *error)
{
    *glance = (struct glance){.operation = operation, .region = region, .error = error};
    glance->by_ca = json_object();
    glance->by_age = json_object();
    glance->by_state = json_object();
}

static void glance_free(struct glance *glance)
{
    json_decref(glance->by_ca);
    json_decref(glance->by_age);
    json_decref(glance->by_state);
}

static int take_look(struct glance *glance)
{
    int result = store_instance_list_all(glance->operation->fleet.store, look_at, glance, glance->error);
    return result ? result : glance->result;
}

static const char *reason_text(enum rotation_reason reason)
{
    return reason == ROTATION_EMERGENCY ? "outside the window: little life is left"
           : reason == ROTATION_BRIDGE  ? "a bridge in its chain ends"
                                        : "renewal in the window";
}

static json_t *next_json(const struct glance *glance)
{
    json_t *list = json_array();
    for (size_t i = 0; i < glance->next_count; i++) {
        const struct next *next = &glance->next[i];
        char when[32];
        clock_format_seconds(next->due, when);
        AUTO_FREE char *change = mem_format("change to %s in the window", next->change_to);
        const char *why = next->change_to[0] ? change : reason_text(next->reason);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "At", when, "DBInstanceIdentifier",
                                              next->identifier, "Region", next->region, "CAIdentifier",
                                              next->ca_identifier, "Why", why));
    }
    return list;
}

static void print_json(const struct glance *glance)
{
    json_t *json =
        json_pack("{s:I, s:I, s:O, s:O, s:O, s:o}", "Instances", (json_int_t)glance->instances,
                  "RotationsInProgress", (json_int_t)glance->outstanding, "ByCA", glance->by_ca, "ByExpiry",
                  glance->by_age, "ByRotation", glance->by_state, "NextRotations", next_json(glance));
    AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    puts(text);
}

static void print_counts(const char *title, json_t *counts)
{
    const char *name;
    json_t *value;
    printf("\n%s\n", title);
    json_object_foreach(counts, name, value)
        printf("  %-24s %8lld\n", name, (long long)json_integer_value(value));
}

static void print_text(const struct glance *glance)
{
    json_t *next = next_json(glance);
    size_t index;
    const json_t *each;
    printf("%lld instances\n", (long long)glance->instances);
    print_counts("by CA", glance->by_ca);
    print_counts("by expiry of the server certificate", glance->by_age);
    print_counts("by rotation", glance->by_state);
    printf("\nnext rotations\n");
    json_array_foreach(next, index, each)
        printf("  %s  %-24s %-16s %-18s %s\n", json_string_value(json_object_get(each, "At")),
               json_string_value(json_object_get(each, "DBInstanceIdentifier")),
               json_string_value(json_object_get(each, "Region")),
               json_string_value(json_object_get(each, "CAIdentifier")),
               json_string_value(json_object_get(each, "Why")));
    if (!glance->next_count)
        printf("  none by itself\n");
    json_decref(next);
}

/* The total is what is outstanding at its highest: more may begin meanwhile. */
static int watch(struct operation *operation, const char *region, struct error *error)
{
    struct progress progress;
    struct text_list told = {0};
    int64_t most = 0, since = clock_now();
    int result;
    progress_begin(&progress, stdout, "rotated", 0);
    for (;;) {
        struct glance glance;
        int64_t began = clock_steady();
        glance_begin(&glance, operation, region, error);
        glance.watch = true;
        glance.watched_since = since;
        glance.progress = &progress;
        glance.told = told;
        result = take_look(&glance);
        int64_t left = glance.outstanding;
        told = glance.told;
        glance_free(&glance);
        if (left > most)
            progress.total = most = left;
        if (result || most == 0)
            break;
        progress_show(&progress, most - left);
        if (left == 0)
            break;
        clock_pause(WATCH_PAUSE + 4 * (clock_steady() - began)); /* a large fleet's walk is not for free */
    }
    progress_end(&progress);
    text_list_free(&told);
    if (!result && most == 0)
        printf("No rotation is under way.\n");
    return result;
}

static int run(struct operation *operation, const struct chosen *chosen, struct error *error)
{
    struct glance glance;
    if (operation_check_region(operation, chosen->region, error))
        return (int)error->code;
    if (chosen->watch)
        return watch(operation, chosen->region, error);
    glance_begin(&glance, operation, chosen->region, error);
    int result = take_look(&glance);
    if (!result && chosen->json)
        print_json(&glance);
    else if (!result)
        print_text(&glance);
    glance_free(&glance);
    return result;
}

int cli_fleet(int argc, char **argv)
{
    struct chosen chosen = {.folder = "run"};
    struct operation operation;
    struct error error = {0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'd':
            chosen.folder = optarg;
            break;
        case 'r':
            chosen.region = optarg;
            break;
        case 'j':
            chosen.json = true;
            break;
        case 'w':
            chosen.watch = true;
            break;
        default:
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    int result = operation_open_read_only(&operation, chosen.folder, &error);
    if (!result)
        result = run(&operation, &chosen, &error);
    operation_close(&operation);
    return result ? cli_fail("fleet", &error) : 0;
}
