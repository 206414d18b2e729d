/* sealwright bundle: fetches a trust bundle from a server, or exports it from a run folder without one. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "server/server.h"
#include "truststore/catalog.h"
#include "truststore/render.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "usage: sealwright bundle [--region R [--ca-identifier CA] | --global] [--partition P] [--format F]\n"
    "                         [--output FILE] [--endpoint URL --ca FILE | --run-dir DIR]\n"
    "\n"
    "Fetches a trust bundle over HTTPS, or exports it from a run folder without a server.\n"
    "\n"
    "  --region R           roots and subordinates of one region\n"
    "  --ca-identifier CA   with --region: the root of this CA alone\n"
    "  --global             roots and subordinates of all regions of the partition (default)\n"
    "  --partition P        aws (default) or aws-us-gov\n"
    "  --format F           pem (default), p7b, jks, p12, json (the index); jks and p12 have the password "
    "changeit\n"
    "  --output FILE        replaced as one step; default: standard output\n"
    "  --endpoint URL       default: $SEALWRIGHT_ENDPOINT\n"
    "  --ca FILE            what the endpoint's certificate is verified with; default: $SEALWRIGHT_CA\n"
    "  --run-dir DIR        exports from this run folder, which is only read\n"
    "  --help\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage.\n";

static const struct option options[] = {
    {"region", required_argument, NULL, 'r'},
    {"ca-identifier", required_argument, NULL, 'c'},
    {"global", no_argument, NULL, 'g'},
    {"partition", required_argument, NULL, 'p'},
    {"format", required_argument, NULL, 'f'},
    {"output", required_argument, NULL, 'o'},
    {"endpoint", required_argument, NULL, 'e'},
    {"ca", required_argument, NULL, 'a'},
    {"run-dir", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct chosen {
    const char *region, *ca_identifier, *global, *partition, *format, *output, *endpoint, *ca, *run_folder;
};

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    buf_append(context, data, size * count);
    return size * count;
}

static char *address_of(const struct chosen *chosen, const char *partition)
{
    const char *folder = chosen->region ? chosen->region : "global";
    size_t length = strlen(chosen->endpoint);
    while (length && chosen->endpoint[length - 1] == '/')
        length--;
    if (text_equal(chosen->format, "json"))
        return mem_format("%.*s/%s/%s/index.json", (int)length, chosen->endpoint, partition, folder);
    return mem_format("%.*s/%s/%s/%s-%s.%s", (int)length, chosen->endpoint, partition, folder, folder,
                      chosen->ca_identifier ? chosen->ca_identifier : "bundle", chosen->format);
}

static int fetch_from(const struct chosen *chosen, const char *url, struct buf *body, struct error *error)
{
    char reason[CURL_ERROR_SIZE] = "";
    long status = 0;
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    if (!text_is_empty(chosen->ca))
        curl_easy_setopt(curl, CURLOPT_CAINFO, chosen->ca);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK)
        return error_set(error, ERROR_IO, "%s: %s", url, reason[0] ? reason : curl_easy_strerror(code));
    if (status != 200)
        return error_set(error, status == 404 ? ERROR_NOT_FOUND : ERROR_IO, "%s: status %ld: %.*s", url,
                         status, (int)strcspn(buf_text(body), "\n"), buf_text(body));
    return 0;
}

/* A region's partition need not be named: a region is in one only. */
static int fetch(const struct chosen *chosen, struct buf *body, struct error *error)
{
    if (!chosen->endpoint || !chosen->endpoint[0])
        return error_set(error, ERROR_INVALID,
                         "no endpoint: give --endpoint, or source env.sh of a run folder");
    if (!text_starts_with(chosen->endpoint, "https://"))
        return error_set(error, ERROR_INVALID, "%s: bundles come over HTTPS only", chosen->endpoint);
    AUTO_FREE char *url = address_of(chosen, chosen->partition ? chosen->partition : PARTITION_AWS);
    int result = fetch_from(chosen, url, body, error);
    if (result != ERROR_NOT_FOUND || !chosen->region || chosen->partition)
        return result;
    AUTO_FREE char *other = address_of(chosen, PARTITION_GOVCLOUD);
    buf_clear(body);
    return fetch_from(chosen, other, body, error);
}

static int scope_of(const struct settings *settings, const struct chosen *chosen, struct bundle_scope *scope,
                    struct error *error)
{
    const struct region *region = chosen->region ? region_find(&settings->regions, chosen->region) : NULL;
    if (chosen->region && !region) {
        AUTO_BUF struct buf names = {0};
        catalog_region_names(settings, &names);
        return error_set(error, ERROR_NOT_FOUND, "there is no region %s in %s; there are: %s", chosen->region,
                         settings->run_folder, buf_text(&names));
    }
    if (region && chosen->partition && !text_equal(chosen->partition, region->partition))
        return error_set(error, ERROR_NOT_FOUND, "region %s belongs to partition %s, not %s", region->name,
                         region->partition, chosen->partition);
    if (region)
        text_copy(scope->region, sizeof scope->region, region->name);
    else
        text_copy(scope->partition, sizeof scope->partition,
                  chosen->partition ? chosen->partition : PARTITION_AWS);
    if (chosen->ca_identifier)
        text_copy(scope->ca_identifier, sizeof scope->ca_identifier, chosen->ca_identifier);
    return 0;
}

static int render(struct fleet *fleet, const struct chosen *chosen, struct buf *body, struct error *error)
{
    struct bundle_scope scope = {0};
    struct bundle_content content;
    const struct bundle_format *format = render_format(chosen->format);
    int result = scope_of(fleet->settings, chosen, &scope, error);
    if (!result)
        result = catalog_gather(fleet, &scope, &content, error);
    if (result)
        return result;
    result = format ? render_bundle(&content, format, body, error)
                    : render_index(fleet, &scope, &content, body, error);
    bundle_content_free(&content);
    return result;
}

static int export_from_store(const struct chosen *chosen, struct buf *body, struct error *error)
{
    struct settings settings = {0};
    struct fleet fleet = {.settings = &settings};
    AUTO_FREE char *folder = cli_run_folder(chosen->run_folder);
    int result = settings_load(&settings, folder, error);
    if (!result) {
        AUTO_FREE char *file = settings_path(&settings, SERVER_STORE_FILE);
        result = store_open_read_only(file, &fleet.store, error);
    }
    if (!result)
        result = render(&fleet, chosen, body, error);
    store_close(fleet.store);
    settings_free(&settings);
    return result;
}

static bool is_partition(const char *name)
{
    return text_equal(name, PARTITION_AWS) || text_equal(name, PARTITION_GOVCLOUD);
}

/* Checks the words of the call; a CA identifier gets the case it is known by. */
static int check(struct chosen *chosen, struct error *error)
{
    const struct ca_profile *profile = chosen->ca_identifier ? ca_profile_find(chosen->ca_identifier) : NULL;
    if (!text_equal(chosen->format, "json") && !render_format(chosen->format))
        return error_set(error, ERROR_INVALID, "--format: expected pem, p7b, jks, p12 or json, found %s",
                         chosen->format);
    if (chosen->partition && !is_partition(chosen->partition))
        return error_set(error, ERROR_INVALID, "--partition: expected aws or aws-us-gov, found %s",
                         chosen->partition);
    if (chosen->region && chosen->global)
        return error_set(error, ERROR_INVALID, "--region and --global exclude each other");
    if (chosen->ca_identifier && !profile)
        return error_set(error, ERROR_INVALID,
                         "--ca-identifier: expected rds-ca-2019, rds-ca-rsa2048-g1, rds-ca-rsa4096-g1 or "
                         "rds-ca-ecc384-g1, found %s",
                         chosen->ca_identifier);
    if (profile && (!chosen->region || text_equal(chosen->format, "json")))
        return error_set(error, ERROR_INVALID, "--ca-identifier goes with --region and a format of bundles");
    if (profile)
        chosen->ca_identifier = profile->identifier;
    return 0;
}

static int write_out(const struct chosen *chosen, const struct buf *body, struct error *error)
{
    return chosen->output ? file_write(chosen->output, slice_buf(body), 0644, error)
                          : file_write_all(STDOUT_FILENO, slice_buf(body), error);
}

static void read_option(struct chosen *chosen, int option)
{
    const char **places[] = {
        ['r'] = &chosen->region, ['c'] = &chosen->ca_identifier, ['p'] = &chosen->partition,
        ['f'] = &chosen->format, ['o'] = &chosen->output,        ['e'] = &chosen->endpoint,
        ['a'] = &chosen->ca,     ['d'] = &chosen->run_folder,    ['g'] = &chosen->global};
    *places[option] = optarg ? optarg : "";
}

int cli_bundle(int argc, char **argv)
{
    struct chosen chosen = {
        .format = "pem", .endpoint = getenv("SEALWRIGHT_ENDPOINT"), .ca = getenv("SEALWRIGHT_CA")};
    struct error error = {0};
    AUTO_BUF struct buf body = {0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'h' || option == '?') {
            fputs(help, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
        read_option(&chosen, option);
    }
    if (optind < argc)
        return cli_usage("bundle", "unexpected %s", argv[optind]);
    if (check(&chosen, &error))
        return cli_usage("bundle", "%s", error.text);
    int result =
        chosen.run_folder ? export_from_store(&chosen, &body, &error) : fetch(&chosen, &body, &error);
    if (!result)
        result = write_out(&chosen, &body, &error);
    return result ? cli_fail("bundle", &error) : 0;
}
