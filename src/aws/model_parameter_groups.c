/* The actions on DB parameter groups. */
#include "aws/model_parts.h"

static const char *const methods[] = {"immediate", "pending-reboot", NULL};
static const char shown[] = "a reply shows it; of a change the name, the value and the method count";

static const struct model_member set_parameter[] = {
    {.name = "ParameterName", .required = true},
    {.name = "ParameterValue", .required = true},
    {.name = "Description", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "Source", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "ApplyType", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "DataType", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "AllowedValues", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "IsModifiable", .type = MODEL_BOOLEAN, .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "MinimumEngineVersion", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "ApplyMethod", .required = true, .allowed = methods},
    {.name = "SupportedEngineModes",
     .type = MODEL_STRINGS,
     .item = "member",
     .disposition = MODEL_IGNORED,
     .reason = shown},
    {0},
};

static const struct model_member reset_parameter[] = {
    {.name = "ParameterName", .required = true},
    {.name = "ParameterValue",
     .disposition = MODEL_IGNORED,
     .reason = "a reset gives the parameter its default"},
    {.name = "Description", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "Source", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "ApplyType", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "DataType", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "AllowedValues", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "IsModifiable", .type = MODEL_BOOLEAN, .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "MinimumEngineVersion", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "ApplyMethod", .required = true, .allowed = methods},
    {.name = "SupportedEngineModes",
     .type = MODEL_STRINGS,
     .item = "member",
     .disposition = MODEL_IGNORED,
     .reason = shown},
    {0},
};

static const struct model_member create[] = {
    {.name = "DBParameterGroupName", .required = true},
    {.name = "DBParameterGroupFamily", .required = true},
    {.name = "Description", .required = true, .most = 255},
    {.name = "Tags", .type = MODEL_STRUCTURES, .item = "Tag", .members = model_tag},
    {0},
};

const struct model_action model_create_parameter_group = {
    .name = "CreateDBParameterGroup", .members = create, .changes = true};

static const struct model_member modify[] = {
    {.name = "DBParameterGroupName", .required = true},
    {.name = "Parameters",
     .type = MODEL_STRUCTURES,
     .item = "Parameter",
     .members = set_parameter,
     .required = true,
     .most = 20},
    {0},
};

const struct model_action model_modify_parameter_group = {
    .name = "ModifyDBParameterGroup", .members = modify, .changes = true};

static const struct model_member reset[] = {
    {.name = "DBParameterGroupName", .required = true},
    {.name = "ResetAllParameters", .type = MODEL_BOOLEAN},
    {.name = "Parameters",
     .type = MODEL_STRUCTURES,
     .item = "Parameter",
     .members = reset_parameter,
     .most = 20},
    {0},
};

const struct model_action model_reset_parameter_group = {
    .name = "ResetDBParameterGroup", .members = reset, .changes = true};

static const struct model_member describe_groups[] = {
    {.name = "DBParameterGroupName"},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "Marker"},
    {0},
};

const struct model_action model_describe_parameter_groups = {
    .name = "DescribeDBParameterGroups", .members = describe_groups, .filters = model_no_filters};

static const char *const sources[] = {"user", "system", "engine-default", NULL};
static const char *const parameter_filters[] = {"parameter-name", NULL};

static const struct model_member describe_parameters[] = {
    {.name = "DBParameterGroupName", .required = true},
    {.name = "Source", .allowed = sources},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "Marker"},
    {0},
};

const struct model_action model_describe_parameters = {
    .name = "DescribeDBParameters", .members = describe_parameters, .filters = parameter_filters};

static const struct model_member describe_defaults[] = {
    {.name = "DBParameterGroupFamily", .required = true},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "Marker"},
    {0},
};

const struct model_action model_describe_default_parameters = {
    .name = "DescribeEngineDefaultParameters", .members = describe_defaults, .filters = parameter_filters};

static const struct model_member delete_group[] = {
    {.name = "DBParameterGroupName", .required = true},
    {0},
};

const struct model_action model_delete_parameter_group = {
    .name = "DeleteDBParameterGroup", .members = delete_group, .changes = true, .no_result = true};
