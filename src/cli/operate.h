/* What the subcommands share that work on a run folder's store on this machine, and what they show on the
 * way. */
#ifndef CLI_OPERATE_H
#define CLI_OPERATE_H

#include "fleet/fleet.h"

#include <stdio.h>

/* A run folder's settings and store, opened as the server's user. */
struct operation {
    struct settings settings;
    struct fleet fleet;
};
int operation_open(struct operation *operation, const char *run_folder, struct error *error);
/* The same for reading what is not sealed; nothing is written, and no schema is brought up. */
int operation_open_read_only(struct operation *operation, const char *run_folder, struct error *error);
/* ERROR_NOT_FOUND, naming those there are, for a region that is not NULL and not there. */
int operation_check_region(const struct operation *operation, const char *region, struct error *error);
void operation_close(struct operation *operation);

/* Progress of `total` things: a bar where `out` is a terminal, elsewhere a line each time that `done` has
 * grown. */
struct progress {
    FILE *out;
    const char *what; /* "rotated" */
    int64_t total, shown;
    bool terminal;
};
void progress_begin(struct progress *progress, FILE *out, const char *what, int64_t total);
void progress_show(struct progress *progress, int64_t done);
/* Before other lines: the bar is drawn anew below them. */
void progress_break(struct progress *progress);
void progress_end(struct progress *progress);

/* A date on the command line: 2027-01-31, 2027-01-31T12:00:00Z, or +90d from now. False when it is none. */
bool operation_date(const char *text, int64_t *when);

#endif
