/* The parts of the PostgreSQL driver. */
#ifndef ENGINE_POSTGRES_H
#define ENGINE_POSTGRES_H

#include "engine/engine.h"

extern const struct engine_driver postgres_driver;

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
/* The texts of the files, for tests: sealwright.conf and pg_hba.conf. */
int postgres_settings(const struct engine_instance *instance, struct buf *text, struct error *error);
int postgres_access_rules(const struct engine_instance *instance, struct buf *text, struct error *error);

/* postgres_process.c */
struct engine_status postgres_status(const struct engine_instance *instance);
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
/* Counts the refusals in the whole lines of a piece of the log, and returns how many bytes of it these are.
 * `inside` says, before and after, that the piece begins inside a line, whose rest is no entry. A piece that
 * is one line without an end is passed over whole when it is `full`, else left for the next look. */
size_t postgres_evidence_take(struct slice piece, bool full, bool *inside, struct engine_evidence *evidence);

#endif
