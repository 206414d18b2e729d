/* sealwright rotate: a change of CA, or pending maintenance, for one instance or many. */
#include "fleet/rotate.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/operate.h"
#include "fleet/authority.h"
#include "fleet/instance.h"
#include "fleet/maintenance.h"
#include "fleet/name.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { SOME_FAILED = 3, WATCH_PAUSE = 300 /* ms */ };

static const char help[] =
    "usage: sealwright rotate [--to CA] [--from CA] [--region R] [--engine E] (--all | ID...)\n"
    "                         [--immediate | --next-maintenance | --undo] [--dry-run] [--no-wait] [--run-dir "
    "DIR]\n"
    "\n"
    "With --to: moves instances to another CA, as modify-db-instance does for one. Without: answers their "
    "pending\n"
    "maintenance actions, as apply-pending-maintenance-action does.\n"
    "\n"
    "  --from CA            only those whose server certificate is of this CA\n"
    "  --region R           only those of this region (default: all)\n"
    "  --engine E           only those of this engine\n"
    "  --all                all that the options above leave; else the named ones\n"
    "  --immediate          at once; waits, with a progress bar, until it is done and the guard's time is "
    "over\n"
    "  --next-maintenance   in each instance's maintenance window (default)\n"
    "  --undo               takes that back\n"
    "  --dry-run            says what would be done\n"
    "  --no-wait            with --immediate: does not wait\n"
    "  --run-dir DIR        (default: run)\n"
    "\n"
    "Exit status: 0 all done, 3 some failed or were undone, 1 failed, 2 wrong usage.\n";

static const struct option options[] = {
    {"to", required_argument, NULL, 't'},
    {"from", required_argument, NULL, 'f'},
    {"region", required_argument, NULL, 'r'},
    {"engine", required_argument, NULL, 'e'},
    {"all", no_argument, NULL, 'a'},
    {"immediate", no_argument, NULL, 'i'},
    {"next-maintenance", no_argument, NULL, 'm'},
    {"undo", no_argument, NULL, 'u'},
    {"dry-run", no_argument, NULL, 'n'},
    {"no-wait", no_argument, NULL, 'w'},
    {"run-dir", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct chosen {
    const char *folder, *to, *from, *region, *engine;
    const char *opt_in; /* "immediate", "next-maintenance", "undo-opt-in" */
    bool all, dry_run, no_wait;
    char **identifiers;
    size_t identifier_count;
};

/* One instance that is to be rotated. */
struct target {
    char region[32], identifier[64], resource_id[40];
    struct text_list actions; /* pending maintenance actions; with --to: none */
    bool started;
};

struct plan {
    struct operation *operation;
    const struct chosen *chosen;
    struct target *targets;
    size_t count;
    bool *found; /* by identifier that was named */
    int64_t failed, missing;
};

static bool is_named(const struct chosen *chosen, const char *identifier)
{
    bool named = chosen->all;
    for (size_t i = 0; !named && i < chosen->identifier_count; i++)
        named = text_equal_ignoring_case(chosen->identifiers[i], identifier);
    return named;
}

/* A change to that CA that waits for the window or a restart. */
static bool waits_for(const struct instance_row *row, const char *ca_identifier)
{
    json_t *pending = json_loadb((const char *)row->pending.data, row->pending.length, 0, NULL);
    const char *waiting = json_string_value(json_object_get(pending, "CACertificateIdentifier"));
    bool waits = text_equal(waiting, ca_identifier);
    json_decref(pending);
    return waits;
}

static bool is_chosen(const struct chosen *chosen, const struct instance_row *row)
{
    if (row->deleted || !is_named(chosen, row->identifier) ||
        (chosen->region && !text_equal(chosen->region, row->region)) ||
        (chosen->engine && !text_equal(chosen->engine, row->engine)) ||
        (chosen->from && !text_equal(chosen->from, row->served_ca_identifier)))
        return false;
    if (!chosen->to)
        return !slice_is(slice_buf(&row->maintenance), "{}");
    return text_equal(chosen->opt_in, "undo-opt-in") ? waits_for(row, chosen->to)
                                                     : !text_equal(chosen->to, row->ca_identifier);
}

static void note_found(struct plan *plan, const struct instance_row *row)
{
    for (size_t i = 0; !row->deleted && i < plan->chosen->identifier_count; i++)
        plan->found[i] |= text_equal_ignoring_case(plan->chosen->identifiers[i], row->identifier) &&
                          (!plan->chosen->region || text_equal(plan->chosen->region, row->region));
}

static bool choose(const struct instance_row *row, void *context)
{
    struct plan *plan = context;
    note_found(plan, row);
    if (!is_chosen(plan->chosen, row))
        return true;
    plan->targets = mem_grow(plan->targets, plan->count + 1, sizeof *plan->targets);
    struct target *target = &plan->targets[plan->count++];
    *target = (struct target){0};
    text_copy(target->region, sizeof target->region, row->region);
    text_copy(target->identifier, sizeof target->identifier, row->identifier);
    text_copy(target->resource_id, sizeof target->resource_id, row->resource_id);
    json_t *actions = json_loadb((const char *)row->maintenance.data, row->maintenance.length, 0, NULL);
    const char *name;
    json_t *value;
    json_object_foreach(actions, name, value) text_list_add(&target->actions, name);
    json_decref(actions);
    return true;
}

static int change_ca(struct plan *plan, struct target *target, struct error *error)
{
    struct instance_row row = {0};
    bool undo = text_equal(plan->chosen->opt_in, "undo-opt-in");
    struct fleet *fleet = &plan->operation->fleet;
    int result = undo ? instance_get(fleet, target->region, target->identifier, false, &row, error) : 0;
    char current[32];
    text_copy(current, sizeof current, row.ca_identifier);
    const struct instance_modify modify = {
        .region = target->region,
        .identifier = target->identifier,
        .ca_identifier = undo ? current : plan->chosen->to, /* the one in force takes a pending one back */
        .apply_immediately = text_equal(plan->chosen->opt_in, "immediate"),
        .allocated_storage = -1,
        .port = -1,
        .rotation_restart = -1,
        .deletion_protection = -1,
    };
    instance_row_free(&row);
    row = (struct instance_row){0};
    if (!result)
        result = instance_modify(fleet, &modify, &row, error);
    instance_row_free(&row);
    return result;
}

static int answer_actions(struct plan *plan, struct target *target, struct error *error)
{
    char arn[300];
    int result = 0;
    name_instance_arn(&plan->operation->settings, target->region, target->identifier, arn);
    for (size_t i = 0; !result && i < target->actions.count; i++) {
        struct instance_row row = {0};
        result = maintenance_apply(&plan->operation->fleet, target->region, arn, target->actions.items[i],
                                   plan->chosen->opt_in, &row, error);
        instance_row_free(&row);
    }
    return result;
}

static void start_all(struct plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct target *target = &plan->targets[i];
        struct error error = {0};
        int result =
            plan->chosen->to ? change_ca(plan, target, &error) : answer_actions(plan, target, &error);
        target->started = !result;
        plan->failed += result != 0;
        if (result)
            fprintf(stderr, "%s (%s): %s\n", target->identifier, target->region, error.text);
    }
}

/* Is it still under way? One that was undone is told. */
static bool is_open(struct plan *plan, struct target *target)
{
    struct instance_row row = {0};
    bool open = false;
    if (target->started &&
        store_instance_get_by_resource(plan->operation->fleet.store, target->resource_id, &row, NULL) == 0) {
        json_t *rotation = json_loadb((const char *)row.rotation.data, row.rotation.length, 0, NULL);
        const char *state = json_string_value(json_object_get(rotation, "state"));
        bool undone = text_equal(state, "undone"), guarded = text_equal(state, "guarded");
        json_decref(rotation);
        /* Clients may refuse it, and have it undone, as long as the guard watches. */
        open = rotate_outstanding(&row) || guarded;
        if (!open && undone) {
            target->started = false;
            plan->failed++;
            fprintf(stderr, "%s (%s): undone: clients refused the new certificate\n", target->identifier,
                    target->region);
        }
    }
    instance_row_free(&row);
    return open;
}

static void await_all(struct plan *plan)
{
    struct progress progress;
    int64_t open = 0;
    progress_begin(&progress, stdout, "rotated", (int64_t)plan->count - plan->failed);
    do {
        open = 0;
        for (size_t i = 0; i < plan->count; i++)
            open += is_open(plan, &plan->targets[i]);
        progress_show(&progress, progress.total - open);
        if (open)
            clock_pause(WATCH_PAUSE);
    } while (open);
    progress_end(&progress);
}

static void print_plan(const struct plan *plan)
{
    const struct chosen *chosen = plan->chosen;
    const char *when = text_equal(chosen->opt_in, "immediate")     ? "at once"
                       : text_equal(chosen->opt_in, "undo-opt-in") ? "taken back"
                                                                   : "in their maintenance windows";
    printf("%zu instance%s: %s%s, %s\n", plan->count, plan->count == 1 ? "" : "s",
           chosen->to ? "to " : "pending maintenance", chosen->to ? chosen->to : "", when);
    for (size_t i = 0; chosen->dry_run && i < plan->count; i++)
        printf("  %-24s %s\n", plan->targets[i].identifier, plan->targets[i].region);
}

/* Names of no instance count as failures: a slip of the pen must not look like work that is done. */
static void tell_missing(struct plan *plan)
{
    for (size_t i = 0; i < plan->chosen->identifier_count; i++) {
        if (plan->found[i])
            continue;
        plan->missing++;
        fprintf(stderr, "%s: there is no such instance%s%s\n", plan->chosen->identifiers[i],
                plan->chosen->region ? " in " : "", plan->chosen->region ? plan->chosen->region : "");
    }
}

static int run(struct plan *plan, struct error *error)
{
    const struct chosen *chosen = plan->chosen;
    const struct ca_profile *profile;
    struct fleet *fleet = &plan->operation->fleet;
    if (chosen->to &&
        authority_check(fleet, plan->operation->settings.home_region, chosen->to, &profile, error))
        return (int)error->code;
    int result = operation_check_region(plan->operation, chosen->region, error);
    if (!result)
        result = store_instance_list_all(fleet->store, choose, plan, error);
    if (result)
        return result;
    tell_missing(plan);
    print_plan(plan);
    if (chosen->dry_run)
        return 0;
    start_all(plan);
    if (text_equal(chosen->opt_in, "immediate") && !chosen->no_wait)
        await_all(plan);
    if (plan->failed)
        printf("%lld of %zu failed\n", (long long)plan->failed, plan->count);
    return 0;
}

static int read_options(int argc, char **argv, struct chosen *chosen)
{
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 't':
            chosen->to = optarg;
            break;
        case 'f':
            chosen->from = optarg;
            break;
        case 'r':
            chosen->region = optarg;
            break;
        case 'e':
            chosen->engine = optarg;
            break;
        case 'a':
            chosen->all = true;
            break;
        case 'i':
            chosen->opt_in = "immediate";
            break;
        case 'm':
            chosen->opt_in = "next-maintenance";
            break;
        case 'u':
            chosen->opt_in = "undo-opt-in";
            break;
        case 'n':
            chosen->dry_run = true;
            break;
        case 'w':
            chosen->no_wait = true;
            break;
        case 'd':
            chosen->folder = optarg;
            break;
        default:
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? -1 : 2;
        }
    }
    chosen->identifiers = argv + optind;
    chosen->identifier_count = (size_t)(argc - optind);
    return chosen->all == (chosen->identifier_count > 0) ? cli_usage("rotate", "name instances, or --all")
                                                         : 0;
}

int cli_rotate(int argc, char **argv)
{
    struct chosen chosen = {.folder = "run", .opt_in = "next-maintenance"};
    struct operation operation;
    struct plan plan = {.operation = &operation, .chosen = &chosen};
    struct error error = {0};
    int status = read_options(argc, argv, &chosen);
    if (status)
        return status < 0 ? 0 : status;
    plan.found = mem_new_array(chosen.identifier_count + 1, sizeof *plan.found);
    int result = operation_open(&operation, chosen.folder, &error);
    if (!result)
        result = run(&plan, &error);
    operation_close(&operation);
    for (size_t i = 0; i < plan.count; i++)
        text_list_free(&plan.targets[i].actions);
    free(plan.targets);
    free(plan.found);
    return result ? cli_fail("rotate", &error) : plan.failed || plan.missing ? SOME_FAILED : 0;
}
