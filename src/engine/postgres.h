/* The parts of the PostgreSQL driver. */
#ifndef ENGINE_POSTGRES_H
#define ENGINE_POSTGRES_H

#include "engine/engine.h"

extern const struct engine_driver postgres_driver;
extern const struct engine_adoption postgres_adoption; /* postgres_adopted.c */

/* The superuser of every cluster, RDS's own; it comes in over the local socket alone. */
#define POSTGRES_SUPERUSER "rdsadmin"

/* postgres_provision.c */
void postgres_discover(const char *folders, struct engine_releases *releases);
bool postgres_compatible(const char *from, const char *to);
bool postgres_provisioned(const struct engine_instance *instance);
int postgres_provision(const struct engine_instance *instance, struct error *error);
int postgres_major(const char *version);

/* postgres_config.c */
int postgres_configure(const struct engine_instance *instance, bool *changed, struct error *error);
void postgres_certificate_files(const struct engine_instance *instance,
                                struct engine_certificate_files *files);
/* Appends a line of a configuration file: name = 'value'. ERROR_INVALID for what cannot be written in one. */
int postgres_put_setting(struct buf *text, const char *name, const char *value, struct error *error);
/* The texts of the files, for tests: sealwright.conf and pg_hba.conf. */
int postgres_settings(const struct engine_instance *instance, struct buf *text, struct error *error);
int postgres_access_rules(const struct engine_instance *instance, struct buf *text, struct error *error);

/* postgres_process.c */
struct engine_status postgres_status(const struct engine_instance *instance);
/* The same by the data folder, and more of what postmaster.pid says. */
struct postgres_postmaster {
    int pid;
    int64_t started_at;
    int port;
    char socket_folder[256]; /* "" where it has none */
    bool ready;
};
/* False when none runs in the data folder. */
bool postgres_find_postmaster(const char *data, struct postgres_postmaster *postmaster);
/* Tells the one of the data folder to read its configuration again. */
int postgres_reload_in(const char *data, struct error *error);
int postgres_start(const struct engine_instance *instance, int64_t deadline, struct error *error);
int postgres_stop(const struct engine_instance *instance, int64_t deadline, struct error *error);
int postgres_reload(const struct engine_instance *instance, struct error *error);
char *postgres_log_file(const struct engine_instance *instance);

/* postgres_master.c */
int postgres_set_master(const struct engine_instance *instance, const struct engine_master *master,
                        struct error *error);

/* postgres_evidence.c */
int postgres_evidence(const struct engine_instance *instance, struct engine_evidence *evidence,
                      struct error *error);
/* The same in a log file of which each entry begins with `prefix` (log_line_prefix). */
int postgres_read_evidence(const char *path, const char *prefix, struct engine_evidence *evidence,
                           struct error *error);
/* Counts the refusals in the whole lines of a piece of the log, and returns how many bytes of it these are.
 * `inside` says, before and after, that the piece begins inside a line, whose rest is no entry. A piece that
 * is one line without an end is passed over whole when it is `full`, else left for the next look. */
size_t postgres_evidence_take(struct slice piece, bool full, const char *prefix, bool *inside,
                              struct engine_evidence *evidence);

/* postgres_look.c */
struct adopted;
int postgres_look(struct adopted *server, struct error *error);
/* The log file of the server of a data folder, for free(); NULL: there is none that this user can read. */
char *postgres_find_log(const char *data);
/* What decides, in the instance's folder, what an adopted server serves; postgresql.conf includes it. */
#define POSTGRES_ADOPTED_FILE "tls/sealwright.conf"

/* postgres_prefix.c */
/* log_line_prefix of the instances that this driver makes. */
#define POSTGRES_LOG_LINE_PREFIX "%m [%p] %h "
/* An entry of a session that has not logged in yet, taken apart by its prefix. */
struct postgres_entry {
    int64_t logged;      /* ms since 1970, by the log's time zone; 0 where the prefix does not say */
    struct slice client; /* address, or name with log_hostname; empty where the prefix does not say */
    const char *message; /* "LOG:  could not ..." */
};
bool postgres_entry_read(const char *prefix, const char *line, struct postgres_entry *entry);
/* Does the prefix say who and when, in a way that can be read? `why` says what is missing. */
bool postgres_prefix_check(const char *prefix, char *why, size_t size);

#endif
