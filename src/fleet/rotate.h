/* Rotation carried out: each instance has one row of work, due at its next moment (a warning, a pending
 * action, a rotation), so that a look costs what is due and nothing for the rest of the fleet. */
#ifndef FLEET_ROTATE_H
#define FLEET_ROTATE_H

#include "agent/protocol.h"
#include "fleet/fleet.h"
#include "fleet/rotation.h"

#define WORK_ROTATION "rotation"

/* Makes an instance's next moment due, within the caller's transaction. To be called whenever something has
 * changed on which it depends; too early a moment is harmless. */
int rotate_schedule(struct fleet *fleet, const struct instance_row *row, struct error *error);
/* One step of that work. */
int rotate_work(struct fleet *fleet, const struct work_row *work, struct error *error);
/* Has all instances looked at again when the settings of rotation have changed since the last start. */
int rotate_plan_all(struct fleet *fleet, struct error *error);

/* What the fleet knows of an instance's next rotation, for those who ask. MOMENT_NEVER: none by itself. */
int rotate_next(struct fleet *fleet, const struct instance_row *row, struct rotation_plan *plan,
                struct error *error);
/* True while a certificate is wanted that the host does not serve yet. */
bool rotate_outstanding(const struct instance_row *row);

/* Starts a renewal now, within the caller's transaction; writes the row. `reason`: "renewal", "emergency",
 * "bridge", "maintenance". */
int rotate_start(struct fleet *fleet, struct instance_row *row, const char *reason, struct error *error);

/* rotate_observe.c: takes what an agent says of the certificate that it serves and of the guard into the row,
 * and records what there is to tell. `desired` is set when the desired state changed with it. */
int rotate_observe(struct fleet *fleet, const struct observed_instance *observed, struct instance_row *row,
                   bool *desired, struct error *error);

#endif
