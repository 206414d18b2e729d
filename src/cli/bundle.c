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
    "usage: sealwright bundle [--region R [--ca-identifier CA] | --partition P] [--format F] [--output "
    "FILE]\n"
    "                         [--endpoint URL --ca FILE | --run-dir DIR]\n"
    "\n"
    "Fetches a trust bundle over HTTPS, or exports it from a run folder without a server.\n"
    "\n"
    "  --region R           roots and subordinates of one region\n"
    "  --ca-identifier CA   with --region: the root of this CA alone\n"
    "  --partition P        aws (default) or aws-us-gov: all of its regions\n"
    "  --format F           pem (default), p7b, jks, p12, json (the index); jks and p12 have the password "
    "changeit\n"
    "  --output FILE        default: standard output\n"
    "  --endpoint URL       default: $SEALWRIGHT_ENDPOINT\n"
    "  --ca FILE            what the endpoint's certificate is verified with; default: $SEALWRIGHT_CA\n"
    "  --run-dir DIR        exports from this run folder\n"
    "  --help\n";

static const struct option options[] = {
    {"region", required_argument, NULL, 'r'},
    {"ca-identifier", required_argument, NULL, 'c'},
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
    const char *region, *ca_identifier, *partition, *format, *output, *endpoint, *ca, *run_folder;
};

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    buf_append(context, data, size * count);
    return size * count;
}

static char *address_of(const struct chosen *chosen, const char *partition)
{
    bool index = text_equal(chosen->format, "json");
    const char *place = chosen->region ? chosen->region : "global";
    if (index)
        return mem_format("%s/%s/%s/index.json", chosen->endpoint, partition, place);
    return mem_format("%s/%s/%s/%s-%s.%s", chosen->endpoint, partition, place, place,
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
    if (text_is_empty(chosen->endpoint))
        return error_set(error, ERROR_INVALID,
                         "no endpoint: give --endpoint, or source env.sh of a run folder");
    if (!text_starts_with(chosen->endpoint, "https://"))
        return error_set(error, ERROR_INVALID, "%s: bundles come over HTTPS only", chosen->endpoint);
    AUTO_FREE char *url = address_of(chosen, chosen->partition);
    int result = fetch_from(chosen, url, body, error);
    if (result != ERROR_NOT_FOUND || !chosen->region)
        return result;
    AUTO_FREE char *other = address_of(chosen, PARTITION_GOVCLOUD);
    buf_clear(body);
    return fetch_from(chosen, other, body, error);
}

static int render(struct fleet *fleet, const struct chosen *chosen, struct buf *body, struct error *error)
{
    struct bundle_scope scope = {0};
    struct bundle_content content;
    const struct bundle_format *format = render_format(chosen->format);
    if (!text_copy(scope.partition, sizeof scope.partition, chosen->region ? "" : chosen->partition) ||
        (chosen->region && !region_find(&fleet->settings->regions, chosen->region)))
        return error_set(error, ERROR_INVALID, "%s is not one of the regions of this run folder",
                         chosen->region ? chosen->region : chosen->partition);
    if (chosen->region)
        text_copy(scope.region, sizeof scope.region, chosen->region);
    if (chosen->ca_identifier)
        text_copy(scope.ca_identifier, sizeof scope.ca_identifier, chosen->ca_identifier);
    int result = catalog_gather(fleet, &scope, &content, error);
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
    struct fleet fleet = {0};
    AUTO_FREE char *folder = cli_run_folder(chosen->run_folder);
    int result = settings_load(&settings, folder, error);
    if (!result)
        result = server_open_fleet(&settings, &fleet, error);
    if (!result) {
        result = render(&fleet, chosen, body, error);
        server_close_fleet(&fleet);
    }
    settings_free(&settings);
    return result;
}

static int check(const struct chosen *chosen, struct error *error)
{
    if (!text_equal(chosen->format, "json") && !render_format(chosen->format))
        return error_set(error, ERROR_INVALID, "--format: expected pem, p7b, jks, p12 or json, found %s",
                         chosen->format);
    if (!text_equal(chosen->partition, PARTITION_AWS) && !text_equal(chosen->partition, PARTITION_GOVCLOUD))
        return error_set(error, ERROR_INVALID, "--partition: expected aws or aws-us-gov, found %s",
                         chosen->partition);
    if (chosen->ca_identifier && (!chosen->region || !ca_profile_find(chosen->ca_identifier)))
        return error_set(error, ERROR_INVALID,
                         "--ca-identifier: expected one of the four, and --region with it");
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
        ['a'] = &chosen->ca,     ['d'] = &chosen->run_folder};
    *places[option] = optarg;
}

int cli_bundle(int argc, char **argv)
{
    struct chosen chosen = {.partition = PARTITION_AWS,
                            .format = "pem",
                            .endpoint = getenv("SEALWRIGHT_ENDPOINT"),
                            .ca = getenv("SEALWRIGHT_CA")};
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
