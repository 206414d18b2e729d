/* Where the agents of this machine keep what they have, and an agent for each user who owns databases that
 * were there before Sealwright: an agent works as one user alone. `user` NULL is the standard agent. */
#ifndef CLI_AGENT_PLACE_H
#define CLI_AGENT_PLACE_H

#include "fleet/settings.h"

/* Its state folder and the folder of its instances, for free(). */
char *agent_place_state(const struct settings *settings, const char *user);
char *agent_place_instances(const struct settings *settings, const char *user);

/* The agent that works as `owner`: NULL where the standard one does, else `owner`. */
const char *agent_place_of(const struct settings *settings, const char *owner);

/* An agent that works as `owner` runs and is enrolled: makes its folder, a host name and a token, and starts
 * it, as far as these are not there. Only root makes one. ERROR_DENIED, ERROR_TIMEOUT. */
int agent_place_ensure(const struct settings *settings, const char *owner, struct error *error);

/* The name under which the agent has enrolled. */
int agent_place_host(const struct settings *settings, const char *owner, char host[64], struct error *error);

#endif
