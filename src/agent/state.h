/* What an agent keeps on disk of one instance: enough to run it on without a server, and to go on after any
 * crash. */
#ifndef AGENT_STATE_H
#define AGENT_STATE_H

#include "agent/protocol.h"

/* The watch over a certificate generation that was installed over an older one. */
struct guard {
    int64_t generation;         /* watched, or watched last; 0: none */
    int64_t previous;           /* the one to go back to */
    enum guard_outcome outcome; /* GUARD_NONE: the generation is being installed */
    bool rehearsal;
    bool undoing;             /* it is decided that the previous one goes back */
    int64_t seconds, limit;   /* how long, and the refusals that it takes: as wanted when it began */
    int64_t until;            /* ms since 1970 */
    int64_t position;         /* in the engine's evidence: up to there refusals are counted */
    int64_t refusals;         /* counted */
    struct text_list clients; /* that refused, at most GUARD_CLIENT_LIMIT */
    struct text_list known;   /* that refused the previous one already: theirs are not counted */
};

struct instance_state {
    bool known;                      /* was loaded, or saved once */
    struct desired_instance desired; /* the last that was heard, without the password */
    int64_t reached;                 /* the generation whose desired state was reached; 0: none */
    int port;                        /* of the running engine; 0 until its first start */
    bool up;                     /* the engine is meant to run: when it does not, something else stopped it */
    int64_t restart;             /* restarts done */
    int restart_pid;             /* the process that a restart under way is to end; 0: none */
    int64_t password_generation; /* applied */
    int64_t certificate_generation; /* installed, and seen on the wire */
    int64_t installing;    /* the generation whose files may stand in the engine's folder already; 0: none */
    int64_t refused;       /* the generation whose failed installation was told in an event */
    int64_t refused_until; /* an engine that must restart for it is not restarted for it before that time */
    int64_t evidence_from; /* in the engine's evidence: where the certificate that serves was placed */
    struct guard guard;
    struct observed_event *events; /* not in a report yet */
    size_t event_count;
    json_t *reports;      /* array of reports not acknowledged yet, oldest first */
    uint64_t last_report; /* a hash of the newest, so that the same is not said twice */
    char *saved;          /* the text on disk */
};

/* Loads <folder>/state.json; a missing one gives an empty state. ERROR_INVALID for one that cannot be read.
 */
int state_load(const char *folder, struct instance_state *state, struct error *error);
/* Writes it where it differs from what is on disk. */
int state_save(const char *folder, struct instance_state *state, struct error *error);
void state_free(struct instance_state *state);
void guard_free(struct guard *guard); /* the members; an empty one is left */

/* Keeps an event until it is in a report. */
void state_add_event(struct instance_state *state, const char *category, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Replaces the desired state by a copy without the password. */
void state_set_desired(struct instance_state *state, const struct desired_instance *desired);

/* Moves the events into the report and appends it to those to be sent, with a new report_id. Without events,
 * a report that says what the last one said is left out unless `always`. Older ones are dropped, since the
 * newest tells all, but for those with events and those that say how the guard of another generation
 * ended. */
void state_add_report(struct instance_state *state, struct observed_instance *observed, bool always);

#endif
