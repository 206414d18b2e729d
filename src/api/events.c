/* DescribeEvents. */
#include "api/call.h"
#include "api/paging.h"
#include "aws/reply.h"
#include "base/clock.h"
#include "base/text.h"
#include "fleet/event.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_DURATION 60 /* minutes */

/* The walk over the events of a page. Events come by time and then by id, so an event's place is both. */
struct listing {
    const struct call *call;
    struct page page;
    int64_t after_time; /* the place of the last event of the page before */
    char after_id[37];
};

static bool was_shown(const struct listing *listing, const struct event_row *row)
{
    if (row->occurred_at != listing->after_time)
        return row->occurred_at < listing->after_time;
    return strcmp(row->event_id, listing->after_id) <= 0;
}

static bool write_event(const struct event_row *row, void *context)
{
    struct listing *listing = context;
    struct buf *result = listing->call->result;
    char place[64];
    if (was_shown(listing, row))
        return true;
    snprintf(place, sizeof place, "%" PRId64 " %s", row->occurred_at, row->event_id);
    if (!page_take(&listing->page, place))
        return false;
    reply_open(result, "Event");
    reply_text(result, "SourceIdentifier", row->source_identifier);
    reply_text(result, "SourceType", row->source_type);
    reply_text(result, "Message", row->message);
    reply_open(result, "EventCategories");
    reply_text(result, "EventCategory", row->category);
    reply_close(result, "EventCategories");
    reply_time(result, "Date", row->occurred_at);
    reply_text(result, "SourceArn", row->source_arn);
    reply_close(result, "Event");
    return true;
}

/* StartTime, EndTime and Duration (API reference, DescribeEvents): a duration counts from the start when
 * there is one, else back from the end. */
static int read_times(const struct call *call, struct event_filter *filter, struct error *error)
{
    int64_t now = clock_now();
    int64_t duration = action_integer(call->input, "Duration", DEFAULT_DURATION) * CLOCK_MINUTE;
    bool has_start = action_given(call->input, "StartTime"), has_end = action_given(call->input, "EndTime");
    bool has_duration = action_given(call->input, "Duration");
    filter->to = action_integer(call->input, "EndTime", now);
    filter->from = action_integer(call->input, "StartTime", filter->to - duration);
    if (has_start && has_end && has_duration)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                               "StartTime, EndTime and Duration cannot be given together.");
    if (has_start && has_duration)
        filter->to = filter->from + duration;
    if (filter->to < filter->from)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                               "EndTime must not be before StartTime.");
    /* A minute of grace: a caller who asks for exactly 14 days asks a little before this clock is read. */
    if (has_start && filter->from < now - EVENT_LIFE - CLOCK_MINUTE)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "StartTime must not be more than 14 days ago: events are kept for so long.");
    return 0;
}

static int read_categories(const struct call *call, struct text_list *categories, struct error *error)
{
    const struct action_value *given = action_value(call->input, "EventCategories");
    for (size_t i = 0; i < given->item_count; i++) {
        if (!event_is_category(given->items[i].text))
            return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                   "Unrecognized event category: %.100s", given->items[i].text);
        text_list_add(categories, given->items[i].text);
    }
    return 0;
}

static int read_page(struct listing *listing, struct event_filter *filter, struct error *error)
{
    int result = page_open(listing->call, PAGE_BY_KEY, &listing->page, error);
    listing->after_time = INT64_MIN;
    if (result || listing->page.after.length == 0)
        return result;
    char extra;
    if (sscanf(buf_text(&listing->page.after), "%" SCNd64 " %36[0-9a-f-]%c", &listing->after_time,
               listing->after_id, &extra) != 2)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "Invalid value for Marker.");
    if (filter->from < listing->after_time)
        filter->from = listing->after_time;
    return 0;
}

static int list(struct listing *listing, const struct event_filter *filter, struct error *error)
{
    reply_open(listing->call->result, "Events");
    int result = event_list(listing->call->fleet, filter, write_event, listing, error);
    reply_close(listing->call->result, "Events");
    page_write_marker(listing->call, &listing->page);
    return result;
}

int events_describe(const struct call *call, struct error *error)
{
    struct text_list categories = {0};
    struct listing listing = {.call = call};
    struct event_filter filter = {
        .region = call->region,
        .source_type = action_text(call->input, "SourceType"),
        .source_identifier = action_text(call->input, "SourceIdentifier"),
        .categories = &categories,
    };
    if (filter.source_identifier && !filter.source_type)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                               "SourceType must be given with SourceIdentifier.");
    int result = read_times(call, &filter, error);
    if (!result)
        result = read_categories(call, &categories, error);
    if (!result)
        result = read_page(&listing, &filter, error);
    if (!result)
        result = list(&listing, &filter, error);
    page_free(&listing.page);
    text_list_free(&categories);
    return result;
}
