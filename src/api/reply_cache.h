/* Results of reading actions that were rendered before and are still true: as long as the store's version is
 * the same, so is the answer to the same parameters. Bounded in entries and bytes. */
#ifndef API_REPLY_CACHE_H
#define API_REPLY_CACHE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct reply_cache;

/* At most `most` bytes of keys and results together. */
struct reply_cache *reply_cache_new(size_t most);
void reply_cache_free(struct reply_cache *cache);

/* The result kept under `key` at this version of the store; false when there is none. Valid until the next
 * call. A new version forgets everything older. */
bool reply_cache_find(struct reply_cache *cache, int64_t version, struct slice key, struct slice *result);

/* Keeps a result; the oldest ones make room. One that is larger than the whole cache is not kept. */
void reply_cache_put(struct reply_cache *cache, int64_t version, struct slice key, struct slice result);

/* The bytes that are kept. */
size_t reply_cache_size(const struct reply_cache *cache);

#endif
