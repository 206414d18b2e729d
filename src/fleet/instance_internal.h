/* What the files instance_*.c share. */
#ifndef FLEET_INSTANCE_INTERNAL_H
#define FLEET_INSTANCE_INTERNAL_H

#include "fleet/catalogue.h"
#include "fleet/instance.h"

/* Reads an instance within the caller's transaction; DBInstanceNotFound. */
int instance_read(struct fleet *fleet, const char *region, const char *identifier, struct instance_row *row,
                  struct error *error);
/* Writes a row whose desired state has changed: the next generation, and the host's agent is told. */
int instance_write_desired(struct fleet *fleet, struct instance_row *row, struct error *error);

/* The names of the server certificate: the endpoint, then those of the tag. */
int instance_refresh_names(struct fleet *fleet, struct instance_row *row, bool *changed, struct error *error);
/* Asks for a new certificate: of another CA, for other names, or a renewal. */
void instance_want_certificate(struct instance_row *row);

json_t *instance_json(const struct buf *text); /* a new reference; an empty object when there is none */
void instance_set_json(struct buf *target, const json_t *object);

int instance_check_password(const struct engine_facts *engine, const char *password, struct error *error);
int instance_check_windows(const char *maintenance, const char *backup, struct error *error);
int instance_check_groups(const struct catalogue_version *version, const char *parameter_group,
                          const char *option_group, struct error *error);
int instance_check_class(const char *instance_class, struct error *error);
int instance_check_storage(int64_t allocated_storage, struct error *error);
int instance_check_port(int64_t port, struct error *error);
int instance_check_tags(struct fleet *fleet, const struct instance_tag *tags, size_t count,
                        struct error *error);

#endif
