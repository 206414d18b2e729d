/* What callers may ask of an instance: bounds and texts of RDS's API reference for CreateDBInstance. */
#include "base/text.h"
#include "fleet/instance_internal.h"
#include "fleet/name.h"
#include "fleet/window.h"

#include <stdio.h>
#include <string.h>

int instance_check_password(const struct engine_facts *engine, const char *password, struct error *error)
{
    const struct engine_rules *rules = engine->rules;
    const char *refused = rules->password_refused ? rules->password_refused : "";
    size_t length = strlen(password);
    bool is_short = length < (size_t)rules->password_least;
    if (is_short || length > (size_t)rules->password_most)
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterValue",
            "The parameter MasterUserPassword is not a valid password because it is %s than %d characters.",
            is_short ? "shorter" : "longer", is_short ? rules->password_least : rules->password_most);
    for (const char *each = password; *each; each++)
        if (*each < ' ' || *each > '~' || strchr("/@\" ", *each) || strchr(refused, *each))
            return error_set_named(
                error, ERROR_INVALID, "InvalidParameterValue",
                "The parameter MasterUserPassword is not a valid password. Only printable ASCII "
                "characters besides '/', '@', '\"', ' '%s%s%s may be used.",
                *refused ? " and any of " : "", refused, *refused ? " (the engine's)" : "");
    return 0;
}

int instance_check_windows(const char *maintenance, const char *backup, struct error *error)
{
    struct window weekly, daily;
    int result = window_parse_weekly(maintenance, &weekly, error);
    if (!result)
        result = window_parse_daily(backup, &daily, error);
    if (!result && window_overlap(&weekly, &daily))
        result = error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                 "The backup window and maintenance window must not overlap.");
    return result;
}

int instance_check_class(const char *instance_class, struct error *error)
{
    if (!catalogue_has_class(instance_class))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "Invalid DB Instance class: %s",
                               instance_class);
    return 0;
}

int instance_check_storage(int64_t allocated_storage, struct error *error)
{
    if (allocated_storage < INSTANCE_STORAGE_LEAST || allocated_storage > INSTANCE_STORAGE_MOST)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Invalid storage size: %lld. It must be from %d to %d GiB.",
                               (long long)allocated_storage, INSTANCE_STORAGE_LEAST, INSTANCE_STORAGE_MOST);
    return 0;
}

/* SQL Server's own ports (API reference, CreateDBInstance, Port). */
int instance_check_port(const struct engine_facts *engine, int64_t port, struct error *error)
{
    const struct port_range *refused = engine->rules->refused_ports;
    for (; refused && refused->first; refused++)
        if (port >= refused->first && port <= refused->last)
            return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                   "Invalid endpoint port %lld: %s takes it for itself.", (long long)port,
                                   engine->description);
    if (port < 1150 || port > 65535)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Invalid endpoint port %lld, valid port range is [1150,65535].",
                               (long long)port);
    return 0;
}

int instance_check_license(const struct engine_facts *engine, const json_t *kept, struct error *error)
{
    const char *license = json_string_value(json_object_get(kept, "LicenseModel"));
    AUTO_BUF struct buf list = {0};
    for (size_t i = 0; engine->licenses[i]; i++) {
        if (!license || text_equal(license, engine->licenses[i]))
            return 0;
        buf_printf(&list, "%s%s", i ? ", " : "", engine->licenses[i]);
    }
    return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                           "Invalid license model '%s' for engine '%s'. Valid license models are: %s.",
                           license, engine->engine, buf_text(&list));
}

static int check_server_names(struct fleet *fleet, const char *value, struct error *error)
{
    char copy[257];
    if (!text_copy(copy, sizeof copy, value))
        return error_set_named(error, ERROR_LIMIT, "InvalidParameterValue", "%s: at most 256 characters.",
                               TAG_SERVER_NAMES);
    char *rest = NULL;
    for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest)) {
        int result = name_check_customer(fleet->settings, name, error);
        if (result)
            return result;
    }
    return 0;
}

/* RDS user guide, "Tagging Amazon RDS resources": at most 50; keys of 1 to 128 and values of up to 256
 * characters. */
int instance_check_tags(struct fleet *fleet, const struct instance_tag *tags, size_t count,
                        struct error *error)
{
    if (count > 50)
        return error_set_named(error, ERROR_LIMIT, "InvalidParameterValue", "Too many tags: %zu, at most 50.",
                               count);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(tags[i].key);
        if (length < 1 || length > 128 || strlen(tags[i].value) > 256)
            return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                   "Tag %zu: a key has 1 to 128 characters, a value up to 256.", i + 1);
        if (strncasecmp(tags[i].key, "aws:", 4) == 0 || strncasecmp(tags[i].key, "rds:", 4) == 0)
            return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                                   "Tag keys starting with aws: or rds: are reserved: %s", tags[i].key);
        int result =
            text_equal(tags[i].key, TAG_SERVER_NAMES) ? check_server_names(fleet, tags[i].value, error) : 0;
        if (result)
            return result;
    }
    return 0;
}
