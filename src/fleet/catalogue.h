/* What can be created: engine versions that the hosts have, and instance classes. */
#ifndef FLEET_CATALOGUE_H
#define FLEET_CATALOGUE_H

#include "fleet/fleet.h"

struct engine_facts {
    const char *engine;      /* postgres */
    const char *description; /* PostgreSQL */
    const char *license;     /* postgresql-license */
    int default_port;
    int password_least, password_most;
    bool built; /* a driver exists */
    bool rotates_without_restart;
};
/* NULL: RDS has no such engine. */
const struct engine_facts *catalogue_engine(const char *engine);

struct catalogue_version {
    const struct engine_facts *engine;
    char version[24]; /* 15.18 */
    char major[24];   /* 15 */
    char family[32];  /* postgres15 */
    bool is_default;  /* the newest of the engine */
};
struct catalogue {
    struct catalogue_version *versions; /* by engine, then rising */
    size_t count;
};
/* What follows from an engine and its version alone: `is_default` is left as it is. */
void catalogue_describe_version(const struct engine_facts *engine, const char *version,
                                struct catalogue_version *target);
/* The versions that at least one host has. */
int catalogue_load(struct fleet *fleet, struct catalogue *catalogue, struct error *error);
void catalogue_free(struct catalogue *catalogue);

/* The version that a caller means: exact ("15.18"), a major one ("15": its newest), or none (the engine's
 * default). InvalidParameterValue for an unknown engine, InsufficientDBInstanceCapacity when no host has the
 * engine, InvalidParameterCombination "Cannot find version X for postgres". */
int catalogue_choose(const struct catalogue *catalogue, const char *engine, const char *version,
                     const struct catalogue_version **chosen, struct error *error);

/* The host on which an instance of this version is to be: the one with the fewest instances among those seen
 * lately. */
int catalogue_place(struct fleet *fleet, const struct catalogue_version *version, char host[64],
                    struct error *error);

/* Compares versions number by number. */
int catalogue_compare(const char *a, const char *b);

const char *const *catalogue_classes(size_t *count);
bool catalogue_has_class(const char *instance_class);

#endif
