#include "fleet/issue.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/bridge.h"
#include "fleet/catalogue.h"
#include "fleet/instance_internal.h"
#include "fleet/rotation.h"

#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP = 16 };
#define BACKDATE (5 * CLOCK_MINUTE) /* a client's clock may be a little behind */

/* One request on its way. */
struct issuing {
    const struct certificate_request *request;
    struct certificate_reply *reply;
    struct instance_row instance;
    char ca_identifier[32]; /* that is to sign */
    struct text_list names;
    struct authority_row root, subordinate;
    struct buf bridges;                   /* PEM */
    struct server_certificate_row record; /* filled as far as it is known */
    bool known;                           /* it was issued before */
    int result;
    struct error error;
};

static void issuing_free(struct issuing *issuing)
{
    instance_row_free(&issuing->instance);
    text_list_free(&issuing->names);
    authority_row_free(&issuing->root);
    authority_row_free(&issuing->subordinate);
    buf_free(&issuing->bridges);
    server_certificate_row_free(&issuing->record);
}

/* SHA-256 over the key and the names: what makes two requests the same. */
static void request_digest(EVP_PKEY *key, const struct text_list *names, char digest[65])
{
    AUTO_BUF struct buf bytes = {0};
    unsigned char *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    buf_append(&bytes, der, length > 0 ? (size_t)length : 0);
    OPENSSL_free(der);
    for (size_t i = 0; i < names->count; i++)
        buf_append(&bytes, names->items[i], strlen(names->items[i]) + 1);
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256(bytes.data, bytes.length, hash);
    text_hex(hash, sizeof hash, digest);
}

static void desired_names(const struct instance_row *row, struct text_list *names)
{
    json_t *list = json_loadb((const char *)row->names.data, row->names.length, 0, NULL);
    for (size_t i = 0; i < json_array_size(list); i++)
        text_list_add(names, json_string_value(json_array_get(list, i)));
    json_decref(list);
}

static int check_instance(struct fleet *fleet, const char *host, struct issuing *issuing, struct error *error)
{
    struct instance_row *row = &issuing->instance;
    int result = store_instance_get_by_resource(fleet->store, issuing->request->resource_id, row, error);
    if (result)
        return result;
    if (!text_equal(row->host, host))
        return error_set(error, ERROR_DENIED, "instance %s is not on host %s", row->resource_id, host);
    if (row->deleted)
        return error_set(error, ERROR_STATE, "instance %s is being deleted", row->identifier);
    if (issuing->request->certificate_generation != row->certificate_generation)
        return error_set(error, ERROR_STATE, "instance %s wants certificate generation %lld, not %lld",
                         row->identifier, (long long)row->certificate_generation,
                         (long long)issuing->request->certificate_generation);
    instance_wanted_ca(row, issuing->ca_identifier);
    desired_names(row, &issuing->names);
    return 0;
}

/* Is the request one for this instance's names, with the kind of key that its CA signs? */
static int check_request(struct issuing *issuing, struct error *error)
{
    EVP_PKEY *key = NULL;
    struct text_list names = {0};
    const struct ca_profile *profile = ca_profile_find(issuing->ca_identifier);
    int result = request_read(slice_buf(&issuing->request->request), &key, &names, error);
    if (!result && !text_list_equal(&names, &issuing->names))
        result = error_set(error, ERROR_DENIED, "the request's names are not those of instance %s",
                           issuing->instance.identifier);
    if (!result && !key_is_kind(key, profile->key))
        result = error_set(error, ERROR_INVALID, "%s signs %s keys only", profile->identifier,
                           key_kind_name(profile->key));
    if (!result)
        request_digest(key, &names, issuing->record.request_digest);
    text_list_free(&names);
    EVP_PKEY_free(key);
    return result;
}

/* A root or subordinate is never used past its end. */
static int check_end(const struct authority_row *row, struct error *error)
{
    if (row->not_after > clock_now())
        return 0;
    char end[32];
    clock_format_seconds(row->not_after, end);
    return error_set(error, ERROR_STATE, "%s %d of %s ended on %s", row->ca_identifier, row->number,
                     row->scope, end);
}

static int find_chain(struct fleet *fleet, struct issuing *issuing, struct error *error)
{
    const struct instance_row *row = &issuing->instance;
    const char *ca = issuing->ca_identifier;
    int result = authority_root(fleet, row->region, ca, &issuing->root, error);
    if (!result)
        result =
            store_authority_signing(fleet->store, row->region, ca, clock_now(), &issuing->subordinate, error);
    if (result == ERROR_NOT_FOUND)
        return error_set(error, ERROR_BUSY, "%s of %s is still being made", ca, row->region);
    if (!result)
        result = check_end(&issuing->root, error);
    if (!result)
        result = check_end(&issuing->subordinate, error);
    if (result)
        return result;
    json_t *bridges = instance_wanted_bridges(row);
    result = bridge_append(fleet, row->region, ca, bridges, &issuing->bridges, error);
    json_decref(bridges);
    return result;
}

static void fill_record(struct fleet *fleet, struct issuing *issuing)
{
    struct server_certificate_row *record = &issuing->record;
    const struct instance_row *row = &issuing->instance;
    int64_t now = clock_now();
    text_copy(record->resource_id, sizeof record->resource_id, row->resource_id);
    text_copy(record->region, sizeof record->region, row->region);
    text_copy(record->ca_identifier, sizeof record->ca_identifier, issuing->ca_identifier);
    record->certificate_generation = row->certificate_generation;
    record->number = issuing->subordinate.number;
    record->issued_at = now;
    record->not_before = (now - BACKDATE) / 1000 * 1000;
    record->not_after = rotation_end_of_life(
        fleet->settings, catalogue_reloads(row->engine, row->engine_version), record->not_before, now);
}

static void prepare(struct fleet *fleet, const char *host, struct issuing *issuing)
{
    struct error *error = &issuing->error;
    int result = check_instance(fleet, host, issuing, error);
    if (!result)
        result = check_request(issuing, error);
    if (!result)
        result = find_chain(fleet, issuing, error);
    if (!result) {
        int found = store_server_certificate_find(fleet->store, issuing->instance.resource_id,
                                                  issuing->instance.certificate_generation,
                                                  issuing->record.request_digest, &issuing->record, error);
        issuing->known = found == 0;
        result = found == ERROR_NOT_FOUND ? 0 : found;
        /* Its chain is that of the subordinate that signed it. */
        if (issuing->known && issuing->record.number != issuing->subordinate.number)
            result = store_authority_get(fleet->store, issuing->instance.region, issuing->ca_identifier,
                                         issuing->record.number, &issuing->subordinate, error);
        if (!issuing->known)
            fill_record(fleet, issuing);
    }
    issuing->result = result;
}

static const char *partition_of(struct fleet *fleet, const char *region)
{
    const struct region *found = region_find(&fleet->settings->regions, region);
    return found ? found->partition : PARTITION_AWS;
}

/* Takes the signed certificate's facts over: the signer may have cut its life. */
static int keep_signed(struct issuing *issuing, const struct buf *der, struct error *error)
{
    X509 *certificate = NULL;
    struct certificate_facts facts;
    int result = certificate_parse(slice_buf(der), &certificate, error);
    if (!result)
        result = certificate_facts(certificate, &facts, error);
    X509_free(certificate);
    if (result)
        return result;
    buf_append_slice(&issuing->record.certificate, slice_buf(der));
    text_copy(issuing->record.serial, sizeof issuing->record.serial, facts.serial);
    issuing->record.not_before = facts.not_before;
    issuing->record.not_after = facts.not_after;
    return 0;
}

static int sign_group(struct fleet *fleet, struct issuing *group, size_t count, struct error *error)
{
    struct signer_server_request requests[GROUP];
    struct signer_server_reply replies[GROUP] = {0};
    struct issuing *signed_ones[GROUP];
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        struct issuing *each = &group[i];
        if (each->result || each->known)
            continue;
        requests[asked] = (struct signer_server_request){
            .region = each->instance.region,
            .partition = partition_of(fleet, each->instance.region),
            .ca_identifier = each->ca_identifier,
            .number = each->subordinate.number,
            .request = slice_buf(&each->request->request),
            .names = &each->names,
            .not_before = each->record.not_before,
            .not_after = each->record.not_after,
        };
        signed_ones[asked++] = each;
    }
    int result = asked ? signer_sign_server(fleet->signer, requests, asked, replies, error) : 0;
    for (size_t i = 0; i < asked; i++) {
        signed_ones[i]->result = result ? result : replies[i].result;
        signed_ones[i]->error = result ? *error : replies[i].error;
        if (!signed_ones[i]->result)
            signed_ones[i]->result = keep_signed(signed_ones[i], &replies[i].der, &signed_ones[i]->error);
        buf_free(&replies[i].der);
    }
    return 0;
}

/* One transaction for the whole group: one sync of the disk. */
static int store_group(struct fleet *fleet, const struct issuing *group, size_t count, struct error *error)
{
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    for (size_t i = 0; !result && i < count; i++)
        if (!group[i].result && !group[i].known)
            result = store_server_certificate_insert(fleet->store, &group[i].record, error);
    return store_finish(fleet->store, result, error);
}

static void answer(struct issuing *issuing)
{
    struct certificate_reply *reply = issuing->reply;
    text_copy(reply->resource_id, sizeof reply->resource_id, issuing->request->resource_id);
    reply->certificate_generation = issuing->request->certificate_generation;
    AUTO_BUF struct buf pem = {0};
    int result = issuing->result;
    if (!result) {
        certificate_pem_of_der(slice_buf(&issuing->record.certificate), &pem);
        certificate_pem_of_der(slice_buf(&issuing->subordinate.certificate), &pem);
        buf_append_slice(&pem, slice_buf(&issuing->bridges));
        certificate_pem_of_der(slice_buf(&issuing->root.certificate), &pem);
        reply->chain = mem_string(buf_text(&pem));
        return;
    }
    reply->error = mem_string(issuing->error.text);
    reply->retry = result == ERROR_BUSY || result == ERROR_TIMEOUT || result == ERROR_IO;
}

static int issue_group(struct fleet *fleet, const char *host, const struct certificate_request *requests,
                       size_t count, struct certificate_reply *replies, struct error *error)
{
    struct issuing group[GROUP] = {0};
    for (size_t i = 0; i < count; i++) {
        group[i].request = &requests[i];
        group[i].reply = &replies[i];
        prepare(fleet, host, &group[i]);
    }
    int result = sign_group(fleet, group, count, error);
    if (!result)
        result = store_group(fleet, group, count, error);
    for (size_t i = 0; i < count; i++) {
        if (!result)
            answer(&group[i]);
        issuing_free(&group[i]);
    }
    return result;
}

int issue_certificates(struct fleet *fleet, const char *host, const struct certificate_request *requests,
                       size_t count, struct certificate_reply *replies, struct error *error)
{
    int result = 0;
    for (size_t done = 0; !result && done < count; done += GROUP) {
        size_t size = count - done < GROUP ? count - done : GROUP;
        result = issue_group(fleet, host, requests + done, size, replies + done, error);
    }
    return result;
}
