/* What the server remembers, as rows. No rules here: fleet/ has them. A struct store belongs to one thread.
 *
 * Functions answer 0 or an error code. A transaction is opened by the caller where several calls must stand
 * together; a single call outside one is a transaction of its own. Lists are handed to a visitor row by row.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/seal.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* Opens the store of a file; `seal` is copied. */
int store_open(const char *path, const struct seal *seal, struct store **store, struct error *error);
/* Opens a store that is there, for reading what is not sealed. */
int store_open_read_only(const char *path, struct store **store, struct error *error);
void store_close(struct store *store);
int store_begin(struct store *store, struct error *error);
int store_commit(struct store *store, struct error *error);
void store_rollback(struct store *store);
/* Ends a transaction by what happened in it: commits when `result` is 0, else rolls back and answers
 * `result`. */
int store_finish(struct store *store, int result, struct error *error);
/* Changes whenever anybody has committed. */
int64_t store_version(struct store *store);

/* Settings: single values by name. ERROR_NOT_FOUND. */
int store_setting_get(struct store *store, const char *name, struct buf *value, struct error *error);
int store_setting_put(struct store *store, const char *name, const char *value, struct error *error);

/* Certificate authorities. `number` 0 is the root, from 1 its subordinates. */
struct authority_row {
    char scope[32];
    char ca_identifier[32];
    int number;
    struct buf certificate; /* DER */
    char sha1[41];
    int64_t not_before, not_after, created_at;
    int64_t signs_at; /* a subordinate signs from then on */
};
void authority_row_free(struct authority_row *row);
int store_authority_insert(struct store *store, const struct authority_row *row, struct error *error);
int store_authority_get(struct store *store, const char *scope, const char *ca_identifier, int number,
                        struct authority_row *row, struct error *error);
/* The newest subordinate; ERROR_NOT_FOUND. */
int store_authority_newest(struct store *store, const char *scope, const char *ca_identifier,
                           struct authority_row *row, struct error *error);
/* The one that signs at `now`: the newest whose time to sign has come; ERROR_NOT_FOUND. */
int store_authority_signing(struct store *store, const char *scope, const char *ca_identifier, int64_t now,
                            struct authority_row *row, struct error *error);
/* All of a scope, or of all scopes when NULL, ordered by scope, CA identifier, number. The visitor stops the
 * walk with false. */
typedef bool authority_visitor(const struct authority_row *row, void *context);
int store_authority_list(struct store *store, const char *scope, authority_visitor *visit, void *context,
                         struct error *error);
int store_authority_count(struct store *store, int64_t *count, struct error *error);

/* Bridges: the root of `ca_identifier` certified by the root of `issuer_ca_identifier`. */
struct bridge_row {
    char region[32];
    char ca_identifier[32];
    char issuer_ca_identifier[32];
    struct buf certificate; /* DER */
    int64_t not_after;
};
void bridge_row_free(struct bridge_row *row);
int store_bridge_get(struct store *store, const char *region, const char *ca_identifier,
                     const char *issuer_ca_identifier, struct bridge_row *row, struct error *error);
/* ERROR_EXISTS when another worker was faster. */
int store_bridge_insert(struct store *store, const struct bridge_row *row, struct error *error);
int store_bridge_remove(struct store *store, const char *region, const char *ca_identifier,
                        const char *issuer_ca_identifier, struct error *error);

/* The override of a region's default CA; "" when there is none. */
int store_default_certificate_get(struct store *store, const char *region, char ca_identifier[32],
                                  struct error *error);
int store_default_certificate_put(struct store *store, const char *region, const char *ca_identifier,
                                  struct error *error);
int store_default_certificate_remove(struct store *store, const char *region, struct error *error);

/* Access keys. The secret is sealed at rest. */
struct access_key_row {
    char access_key_id[32];
    struct buf secret; /* wiped by access_key_row_free */
    char user_name[65];
    bool read_only;
    char regions[512]; /* JSON list */
    int64_t created_at;
};
void access_key_row_free(struct access_key_row *row);
int store_access_key_insert(struct store *store, const struct access_key_row *row, struct error *error);
int store_access_key_get(struct store *store, const char *access_key_id, struct access_key_row *row,
                         struct error *error);
int store_access_key_remove(struct store *store, const char *access_key_id,
                            struct error *error);                                 /* ERROR_NOT_FOUND */
typedef bool access_key_visitor(const struct access_key_row *row, void *context); /* without the secret */
int store_access_key_list(struct store *store, access_key_visitor *visit, void *context, struct error *error);

/* Hosts and their enrolment. */
struct host_row {
    char host[64];
    int64_t created_at, seen_at, revision;
    struct buf engines; /* JSON; empty until its agent has said which there are */
};
void host_row_free(struct host_row *row);
int store_host_get(struct store *store, const char *host, struct host_row *row, struct error *error);
int store_host_put(struct store *store, const struct host_row *row,
                   struct error *error); /* inserts or replaces; keeps `revision` of an existing one */
int store_host_touch(struct store *store, const char *host, int64_t seen_at, struct error *error);
int store_host_bump(struct store *store, const char *host, struct error *error); /* revision + 1 */
int store_host_revision(struct store *store, const char *host, int64_t *revision, struct error *error);
typedef bool host_visitor(const struct host_row *row, void *context);
int store_host_list(struct store *store, host_visitor *visit, void *context, struct error *error);
int store_token_insert(struct store *store, const char *digest, int64_t expires_at, struct error *error);
/* Gives a token to a host, which may ask again (the answer to the first call may have been lost);
 * ERROR_NOT_FOUND when it is not there, its time is over, or it is another host's. */
int store_token_take(struct store *store, const char *digest, const char *host, int64_t now,
                     struct error *error);

/* Parameter groups and option groups that users made. */
#define GROUP_NAME_SIZE 256
struct parameter_group_row {
    char region[32];
    char name[GROUP_NAME_SIZE];
    char family[40];
    struct buf description;
    int64_t version;       /* grows with every change of its parameters */
    struct buf parameters; /* JSON object */
};
void parameter_group_row_free(struct parameter_group_row *row);
int store_parameter_group_insert(struct store *store, const struct parameter_group_row *row,
                                 struct error *error); /* ERROR_EXISTS */
/* Writes version and parameters. */
int store_parameter_group_update(struct store *store, const struct parameter_group_row *row,
                                 struct error *error);
int store_parameter_group_get(struct store *store, const char *region, const char *name,
                              struct parameter_group_row *row, struct error *error);
int store_parameter_group_remove(struct store *store, const char *region, const char *name,
                                 struct error *error);
/* Of a region, ordered by name, after `after`. The visitor stops the walk with false. */
typedef bool parameter_group_visitor(const struct parameter_group_row *row, void *context);
int store_parameter_group_list(struct store *store, const char *region, const char *after,
                               parameter_group_visitor *visit, void *context, struct error *error);
/* How many instances have the group. */
int store_parameter_group_count(struct store *store, const char *region, const char *name, int64_t *count,
                                struct error *error);

struct option_group_row {
    char region[32];
    char name[GROUP_NAME_SIZE];
    char engine[24];
    char major_version[24];
    struct buf description;
    int64_t version;
    int64_t urgent_version; /* up to it instances do not wait for their maintenance window */
    struct buf options;     /* JSON object */
};
void option_group_row_free(struct option_group_row *row);
int store_option_group_insert(struct store *store, const struct option_group_row *row,
                              struct error *error); /* ERROR_EXISTS */
/* Writes both versions and the options. */
int store_option_group_update(struct store *store, const struct option_group_row *row, struct error *error);
int store_option_group_get(struct store *store, const char *region, const char *name,
                           struct option_group_row *row, struct error *error);
int store_option_group_remove(struct store *store, const char *region, const char *name, struct error *error);
typedef bool option_group_visitor(const struct option_group_row *row, void *context);
int store_option_group_list(struct store *store, const char *region, const char *after,
                            option_group_visitor *visit, void *context, struct error *error);

/* DB instances. */
struct instance_row {
    char resource_id[40];
    char region[32];
    char identifier[64];
    char host[64];
    char engine[24];
    char engine_version[64];
    char instance_class[64];
    int64_t allocated_storage; /* GiB */
    char status[40];
    int64_t created_at;
    char address[256];
    int requested_port; /* 0: none was asked for */
    int port;           /* 0: not known yet */
    char master_username[64];
    struct buf master_password; /* empty once the agent has applied it; sealed at rest */
    char database_name[64];
    char maintenance_window[32];
    char backup_window[16];
    bool deletion_protection;
    struct buf attributes; /* JSON object */
    struct buf pending;    /* JSON object */
    struct buf names;      /* JSON list */
    char ca_identifier[32];
    int64_t generation;
    bool running;
    bool deleted;
    int64_t restart;
    int64_t password_generation;
    int64_t certificate_generation;
    int64_t observed_generation;
    int64_t observed_restart;
    int64_t observed_password_generation;
    int64_t observed_certificate_generation;
    char served_ca_identifier[32];
    char served_serial[48];
    int64_t served_not_after;
    int64_t started_at;
    char problem[512];
    char last_report[37];
    int64_t served_issued_at;
    struct buf bridges;                    /* JSON list of CA identifiers, the newest first */
    struct buf rotation;                   /* JSON object */
    int64_t rotation_after;                /* ms; 0: at any time */
    int rotation_failures;                 /* undone ones in a row */
    int reminded_days;                     /* of the last warning of expiry; 0: none yet */
    struct buf maintenance;                /* JSON object: pending maintenance actions by name */
    struct buf rehearsal;                  /* JSON object; {}: none */
    char parameter_group[GROUP_NAME_SIZE]; /* "": the default one of its version */
    struct buf parameters;                 /* JSON object: the group's values that are in force */
    int64_t parameters_version;            /* of the group, when the instance last took from it */
    bool parameters_wait;                  /* some of the group's values wait for a restart */
    int64_t parameters_generation;         /* the one that brought the host what is in force */
    char option_group[GROUP_NAME_SIZE];    /* the same for options */
    struct buf options;
    int64_t options_version;
    int64_t options_generation;
};
void instance_row_free(struct instance_row *row);
int store_instance_insert(struct store *store, const struct instance_row *row,
                          struct error *error); /* ERROR_EXISTS */
int store_instance_update(struct store *store, const struct instance_row *row,
                          struct error *error); /* by resource_id */
int store_instance_remove(struct store *store, const char *resource_id, struct error *error);
int store_instance_get(struct store *store, const char *region, const char *identifier,
                       struct instance_row *row, struct error *error);
int store_instance_get_by_resource(struct store *store, const char *resource_id, struct instance_row *row,
                                   struct error *error);
/* Of a region, ordered by identifier, after `after` ("" for the first). The visitor stops the walk with
 * false. */
typedef bool instance_visitor(const struct instance_row *row, void *context);
int store_instance_list(struct store *store, const char *region, const char *after, instance_visitor *visit,
                        void *context, struct error *error);
/* Those of a region with pending maintenance actions. */
int store_instance_list_maintenance(struct store *store, const char *region, const char *after,
                                    instance_visitor *visit, void *context, struct error *error);
/* All of all regions, ordered by region and identifier. */
int store_instance_list_all(struct store *store, instance_visitor *visit, void *context, struct error *error);
int store_instance_list_of_host(struct store *store, const char *host, instance_visitor *visit, void *context,
                                struct error *error);
int store_instance_count(struct store *store, int64_t *count, struct error *error);

/* The issuance log. */
struct server_certificate_row {
    int64_t log_index; /* given by the store at insertion: one after the last */
    char serial[48];
    char resource_id[40];
    int64_t certificate_generation;
    char request_digest[65];
    char region[32];
    char ca_identifier[32];
    int number;
    int64_t not_before, not_after, issued_at;
    struct buf certificate; /* DER */
};
void server_certificate_row_free(struct server_certificate_row *row);
int store_server_certificate_insert(struct store *store, const struct server_certificate_row *row,
                                    struct error *error);
int store_server_certificate_get(struct store *store, const char *serial, struct server_certificate_row *row,
                                 struct error *error);
int store_server_certificate_find(struct store *store, const char *resource_id,
                                  int64_t certificate_generation, const char *request_digest,
                                  struct server_certificate_row *row, struct error *error);

/* Events, oldest first within the bounds (both included). */
struct event_row {
    char region[32];
    int64_t occurred_at;
    char event_id[37];
    char source_type[32];
    char source_identifier[256];
    char source_arn[360];
    char category[32];
    char message[600];
    char code[32]; /* RDS-EVENT-0005 */
};
int store_event_insert(struct store *store, const struct event_row *row, struct error *error);
/* One event by its key; ERROR_NOT_FOUND. */
int store_event_get(struct store *store, const char *region, int64_t occurred_at, const char *event_id,
                    struct event_row *row, struct error *error);
typedef bool event_visitor(const struct event_row *row, void *context);
int store_event_list(struct store *store, const char *region, int64_t from, int64_t to, event_visitor *visit,
                     void *context, struct error *error);
int store_event_remove_before(struct store *store, int64_t before, struct error *error);

/* Tags, ordered by key. */
typedef bool tag_visitor(const char *key, const char *value, void *context);
int store_tag_put(struct store *store, const char *arn, const char *key, const char *value,
                  struct error *error);
int store_tag_remove(struct store *store, const char *arn, const char *key, struct error *error);
int store_tag_remove_all(struct store *store, const char *arn, struct error *error);
int store_tag_move(struct store *store, const char *old_arn, const char *new_arn, struct error *error);
int store_tag_list(struct store *store, const char *arn, tag_visitor *visit, void *context,
                   struct error *error);

/* Work that comes due, claimed by a lease. Webhooks are claimed apart from all other work, so that nothing
 * waits for their receiver. */
#define WORK_WEBHOOK "webhook"
enum work_share {
    WORK_OF_WORKERS, /* every kind but webhooks */
    WORK_OF_NOTIFIER /* webhooks alone */
};
struct work_row {
    char kind[32];
    char subject[256];
    int64_t due_at;
    int attempts;
};
/* Adds a piece of work, or moves the one that is there to the earlier of both times. */
int store_work_add(struct store *store, const char *kind, const char *subject, int64_t due_at,
                   struct error *error);
/* Makes the work of a kind due at `due_at` for every instance that has not been deleted. */
int store_work_add_all(struct store *store, const char *kind, int64_t due_at, struct error *error);
/* The same for every instance of a parameter group, or of an option group. */
int store_work_add_parameter_group(struct store *store, const char *kind, const char *region,
                                   const char *group, int64_t due_at, struct error *error);
int store_work_add_option_group(struct store *store, const char *kind, const char *region, const char *group,
                                int64_t due_at, struct error *error);
int store_work_remove(struct store *store, const char *kind, const char *subject, struct error *error);
/* Removes the work of a kind that has been due since before `before`. */
int store_work_remove_before(struct store *store, const char *kind, int64_t before, struct error *error);
/* When a piece is due; ERROR_NOT_FOUND. */
int store_work_due(struct store *store, const char *kind, const char *subject, int64_t *due_at,
                   struct error *error);
/* Claims the piece of a share that has been due for longest and is not leased; ERROR_NOT_FOUND when there is
 * none. */
int store_work_claim(struct store *store, enum work_share share, const char *owner, int64_t now,
                     int64_t lease, struct work_row *row, struct error *error);
/* The claimed piece is done: gone, unless it was claimed by another since. */
int store_work_done(struct store *store, const struct work_row *row, const char *owner, struct error *error);
/* The claimed piece is not done yet: nobody claims it before `until`; its place in the order stays. */
int store_work_wait(struct store *store, const struct work_row *row, const char *owner, int64_t until,
                    struct error *error);
/* The claimed piece is to be tried again at `due_at`. */
int store_work_again(struct store *store, const struct work_row *row, const char *owner, int64_t due_at,
                     struct error *error);
int store_work_count(struct store *store, const char *kind, int64_t *count, struct error *error);

#endif
