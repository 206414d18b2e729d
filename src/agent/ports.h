/* Which port an instance gets when nobody asked for one. */
#ifndef AGENT_PORTS_H
#define AGENT_PORTS_H

#include "agent/work.h"

/* Chooses a port that no other instance of this host has, not even a stopped one, and that nobody listens on:
 * the engine's default one first. Saves it in the instance's state before any other instance can choose. One
 * that is chosen is kept. */
int ports_choose(struct work *work, struct error *error);

#endif
