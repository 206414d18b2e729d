#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "truststore_fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/server.h"
#include "truststore/truststore.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int result, const struct error *error)
{
    if (result)
        fail_msg("%s", error->text);
}

const char *world_file(const struct world *world, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", world->folder, name);
    return path;
}

/* ---- authorities */

static void store_authority(struct world *world, const struct ca_spec *spec, const X509 *certificate)
{
    struct error error = {0};
    struct certificate_facts facts;
    /* Not a whole second, so that Last-Modified has something to round. */
    world->created_at += 1001;
    struct authority_row row = {.number = spec->number, .created_at = world->created_at};
    must(certificate_facts(certificate, &facts, &error), &error);
    text_copy(row.scope, sizeof row.scope, spec->scope);
    text_copy(row.ca_identifier, sizeof row.ca_identifier, spec->profile->identifier);
    text_copy(row.sha1, sizeof row.sha1, facts.sha1);
    row.not_before = facts.not_before;
    row.not_after = facts.not_after;
    certificate_der(certificate, &row.certificate);
    must(store_authority_insert(world->store, &row, &error), &error);
    authority_row_free(&row);
}

static void issue(struct world *world, struct ca_spec *spec, EVP_PKEY *key, X509 *issuer,
                  EVP_PKEY *issuer_key)
{
    struct error error = {0};
    struct text_list domains = {0};
    X509 *certificate = NULL;
    text_list_add(&domains, "rds.localhost");
    spec->not_before = clock_now() / 1000 * 1000;
    spec->not_after = spec->not_before + 1826 * CLOCK_DAY;
    spec->organisation = &world->settings.organisation;
    spec->permitted_domains = &domains;
    must(ca_certificate_issue(spec, key, issuer, issuer_key, &certificate, &error), &error);
    store_authority(world, spec, certificate);
    X509_free(certificate);
    text_list_free(&domains);
}

static size_t profile_index(const char *ca_identifier)
{
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    return (size_t)(ca_profile_find(ca_identifier) - profiles);
}

static void add_root(struct world *world, const struct region *region, const struct ca_profile *profile)
{
    struct authority_row row = {0};
    const char *scope = region_root_scope(region, profile->identifier);
    int result = store_authority_get(world->store, scope, profile->identifier, 0, &row, NULL);
    authority_row_free(&row);
    if (result == 0)
        return;
    EVP_PKEY *key = world->root_keys[profile_index(profile->identifier)];
    struct ca_spec spec = {.profile = profile, .scope = scope, .partition = region->partition};
    issue(world, &spec, key, NULL, NULL);
}

void world_add_subordinate(struct world *world, const char *name, const char *ca_identifier, int number)
{
    struct error error = {0};
    struct authority_row row = {0};
    X509 *root = NULL;
    size_t index = profile_index(ca_identifier);
    const struct region *region = region_find(&world->settings.regions, name);
    must(store_authority_get(world->store, region_root_scope(region, ca_identifier), ca_identifier, 0, &row,
                             &error),
         &error);
    must(certificate_parse(slice_buf(&row.certificate), &root, &error), &error);
    struct ca_spec spec = {.profile = ca_profile_find(ca_identifier),
                           .scope = name,
                           .partition = region->partition,
                           .subordinate = true,
                           .number = number};
    issue(world, &spec, world->subordinate_keys[index], root, world->root_keys[index]);
    X509_free(root);
    authority_row_free(&row);
}

/* Each kind of key is made twice, for all roots and for all subordinates: an RSA 4096 key takes seconds. */
static void make_keys(struct world *world)
{
    struct error error = {0};
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    assert_int_equal(count, PROFILES);
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        while (profiles[same].key != profiles[i].key)
            same++;
        EVP_PKEY **kept[] = {world->root_keys, world->subordinate_keys};
        for (size_t k = 0; k < 2; k++) {
            if (same < i && EVP_PKEY_up_ref(kept[k][same]))
                kept[k][i] = kept[k][same];
            else
                must(key_generate(profiles[i].key, &kept[k][i], &error), &error);
        }
    }
}

static void make_authorities(struct world *world)
{
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    const struct region_table *table = &world->settings.regions;
    make_keys(world);
    for (size_t i = 0; i < table->count; i++)
        for (size_t k = 0; k < count; k++) {
            add_root(world, &table->regions[i], &profiles[k]);
            if (i + 1 < table->count || k + 1 < count)
                world_add_subordinate(world, table->regions[i].name, profiles[k].identifier, 1);
        }
}

/* ---- the run folder */

static void make_folder(struct world *world)
{
    static const char settings[] = "{\"regions\": [\"us-east-1\", \"eu-west-1\", \"us-gov-west-1\"]}";
    struct error error = {0};
    struct seal seal = {0};
    text_copy(world->folder, sizeof world->folder, "/tmp/sw-truststore-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    must(file_write(world_file(world, "sealwright.json"), slice_text(settings), 0600, &error), &error);
    must(settings_load(&world->settings, world->folder, &error), &error);
    must(file_make_folder(world_file(world, SERVER_STORE_FOLDER), 0700, &error), &error);
    must(store_open(world_file(world, SERVER_STORE_FILE), &seal, &world->store, &error), &error);
}

static void write_pem(const struct world *world, const char *name, X509 *certificate, const EVP_PKEY *key)
{
    struct error error = {0};
    AUTO_BUF struct buf pem = {0};
    if (certificate)
        certificate_pem(certificate, &pem);
    else
        must(key_to_pem(key, &pem, &error), &error);
    must(file_write(world_file(world, name), slice_buf(&pem), 0600, &error), &error);
}

static void make_endpoint_certificate(const struct world *world)
{
    struct error error = {0};
    struct text_list names = {0};
    EVP_PKEY *keys[2] = {0};
    X509 *root = NULL, *server = NULL;
    int64_t now = clock_now() / 1000 * 1000;
    text_list_add(&names, "localhost");
    text_list_add(&names, "truststore.pki.us-gov-west-1.localhost");
    text_list_add(&names, "truststore.pki.us-gov-west-1.rds.localhost");
    struct control_spec spec = {.kind = CONTROL_ROOT,
                                .common_name = "Test CA",
                                .not_before = now - CLOCK_MINUTE,
                                .not_after = now + CLOCK_DAY,
                                .organisation = &world->settings.organisation};
    for (int i = 0; i < 2; i++)
        must(key_generate(KEY_EC_P384, &keys[i], &error), &error);
    must(control_certificate_issue(&spec, keys[0], NULL, NULL, &root, &error), &error);
    spec.kind = CONTROL_SERVER;
    spec.common_name = "localhost";
    spec.names = &names;
    must(control_certificate_issue(&spec, keys[1], root, keys[0], &server, &error), &error);
    write_pem(world, "ca.pem", root, NULL);
    write_pem(world, "server.pem", server, NULL);
    write_pem(world, "server.key", NULL, keys[1]);
    X509_free(root);
    X509_free(server);
    EVP_PKEY_free(keys[0]);
    EVP_PKEY_free(keys[1]);
    text_list_free(&names);
}

/* ---- the servers */

static void handle(struct http_exchange *exchange, void *context)
{
    if (!truststore_handle(context, exchange))
        http_reply(exchange, 404, slice_text("not of the trust store\n"));
}

static void on_end(evutil_socket_t number, short what, void *context)
{
    (void)number;
    (void)what;
    event_base_loopbreak(context);
}

static void serve(const struct world *world, int descriptor)
{
    static const struct http_limits limits = {
        .body = 65536, .headers = 65536, .idle_seconds = 30, .connections = 100};
    struct error error = {0};
    struct seal seal = {0};
    struct fleet fleet = {.settings = &world->settings};
    struct http_server *server;
    must(store_open(world_file(world, SERVER_STORE_FILE), &seal, &fleet.store, &error), &error);
    struct truststore *truststore = truststore_new(&fleet);
    struct event_base *loop = http_loop_new();
    must(http_server_new(loop, &descriptor, 1, &limits, handle, truststore, &server, &error), &error);
    char chain[128];
    text_copy(chain, sizeof chain, world_file(world, "server.pem"));
    must(http_server_certificate(server, chain, world_file(world, "server.key"), &error), &error);
    struct event *end = evsignal_new(loop, SIGTERM, on_end, loop);
    event_add(end, NULL);
    event_base_dispatch(loop);
    http_server_free(server);
    event_free(end);
    event_base_free(loop);
    truststore_free(truststore);
    store_close(fleet.store);
}

static void start_worker(struct world *world, int index)
{
    static const char *const addresses[] = {"127.0.0.1"};
    struct error error = {0};
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    int descriptor;
    size_t count;
    must(http_listen(addresses, 1, 0, &descriptor, 1, &count, &error), &error);
    getsockname(descriptor, (struct sockaddr *)&name, &length);
    world->ports[index] = ntohs(name.sin_port);
    world->workers[index] = fork();
    if (world->workers[index] == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        log_start("worker");
        serve(world, descriptor);
        exit(0);
    }
    close(descriptor);
}

int world_set_up(void **state)
{
    struct world *world = mem_new(sizeof *world);
    world->created_at = INT64_C(1767323045000);
    make_folder(world);
    make_endpoint_certificate(world);
    make_authorities(world);
    /* A connection to SQLite must not live on in a child. */
    store_close(world->store);
    for (int i = 0; i < WORKERS; i++)
        start_worker(world, i);
    struct error error = {0};
    struct seal seal = {0};
    must(store_open(world_file(world, SERVER_STORE_FILE), &seal, &world->store, &error), &error);
    *state = world;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < WORKERS; i++) {
        int status = -1;
        kill(world->workers[i], SIGTERM);
        waitpid(world->workers[i], &status, 0);
        assert_int_equal(status, 0); /* a sanitizer's complaint shows here */
    }
    for (int i = 0; i < PROFILES; i++) {
        EVP_PKEY_free(world->root_keys[i]);
        EVP_PKEY_free(world->subordinate_keys[i]);
    }
    store_close(world->store);
    settings_free(&world->settings);
    file_remove_tree(world->folder, NULL);
    free(world);
    return 0;
}

/* ---- the client */

void reply_free(struct reply *reply)
{
    buf_free(&reply->head);
    buf_free(&reply->body);
}

const char *reply_header(struct reply *reply, const char *name)
{
    static char value[256];
    AUTO_FREE char *start = mem_format("\r\n%s: ", name);
    const char *found = strcasestr(buf_text(&reply->head), start);
    value[0] = 0;
    if (found)
        snprintf(value, sizeof value, "%.*s", (int)strcspn(found + strlen(start), "\r"),
                 found + strlen(start));
    return value;
}

static size_t collect(char *data, size_t size, size_t count, void *context)
{
    buf_append(context, data, size * count);
    return size * count;
}

void world_ask(const struct world *world, const struct request *request, struct reply *reply)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = NULL;
    const char *method = request->method ? request->method : "GET";
    AUTO_FREE char *url = mem_format("https://%s:%d%s", request->host ? request->host : "localhost",
                                     world->ports[request->worker], request->path);
    for (const char *const *line = request->headers; line && *line; line++)
        headers = curl_slist_append(headers, *line);
    buf_clear(&reply->head);
    buf_clear(&reply->body);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4);
    curl_easy_setopt(curl, CURLOPT_CAINFO, world_file(world, "ca.pem"));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_NOBODY, text_equal(method, "HEAD") ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply->body);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply->head);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (code != CURLE_OK)
        fail_msg("%s: %s", url, curl_easy_strerror(code));
}

void world_get(const struct world *world, const char *host, const char *path, struct reply *reply)
{
    world_ask(world, &(struct request){.host = host, .path = path}, reply);
    if (reply->status != 200)
        fail_msg("%s: status %ld: %s", path, reply->status, buf_text(&reply->body));
}
