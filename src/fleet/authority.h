/* The life of certificate authorities: which ones there must be, making them, which one is a region's
 * default. */
#ifndef FLEET_AUTHORITY_H
#define FLEET_AUTHORITY_H

#include "fleet/fleet.h"

#define WORK_AUTHORITY      "authority"
#define WORK_SUCCESSOR      "authority-successor" /* a subordinate that signs only after a while */
#define WORK_AUTHORITY_LIFE "authority-life"

/* Adds the work of making every CA that is missing, the home region's first; also new subordinates when the
 * operator's list of allowed domains has changed. To be called at every start; calling it twice changes
 * nothing. */
int authority_plan(struct fleet *fleet, struct error *error);

/* One step of such work. ERROR_BUSY: the signer is still at it. */
int authority_work(struct fleet *fleet, const struct work_row *work, struct error *error);

/* A look at the lives of all subordinates, again every hour: one that could not sign a server certificate of
 * full life any more gets a successor under the same root, which is in the bundles for the settings'
 * `subordinate_lead_seconds` before it signs. No subordinate outlives its root. */
int authority_life_work(struct fleet *fleet, const struct work_row *work, struct error *error);
/* When a subordinate that ends at `not_after` gets its successor; MOMENT_NEVER where its root, which ends at
 * `root_not_after`, has no longer life to give. */
int64_t authority_succession(const struct settings *settings, int64_t not_after, int64_t root_not_after);

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
/* The same, and its root is not over: InvalidParameterCombination. */
int authority_check_usable(struct fleet *fleet, const char *region, const char *ca_identifier,
                           const struct ca_profile **profile, struct error *error);
/* The CA of new instances: the override of ModifyCertificates as long as its root is not over,
 * else rds-ca-rsa2048-g1. */
int authority_default(struct fleet *fleet, const char *region, char ca_identifier[32], bool *overridden,
                      struct error *error);
int authority_set_default(struct fleet *fleet, const char *region, const char *ca_identifier,
                          struct error *error);
int authority_remove_default(struct fleet *fleet, const char *region, struct error *error);

#endif
