#include "truststore/render.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "pki/bundle.h"

#include <jansson.h>
#include <openssl/objects.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

const struct bundle_format render_formats[] = {
    {"pem", "application/x-pem-file"},
    {"p7b", "application/x-pkcs7-certificates"},
    {"jks", "application/x-java-keystore"},
    {"p12", "application/x-pkcs12"},
    {NULL, NULL},
};

const struct bundle_format *render_format(const char *suffix)
{
    const struct bundle_format *format = render_formats;
    while (format->suffix && !text_equal(format->suffix, suffix))
        format++;
    return format->suffix ? format : NULL;
}

int render_bundle(const struct bundle_content *content, const struct bundle_format *format, struct buf *out,
                  struct error *error)
{
    struct certificate_list list = {0};
    for (size_t i = 0; i < content->count; i++)
        certificate_list_add(&list, content->items[i].certificate);
    int result = text_equal(format->suffix, "pem")   ? bundle_pem(&list, out, error)
                 : text_equal(format->suffix, "p7b") ? bundle_pkcs7(&list, out, error)
                 : text_equal(format->suffix, "jks") ? bundle_jks(&list, out, error)
                                                     : bundle_pkcs12(&list, out, error);
    certificate_list_free(&list);
    return result;
}

static json_t *describe(const struct bundle_certificate *each, struct error *error)
{
    struct certificate_facts facts;
    char from[32], till[32];
    if (certificate_facts(each->certificate, &facts, error))
        return NULL;
    const struct ca_profile *profile = ca_profile_find(each->ca_identifier);
    clock_format_seconds(facts.not_before, from);
    clock_format_seconds(facts.not_after, till);
    return json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "ca_identifier",
                     each->ca_identifier, "region", each->scope, "role",
                     each->number ? "subordinate" : "root", "number", each->number, "subject", facts.subject,
                     "issuer", facts.issuer, "serial", facts.serial, "sha1", facts.sha1, "sha256",
                     facts.sha256, "valid_from", from, "valid_till", till, "key",
                     profile ? key_kind_name(profile->key) : "", "signature",
                     OBJ_nid2ln(X509_get_signature_nid(each->certificate)));
}

static json_t *describe_bundle(const char *partition, const struct bundle_scope *scope,
                               const struct bundle_content *content, const struct bundle_format *format,
                               struct error *error)
{
    AUTO_BUF struct buf body = {0};
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char hex[65];
    if (render_bundle(content, format, &body, error))
        return NULL;
    SHA256(body.data, body.length, digest);
    text_hex(digest, sizeof digest, hex);
    AUTO_FREE char *path =
        scope->region[0]
            ? mem_format("/%s/%s/%s-bundle.%s", partition, scope->region, scope->region, format->suffix)
            : mem_format("/%s/global/global-bundle.%s", partition, format->suffix);
    return json_pack("{s:s, s:s, s:s, s:I, s:I}", "path", path, "format", format->suffix, "sha256", hex,
                     "bytes", (json_int_t)body.length, "certificates", (json_int_t)content->count);
}

/* Takes `json`. */
static int write_json(json_t *json, struct buf *out, struct error *error)
{
    AUTO_FREE char *text = json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    if (!text)
        return error_set(error, ERROR_INTERNAL, "cannot make the index");
    buf_append_text(out, text);
    buf_append_byte(out, '\n');
    return 0;
}

int render_index(struct fleet *fleet, const struct bundle_scope *scope, const struct bundle_content *content,
                 struct buf *out, struct error *error)
{
    const struct region *region = region_find(&fleet->settings->regions, scope->region);
    const char *partition = region ? region->partition : scope->partition;
    json_t *certificates = json_array(), *bundles = json_array();
    bool good = true;
    for (size_t i = 0; good && i < content->count; i++)
        good = json_array_append_new(certificates, describe(&content->items[i], error)) == 0;
    for (const struct bundle_format *format = render_formats; good && format->suffix; format++)
        good = json_array_append_new(bundles, describe_bundle(partition, scope, content, format, error)) == 0;
    json_t *index = json_pack("{s:s, s:o, s:o}", "partition", partition, "certificates", certificates,
                              "bundles", bundles);
    if (region)
        json_object_set_new(index, "region", json_string(region->name));
    int result = write_json(index, out, error);
    return good ? result : error_set(error, ERROR_INTERNAL, "cannot make the index");
}

int render_regions(const struct settings *settings, struct buf *out, struct error *error)
{
    json_t *regions = json_array();
    for (size_t i = 0; i < settings->regions.count; i++) {
        const struct region *region = &settings->regions.regions[i];
        AUTO_FREE char *index = mem_format("/%s/%s/index.json", region->partition, region->name);
        json_array_append_new(regions,
                              json_pack("{s:s, s:s, s:s, s:s}", "name", region->name, "title", region->title,
                                        "partition", region->partition, "index", index));
    }
    return write_json(json_pack("{s:s, s:o}", "home_region", settings->home_region, "regions", regions), out,
                      error);
}
