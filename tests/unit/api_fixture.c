#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api_fixture.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <libxml/parser.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENGINES                                                                                              \
    "[{\"engine\":\"postgres\",\"version\":\"15.17\"},{\"engine\":\"postgres\",\"version\":\"15.18\"},"      \
    "{\"engine\":\"postgres\",\"version\":\"16.4\"}]"

/* ---- the fleet */

static void add_root(struct world *world, const char *scope, const char *ca_identifier)
{
    struct error error = {0};
    struct authority_row row = {.not_before = INT64_C(1577836800000), .not_after = INT64_C(4733510400000)};
    AUTO_FREE char *der = mem_format("%s/%s", scope, ca_identifier);
    text_copy(row.scope, sizeof row.scope, scope);
    text_copy(row.ca_identifier, sizeof row.ca_identifier, ca_identifier);
    snprintf(row.sha1, sizeof row.sha1, "%040llx", (unsigned long long)text_hash(slice_text(der)));
    buf_append_text(&row.certificate, der);
    assert_int_equal(store_authority_insert(world->fleet.store, &row, &error), 0);
    buf_free(&row.certificate);
}

/* us-east-1 and us-gov-west-1 have all four, eu-west-1 not yet its ECC one. */
static void add_roots(struct world *world)
{
    static const char *const regions[] = {"us-east-1", "eu-west-1", "us-gov-west-1"};
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
        for (size_t k = 0; k < count; k++) {
            const struct region *region = region_find(&world->settings.regions, regions[i]);
            const char *scope = region_root_scope(region, profiles[k].identifier);
            bool missing = text_equal(regions[i], "eu-west-1") &&
                           (profiles[k].key == KEY_EC_P384 || !text_equal(scope, regions[i]));
            if (!missing)
                add_root(world, scope, profiles[k].identifier);
        }
}

static void add_host(struct world *world)
{
    struct error error = {0};
    struct host_row host = {.host = "one", .created_at = clock_now(), .seen_at = clock_now()};
    buf_append_text(&host.engines, ENGINES);
    assert_int_equal(store_host_put(world->fleet.store, &host, &error), 0);
    host_row_free(&host);
}

static void add_keys(struct world *world)
{
    struct error error = {0};
    struct text_list none = {0}, europe = {0};
    text_list_add(&europe, "eu-west-1");
    assert_int_equal(access_create(&world->fleet, "admin", false, &none, &world->administrator, &error), 0);
    assert_int_equal(access_create(&world->fleet, "looker", true, &none, &world->reader, &error), 0);
    assert_int_equal(access_create(&world->fleet, "local", false, &europe, &world->elsewhere, &error), 0);
    text_list_free(&europe);
}

struct world *world_new(void)
{
    struct error error = {0};
    struct seal seal = {0};
    struct world *world = mem_new(sizeof *world);
    text_copy(world->folder, sizeof world->folder, "/tmp/test_api.XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    settings_defaults(&world->settings, world->folder);
    if (!world->settings.regions.count)
        region_table_add_defaults(&world->settings.regions);
    AUTO_FREE char *path = mem_format("%s/store", world->folder);
    if (store_open(path, &seal, &world->fleet.store, &error))
        fail_msg("%s", error.text);
    world->fleet.settings = &world->settings;
    text_copy(world->fleet.owner, sizeof world->fleet.owner, "test");
    add_roots(world);
    add_host(world);
    add_keys(world);
    world->api = api_new(&world->fleet);
    return world;
}

void world_free(struct world *world)
{
    struct error error = {0};
    api_free(world->api);
    store_close(world->fleet.store);
    assert_int_equal(file_remove_tree(world->folder, &error), 0);
    access_key_free(&world->administrator);
    access_key_free(&world->reader);
    access_key_free(&world->elsewhere);
    settings_free(&world->settings);
    free(world);
}

/* ---- signing, with only the canonical request taken from the code under test */

static void hmac(struct slice key, const char *text, unsigned char target[32])
{
    unsigned length = 32;
    assert_non_null(HMAC(EVP_sha256(), key.data, (int)key.length, (const unsigned char *)text, strlen(text),
                         target, &length));
}

static void sign(const struct sigv4_request *request, const struct sigv4_credential *credential,
                 const char *secret, struct slice body, char signature[65])
{
    static const struct sigv4_rules rules = {.service = "rds"};
    unsigned char key[32];
    char hash[65];
    AUTO_BUF struct buf canonical = {0}, text = {0};
    AUTO_FREE char *first = mem_format("AWS4%s", secret);
    assert_int_equal(EVP_Digest(body.length ? body.data : (const unsigned char *)"", body.length, key, NULL,
                                EVP_sha256(), NULL),
                     1);
    text_hex(key, 32, hash);
    sigv4_canonical_request(request, &rules, credential, hash, &canonical);
    sigv4_string_to_sign(credential, slice_buf(&canonical), &text);
    hmac(slice_text(first), credential->date, key);
    hmac(slice_of(key, 32), credential->region, key);
    hmac(slice_of(key, 32), credential->service, key);
    hmac(slice_of(key, 32), "aws4_request", key);
    hmac(slice_of(key, 32), buf_text(&text), key);
    text_hex(key, 32, signature);
}

static const struct access_key *key_of(const struct world *world, const char *name)
{
    return text_equal(name, "reader")      ? &world->reader
           : text_equal(name, "elsewhere") ? &world->elsewhere
                                           : &world->administrator;
}

void world_send(struct world *world, const struct question *question, struct api_reply *reply)
{
    const char *bent = question->signature ? question->signature : "";
    const struct access_key *key = key_of(world, question->key);
    const char *key_id = text_equal(bent, "unknown-key") ? "AKIAUNKNOWNUNKNOWN22" : key->access_key_id;
    const char *secret = text_equal(bent, "other-secret") ? world->reader.secret : key->secret;
    int64_t skew = text_equal(bent, "late") ? -16 : text_equal(bent, "early") ? 16 : 0;
    char stamp[32], date[9], signature[65];
    clock_format_basic(clock_now() + skew * CLOCK_MINUTE, stamp);
    snprintf(date, sizeof date, "%.8s", stamp);
    bool get = text_equal(question->method, "GET"), token = text_equal(bent, "token");
    struct sigv4_header headers[5] = {
        {"Host", "localhost:8443"},
        {"X-Amz-Date", stamp},
        {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
    };
    size_t count = 3;
    if (token)
        headers[count++] = (struct sigv4_header){"X-Amz-Security-Token", "made-up"};
    struct slice body = get ? slice_text("") : slice_text(question->parameters);
    struct sigv4_request request = {
        .method = question->method ? question->method : "POST",
        .path = "/",
        .query = get ? question->parameters : "",
        .headers = headers,
        .header_count = count,
        .body = body,
    };
    char *signed_headers = mem_string(token ? "content-type;host;x-amz-date;x-amz-security-token"
                                            : "content-type;host;x-amz-date");
    struct sigv4_credential credential = {
        .access_key = key_id,
        .date = date,
        .region = question->region ? question->region : "us-east-1",
        .service = "rds",
        .terminator = "aws4_request",
        .signed_headers = signed_headers,
    };
    memcpy(credential.time, stamp, 17);
    struct slice signed_body =
        text_equal(bent, "replayed") ? slice_text(ACTION("DescribeDBInstances")) : body;
    sign(&request, &credential, secret, signed_body, signature);
    if (text_equal(bent, "wrong"))
        signature[63] = signature[63] == '0' ? '1' : '0';
    AUTO_FREE char *authorization =
        mem_format("AWS4-HMAC-SHA256 Credential=%s/%s/%s/rds/aws4_request, SignedHeaders=%s, Signature=%s",
                   key_id, date, credential.region, signed_headers, signature);
    if (!text_equal(bent, "none"))
        headers[request.header_count++] = (struct sigv4_header){"Authorization", authorization};
    free(signed_headers);
    api_answer(world->api, &request, reply);
}

xmlDoc *world_ask_in(struct world *world, const char *region, const char *parameters, xmlNode **result)
{
    struct api_reply reply;
    struct question question = {.parameters = parameters, .region = region};
    world_send(world, &question, &reply);
    if (reply.status != 200)
        fail_msg("%s: %d %s", parameters, reply.status, buf_text(&reply.body));
    xmlDoc *document = xmlReadMemory(buf_text(&reply.body), (int)reply.body.length, NULL, NULL, 0);
    assert_non_null(document);
    xmlNode *root = xmlDocGetRootElement(document);
    assert_string_equal((const char *)root->ns->href, "http://rds.amazonaws.com/doc/2014-10-31/");
    assert_xml(root, "ResponseMetadata/RequestId", reply.request_id);
    api_reply_free(&reply);
    *result = text_ends_with((const char *)root->children->name, "Result") ? root->children : root;
    return document;
}

xmlDoc *world_ask(struct world *world, const char *parameters, xmlNode **result)
{
    return world_ask_in(world, NULL, parameters, result);
}

void world_create(struct world *world, const char *identifier, const char *more)
{
    xmlNode *result;
    AUTO_FREE char *parameters = mem_format(
        ACTION("CreateDBInstance") "&DBInstanceIdentifier=%s&Engine=postgres&DBInstanceClass=db.t3."
                                   "micro&AllocatedStorage=20&MasterUsername=app&"
                                   "MasterUserPassword=correct-horse-9%s",
        identifier, more);
    xmlFreeDoc(world_ask(world, parameters, &result));
}

void world_reach(struct world *world, const char *identifier, int port)
{
    struct error error = {0};
    struct instance_row row = {0};
    assert_int_equal(store_instance_get(world->fleet.store, "us-east-1", identifier, &row, &error), 0);
    row.port = port;
    row.observed_generation = row.generation;
    row.observed_restart = row.restart;
    row.observed_password_generation = row.password_generation;
    row.observed_certificate_generation = row.certificate_generation;
    row.served_not_after = INT64_C(1893456000000);
    text_copy(row.served_ca_identifier, sizeof row.served_ca_identifier, row.ca_identifier);
    text_copy(row.status, sizeof row.status, row.running ? "available" : "stopped");
    assert_int_equal(store_instance_update(world->fleet.store, &row, &error), 0);
    instance_row_free(&row);
}

/* ---- reading replies */

static xmlNode *child(xmlNode *node, const char *name, size_t length, int index)
{
    for (xmlNode *each = node ? node->children : NULL; each; each = each->next)
        if (each->type == XML_ELEMENT_NODE && strlen((const char *)each->name) == length &&
            strncmp((const char *)each->name, name, length) == 0 && index-- == 0)
            return each;
    return NULL;
}

xmlNode *xml_at(xmlNode *node, const char *path, int index)
{
    size_t length = strcspn(path, "/");
    if (!path[length])
        return child(node, path, length, index);
    return xml_at(child(node, path, length, 0), path + length + 1, index);
}

int xml_count(xmlNode *node, const char *path)
{
    int count = 0;
    while (xml_at(node, path, count))
        count++;
    return count;
}

char *xml_text(xmlNode *node, const char *path)
{
    xmlNode *found = xml_at(node, path, 0);
    if (!found)
        fail_msg("no element %s", path);
    xmlChar *content = xmlNodeGetContent(found);
    char *text = mem_string((const char *)content);
    xmlFree(content);
    return text;
}

void assert_xml(xmlNode *node, const char *path, const char *text)
{
    AUTO_FREE char *found = xml_text(node, path);
    if (!text_equal(found, text))
        fail_msg("%s is \"%s\", expected \"%s\"", path, found, text);
}

void assert_xml_absent(xmlNode *node, const char *path)
{
    if (xml_at(node, path, 0))
        fail_msg("%s should be absent", path);
}
