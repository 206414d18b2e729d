#include "fleet/tag.h"

#include "base/text.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/option_group.h"
#include "fleet/parameter_group.h"

static bool count_tag(const char *key, const char *value, void *context)
{
    (void)key;
    (void)value;
    ++*(size_t *)context;
    return true;
}

int tag_put_all(struct fleet *fleet, const char *arn, const struct instance_tag *tags, size_t count,
                struct error *error)
{
    size_t total = 0;
    int result = instance_check_tags(fleet, tags, count, error);
    for (size_t i = 0; !result && i < count; i++)
        result = store_tag_put(fleet->store, arn, tags[i].key, tags[i].value, error);
    if (!result)
        result = store_tag_list(fleet->store, arn, count_tag, &total, error);
    if (!result && total > 50)
        result = error_set_named(error, ERROR_LIMIT, "InvalidParameterValue",
                                 "Too many tags: at most 50 a resource.");
    return result;
}

/* Is there the group that an ARN names? */
static int find_parameter_group(struct fleet *fleet, const char *region, const char *name,
                                struct error *error)
{
    struct parameter_group_row row = {0};
    int result = parameter_group_get(fleet, region, name, &row, error);
    parameter_group_row_free(&row);
    return result;
}

static int find_option_group(struct fleet *fleet, const char *region, const char *name, struct error *error)
{
    struct option_group_row row = {0};
    int result = option_group_get(fleet, region, name, &row, error);
    option_group_row_free(&row);
    return result;
}

/* An ARN's type, and that it is of something in this region; instances are looked for by their own rules. */
static int find(struct fleet *fleet, const char *region, const char *arn, char type[8], struct error *error)
{
    char arn_region[32], name[256];
    int result = name_parse_arn(fleet->settings, arn, arn_region, type, name, error);
    if (!result && !text_equal(region, arn_region))
        result =
            error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                            "The specified resource name does not match an RDS resource in this region.");
    if (result || text_equal(type, "db"))
        return result;
    if (text_equal(type, "pg"))
        return find_parameter_group(fleet, region, name, error);
    if (text_equal(type, "og"))
        return find_option_group(fleet, region, name, error);
    return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "Invalid resource name: %s", arn);
}

int tag_add(struct fleet *fleet, const char *region, const char *arn, const struct instance_tag *tags,
            size_t count, struct error *error)
{
    char type[8];
    int result = find(fleet, region, arn, type, error);
    if (result)
        return result;
    if (text_equal(type, "db"))
        return instance_tags_add(fleet, region, arn, tags, count, error);
    result = store_begin(fleet->store, error);
    return result ? result : store_finish(fleet->store, tag_put_all(fleet, arn, tags, count, error), error);
}

int tag_remove(struct fleet *fleet, const char *region, const char *arn, const struct text_list *keys,
               struct error *error)
{
    char type[8];
    int result = find(fleet, region, arn, type, error);
    if (result)
        return result;
    if (text_equal(type, "db"))
        return instance_tags_remove(fleet, region, arn, keys, error);
    result = store_begin(fleet->store, error);
    if (result)
        return result;
    for (size_t i = 0; !result && i < keys->count; i++)
        result = store_tag_remove(fleet->store, arn, keys->items[i], error);
    return store_finish(fleet->store, result, error);
}

int tag_list(struct fleet *fleet, const char *region, const char *arn, tag_visitor *visit, void *context,
             struct error *error)
{
    char type[8];
    int result = find(fleet, region, arn, type, error);
    if (result)
        return result;
    if (text_equal(type, "db"))
        return instance_tags_list(fleet, region, arn, visit, context, error);
    return store_tag_list(fleet->store, arn, visit, context, error);
}
