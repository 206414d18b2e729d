/* Every message that server and agent say to each other; what is taken must come through its own writer
 * unchanged. */
#include "agent/adoption.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(json_t *written, json_t *again)
{
    if (!json_equal(written, again))
        abort();
    json_decref(written);
    json_decref(again);
}

static void try_desired(const json_t *json)
{
    struct desired_instance one, two;
    if (desired_from_json(json, &one, NULL))
        return;
    json_t *written = desired_to_json(&one);
    if (desired_from_json(written, &two, NULL))
        abort();
    check_same(written, desired_to_json(&two));
    desired_free(&one);
    desired_free(&two);
}

static void try_observed(const json_t *json)
{
    struct observed_instance one, two;
    if (observed_from_json(json, &one, NULL))
        return;
    json_t *written = observed_to_json(&one);
    if (observed_from_json(written, &two, NULL))
        abort();
    check_same(written, observed_to_json(&two));
    observed_free(&one);
    observed_free(&two);
}

static void try_request(const json_t *json)
{
    struct certificate_request one, two;
    if (certificate_request_from_json(json, &one, NULL))
        return;
    json_t *written = certificate_request_to_json(&one);
    if (certificate_request_from_json(written, &two, NULL) == 0) {
        check_same(json_incref(written), certificate_request_to_json(&two));
        certificate_request_free(&two);
    }
    json_decref(written);
    certificate_request_free(&one);
}

static void try_reply(const json_t *json)
{
    struct certificate_reply one, two;
    if (certificate_reply_from_json(json, &one, NULL))
        return;
    json_t *written = certificate_reply_to_json(&one);
    if (certificate_reply_from_json(written, &two, NULL))
        abort();
    check_same(written, certificate_reply_to_json(&two));
    certificate_reply_free(&one);
    certificate_reply_free(&two);
}

static void try_adoption(const json_t *json)
{
    struct adoption one, two;
    if (adoption_from_json(json, &one, NULL))
        return;
    json_t *written = adoption_to_json(&one);
    if (adoption_from_json(written, &two, NULL))
        abort();
    check_same(written, adoption_to_json(&two));
    adoption_free(&one);
    adoption_free(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct engine_version version;
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    try_desired(json);
    try_observed(json);
    try_request(json);
    try_reply(json);
    try_adoption(json);
    engine_version_from_json(json, &version, NULL);
    json_decref(json);
    return 0;
}
