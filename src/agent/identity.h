/* Who the agent is: its name, key and certificate, in its state folder.
 *
 *   host       the name that it enrols under; made from the machine's name when it is not there
 *   token      the enrolment token; removed once it was used
 *   agent.pem  key and certificate, replaced as one */
#ifndef AGENT_IDENTITY_H
#define AGENT_IDENTITY_H

#include "agent/agent.h"
#include "agent/channel.h"

char *identity_file(const struct agent_options *options);

/* Enrols when there is no certificate, renews it when two thirds of its life are over. 0 when the agent can
 * call the server; ERROR_NOT_FOUND when there is neither a certificate nor a token. */
int identity_ensure(const struct agent_options *options, struct channel *channel, struct error *error);

#endif
