/* A fleet in simulated time. The server's part is the product's own code on a real store; hosts, their
 * agents, operators and the clock are played; what is promised is checked by arithmetic of the simulation's
 * own. Times are ms since 1970. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "agent/protocol.h"
#include "base/clock.h"
#include "fleet/fleet.h"
#include "queue.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

enum { INSTANCES_OF_A_HOST = 50 };

/* What a certificate is from the simulation's side. */
struct certificate {
    int64_t number; /* its serial */
    int64_t generation;
    int64_t issued_at, not_after;
};

enum stage {
    SERVES,  /* nothing is wanted */
    WANTS,   /* a rotation was started */
    WATCHES, /* its certificate is served under guard */
};

enum { WARNINGS = 4 }; /* 90, 30, 7 and 1 days */

struct sim_instance {
    char resource_id[40];
    size_t host;
    const char *ca;
    bool rotates, reloads;
    int window_start, window_length; /* minutes of the week */
    enum stage stage;
    struct certificate served, before; /* `before`: while the newest is watched */
    int64_t guarded;                   /* the generation that was watched last, and what came of it */
    enum guard_outcome outcome;
    int64_t wanted;     /* the newest certificate generation */
    int64_t desired;    /* the generation of the desired state, as its agent knows it */
    int64_t started_at; /* of the newest rotation */
    bool asked_now;     /* by an operator: it may start anywhen */
    bool opted_in;      /* for the next window */
    bool refused;       /* by clients: the guard will undo it */
    bool late_told;
    int failures; /* undone in a row */
    int64_t paused_until;
    int64_t pauses;           /* ms, of the certificate that is served, and of tries to replace it */
    int64_t warned[WARNINGS]; /* when; 0: not */
};

struct outage {
    int64_t from, to; /* INT64_MAX: it lasts */
};

/* A host, or the server. */
struct sim_machine {
    bool up;
    struct outage *outages; /* in the order of time */
    size_t count;
};

enum promise {
    PROMISE_LIFE,
    PROMISE_PACE,
    PROMISE_WINDOW,
    PROMISE_LEGACY,
    PROMISE_WARNING,
    PROMISE_PAUSE,
    PROMISE_EVENT,
    PROMISE_CLOCK,
    PROMISE_COUNT
};

struct broken {
    int64_t count;
    char first[300];
};

struct figures {
    int64_t looks; /* steps of work */
    int64_t rotations, in_window, emergencies, asked, undone, installed;
    int64_t most_in_a_minute;
    int64_t late, warnings, events;      /* told by the product */
    int64_t told_starts, told_rotations; /* likewise */
    int64_t told_undone;
    /* Of the life, on a host that had been there for an hour: where the engine reloads, where it must
     * restart, and where a rotation was undone. */
    double worst_share, worst_share_restart, worst_share_undone;
    int64_t expired;            /* not rds-ca-2019's */
    int64_t legacy_expired;     /* rds-ca-2019's */
    int64_t jumps, due_in_jump; /* of the clock; rows that were due then */
};

struct sim {
    struct settings settings;
    struct fleet fleet;
    char folder[64];
    sqlite3 *eye; /* reads the store beside the product */
    sqlite3_stmt *next_due, *due, *row, *events, *newest_event, *generations;
    int64_t last_event;

    struct sim_instance *instances;
    size_t count;
    struct sim_machine *hosts;
    size_t host_count;
    struct sim_machine server;
    struct queue queue;
    uint64_t random;
    int64_t now, start, end;
    int64_t serials;
    int jumps_left; /* each with the next rows that come due */

    int64_t *starts; /* of rotations that began by themselves */
    size_t start_count, start_capacity;
    struct broken broken[PROMISE_COUNT];
    struct figures figures;
};

/* fleet.c: a store in a temporary folder, and a fleet in it that was created over the last year. */
struct sim *sim_new(size_t instances, int64_t rotations_per_minute);
void sim_free(struct sim *sim);
const char *sim_region(size_t host);
void sim_host_name(size_t host, char name[64]);
void sim_serial(int64_t number, char serial[48]);

/* Moves the clock; jumps of more than the settings believe are not believed. */
void sim_go_to(int64_t at);
/* Ends the program: something happened that the simulation cannot go on from. */
_Noreturn void sim_stop(const char *what, const char *why);

uint64_t sim_random(struct sim *sim);
/* from <= x < to */
int64_t sim_between(struct sim *sim, int64_t from, int64_t to);
bool sim_chance(struct sim *sim, double probability);

/* agents.c: hosts, agents and operators. */
void agents_begin(struct sim *sim);
/* A rotation of an instance was started. */
void agents_hear(struct sim *sim, size_t which);
/* A pending maintenance action was raised. */
void operator_hears(struct sim *sim, size_t which);
/* Plays a moment of a host, an agent or an operator. */
void agents_play(struct sim *sim, const struct moment *moment);
void server_comes_back(struct sim *sim);
/* How many ms of a time a host was up while the server was. */
int64_t agents_reachable(const struct sim *sim, size_t host, int64_t from, int64_t to);
/* When a host that is reachable became so; INT64_MAX: it is not. */
int64_t agents_reachable_since(const struct sim *sim, size_t host);

/* watch.c: what the product did, read from the store, and the promises. */
void watch_open(struct sim *sim, const char *path);
void watch_close(struct sim *sim);
/* When the next row of work is due; INT64_MAX: there is none. */
int64_t watch_next_due(struct sim *sim);
/* The instances whose rotation row is due; free() them. */
size_t watch_due(struct sim *sim, size_t **due);
/* The sum of all certificate generations. */
int64_t watch_generations(struct sim *sim);
/* Reads what is wanted of an instance; has a rotation been started since the last look? */
void watch_instance(struct sim *sim, size_t which);
/* Reads the events since the last time. */
void watch_events(struct sim *sim);
/* What an instance serves is about to be replaced, or the simulation ends. */
void watch_life(struct sim *sim, size_t which);
/* After the end. */
void watch_pace(struct sim *sim);
void watch_sums(struct sim *sim);
void promise_broken(struct sim *sim, enum promise promise, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* run.c: plays `days`, with an outage of the server and jumps of its clock. */
void sim_run(struct sim *sim, int days);
/* Takes every step of work that is due; answers how many there were. */
int64_t sim_work(struct sim *sim);

/* ticks.c: what a look of the scheduler costs, µs of the processor's time. */
struct ticks {
    size_t instances;
    double idle;     /* nothing is due */
    double look;     /* an instance is due and there is nothing to do, while all others are due too */
    double rotation; /* one is due and its rotation is started */
};
struct ticks ticks_measure(size_t instances);

#endif
