/* Bridges in an instance's chain: for each CA that it served before, the newer root certified by the older
 * one, so that clients that trust only the older root still verify. The list goes from the newest to the
 * oldest; each bridge certifies the root of the one before it in the list (the instance's own CA for the
 * first). */
#ifndef FLEET_BRIDGE_H
#define FLEET_BRIDGE_H

#include "fleet/fleet.h"

#include <jansson.h>

/* The tag by which an operator says that an instance is to send no bridges: "off". */
#define TAG_BRIDGE "sealwright:bridge"

/* A list as kept in a row; a new reference. */
json_t *bridge_list(const struct buf *text);
/* The list after a change from CA `from` to `to`: `from` is its newest item, `to` is not in it. Nothing where
 * bridges are switched off. */
void bridge_list_move(const struct fleet *fleet, struct instance_row *row, const char *from, const char *to,
                      bool wanted);
/* Takes CAs off the list whose bridge ends within `lead` ms; true when there was one. */
int bridge_list_trim(struct fleet *fleet, struct instance_row *row, const char *ca_identifier, int64_t lead,
                     bool *trimmed, struct error *error);
/* True when the operator did not switch bridges off for this instance. */
int bridge_wanted(struct fleet *fleet, const struct instance_row *row, bool *wanted, struct error *error);

/* The earliest end of the bridges that a chain under `ca_identifier` carries; MOMENT_NEVER when there is
 * none. */
int bridge_ends(struct fleet *fleet, const struct instance_row *row, int64_t *ends, struct error *error);

/* Appends the bridges (PEM) of a list to a chain under `ca_identifier`; makes those that are not there yet.
 * Leaves out one that has ended, and those after it. */
int bridge_append(struct fleet *fleet, const char *region, const char *ca_identifier, const json_t *list,
                  struct buf *pem, struct error *error);

#endif
