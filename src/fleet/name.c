#include "fleet/name.h"

#include "base/text.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static const char *partition_of(const struct settings *settings, const char *region)
{
    const struct region *found = region_find(&settings->regions, region);
    return found ? found->partition : PARTITION_AWS;
}

void name_arn(const struct settings *settings, const char *region, const char *type, const char *name,
              char arn[NAME_ARN_SIZE])
{
    snprintf(arn, NAME_ARN_SIZE, "arn:%s:rds:%s:%s:%s:%s", partition_of(settings, region), region,
             settings->account, type, name);
}

void name_instance_arn(const struct settings *settings, const char *region, const char *identifier,
                       char arn[300])
{
    char any[NAME_ARN_SIZE];
    name_arn(settings, region, "db", identifier, any);
    text_copy(arn, 300, any);
}

void name_certificate_arn(const struct settings *settings, const char *region, const char *ca_identifier,
                          char arn[300])
{
    snprintf(arn, 300, "arn:%s:rds:%s::cert:%s", partition_of(settings, region), region, ca_identifier);
}

static int refuse_arn(const char *arn, struct error *error)
{
    return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "Invalid resource name: %s", arn);
}

int name_parse_arn(const struct settings *settings, const char *arn, char region[32], char type[8],
                   char name[256], struct error *error)
{
    char partition[32], account[16], found_region[32], extra;
    if (sscanf(arn, "arn:%31[^:]:rds:%31[^:]:%15[^:]:%7[^:]:%255s%c", partition, found_region, account, type,
               name, &extra) != 5)
        return refuse_arn(arn, error);
    if (!region_find(&settings->regions, found_region) ||
        strcmp(partition, partition_of(settings, found_region)) != 0 ||
        strcmp(account, settings->account) != 0)
        return refuse_arn(arn, error);
    text_copy(region, 32, found_region);
    text_lower(name);
    return 0;
}

int name_parse_instance_arn(const struct settings *settings, const char *arn, char region[32],
                            char identifier[64], struct error *error)
{
    char type[8], name[256];
    int result = name_parse_arn(settings, arn, region, type, name, error);
    if (!result && (!text_equal(type, "db") || strchr(name, ':') || !text_copy(identifier, 64, name)))
        result = refuse_arn(arn, error);
    return result;
}

void name_region_domain(const struct settings *settings, const char *region, char domain[256])
{
    snprintf(domain, 256, "%s.rds.%s", region, settings->domain);
}

void name_endpoint(const struct settings *settings, const char *region, const char *identifier,
                   char address[256])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    char text[64];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char hash[13];
    snprintf(text, sizeof text, "%s/%s", settings->account, region);
    SHA256((const unsigned char *)text, strlen(text), digest);
    hash[0] = 'c'; /* a label that starts with a letter, as AWS's */
    for (size_t i = 1; i < 12; i++)
        hash[i] = letters[digest[i] % 36];
    hash[12] = 0;
    snprintf(address, 256, "%s.%s.%s.rds.%s", identifier, hash, region, settings->domain);
}

void name_resource_id(char resource_id[40])
{
    char random[27];
    text_random(random, 26, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    snprintf(resource_id, 40, "db-%s", random);
}

static bool is_name(const char *name, size_t most)
{
    size_t length = strlen(name);
    bool good = length >= 1 && length <= most && isalpha((unsigned char)name[0]) && name[length - 1] != '-' &&
                !strstr(name, "--");
    for (size_t i = 0; good && i < length; i++)
        good = (isalnum((unsigned char)name[i]) && (unsigned char)name[i] < 128) || name[i] == '-';
    return good;
}

static int check_name(const char *member, const char *given, size_t most, char *name, struct error *error)
{
    if (!is_name(given, most))
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterValue",
            "The parameter %s is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
            "consecutive hyphens.",
            member);
    text_copy(name, most + 1, given);
    text_lower(name);
    return 0;
}

int name_check_identifier(const char *member, const char *given, char identifier[64], struct error *error)
{
    return check_name(member, given, 63, identifier, error);
}

int name_check_group(const char *member, const char *given, char name[256], struct error *error)
{
    return check_name(member, given, 255, name, error);
}

static bool is_host_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > 253 || !strchr(name, '.'))
        return false;
    for (const char *label = name; *label;) {
        size_t size = strcspn(label, ".");
        if (size == 0 || size > 63 || label[0] == '-' || label[size - 1] == '-')
            return false;
        for (size_t i = 0; i < size; i++)
            if (!isalnum((unsigned char)label[i]) && label[i] != '-')
                return false;
        label += size;
        if (*label == '.' && !*++label)
            return false;
    }
    return true;
}

int name_check_customer(const struct settings *settings, const char *name, struct error *error)
{
    if (!is_host_name(name))
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "%s is not a host name.", name);
    for (size_t i = 0; i < settings->customer_domains.count; i++)
        if (text_is_within_domain(name, settings->customer_domains.items[i]))
            return 0;
    return error_set_named(error, ERROR_DENIED, "InvalidParameterValue",
                           "%s is not within a domain that the operator allows for server certificates "
                           "(customer_domains in sealwright.json).",
                           name);
}
