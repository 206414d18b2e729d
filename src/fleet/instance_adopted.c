/* What is not done to servers that were there before Sealwright: they are started, stopped and set up by
 * their owner. */
#include "base/text.h"
#include "fleet/instance_internal.h"

bool instance_is_adopted(const struct instance_row *row)
{
    json_t *attributes = instance_json(&row->attributes);
    bool adopted = json_is_true(json_object_get(attributes, ATTRIBUTE_ADOPTED));
    json_decref(attributes);
    return adopted;
}

int instance_check_own_server(const struct instance_row *row, const char *doing, struct error *error)
{
    if (!instance_is_adopted(row))
        return 0;
    return error_set_named(error, ERROR_STATE, "InvalidDBInstanceState",
                           "Instance %s was adopted and cannot be %s: its database server is started and "
                           "stopped on its host by what did so before.",
                           row->identifier, doing);
}

int instance_check_adopted_modify(const struct instance_modify *input, const struct instance_row *row,
                                  struct error *error)
{
    const struct {
        const char *member;
        bool given;
    } members[] = {
        {"NewDBInstanceIdentifier", input->new_identifier},
        {"EngineVersion", input->engine_version && !text_equal(input->engine_version, row->engine_version)},
        {"DBInstanceClass", input->instance_class && !text_equal(input->instance_class, row->instance_class)},
        {"AllocatedStorage",
         input->allocated_storage >= 0 && input->allocated_storage != row->allocated_storage},
        {"MasterUserPassword", input->master_password},
        {"DBPortNumber", input->port >= 0 && input->port != row->port},
        {"DBParameterGroupName", input->parameter_group},
        {"OptionGroupName", input->option_group},
    };
    if (!instance_is_adopted(row))
        return 0;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (members[i].given)
            return error_set_named(
                error, ERROR_DENIED, "InvalidParameterCombination",
                "Instance %s was adopted: %s is its owner's to set on its host. Sealwright "
                "changes its server certificate alone.",
                row->identifier, members[i].member);
    return 0;
}
