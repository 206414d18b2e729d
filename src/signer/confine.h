/* What this process gives up: core dumps, tracing, swapping, and the system calls it does not need. */
#ifndef SIGNER_CONFINE_H
#define SIGNER_CONFINE_H

#include "base/error.h"

/* Forbids core dumps and tracing; locks memory where the limit allows it, else says so in the log. */
void confine_memory(void);

/* From here on only the system calls of a process that reads and writes files below its folder, talks over
 * sockets it has, and runs threads; any other fails with EPERM: no socket, no connect, no exec, no ptrace.
 * Left out in builds with a sanitizer, which needs more. */
int confine_calls(struct error *error);

#endif
