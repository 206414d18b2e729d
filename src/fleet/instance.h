/* The rules of DB instances: what CreateDBInstance, ModifyDBInstance, DeleteDBInstance, RebootDBInstance,
 * StartDBInstance and StopDBInstance do. Each runs in one transaction; success is on disk. Errors carry RDS's
 * names. */
#ifndef FLEET_INSTANCE_H
#define FLEET_INSTANCE_H

#include "fleet/fleet.h"

#include <jansson.h>

#define WORK_WINDOW "maintenance-window"
/* The tag by which customers' own names come into the server certificate: host names, separated by spaces. */
#define TAG_SERVER_NAMES "sealwright:server-names"

/* AllocatedStorage, GiB, and the storage type that is shown when none was asked for. */
#define INSTANCE_STORAGE_LEAST   20
#define INSTANCE_STORAGE_MOST    65536
#define INSTANCE_DEFAULT_STORAGE "gp2"

struct instance_tag {
    const char *key, *value;
};

/* A server that was there before Sealwright (fleet/adopt.h): where it is, and what it is known by there. */
struct instance_adoption {
    const char *host, *resource_id;
};

/* Absent texts are NULL, absent numbers -1. `kept` are members that are only kept and shown: name -> text. */
struct instance_create {
    const char *region;
    const char *identifier, *engine, *engine_version, *instance_class;
    int64_t allocated_storage;
    const char *master_username, *master_password, *database_name;
    int64_t port;
    const char *ca_identifier;
    const char *maintenance_window, *backup_window;
    const char *parameter_group, *option_group;
    bool deletion_protection;
    const json_t *kept;
    const struct instance_tag *tags;
    size_t tag_count;
    const struct instance_adoption *adoption; /* NULL: a new server is made */
};
int instance_create(struct fleet *fleet, const struct instance_create *input, struct instance_row *row,
                    struct error *error);

struct instance_modify {
    const char *region;
    const char *identifier;
    bool apply_immediately;
    const char *new_identifier, *engine_version, *instance_class;
    int64_t allocated_storage;
    const char *master_password;
    int64_t port;
    const char *ca_identifier;
    int rotation_restart; /* CertificateRotationRestart: -1 absent, else 0 or 1 */
    const char *maintenance_window, *backup_window;
    const char *parameter_group, *option_group;
    int deletion_protection;     /* -1 absent */
    const json_t *kept;          /* kept members that change at once */
    const json_t *kept_deferred; /* kept members that wait for the window unless apply_immediately */
};
int instance_modify(struct fleet *fleet, const struct instance_modify *input, struct instance_row *row,
                    struct error *error);

/* `final_snapshot` NULL: none was named. */
int instance_delete(struct fleet *fleet, const char *region, const char *identifier, bool skip_final_snapshot,
                    const char *final_snapshot, struct instance_row *row, struct error *error);
int instance_reboot(struct fleet *fleet, const char *region, const char *identifier, bool force_failover,
                    struct instance_row *row, struct error *error);
int instance_start(struct fleet *fleet, const char *region, const char *identifier, struct instance_row *row,
                   struct error *error);
int instance_stop(struct fleet *fleet, const char *region, const char *identifier, struct instance_row *row,
                  struct error *error);

/* Was its server there before Sealwright? Then only its certificate is Sealwright's. */
bool instance_is_adopted(const struct instance_row *row);

/* DBInstanceNotFound. `identifier` may be an ARN where `allow_arn`. */
int instance_get(struct fleet *fleet, const char *region, const char *identifier, bool allow_arn,
                 struct instance_row *row, struct error *error);

/* Tags of an instance by its ARN. A change of TAG_SERVER_NAMES leads to a new certificate. */
int instance_tags_add(struct fleet *fleet, const char *region, const char *arn,
                      const struct instance_tag *tags, size_t count, struct error *error);
int instance_tags_remove(struct fleet *fleet, const char *region, const char *arn,
                         const struct text_list *keys, struct error *error);
int instance_tags_list(struct fleet *fleet, const char *region, const char *arn, tag_visitor *visit,
                       void *context, struct error *error);

/* One step of the work that a maintenance window brings: what is pending is applied. */
int instance_window_work(struct fleet *fleet, const struct work_row *work, struct error *error);

#endif
