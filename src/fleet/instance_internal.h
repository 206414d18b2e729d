/* What the files instance_*.c share. */
#ifndef FLEET_INSTANCE_INTERNAL_H
#define FLEET_INSTANCE_INTERNAL_H

#include "fleet/catalogue.h"
#include "fleet/instance.h"

/* The member of `attributes` that marks an instance whose server was there before Sealwright. */
#define ATTRIBUTE_ADOPTED "Adopted"
/* What is not done to such a server; others pass. `doing` is "stopped", ... InvalidDBInstanceState,
 * InvalidParameterCombination. */
int instance_check_own_server(const struct instance_row *row, const char *doing, struct error *error);
int instance_check_adopted_modify(const struct instance_modify *input, const struct instance_row *row,
                                  struct error *error);

/* Reads an instance within the caller's transaction; DBInstanceNotFound. */
int instance_read(struct fleet *fleet, const char *region, const char *identifier, struct instance_row *row,
                  struct error *error);
/* Writes a row whose desired state has changed: the next generation, the host's agent is told, and the
 * scheduler. */
int instance_write_desired(struct fleet *fleet, struct instance_row *row, struct error *error);

/* The names of the server certificate: the endpoint, then those of the tag. */
int instance_refresh_names(struct fleet *fleet, struct instance_row *row, bool *changed, struct error *error);
/* Asks for a new certificate and writes down why ("renewal", "change", "names", ...): of another CA, for
 * other names, or a renewal. A rehearsal under way ends with it. */
void instance_want_certificate(struct instance_row *row, const char *reason);
/* The CA that is to sign what is wanted: the instance's, or that of the rehearsal under way. */
void instance_wanted_ca(const struct instance_row *row, char ca_identifier[32]);
/* The bridges that its chain is to carry; a new reference. */
json_t *instance_wanted_bridges(const struct instance_row *row);
/* ModifyDBInstance for a row that was read, within the caller's transaction. */
int instance_modify_row(struct fleet *fleet, const struct instance_modify *input, struct instance_row *row,
                        struct error *error);
/* Members of `pending`: the CA that waits; false when it waits for a restart. */
#define PENDING_CA           "CACertificateIdentifier"
#define PENDING_RESTART      "CertificateRotationRestart"
#define PENDING_OPTION_GROUP "OptionGroupName"
/* What waited for a restart comes with the one that is about to happen. */
int instance_apply_at_restart(struct fleet *fleet, struct instance_row *row, struct error *error);
/* Moves an instance to another CA: the CA, its bridges, a new certificate. */
int instance_move_ca(struct fleet *fleet, struct instance_row *row, const char *ca_identifier,
                     const char *reason, struct error *error);
/* A member of the object kept in `text`; `absent` when it is not there. */
int64_t instance_json_integer(const struct buf *text, const char *name, int64_t absent);
bool instance_json_is(const struct buf *text, const char *name, const char *value);

json_t *instance_json(const struct buf *text); /* a new reference; an empty object when there is none */
void instance_set_json(struct buf *target, const json_t *object);

/* MasterUsername and DBName (NULL: none was given), which may be names on which the engine itself insists. */
int instance_check_username(const struct engine_facts *engine, const char *name, struct error *error);
int instance_check_database(const struct engine_facts *engine, const char *name, struct error *error);
int instance_check_password(const struct engine_facts *engine, const char *password, struct error *error);
int instance_check_windows(const char *maintenance, const char *backup, struct error *error);
int instance_check_class(const char *instance_class, struct error *error);
int instance_check_storage(int64_t allocated_storage, struct error *error);
int instance_check_port(const struct engine_facts *engine, int64_t port, struct error *error);
/* LicenseModel, where it is among the members that are only kept; `kept` may be NULL. */
int instance_check_license(const struct engine_facts *engine, const json_t *kept, struct error *error);
int instance_check_tags(struct fleet *fleet, const struct instance_tag *tags, size_t count,
                        struct error *error);

#endif
