/* The life of certificate authorities: which ones there must be, making them, which one is a region's
 * default. */
#ifndef FLEET_AUTHORITY_H
#define FLEET_AUTHORITY_H

#include "fleet/fleet.h"

#define WORK_AUTHORITY "authority"

/* Adds the work of making every CA that is missing, the home region's first; also new subordinates when the
 * operator's list of allowed domains has changed. To be called at every start; calling it twice changes
 * nothing. */
int authority_plan(struct fleet *fleet, struct error *error);

/* One step of such work. ERROR_BUSY: the signer is still at it. */
int authority_work(struct fleet *fleet, const struct work_row *work, struct error *error);

/* How many CA certificates there are and how many there will be. */
struct authority_progress {
    int64_t made, wanted;
};
int authority_progress(struct fleet *fleet, struct authority_progress *progress, struct error *error);
/* True when all four CAs of a region are there. */
int authority_region_ready(struct fleet *fleet, const char *region, bool *ready, struct error *error);

/* The root under which a region's server certificates of a CA identifier verify. */
int authority_root(struct fleet *fleet, const char *region, const char *ca_identifier,
                   struct authority_row *row, struct error *error);

/* A CA identifier that a caller named: known, and made in this region. CertificateNotFound. */
int authority_check(struct fleet *fleet, const char *region, const char *ca_identifier,
                    const struct ca_profile **profile, struct error *error);
/* The CA of new instances: the override of ModifyCertificates, else rds-ca-rsa2048-g1. */
int authority_default(struct fleet *fleet, const char *region, char ca_identifier[32], bool *overridden,
                      struct error *error);
int authority_set_default(struct fleet *fleet, const char *region, const char *ca_identifier,
                          struct error *error);
int authority_remove_default(struct fleet *fleet, const char *region, struct error *error);

#endif
