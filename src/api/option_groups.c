/* The actions on option groups. */
#include "api/call.h"
#include "api/paging.h"
#include "aws/reply.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/name.h"
#include "fleet/option_group.h"

#include <stdlib.h>

/* ---- replies */

static void write_setting(struct buf *result, const struct option_setting *setting, const json_t *kept)
{
    reply_open(result, "OptionSetting");
    reply_text(result, "Name", setting->name);
    reply_text(result, "Value", option_value(setting, kept));
    reply_text(result, "DefaultValue", setting->value);
    reply_text(result, "Description", setting->description);
    reply_text(result, "ApplyType", "STATIC");
    reply_text(result, "DataType", "STRING");
    reply_text(result, "AllowedValues", setting->allowed);
    reply_boolean(result, "IsModifiable", true);
    reply_boolean(result, "IsCollection", setting->list);
    reply_close(result, "OptionSetting");
}

static void write_security_groups(struct buf *result, const json_t *kept)
{
    const json_t *groups = json_object_get(kept, "security_groups");
    reply_open(result, "DBSecurityGroupMemberships");
    reply_close(result, "DBSecurityGroupMemberships");
    reply_open(result, "VpcSecurityGroupMemberships");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        reply_open(result, "VpcSecurityGroupMembership");
        reply_text(result, "VpcSecurityGroupId", json_string_value(json_array_get(groups, i)));
        reply_text(result, "Status", "active");
        reply_close(result, "VpcSecurityGroupMembership");
    }
    reply_close(result, "VpcSecurityGroupMemberships");
}

static void write_option(struct buf *result, const struct option *option, const json_t *kept)
{
    reply_open(result, "Option");
    reply_text(result, "OptionName", option->name);
    reply_text(result, "OptionDescription", option->description);
    reply_boolean(result, "Persistent", false);
    reply_boolean(result, "Permanent", false);
    reply_integer(result, "Port", option_port(option, kept));
    reply_open(result, "OptionSettings");
    for (const struct option_setting *setting = option->settings; setting->name; setting++)
        write_setting(result, setting, kept);
    reply_close(result, "OptionSettings");
    write_security_groups(result, kept);
    reply_close(result, "Option");
}

static void write_group(const struct call *call, const struct option_group_row *row)
{
    struct buf *result = call->result;
    const struct option *option = NULL;
    char arn[NAME_ARN_SIZE];
    AUTO_FREE char *description = slice_string(slice_buf(&row->description));
    json_t *options = json_loadb((const char *)row->options.data, row->options.length, 0, NULL);
    name_arn(call->fleet->settings, row->region, "og", row->name, arn);
    reply_open(result, "OptionGroup");
    reply_text(result, "OptionGroupName", row->name);
    reply_text(result, "OptionGroupDescription", description);
    reply_text(result, "EngineName", row->engine);
    reply_text(result, "MajorEngineVersion", row->major_version);
    reply_open(result, "Options");
    while ((option = option_next(row->engine, option)))
        if (json_object_get(options, option->name))
            write_option(result, option, json_object_get(options, option->name));
    reply_close(result, "Options");
    reply_boolean(result, "AllowsVpcAndNonVpcInstanceMemberships", json_object_size(options) == 0);
    reply_text(result, "OptionGroupArn", arn);
    reply_close(result, "OptionGroup");
    json_decref(options);
}

static int finish(const struct call *call, int result, struct option_group_row *row)
{
    if (!result)
        write_group(call, row);
    option_group_row_free(row);
    return result;
}

/* ---- changes */

int option_groups_create(const struct call *call, struct error *error)
{
    const struct action_input *input = call->input;
    struct option_group_row row = {0};
    size_t count;
    struct instance_tag *tags = call_tags(call, &count);
    int result =
        option_group_create(call->fleet, call->region, action_text(input, "OptionGroupName"),
                            action_text(input, "EngineName"), action_text(input, "MajorEngineVersion"),
                            action_text(input, "OptionGroupDescription"), tags, count, &row, error);
    free(tags);
    return finish(call, result, &row);
}

static void read_texts(const struct action_value *list, struct text_list *texts)
{
    for (size_t i = 0; i < list->item_count; i++)
        text_list_add(texts, list->items[i].text);
}

/* One OptionConfiguration; what is allocated with it is freed by free_change. */
struct read_change {
    struct option_setting_change *settings;
    struct text_list security_groups;
};

static void read_change(const struct action_value *item, struct read_change *owned,
                        struct option_change *change)
{
    const struct action_value *port = action_field(item, "Port");
    const struct action_value *settings = action_field(item, "OptionSettings");
    const struct action_value *groups = action_field(item, "VpcSecurityGroupMemberships");
    owned->settings = mem_new_array(settings->item_count + 1, sizeof *owned->settings);
    for (size_t i = 0; i < settings->item_count; i++) {
        owned->settings[i].name = action_field(&settings->items[i], "Name")->text;
        owned->settings[i].value = action_field(&settings->items[i], "Value")->text;
    }
    read_texts(groups, &owned->security_groups);
    *change = (struct option_change){
        .name = action_field(item, "OptionName")->text,
        .port = port->present ? port->number : -1,
        .settings = owned->settings,
        .setting_count = settings->item_count,
        .security_groups = groups->present ? &owned->security_groups : NULL,
    };
}

int option_groups_modify(const struct call *call, struct error *error)
{
    const struct action_value *includes = action_value(call->input, "OptionsToInclude");
    size_t count = includes->item_count;
    struct option_change *changes = mem_new_array(count + 1, sizeof *changes);
    struct read_change *owned = mem_new_array(count + 1, sizeof *owned);
    struct text_list removals = {0};
    struct option_group_row row = {0};
    for (size_t i = 0; i < count; i++)
        read_change(&includes->items[i], &owned[i], &changes[i]);
    read_texts(action_value(call->input, "OptionsToRemove"), &removals);
    struct option_group_modify modify = {
        .region = call->region,
        .name = action_text(call->input, "OptionGroupName"),
        .includes = changes,
        .include_count = count,
        .removals = &removals,
        .apply_immediately = action_boolean(call->input, "ApplyImmediately", false),
    };
    int result = option_group_modify(call->fleet, &modify, &row, error);
    for (size_t i = 0; i < count; i++) {
        free(owned[i].settings);
        text_list_free(&owned[i].security_groups);
    }
    free(owned);
    free(changes);
    text_list_free(&removals);
    return finish(call, result, &row);
}

int option_groups_delete(const struct call *call, struct error *error)
{
    return option_group_delete(call->fleet, call->region, action_text(call->input, "OptionGroupName"), error);
}

/* ---- lists */

/* The walk of DescribeOptionGroups. */
struct listing {
    const struct call *call;
    struct page page;
    const char *engine, *major_version;
};

static bool list_group(const struct option_group_row *row, void *context)
{
    struct listing *listing = context;
    if ((listing->engine && !text_equal_ignoring_case(listing->engine, row->engine)) ||
        (listing->major_version && !text_equal(listing->major_version, row->major_version)))
        return true;
    if (!page_take(&listing->page, row->name))
        return false;
    write_group(listing->call, row);
    return true;
}

static int describe_one(const struct call *call, const char *name, struct error *error)
{
    struct option_group_row row = {0};
    return finish(call, option_group_get(call->fleet, call->region, name, &row, error), &row);
}

static int check_narrowing(const char *name, const char *engine, const char *major_version,
                           struct error *error)
{
    if (!text_is_empty(name) && (engine || major_version))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                               "OptionGroupName cannot be given with EngineName or MajorEngineVersion.");
    if (major_version && !engine)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                               "EngineName must be given with MajorEngineVersion.");
    return 0;
}

int option_groups_describe(const struct call *call, struct error *error)
{
    const char *name = action_text(call->input, "OptionGroupName");
    struct listing listing = {.call = call,
                              .engine = action_text(call->input, "EngineName"),
                              .major_version = action_text(call->input, "MajorEngineVersion")};
    int result = check_narrowing(name, listing.engine, listing.major_version, error);
    if (!result)
        result = page_open(call, PAGE_BY_KEY, &listing.page, error);
    reply_open(call->result, "OptionGroupsList");
    if (!result && !text_is_empty(name))
        result = describe_one(call, name, error);
    else if (!result)
        result = option_group_list(call->fleet, call->region, buf_text(&listing.page.after), list_group,
                                   &listing, error);
    reply_close(call->result, "OptionGroupsList");
    page_write_marker(call, &listing.page);
    page_free(&listing.page);
    return result;
}

static void write_offered_setting(struct buf *result, const struct option_setting *setting)
{
    reply_open(result, "OptionGroupOptionSetting");
    reply_text(result, "SettingName", setting->name);
    reply_text(result, "SettingDescription", setting->description);
    reply_text(result, "DefaultValue", setting->value);
    reply_text(result, "ApplyType", "STATIC");
    reply_text(result, "AllowedValues", setting->allowed);
    reply_boolean(result, "IsModifiable", true);
    reply_boolean(result, "IsRequired", false);
    reply_open(result, "MinimumEngineVersionPerAllowedValue");
    reply_close(result, "MinimumEngineVersionPerAllowedValue");
    reply_close(result, "OptionGroupOptionSetting");
}

static void write_offered(struct buf *result, const struct option *option,
                          const struct catalogue_version *version)
{
    reply_open(result, "OptionGroupOption");
    reply_text(result, "Name", option->name);
    reply_text(result, "Description", option->description);
    reply_text(result, "EngineName", version->engine->engine);
    reply_text(result, "MajorEngineVersion", version->major);
    reply_boolean(result, "PortRequired", true);
    reply_integer(result, "DefaultPort", option->default_port);
    reply_open(result, "OptionsDependedOn");
    reply_close(result, "OptionsDependedOn");
    reply_open(result, "OptionsConflictsWith");
    for (const char *const *conflict = option->conflicts; *conflict; conflict++)
        reply_text(result, "OptionConflictName", *conflict);
    reply_close(result, "OptionsConflictsWith");
    reply_boolean(result, "Persistent", false);
    reply_boolean(result, "Permanent", false);
    reply_boolean(result, "RequiresAutoMinorEngineVersionUpgrade", false);
    reply_boolean(result, "VpcOnly", false);
    reply_boolean(result, "SupportsOptionVersionDowngrade", false);
    reply_open(result, "OptionGroupOptionSettings");
    for (const struct option_setting *setting = option->settings; setting->name; setting++)
        write_offered_setting(result, setting);
    reply_close(result, "OptionGroupOptionSettings");
    reply_open(result, "OptionGroupOptionVersions");
    reply_close(result, "OptionGroupOptionVersions");
    reply_boolean(result, "CopyableCrossAccount", false);
    reply_close(result, "OptionGroupOption");
}

/* The options of one major version; false when the page is full. */
static bool write_options_of(const struct call *call, const struct catalogue_version *version,
                             struct page *page)
{
    const struct option *option = NULL;
    while ((option = option_next(version->engine->engine, option))) {
        enum page_turn turn = page_next(page);
        if (turn == PAGE_FULL)
            return false;
        if (turn == PAGE_SHOW)
            write_offered(call->result, option, version);
    }
    return true;
}

static void write_offers(const struct call *call, const struct catalogue *catalogue, struct page *page)
{
    const struct engine_facts *engine = catalogue_engine(action_text(call->input, "EngineName"));
    const char *major_version = action_text(call->input, "MajorEngineVersion");
    bool room = true;
    reply_open(call->result, "OptionGroupOptions");
    for (size_t i = 0; room && i < catalogue->count; i++) {
        const struct catalogue_version *version = &catalogue->versions[i];
        bool again = i && text_equal(version->family, version[-1].family);
        if (version->engine == engine && !again &&
            (text_is_empty(major_version) || text_equal(major_version, version->major)))
            room = write_options_of(call, version, page);
    }
    reply_close(call->result, "OptionGroupOptions");
    page_write_marker(call, page);
}

int option_groups_describe_options(const struct call *call, struct error *error)
{
    struct catalogue catalogue = {0};
    AUTO_PAGE struct page page = {0};
    const char *engine = action_text(call->input, "EngineName");
    int result = 0;
    if (!catalogue_engine(engine))
        result = error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "Invalid DB engine: %.100s",
                                 engine);
    if (!result)
        result = page_open(call, PAGE_BY_POSITION, &page, error);
    if (!result)
        result = catalogue_load(call->fleet, &catalogue, error);
    if (result)
        return result;
    catalogue_add_known(&catalogue);
    write_offers(call, &catalogue, &page);
    catalogue_free(&catalogue);
    return 0;
}
