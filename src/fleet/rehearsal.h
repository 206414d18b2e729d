/* Rehearsals: for a while an instance serves a certificate of another CA, then the one before again; who
 * refused it is told in an event. Over the API: the tag TAG_REHEARSE, "<CA identifier> <seconds>", on the
 * instance. */
#ifndef FLEET_REHEARSAL_H
#define FLEET_REHEARSAL_H

#include "fleet/fleet.h"

#define TAG_REHEARSE       "sealwright:rehearse"
#define ROTATION_REHEARSAL "rehearsal" /* the reason of such a rotation */

enum { REHEARSAL_LEAST = 1, REHEARSAL_MOST = 86400 }; /* seconds */

/* Starts a rehearsal, in a transaction of its own. InvalidDBInstanceState while one is under way or the
 * instance is not available; InvalidParameterValue; CertificateNotFound. */
int rehearsal_start(struct fleet *fleet, const char *region, const char *identifier,
                    const char *ca_identifier, int64_t seconds, struct error *error);
/* The same by the tag's value, for a row that was read, within the caller's transaction; writes the row. */
int rehearsal_start_tag(struct fleet *fleet, struct instance_row *row, const char *value,
                        struct error *error);
/* True while a rehearsal is under way; false once it has taken ten minutes longer than it should: its host is
 * lost, and what else is due is not to wait for it. */
bool rehearsal_runs(const struct instance_row *row, int64_t now);
/* Takes the rehearsal off a row that the caller writes, and its tag. */
int rehearsal_clear(struct fleet *fleet, struct instance_row *row, struct error *error);

#endif
