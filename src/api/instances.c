/* The actions on DB instances. */
#include "api/call.h"
#include "api/paging.h"
#include "aws/reply.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/instance.h"
#include "fleet/name.h"

#include <stdlib.h>

/* Members that the tables call kept, but that the rules take by themselves. */
static const char *const with_rules[] = {"AllocatedStorage", "DBInstanceClass", "PreferredBackupWindow"};
/* Kept members that wait for the maintenance window (user guide, "Settings for DB instances"). */
static const char *const deferred[] = {"Iops", "LicenseModel", "StorageThroughput", "StorageType"};

static bool is_among(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(names[i], name))
            return true;
    return false;
}

/* A kept value in one spelling: numbers without leading zeros, booleans in lowercase. */
static json_t *kept_value(const struct action_value *value)
{
    if (value->member->type == MODEL_BOOLEAN)
        return json_string(value->number ? "true" : "false");
    if (value->member->type == MODEL_INTEGER || value->member->type == MODEL_LONG)
        return json_sprintf("%lld", (long long)value->number);
    if (value->member->type != MODEL_STRINGS)
        return json_string(value->text);
    json_t *list = json_array();
    for (size_t i = 0; i < value->item_count; i++)
        json_array_append_new(list, json_string(value->items[i].text));
    return list;
}

/* Sorts the kept members that were given by when they take effect. */
static void read_kept(const struct call *call, json_t *at_once, json_t *later)
{
    for (size_t i = 0; i < call->input->count; i++) {
        const struct action_value *value = &call->input->values[i];
        const char *name = value->member->name;
        if (!value->present || value->member->disposition != MODEL_KEPT ||
            is_among(with_rules, sizeof with_rules / sizeof *with_rules, name))
            continue;
        bool waits = is_among(deferred, sizeof deferred / sizeof *deferred, name);
        json_object_set_new(waits ? later : at_once, name, kept_value(value));
    }
}

static int write_instance(const struct call *call, const struct instance_row *row, struct error *error)
{
    reply_open(call->result, "DBInstance");
    int result = instance_reply(call, row, error);
    reply_close(call->result, "DBInstance");
    return result;
}

/* The reply of an action that changed one instance. */
static int finish(const struct call *call, int result, struct instance_row *row, struct error *error)
{
    if (!result)
        result = write_instance(call, row, error);
    instance_row_free(row);
    return result;
}

int instances_create(const struct call *call, struct error *error)
{
    const struct action_input *input = call->input;
    struct instance_row row = {0};
    size_t tag_count;
    struct instance_tag *tags = call_tags(call, &tag_count);
    json_t *kept = json_object();
    read_kept(call, kept, kept);
    struct instance_create create = {
        .region = call->region,
        .identifier = action_text(input, "DBInstanceIdentifier"),
        .engine = action_text(input, "Engine"),
        .engine_version = action_text(input, "EngineVersion"),
        .instance_class = action_text(input, "DBInstanceClass"),
        .allocated_storage = action_integer(input, "AllocatedStorage", -1),
        .master_username = action_text(input, "MasterUsername"),
        .master_password = action_text(input, "MasterUserPassword"),
        .database_name = action_text(input, "DBName"),
        .port = action_integer(input, "Port", -1),
        .ca_identifier = action_text(input, "CACertificateIdentifier"),
        .maintenance_window = action_text(input, "PreferredMaintenanceWindow"),
        .backup_window = action_text(input, "PreferredBackupWindow"),
        .parameter_group = action_text(input, "DBParameterGroupName"),
        .option_group = action_text(input, "OptionGroupName"),
        .deletion_protection = action_boolean(input, "DeletionProtection", false),
        .kept = kept,
        .tags = tags,
        .tag_count = tag_count,
    };
    int result = instance_create(call->fleet, &create, &row, error);
    json_decref(kept);
    free(tags);
    return finish(call, result, &row, error);
}

static int choice(const struct action_input *input, const char *name)
{
    return action_given(input, name) ? action_boolean(input, name, false) : -1;
}

int instances_modify(const struct call *call, struct error *error)
{
    const struct action_input *input = call->input;
    struct instance_row row = {0};
    json_t *kept = json_object(), *kept_deferred = json_object();
    read_kept(call, kept, kept_deferred);
    struct instance_modify modify = {
        .region = call->region,
        .identifier = action_text(input, "DBInstanceIdentifier"),
        .apply_immediately = action_boolean(input, "ApplyImmediately", false),
        .new_identifier = action_text(input, "NewDBInstanceIdentifier"),
        .engine_version = action_text(input, "EngineVersion"),
        .instance_class = action_text(input, "DBInstanceClass"),
        .allocated_storage = action_integer(input, "AllocatedStorage", -1),
        .master_password = action_text(input, "MasterUserPassword"),
        .port = action_integer(input, "DBPortNumber", -1),
        .ca_identifier = action_text(input, "CACertificateIdentifier"),
        .rotation_restart = choice(input, "CertificateRotationRestart"),
        .maintenance_window = action_text(input, "PreferredMaintenanceWindow"),
        .backup_window = action_text(input, "PreferredBackupWindow"),
        .parameter_group = action_text(input, "DBParameterGroupName"),
        .option_group = action_text(input, "OptionGroupName"),
        .deletion_protection = choice(input, "DeletionProtection"),
        .kept = kept,
        .kept_deferred = kept_deferred,
    };
    int result = instance_modify(call->fleet, &modify, &row, error);
    json_decref(kept);
    json_decref(kept_deferred);
    return finish(call, result, &row, error);
}

static const char *identifier_of(const struct call *call)
{
    return action_text(call->input, "DBInstanceIdentifier");
}

int instances_delete(const struct call *call, struct error *error)
{
    struct instance_row row = {0};
    int result = instance_delete(call->fleet, call->region, identifier_of(call),
                                 action_boolean(call->input, "SkipFinalSnapshot", false),
                                 action_text(call->input, "FinalDBSnapshotIdentifier"), &row, error);
    return finish(call, result, &row, error);
}

int instances_reboot(const struct call *call, struct error *error)
{
    struct instance_row row = {0};
    int result = instance_reboot(call->fleet, call->region, identifier_of(call),
                                 action_boolean(call->input, "ForceFailover", false), &row, error);
    return finish(call, result, &row, error);
}

int instances_start(const struct call *call, struct error *error)
{
    struct instance_row row = {0};
    int result = instance_start(call->fleet, call->region, identifier_of(call), &row, error);
    return finish(call, result, &row, error);
}

int instances_stop(const struct call *call, struct error *error)
{
    struct instance_row row = {0};
    int result = instance_stop(call->fleet, call->region, identifier_of(call), &row, error);
    return finish(call, result, &row, error);
}

/* The walk of DescribeDBInstances. */
struct listing {
    const struct call *call;
    struct page page;
    struct error *error;
    int result;
};

static bool passes_filters(const struct call *call, const struct instance_row *row)
{
    char arn[300];
    name_instance_arn(call->fleet->settings, row->region, row->identifier, arn);
    bool named = call_filter_accepts(call, "db-instance-id", row->identifier) ||
                 call_filter_accepts(call, "db-instance-id", arn);
    return named && call_filter_accepts(call, "dbi-resource-id", row->resource_id) &&
           call_filter_accepts(call, "engine", row->engine) && !call_filter_given(call, "db-cluster-id") &&
           !call_filter_given(call, "domain"); /* no instance is in a cluster or a directory */
}

static bool list_instance(const struct instance_row *row, void *context)
{
    struct listing *listing = context;
    if (!passes_filters(listing->call, row))
        return true;
    if (!page_take(&listing->page, row->identifier))
        return false;
    listing->result = write_instance(listing->call, row, listing->error);
    return listing->result == 0;
}

static int describe_one(const struct call *call, const char *identifier, struct error *error)
{
    struct instance_row row = {0};
    int result = instance_get(call->fleet, call->region, identifier, true, &row, error);
    if (!result && passes_filters(call, &row))
        result = write_instance(call, &row, error);
    instance_row_free(&row);
    return result;
}

int instances_describe(const struct call *call, struct error *error)
{
    const char *identifier = identifier_of(call);
    struct listing listing = {.call = call, .error = error};
    int result = page_open(call, PAGE_BY_KEY, &listing.page, error);
    reply_open(call->result, "DBInstances");
    if (!result && !text_is_empty(identifier))
        result = describe_one(call, identifier, error);
    else if (!result)
        result = store_instance_list(call->fleet->store, call->region, buf_text(&listing.page.after),
                                     list_instance, &listing, error);
    reply_close(call->result, "DBInstances");
    page_write_marker(call, &listing.page);
    page_free(&listing.page);
    return result ? result : listing.result;
}
