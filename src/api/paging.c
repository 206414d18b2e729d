#include "api/paging.h"

#include "aws/reply.h"
#include "base/text.h"

#include <string.h>

#define DEFAULT_RECORDS 100
#define MARKER_LIMIT    1000 /* bytes; no key is longer */

static int refuse_marker(struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                           "Invalid value for Marker. Must be the Marker of an earlier reply to the same "
                           "action.");
}

/* A marker is the base64 of "<Action> <key>". */
static bool decode_marker(const struct call *call, const char *marker, struct buf *key)
{
    const char *action = call->input->action->name;
    size_t length = strlen(action);
    AUTO_BUF struct buf text = {0};
    if (strlen(marker) > MARKER_LIMIT || !text_from_base64(slice_text(marker), &text) ||
        slice_has_nul(slice_buf(&text)))
        return false;
    const char *decoded = buf_text(&text);
    if (strncmp(decoded, action, length) != 0 || decoded[length] != ' ' || !decoded[length + 1])
        return false;
    buf_append_text(key, decoded + length + 1);
    return true;
}

int page_open(const struct call *call, enum page_order order, struct page *page, struct error *error)
{
    const char *marker = action_text(call->input, "Marker");
    page->most = action_integer(call->input, "MaxRecords", DEFAULT_RECORDS);
    if (text_is_empty(marker))
        return 0;
    if (!decode_marker(call, marker, &page->after))
        return refuse_marker(error);
    if (order == PAGE_BY_POSITION && !text_integer(buf_text(&page->after), 1, INT32_MAX, &page->start))
        return refuse_marker(error);
    return 0;
}

void page_free(struct page *page)
{
    buf_free(&page->after);
    buf_free(&page->last);
}

bool page_take(struct page *page, const char *key)
{
    if (page->shown == page->most) {
        page->more = true;
        return false;
    }
    page->shown++;
    buf_clear(&page->last);
    buf_append_text(&page->last, key);
    return true;
}

enum page_turn page_next(struct page *page)
{
    if (page->position < page->start) {
        page->position++;
        return PAGE_SKIP;
    }
    if (page->shown == page->most) {
        page->more = true;
        buf_clear(&page->last);
        buf_printf(&page->last, "%lld", (long long)page->position);
        return PAGE_FULL;
    }
    page->shown++;
    page->position++;
    return PAGE_SHOW;
}

void page_write_marker(const struct call *call, struct page *page)
{
    if (!page->more)
        return;
    AUTO_BUF struct buf text = {0}, marker = {0};
    buf_printf(&text, "%s %s", call->input->action->name, buf_text(&page->last));
    text_base64(slice_buf(&text), &marker);
    reply_text(call->result, "Marker", buf_text(&marker));
}
