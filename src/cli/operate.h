/* What the subcommands share that work on a run folder's store on this machine, and what they show on the
 * way. */
#ifndef CLI_OPERATE_H
#define CLI_OPERATE_H

#include "fleet/fleet.h"

/* A run folder's settings and store, opened as the server's user. */
struct operation {
    struct settings settings;
    struct fleet fleet;
};
int operation_open(struct operation *operation, const char *run_folder, struct error *error);
void operation_close(struct operation *operation);

/* Progress of `total` things: a bar on a terminal, elsewhere a line each time that `done` has grown. */
struct progress {
    const char *what; /* "rotated" */
    int64_t total, shown;
    bool terminal;
};
void progress_begin(struct progress *progress, const char *what, int64_t total);
void progress_show(struct progress *progress, int64_t done);
void progress_end(struct progress *progress);

/* A date on the command line: 2027-01-31, 2027-01-31T12:00:00Z, or +90d from now. False when it is none. */
bool operation_date(const char *text, int64_t *when);

#endif
