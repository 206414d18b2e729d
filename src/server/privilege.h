/* Becoming a user with fewer rights. */
#ifndef SERVER_PRIVILEGE_H
#define SERVER_PRIVILEGE_H

#include "base/error.h"

#include <stdbool.h>

/* When this process runs as root: becomes `user` for good (its groups, its user). Otherwise does nothing.
 * ERROR_NOT_FOUND names the user and how to make it. */
int privilege_drop(const char *user, struct error *error);

/* When this process runs as root: gives a file or folder to `user`. */
int privilege_give(const char *path, const char *user, struct error *error);

/* True when `user` could walk into this folder: every folder above it lets others pass, or belongs to it. */
bool privilege_can_reach(const char *path, const char *user);

/* This process dies with its parent; to be called after privilege_drop, which would undo it. */
void privilege_die_with_parent(void);

#endif
