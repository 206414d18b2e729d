/* What can be created: engine versions that the hosts have, and instance classes. */
#ifndef FLEET_CATALOGUE_H
#define FLEET_CATALOGUE_H

#include "fleet/fleet.h"

struct port_range {
    int first, last;
};

/* What RDS takes of callers, engine by engine. Lists end with NULL or {0, 0}. */
struct engine_rules {
    const struct port_range *refused_ports; /* NULL: none */
    int password_least, password_most;
    const char *password_refused; /* characters, beside those that no engine takes; NULL: none */
    int username_most;
    const char *const *reserved_users;
    int database_most;            /* 0: DBName must be absent */
    const char *database_default; /* DBName when none was given; NULL: no database is made */
    const char *const *reserved_databases;
};

struct engine_facts {
    const char *engine;          /* postgres */
    const char *description;     /* PostgreSQL */
    const char *const *licenses; /* postgresql-license; the default first, ended by NULL */
    const struct engine_rules *rules;
    const char
        *reloads_since; /* the first version that takes a new certificate without a restart; NULL: none */
};
/* NULL: RDS has no such engine. */
const struct engine_facts *catalogue_engine(const char *engine);
/* Does this version take a new server certificate without a restart? */
bool catalogue_reloads(const char *engine, const char *version);

struct catalogue_version {
    const struct engine_facts *engine;
    char version[64];      /* 15.18 */
    char major[24];        /* 15 */
    char family[40];       /* postgres15 */
    char option_group[48]; /* default:mysql-8-4: the option group of those that name none */
    bool available;        /* at least one host has it */
    bool is_default;       /* the newest of the engine that a host has */
};
struct catalogue {
    struct catalogue_version *versions; /* by engine, then rising */
    size_t count;
};
/* What follows from an engine and its version alone: `available` and `is_default` are left as they are. */
void catalogue_describe_version(const struct engine_facts *engine, const char *version,
                                struct catalogue_version *target);
/* The versions that at least one host has. */
int catalogue_load(struct fleet *fleet, struct catalogue *catalogue, struct error *error);
/* Adds a version of RDS for each family that no host has; they are not available. */
void catalogue_add_known(struct catalogue *catalogue);
/* The index-th version of RDS that is known without any host; false past the last. */
bool catalogue_known(size_t index, struct catalogue_version *target);
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
