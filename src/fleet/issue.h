/* Server certificates for agents: who may have which, and the record of what was given. */
#ifndef FLEET_ISSUE_H
#define FLEET_ISSUE_H

#include "agent/protocol.h"
#include "fleet/fleet.h"

/* Answers `count` requests of a host (any number; they are signed in groups). Each reply tells its own
 * result. A certificate that is answered is in the issuance log, on disk. The same key asking again for the
 * same generation gets the same certificate. */
int issue_certificates(struct fleet *fleet, const char *host, const struct certificate_request *requests,
                       size_t count, struct certificate_reply *replies, struct error *error);

#endif
