/* Work that comes due, whatever its kind but webhooks (fleet/webhook.h): claimed with a lease, done in steps
 * that may be repeated. */
#ifndef FLEET_WORK_H
#define FLEET_WORK_H

#include "fleet/fleet.h"

/* Claims one piece that is due and takes it a step on. ERROR_NOT_FOUND when nothing is due. A failed step is
 * tried again later (logged); it is no failure of this call. */
int work_step(struct fleet *fleet, struct error *error);

/* The pause after so many failed attempts, in ms: 1 s, 2 s, 4 s, ... up to 5 minutes. */
int64_t work_backoff(int attempts);

/* Adds the work that recurs. To be called at every start. */
int work_plan(struct fleet *fleet, struct error *error);

#endif
