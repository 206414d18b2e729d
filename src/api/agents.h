/* The agents' side of the API: see agent/protocol.h for what is said. */
#ifndef API_AGENTS_H
#define API_AGENTS_H

#include "fleet/fleet.h"
#include "http/http.h"

struct agents;

struct agents *agents_new(struct fleet *fleet);
void agents_free(struct agents *agents);

/* True when the path is one of the agents' and was answered, now or later. */
bool agents_handle(struct agents *agents, struct http_exchange *exchange);

/* Answers the long polls whose instances have changed or whose time is over; to be called a few times a
 * second. */
void agents_tick(struct agents *agents);

#endif
