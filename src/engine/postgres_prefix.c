/* log_line_prefix, read backwards: from an entry to who it is about (PostgreSQL documentation, "What to
 * Log").
 *
 * Only entries of sessions before their login are read, in which refused handshakes are: there the user, the
 * database and the program are still "[unknown]". An entry that names any is another session's, whose client
 * chose these words and could make them look like the rest of a prefix. */
#include "base/clock.h"
#include "base/text.h"
#include "engine/postgres.h"

#include <stdio.h>
#include <string.h>

#define DIGITS  "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define CLIENT  DIGITS LETTERS ".:%_-"
#define UNKNOWN "[unknown]"

/* Each takes its part off the line; false when it is not there. */
typedef bool take(const char **line, struct postgres_entry *entry);

static size_t take_span(const char **line, const char *characters)
{
    size_t length = strspn(*line, characters);
    *line += length;
    return length;
}

static bool take_number(const char **line, struct postgres_entry *entry)
{
    (void)entry;
    return take_span(line, DIGITS) > 0;
}

/* 2026-01-02 03:04:05.678 UTC, or without the fraction: the zone is a name that says no offset. */
static bool take_time(const char **line, struct postgres_entry *entry)
{
    char text[32];
    const char *date = *line, *time = date + strcspn(date, " ");
    if (*time != ' ' || time - date != 10)
        return false;
    size_t length = strcspn(time + 1, " ");
    if (length > 12 || time[1 + length] != ' ')
        return false;
    snprintf(text, sizeof text, "%.10sT%.*sZ", date, (int)length, time + 1);
    *line = time + 1 + length + 1;
    return take_span(line, LETTERS DIGITS "+-") > 0 && clock_parse(text, &entry->logged);
}

static bool take_session_start(const char **line, struct postgres_entry *entry)
{
    struct postgres_entry other;
    (void)entry;
    return take_time(line, &other);
}

/* 1767323045.678 */
static bool take_epoch(const char **line, struct postgres_entry *entry)
{
    long long seconds = 0, milliseconds = 0;
    int length = 0;
    if (sscanf(*line, "%10lld.%3lld%n", &seconds, &milliseconds, &length) != 2 || seconds < 0)
        return false;
    *line += length;
    entry->logged = (int64_t)seconds * CLOCK_SECOND + milliseconds;
    return true;
}

static bool take_client(const char **line, struct postgres_entry *entry)
{
    const char *from = *line;
    size_t length = take_span(line, CLIENT);
    entry->client = slice_of(from, length);
    return length > 0;
}

static bool take_client_and_port(const char **line, struct postgres_entry *entry)
{
    if (!take_client(line, entry) || **line != '(')
        return false;
    ++*line;
    return take_number(line, entry) && *(*line)++ == ')';
}

static bool take_unknown(const char **line, struct postgres_entry *entry)
{
    (void)entry;
    bool found = text_starts_with(*line, UNKNOWN);
    *line += found ? strlen(UNKNOWN) : 0;
    return found;
}

static bool take_session(const char **line, struct postgres_entry *entry)
{
    (void)entry;
    return take_span(line, DIGITS "abcdef.") > 0;
}

/* Empty outside of transactions. */
static bool take_transaction(const char **line, struct postgres_entry *entry)
{
    (void)entry;
    take_span(line, DIGITS "/");
    return true;
}

static bool take_state(const char **line, struct postgres_entry *entry)
{
    (void)entry;
    return take_span(line, DIGITS LETTERS) == 5;
}

static bool take_nothing(const char **line, struct postgres_entry *entry)
{
    (void)line;
    (void)entry;
    return true;
}

static bool take_percent(const char **line, struct postgres_entry *entry)
{
    (void)entry;
    return *(*line)++ == '%';
}

static const struct {
    char letter;
    const char *characters; /* of which the next character of the prefix must not be; NULL: any */
    take *take;
} escapes[] = {
    {'m', LETTERS DIGITS "+-", take_time},
    {'t', LETTERS DIGITS "+-", take_time},
    {'n', DIGITS, take_epoch},
    {'s', LETTERS DIGITS "+-", take_session_start},
    {'p', DIGITS, take_number},
    {'P', DIGITS, take_number},
    {'l', DIGITS, take_number},
    {'x', DIGITS, take_number},
    {'h', CLIENT, take_client},
    {'r', NULL, take_client_and_port},
    {'u', NULL, take_unknown},
    {'d', NULL, take_unknown},
    {'a', NULL, take_unknown},
    {'c', DIGITS "abcdef.", take_session},
    {'v', DIGITS "/", take_transaction},
    {'e', DIGITS LETTERS, take_state},
    {'q', NULL, take_nothing},
    {'%', NULL, take_percent},
};
enum { ESCAPE_COUNT = sizeof escapes / sizeof escapes[0] };

static size_t find_escape(char letter)
{
    size_t i = 0;
    while (i < ESCAPE_COUNT && escapes[i].letter != letter)
        i++;
    return i;
}

bool postgres_entry_read(const char *prefix, const char *line, struct postgres_entry *entry)
{
    *entry = (struct postgres_entry){0};
    for (; *prefix; prefix++) {
        if (*prefix != '%') {
            if (*line++ != *prefix)
                return false;
            continue;
        }
        size_t escape = find_escape(*++prefix);
        if (escape == ESCAPE_COUNT || !escapes[escape].take(&line, entry))
            return false;
    }
    entry->message = line;
    return true;
}

/* What follows the prefix is a word in capitals: "LOG:  ". */
static bool ends_where_told(size_t escape, char next)
{
    const char *own = escapes[escape].characters;
    return !own || (next != '%' && !strchr(own, next ? next : 'L'));
}

bool postgres_prefix_check(const char *prefix, char *why, size_t size)
{
    bool who = false, when = false;
    for (const char *at = prefix; *at; at++) {
        if (*at != '%')
            continue;
        size_t escape = find_escape(*++at);
        if (escape == ESCAPE_COUNT || !ends_where_told(escape, at[1])) {
            snprintf(why, size, "log_line_prefix '%s' cannot be read at %%%c", prefix, *at);
            return false;
        }
        who |= *at == 'h' || *at == 'r';
        when |= *at == 'm' || *at == 't' || *at == 'n';
    }
    if (who && when)
        return true;
    snprintf(why, size, "log_line_prefix '%s' lacks %s", prefix,
             who ? "the time: %m, %t or %n" : "the client's address: %h or %r");
    return false;
}
