#include "api/reply_cache.h"

#include "base/memory.h"

#include <stdlib.h>

enum { ENTRIES = 8 };

struct entry {
    struct buf key; /* empty: the entry is free */
    struct buf result;
};

struct reply_cache {
    size_t most;
    size_t size;
    int64_t version;
    size_t next; /* the oldest entry: the next to be replaced */
    struct entry entries[ENTRIES];
};

struct reply_cache *reply_cache_new(size_t most)
{
    struct reply_cache *cache = mem_new(sizeof *cache);
    cache->most = most;
    return cache;
}

static void forget(struct reply_cache *cache, struct entry *entry)
{
    cache->size -= entry->key.length + entry->result.length;
    buf_free(&entry->key);
    buf_free(&entry->result);
}

static void turn_to(struct reply_cache *cache, int64_t version)
{
    if (cache->version == version)
        return;
    for (size_t i = 0; i < ENTRIES; i++)
        forget(cache, &cache->entries[i]);
    cache->version = version;
}

bool reply_cache_find(struct reply_cache *cache, int64_t version, struct slice key, struct slice *result)
{
    turn_to(cache, version);
    for (size_t i = 0; i < ENTRIES; i++) {
        if (!slice_equal(slice_buf(&cache->entries[i].key), key) || key.length == 0)
            continue;
        *result = slice_buf(&cache->entries[i].result);
        return true;
    }
    return false;
}

void reply_cache_put(struct reply_cache *cache, int64_t version, struct slice key, struct slice result)
{
    turn_to(cache, version);
    if (key.length == 0 || key.length + result.length > cache->most)
        return;
    forget(cache, &cache->entries[cache->next]);
    for (size_t i = 1; cache->size + key.length + result.length > cache->most && i < ENTRIES; i++)
        forget(cache, &cache->entries[(cache->next + i) % ENTRIES]);
    struct entry *entry = &cache->entries[cache->next];
    buf_append_slice(&entry->key, key);
    buf_append_slice(&entry->result, result);
    cache->size += key.length + result.length;
    cache->next = (cache->next + 1) % ENTRIES;
}

size_t reply_cache_size(const struct reply_cache *cache)
{
    return cache->size;
}

void reply_cache_free(struct reply_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < ENTRIES; i++)
        forget(cache, &cache->entries[i]);
    free(cache);
}
