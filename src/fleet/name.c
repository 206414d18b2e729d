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

void name_instance_arn(const struct settings *settings, const char *region, const char *identifier,
                       char arn[300])
{
    snprintf(arn, 300, "arn:%s:rds:%s:%s:db:%s", partition_of(settings, region), region, settings->account,
             identifier);
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

int name_parse_instance_arn(const struct settings *settings, const char *arn, char region[32],
                            char identifier[64], struct error *error)
{
    char partition[32], account[16], extra;
    char found_region[32], found_identifier[64];
    if (sscanf(arn, "arn:%31[^:]:rds:%31[^:]:%15[^:]:db:%63[^:]%c", partition, found_region, account,
               found_identifier, &extra) != 4)
        return refuse_arn(arn, error);
    if (!region_find(&settings->regions, found_region) ||
        strcmp(partition, partition_of(settings, found_region)) != 0 ||
        strcmp(account, settings->account) != 0)
        return refuse_arn(arn, error);
    text_copy(region, 32, found_region);
    text_lower(found_identifier);
    text_copy(identifier, 64, found_identifier);
    return 0;
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

int name_check_identifier(const char *member, const char *given, char identifier[64], struct error *error)
{
    size_t length = strlen(given);
    bool good = length >= 1 && length <= 63 && isalpha((unsigned char)given[0]) && given[length - 1] != '-' &&
                !strstr(given, "--");
    for (size_t i = 0; good && i < length; i++)
        good = (isalnum((unsigned char)given[i]) && (unsigned char)given[i] < 128) || given[i] == '-';
    if (!good)
        return error_set_named(
            error, ERROR_INVALID, "InvalidParameterValue",
            "The parameter %s is not a valid identifier. Identifiers must begin with a letter; must contain "
            "only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two "
            "consecutive hyphens.",
            member);
    text_copy(identifier, 64, given);
    text_lower(identifier);
    return 0;
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
