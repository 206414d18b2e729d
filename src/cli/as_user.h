/* Work that is done as another user of this machine, in a process of its own. */
#ifndef CLI_AS_USER_H
#define CLI_AS_USER_H

#include "base/error.h"

#include <jansson.h>

/* What is done: may answer with JSON (NULL: with nothing). */
typedef int as_user_work(void *context, json_t **answer, struct error *error);

/* Runs `work` in a child that becomes `user` when this process is root's; otherwise the child stays who it
 * is. What the child changes in `context` is lost with it. */
int as_user(const char *user, as_user_work *work, void *context, json_t **answer, struct error *error);

#endif
