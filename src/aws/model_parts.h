/* Pieces that several tables of actions share. Only for the model_*.c files. */
#ifndef AWS_MODEL_PARTS_H
#define AWS_MODEL_PARTS_H

#include "aws/model.h"

extern const struct model_member model_filter[];
extern const struct model_member model_tag[];
extern const struct model_member model_tag_specification[];
extern const struct model_member model_processor_feature[];

extern const char *const model_no_filters[]; /* RDS has the member and supports no name */
extern const char *const model_license_models[];
extern const char *const model_storage_types[];
extern const char *const model_network_types[];
extern const char *const model_insights_modes[];
extern const char *const model_monitoring_intervals[];
extern const char *const model_lifecycle_supports[];
extern const char *const model_authentication_types[];

/* Reasons that many members share. */
extern const char model_no_aurora[];
extern const char model_no_backups[];
extern const char model_no_capacity_reservations[];
extern const char model_no_directory[];
extern const char model_no_encryption[];
extern const char model_no_engine_charset[];
extern const char model_no_iam[];
extern const char model_no_insights[];
extern const char model_no_log_exports[];
extern const char model_no_managed_secrets[];
extern const char model_no_monitoring[];
extern const char model_no_multi_az[];
extern const char model_no_processor_features[];
extern const char model_no_security_groups[];
extern const char model_no_storage_rates[];
extern const char model_no_subnets[];
extern const char model_no_tde[];
extern const char model_no_tenants[];
extern const char model_no_volumes[];
extern const char model_host_disk[];

extern const struct model_action model_create_instance;
extern const struct model_action model_modify_instance;
extern const struct model_action model_delete_instance;
extern const struct model_action model_describe_instances;
extern const struct model_action model_reboot_instance;
extern const struct model_action model_start_instance;
extern const struct model_action model_stop_instance;
extern const struct model_action model_create_parameter_group;
extern const struct model_action model_modify_parameter_group;
extern const struct model_action model_reset_parameter_group;
extern const struct model_action model_delete_parameter_group;
extern const struct model_action model_describe_parameter_groups;
extern const struct model_action model_describe_parameters;
extern const struct model_action model_describe_default_parameters;
extern const struct model_action model_create_option_group;
extern const struct model_action model_modify_option_group;
extern const struct model_action model_delete_option_group;
extern const struct model_action model_describe_option_groups;
extern const struct model_action model_describe_options;
extern const struct model_action model_describe_certificates;
extern const struct model_action model_modify_certificates;
extern const struct model_action model_describe_engine_versions;
extern const struct model_action model_describe_orderable_options;
extern const struct model_action model_describe_events;
extern const struct model_action model_describe_maintenance;
extern const struct model_action model_apply_maintenance;
extern const struct model_action model_add_tags;
extern const struct model_action model_list_tags;
extern const struct model_action model_remove_tags;

#endif
