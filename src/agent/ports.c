#include "agent/ports.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>

/* A random start, so that several agents on one machine seldom meet. */
enum { FIRST_PORT = 20000, PORT_COUNT = 10000, PORT_TRIES = 500 };

struct taken {
    int *ports; /* owned */
    size_t count;
};

static void collect(const struct work *work, struct taken *taken)
{
    DIR *open = opendir(work->site->instances_folder);
    for (const struct dirent *entry; open && (entry = readdir(open));) {
        struct instance_state state;
        if (entry->d_name[0] == '.' || text_equal(entry->d_name, work->desired->resource_id))
            continue;
        AUTO_FREE char *folder = mem_format("%s/%s", work->site->instances_folder, entry->d_name);
        if (state_load(folder, &state, NULL) == 0 && state.port) {
            taken->ports = mem_grow(taken->ports, taken->count + 1, sizeof *taken->ports);
            taken->ports[taken->count++] = state.port;
        }
        state_free(&state);
    }
    if (open)
        closedir(open);
}

static bool is_free(const struct work *work, const struct taken *taken, int port)
{
    for (size_t i = 0; i < taken->count; i++)
        if (taken->ports[i] == port)
            return false;
    return engine_port_check(work->site->listen_addresses, port, NULL) == 0;
}

static int find(const struct work *work, const struct taken *taken)
{
    unsigned random = 0;
    if (is_free(work, taken, work->driver->default_port))
        return work->driver->default_port;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = 0;
    for (unsigned i = 0; i < PORT_TRIES; i++) {
        int port = FIRST_PORT + (int)((random % PORT_COUNT + i) % PORT_COUNT);
        if (is_free(work, taken, port))
            return port;
    }
    return 0;
}

int ports_choose(struct work *work, struct error *error)
{
    if (work->state.port)
        return 0;
    AUTO_FREE char *path = mem_format("%s/.ports.lock", work->site->instances_folder);
    AUTO_CLOSE int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) < 0)
        return error_set_system(error, errno, "cannot lock %s", path);
    struct taken taken = {0};
    collect(work, &taken);
    work->state.port = find(work, &taken);
    free(taken.ports);
    if (!work->state.port)
        return error_set(error, ERROR_LIMIT, "no free port was found from %d to %d", FIRST_PORT,
                         FIRST_PORT + PORT_COUNT - 1);
    return state_save(work->folder, &work->state, error);
}
