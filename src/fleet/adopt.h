/* Servers that were there before Sealwright: taken into care, and let go again. */
#ifndef FLEET_ADOPT_H
#define FLEET_ADOPT_H

#include "agent/adoption.h"
#include "fleet/fleet.h"

/* How long a token may be used. */
#define ADOPT_TOKEN_LIFE CLOCK_HOUR

/* A token by which `host` may have this very instance made, and no other: an agent does not choose for itself
 * what names it gets certificates for. */
int adopt_token_create(struct fleet *fleet, const char *host, const struct adoption *adoption, char token[65],
                       struct error *error);

/* Makes the instance of a server on `host`, in status creating: the agent installs its certificate. One that
 * is there already is answered as it is; `token` may be NULL then. ERROR_DENIED for a token that is not good;
 * the errors of CreateDBInstance. */
int adopt_instance(struct fleet *fleet, const char *host, const struct adoption *adoption, const char *token,
                   struct instance_row *row, struct error *error);

/* DeleteDBInstance of an adopted instance, asked for on its host: the agent gives the server back what it had
 * before. Asked again, answers the row as it is; ERROR_NOT_FOUND once it is gone. */
int adopt_release(struct fleet *fleet, const char *host, const char *resource_id, struct instance_row *row,
                  struct error *error);

#endif
