/* CreateDBInstance. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/instance_groups.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/state.h"
#include "fleet/window.h"

static int require(const char *member, const char *value, struct error *error)
{
    if (!text_is_empty(value))
        return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                           "The parameter %s must be provided and must not be blank.", member);
}

static int check_master(const struct instance_create *input, const struct catalogue_version *version,
                        struct error *error)
{
    if (input->adoption)
        return require("MasterUsername", input->master_username, error);
    int result = require("MasterUsername", input->master_username, error);
    if (!result)
        result = require("MasterUserPassword", input->master_password, error);
    if (!result)
        result = instance_check_username(version->engine, input->master_username, error);
    if (!result)
        result = instance_check_password(version->engine, input->master_password, error);
    return result ? result : instance_check_database(version->engine, input->database_name, error);
}

static int check_shape(const struct instance_create *input, const struct catalogue_version *version,
                       struct error *error)
{
    int result = instance_check_class(input->instance_class, error);
    if (!result)
        result = instance_check_storage(input->allocated_storage < 0 ? 0 : input->allocated_storage, error);
    if (!result && input->port >= 0 && !input->adoption)
        result = instance_check_port(version->engine, input->port, error);
    if (!result)
        result = instance_check_license(version->engine, input->kept, error);
    return result;
}

static int choose_ca(struct fleet *fleet, const struct instance_create *input, struct instance_row *row,
                     struct error *error)
{
    bool overridden;
    const struct ca_profile *profile;
    if (!input->ca_identifier)
        return authority_default(fleet, input->region, row->ca_identifier, &overridden, error);
    int result = authority_check_usable(fleet, input->region, input->ca_identifier, &profile, error);
    if (!result)
        text_copy(row->ca_identifier, sizeof row->ca_identifier, profile->identifier);
    return result;
}

static int choose_windows(const struct instance_create *input, struct instance_row *row, struct error *error)
{
    struct window weekly, backup;
    window_defaults(input->region, row->resource_id, &weekly, &backup);
    /* A default moves out of the way of a window that was asked for. */
    if (input->maintenance_window && !input->backup_window &&
        window_parse_weekly(input->maintenance_window, &weekly, error) == 0)
        while (window_overlap(&weekly, &backup))
            backup.start = (backup.start + 30) % (24 * 60);
    if (input->backup_window && !input->maintenance_window &&
        window_parse_daily(input->backup_window, &backup, error) == 0)
        while (window_overlap(&weekly, &backup))
            weekly.start = (weekly.start + 30) % (7 * 24 * 60);
    if (input->maintenance_window)
        text_copy(row->maintenance_window, sizeof row->maintenance_window, input->maintenance_window);
    else
        window_format_weekly(&weekly, row->maintenance_window);
    if (input->backup_window)
        text_copy(row->backup_window, sizeof row->backup_window, input->backup_window);
    else
        window_format_daily(&backup, row->backup_window);
    text_lower(row->maintenance_window);
    return instance_check_windows(input->maintenance_window ? input->maintenance_window
                                                            : row->maintenance_window,
                                  input->backup_window ? input->backup_window : row->backup_window, error);
}

/* The server that is there has its port, its users and their passwords. */
static void fill_adopted(const struct instance_create *input, struct instance_row *row)
{
    json_t *attributes = json_pack("{s:b}", ATTRIBUTE_ADOPTED, true);
    instance_set_json(&row->attributes, attributes);
    json_decref(attributes);
    text_copy(row->host, sizeof row->host, input->adoption->host);
    row->port = (int)input->port;
    row->requested_port = 0;
    row->password_generation = 0;
}

static void fill(struct fleet *fleet, const struct instance_create *input,
                 const struct catalogue_version *version, struct instance_row *row)
{
    text_copy(row->region, sizeof row->region, input->region);
    text_copy(row->engine, sizeof row->engine, version->engine->engine);
    text_copy(row->engine_version, sizeof row->engine_version, version->version);
    text_copy(row->instance_class, sizeof row->instance_class, input->instance_class);
    text_copy(row->status, sizeof row->status, STATE_CREATING);
    text_copy(row->master_username, sizeof row->master_username, input->master_username);
    const char *database =
        input->database_name ? input->database_name : version->engine->rules->database_default;
    text_copy(row->database_name, sizeof row->database_name, database ? database : "");
    if (input->master_password)
        buf_append_text(&row->master_password, input->master_password);
    name_endpoint(fleet->settings, input->region, row->identifier, row->address);
    row->allocated_storage = input->allocated_storage;
    row->requested_port = input->port > 0 ? (int)input->port : 0;
    row->deletion_protection = input->deletion_protection;
    row->created_at = clock_now();
    row->running = true;
    row->password_generation = 1;
    row->certificate_generation = 1;
    instance_set_json(&row->attributes, input->kept);
    if (input->adoption)
        fill_adopted(input, row);
}

static int check_free(struct fleet *fleet, const struct instance_row *row, struct error *error)
{
    struct instance_row other = {0};
    int result = store_instance_get(fleet->store, row->region, row->identifier, &other, NULL);
    instance_row_free(&other);
    if (result == 0)
        return error_set_named(error, ERROR_EXISTS, "DBInstanceAlreadyExists", "DB instance already exists");
    return 0;
}

static int put_tags(struct fleet *fleet, const struct instance_create *input, const struct instance_row *row,
                    struct error *error)
{
    char arn[300];
    name_instance_arn(fleet->settings, row->region, row->identifier, arn);
    int result = 0;
    for (size_t i = 0; !result && i < input->tag_count; i++)
        result = store_tag_put(fleet->store, arn, input->tags[i].key, input->tags[i].value, error);
    return result;
}

static int insert(struct fleet *fleet, const struct instance_create *input,
                  const struct catalogue_version *version, struct instance_row *row, struct error *error)
{
    bool changed;
    int result = check_free(fleet, row, error);
    if (!result)
        result = choose_ca(fleet, input, row, error);
    if (!result && !input->adoption)
        result = catalogue_place(fleet, version, row->host, error);
    if (!result)
        result = put_tags(fleet, input, row, error);
    if (!result)
        result = instance_refresh_names(fleet, row, &changed, error);
    if (!result)
        result = instance_groups_choose(fleet, row, input->parameter_group, &changed, error);
    if (!result)
        result = instance_options_choose(fleet, row, input->option_group, &changed, error);
    if (!result)
        result = instance_options_check_authority(fleet, row, NULL, error);
    row->generation = 1;
    if (!result)
        result = store_instance_insert(fleet->store, row, error);
    if (!result)
        result = store_host_bump(fleet->store, row->host, error);
    return result;
}

static int check_and_insert(struct fleet *fleet, const struct instance_create *input,
                            const struct catalogue_version *version, struct instance_row *row,
                            struct error *error)
{
    int result = check_master(input, version, error);
    if (!result)
        result = check_shape(input, version, error);
    if (!result)
        result = instance_check_tags(fleet, input->tags, input->tag_count, error);
    if (!result)
        result = choose_windows(input, row, error);
    if (result)
        return result;
    fill(fleet, input, version, row);
    result = store_begin(fleet->store, error);
    return result ? result : store_finish(fleet->store, insert(fleet, input, version, row, error), error);
}

int instance_create(struct fleet *fleet, const struct instance_create *input, struct instance_row *row,
                    struct error *error)
{
    int result = name_check_identifier("DBInstanceIdentifier", input->identifier, row->identifier, error);
    struct catalogue catalogue = {0};
    struct catalogue_version there = {0};
    const struct catalogue_version *version = &there;
    if (input->adoption) {
        catalogue_describe_version(catalogue_engine(input->engine), input->engine_version, &there);
        text_copy(row->resource_id, sizeof row->resource_id, input->adoption->resource_id);
    } else {
        if (!result)
            result = catalogue_load(fleet, &catalogue, error);
        if (!result)
            result = catalogue_choose(&catalogue, input->engine, input->engine_version, &version, error);
        name_resource_id(row->resource_id);
    }
    if (!result)
        result = check_and_insert(fleet, input, version, row, error);
    catalogue_free(&catalogue);
    return result;
}
