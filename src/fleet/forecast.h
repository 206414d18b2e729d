/* What will have become of the fleet's certificates by a date, by the very rules that the scheduler follows.
 * Nothing is changed by it. Times are ms since 1970. */
#ifndef FLEET_FORECAST_H
#define FLEET_FORECAST_H

#include "fleet/fleet.h"
#include "fleet/rotation.h"

/* Why a certificate is not rotated by itself. */
enum forecast_cause {
    FORECAST_ROTATES,
    FORECAST_MANUAL,  /* its CA's certificates are not (rds-ca-2019) */
    FORECAST_STOPPED, /* paused as long as the instance is stopped */
    FORECAST_LOST,    /* its host's agent has not been seen for over a day */
    FORECAST_PENDING, /* none is served yet */
};

/* One instance at the date. */
struct forecast_instance {
    const struct instance_row *row;
    enum forecast_cause cause;
    int rotations;                /* until the date */
    int64_t first_rotation;       /* MOMENT_NEVER: none until the date */
    int64_t issued_at, not_after; /* of the certificate that it serves at the date */
    bool expired;
    bool bundle_verifies; /* for a client with the bundle of its region as it is today */
    unsigned roots;       /* bit N: for one that trusts the root of ca_profiles()[N] alone */
    bool pinned_verifies; /* for one that trusts today's subordinates alone */
};
typedef void forecast_visitor(const struct forecast_instance *instance, void *context);

/* A certificate authority at the date. */
struct forecast_authority {
    const struct authority_row *row;
    int64_t succession; /* when its successor is made; MOMENT_NEVER for roots, for the last under its root,
                           and for those that have one */
    bool ended;
    bool in_use; /* it is a root, or the newest subordinate */
};
typedef void forecast_authority_visitor(const struct forecast_authority *authority, void *context);

struct forecast;

/* Reads the authorities and hosts as they are at `now`. */
int forecast_new(struct fleet *fleet, int64_t now, struct forecast **forecast, struct error *error);
void forecast_free(struct forecast *forecast);

/* All instances of a region (NULL: of all) at a date that is not before `now`. */
int forecast_instances(struct forecast *forecast, const char *region, int64_t at, forecast_visitor *visit,
                       void *context, struct error *error);
/* All certificate authorities at that date. */
int forecast_authorities(struct forecast *forecast, const char *region, int64_t at,
                         forecast_authority_visitor *visit, void *context, struct error *error);

#endif
