/* truststore/: every address, every format and every way of asking, over HTTPS as clients do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "truststore_fixture.h"

#include "base/clock.h"
#include "base/text.h"
#include "pki/bundle.h"
#include "truststore/condition.h"

#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOVCLOUD_HOST     "truststore.pki.us-gov-west-1.localhost"
#define GOVCLOUD_HOST_RDS "truststore.pki.us-gov-west-1.rds.localhost"
#define REGIONAL          "/us-east-1/us-east-1-bundle.pem"

static const struct {
    const char *extension, *content_type;
} formats[] = {{"pem", "application/x-pem-file"},
               {"p7b", "application/x-pkcs7-certificates"},
               {"jks", "application/x-java-keystore"},
               {"p12", "application/x-pkcs12"}};
enum { FORMATS = sizeof formats / sizeof *formats };

/* Every bundle: its address without the extension, and how many certificates are in it. */
static const struct {
    const char *host, *path;
    size_t count;
} bundles[] = {
    {NULL, "/global/global-bundle", 15},
    {NULL, "/aws/global/global-bundle", 15},
    {NULL, "/aws-us-gov/global/global-bundle", 8},
    {NULL, "/us-east-1/us-east-1-bundle", 8},
    {NULL, "/eu-west-1/eu-west-1-bundle", 8},
    {NULL, "/aws-us-gov/us-gov-west-1/us-gov-west-1-bundle", 8},
    {NULL, "/us-east-1/us-east-1-rds-ca-2019", 1},
    {NULL, "/us-east-1/us-east-1-rds-ca-rsa2048-g1", 1},
    {NULL, "/us-east-1/us-east-1-rds-ca-rsa4096-g1", 1},
    {NULL, "/us-east-1/us-east-1-rds-ca-ecc384-g1", 1},
    {GOVCLOUD_HOST, "/global/global-bundle", 8},
    {GOVCLOUD_HOST, "/aws/global/global-bundle", 15},
    {GOVCLOUD_HOST, "/us-gov-west-1/us-gov-west-1-bundle", 8},
    {GOVCLOUD_HOST_RDS, "/global/global-bundle", 8},
    {GOVCLOUD_HOST_RDS, "/us-gov-west-1/us-gov-west-1-rds-ca-2019", 1},
};
enum { BUNDLES = sizeof bundles / sizeof *bundles };

/* ---- reading the formats */

static void read_pem(struct slice body, struct certificate_list *list)
{
    assert_int_equal(certificate_list_parse_pem(body, list, NULL), 0);
}

static void read_p7b(struct slice body, struct certificate_list *list)
{
    BIO *memory = BIO_new_mem_buf(body.data, (int)body.length);
    PKCS7 *pkcs7 = PEM_read_bio_PKCS7(memory, NULL, NULL, NULL);
    assert_non_null(pkcs7);
    for (int i = 0; i < sk_X509_num(pkcs7->d.sign->cert); i++)
        certificate_list_add(list, sk_X509_value(pkcs7->d.sign->cert, i));
    PKCS7_free(pkcs7);
    BIO_free(memory);
}

static void read_p12(struct slice body, struct certificate_list *list)
{
    const unsigned char *at = body.data;
    PKCS12 *store = d2i_PKCS12(NULL, &at, (long)body.length);
    EVP_PKEY *key = NULL;
    X509 *own = NULL;
    STACK_OF(X509) *others = NULL;
    assert_int_equal(PKCS12_parse(store, BUNDLE_PASSWORD, &key, &own, &others), 1);
    assert_null(key);
    assert_null(own);
    for (int i = 0; i < sk_X509_num(others); i++)
        certificate_list_add(list, sk_X509_value(others, i));
    sk_X509_pop_free(others, X509_free);
    PKCS12_free(store);
}

static void read_jks(struct slice body, struct certificate_list *list)
{
    struct reader reader = reader_of(body);
    assert_int_equal(reader_u32(&reader), 0xFEEDFEED);
    assert_int_equal(reader_u32(&reader), 2);
    for (uint32_t left = reader_u32(&reader); left > 0; left--) {
        X509 *certificate = NULL;
        assert_int_equal(reader_u32(&reader), 2);
        reader_bytes(&reader, reader_u16(&reader));
        reader_u64(&reader);
        assert_true(slice_is(reader_bytes(&reader, reader_u16(&reader)), "X.509"));
        struct slice der = reader_bytes(&reader, reader_u32(&reader));
        assert_int_equal(certificate_parse(der, &certificate, NULL), 0);
        certificate_list_add(list, certificate);
        X509_free(certificate);
    }
    reader_bytes(&reader, SHA_DIGEST_LENGTH);
    assert_true(reader_done(&reader));
}

static void read_bundle(const struct reply *reply, const char *extension, struct certificate_list *list)
{
    static void (*const readers[])(struct slice, struct certificate_list *) = {read_pem, read_p7b, read_jks,
                                                                               read_p12};
    for (int i = 0; i < FORMATS; i++)
        if (text_equal(formats[i].extension, extension))
            readers[i](slice_buf(&reply->body), list);
}

static void get_list(const struct world *world, const char *host, const char *path,
                     struct certificate_list *list)
{
    AUTO_REPLY struct reply reply = {0};
    world_get(world, host, path, &reply);
    read_bundle(&reply, strrchr(path, '.') + 1, list);
}

static bool same_certificates(const struct certificate_list *a, const struct certificate_list *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = X509_cmp(a->items[i], b->items[i]) == 0;
    return same;
}

static bool list_has(const struct certificate_list *list, const X509 *certificate)
{
    for (size_t i = 0; i < list->count; i++)
        if (X509_cmp(list->items[i], certificate) == 0)
            return true;
    return false;
}

static void digest_of(const struct buf *body, char hex[65])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256(body->data, body->length, digest);
    text_hex(digest, sizeof digest, hex);
}

/* ---- tests */

static void no_bundle_lacks_something(void **state)
{
    struct world *world = *state;
    static const char *const waiting[] = {
        "/aws-us-gov/global/global-bundle.pem", "/aws-us-gov/us-gov-west-1/us-gov-west-1-bundle.jks",
        "/aws-us-gov/us-gov-west-1/us-gov-west-1-rds-ca-2019.pem", "/aws-us-gov/global/index.json"};
    AUTO_REPLY struct reply reply = {0};
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++) {
        world_ask(world, &(struct request){.path = waiting[i]}, &reply);
        assert_int_equal(reply.status, 503);
        assert_string_equal(reply_header(&reply, "Retry-After"), "2");
        assert_string_equal(reply_header(&reply, "Cache-Control"), "no-store");
        assert_non_null(strstr(buf_text(&reply.body), "0 of 1 regions"));
    }
    /* The other partition does not wait. */
    world_get(world, NULL, "/global/global-bundle.pem", &reply);
    world_add_subordinate(world, "us-gov-west-1", "rds-ca-2019", 1);
    for (size_t i = 0; i < sizeof waiting / sizeof *waiting; i++)
        world_get(world, NULL, waiting[i], &reply);
}

static void every_format_of_every_bundle_holds_the_same(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < BUNDLES; i++) {
        struct certificate_list expected = {0};
        for (int k = 0; k < FORMATS; k++) {
            char path[128];
            struct certificate_list list = {0};
            snprintf(path, sizeof path, "%s.%s", bundles[i].path, formats[k].extension);
            get_list(world, bundles[i].host, path, &list);
            if (k == 0)
                expected = list;
            if (list.count != bundles[i].count || !same_certificates(&list, &expected))
                fail_msg("%s: %zu certificates", path, list.count);
            if (k > 0)
                certificate_list_free(&list);
        }
        for (size_t a = 0; a < expected.count; a++)
            for (size_t b = 0; b < a; b++)
                assert_int_not_equal(X509_cmp(expected.items[a], expected.items[b]), 0);
        certificate_list_free(&expected);
    }
}

static void the_order_is_the_profiles_order_with_the_root_first(void **state)
{
    struct world *world = *state;
    struct certificate_list list = {0}, global = {0};
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    get_list(world, NULL, REGIONAL, &list);
    get_list(world, NULL, "/global/global-bundle.pem", &global);
    for (size_t i = 0; i < list.count; i++) {
        char name[128], expected[64];
        X509 *root = list.items[i / 2 * 2];
        X509_NAME_get_text_by_NID(X509_get_subject_name(list.items[i]), NID_commonName, name, sizeof name);
        snprintf(expected, sizeof expected, "%s", profiles[i / 2].label);
        assert_non_null(strstr(name, expected));
        assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(list.items[i]), X509_get_subject_name(root)), 0);
        assert_int_equal(X509_check_issued(root, list.items[i]), X509_V_OK);
        /* us-east-1 is the first region. */
        assert_int_equal(X509_cmp(list.items[i], global.items[i]), 0);
    }
    certificate_list_free(&list);
    certificate_list_free(&global);
}

static void a_file_of_one_authority_is_its_root(void **state)
{
    struct world *world = *state;
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    struct certificate_list all = {0};
    get_list(world, NULL, REGIONAL, &all);
    for (size_t i = 0; i < count; i++) {
        char path[128];
        struct certificate_list list = {0};
        snprintf(path, sizeof path, "/us-east-1/us-east-1-%s.p12", profiles[i].identifier);
        get_list(world, NULL, path, &list);
        assert_int_equal(list.count, 1);
        assert_int_equal(X509_cmp(list.items[0], all.items[2 * i]), 0);
        assert_int_equal(X509_self_signed(list.items[0], 1), 1);
        certificate_list_free(&list);
    }
    certificate_list_free(&all);
}

static void the_partitions_share_nothing(void **state)
{
    struct world *world = *state;
    struct certificate_list aws = {0}, govcloud = {0};
    get_list(world, NULL, "/global/global-bundle.pem", &aws);
    get_list(world, GOVCLOUD_HOST, "/global/global-bundle.pem", &govcloud);
    for (size_t i = 0; i < aws.count; i++)
        assert_false(list_has(&govcloud, aws.items[i]));
    certificate_list_free(&aws);
    certificate_list_free(&govcloud);
    AUTO_REPLY struct reply reply = {0};
    world_ask(world, &(struct request){.path = "/us-gov-west-1/us-gov-west-1-bundle.pem"}, &reply);
    assert_int_equal(reply.status, 404);
    assert_non_null(strstr(buf_text(&reply.body), GOVCLOUD_HOST ", or below /aws-us-gov/"));
    world_ask(world, &(struct request){.host = GOVCLOUD_HOST, .path = REGIONAL}, &reply);
    assert_int_equal(reply.status, 404);
}

static void check_index_bundle(struct world *world, json_t *bundle)
{
    AUTO_REPLY struct reply reply = {0};
    char digest[65];
    const char *path = json_string_value(json_object_get(bundle, "path"));
    struct certificate_list list = {0};
    world_get(world, NULL, path, &reply);
    digest_of(&reply.body, digest);
    assert_string_equal(json_string_value(json_object_get(bundle, "sha256")), digest);
    assert_int_equal(json_integer_value(json_object_get(bundle, "bytes")), reply.body.length);
    read_bundle(&reply, json_string_value(json_object_get(bundle, "format")), &list);
    assert_int_equal(json_integer_value(json_object_get(bundle, "certificates")), list.count);
    certificate_list_free(&list);
}

static void check_index_certificate(json_t *entry, X509 *certificate)
{
    static const char *const members[] = {"ca_identifier", "region", "role",       "subject",
                                          "issuer",        "serial", "valid_from", "valid_till"};
    struct certificate_facts facts;
    assert_int_equal(certificate_facts(certificate, &facts, NULL), 0);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        assert_true(json_is_string(json_object_get(entry, members[i])));
    assert_string_equal(json_string_value(json_object_get(entry, "sha1")), facts.sha1);
    assert_string_equal(json_string_value(json_object_get(entry, "sha256")), facts.sha256);
    assert_string_equal(json_string_value(json_object_get(entry, "subject")), facts.subject);
    assert_string_equal(json_string_value(json_object_get(entry, "signature")),
                        OBJ_nid2ln(X509_get_signature_nid(certificate)));
    char bits[16];
    snprintf(bits, sizeof bits, "%d", EVP_PKEY_get_bits(X509_get0_pubkey(certificate)));
    assert_true(text_ends_with(json_string_value(json_object_get(entry, "key")), bits));
    bool is_root = json_integer_value(json_object_get(entry, "number")) == 0;
    assert_int_equal(X509_self_signed(certificate, 0), is_root);
    assert_string_equal(json_string_value(json_object_get(entry, "role")), is_root ? "root" : "subordinate");
}

static void the_index_tells_what_the_bundles_are(void **state)
{
    struct world *world = *state;
    static const struct {
        const char *index, *bundle, *partition, *region;
    } rows[] = {
        {"/us-east-1/index.json", REGIONAL, "aws", "us-east-1"},
        {"/global/index.json", "/global/global-bundle.pem", "aws", NULL},
        {"/aws/global/index.json", "/global/global-bundle.pem", "aws", NULL},
        {"/aws-us-gov/global/index.json", "/aws-us-gov/global/global-bundle.pem", "aws-us-gov", NULL},
        {"/aws-us-gov/us-gov-west-1/index.json", "/aws-us-gov/global/global-bundle.pem", "aws-us-gov",
         "us-gov-west-1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        AUTO_REPLY struct reply reply = {0};
        struct certificate_list list = {0};
        size_t index;
        json_t *item;
        world_get(world, NULL, rows[i].index, &reply);
        assert_string_equal(reply_header(&reply, "Content-Type"), "application/json");
        json_t *json = json_loads(buf_text(&reply.body), 0, NULL);
        assert_string_equal(json_string_value(json_object_get(json, "partition")), rows[i].partition);
        const char *region = json_string_value(json_object_get(json, "region"));
        assert_true(text_equal(region, rows[i].region));
        get_list(world, NULL, rows[i].bundle, &list);
        json_t *certificates = json_object_get(json, "certificates");
        assert_int_equal(json_array_size(certificates), list.count);
        json_array_foreach(certificates, index, item) check_index_certificate(item, list.items[index]);
        assert_int_equal(json_array_size(json_object_get(json, "bundles")), FORMATS);
        json_array_foreach(json_object_get(json, "bundles"), index, item) check_index_bundle(world, item);
        json_decref(json);
        certificate_list_free(&list);
    }
}

static void the_regions_are_listed(void **state)
{
    struct world *world = *state;
    AUTO_REPLY struct reply reply = {0}, again = {0};
    world_get(world, NULL, "/index.json", &reply);
    assert_string_equal(reply_header(&reply, "Content-Type"), "application/json");
    assert_string_equal(reply_header(&reply, "Last-Modified"), "");
    json_t *json = json_loads(buf_text(&reply.body), 0, NULL);
    json_t *regions = json_object_get(json, "regions");
    assert_string_equal(json_string_value(json_object_get(json, "home_region")), world->settings.home_region);
    assert_int_equal(json_array_size(regions), world->settings.regions.count);
    for (size_t i = 0; i < world->settings.regions.count; i++) {
        const struct region *region = &world->settings.regions.regions[i];
        json_t *item = json_array_get(regions, i);
        assert_string_equal(json_string_value(json_object_get(item, "name")), region->name);
        assert_string_equal(json_string_value(json_object_get(item, "title")), region->title);
        assert_string_equal(json_string_value(json_object_get(item, "partition")), region->partition);
        /* Each index is at its address, or will be: in this world one region lacks an authority. */
        world_ask(world, &(struct request){.path = json_string_value(json_object_get(item, "index"))},
                  &again);
        assert_true(again.status == 200 || again.status == 503);
    }
    json_decref(json);
    /* A date alone says nothing of what did not begin with one. */
    const char *const since[] = {"If-Modified-Since: Mon, 30 Nov 2026 20:00:00 GMT", NULL};
    world_ask(world, &(struct request){.path = "/index.json", .headers = since}, &again);
    assert_int_equal(again.status, 200);
}

static void every_worker_gives_the_same_bytes_and_tag(void **state)
{
    struct world *world = *state;
    static const char *const paths[] = {"/global/global-bundle.pem", "/global/global-bundle.p7b",
                                        "/global/global-bundle.jks", "/global/global-bundle.p12",
                                        "/global/index.json",        "/index.json"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        AUTO_REPLY struct reply one = {0}, two = {0};
        char digest[65], tag[72];
        world_ask(world, &(struct request){.path = paths[i], .worker = 0}, &one);
        world_ask(world, &(struct request){.path = paths[i], .worker = 1}, &two);
        assert_true(slice_equal(slice_buf(&one.body), slice_buf(&two.body)));
        digest_of(&one.body, digest);
        snprintf(tag, sizeof tag, "\"%s\"", digest);
        assert_string_equal(reply_header(&one, "ETag"), tag);
        assert_string_equal(reply_header(&two, "ETag"), tag);
    }
}

static void the_headers_let_it_be_cached(void **state)
{
    struct world *world = *state;
    AUTO_REPLY struct reply reply = {0}, head = {0};
    for (int i = 0; i < FORMATS; i++) {
        static const char *const names[] = {"ETag",          "Last-Modified",  "Content-Type",
                                            "Cache-Control", "Content-Length", "X-Content-Type-Options"};
        char path[128], newest[32];
        snprintf(path, sizeof path, "/aws-us-gov/global/global-bundle.%s", formats[i].extension);
        world_get(world, NULL, path, &reply);
        assert_string_equal(reply_header(&reply, "Content-Type"), formats[i].content_type);
        assert_string_equal(reply_header(&reply, "Cache-Control"), "public, max-age=300");
        assert_string_equal(reply_header(&reply, "X-Content-Type-Options"), "nosniff");
        clock_format_http(world->created_at / 1000 * 1000, newest);
        assert_string_equal(reply_header(&reply, "Last-Modified"), newest);
        world_ask(world, &(struct request){.method = "HEAD", .path = path}, &head);
        assert_int_equal(head.status, 200);
        assert_int_equal(head.body.length, 0);
        for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
            char value[256];
            text_copy(value, sizeof value, reply_header(&reply, names[k]));
            assert_string_equal(reply_header(&head, names[k]), value);
            assert_string_not_equal(value, "");
        }
    }
}

/* The headers of a conditional request, with %s for the tag or the date, and the status to expect. */
static const struct {
    const char *none_match, *another_none_match, *modified_since;
    long status;
} conditions[] = {
    {"%t", NULL, NULL, 304},
    {"W/%t", NULL, NULL, 304},
    {"\"other\", %t", NULL, NULL, 304},
    {"\"a,b\",, W/\"c\" , %t", NULL, NULL, 304},
    {"\"other\"", "%t", NULL, 304},
    {"*", NULL, NULL, 304},
    {"\"other\"", NULL, NULL, 200},
    {"other", NULL, NULL, 200},
    {"\"other\"", NULL, "%d", 200}, /* If-None-Match decides alone */
    {"%t", NULL, "Thu, 01 Jan 1970 00:00:00 GMT", 304},
    {NULL, NULL, "%d", 304},
    {NULL, NULL, "Fri, 01 Jan 2100 00:00:00 GMT", 304},
    {NULL, NULL, "Thu, 01 Jan 1970 00:00:00 GMT", 200},
    {NULL, NULL, "yesterday", 200},
};

static void add_line(const char **lines, char *line, size_t size, const char *name, const char *pattern,
                     const char *tag, const char *date)
{
    const char *mark = strpbrk(pattern, "%");
    const char *value = !mark ? "" : mark[1] == 't' ? tag : date;
    snprintf(line, size, "%s: %.*s%s", name, (int)(mark ? mark - pattern : (long)strlen(pattern)), pattern,
             value);
    while (*lines)
        lines++;
    *lines = line;
}

static void what_the_client_has_is_not_sent_again(void **state)
{
    struct world *world = *state;
    AUTO_REPLY struct reply first = {0}, reply = {0};
    char tag[128], date[64];
    world_get(world, NULL, REGIONAL, &first);
    text_copy(tag, sizeof tag, reply_header(&first, "ETag"));
    text_copy(date, sizeof date, reply_header(&first, "Last-Modified"));
    for (size_t i = 0; i < 2 * sizeof conditions / sizeof *conditions; i++) {
        size_t row = i / 2;
        const char *lines[4] = {0};
        char text[3][256];
        if (conditions[row].none_match)
            add_line(lines, text[0], 256, "If-None-Match", conditions[row].none_match, tag, date);
        if (conditions[row].another_none_match)
            add_line(lines, text[1], 256, "If-None-Match", conditions[row].another_none_match, tag, date);
        if (conditions[row].modified_since)
            add_line(lines, text[2], 256, "If-Modified-Since", conditions[row].modified_since, tag, date);
        const char *method = i % 2 ? "HEAD" : "GET";
        world_ask(world, &(struct request){.method = method, .path = REGIONAL, .headers = lines}, &reply);
        if (reply.status != conditions[row].status)
            fail_msg("%s %s: status %ld", method, lines[0], reply.status);
        assert_string_equal(reply_header(&reply, "ETag"), tag);
        assert_string_equal(reply_header(&reply, "Last-Modified"), date);
        assert_string_equal(reply_header(&reply, "Cache-Control"), "public, max-age=300");
        bool has_body = reply.status == 200 && i % 2 == 0;
        assert_int_equal(reply.body.length, has_body ? first.body.length : 0);
    }
}

static void a_list_of_tags_is_read_as_one(void **state)
{
    (void)state;
    static const struct {
        const char *list;
        bool matches;
    } rows[] = {{"\"x\"", true},
                {" \"x\" ", true},
                {"W/\"x\"", true},
                {"\"a\",\"x\"", true},
                {", ,\"x\",", true},
                {"\"a\"\t,\"x\"", true},
                {"*", true},
                {" * ", true},
                {"", false},
                {"x", false},
                {"\"X\"", false},
                {"\"xx\"", false},
                {"\"x", false},
                {"*, \"a\"", false},
                {"\"a\" \"x\"", false},
                {"a, \"x\"", false},
                {"\"a,\"x\",\"", false},
                {"w/\"x\"", false},
                {"\"", false},
                {"W/", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (condition_lists_tag(rows[i].list, "\"x\"") != rows[i].matches)
            fail_msg("%s", rows[i].list);
        assert_int_equal(condition_lists_tag(rows[i].list, "W/\"x\""), rows[i].matches);
    }
}

static void other_paths_are_not_there(void **state)
{
    struct world *world = *state;
    static const char *const paths[] = {
        "/",
        "/global",
        "/global/",
        "/global/global-bundle",
        "/global/global-bundle.zip",
        "/global/global-bundle.pem/",
        "/global//global-bundle.pem",
        "//global/global-bundle.pem",
        "/Global/global-bundle.pem",
        "/aws",
        "/aws/",
        "/aws/global-bundle.pem",
        "/aws-us-gov/us-east-1/us-east-1-bundle.pem",
        "/aws/us-gov-west-1/index.json",
        "/aws/aws/global/global-bundle.pem",
        "/aws-cn/global/global-bundle.pem",
        "/us-east-1/us-east-1-bundle",
        "/us-east-1/us-east-1-bundle.pem.pem",
        "/us-east-1/us-east-1-bundle.pem/x",
        "/us-east-1/us-east-1-.pem",
        "/us-east-1/eu-west-1-bundle.pem",
        "/us-east-1/us-east-1-rds-ca-2099.pem",
        "/us-east-1/index.pem",
        "/us-east-1/../store/sealwright.db",
        "/us-east-1/us-east-1-bundle.pem%00",
        "/us-east-1/us-east-1-bundle.pemaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    };
    AUTO_REPLY struct reply reply = {0};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        world_ask(world, &(struct request){.path = paths[i]}, &reply);
        if (reply.status != 404)
            fail_msg("%s: status %ld", paths[i], reply.status);
    }
    world_ask(world, &(struct request){.path = "/us-east-9/us-east-9-bundle.pem"}, &reply);
    assert_int_equal(reply.status, 404);
    assert_string_equal(reply_header(&reply, "Content-Type"), "text/plain; charset=utf-8");
    assert_string_equal(buf_text(&reply.body),
                        "/us-east-9/us-east-9-bundle.pem: there is no region us-east-9 "
                        "here; there are: us-east-1, eu-west-1, us-gov-west-1\n");
    /* A query does not change what is named. */
    world_get(world, NULL, REGIONAL "?x=y", &reply);
}

static void bundles_can_only_be_read(void **state)
{
    struct world *world = *state;
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"};
    AUTO_REPLY struct reply reply = {0};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        world_ask(world, &(struct request){.method = methods[i], .path = REGIONAL}, &reply);
        assert_int_equal(reply.status, 405);
        assert_string_equal(reply_header(&reply, "Allow"), "GET, HEAD");
    }
}

static void a_new_subordinate_is_soon_in_the_reply(void **state)
{
    struct world *world = *state;
    AUTO_REPLY struct reply before = {0}, after = {0};
    char tag[128];
    struct certificate_list old = {0}, new = {0};
    world_get(world, NULL, REGIONAL, &before);
    text_copy(tag, sizeof tag, reply_header(&before, "ETag"));
    world_add_subordinate(world, "us-east-1", "rds-ca-rsa2048-g1", 2);
    usleep(110 * 1000);
    world_get(world, NULL, REGIONAL, &after);
    assert_string_not_equal(reply_header(&after, "ETag"), tag);
    read_bundle(&before, "pem", &old);
    read_bundle(&after, "pem", &new);
    assert_int_equal(new.count, old.count + 1);
    for (size_t i = 0; i < old.count; i++)
        assert_true(list_has(&new, old.items[i]));
    /* Behind the first of its CA. */
    assert_int_equal(X509_cmp(new.items[5], old.items[5]), 0);
    assert_false(list_has(&old, new.items[6]));
    certificate_list_free(&old);
    certificate_list_free(&new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_bundle_lacks_something),
        cmocka_unit_test(every_format_of_every_bundle_holds_the_same),
        cmocka_unit_test(the_order_is_the_profiles_order_with_the_root_first),
        cmocka_unit_test(a_file_of_one_authority_is_its_root),
        cmocka_unit_test(the_partitions_share_nothing),
        cmocka_unit_test(the_index_tells_what_the_bundles_are),
        cmocka_unit_test(the_regions_are_listed),
        cmocka_unit_test(every_worker_gives_the_same_bytes_and_tag),
        cmocka_unit_test(the_headers_let_it_be_cached),
        cmocka_unit_test(what_the_client_has_is_not_sent_again),
        cmocka_unit_test(a_list_of_tags_is_read_as_one),
        cmocka_unit_test(other_paths_are_not_there),
        cmocka_unit_test(bundles_can_only_be_read),
        cmocka_unit_test(a_new_subordinate_is_soon_in_the_reply),
    };
    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
