#include "fleet/option_group.h"

#include "base/clock.h"
#include "base/text.h"
#include "fleet/instance_groups.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/tag.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_PREFIX "default:"

static int not_found(const char *name, struct error *error)
{
    return error_set_named(error, ERROR_NOT_FOUND, "OptionGroupNotFoundFault",
                           "Specified OptionGroupName: %s not found.", name);
}

static void fill_default(const char *region, const struct catalogue_version *version,
                         struct option_group_row *row)
{
    text_copy(row->region, sizeof row->region, region);
    text_copy(row->name, sizeof row->name, version->option_group);
    text_copy(row->engine, sizeof row->engine, version->engine->engine);
    text_copy(row->major_version, sizeof row->major_version, version->major);
    row->version = row->urgent_version = 0;
    buf_clear(&row->description);
    buf_printf(&row->description, "Default option group for %s %s", row->engine, row->major_version);
    buf_clear(&row->options);
    buf_append_text(&row->options, "{}");
}

static bool is_default(const char *name)
{
    return strncasecmp(name, DEFAULT_PREFIX, strlen(DEFAULT_PREFIX)) == 0;
}

/* What hosts have, and what RDS has. */
static int load_all(struct fleet *fleet, struct catalogue *catalogue, struct error *error)
{
    int result = catalogue_load(fleet, catalogue, error);
    if (!result)
        catalogue_add_known(catalogue);
    return result;
}

static int get_default(struct fleet *fleet, const char *region, const char *name,
                       struct option_group_row *row, struct error *error)
{
    struct catalogue catalogue = {0};
    int result = load_all(fleet, &catalogue, error);
    if (result)
        return result;
    result = ERROR_NOT_FOUND;
    for (size_t i = 0; result && i < catalogue.count; i++)
        if (text_equal(catalogue.versions[i].option_group, name)) {
            fill_default(region, &catalogue.versions[i], row);
            result = 0;
        }
    catalogue_free(&catalogue);
    return result ? not_found(name, error) : 0;
}

int option_group_get(struct fleet *fleet, const char *region, const char *name, struct option_group_row *row,
                     struct error *error)
{
    char lower[GROUP_NAME_SIZE];
    if (!text_copy(lower, sizeof lower, name))
        return not_found(name, error);
    text_lower(lower);
    if (is_default(lower))
        return get_default(fleet, region, lower, row, error);
    int result = store_option_group_get(fleet->store, region, lower, row, error);
    return result == ERROR_NOT_FOUND ? not_found(name, error) : result;
}

/* ---- the list: stored groups and default ones, merged by name */

struct listing {
    const char *region, *after;
    const struct catalogue *catalogue; /* by the name of the default group */
    size_t next;
    option_group_visitor *visit;
    void *context;
    bool more;
};

/* The default groups that come before `name`, or all that are left. */
static void visit_defaults(struct listing *listing, const char *name)
{
    struct option_group_row row = {0};
    for (; listing->more && listing->next < listing->catalogue->count; listing->next++) {
        const struct catalogue_version *version = &listing->catalogue->versions[listing->next];
        if (listing->next && text_equal(version->option_group, version[-1].option_group))
            continue;
        if (name && strcmp(version->option_group, name) > 0)
            break;
        fill_default(listing->region, version, &row);
        if (strcmp(row.name, listing->after) > 0)
            listing->more = listing->visit(&row, listing->context);
    }
    option_group_row_free(&row);
}

static bool visit_stored(const struct option_group_row *row, void *context)
{
    struct listing *listing = context;
    visit_defaults(listing, row->name);
    listing->more = listing->more && listing->visit(row, listing->context);
    return listing->more;
}

static int by_option_group(const void *left, const void *right)
{
    return strcmp(((const struct catalogue_version *)left)->option_group,
                  ((const struct catalogue_version *)right)->option_group);
}

int option_group_list(struct fleet *fleet, const char *region, const char *after, option_group_visitor *visit,
                      void *context, struct error *error)
{
    struct catalogue catalogue = {0};
    struct listing listing = {region, after, &catalogue, 0, visit, context, true};
    int result = catalogue_load(fleet, &catalogue, error);
    if (result)
        return result;
    if (catalogue.count)
        qsort(catalogue.versions, catalogue.count, sizeof *catalogue.versions, by_option_group);
    result = store_option_group_list(fleet->store, region, after, visit_stored, &listing, error);
    if (!result)
        visit_defaults(&listing, NULL);
    catalogue_free(&catalogue);
    return result;
}

/* ---- changes */

static int check_version(struct fleet *fleet, const char *engine, const char *major_version,
                         struct error *error)
{
    struct catalogue catalogue = {0};
    const struct engine_facts *facts = catalogue_engine(engine);
    if (!facts)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "Invalid DB engine: %.100s",
                               engine);
    int result = load_all(fleet, &catalogue, error);
    if (result)
        return result;
    bool found = false;
    for (size_t i = 0; i < catalogue.count; i++)
        found |=
            catalogue.versions[i].engine == facts && text_equal(catalogue.versions[i].major, major_version);
    catalogue_free(&catalogue);
    return found
               ? 0
               : error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                 "Invalid major version %.100s for engine %s.", major_version, facts->engine);
}

int option_group_create(struct fleet *fleet, const char *region, const char *name, const char *engine,
                        const char *major_version, const char *description, const struct instance_tag *tags,
                        size_t tag_count, struct option_group_row *row, struct error *error)
{
    char arn[NAME_ARN_SIZE];
    int result = name_check_group("OptionGroupName", name, row->name, error);
    if (!result)
        result = check_version(fleet, engine, major_version, error);
    if (result)
        return result;
    text_copy(row->region, sizeof row->region, region);
    text_copy(row->engine, sizeof row->engine, catalogue_engine(engine)->engine);
    text_copy(row->major_version, sizeof row->major_version, major_version);
    buf_append_text(&row->description, description);
    buf_append_text(&row->options, "{}");
    row->version = 1;
    name_arn(fleet->settings, row->region, "og", row->name, arn);
    result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = store_option_group_insert(fleet->store, row, error);
    if (result == ERROR_EXISTS)
        error_set_named(error, ERROR_EXISTS, "OptionGroupAlreadyExistsFault",
                        "An option group named %s already exists.", row->name);
    if (!result)
        result = tag_put_all(fleet, arn, tags, tag_count, error);
    return store_finish(fleet->store, result, error);
}

/* What is given comes over what is there. */
static void merge(json_t *kept, const struct option_change *change)
{
    json_t *settings = json_object_get(kept, "settings");
    if (change->port >= 0)
        json_object_set_new(kept, "port", json_integer(change->port));
    if (!settings) {
        json_object_set_new(kept, "settings", json_object());
        settings = json_object_get(kept, "settings");
    }
    for (size_t i = 0; i < change->setting_count; i++)
        json_object_set_new(settings, change->settings[i].name, json_string(change->settings[i].value));
    if (!change->security_groups)
        return;
    json_t *groups = json_array();
    for (size_t i = 0; i < change->security_groups->count; i++)
        json_array_append_new(groups, json_string(change->security_groups->items[i]));
    json_object_set_new(kept, "security_groups", groups);
}

static int include(const struct option_group_row *row, json_t *options, const struct option_change *change,
                   struct error *error)
{
    const struct option *option;
    int result = option_find(row->engine, change->name, &option, error);
    if (result)
        return result;
    if (!json_object_get(options, option->name))
        json_object_set_new(options, option->name, json_object());
    json_t *kept = json_object_get(options, option->name);
    merge(kept, change);
    return option_check(option, kept, error);
}

static int apply_changes(struct option_group_row *row, const struct option_group_modify *input,
                         struct error *error)
{
    json_t *options = instance_json(&row->options);
    int result = 0;
    for (size_t i = 0; !result && i < input->removals->count; i++)
        if (json_object_del(options, input->removals->items[i]))
            result = error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                     "Option %.100s is not in the option group %s.",
                                     input->removals->items[i], row->name);
    for (size_t i = 0; !result && i < input->include_count; i++)
        result = text_list_has(input->removals, input->includes[i].name)
                     ? error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                                       "Option %.100s cannot be both included and removed.",
                                       input->includes[i].name)
                     : include(row, options, &input->includes[i], error);
    instance_set_json(&row->options, options);
    json_decref(options);
    return result;
}

static int modify(struct fleet *fleet, const struct option_group_modify *input, struct option_group_row *row,
                  struct error *error)
{
    int result = option_group_get(fleet, input->region, input->name, row, error);
    if (!result && is_default(row->name))
        result = error_set_named(error, ERROR_STATE, "InvalidOptionGroupStateFault",
                                 "Default option groups cannot be modified: %s", row->name);
    if (!result && !input->include_count && !input->removals->count)
        result = error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                 "At least one option must be added, modified, or removed.");
    if (!result)
        result = apply_changes(row, input, error);
    row->version++;
    if (input->apply_immediately) /* with all that has been waiting */
        row->urgent_version = row->version;
    if (!result)
        result = store_option_group_update(fleet->store, row, error);
    return result ? result
                  : store_work_add_option_group(fleet->store, WORK_GROUPS, row->region, row->name,
                                                clock_now(), error);
}

int option_group_modify(struct fleet *fleet, const struct option_group_modify *input,
                        struct option_group_row *row, struct error *error)
{
    int result = store_begin(fleet->store, error);
    return result ? result : store_finish(fleet->store, modify(fleet, input, row, error), error);
}

/* Instances that have the group, and those that are to have it from their maintenance window on. */
struct members {
    const char *name;
    int64_t count;
};

static bool count_member(const struct instance_row *row, void *context)
{
    struct members *members = context;
    members->count += text_equal(row->option_group, members->name) ||
                      instance_json_is(&row->pending, PENDING_OPTION_GROUP, members->name);
    return !members->count;
}

static int delete_group(struct fleet *fleet, const struct option_group_row *row, struct error *error)
{
    struct members members = {.name = row->name};
    char arn[NAME_ARN_SIZE];
    if (is_default(row->name))
        return error_set_named(error, ERROR_STATE, "InvalidOptionGroupStateFault",
                               "Default option groups cannot be deleted: %s", row->name);
    int result = store_instance_list(fleet->store, row->region, "", count_member, &members, error);
    if (!result && members.count)
        result = error_set_named(error, ERROR_STATE, "InvalidOptionGroupStateFault",
                                 "The option group '%s' cannot be deleted because it is in use.", row->name);
    name_arn(fleet->settings, row->region, "og", row->name, arn);
    if (!result)
        result = store_tag_remove_all(fleet->store, arn, error);
    return result ? result : store_option_group_remove(fleet->store, row->region, row->name, error);
}

int option_group_delete(struct fleet *fleet, const char *region, const char *name, struct error *error)
{
    struct option_group_row row = {0};
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    result = option_group_get(fleet, region, name, &row, error);
    if (!result)
        result = delete_group(fleet, &row, error);
    option_group_row_free(&row);
    return store_finish(fleet->store, result, error);
}
