/* adopted.json, which a server's owner could write and root's commands read: what is taken comes through its
 * own writer unchanged. */
#include "engine/adopted.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);
    struct adopted one = {0}, two = {0};
    if (adopted_from_json(json, &one, NULL) == 0) {
        json_t *written = adopted_to_json(&one);
        if (adopted_from_json(written, &two, NULL))
            abort();
        json_t *again = adopted_to_json(&two);
        if (!json_equal(written, again))
            abort();
        json_decref(written);
        json_decref(again);
    }
    adopted_free(&one);
    adopted_free(&two);
    json_decref(json);
    return 0;
}
