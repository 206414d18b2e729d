#include "fleet/bridge.h"

#include "base/clock.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/rotation.h"

#include <string.h>

json_t *bridge_list(const struct buf *text)
{
    json_t *list = json_loadb((const char *)text->data, text->length, 0, NULL);
    return list ? list : json_array();
}

static const char *item(const json_t *list, size_t index)
{
    return json_string_value(json_array_get(list, index));
}

void bridge_list_move(const struct fleet *fleet, struct instance_row *row, const char *from, const char *to,
                      bool wanted)
{
    json_t *before = bridge_list(&row->bridges), *after = json_array();
    if (wanted && fleet->settings->bridges && from[0] && !text_equal(from, to))
        json_array_append_new(after, json_string(from));
    for (size_t i = 0; wanted && i < json_array_size(before); i++)
        if (!text_equal(item(before, i), from) && !text_equal(item(before, i), to))
            json_array_append(after, json_array_get(before, i));
    instance_set_json(&row->bridges, after);
    json_decref(before);
    json_decref(after);
}

static bool read_wanted(const char *key, const char *value, void *context)
{
    if (text_equal(key, TAG_BRIDGE))
        *(bool *)context = !text_equal_ignoring_case(value, "off");
    return true;
}

int bridge_wanted(struct fleet *fleet, const struct instance_row *row, bool *wanted, struct error *error)
{
    char arn[300];
    name_instance_arn(fleet->settings, row->region, row->identifier, arn);
    *wanted = true;
    return store_tag_list(fleet->store, arn, read_wanted, wanted, error);
}

/* Both roots' earlier end. */
static int end_of(struct fleet *fleet, const char *region, const char *subject, const char *issuer,
                  int64_t *end, struct error *error)
{
    struct authority_row a = {0}, b = {0};
    int result = authority_root(fleet, region, subject, &a, error);
    if (!result)
        result = authority_root(fleet, region, issuer, &b, error);
    *end = a.not_after < b.not_after ? a.not_after : b.not_after;
    authority_row_free(&a);
    authority_row_free(&b);
    return result;
}

int bridge_list_trim(struct fleet *fleet, struct instance_row *row, const char *ca_identifier, int64_t lead,
                     bool *trimmed, struct error *error)
{
    json_t *before = bridge_list(&row->bridges), *after = json_array();
    const char *subject = ca_identifier;
    int result = 0;
    *trimmed = false;
    for (size_t i = 0; !result && i < json_array_size(before); i++) {
        int64_t end = 0;
        result = end_of(fleet, row->region, subject, item(before, i), &end, error);
        if (!result && end - lead <= clock_now()) {
            *trimmed = true;
            continue;
        }
        json_array_append(after, json_array_get(before, i));
        subject = item(before, i);
    }
    if (!result)
        instance_set_json(&row->bridges, after);
    json_decref(before);
    json_decref(after);
    return result;
}

int bridge_ends(struct fleet *fleet, const struct instance_row *row, int64_t *ends, struct error *error)
{
    json_t *list = bridge_list(&row->bridges);
    const char *subject = row->served_ca_identifier;
    int result = 0;
    *ends = MOMENT_NEVER;
    for (size_t i = 0; !result && i < json_array_size(list); i++) {
        int64_t end = 0;
        result = end_of(fleet, row->region, subject, item(list, i), &end, error);
        if (!result && end < *ends)
            *ends = end;
        subject = item(list, i);
    }
    json_decref(list);
    return result;
}

static int make(struct fleet *fleet, struct bridge_row *bridge, struct error *error)
{
    const struct region *region = region_find(&fleet->settings->regions, bridge->region);
    const struct signer_bridge request = {
        .region = bridge->region,
        .partition = region ? region->partition : PARTITION_AWS,
        .subject_ca = bridge->ca_identifier,
        .issuer_ca = bridge->issuer_ca_identifier,
    };
    struct certificate_facts facts;
    X509 *certificate = NULL;
    int result = signer_sign_bridge(fleet->signer, &request, &bridge->certificate, error);
    if (!result)
        result = certificate_parse(slice_buf(&bridge->certificate), &certificate, error);
    if (!result)
        result = certificate_facts(certificate, &facts, error);
    X509_free(certificate);
    if (result)
        return result;
    bridge->not_after = facts.not_after;
    result = store_bridge_insert(fleet->store, bridge, error);
    /* Another worker was faster: either bridge is good. */
    return result == ERROR_EXISTS ? 0 : result;
}

static int ensure(struct fleet *fleet, const char *region, const char *subject, const char *issuer,
                  struct bridge_row *bridge, struct error *error)
{
    int result = store_bridge_get(fleet->store, region, subject, issuer, bridge, error);
    if (result != ERROR_NOT_FOUND)
        return result;
    text_copy(bridge->region, sizeof bridge->region, region);
    text_copy(bridge->ca_identifier, sizeof bridge->ca_identifier, subject);
    text_copy(bridge->issuer_ca_identifier, sizeof bridge->issuer_ca_identifier, issuer);
    return make(fleet, bridge, error);
}

int bridge_append(struct fleet *fleet, const char *region, const char *ca_identifier, const json_t *list,
                  struct buf *pem, struct error *error)
{
    const char *subject = ca_identifier;
    int result = 0;
    for (size_t i = 0; !result && i < json_array_size(list); i++) {
        struct bridge_row bridge = {0};
        int64_t end = 0;
        result = end_of(fleet, region, subject, item(list, i), &end, error);
        bool over = !result && end <= clock_now();
        if (!result && !over)
            result = ensure(fleet, region, subject, item(list, i), &bridge, error);
        if (!result && !over)
            certificate_pem_of_der(slice_buf(&bridge.certificate), pem);
        bridge_row_free(&bridge);
        if (over)
            break;
        subject = item(list, i);
    }
    return result;
}
