/* sealwright rehearse: another CA's certificate for a while, and who refused it. */
#include "fleet/rehearsal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/operate.h"

#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { REFUSED = 3, INTERRUPTED = 130, LOOK_PAUSE = 200 /* ms */ };

static const char help[] =
    "usage: sealwright rehearse --db-instance-identifier ID --ca-certificate-identifier CA --seconds N\n"
    "                           [--region R] [--run-dir DIR] [--no-wait]\n"
    "\n"
    "Serves a certificate of another CA for N seconds, then the one from before again, without a restart; "
    "lists the\n"
    "clients that refused it. Interrupted, it leaves the rehearsal running: it ends by itself.\n"
    "\n"
    "  --region R     (default: the home region)\n"
    "  --run-dir DIR  (default: run)\n"
    "  --no-wait      only starts it; the event at its end tells the outcome\n"
    "\n"
    "Over the API: aws rds add-tags-to-resource --resource-name ARN --tags Key=sealwright:rehearse,Value='CA "
    "N'\n"
    "\n"
    "Exit status: 0 nobody refused, 3 somebody did, 1 failed, 2 wrong usage, 130 interrupted.\n";

static const struct option options[] = {
    {"db-instance-identifier", required_argument, NULL, 'i'},
    {"ca-certificate-identifier", required_argument, NULL, 'c'},
    {"seconds", required_argument, NULL, 's'},
    {"region", required_argument, NULL, 'r'},
    {"run-dir", required_argument, NULL, 'd'},
    {"no-wait", no_argument, NULL, 'n'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct chosen {
    const char *folder, *region, *ca_identifier;
    char *identifier; /* in the arguments; identifiers are lowercase */
    int64_t seconds;
    bool no_wait;
};

/* The record of the rotation once the rehearsal has ended; NULL while it runs. */
static json_t *ended(struct operation *operation, const struct chosen *chosen, bool *served,
                     struct error *error)
{
    struct instance_row row = {0};
    json_t *rotation = NULL;
    if (store_instance_get(operation->fleet.store, chosen->region, chosen->identifier, &row, error) == 0) {
        *served = text_equal(row.served_ca_identifier, chosen->ca_identifier);
        if (slice_is(slice_buf(&row.rehearsal), "{}"))
            rotation = json_loadb((const char *)row.rotation.data, row.rotation.length, 0, NULL);
    }
    instance_row_free(&row);
    return rotation;
}

/* Its record is overwritten when something else was asked for meanwhile, or when the certificate from before
 * could not serve again: then nobody knows who refused. */
static int print_outcome(const json_t *rotation)
{
    if (!text_equal(json_string_value(json_object_get(rotation, "reason")), ROTATION_REHEARSAL)) {
        fprintf(stderr,
                "The rehearsal ended early, with another certificate: who would have refused it is not "
                "known; see describe-events.\n");
        return 1;
    }
    const json_t *clients = json_object_get(rotation, "clients");
    long long refusals = (long long)json_integer_value(json_object_get(rotation, "refusals"));
    size_t index;
    const json_t *client;
    if (!refusals) {
        printf("No client refused it. The certificate from before is served again.\n");
        return 0;
    }
    printf("%lld connection%s refused it, of clients at:\n", refusals, refusals == 1 ? "" : "s");
    json_array_foreach(clients, index, client) printf("  %s\n", json_string_value(client));
    printf("The certificate from before is served again.\n");
    return REFUSED;
}

static void on_interrupt(int number)
{
    static const char text[] =
        "\nThe rehearsal goes on; it ends by itself, and an event tells who refused.\n";
    (void)number;
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    _exit(written < 0 ? 1 : INTERRUPTED);
}

static int await(struct operation *operation, const struct chosen *chosen, int *status, struct error *error)
{
    struct progress progress;
    int64_t began = 0;
    json_t *rotation = NULL;
    progress_begin(&progress, stdout, "seconds", chosen->seconds);
    progress.shown = progress.terminal ? -1 : 0; /* seconds need no lines of their own */
    while (!rotation && !error->code) {
        bool served = false;
        rotation = ended(operation, chosen, &served, error);
        if (served && !began)
            began = clock_steady();
        int64_t passed = began ? (clock_steady() - began) / CLOCK_SECOND : 0;
        if (progress.terminal)
            progress_show(&progress, passed < chosen->seconds ? passed : chosen->seconds);
        if (!rotation)
            clock_pause(LOOK_PAUSE);
    }
    progress_end(&progress);
    if (rotation)
        *status = print_outcome(rotation);
    json_decref(rotation);
    return (int)error->code;
}

static int run(struct operation *operation, struct chosen *chosen, int *status, struct error *error)
{
    if (!chosen->region)
        chosen->region = operation->settings.home_region;
    text_lower(chosen->identifier);
    int result = rehearsal_start(&operation->fleet, chosen->region, chosen->identifier, chosen->ca_identifier,
                                 chosen->seconds, error);
    if (result)
        return result;
    printf("%s serves %s for %lld seconds.\n", chosen->identifier, chosen->ca_identifier,
           (long long)chosen->seconds);
    fflush(stdout);
    if (!chosen->no_wait)
        signal(SIGINT, on_interrupt);
    return chosen->no_wait ? 0 : await(operation, chosen, status, error);
}

static int read_options(int argc, char **argv, struct chosen *chosen)
{
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'i':
            chosen->identifier = optarg;
            break;
        case 'c':
            chosen->ca_identifier = optarg;
            break;
        case 's':
            if (!text_integer(optarg, REHEARSAL_LEAST, REHEARSAL_MOST, &chosen->seconds))
                return cli_usage("rehearse", "--seconds: %d to %d", REHEARSAL_LEAST, REHEARSAL_MOST);
            break;
        case 'r':
            chosen->region = optarg;
            break;
        case 'd':
            chosen->folder = optarg;
            break;
        case 'n':
            chosen->no_wait = true;
            break;
        default:
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? -1 : 2;
        }
    }
    if (!chosen->identifier || !chosen->ca_identifier || !chosen->seconds)
        return cli_usage("rehearse",
                         "--db-instance-identifier, --ca-certificate-identifier and --seconds are needed");
    return 0;
}

int cli_rehearse(int argc, char **argv)
{
    struct chosen chosen = {.folder = "run"};
    struct operation operation;
    struct error error = {0};
    int outcome = 0;
    int status = read_options(argc, argv, &chosen);
    if (status)
        return status < 0 ? 0 : status;
    int result = operation_open(&operation, chosen.folder, &error);
    if (!result)
        result = run(&operation, &chosen, &outcome, &error);
    operation_close(&operation);
    return result ? cli_fail("rehearse", &error) : outcome;
}
