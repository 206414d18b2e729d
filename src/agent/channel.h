/* The agent's side of the HTTPS calls to the server (agent/protocol.h). */
#ifndef AGENT_CHANNEL_H
#define AGENT_CHANNEL_H

#include "agent/agent.h"
#include "agent/reconcile.h"

#include <jansson.h>

struct channel;

/* `pem_file` holds the agent's key and certificate. ERROR_INVALID for an endpoint that is no https address.
 */
int channel_new(const struct agent_options *options, const char *pem_file, struct channel **channel,
                struct error *error);
void channel_free(struct channel *channel);

/* One call, at most `deadline` ms long. `body` may be NULL (GET). With `enrolled` it shows the agent's
 * certificate to the server name kept for agents. *reply is NULL after a 204. ERROR_INVALID, ERROR_DENIED,
 * ERROR_NOT_FOUND and ERROR_STATE where the server refused (400, 403, 404, 409), ERROR_BUSY for its own
 * trouble (5xx), ERROR_IO where it was not reached. */
int channel_call(struct channel *channel, const char *path, const json_t *body, bool enrolled,
                 int64_t deadline, json_t **reply, struct error *error);

/* A poll that waits at the server, without keeping this process: at most one at a time. */
int channel_poll_begin(struct channel *channel, const char *path, int64_t deadline, struct error *error);
/* Waits at most `timeout` ms for the poll to get on or for `descriptor` to become readable. */
void channel_poll_wait(struct channel *channel, int descriptor, int64_t timeout);
/* True once the poll ended, with its outcome as in channel_call. */
bool channel_poll_ended(struct channel *channel, int *result, json_t **reply, struct error *error);

/* The calls that a reconciliation makes; `context` is the channel. */
struct agent_transport channel_transport(struct channel *channel);

#endif
