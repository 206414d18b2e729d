#include "pki/region.h"

#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct region defaults[] = {
    {"us-east-1", "US East (N. Virginia)", PARTITION_AWS},
    {"us-east-2", "US East (Ohio)", PARTITION_AWS},
    {"us-west-1", "US West (N. California)", PARTITION_AWS},
    {"us-west-2", "US West (Oregon)", PARTITION_AWS},
    {"af-south-1", "Africa (Cape Town)", PARTITION_AWS},
    {"ap-east-1", "Asia Pacific (Hong Kong)", PARTITION_AWS},
    {"ap-south-2", "Asia Pacific (Hyderabad)", PARTITION_AWS},
    {"ap-southeast-3", "Asia Pacific (Jakarta)", PARTITION_AWS},
    {"ap-southeast-4", "Asia Pacific (Melbourne)", PARTITION_AWS},
    {"ap-south-1", "Asia Pacific (Mumbai)", PARTITION_AWS},
    {"ap-northeast-3", "Asia Pacific (Osaka)", PARTITION_AWS},
    {"ap-northeast-1", "Asia Pacific (Tokyo)", PARTITION_AWS},
    {"ap-northeast-2", "Asia Pacific (Seoul)", PARTITION_AWS},
    {"ap-southeast-1", "Asia Pacific (Singapore)", PARTITION_AWS},
    {"ap-southeast-2", "Asia Pacific (Sydney)", PARTITION_AWS},
    {"ca-central-1", "Canada (Central)", PARTITION_AWS},
    {"eu-central-1", "Europe (Frankfurt)", PARTITION_AWS},
    {"eu-west-1", "Europe (Ireland)", PARTITION_AWS},
    {"eu-west-2", "Europe (London)", PARTITION_AWS},
    {"eu-south-1", "Europe (Milan)", PARTITION_AWS},
    {"eu-west-3", "Europe (Paris)", PARTITION_AWS},
    {"eu-south-2", "Europe (Spain)", PARTITION_AWS},
    {"eu-north-1", "Europe (Stockholm)", PARTITION_AWS},
    {"eu-central-2", "Europe (Zurich)", PARTITION_AWS},
    {"me-south-1", "Middle East (Bahrain)", PARTITION_AWS},
    {"me-central-1", "Middle East (UAE)", PARTITION_AWS},
    {"sa-east-1", "South America (São Paulo)", PARTITION_AWS},
    {"us-gov-east-1", "AWS GovCloud (US-East)", PARTITION_GOVCLOUD},
    {"us-gov-west-1", "AWS GovCloud (US-West)", PARTITION_GOVCLOUD},
};
enum { DEFAULT_COUNT = sizeof defaults / sizeof defaults[0] };

const struct region *region_defaults(size_t *count)
{
    *count = DEFAULT_COUNT;
    return defaults;
}

/* A DNS label in lowercase: it becomes part of every endpoint's name. */
static bool is_label(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof defaults[0].name || name[0] == '-' || name[length - 1] == '-')
        return false;
    for (const char *each = name; *each; each++)
        if (!islower((unsigned char)*each) && !isdigit((unsigned char)*each) && *each != '-')
            return false;
    return true;
}

static const struct region *default_region(const char *name)
{
    for (size_t i = 0; i < DEFAULT_COUNT; i++)
        if (text_equal(defaults[i].name, name))
            return &defaults[i];
    return NULL;
}

static struct region *append(struct region_table *table)
{
    table->regions = mem_grow(table->regions, table->count + 1, sizeof *table->regions);
    table->regions[table->count] = (struct region){0};
    return &table->regions[table->count++];
}

int region_table_add(struct region_table *table, const char *name, const char *title, const char *partition,
                     struct error *error)
{
    const struct region *known = default_region(name);
    if (!is_label(name))
        return error_set(error, ERROR_INVALID,
                         "region %s: expected lowercase letters, digits and hyphens, at most 31", name);
    if (text_equal(name, "global") || text_equal(name, "control") || text_equal(name, PARTITION_AWS) ||
        text_equal(name, PARTITION_GOVCLOUD))
        return error_set(error, ERROR_INVALID, "region %s: this name means something else in addresses",
                         name);
    if (region_find(table, name))
        return error_set(error, ERROR_EXISTS, "region %s is named twice", name);
    if (!known && !title)
        return error_set(error, ERROR_INVALID,
                         "region %s is none of the default table: give it a title and a partition", name);
    const char *wanted = partition ? partition : known ? known->partition : PARTITION_AWS;
    if (!text_equal(wanted, PARTITION_AWS) && !text_equal(wanted, PARTITION_GOVCLOUD))
        return error_set(error, ERROR_INVALID, "region %s: partition %s is neither aws nor aws-us-gov", name,
                         wanted);
    struct region region = {0};
    if (!text_copy(region.title, sizeof region.title, title ? title : known->title))
        return error_set(error, ERROR_INVALID, "region %s: the title is longer than 63 bytes", name);
    text_copy(region.name, sizeof region.name, name);
    text_copy(region.partition, sizeof region.partition, wanted);
    *append(table) = region;
    return 0;
}

void region_table_add_defaults(struct region_table *table)
{
    for (size_t i = 0; i < DEFAULT_COUNT; i++)
        *append(table) = defaults[i];
}

const struct region *region_find(const struct region_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (text_equal(table->regions[i].name, name))
            return &table->regions[i];
    return NULL;
}

void region_table_free(struct region_table *table)
{
    free(table->regions);
    *table = (struct region_table){0};
}

const char *region_root_scope(const struct region *region, const char *ca_identifier)
{
    return text_equal(ca_identifier, "rds-ca-2019") ? region->partition : region->name;
}
