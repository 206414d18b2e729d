#include "fleet/option.h"

#include "base/memory.h"
#include "base/text.h"
#include "pki/profile.h"

#include <string.h>

#define SSL_VERSION  "SQLNET.SSL_VERSION"
#define CIPHER_SUITE "SQLNET.CIPHER_SUITE"
#define OLD_CIPHER   "SSL_RSA_WITH_AES_256_CBC_SHA" /* the only one that TLS 1.0 has */

static const struct option_setting ssl_settings[] = {
    {SSL_VERSION, "Specifies the desired SSL version", "1.0", "1.0,1.2 or 1.0,1.2", false},
    {CIPHER_SUITE, "Specifies the desired SSL cipher suite", OLD_CIPHER,
     OLD_CIPHER ",SSL_RSA_WITH_AES_256_CBC_SHA256,SSL_RSA_WITH_AES_256_GCM_SHA384,"
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,"
                "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,"
                "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,"
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
     true},
    {"FIPS.SSLFIPS_140", "Specifies whether the FIPS 140 standard is enforced", "FALSE", "TRUE,FALSE", false},
    {0},
};
static const char *const ssl_conflicts[] = {"NATIVE_NETWORK_ENCRYPTION", NULL};

static const struct option options[] = {
    {"oracle-", "SSL", "Enables communication to Oracle databases over SSL", 2484, ssl_conflicts,
     ssl_settings},
};

const struct option *option_next(const char *engine, const struct option *last)
{
    const struct option *end = options + sizeof options / sizeof options[0];
    for (const struct option *each = last ? last + 1 : options; each < end; each++)
        if (text_starts_with(engine, each->engine))
            return each;
    return NULL;
}

/* What an option here excludes is one that RDS has and this service has not. */
static const struct option *excluded_by(const char *engine, const char *name)
{
    const struct option *each = NULL;
    while ((each = option_next(engine, each)))
        for (const char *const *conflict = each->conflicts; *conflict; conflict++)
            if (text_equal(*conflict, name))
                return each;
    return NULL;
}

int option_find(const char *engine, const char *name, const struct option **option, struct error *error)
{
    *option = NULL;
    while ((*option = option_next(engine, *option)))
        if (text_equal((*option)->name, name))
            return 0;
    const struct option *excluding = excluded_by(engine, name);
    if (excluding)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Invalid option name: %s. It excludes %s and is not offered by this service.",
                               name, excluding->name);
    return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                           "Invalid option name: %.100s. DescribeOptionGroupOptions lists those of %s.", name,
                           engine);
}

int64_t option_port(const struct option *option, const json_t *kept)
{
    const json_t *port = json_object_get(kept, "port");
    return json_is_integer(port) ? json_integer_value(port) : option->default_port;
}

const char *option_value(const struct option_setting *setting, const json_t *kept)
{
    const char *value = json_string_value(json_object_get(json_object_get(kept, "settings"), setting->name));
    return value ? value : setting->value;
}

static const struct option_setting *setting_of(const struct option *option, const char *name)
{
    const struct option_setting *setting = option->settings;
    while (setting->name && !text_equal(setting->name, name))
        setting++;
    return setting->name ? setting : NULL;
}

/* Is a text one of a list? `length` of it. */
static bool is_among(const char *list, const char *text, size_t length)
{
    for (const char *item = list; item; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL)
        if (strcspn(item, ",") == length && strncmp(item, text, length) == 0)
            return true;
    return false;
}

static bool is_value(const struct option_setting *setting, const char *value)
{
    if (!setting->list)
        return !strchr(value, ',') && is_among(setting->allowed, value, strlen(value));
    for (const char *item = value; item; item = strchr(item, ',') ? strchr(item, ',') + 1 : NULL)
        if (!is_among(setting->allowed, item, strcspn(item, ",")))
            return false;
    return true;
}

static int check_setting(const struct option *option, const char *name, const char *value,
                         struct error *error)
{
    const struct option_setting *setting = setting_of(option, name);
    if (!setting)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Invalid option setting name: %.100s for option %s", name, option->name);
    if (!value || !is_value(setting, value))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                               "Invalid option setting value: %.200s for: %s allowed values are: %s",
                               value ? value : "", name, setting->allowed);
    return 0;
}

/* User guide, "Cipher suites for the Oracle SSL option": TLS 1.0 has but one of them. */
static int check_ssl(const struct option *option, const json_t *kept, struct error *error)
{
    const char *version = option_value(setting_of(option, SSL_VERSION), kept);
    const char *ciphers = option_value(setting_of(option, CIPHER_SUITE), kept);
    if (!text_equal(version, "1.0") || is_among(ciphers, OLD_CIPHER, strlen(OLD_CIPHER)))
        return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                           CIPHER_SUITE " %.200s needs " SSL_VERSION " 1.2 or \"1.2 or 1.0\".", ciphers);
}

int option_check(const struct option *option, const json_t *kept, struct error *error)
{
    const char *name;
    json_t *value, *settings = json_object_get(kept, "settings");
    json_object_foreach(settings, name, value)
    {
        if (check_setting(option, name, json_string_value(value), error))
            return (int)error->code;
    }
    return text_equal(option->name, "SSL") ? check_ssl(option, kept, error) : 0;
}

/* User guide, "Certificate compatibility with cipher suites". */
int option_check_authority(const struct option *option, const json_t *kept, const char *ca_identifier,
                           struct error *error)
{
    const struct ca_profile *profile = ca_profile_find(ca_identifier);
    const struct option_setting *setting = setting_of(option, CIPHER_SUITE);
    if (!profile || !setting)
        return 0;
    bool ecdsa = profile->key == KEY_EC_P384;
    const char *suites = option_value(setting, kept);
    AUTO_FREE char *copy = mem_string(suites);
    char *rest = NULL;
    for (const char *each = strtok_r(copy, ",", &rest); each; each = strtok_r(NULL, ",", &rest))
        if ((strstr(each, "_ECDSA_") != NULL) == ecdsa)
            return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                           CIPHER_SUITE " %.200s has no cipher suite for the %s certificates of %s.", suites,
                           ecdsa ? "ECDSA" : "RSA", ca_identifier);
}
