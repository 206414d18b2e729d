/* Names that a master user and a first database may have (API reference, CreateDBInstance). */
#include "base/text.h"
#include "fleet/instance_internal.h"

#include <ctype.h>
#include <string.h>

/* Letters, digits and underscores. */
static bool is_word(const char *name)
{
    for (; *name; name++)
        if ((unsigned char)*name >= 128 || (!isalnum((unsigned char)*name) && *name != '_'))
            return false;
    return true;
}

static bool is_among(const char *const *names, const char *name)
{
    for (; *names; names++)
        if (text_equal_ignoring_case(*names, name))
            return true;
    return false;
}

int instance_check_username(const struct engine_facts *engine, const char *name, struct error *error)
{
    const struct engine_rules *rules = engine->rules;
    size_t length = strlen(name);
    if (length > (size_t)rules->username_most || !isalpha((unsigned char)name[0]) || !is_word(name))
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterValue",
            "The parameter MasterUsername must be 1 to %d letters, numbers or underscores and begin "
            "with a letter.",
            rules->username_most);
    bool system = text_equal(engine->engine, "postgres") && strncasecmp(name, "pg_", 3) == 0;
    if (system || is_among(rules->reserved_users, name))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "MasterUsername %s cannot be used as it is a reserved word used by the engine",
                               name);
    return 0;
}

int instance_check_database(const struct engine_facts *engine, const char *name, struct error *error)
{
    const struct engine_rules *rules = engine->rules;
    if (!name)
        return 0;
    if (!rules->database_most)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "DBName must be null for engine: %s", engine->engine);
    /* PostgreSQL alone lets a name begin with an underscore. */
    bool first =
        isalpha((unsigned char)name[0]) || (name[0] == '_' && text_equal(engine->engine, "postgres"));
    if (!first || strlen(name) > (size_t)rules->database_most || !is_word(name) ||
        is_among(rules->reserved_databases, name))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "DBName %s must begin with a letter and contain only letters, digits and "
                               "underscores, at most %d, "
                               "and be no reserved word.",
                               name, rules->database_most);
    return 0;
}
