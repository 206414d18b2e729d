/* For the tests of the trust store: a run folder with certificate authorities, two processes that serve its
 * bundles, and a client. */
#ifndef TRUSTSTORE_FIXTURE_H
#define TRUSTSTORE_FIXTURE_H

#include "fleet/settings.h"
#include "store/store.h"

#include <sys/types.h>

enum { WORKERS = 2, PROFILES = 4 };

/* us-east-1 and eu-west-1 of aws, us-gov-west-1 of aws-us-gov. All authorities are there but the last
 * subordinate of us-gov-west-1. */
struct world {
    char folder[64];
    struct settings settings;
    struct store *store;
    int ports[WORKERS];
    pid_t workers[WORKERS];
    EVP_PKEY *root_keys[PROFILES], *subordinate_keys[PROFILES];
    int64_t created_at; /* of the newest authority */
};

/* cmocka's set-up and tear-down. */
int world_set_up(void **state);
int world_tear_down(void **state);
const char *world_file(const struct world *world, const char *name); /* valid until the next call */

/* Makes a subordinate under the region's root and stores it. */
void world_add_subordinate(struct world *world, const char *region, const char *ca_identifier, int number);

struct reply {
    long status;
    struct buf head, body;
};
#define AUTO_REPLY __attribute__((cleanup(reply_free)))
void reply_free(struct reply *reply);
/* The value of a header field, or "": valid until the next call. */
const char *reply_header(struct reply *reply, const char *name);

/* One request to a worker. `headers` is a NULL-terminated list of lines, or NULL. */
struct request {
    const char *method; /* NULL: GET */
    const char *host;   /* NULL: localhost */
    const char *path;
    const char *const *headers;
    int worker;
};
void world_ask(const struct world *world, const struct request *request, struct reply *reply);
/* The same for a GET from the first worker that has to answer 200. */
void world_get(const struct world *world, const char *host, const char *path, struct reply *reply);

#endif
