/* One reconciliation under way: shared by the files that carry it out. */
#ifndef AGENT_WORK_H
#define AGENT_WORK_H

#include "agent/reconcile.h"
#include "agent/state.h"

struct work {
    const struct agent_site *site;
    const struct agent_transport *transport;
    const struct desired_instance *desired;
    const struct engine_driver *driver;
    struct engine_instance engine;
    struct engine_parameter *parameters; /* owned; engine.parameters */
    char *folder;                        /* owned */
    struct instance_state state;
    char served_serial[48]; /* seen on the wire in this round */
};

/* A generation's key and chain, as kept in certificates/<generation>/. */
struct pair {
    int64_t generation;
    struct buf key;                 /* PEM; secret */
    struct buf chain;               /* PEM: what the engine serves: all but self-signed certificates */
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
/* Connects to all addresses as a client would, until the pair's chain is served or the deadline passes; the
 * engine is told to reload again now and then. */
int pair_served(struct work *work, const struct pair *pair, int64_t deadline, struct error *error);
/* Would a client that trusts the chain's root accept the pair now? */
int pair_valid(const struct work *work, const struct pair *pair, struct error *error);
/* The transaction: place, start or reload, see it served; else the old pair back. */
int pair_install(struct work *work, const struct pair *pair, struct error *error);
/* Removes what older generations left, but for the last two. */
void pair_prune(const struct work *work);

/* serve.c */

/* Brings the engine up with the installed certificate, newest configuration and master user. */
int serve(struct work *work, struct error *error);
/* Chooses a port, configures, starts. */
int serve_start(struct work *work, struct error *error);

#endif
