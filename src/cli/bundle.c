/* sealwright bundle: fetches a trust bundle from a server, or exports it from a run folder without one. */
#include "cli/bundle.h"

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
    struct bundle_request request;
    const char *global, *output;
};

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    buf_append(context, data, size * count);
    return size * count;
}

static char *address_of(const struct bundle_request *request, const char *partition)
{
    const char *folder = request->region ? request->region : "global";
    size_t length = strlen(request->endpoint);
    while (length && request->endpoint[length - 1] == '/')
        length--;
    if (text_equal(request->format, "json"))
        return mem_format("%.*s/%s/%s/index.json", (int)length, request->endpoint, partition, folder);
    return mem_format("%.*s/%s/%s/%s-%s.%s", (int)length, request->endpoint, partition, folder, folder,
                      request->ca_identifier ? request->ca_identifier : "bundle", request->format);
}

static int fetch_from(const struct bundle_request *request, const char *url, struct buf *body,
                      struct error *error)
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
    if (!text_is_empty(request->ca))
        curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca);
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
static int fetch(const struct bundle_request *request, struct buf *body, struct error *error)
{
    if (!request->endpoint || !request->endpoint[0])
        return error_set(error, ERROR_INVALID,
                         "no endpoint: give --endpoint, or source env.sh of a run folder");
    if (!text_starts_with(request->endpoint, "https://"))
        return error_set(error, ERROR_INVALID, "%s: bundles come over HTTPS only", request->endpoint);
    AUTO_FREE char *url = address_of(request, request->partition ? request->partition : PARTITION_AWS);
    int result = fetch_from(request, url, body, error);
    if (result != ERROR_NOT_FOUND || !request->region || request->partition)
        return result;
    AUTO_FREE char *other = address_of(request, PARTITION_GOVCLOUD);
    buf_clear(body);
    return fetch_from(request, other, body, error);
}

static int scope_of(const struct settings *settings, const struct bundle_request *request,
                    struct bundle_scope *scope, struct error *error)
{
    const struct region *region = request->region ? region_find(&settings->regions, request->region) : NULL;
    if (request->region && !region) {
        AUTO_BUF struct buf names = {0};
        catalog_region_names(settings, &names);
        return error_set(error, ERROR_NOT_FOUND, "there is no region %s in %s; there are: %s",
                         request->region, settings->run_folder, buf_text(&names));
    }
    if (region && request->partition && !text_equal(request->partition, region->partition))
        return error_set(error, ERROR_NOT_FOUND, "region %s belongs to partition %s, not %s", region->name,
                         region->partition, request->partition);
    if (region)
        text_copy(scope->region, sizeof scope->region, region->name);
    else
        text_copy(scope->partition, sizeof scope->partition,
                  request->partition ? request->partition : PARTITION_AWS);
    if (request->ca_identifier)
        text_copy(scope->ca_identifier, sizeof scope->ca_identifier, request->ca_identifier);
    return 0;
}

static int render(struct fleet *fleet, const struct bundle_request *request, struct buf *body,
                  struct error *error)
{
    struct bundle_scope scope = {0};
    struct bundle_content content;
    const struct bundle_format *format = render_format(request->format);
    int result = scope_of(fleet->settings, request, &scope, error);
    if (!result)
        result = catalog_gather(fleet, &scope, &content, error);
    if (result)
        return result;
    result = format ? render_bundle(&content, format, body, error)
                    : render_index(fleet, &scope, &content, body, error);
    bundle_content_free(&content);
    return result;
}

static int export_from_store(const struct bundle_request *request, struct buf *body, struct error *error)
{
    struct settings settings = {0};
    struct fleet fleet = {.settings = &settings};
    AUTO_FREE char *folder = cli_run_folder(request->run_folder);
    int result = settings_load(&settings, folder, error);
    if (!result) {
        AUTO_FREE char *file = settings_path(&settings, SERVER_STORE_FILE);
        result = store_open_read_only(file, &fleet.store, error);
    }
    if (!result)
        result = render(&fleet, request, body, error);
    store_close(fleet.store);
    settings_free(&settings);
    return result;
}

int bundle_read(const struct bundle_request *request, struct buf *body, struct error *error)
{
    return request->run_folder ? export_from_store(request, body, error) : fetch(request, body, error);
}

static bool is_partition(const char *name)
{
    return text_equal(name, PARTITION_AWS) || text_equal(name, PARTITION_GOVCLOUD);
}

/* Checks the words of the call; a CA identifier gets the case it is known by. */
static int check(struct chosen *chosen, struct error *error)
{
    struct bundle_request *request = &chosen->request;
    const struct ca_profile *profile =
        request->ca_identifier ? ca_profile_find(request->ca_identifier) : NULL;
    if (!text_equal(request->format, "json") && !render_format(request->format))
        return error_set(error, ERROR_INVALID, "--format: expected pem, p7b, jks, p12 or json, found %s",
                         request->format);
    if (request->partition && !is_partition(request->partition))
        return error_set(error, ERROR_INVALID, "--partition: expected aws or aws-us-gov, found %s",
                         request->partition);
    if (request->region && chosen->global)
        return error_set(error, ERROR_INVALID, "--region and --global exclude each other");
    if (request->ca_identifier && !profile)
        return error_set(error, ERROR_INVALID,
                         "--ca-identifier: expected rds-ca-2019, rds-ca-rsa2048-g1, rds-ca-rsa4096-g1 or "
                         "rds-ca-ecc384-g1, found %s",
                         request->ca_identifier);
    if (profile && (!request->region || text_equal(request->format, "json")))
        return error_set(error, ERROR_INVALID, "--ca-identifier goes with --region and a format of bundles");
    if (profile)
        request->ca_identifier = profile->identifier;
    return 0;
}

static int write_out(const struct chosen *chosen, const struct buf *body, struct error *error)
{
    return chosen->output ? file_write(chosen->output, slice_buf(body), 0644, error)
                          : file_write_all(STDOUT_FILENO, slice_buf(body), error);
}

static void read_option(struct chosen *chosen, int option)
{
    const char **places[] = {['r'] = &chosen->request.region,
                             ['c'] = &chosen->request.ca_identifier,
                             ['p'] = &chosen->request.partition,
                             ['f'] = &chosen->request.format,
                             ['o'] = &chosen->output,
                             ['e'] = &chosen->request.endpoint,
                             ['a'] = &chosen->request.ca,
                             ['d'] = &chosen->request.run_folder,
                             ['g'] = &chosen->global};
    *places[option] = optarg ? optarg : "";
}

int cli_bundle(int argc, char **argv)
{
    struct chosen chosen = {.request = {.format = "pem",
                                        .endpoint = getenv("SEALWRIGHT_ENDPOINT"),
                                        .ca = getenv("SEALWRIGHT_CA")}};
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
    int result = bundle_read(&chosen.request, &body, &error);
    if (!result)
        result = write_out(&chosen, &body, &error);
    return result ? cli_fail("bundle", &error) : 0;
}
