/* PostgreSQL's log, which holds bytes of clients: read in two pieces it says what it says in one, and what
 * stands behind a tab or inside a line is no refusal. */
#include "base/memory.h"
#include "engine/postgres.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct engine_evidence take(struct slice log, size_t split, bool inside)
{
    struct engine_evidence evidence = {.client_limit = 3};
    size_t used = postgres_evidence_take(slice_of(log.data, split), false, POSTGRES_LOG_LINE_PREFIX, &inside,
                                         &evidence);
    if (used > split)
        abort();
    postgres_evidence_take(slice_of(log.data + used, log.length - used), false, POSTGRES_LOG_LINE_PREFIX,
                           &inside, &evidence);
    return evidence;
}

static void check_same(struct engine_evidence one, struct engine_evidence two)
{
    if (one.refusals != two.refusals || !text_list_equal(&one.clients, &two.clients) ||
        one.clients.count > one.client_limit)
        abort();
    text_list_free(&one.clients);
    text_list_free(&two.clients);
}

static void check_none(struct slice log)
{
    struct engine_evidence evidence = take(log, log.length, true);
    if (evidence.refusals || evidence.clients.count)
        abort();
}

/* The first line as an owner's prefix, the second as an entry under it. */
static void try_prefix(struct slice log)
{
    struct postgres_entry entry;
    char why[100];
    const unsigned char *end = log.length ? memchr(log.data, '\n', log.length) : NULL;
    if (!end)
        return;
    size_t length = (size_t)(end - log.data);
    AUTO_FREE char *prefix = slice_string(slice_of(log.data, length));
    AUTO_FREE char *line = slice_string(slice_of(end + 1, log.length - length - 1));
    postgres_prefix_check(prefix, why, sizeof why);
    if (postgres_entry_read(prefix, line, &entry) &&
        (entry.message < line || entry.message > line + strlen(line)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF struct buf entry = {0};
    struct slice log = slice_of(data, size);
    try_prefix(log);
    check_same(take(log, size, false), take(log, size ? data[0] % size : 0, false));
    /* As a client's text is logged: further lines after a tab. */
    buf_append_text(&entry, "rest of a line");
    for (size_t i = 0; i < size; i++) {
        buf_append_byte(&entry, data[i]);
        if (data[i] == '\n')
            buf_append_byte(&entry, '\t');
    }
    buf_append_byte(&entry, '\n');
    check_none(slice_buf(&entry));
    return 0;
}
