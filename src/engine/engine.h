/* What Sealwright asks of a database engine, and the drivers that answer. A driver knows its engine and
 * nothing of the fleet.
 *
 * An instance is a folder. The driver keeps the engine's data in `data/`, its log in `log/`, the certificate
 * that it serves in `tls/`, its local socket in the folder itself. Every call may be repeated after a crash
 * at any point of an earlier one. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/buf.h"
#include "base/error.h"
#include "pki/certificate.h"
#include "probe/probe.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One installed version of an engine. */
struct engine_release {
    char engine[24];    /* "postgres" */
    char version[64];   /* "15.18" */
    char programs[256]; /* the folder of its programs */
};

struct engine_releases { /* owned */
    struct engine_release *items;
    size_t count;
};

struct engine_parameter {
    const char *name, *value;
};

/* One instance, as far as its engine must know it. Nothing is owned. */
struct engine_instance {
    const char *folder; /* absolute */
    const struct engine_release *release;
    const char *listen_addresses; /* comma-separated addresses */
    const char *client_networks;  /* comma-separated CIDRs */
    int port;
    const char *database; /* the first database, which some engines make with the data; NULL or "": none is
                             asked for */
    const struct engine_parameter *parameters; /* by RDS's names */
    size_t parameter_count;
};

struct engine_status {
    bool running;
    int pid;
    int64_t started_at; /* ms since 1970 */
};

struct engine_master {
    const char *username;
    const char *password; /* secret; NULL: leave it */
    const char *database; /* a database to make and give to the master; NULL or "" for none */
};

/* Clients that began a TLS handshake and refused the served certificate, by the engine's own account. What a
 * client can write into it itself is not taken for another client's, but for what its driver says. */
struct engine_evidence {
    int64_t position; /* in: where the last look ended, 0 for all that is there; out: where this one did */
    int64_t since;    /* in: ms since 1970; older refusals are passed over. The engine may date them by a time
                         zone that is not known, up to 14 hours off. 0: none is */
    const struct text_list *ignored; /* in: clients whose refusals are passed over; may be NULL */
    size_t client_limit;             /* in */
    int64_t refusals;                /* out */
    struct text_list clients; /* out: addresses of those that refused, each once, at most client_limit; the
                                 caller's to free */
};

/* For drivers: counts a refusal, unless the client is one of the ignored. */
void engine_evidence_add(struct engine_evidence *evidence, const char *client);

/* Where an engine reads its certificate, for the caller to write. */
struct engine_certificate_files { /* owned: engine_certificate_files_free */
    char *chain;                  /* PEM: the server certificate and those between it and a root */
    char *key;                    /* PEM */
    char *authorities; /* PEM: all of the chain but the server certificate, roots too; NULL: not read */
    char *issuers;     /* PEM: of these, what leads to a root of the chain: no bridge; NULL: not read */
};

struct engine_adoption;

struct engine_driver {
    const char *const *engines; /* by RDS's names, NULL-terminated: {"postgres", NULL} */
    int default_port;
    enum probe_protocol probe;
    /* A new certificate needs no restart of the database: reload() is enough. Else the caller stops and
     * starts it. */
    bool reloads_certificate;

    /* Appends the versions found in the usual folders, in PATH and in `folders` (comma-separated; may be
     * NULL). */
    void (*discover)(const char *folders, struct engine_releases *releases);
    /* May data made by version `from` be served by version `to` as it is? */
    bool (*compatible)(const char *from, const char *to);

    bool (*provisioned)(const struct engine_instance *instance);
    /* Makes the data folder, durable when it returns; nothing of a half-made one is ever seen. Does not touch
     * anything but data/ and leftovers of earlier tries, so that a certificate can be got meanwhile. */
    int (*provision)(const struct engine_instance *instance, struct error *error);
    /* Writes the configuration where it differs from what is there. `changed` says that a running engine must
     * reload. */
    int (*configure)(const struct engine_instance *instance, bool *changed, struct error *error);

    struct engine_status (*status)(const struct engine_instance *instance);
    /* Starts the engine in a session of its own and waits until it takes connections. ERROR_EXISTS when its
     * port is taken. One that runs already is fine. */
    int (*start)(const struct engine_instance *instance, int64_t deadline, struct error *error);
    /* Ends the engine, its clients' transactions rolled back; one that does not run is fine. */
    int (*stop)(const struct engine_instance *instance, int64_t deadline, struct error *error);
    /* Tells the engine to read its configuration and certificate again. Success proves nothing: probe. */
    int (*reload)(const struct engine_instance *instance, struct error *error);
    /* Makes the master user, its role and database, or changes its password. The engine runs. */
    int (*set_master)(const struct engine_instance *instance, const struct engine_master *master,
                      struct error *error);

    void (*certificate_files)(const struct engine_instance *instance, struct engine_certificate_files *files);
    /* The port on which clients ask for TLS; 0 while the instance is not to serve TLS at all. NULL: always
     * the instance's own port. */
    int (*tls_port)(const struct engine_instance *instance);
    /* Those of the listen addresses that the engine takes, comma-separated; the caller's to free. NULL: all.
     */
    char *(*listens)(const struct engine_instance *instance);
    /* Looks for refusals since `position`; very much that was logged since is passed over but for its end. On
     * failure the position is as before. NULL: the engine keeps no account of them; ERROR_NOT_FOUND: this
     * instance's cannot be read. */
    int (*evidence)(const struct engine_instance *instance, struct engine_evidence *evidence,
                    struct error *error);
    /* For servers that were there before (engine/adopted.h); NULL: they cannot be adopted. */
    const struct engine_adoption *adoption;
};

/* By the engine's name; NULL when there is none. */
const struct engine_driver *engine_find(const char *engine);
/* The driver whose engine made this data folder, and that engine's name; NULL when none that can adopt did.
 */
const struct engine_driver *engine_recognise(const char *data_folder, const char **engine);
/* The data folder that a configuration file of such an engine names, for free(); NULL: none. */
char *engine_find_data(const char *config_file);
void engine_certificate_files_free(struct engine_certificate_files *files);
int engine_tls_port(const struct engine_driver *driver, const struct engine_instance *instance);
char *engine_listens(const struct engine_driver *driver, const struct engine_instance *instance);

/* All versions of all engines on this host; engine_releases_free after use. */
void engine_discover(const char *folders, struct engine_releases *releases);
void engine_releases_add(struct engine_releases *releases, const struct engine_release *release);
void engine_releases_free(struct engine_releases *releases);

/* The release to run an instance of `engine` with that wants `version`: that one, else the newest that can
 * serve its data (a minor version goes when the host's package is updated). NULL when there is none. */
const struct engine_release *engine_release_choose(const struct engine_releases *releases, const char *engine,
                                                   const char *version);
/* -1, 0 or 1: versions by their numbers, "9.6" before "15.2" before "15.18". */
int engine_version_compare(const char *a, const char *b);

/* A parameter's value, or `absent`. */
const char *engine_parameter(const struct engine_instance *instance, const char *name, const char *absent);

/* Calls `visit` for each item of a comma-separated list, white space trimmed, empty ones left out; stops at
 * the first result that is not 0 and returns it. */
int engine_each(const char *list, int (*visit)(const char *item, void *context, struct error *error),
                void *context, struct error *error);

/* For drivers: calls `visit` for each folder of PATH. */
void engine_each_in_path(int (*visit)(const char *folder, void *context, struct error *error), void *context);

/* 0 when nobody listens on the port on any of the addresses; ERROR_EXISTS names the first that is taken.
 * Addresses that this machine does not have are passed over. */
int engine_port_check(const char *listen_addresses, int port, struct error *error);
/* Does this machine have the address? */
bool engine_address_here(const char *address);

#endif
