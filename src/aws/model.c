/* Decoding of a request by its action's table. */
#include "aws/model.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_LIMIT 4096
#define LIST_LIMIT 100

static int invalid(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int invalid(struct error *error, const char *format, ...)
{
    char text[sizeof error->text];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "%s", length < 0 ? "" : text);
}

static int missing(struct error *error, const char *path)
{
    return error_set_named(error, ERROR_INVALID, "MissingParameter",
                           "The request must contain the parameter %s.", path);
}

/* How a value may be shown in a message. */
static const char *shown(const struct model_member *member, const char *text)
{
    return member->secret ? "(not shown)" : text;
}

static size_t count_members(const struct model_member *members)
{
    size_t count = 0;
    while (members[count].name)
        count++;
    return count;
}

static size_t count_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static bool is_allowed(const char *const *allowed, const char *text)
{
    for (; *allowed; allowed++)
        if (strcmp(*allowed, text) == 0)
            return true;
    return false;
}

/* RDS's rule for identifiers: 1 to 63 letters, digits and hyphens; first a letter; no hyphen last or twice in
 * a row. */
static bool is_identifier(const char *text)
{
    size_t length = strlen(text);
    if (length < 1 || length > 63 || !isalpha((unsigned char)text[0]) || text[length - 1] == '-' ||
        strstr(text, "--"))
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '-')
            return false;
    return true;
}

static int check_allowed(const struct model_member *member, const char *path, const char *text,
                         struct error *error)
{
    if (!member->allowed || is_allowed(member->allowed, text))
        return 0;
    AUTO_BUF struct buf list = {0};
    for (const char *const *name = member->allowed; *name; name++)
        buf_printf(&list, "%s%s", name == member->allowed ? "" : ", ", *name);
    return invalid(error, "Invalid value '%.100s' for %s. Must be one of: %s", shown(member, text), path,
                   buf_text(&list));
}

static int check_text(const struct model_member *member, const char *path, const char *text,
                      struct error *error)
{
    size_t length = count_characters(text);
    size_t most = member->most ? (size_t)member->most : TEXT_LIMIT;
    if (member->required && length == 0)
        return invalid(error, "The parameter %s must be provided and must not be blank.", path);
    if (length > most || length < (size_t)member->least)
        return invalid(error, "Invalid value for %s. Must have %lld to %zu characters, but has %zu.", path,
                       (long long)member->least, most, length);
    if (member->format == MODEL_IDENTIFIER && !is_identifier(text))
        return invalid(error,
                       "The parameter %s is not a valid identifier. Identifiers must begin with a letter; "
                       "must contain only ASCII "
                       "letters, digits, and hyphens; must have at most 63 characters; and must not end with "
                       "a hyphen or contain two "
                       "consecutive hyphens.",
                       path);
    return check_allowed(member, path, text, error);
}

static int parse_integer(const struct model_member *member, const char *path, struct action_value *value,
                         struct error *error)
{
    int64_t least = member->type == MODEL_LONG ? INT64_MIN : INT32_MIN;
    int64_t most = member->type == MODEL_LONG ? INT64_MAX : INT32_MAX;
    if (!text_integer(value->text, least, most, &value->number))
        return invalid(error, "Invalid value '%.100s' for %s. Must be a whole number.",
                       shown(member, value->text), path);
    if (member->most && (value->number < member->least || value->number > member->most))
        return invalid(error, "Invalid value %lld for %s. Must be between %lld and %lld",
                       (long long)value->number, path, (long long)member->least, (long long)member->most);
    return check_allowed(member, path, value->text, error);
}

static int parse_boolean(const struct model_member *member, const char *path, struct action_value *value,
                         struct error *error)
{
    value->number = text_equal_ignoring_case(value->text, "true");
    if (value->number || text_equal_ignoring_case(value->text, "false"))
        return 0;
    return invalid(error, "Invalid value '%.100s' for %s. Must be true or false.", shown(member, value->text),
                   path);
}

static int parse_timestamp(const struct model_member *member, const char *path, struct action_value *value,
                           struct error *error)
{
    if (clock_parse(value->text, &value->number))
        return 0;
    return invalid(error,
                   "Invalid value '%.100s' for %s. Must be a time in UTC such as 2026-01-02T03:04:05Z.",
                   shown(member, value->text), path);
}

static int parse_scalar(const struct model_member *member, const char *path, struct action_value *value,
                        struct error *error)
{
    switch (member->type) {
    case MODEL_INTEGER:
    case MODEL_LONG:
        return parse_integer(member, path, value, error);
    case MODEL_BOOLEAN:
        return parse_boolean(member, path, value, error);
    case MODEL_TIMESTAMP:
        return parse_timestamp(member, path, value, error);
    default:
        return check_text(member, path, value->text, error);
    }
}

static bool is_list(const struct model_member *member)
{
    return member->type == MODEL_STRINGS || member->type == MODEL_STRUCTURES;
}

/* Asks for nothing: an empty text or list, or the harmless value. */
static bool is_harmless(const struct model_member *member, const struct action_value *value)
{
    if (is_list(member))
        return value->item_count == 0;
    if (member->type == MODEL_STRUCTURE)
        return false;
    return !*value->text || text_equal_ignoring_case(value->text, member->harmless);
}

static int refuse(const struct model_member *member, const char *path, const struct action_value *value,
                  struct error *error)
{
    const char *code = member->code ? member->code : "InvalidParameterCombination";
    AUTO_BUF struct buf advice = {0};
    if (member->harmless)
        buf_printf(&advice, " or set it to %s", member->harmless);
    if (value->text)
        return error_set_named(error, ERROR_DENIED, code, "%s cannot be '%.100s': %s. Leave it out%s.", path,
                               shown(member, value->text), member->reason, buf_text(&advice));
    return error_set_named(error, ERROR_DENIED, code, "%s cannot be given: %s. Leave it out.", path,
                           member->reason);
}

static int decode_members(const struct query_parameters *parameters, const struct model_member *members,
                          const char *path, struct action_value *values, struct error *error);

static int decode_structure(const struct query_parameters *parameters, const struct model_member *member,
                            const char *path, struct action_value *value, struct error *error)
{
    value->item_count = count_members(member->members);
    value->items = mem_new_array(value->item_count, sizeof *value->items);
    return decode_members(parameters, member->members, path, value->items, error);
}

static int decode_item(const struct query_parameters *parameters, const struct model_member *member,
                       const char *path, struct action_value *item, struct error *error)
{
    item->member = member;
    item->present = true;
    if (member->type == MODEL_STRUCTURES)
        return decode_structure(parameters, member, path, item, error);
    item->text = query_text(parameters, path);
    if (!item->text)
        return error_set_named(error, ERROR_INVALID, "MalformedInput",
                               "%s must be a text, not a structure or a list.", path);
    static const struct model_member any = {.name = "item"};
    return check_text(&any, path, item->text, error);
}

static int decode_list(const struct query_parameters *parameters, const struct model_member *member,
                       const char *path, struct action_value *value, struct error *error)
{
    AUTO_FREE uint32_t *indexes = NULL;
    size_t count = 0;
    const char *item = NULL;
    int failed = query_list(parameters, path, member->item, &indexes, &count, &item, error);
    if (failed)
        return failed;
    size_t most = member->most ? (size_t)member->most : LIST_LIMIT;
    if (count > most)
        return invalid(error, "Invalid value for %s. Must have at most %zu items, but has %zu.", path, most,
                       count);
    value->present = count || query_text(parameters, path);
    value->items = count ? mem_new_array(count, sizeof *value->items) : NULL;
    value->item_count = count;
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *item_path = mem_format("%s.%s.%u", path, item, (unsigned)indexes[i]);
        failed = decode_item(parameters, member, item_path, &value->items[i], error);
        if (failed)
            return failed;
    }
    return member->required && count == 0 ? missing(error, path) : 0;
}

static int decode_scalar(const struct query_parameters *parameters, const struct model_member *member,
                         const char *path, struct action_value *value, struct error *error)
{
    value->text = query_text(parameters, path);
    value->present = value->text != NULL;
    if (value->present)
        return parse_scalar(member, path, value, error);
    if (query_has_below(parameters, path))
        return error_set_named(error, ERROR_INVALID, "MalformedInput",
                               "%s must be a single value, not a structure or a list.", path);
    return member->required ? missing(error, path) : 0;
}

static int decode_member(const struct query_parameters *parameters, const struct model_member *member,
                         const char *path, struct action_value *value, struct error *error)
{
    int failed = 0;
    value->member = member;
    if (is_list(member)) {
        failed = decode_list(parameters, member, path, value, error);
    } else if (member->type == MODEL_STRUCTURE) {
        value->present = query_has_below(parameters, path);
        failed = value->present ? decode_structure(parameters, member, path, value, error) : 0;
    } else {
        failed = decode_scalar(parameters, member, path, value, error);
    }
    if (failed)
        return failed;
    if (value->present && member->disposition == MODEL_REFUSED && !is_harmless(member, value))
        return refuse(member, path, value, error);
    return 0;
}

static int decode_members(const struct query_parameters *parameters, const struct model_member *members,
                          const char *path, struct action_value *values, struct error *error)
{
    for (size_t i = 0; members[i].name; i++) {
        AUTO_FREE char *joined = *path ? mem_format("%s.%s", path, members[i].name) : NULL;
        int failed =
            decode_member(parameters, &members[i], joined ? joined : members[i].name, &values[i], error);
        if (failed)
            return failed;
    }
    return 0;
}

static int check_filters(const struct action_input *input, struct error *error)
{
    if (!input->action->filters)
        return 0;
    const struct action_value *filters = action_value(input, "Filters");
    for (size_t i = 0; i < filters->item_count; i++) {
        const char *name = action_field(&filters->items[i], "Name")->text;
        if (!is_allowed(input->action->filters, name))
            return invalid(error, "Unrecognized filter name: %.100s", name);
    }
    return 0;
}

/* The action that the request names, or NULL with RDS's words for an operation, and for a version, that it
 * does not have. */
static const struct model_action *find_action(const struct query_parameters *parameters, struct error *error)
{
    const char *name = query_text(parameters, "Action");
    if (text_is_empty(name)) {
        error_set_named(error, ERROR_INVALID, "MissingAction",
                        "The request must contain the parameter Action, an operation's name such as "
                        "DescribeDBInstances.");
        return NULL;
    }
    const char *version = query_text(parameters, "Version");
    const struct model_action *action = model_action(name);
    if (action && text_equal(version, MODEL_API_VERSION))
        return action;
    error_set_named(error, ERROR_INVALID, "InvalidAction",
                    "Could not find operation %.100s for version %.100s", name,
                    text_is_empty(version) ? "NO_VERSION_SPECIFIED" : version);
    return NULL;
}

int action_decode(const struct query_parameters *parameters, struct action_input *input, struct error *error)
{
    *input = (struct action_input){0};
    const struct model_action *action = find_action(parameters, error);
    if (!action)
        return ERROR_INVALID;
    input->action = action;
    input->count = count_members(action->members);
    input->values = mem_new_array(input->count, sizeof *input->values);
    int failed = decode_members(parameters, action->members, "", input->values, error);
    if (!failed)
        failed = check_filters(input, error);
    if (failed)
        action_input_free(input);
    return failed;
}

static void free_values(struct action_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free_values(values[i].items, values[i].item_count);
    free(values);
}

void action_input_free(struct action_input *input)
{
    free_values(input->values, input->count);
    *input = (struct action_input){0};
}

static const struct action_value *find_value(const struct action_value *values, size_t count,
                                             const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(values[i].member->name, name) == 0)
            return &values[i];
    fprintf(stderr, "no member %s in the action's table\n", name);
    abort();
}

const struct action_value *action_value(const struct action_input *input, const char *name)
{
    return find_value(input->values, input->count, name);
}

const struct action_value *action_field(const struct action_value *structure, const char *name)
{
    return find_value(structure->items, structure->item_count, name);
}

bool action_given(const struct action_input *input, const char *name)
{
    return action_value(input, name)->present;
}

const char *action_text(const struct action_input *input, const char *name)
{
    return action_value(input, name)->text;
}

int64_t action_integer(const struct action_input *input, const char *name, int64_t otherwise)
{
    const struct action_value *value = action_value(input, name);
    return value->present ? value->number : otherwise;
}

bool action_boolean(const struct action_input *input, const char *name, bool otherwise)
{
    const struct action_value *value = action_value(input, name);
    return value->present ? value->number != 0 : otherwise;
}
