/* One reconciliation under way: shared by the files that carry it out. */
#ifndef AGENT_WORK_H
#define AGENT_WORK_H

#include "agent/reconcile.h"
#include "agent/state.h"
#include "engine/adopted.h"

struct work {
    const struct agent_site *site;
    const struct agent_transport *transport;
    const struct desired_instance *desired;
    const struct engine_driver *driver;     /* of an adopted server: its face */
    const struct engine_adoption *adoption; /* NULL: the server is of this agent's own making */
    struct engine_release release;          /* of an adopted server */
    char *address;                          /* owned; of an adopted server */
    bool down;                              /* an adopted server does not run */
    struct engine_instance engine;
    struct engine_parameter *parameters; /* owned; engine.parameters */
    char *folder;                        /* owned */
    struct instance_state state;
    char served_serial[48]; /* seen on the wire in this round */
    struct error put_off;   /* what is left for later on purpose, though the rest is done; code 0: nothing */
};

/* A generation's key and chain, as kept in certificates/<generation>/. */
struct pair {
    int64_t generation;
    struct buf key;                 /* PEM; secret */
    struct buf chain;               /* PEM: what the engine serves: all but self-signed certificates */
    struct buf authorities;         /* PEM: all but the server certificate */
    struct buf issuers;             /* PEM: of these, all but bridges */
    struct certificate_list served; /* the same, parsed */
    struct certificate_list roots;  /* the self-signed ones */
    struct certificate_facts leaf;
};

/* install.c */

/* Makes key and request of a generation and gets its certificate, unless they are there already. ERROR_DENIED
 * when the server refuses for good. */
int pair_obtain(struct work *work, int64_t generation, struct error *error);
/* Loads an obtained pair; ERROR_NOT_FOUND when it is not there. pair_free in any case. */
int pair_load(const struct work *work, int64_t generation, struct pair *pair, struct error *error);
void pair_free(struct pair *pair);
/* Writes the engine's files. */
int pair_place(const struct work *work, const struct pair *pair, struct error *error);
/* Are the engine's files those of the pair, by content? `found` says what is different. */
bool pair_in_place(const struct work *work, const struct pair *pair, char *found, size_t size);
/* Makes the engine read the placed files: by a reload, a start, or a restart where it cannot do without. */
int pair_activate(struct work *work, struct error *error);
/* Connects to all addresses as a client would, until the pair's chain is served or the deadline passes; an
 * engine that can reload is told to again now and then. Nothing is looked at while the instance serves no
 * TLS.
 */
int pair_served(struct work *work, const struct pair *pair, int64_t deadline, struct error *error);
/* Would a client that trusts the chain's root accept the pair now? */
int pair_valid(const struct work *work, const struct pair *pair, struct error *error);
/* The transaction: place, start or reload, see it served; else the old pair back, or where there is none an
 * adopted server's own settings (ERROR_DENIED). What follows a failure that comes back is the caller's to
 * tell. */
int pair_install(struct work *work, const struct pair *pair, struct error *error);
/* True, with the reason in work->put_off, while an engine that would have to restart for it is left alone
 * with a pair that it refused. */
bool pair_held_off(struct work *work, int64_t generation);
/* Removes what older generations left, but for the last two and the one that a guard goes back to. */
void pair_prune(const struct work *work);

/* serve.c */

/* Brings the engine up with the installed certificate, newest configuration and master user. */
int serve(struct work *work, struct error *error);
/* Chooses a port, configures, starts. Where the engine was meant to run and did not, an event says so. */
int serve_start(struct work *work, struct error *error);
/* Stops the engine, on the agent's own account. */
int serve_stop(struct work *work, struct error *error);

/* guard.c */

/* Before a pair is placed over an older one: decides whether it will be watched, and learns which clients
 * refuse the older one already. Kept by the next state_save. */
int guard_prepare(struct work *work, int64_t generation, struct error *error);
/* A pair was installed: the watch that was prepared for it begins. */
void guard_installed(struct work *work);
/* Counts refusals; ends the watch when it is over, puts the previous pair back when it is due. A failure
 * leaves the watched pair in use and the undo to the next round. */
int guard_step(struct work *work, struct error *error);
/* A newer pair is at hand: the watched one counts as kept, a rehearsed one goes back first. */
void guard_supersede(struct work *work);
/* The certificate generation to reach: the desired one, but that which was undone is done with. */
int64_t guard_wanted(const struct work *work);
bool guard_watching(const struct work *work);
/* A cheap look: is there something for guard_step to do? */
bool guard_due(const struct work *work);

/* adopted.c */

/* Whether an adopted server runs (`down`), where, and in which version. ERROR_STATE when its owner has set
 * what stands in the way of its certificate. */
int adopted_look(struct work *work, struct error *error);
/* What the owner's own settings say is served again, and the owner's files are as they were. May be cut off
 * and done again. ERROR_DENIED where files are not this user's to write. */
int adopted_release(struct work *work, struct error *error);

/* reconcile.c */

/* Keeps a report of what is there so far, to be sent with that of the round's end. */
void report_so_far(struct work *work);

#endif
