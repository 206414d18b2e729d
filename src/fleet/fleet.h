/* What every rule works on. One per worker; belongs to its thread. */
#ifndef FLEET_FLEET_H
#define FLEET_FLEET_H

#include "fleet/settings.h"
#include "signer/client.h"
#include "store/store.h"

struct fleet {
    const struct settings *settings;
    struct store *store;
    struct signer_client *signer;
    char owner[64]; /* this worker's name in leases */
};

#endif
