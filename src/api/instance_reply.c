/* The XML of a DBInstance. Members whose value is not known, or that the service does not have, are absent.
 */
#include "api/call.h"
#include "aws/reply.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/catalogue.h"
#include "fleet/instance.h"
#include "fleet/instance_groups.h"
#include "fleet/name.h"
#include "fleet/rehearsal.h"
#include "fleet/rotate.h"
#include "fleet/state.h"

#include <openssl/sha.h>

/* A member that is only kept: as it was given, else RDS's default (NULL: absent). */
static void write_kept(struct buf *result, const json_t *attributes, const char *name, const char *otherwise)
{
    const char *value = json_string_value(json_object_get(attributes, name));
    reply_text(result, name, value ? value : otherwise);
}

/* The groups of one kind, until one without a name. */
static void write_memberships(struct buf *result, const char *list, const char *item, const char *status,
                              const struct group_status *groups, size_t count)
{
    reply_open(result, list);
    for (size_t i = 0; i < count && groups[i].name[0]; i++) {
        reply_open(result, item);
        reply_text(result, text_equal(item, "DBParameterGroup") ? "DBParameterGroupName" : "OptionGroupName",
                   groups[i].name);
        reply_text(result, status, groups[i].status);
        reply_close(result, item);
    }
    reply_close(result, list);
}

static int write_groups(const struct call *call, const struct instance_row *row, struct error *error)
{
    struct buf *result = call->result;
    struct group_status parameters, options[2];
    int failed = instance_groups_status(call->fleet, row, &parameters, error);
    if (!failed)
        failed = instance_options_status(call->fleet, row, options, error);
    if (failed)
        return failed;
    write_memberships(result, "DBParameterGroups", "DBParameterGroup", "ParameterApplyStatus", &parameters,
                      1);
    write_memberships(result, "OptionGroupMemberships", "OptionGroupMembership", "Status", options, 2);
    return 0;
}

static void write_security_groups(struct buf *result, const json_t *attributes)
{
    const json_t *groups = json_object_get(attributes, "VpcSecurityGroupIds");
    reply_open(result, "DBSecurityGroups");
    reply_close(result, "DBSecurityGroups");
    reply_open(result, "VpcSecurityGroups");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        reply_open(result, "VpcSecurityGroupMembership");
        reply_text(result, "VpcSecurityGroupId", json_string_value(json_array_get(groups, i)));
        reply_text(result, "Status", "active");
        reply_close(result, "VpcSecurityGroupMembership");
    }
    reply_close(result, "VpcSecurityGroups");
}

/* What waits for the maintenance window, and what was applied but is not true on the host yet. */
static void write_pending(struct buf *result, const struct instance_row *row, bool created)
{
    static const char *const names[] = {"DBInstanceClass",   "DBInstanceIdentifier", "LicenseModel", "Iops",
                                        "StorageThroughput", "StorageType"};
    json_t *pending = json_loadb((const char *)row->pending.data, row->pending.length, 0, NULL);
    const char *ca = json_string_value(json_object_get(pending, "CACertificateIdentifier"));
    const json_t *storage = json_object_get(pending, "AllocatedStorage");
    bool ca_differs =
        row->served_ca_identifier[0] && !text_equal(row->served_ca_identifier, row->ca_identifier);
    reply_open(result, "PendingModifiedValues");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        write_kept(result, pending, names[i], NULL);
    if (storage)
        reply_integer(result, "AllocatedStorage", json_integer_value(storage));
    if (ca || ca_differs)
        reply_text(result, "CACertificateIdentifier", ca ? ca : row->ca_identifier);
    if (created && row->password_generation > row->observed_password_generation)
        reply_text(result, "MasterUserPassword", "****");
    if (row->port && row->requested_port && row->port != row->requested_port)
        reply_integer(result, "Port", row->requested_port);
    reply_close(result, "PendingModifiedValues");
    json_decref(pending);
}

/* What clients see now, not what is wanted. */
static void write_certificate(struct buf *result, const struct instance_row *row)
{
    bool served = row->served_ca_identifier[0];
    reply_text(result, "CACertificateIdentifier", served ? row->served_ca_identifier : row->ca_identifier);
    if (!served)
        return;
    reply_open(result, "CertificateDetails");
    reply_text(result, "CAIdentifier", row->served_ca_identifier);
    reply_time(result, "ValidTill", row->served_not_after);
    reply_close(result, "CertificateDetails");
}

static void write_endpoint(struct buf *result, const struct instance_row *row)
{
    if (!row->port)
        return;
    reply_open(result, "Endpoint");
    reply_text(result, "Address", row->address);
    reply_integer(result, "Port", row->port);
    reply_close(result, "Endpoint");
}

static void write_info(struct buf *result, const char *type, bool normal, const char *status,
                       const char *message)
{
    reply_open(result, "DBInstanceStatusInfo");
    reply_text(result, "StatusType", type);
    reply_boolean(result, "Normal", normal);
    reply_text(result, "Status", status);
    reply_text(result, "Message", message);
    reply_close(result, "DBInstanceStatusInfo");
}

/* Where the rotation of the server certificate stands. RDS has the shape and keeps it for replicas. */
static int write_rotation(const struct call *call, const struct instance_row *row, struct error *error)
{
    struct rotation_plan plan;
    char when[32];
    json_t *rotation = json_loadb((const char *)row->rotation.data, row->rotation.length, 0, NULL);
    const char *state = json_string_value(json_object_get(rotation, "state"));
    const char *reason = json_string_value(json_object_get(rotation, "reason"));
    bool rehearsal = text_equal(reason, ROTATION_REHEARSAL);
    int result = rotate_next(call->fleet, row, &plan, error);
    clock_format_seconds(plan.due != MOMENT_NEVER ? plan.due : row->served_not_after, when);
    AUTO_FREE char *next = mem_format("%s: %s", plan.due != MOMENT_NEVER ? "Next rotation" : "Expires", when);
    const char *status = rotate_outstanding(row)                     ? "in-progress"
                         : text_equal(state, "guarded") && rehearsal ? "rehearsal"
                         : text_equal(state, "guarded")              ? "guarded"
                         : text_equal(state, "undone") && !rehearsal ? "undone"
                         : plan.due != MOMENT_NEVER                  ? "scheduled"
                                                                     : "manual";
    if (row->served_issued_at)
        write_info(call->result, "certificate-rotation", !text_equal(status, "undone"), status, next);
    json_decref(rotation);
    return result;
}

/* ", bridged from rds-ca-2019": whose clients the chain serves, too. */
static void add_bridges(struct buf *message, const struct instance_row *row)
{
    json_t *bridges = json_loadb((const char *)row->bridges.data, row->bridges.length, 0, NULL);
    size_t index;
    const json_t *each;
    json_array_foreach(bridges, index, each)
        buf_printf(message, "%s%s", index ? " " : ", bridged from ", json_string_value(each));
    json_decref(bridges);
}

/* Which certificate clients see, so that it can be compared with what a client says that it has got. One that
 * is not from the issuance log is not told. */
static int write_server_certificate(const struct call *call, const struct instance_row *row,
                                    struct error *error)
{
    struct server_certificate_row served = {0};
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char fingerprint[2 * SHA256_DIGEST_LENGTH + 1], from[32];
    AUTO_BUF struct buf message = {0};
    if (!row->served_serial[0])
        return 0;
    int result = store_server_certificate_get(call->fleet->store, row->served_serial, &served, error);
    if (!result) {
        SHA256(served.certificate.data, served.certificate.length, digest);
        text_hex(digest, sizeof digest, fingerprint);
        clock_format_seconds(served.not_before, from);
        buf_printf(&message, "SHA-256 %s, from %s, issued by %s subordinate %d", fingerprint, from,
                   served.ca_identifier, served.number);
        add_bridges(&message, row);
        write_info(call->result, "server-certificate", true, row->served_serial, buf_text(&message));
    }
    server_certificate_row_free(&served);
    return result == ERROR_NOT_FOUND ? 0 : result;
}

/* What is wrong, in the words of the agent; the rotation; the certificate. */
static int write_status(const struct call *call, const struct instance_row *row, struct error *error)
{
    reply_open(call->result, "StatusInfos");
    if (instance_is_adopted(row))
        write_info(call->result, "adopted", true, "adopted",
                   "This server was there before Sealwright, which looks after its certificate alone.");
    if (row->problem[0])
        write_info(call->result, "instance", false, row->status, row->problem);
    int result = write_rotation(call, row, error);
    if (!result)
        result = write_server_certificate(call, row, error);
    reply_close(call->result, "StatusInfos");
    return result;
}

static bool write_tag(const char *key, const char *value, void *context)
{
    reply_open(context, "Tag");
    reply_text(context, "Key", key);
    reply_text(context, "Value", value);
    reply_close(context, "Tag");
    return true;
}

static void write_identity(struct buf *result, const struct instance_row *row, const char *arn, bool created)
{
    reply_text(result, "DBInstanceIdentifier", row->identifier);
    reply_text(result, "DBInstanceClass", row->instance_class);
    reply_text(result, "Engine", row->engine);
    reply_text(result, "EngineVersion", row->engine_version);
    reply_text(result, "DBInstanceStatus", row->status);
    reply_text(result, "MasterUsername", row->master_username);
    reply_text(result, "DBName", row->database_name[0] ? row->database_name : NULL);
    write_endpoint(result, row);
    reply_integer(result, "AllocatedStorage", row->allocated_storage);
    if (created)
        reply_time(result, "InstanceCreateTime", row->created_at);
    reply_text(result, "DbiResourceId", row->resource_id);
    reply_text(result, "DBInstanceArn", arn);
    reply_text(result, "PreferredBackupWindow", row->backup_window);
    reply_text(result, "PreferredMaintenanceWindow", row->maintenance_window);
    reply_boolean(result, "DeletionProtection", row->deletion_protection);
}

static void write_attributes(const struct call *call, const struct instance_row *row)
{
    struct buf *result = call->result;
    json_t *attributes = json_loadb((const char *)row->attributes.data, row->attributes.length, 0, NULL);
    AUTO_FREE char *zone = mem_format("%sa", row->region);
    const struct engine_facts *engine = catalogue_engine(row->engine);
    write_security_groups(result, attributes);
    write_kept(result, attributes, "AvailabilityZone", zone);
    write_kept(result, attributes, "AutoMinorVersionUpgrade", "true");
    write_kept(result, attributes, "LicenseModel", engine ? engine->licenses[0] : NULL);
    write_kept(result, attributes, "Iops", NULL);
    write_kept(result, attributes, "StorageThroughput", NULL);
    write_kept(result, attributes, "PubliclyAccessible", "false");
    write_kept(result, attributes, "StorageType", INSTANCE_DEFAULT_STORAGE);
    write_kept(result, attributes, "CopyTagsToSnapshot", "false");
    write_kept(result, attributes, "PromotionTier", NULL);
    write_kept(result, attributes, "MaxAllocatedStorage", NULL);
    write_kept(result, attributes, "NetworkType", "IPV4");
    write_kept(result, attributes, "EngineLifecycleSupport", "open-source-rds-extended-support-disabled");
    json_decref(attributes);
}

/* What every instance here has in common: features of RDS that are refused when asked for. */
static void write_constants(struct buf *result)
{
    static const char *const absent[] = {
        "MultiAZ",
        "StorageEncrypted",
        "IAMDatabaseAuthenticationEnabled",
        "PerformanceInsightsEnabled",
        "CustomerOwnedIpEnabled",
        "DedicatedLogVolume",
        "IsStorageConfigUpgradeAvailable",
    };
    static const char *const lists[] = {"ReadReplicaDBInstanceIdentifiers", "DomainMemberships",
                                        "AssociatedRoles"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        reply_boolean(result, absent[i], false);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        reply_open(result, lists[i]);
        reply_close(result, lists[i]);
    }
    reply_integer(result, "BackupRetentionPeriod", 0);
    reply_integer(result, "DbInstancePort", 0);
    reply_integer(result, "MonitoringInterval", 0);
    reply_text(result, "BackupTarget", "region");
    reply_text(result, "ActivityStreamStatus", "stopped");
}

int instance_reply(const struct call *call, const struct instance_row *row, struct error *error)
{
    char arn[300];
    bool created = !text_equal(row->status, STATE_CREATING);
    name_instance_arn(call->fleet->settings, row->region, row->identifier, arn);
    write_identity(call->result, row, arn, created);
    int result = write_groups(call, row, error);
    write_attributes(call, row);
    write_pending(call->result, row, created);
    write_certificate(call->result, row);
    write_constants(call->result);
    if (!result)
        result = write_status(call, row, error);
    reply_open(call->result, "TagList");
    if (!result)
        result = store_tag_list(call->fleet->store, arn, write_tag, call->result, error);
    reply_close(call->result, "TagList");
    return result;
}
