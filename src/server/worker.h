/* A worker: answers requests and does due work, until it is told to stop. All workers are the same. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/server.h"

struct worker_start {
    const struct settings *settings;
    int channel; /* to the signer; taken */
    const int *listeners;
    size_t listener_count;
    int console; /* the folder of the web console; -1: it was not built */
};

/* Returns the process's exit status. SIGTERM ends it after the requests at hand, SIGHUP loads the endpoint's
 * certificate anew. */
int worker_run(const struct worker_start *start);

#endif
