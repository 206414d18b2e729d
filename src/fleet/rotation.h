/* When a server certificate is rotated: rules without a store, so that the scheduler, the forecast, the API
 * and a simulation all answer alike (RDS user guide, "Rotating your SSL/TLS certificate" and "Maintaining a
 * DB instance"). Times are ms since 1970. */
#ifndef FLEET_ROTATION_H
#define FLEET_ROTATION_H

#include "fleet/settings.h"
#include "fleet/window.h"
#include "store/store.h"

#define MOMENT_NEVER INT64_MAX

/* What is known of an instance and its certificate. */
struct rotation_facts {
    bool rotates; /* its CA's certificates are renewed by themselves */
    bool reloads; /* its engine takes a new certificate without a restart */
    int64_t issued_at, not_after;
    int64_t bridge_ends; /* the earliest end of a bridge in its chain; MOMENT_NEVER: there is none */
    int64_t after;       /* not by itself before: an undone rotation's pause; 0: at any time */
    bool opted_in; /* the pending renewal is to be done in the next window (ApplyPendingMaintenanceAction) */
    struct window window;
    uint64_t spread; /* a number of the instance's own, which spreads a fleet: 20 bits over the window, 20
                        over the half of the life, 20 over the last moments; 0: nothing is spread */
};

enum rotation_reason {
    ROTATION_NONE,
    ROTATION_RENEWAL,   /* in the maintenance window */
    ROTATION_EMERGENCY, /* outside it: little life is left */
    ROTATION_BRIDGE,    /* a bridge in the chain is about to end */
};

struct rotation_plan {
    int64_t half;      /* half of the life, spread: a renewal is due in the next window from then on */
    int64_t emergency; /* from then on it is due in any case */
    int64_t raised;    /* the pending maintenance action appears; MOMENT_NEVER: there will be none */
    int64_t automatic; /* it is applied unasked in the first window after that; MOMENT_NEVER likewise */
    int64_t due;       /* when the certificate is rotated; MOMENT_NEVER: not by itself */
    enum rotation_reason reason;
};

/* The plan as seen at `now`. `due` is not before `now`. */
void rotation_plan(const struct settings *settings, const struct rotation_facts *facts, int64_t now,
                   struct rotation_plan *plan);

/* The instance's moment in the window that is open at `t` or in the next one, spread over the window; not
 * before `t`. */
int64_t rotation_slot(const struct window *window, uint64_t spread, int64_t t);

/* When a change of CA that a caller asks for at `now` takes effect (ModifyDBInstance): now, in a window, or
 * MOMENT_NEVER: with the next restart. `restart` is CertificateRotationRestart: -1 absent, else 0 or 1. */
int64_t rotation_change_moment(const struct rotation_facts *facts, bool apply_immediately, int restart,
                               int64_t now);

/* The life of a new certificate from `from`: its end (one calendar year, three where the engine must restart;
 * or what the settings say). */
int64_t rotation_end_of_life(const struct settings *settings, bool reloads, int64_t not_before, int64_t from);

/* Warnings of expiry: the days of the one that is due at `now` (90, 30, 7, 1), 0 when none is or it was given
 * (`reminded`). `next` is when the next one comes, MOMENT_NEVER when none does. */
int rotation_reminder(const struct rotation_facts *facts, int reminded, int64_t now, int64_t *next);

/* The pause after the `failures`th undone rotation in a row: doubles, never past the middle of what is left
 * of the certificate's life. */
int64_t rotation_pause_until(const struct settings *settings, int failures, int64_t not_after, int64_t now);

/* An instance's own number. */
uint64_t rotation_spread(const char *resource_id);
/* The facts of an instance, with the certificate that it serves. */
void rotation_facts_of(const struct instance_row *row, int64_t bridge_ends, struct rotation_facts *facts);

#endif
