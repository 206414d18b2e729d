/* Brings one instance to its desired state. Level-triggered: every call looks at what is there and does what
 * is missing, so it may be killed at any instant and called again. */
#ifndef AGENT_RECONCILE_H
#define AGENT_RECONCILE_H

#include "agent/protocol.h"
#include "engine/engine.h"

/* How to reach the server. Both return 0 only when the server answered. */
struct agent_transport {
    int (*certificate)(void *context, const struct certificate_request *request,
                       struct certificate_reply *reply, struct error *error);
    int (*report)(void *context, const json_t *observed, struct error *error);
    void *context;
};

/* What is the same for all instances of a host. */
struct agent_site {
    const char *instances_folder; /* absolute */
    const char *listen_addresses;
    const char *client_networks;
    const struct engine_releases *releases;
};

enum reconcile_outcome {
    RECONCILE_DONE,   /* converged, and the server knows */
    RECONCILE_AGAIN,  /* not yet: call again after a pause */
    RECONCILE_FAILED, /* cannot converge without a change; the server knows */
};

/* One round for one instance: looks, acts, writes down what there is to report and sends it. `always` reports
 * even when nothing changed since the last report. Only one process at a time works on an instance; a second
 * one gets RECONCILE_AGAIN. */
enum reconcile_outcome reconcile_instance(const struct agent_site *site,
                                          const struct agent_transport *transport,
                                          const struct desired_instance *desired, bool always);

/* A cheap look without network or lock: true when the instance is not as it was left (engine gone,
 * certificate files changed, something not done or not reported yet), so that reconcile_instance is due. */
bool reconcile_due(const struct agent_site *site, const struct desired_instance *desired);

/* As cheap: true while a guard watches the instance's certificate; `due` when reconcile_instance has
 * something to count or to end for it. */
bool reconcile_guarded(const struct agent_site *site, const struct desired_instance *desired, bool *due);

#endif
