/* What database hosts and the fleet owe each other: enrolment, the desired state, what was observed. */
#ifndef FLEET_HOST_H
#define FLEET_HOST_H

#include "agent/protocol.h"
#include "fleet/fleet.h"

/* A new enrolment token, valid for `life` ms, shown once. */
int host_token_create(struct fleet *fleet, int64_t life, char token[65], struct error *error);

/* Enrols a host: takes the token and answers the certificate (PEM, with the control CA's) for the key of its
 * request. The same host may enrol again with another token. ERROR_DENIED for a token that is not good. */
int host_enroll(struct fleet *fleet, const char *token, const char *host, struct slice request,
                struct buf *certificate, struct error *error);
/* A new certificate for an enrolled host. */
int host_renew(struct fleet *fleet, const char *host, struct slice request, struct buf *certificate,
               struct error *error);

/* The engines that a host's agent found. */
int host_register(struct fleet *fleet, const char *host, const struct engine_version *engines, size_t count,
                  struct error *error);

int host_revision(struct fleet *fleet, const char *host, int64_t *revision, struct error *error);
/* The desired state of all instances of a host; each is given to the visitor, which must not keep it. */
typedef void desired_visitor(const struct desired_instance *desired, void *context);
int host_desired(struct fleet *fleet, const char *host, int64_t *revision, desired_visitor *visit,
                 void *context, struct error *error);

/* Takes one report of an agent in. A report for an instance of another host is ERROR_DENIED; for one that is
 * gone, fine. */
int host_observe(struct fleet *fleet, const char *host, const struct observed_instance *observed,
                 struct error *error);

#endif
