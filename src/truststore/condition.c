#include "truststore/condition.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>
#include <strings.h>

static const char *without_weakness(const char *etag)
{
    return text_starts_with(etag, "W/") ? etag + 2 : etag;
}

bool condition_lists_tag(const char *list, const char *etag)
{
    const char *wanted = without_weakness(etag);
    const char *at = list + strspn(list, " \t");
    if (at[0] == '*')
        return at[1 + strspn(at + 1, " \t")] == 0;
    /* #entity-tag: empty members are allowed (section 5.6.1.2). A tag's text may hold commas, but no quotes.
     */
    for (;;) {
        at = without_weakness(at + strspn(at, " \t,"));
        const char *end = at[0] == '"' ? strchr(at + 1, '"') : NULL;
        if (!end)
            return false;
        if (slice_is(slice_of(at, (size_t)(end + 1 - at)), wanted))
            return true;
        at = end + 1 + strspn(end + 1, " \t");
        if (at[0] != ',')
            return false;
    }
}

struct none_match {
    const char *etag;
    bool is_there, matches;
};

static void look_at(const char *name, const char *value, void *context)
{
    struct none_match *none_match = context;
    if (strcasecmp(name, "If-None-Match") != 0)
        return;
    none_match->is_there = true;
    none_match->matches |= condition_lists_tag(value, none_match->etag);
}

bool condition_unchanged(const struct http_exchange *exchange, const char *etag, int64_t modified)
{
    /* A list may come in several header lines (section 5.3). */
    struct none_match none_match = {.etag = etag};
    http_each_header(exchange, look_at, &none_match);
    /* Section 13.2.2: If-None-Match, where it is there, decides alone. */
    if (none_match.is_there)
        return none_match.matches;
    const char *since = http_header(exchange, "If-Modified-Since");
    int64_t when;
    return since && clock_parse_http(since, &when) && modified <= when;
}
