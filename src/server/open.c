#include "base/memory.h"
#include "server/server.h"

#include <stdio.h>
#include <unistd.h>

int server_open_fleet(const struct settings *settings, struct fleet *fleet, struct error *error)
{
    AUTO_FREE char *seal_file = settings_path(settings, SERVER_SEAL_FILE);
    AUTO_FREE char *store_file = settings_path(settings, SERVER_STORE_FILE);
    struct seal seal;
    *fleet = (struct fleet){.settings = settings};
    snprintf(fleet->owner, sizeof fleet->owner, "process-%d", (int)getpid());
    int result = seal_load(seal_file, &seal, error);
    if (!result)
        result = store_open(store_file, &seal, &fleet->store, error);
    seal_forget(&seal);
    return result;
}

void server_close_fleet(struct fleet *fleet)
{
    store_close(fleet->store);
    fleet->store = NULL;
}
