/* The actions on certificates, engine versions, events, pending maintenance and tags. */
#include "aws/model_parts.h"

static const struct model_member certificates[] = {
    {.name = "CertificateIdentifier"},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "Marker"},
    {0},
};

const struct model_action model_describe_certificates = {
    .name = "DescribeCertificates", .members = certificates, .filters = model_no_filters};

static const struct model_member modify_certificates[] = {
    {.name = "CertificateIdentifier"},
    {.name = "RemoveCustomerOverride", .type = MODEL_BOOLEAN},
    {0},
};

const struct model_action model_modify_certificates = {
    .name = "ModifyCertificates", .members = modify_certificates, .changes = true};

static const char *const version_filters[] = {
    "db-parameter-group-family", "engine", "engine-mode", "engine-version", "status", NULL};

static const struct model_member versions[] = {
    {.name = "Engine"},
    {.name = "EngineVersion"},
    {.name = "DBParameterGroupFamily"},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "Marker"},
    {.name = "DefaultOnly", .type = MODEL_BOOLEAN},
    {.name = "ListSupportedCharacterSets",
     .type = MODEL_BOOLEAN,
     .disposition = MODEL_IGNORED,
     .reason = "an instance's character set cannot be chosen, so none is listed"},
    {.name = "ListSupportedTimezones",
     .type = MODEL_BOOLEAN,
     .disposition = MODEL_IGNORED,
     .reason = "an instance's time zone cannot be chosen, so none is listed"},
    {.name = "IncludeAll", .type = MODEL_BOOLEAN},
    {0},
};

const struct model_action model_describe_engine_versions = {
    .name = "DescribeDBEngineVersions", .members = versions, .filters = version_filters};

static const struct model_member orderable[] = {
    {.name = "Engine", .required = true},
    {.name = "EngineVersion"},
    {.name = "DBInstanceClass"},
    {.name = "LicenseModel"},
    {.name = "AvailabilityZoneGroup",
     .disposition = MODEL_IGNORED,
     .reason = "there are no local zones, so a region has one group"},
    {.name = "Vpc", .type = MODEL_BOOLEAN},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 1000},
    {.name = "Marker"},
    {0},
};

const struct model_action model_describe_orderable_options = {
    .name = "DescribeOrderableDBInstanceOptions", .members = orderable, .filters = model_no_filters};

static const char *const source_types[] = {
    "db-instance",
    "db-parameter-group",
    "db-security-group",
    "db-snapshot",
    "db-cluster",
    "db-cluster-snapshot",
    "db-proxy",
    "custom-engine-version",
    "blue-green-deployment",
    "db-shard-group",
    "zero-etl",
    NULL,
};

/* 20160 minutes are the 14 days for which RDS keeps events. */
static const struct model_member events[] = {
    {.name = "SourceIdentifier"},
    {.name = "SourceType", .allowed = source_types},
    {.name = "StartTime", .type = MODEL_TIMESTAMP},
    {.name = "EndTime", .type = MODEL_TIMESTAMP},
    {.name = "Duration", .type = MODEL_INTEGER, .least = 1, .most = 20160},
    {.name = "EventCategories", .type = MODEL_STRINGS, .item = "EventCategory"},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "Marker"},
    {0},
};

const struct model_action model_describe_events = {
    .name = "DescribeEvents", .members = events, .filters = model_no_filters};

static const char *const maintenance_filters[] = {"db-cluster-id", "db-instance-id", NULL};

static const struct model_member describe_maintenance[] = {
    {.name = "ResourceIdentifier"},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "Marker"},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {0},
};

const struct model_action model_describe_maintenance = {.name = "DescribePendingMaintenanceActions",
                                                        .members = describe_maintenance,
                                                        .filters = maintenance_filters};

static const struct model_member apply_maintenance[] = {
    {.name = "ResourceIdentifier", .required = true},
    {.name = "ApplyAction", .required = true},
    {.name = "OptInType", .required = true},
    {0},
};

const struct model_action model_apply_maintenance = {
    .name = "ApplyPendingMaintenanceAction", .members = apply_maintenance, .changes = true};

static const struct model_member add_tags[] = {
    {.name = "ResourceName", .required = true},
    {.name = "Tags", .type = MODEL_STRUCTURES, .item = "Tag", .members = model_tag, .required = true},
    {0},
};

const struct model_action model_add_tags = {
    .name = "AddTagsToResource", .members = add_tags, .changes = true, .no_result = true};

static const struct model_member list_tags[] = {
    {.name = "ResourceName", .required = true},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {0},
};

const struct model_action model_list_tags = {
    .name = "ListTagsForResource", .members = list_tags, .filters = model_no_filters};

static const struct model_member remove_tags[] = {
    {.name = "ResourceName", .required = true},
    {.name = "TagKeys", .type = MODEL_STRINGS, .item = "member", .required = true},
    {0},
};

const struct model_action model_remove_tags = {
    .name = "RemoveTagsFromResource", .members = remove_tags, .changes = true, .no_result = true};
