#include "api/call.h"

#include "base/memory.h"
#include "base/text.h"
#include "fleet/instance.h"

bool call_filter_given(const struct call *call, const char *name)
{
    const struct action_value *filters = action_value(call->input, "Filters");
    for (size_t i = 0; i < filters->item_count; i++)
        if (text_equal(action_field(&filters->items[i], "Name")->text, name))
            return true;
    return false;
}

static bool has_value(const struct action_value *filter, const char *value)
{
    const struct action_value *values = action_field(filter, "Values");
    for (size_t i = 0; i < values->item_count; i++)
        if (text_equal_ignoring_case(values->items[i].text, value))
            return true;
    return false;
}

bool call_filter_accepts(const struct call *call, const char *name, const char *value)
{
    const struct action_value *filters = action_value(call->input, "Filters");
    for (size_t i = 0; i < filters->item_count; i++)
        if (text_equal(action_field(&filters->items[i], "Name")->text, name) &&
            !has_value(&filters->items[i], value))
            return false;
    return true;
}

struct instance_tag *call_tags(const struct call *call, size_t *count)
{
    const struct action_value *tags = action_value(call->input, "Tags");
    struct instance_tag *list = mem_new_array(tags->item_count, sizeof *list);
    *count = tags->item_count;
    for (size_t i = 0; i < tags->item_count; i++) {
        const char *value = action_field(&tags->items[i], "Value")->text;
        list[i] = (struct instance_tag){action_field(&tags->items[i], "Key")->text, value ? value : ""};
    }
    return list;
}
