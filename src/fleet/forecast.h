/* What will have become of the fleet's certificates by a date, by the very rules that the scheduler follows.
 * Nothing is changed by it: a store opened for reading alone will do. Times are ms since 1970. */
#ifndef FLEET_FORECAST_H
#define FLEET_FORECAST_H

#include "fleet/fleet.h"
#include "fleet/rotation.h"

/* Why a certificate is not rotated by itself, as far as it is known. */
enum forecast_cause {
    FORECAST_ROTATES,
    FORECAST_MANUAL,  /* its CA's certificates are not (rds-ca-2019) */
    FORECAST_STOPPED, /* paused as long as the instance is stopped */
    FORECAST_FAILED,  /* the same while it has failed */
    FORECAST_LOST,    /* its host's agent has not been seen for over a day */
    FORECAST_LATE,    /* a rotation was started over a day ago and is not carried out */
    FORECAST_UNDONE,  /* clients refused its renewal: they are taken to do so again */
    FORECAST_ENDED,   /* its root or subordinate is over */
    FORECAST_PENDING, /* none is served yet */
    FORECAST_CAUSES
};

/* One instance at a date. */
struct forecast_instance {
    const struct instance_row *row;
    enum forecast_cause cause;
    const char *ca_identifier;    /* that it serves at the date; "" for none */
    int rotations;                /* until the date */
    int64_t first_rotation;       /* MOMENT_NEVER: none until the date */
    int64_t issued_at, not_after; /* of the certificate that it serves at the date */
    bool expired;
    int64_t expired_at; /* when one of its certificates ended before the next came; MOMENT_NEVER: none did */
    bool bundle_verifies; /* for a client with the bundle of its region as it is today */
    unsigned roots;       /* bit N: for one that trusts the root of ca_profiles()[N] alone */
    bool pinned_verifies; /* for one that trusts today's subordinates alone */
};
/* `index` is that of the date. */
typedef void forecast_visitor(const struct forecast_instance *instance, size_t index, void *context);

/* A certificate authority at a date. */
struct forecast_authority {
    const struct authority_row *row; /* of one that is still to come: without a certificate */
    bool planned;                    /* it is not there yet; made at row->created_at */
    int64_t succession; /* when its successor is made; MOMENT_NEVER for roots, for the last under its root,
                           and for those that have one by then */
    bool ended;
    bool in_use; /* it is a root, or the newest subordinate of today */
};
typedef void forecast_authority_visitor(const struct forecast_authority *authority, void *context);

struct forecast;

/* Reads the authorities and hosts as they are at `now`, and plans the successors until `horizon`. */
int forecast_new(struct fleet *fleet, int64_t now, int64_t horizon, struct forecast **forecast,
                 struct error *error);
void forecast_free(struct forecast *forecast);

/* All instances of a region (NULL: of all) at each of the dates, which rise from `now` to the horizon: one
 * walk over the store; an instance is handed out once for each date. The fleet's pace is not counted: it
 * moves rotations by minutes. */
int forecast_instances(struct forecast *forecast, const char *region, const int64_t *dates, size_t count,
                       forecast_visitor *visit, void *context, struct error *error);
/* All certificate authorities at a date, those planned until the horizon last. */
int forecast_authorities(struct forecast *forecast, const char *region, int64_t at,
                         forecast_authority_visitor *visit, void *context, struct error *error);

#endif
