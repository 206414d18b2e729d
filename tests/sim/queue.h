/* What is going to happen to the simulated world, in the order of time. */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include <stddef.h>
#include <stdint.h>

enum happening {
    HOST_GOES_DOWN,
    HOST_COMES_BACK,
    AGENT_INSTALLS, /* `which` is an instance, `mark` the certificate generation */
    GUARD_ENDS,     /* likewise */
    OPERATOR_ASKS,  /* likewise: for the pending maintenance of what that generation serves */
    EVENTS_ARE_READ,
    SERVER_GOES_DOWN,
    SERVER_COMES_BACK,
    CLOCK_JUMPS,
};

struct moment {
    int64_t at;
    enum happening what;
    size_t which;
    int64_t mark;
};

struct queue {
    struct moment *moments; /* a heap: none is before its parent */
    size_t count, capacity;
};

void queue_add(struct queue *queue, struct moment moment);
/* The time of the first; INT64_MAX: there is none. */
int64_t queue_next(const struct queue *queue);
/* Takes the first out; there must be one. */
struct moment queue_take(struct queue *queue);
void queue_free(struct queue *queue);

#endif
