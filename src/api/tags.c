/* AddTagsToResource, ListTagsForResource, RemoveTagsFromResource. */
#include "api/call.h"
#include "aws/reply.h"
#include "fleet/tag.h"

#include <stdlib.h>

int tags_add(const struct call *call, struct error *error)
{
    size_t count;
    struct instance_tag *tags = call_tags(call, &count);
    int result =
        tag_add(call->fleet, call->region, action_text(call->input, "ResourceName"), tags, count, error);
    free(tags);
    return result;
}

int tags_remove(const struct call *call, struct error *error)
{
    const struct action_value *keys = action_value(call->input, "TagKeys");
    struct text_list list = {0};
    for (size_t i = 0; i < keys->item_count; i++)
        text_list_add(&list, keys->items[i].text);
    int result =
        tag_remove(call->fleet, call->region, action_text(call->input, "ResourceName"), &list, error);
    text_list_free(&list);
    return result;
}

static bool write_tag(const char *key, const char *value, void *context)
{
    reply_open(context, "Tag");
    reply_text(context, "Key", key);
    reply_text(context, "Value", value);
    reply_close(context, "Tag");
    return true;
}

int tags_list(const struct call *call, struct error *error)
{
    reply_open(call->result, "TagList");
    int result = tag_list(call->fleet, call->region, action_text(call->input, "ResourceName"), write_tag,
                          call->result, error);
    reply_close(call->result, "TagList");
    return result;
}
