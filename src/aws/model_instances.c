/* The actions on instances besides CreateDBInstance and ModifyDBInstance. */
#include "aws/model_parts.h"

static const char *const instance_filters[] = {"db-cluster-id", "db-instance-id", "dbi-resource-id",
                                               "domain",        "engine",         NULL};

static const struct model_member describe[] = {
    {.name = "DBInstanceIdentifier"},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "Marker"},
    {0},
};

const struct model_action model_describe_instances = {
    .name = "DescribeDBInstances", .members = describe, .filters = instance_filters};

static const struct model_member delete[] = {
    {.name = "DBInstanceIdentifier", .required = true},
    {.name = "SkipFinalSnapshot", .type = MODEL_BOOLEAN},
    {.name = "FinalDBSnapshotIdentifier",
     .disposition = MODEL_REFUSED,
     .reason = "no snapshots are made; dump the database yourself, then delete with SkipFinalSnapshot=true"},
    {.name = "DeleteAutomatedBackups",
     .type = MODEL_BOOLEAN,
     .disposition = MODEL_IGNORED,
     .reason = model_no_backups},
    {0},
};

const struct model_action model_delete_instance = {
    .name = "DeleteDBInstance", .members = delete, .changes = true};

static const struct model_member reboot[] = {
    {.name = "DBInstanceIdentifier", .required = true},
    {.name = "ForceFailover",
     .type = MODEL_BOOLEAN,
     .disposition = MODEL_REFUSED,
     .harmless = "false",
     .reason = model_no_multi_az},
    {0},
};

const struct model_action model_reboot_instance = {
    .name = "RebootDBInstance", .members = reboot, .changes = true};

static const struct model_member start[] = {
    {.name = "DBInstanceIdentifier", .required = true},
    {.name = "DBCapacityReservationIdentifier",
     .disposition = MODEL_REFUSED,
     .reason = model_no_capacity_reservations},
    {0},
};

const struct model_action model_start_instance = {
    .name = "StartDBInstance", .members = start, .changes = true};

static const struct model_member stop[] = {
    {.name = "DBInstanceIdentifier", .required = true},
    {.name = "DBSnapshotIdentifier", .disposition = MODEL_REFUSED, .reason = model_no_backups},
    {.name = "DetachFromDBCapacityReservation",
     .type = MODEL_BOOLEAN,
     .disposition = MODEL_IGNORED,
     .reason = model_no_capacity_reservations},
    {0},
};

const struct model_action model_stop_instance = {.name = "StopDBInstance", .members = stop, .changes = true};
