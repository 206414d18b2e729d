/* The actions on option groups. */
#include "aws/model_parts.h"

static const char shown[] = "a reply shows it; of a change the name and the value count";

static const struct model_member setting[] = {
    {.name = "Name", .required = true},
    {.name = "Value", .required = true},
    {.name = "DefaultValue", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "Description", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "ApplyType", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "DataType", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "AllowedValues", .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "IsModifiable", .type = MODEL_BOOLEAN, .disposition = MODEL_IGNORED, .reason = shown},
    {.name = "IsCollection", .type = MODEL_BOOLEAN, .disposition = MODEL_IGNORED, .reason = shown},
    {0},
};

static const struct model_member configuration[] = {
    {.name = "OptionName", .required = true},
    {.name = "Port", .type = MODEL_INTEGER, .least = 1150, .most = 65535},
    {.name = "OptionVersion",
     .disposition = MODEL_REFUSED,
     .reason = "the options that are offered have no versions of their own"},
    {.name = "DBSecurityGroupMemberships",
     .type = MODEL_STRINGS,
     .item = "DBSecurityGroupName",
     .disposition = MODEL_REFUSED,
     .reason = model_no_security_groups},
    {.name = "VpcSecurityGroupMemberships",
     .type = MODEL_STRINGS,
     .item = "VpcSecurityGroupId",
     .disposition = MODEL_KEPT,
     .reason = "shown; who reaches the port is the matter of the host's network"},
    {.name = "OptionSettings", .type = MODEL_STRUCTURES, .item = "OptionSetting", .members = setting},
    {0},
};

static const struct model_member create[] = {
    {.name = "OptionGroupName", .required = true},
    {.name = "EngineName", .required = true},
    {.name = "MajorEngineVersion", .required = true},
    {.name = "OptionGroupDescription", .required = true, .most = 255},
    {.name = "Tags", .type = MODEL_STRUCTURES, .item = "Tag", .members = model_tag},
    {0},
};

const struct model_action model_create_option_group = {
    .name = "CreateOptionGroup", .members = create, .changes = true};

static const struct model_member modify[] = {
    {.name = "OptionGroupName", .required = true},
    {.name = "OptionsToInclude",
     .type = MODEL_STRUCTURES,
     .item = "OptionConfiguration",
     .members = configuration},
    {.name = "OptionsToRemove", .type = MODEL_STRINGS, .item = "member"},
    {.name = "ApplyImmediately", .type = MODEL_BOOLEAN},
    {0},
};

const struct model_action model_modify_option_group = {
    .name = "ModifyOptionGroup", .members = modify, .changes = true};

static const struct model_member describe_groups[] = {
    {.name = "OptionGroupName"},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "Marker"},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "EngineName"},
    {.name = "MajorEngineVersion"},
    {0},
};

const struct model_action model_describe_option_groups = {
    .name = "DescribeOptionGroups", .members = describe_groups, .filters = model_no_filters};

static const struct model_member describe_options[] = {
    {.name = "EngineName", .required = true},
    {.name = "MajorEngineVersion"},
    {.name = "Filters", .type = MODEL_STRUCTURES, .item = "Filter", .members = model_filter},
    {.name = "MaxRecords", .type = MODEL_INTEGER, .least = 20, .most = 100},
    {.name = "Marker"},
    {0},
};

const struct model_action model_describe_options = {
    .name = "DescribeOptionGroupOptions", .members = describe_options, .filters = model_no_filters};

static const struct model_member delete_group[] = {
    {.name = "OptionGroupName", .required = true},
    {0},
};

const struct model_action model_delete_option_group = {
    .name = "DeleteOptionGroup", .members = delete_group, .changes = true, .no_result = true};
