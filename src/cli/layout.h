/* The run folder: what stands where, whom it belongs to. */
#ifndef CLI_LAYOUT_H
#define CLI_LAYOUT_H

#include "base/error.h"
#include "fleet/settings.h"

/* Makes the run folder of these settings unless it is there: folders with their owners, the key of the CA
 * keys, the settings' file, an administrator's access key, the agent's enrolment token, env.sh. When root's
 * run folder lies where the server's user cannot walk (below /root, say), the folder is made under
 * /var/lib/sealwright and the given path becomes a link to it. */
int layout_make(struct settings *settings, struct error *error);

#endif
