/* The instances that an agent looks after, and the child processes that work on them. */
#ifndef AGENT_TRACK_H
#define AGENT_TRACK_H

#include "agent/reconcile.h"

#include <sys/types.h>

struct track {
    struct desired_instance desired;
    bool listed;         /* the server named it in its last list */
    bool report;         /* the next round reports in any case */
    bool again;          /* something was heard while a child works */
    pid_t child;         /* 0: none */
    int64_t child_until; /* clock_steady: past it the child is killed */
    int64_t due;         /* clock_steady of the next round; INT64_MAX: converged */
    int attempts;        /* rounds in a row that did not converge */
    int64_t look_due;    /* clock_steady of the next look */
    int looks;           /* since the last round */
    int64_t guard_due;   /* clock_steady of the next look for a guard; INT64_MAX: none watches */
};

struct tracks {
    struct track *items; /* owned */
    size_t count;
    size_t children;
};

/* A pause that doubles with each attempt up to `longest`, half of it by chance, so that many do not come at
 * once. */
int64_t track_pause(int attempts, int64_t first, int64_t longest);

/* What the instances' folders say: the desired state of an agent that has not heard from its server yet. */
void tracks_load(struct tracks *tracks, const char *instances_folder);

/* A list of the server: begin, each desired instance (taken over), end. */
void tracks_begin_list(struct tracks *tracks);
void tracks_hear(struct tracks *tracks, struct desired_instance *desired);
void tracks_end_list(struct tracks *tracks);

/* Looks at converged instances whose look is due, and makes a round due where something is not as it was
 * left. Every tenth look is a round, which also sees what the engine serves. Where a guard watches, clients
 * that refuse the certificate are looked for every second, converged or not. */
void tracks_look(struct tracks *tracks, const struct agent_site *site, int64_t interval);

/* Starts children for what is due, `concurrency` at most at once. */
void tracks_start(struct tracks *tracks, const struct agent_site *site,
                  const struct agent_transport *transport, int concurrency);
/* Takes the outcome of children that ended, and kills those past their deadline. */
void tracks_reap(struct tracks *tracks);

/* clock_steady of the next thing to do. */
int64_t tracks_next(const struct tracks *tracks, int concurrency);

/* Waits at most `patience` ms for the children, then kills them: a round can be cut anywhere. */
void tracks_stop(struct tracks *tracks, int64_t patience);
void tracks_free(struct tracks *tracks);

#endif
