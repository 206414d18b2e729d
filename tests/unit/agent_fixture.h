/* For the tests of the agent: a real PostgreSQL, a certificate authority in this process instead of a server,
 * and its clients. */
#ifndef AGENT_FIXTURE_H
#define AGENT_FIXTURE_H

#include "agent/reconcile.h"

#include <libpq-fe.h>
#include <unistd.h>

#define ENDPOINT  "orders.c0ffee.us-east-1.rds.localhost"
#define RESOURCE  "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define FIRST_CA  "rds-ca-ecc384-g1"
#define SECOND_CA "rds-ca-rsa2048-g1"
#define PASSWORD  "it's \"quoted\" \\ pass"

struct authority {
    EVP_PKEY *root_key, *subordinate_key;
    X509 *root, *subordinate;
};

/* How the stand-in for the server misbehaves. */
enum mischief { MISCHIEF_NONE, MISCHIEF_OTHER_KEY, MISCHIEF_OTHER_NAME, MISCHIEF_RETRY };

struct world {
    char folder[64];
    struct authority first, second;
    struct engine_releases releases;
    struct agent_site site;
    struct agent_transport transport;
    struct desired_instance desired;
    enum mischief mischief;
    bool unreachable;
    struct observed_instance last; /* the newest report */
    size_t events;                 /* of all reports */
    char event[600];               /* the newest one */
    struct buf guards;             /* what reports said of guards, each change once: "2 watching, 2 kept, " */
    int requests;                  /* for certificates */
};

/* cmocka's set-up and tear-down: an instance that is wanted but not made yet. */
int world_set_up(void **state);
int world_tear_down(void **state);
/* Skips the test where there is no PostgreSQL. */
void world_need_postgres(const struct world *world);

/* One round; rounds until the desired state is reached, or the test fails. */
enum reconcile_outcome world_reconcile(struct world *world);
void world_converge(struct world *world);
/* One round in a process that is killed after `delay` microseconds. True when it had ended by itself. */
bool world_reconcile_killed(struct world *world, useconds_t delay);

/* A chain for a key, from one of the two authorities; free() it. */
int world_issue(const struct world *world, const char *ca_identifier, EVP_PKEY *key,
                const struct text_list *names, char **chain, struct error *error);
/* A file with the root of an authority; free() its name. */
char *world_root_file(const struct world *world, const char *ca_identifier);
/* A path in the instance's folder, for free(). */
char *world_path(const struct world *world, const char *name);
int world_postmaster(const struct world *world); /* 0 when none runs */

/* Connections of the master user; PQfinish them. The second one succeeds, or the test fails. */
PGconn *world_connect_as(const struct world *world, const char *password, const char *sslmode,
                         const char *ca_identifier, const char *database);
PGconn *world_connect(const struct world *world, const char *ca_identifier);
char *ask(PGconn *connection, const char *sql); /* a statement's first value, for free() */
void expect_answer(PGconn *connection, const char *sql, const char *expected);
void expect_served(const struct world *world, const char *serial);

/* PostgreSQL does not run as root, so neither do these tests. 0, or the program is to end. */
int drop_root(void);

#endif
