/* The certificate of the HTTPS endpoint: from the control plane's own CA, or the operator's. */
#ifndef SERVER_ENDPOINT_H
#define SERVER_ENDPOINT_H

#include "fleet/fleet.h"

/* Writes the control CA's certificate for clients, and makes or renews the endpoint's key and certificate
 * when they are missing, past half of their life, or for other names. `renewed` tells whether the files
 * changed. */
int endpoint_ensure(struct fleet *fleet, bool *renewed, struct error *error);

/* The files that a worker serves with. For free(). */
char *endpoint_certificate_file(const struct settings *settings);
char *endpoint_key_file(const struct settings *settings);

#endif
