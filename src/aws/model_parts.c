#include "aws/model_parts.h"

#include <string.h>

const struct model_member model_filter[] = {
    {.name = "Name", .required = true},
    {.name = "Values", .type = MODEL_STRINGS, .item = "Value", .required = true},
    {0},
};

const struct model_member model_tag[] = {
    {.name = "Key", .required = true, .least = 1, .most = 128},
    {.name = "Value", .most = 256},
    {0},
};

const struct model_member model_tag_specification[] = {
    {.name = "ResourceType"},
    {.name = "Tags", .type = MODEL_STRUCTURES, .item = "Tag", .members = model_tag},
    {0},
};

const struct model_member model_processor_feature[] = {
    {.name = "Name"},
    {.name = "Value"},
    {0},
};

const char *const model_no_filters[] = {NULL};
const char *const model_license_models[] = {
    "license-included",   "bring-your-own-license", "general-public-license",
    "postgresql-license", "marketplace-license",    NULL,
};
const char *const model_storage_types[] = {"standard", "gp2", "gp3", "io1", "io2", NULL};
const char *const model_network_types[] = {"IPV4", "DUAL", NULL};
const char *const model_insights_modes[] = {"standard", "advanced", NULL};
const char *const model_monitoring_intervals[] = {"0", "1", "5", "10", "15", "30", "60", NULL};
const char *const model_lifecycle_supports[] = {"open-source-rds-extended-support",
                                                "open-source-rds-extended-support-disabled", NULL};
const char *const model_authentication_types[] = {"password", "iam-db-auth", NULL};

const char model_no_aurora[] = "there are no DB clusters and no Aurora";
const char model_no_backups[] = "no backups and no snapshots are made";
const char model_no_capacity_reservations[] = "there are no capacity reservations";
const char model_no_directory[] = "instances do not join a directory";
const char model_no_encryption[] = "storage is not encrypted by the service; encrypt the host's disk";
const char model_no_engine_charset[] = "the engine's default is used";
const char model_no_iam[] = "there is no IAM; instances authenticate with passwords";
const char model_no_insights[] = "there is no Performance Insights";
const char model_no_log_exports[] = "logs stay on the host";
const char model_no_managed_secrets[] = "there is no secrets manager; give MasterUserPassword";
const char model_no_monitoring[] = "there is no enhanced monitoring";
const char model_no_multi_az[] = "an instance has one server and no standby";
const char model_no_processor_features[] = "the host's processors are used as they are";
const char model_no_security_groups[] = "there are no DB security groups (EC2-Classic)";
const char model_no_storage_rates[] = "the host's disk is used without a limit on its rate";
const char model_no_subnets[] = "there are no subnets to place an instance in";
const char model_no_tde[] = "there is no transparent data encryption";
const char model_no_tenants[] = "an instance has no tenant databases";
const char model_no_volumes[] = "an instance has one volume, its host's";
const char model_host_disk[] = "shown; the space is the host's disk, without a quota";

const struct model_action *const model_actions[] = {
    &model_create_instance,
    &model_describe_instances,
    &model_modify_instance,
    &model_delete_instance,
    &model_reboot_instance,
    &model_start_instance,
    &model_stop_instance,
    &model_create_parameter_group,
    &model_modify_parameter_group,
    &model_reset_parameter_group,
    &model_describe_parameter_groups,
    &model_describe_parameters,
    &model_describe_default_parameters,
    &model_delete_parameter_group,
    &model_create_option_group,
    &model_modify_option_group,
    &model_describe_option_groups,
    &model_describe_options,
    &model_delete_option_group,
    &model_describe_certificates,
    &model_modify_certificates,
    &model_describe_engine_versions,
    &model_describe_orderable_options,
    &model_describe_events,
    &model_describe_maintenance,
    &model_apply_maintenance,
    &model_add_tags,
    &model_list_tags,
    &model_remove_tags,
    NULL,
};

const struct model_action *model_action(const char *name)
{
    for (const struct model_action *const *action = model_actions; *action; action++)
        if (strcmp((*action)->name, name) == 0)
            return *action;
    return NULL;
}
