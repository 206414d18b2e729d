/* sealwright init: makes a run folder. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/layout.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sealwright init --run-dir DIR [options]\n"
    "\n"
    "Makes a run folder: settings, folders, keys, an administrator's access key and DIR/env.sh with what "
    "clients need.\n"
    "A run folder that exists is left as it is.\n"
    "\n"
    "  --run-dir DIR           the folder (default: run)\n"
    "  --port PORT             of the HTTPS endpoint (default: 8443)\n"
    "  --regions A,B,...       regions of the default table (default: all 29)\n"
    "  --home-region REGION    whose authorities are made first (default: us-east-1)\n"
    "  --domain DOMAIN         endpoints are ID.HASH.REGION.rds.DOMAIN (default: localhost)\n"
    "  --account ACCOUNT       12 digits, in ARNs (default: 123456789012)\n"
    "  --workers N             server processes (default: 2)\n"
    "  --customer-domain NAME  allows names in this domain in server certificates; may be given again\n"
    "  --help\n"
    "\n"
    "Everything else is in DIR/sealwright.json, see docs/operations.md.\n";

enum {
    OPTION_RUN = 1000,
    OPTION_PORT,
    OPTION_REGIONS,
    OPTION_HOME,
    OPTION_DOMAIN,
    OPTION_ACCOUNT,
    OPTION_WORKERS,
    OPTION_CUSTOMER,
    OPTION_HELP
};

static const struct option options[] = {
    {"run-dir", required_argument, NULL, OPTION_RUN},
    {"port", required_argument, NULL, OPTION_PORT},
    {"regions", required_argument, NULL, OPTION_REGIONS},
    {"home-region", required_argument, NULL, OPTION_HOME},
    {"domain", required_argument, NULL, OPTION_DOMAIN},
    {"account", required_argument, NULL, OPTION_ACCOUNT},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"customer-domain", required_argument, NULL, OPTION_CUSTOMER},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static int read_number(const char *name, const char *text, int64_t least, int64_t most, int *number,
                       struct error *error)
{
    int64_t value = 0;
    if (!text_integer(text, least, most, &value))
        return error_set(error, ERROR_INVALID, "--%s: expected a number from %lld to %lld, found %s", name,
                         (long long)least, (long long)most, text);
    *number = (int)value;
    return 0;
}

static int read_regions(struct settings *settings, const char *list, struct error *error)
{
    AUTO_FREE char *copy = mem_string(list);
    char *rest = NULL;
    for (char *name = strtok_r(copy, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
        if (region_table_add(&settings->regions, name, NULL, NULL, error))
            return (int)error->code;
    return 0;
}

static int read_fixed(const char *name, char *target, size_t size, const char *text, struct error *error)
{
    return text_copy(target, size, text)
               ? 0
               : error_set(error, ERROR_INVALID, "--%s: %s is too long", name, text);
}

static int read_option(struct settings *settings, int option, const char *value, struct error *error)
{
    switch (option) {
    case OPTION_PORT:
        return read_number("port", value, 1, 65535, &settings->port, error);
    case OPTION_WORKERS:
        return read_number("workers", value, 1, 64, &settings->workers, error);
    case OPTION_REGIONS:
        return read_regions(settings, value, error);
    case OPTION_HOME:
        return read_fixed("home-region", settings->home_region, sizeof settings->home_region, value, error);
    case OPTION_DOMAIN:
        return read_fixed("domain", settings->domain, sizeof settings->domain, value, error);
    case OPTION_ACCOUNT:
        return read_fixed("account", settings->account, sizeof settings->account, value, error);
    case OPTION_CUSTOMER:
        text_list_add(&settings->customer_domains, value);
        return 0;
    default:
        return 0;
    }
}

/* The home region of a subset that lacks the default one is its first. */
static int complete(struct settings *settings, bool home_given, struct error *error)
{
    if (settings->regions.count == 0)
        region_table_add_defaults(&settings->regions);
    if (!home_given && !region_find(&settings->regions, settings->home_region))
        text_copy(settings->home_region, sizeof settings->home_region, settings->regions.regions[0].name);
    if (!region_find(&settings->regions, settings->home_region))
        return error_set(error, ERROR_INVALID, "--home-region: %s is not one of the regions",
                         settings->home_region);
    if (strlen(settings->account) != 12 || strspn(settings->account, "0123456789") != 12)
        return error_set(error, ERROR_INVALID, "--account: expected 12 digits, found %s", settings->account);
    return 0;
}

int cli_init(int argc, char **argv)
{
    const char *folder = "run";
    bool home_given = false;
    struct settings settings;
    struct error error = {0};
    settings_defaults(&settings, "");
    int result = 0;
    for (int option; !result && (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == OPTION_HELP || option == '?') {
            fputs(help, option == '?' ? stderr : stdout);
            settings_free(&settings);
            return option == '?' ? 2 : 0;
        }
        if (option == OPTION_RUN)
            folder = optarg;
        home_given |= option == OPTION_HOME;
        result = read_option(&settings, option, optarg, &error);
    }
    if (!result && optind < argc)
        result = error_set(&error, ERROR_INVALID, "unexpected %s", argv[optind]);
    if (!result)
        result = complete(&settings, home_given, &error);
    if (result) {
        settings_free(&settings);
        return cli_usage("init", "%s", error.text);
    }
    free(settings.run_folder);
    settings.run_folder = cli_run_folder(folder);
    result = layout_make(&settings, &error);
    settings_free(&settings);
    return result ? cli_fail("init", &error) : 0;
}
