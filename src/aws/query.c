#include "aws/query.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int malformed(struct error *error, const char *what)
{
    return error_set_named(error, ERROR_INVALID, "MalformedInput",
                           "The request's parameters cannot be read: %s.", what);
}

static int hex_digit(unsigned char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    return -1;
}

/* Decodes into `target`, which has room for encoded.length bytes. */
static bool decode_into(struct slice encoded, unsigned char *target, size_t *length)
{
    size_t written = 0;
    for (size_t i = 0; i < encoded.length; i++) {
        unsigned char character = encoded.data[i];
        if (character == '%') {
            if (encoded.length - i < 3)
                return false;
            int high = hex_digit(encoded.data[i + 1]);
            int low = hex_digit(encoded.data[i + 2]);
            if (high < 0 || low < 0)
                return false;
            target[written++] = (unsigned char)(high << 4 | low);
            i += 2;
        } else {
            target[written++] = character == '+' ? ' ' : character;
        }
    }
    *length = written;
    return true;
}

bool query_decode(struct slice encoded, struct buf *decoded)
{
    size_t length = 0;
    buf_reserve(decoded, encoded.length);
    if (!decode_into(encoded, decoded->data + decoded->length, &length))
        return false;
    decoded->length += length;
    return true;
}

static bool is_text(struct slice text)
{
    if (slice_has_nul(text))
        return false;
    while (text.length) {
        size_t length = text_utf8(text, NULL);
        if (length == 0)
            return false;
        text = slice_of(text.data + length, text.length - length);
    }
    return true;
}

/* Decodes one name or value to *end, NUL-terminated, and moves *end behind it. */
static int decode_text(struct slice encoded, size_t limit, const char **text, char **end, struct error *error)
{
    size_t length = 0;
    unsigned char *target = (unsigned char *)*end;
    if (!decode_into(encoded, target, &length))
        return malformed(error, "a '%' must be followed by two hexadecimal digits");
    if (length > limit)
        return error_set_named(error, ERROR_LIMIT, "MalformedInput",
                               "The request's parameters cannot be read: a name may have %d bytes and a "
                               "value %d, and one has %zu.",
                               QUERY_NAME_LIMIT, QUERY_VALUE_LIMIT, length);
    if (!is_text(slice_of(target, length)))
        return malformed(error, "names and values must be UTF-8 text without NUL");
    target[length] = 0;
    *text = *end;
    *end += length + 1;
    return 0;
}

static struct slice slice_until(struct slice *rest, unsigned char separator)
{
    const unsigned char *found = rest->length ? memchr(rest->data, separator, rest->length) : NULL;
    size_t length = found ? (size_t)(found - rest->data) : rest->length;
    struct slice head = slice_of(rest->data, length);
    size_t used = found ? length + 1 : length;
    *rest = slice_of(rest->data + used, rest->length - used);
    return head;
}

static size_t count_pairs(struct slice form)
{
    size_t count = 1;
    for (size_t i = 0; i < form.length; i++)
        count += form.data[i] == '&';
    return count;
}

static int parse_pairs(struct slice form, struct query_parameters *parameters, struct error *error)
{
    char *end = parameters->text;
    while (form.length) {
        struct slice value = slice_until(&form, '&');
        if (value.length == 0)
            continue;
        struct slice name = slice_until(&value, '=');
        if (name.length == 0)
            return malformed(error, "a name before '=' is empty");
        struct query_pair *pair = &parameters->pairs[parameters->count];
        int failed = decode_text(name, QUERY_NAME_LIMIT, &pair->name, &end, error);
        if (failed)
            return failed;
        failed = decode_text(value, QUERY_VALUE_LIMIT, &pair->value, &end, error);
        if (failed)
            return failed;
        parameters->count++;
    }
    return 0;
}

/* By name; of the same name by place in the form, which is the order of the addresses. */
static int compare_pairs(const void *a, const void *b)
{
    const struct query_pair *left = a;
    const struct query_pair *right = b;
    int order = strcmp(left->name, right->name);
    return order ? order : (left->name > right->name) - (left->name < right->name);
}

static void keep_last_of_each_name(struct query_parameters *parameters)
{
    size_t kept = 0;
    for (size_t i = 0; i < parameters->count; i++) {
        bool repeats = kept && strcmp(parameters->pairs[kept - 1].name, parameters->pairs[i].name) == 0;
        kept += !repeats;
        parameters->pairs[kept - 1] = parameters->pairs[i];
    }
    parameters->count = kept;
}

int query_parse(struct slice form, struct query_parameters *parameters, struct error *error)
{
    *parameters = (struct query_parameters){0};
    size_t count = count_pairs(form);
    if (count > QUERY_PAIRS_LIMIT)
        return error_set_named(
            error, ERROR_LIMIT, "MalformedInput",
            "The request's parameters cannot be read: at most %d are accepted, and there are %zu.",
            QUERY_PAIRS_LIMIT, count);
    /* Decoding never lengthens; each pair ends two texts, and a pair without '=' has one separator less than
     * that. */
    parameters->text_size = form.length + 2 * count;
    parameters->text = mem_new(parameters->text_size);
    parameters->pairs = mem_new_array(count, sizeof *parameters->pairs);
    int failed = parse_pairs(form, parameters, error);
    if (failed) {
        query_free(parameters);
        return failed;
    }
    qsort(parameters->pairs, parameters->count, sizeof *parameters->pairs, compare_pairs);
    keep_last_of_each_name(parameters);
    return 0;
}

void query_free(struct query_parameters *parameters)
{
    if (parameters->text)
        mem_wipe(parameters->text, parameters->text_size);
    free(parameters->text);
    free(parameters->pairs);
    *parameters = (struct query_parameters){0};
}

/* The place of the first name that is not before `name`. */
static size_t lower_bound(const struct query_parameters *parameters, const char *name)
{
    size_t low = 0;
    size_t high = parameters->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(parameters->pairs[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *query_text(const struct query_parameters *parameters, const char *name)
{
    size_t place = lower_bound(parameters, name);
    bool found = place < parameters->count && strcmp(parameters->pairs[place].name, name) == 0;
    return found ? parameters->pairs[place].value : NULL;
}

bool query_has_below(const struct query_parameters *parameters, const char *path)
{
    char prefix[QUERY_NAME_LIMIT + 2];
    snprintf(prefix, sizeof prefix, "%s.", path);
    size_t place = lower_bound(parameters, prefix);
    return place < parameters->count && text_starts_with(parameters->pairs[place].name, prefix);
}

static int compare_indexes(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* "12" or "12.Key" is 12. No sign, no leading zero, at most 9 digits. */
static bool parse_index(const char *text, uint32_t *index)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9 || text[0] == '0' || (text[digits] && text[digits] != '.'))
        return false;
    *index = (uint32_t)strtoul(text, NULL, 10);
    return true;
}

static int collect_indexes(const struct query_parameters *parameters, const char *prefix, uint32_t **indexes,
                           size_t *count, struct error *error)
{
    size_t first = lower_bound(parameters, prefix);
    size_t last = first;
    while (last < parameters->count && text_starts_with(parameters->pairs[last].name, prefix))
        last++;
    *count = 0;
    *indexes = last > first ? mem_new_array(last - first, sizeof **indexes) : NULL;
    for (size_t i = first; i < last; i++)
        if (!parse_index(parameters->pairs[i].name + strlen(prefix), &(*indexes)[(*count)++]))
            return error_set_named(
                error, ERROR_INVALID, "MalformedInput",
                "'%s' is not the name of a list's item: after '%s' a whole number from 1 on is expected.",
                parameters->pairs[i].name, prefix);
    return 0;
}

static size_t sort_and_drop_repeats(uint32_t *indexes, size_t count)
{
    if (count == 0)
        return 0;
    qsort(indexes, count, sizeof *indexes, compare_indexes);
    size_t kept = 1;
    for (size_t i = 1; i < count; i++)
        if (indexes[i] != indexes[kept - 1])
            indexes[kept++] = indexes[i];
    return kept;
}

int query_list(const struct query_parameters *parameters, const char *path, const char *item,
               uint32_t **indexes, size_t *count, const char **item_used, struct error *error)
{
    char prefix[QUERY_NAME_LIMIT + 2];
    snprintf(prefix, sizeof prefix, "%s.%s", path, item);
    *item_used = query_has_below(parameters, prefix) ? item : "member";
    snprintf(prefix, sizeof prefix, "%s.%s.", path, *item_used);
    int failed = collect_indexes(parameters, prefix, indexes, count, error);
    if (failed) {
        free(*indexes);
        *indexes = NULL;
        *count = 0;
        return failed;
    }
    *count = sort_and_drop_repeats(*indexes, *count);
    return 0;
}
