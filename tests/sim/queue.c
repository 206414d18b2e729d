#include "queue.h"

#include "base/memory.h"

#include <stdlib.h>

static void swap(struct queue *queue, size_t a, size_t b)
{
    struct moment kept = queue->moments[a];
    queue->moments[a] = queue->moments[b];
    queue->moments[b] = kept;
}

void queue_add(struct queue *queue, struct moment moment)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity ? queue->capacity * 2 : 1024;
        queue->moments = mem_grow(queue->moments, queue->capacity, sizeof *queue->moments);
    }
    size_t at = queue->count++;
    queue->moments[at] = moment;
    for (; at && queue->moments[at].at < queue->moments[(at - 1) / 2].at; at = (at - 1) / 2)
        swap(queue, at, (at - 1) / 2);
}

int64_t queue_next(const struct queue *queue)
{
    return queue->count ? queue->moments[0].at : INT64_MAX;
}

struct moment queue_take(struct queue *queue)
{
    struct moment first = queue->moments[0];
    queue->moments[0] = queue->moments[--queue->count];
    for (size_t at = 0, child; (child = 2 * at + 1) < queue->count; at = child) {
        if (child + 1 < queue->count && queue->moments[child + 1].at < queue->moments[child].at)
            child++;
        if (queue->moments[at].at <= queue->moments[child].at)
            break;
        swap(queue, at, child);
    }
    return first;
}

void queue_free(struct queue *queue)
{
    free(queue->moments);
    *queue = (struct queue){0};
}
