/* Access keys: who may call the API. */
#ifndef FLEET_ACCESS_H
#define FLEET_ACCESS_H

#include "fleet/fleet.h"

struct access_key {
    char access_key_id[32]; /* AKIA... */
    char secret[41];
    char user_name[65];
    bool read_only;
    struct text_list regions; /* empty: every region */
};
void access_key_free(struct access_key *key); /* wipes */

/* Makes a key; its secret is shown once. ERROR_INVALID for an unknown region. */
int access_create(struct fleet *fleet, const char *user_name, bool read_only, const struct text_list *regions,
                  struct access_key *key, struct error *error);
/* Keeps a key that was made elsewhere (the first one, by `sealwright init`). */
int access_import(struct fleet *fleet, const struct access_key *key, struct error *error);
int access_find(struct fleet *fleet, const char *access_key_id, struct access_key *key, struct error *error);
int access_remove(struct fleet *fleet, const char *access_key_id, struct error *error);

/* May this key call this action in this region? AccessDenied in RDS's words. */
int access_check(const struct settings *settings, const struct access_key *key, const char *region,
                 const char *action, bool writes, struct error *error);

#endif
