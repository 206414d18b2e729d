/* Partitions and regions: a region is a site with its own certificate authorities, a partition a family of
 * regions with its own trust. The default table is that of the RDS user guide, "Certificate bundles for
 * specific AWS Regions". */
#ifndef PKI_REGION_H
#define PKI_REGION_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PARTITION_AWS      "aws"
#define PARTITION_GOVCLOUD "aws-us-gov"

struct region {
    char name[32];      /* us-east-1: letters, digits and hyphens, a DNS label */
    char title[64];     /* US East (N. Virginia) */
    char partition[32]; /* "aws" or "aws-us-gov" */
};

struct region_table {
    struct region *regions; /* owned */
    size_t count;
};

/* The 29 regions of the guide. Static. */
const struct region *region_defaults(size_t *count);

/* Adds a region of the default table by its name, or one of the operator's own when `title` and `partition`
 * are given. ERROR_INVALID for a name that is no DNS label or an unknown partition, ERROR_EXISTS for a second
 * one. */
int region_table_add(struct region_table *table, const char *name, const char *title, const char *partition,
                     struct error *error);
void region_table_add_defaults(struct region_table *table);
const struct region *region_find(const struct region_table *table, const char *name); /* NULL: not there */
void region_table_free(struct region_table *table);

/* The scope whose root signs the subordinates of `ca_identifier` in this region: the region itself, but the
 * partition for rds-ca-2019, which has one root a partition. */
const char *region_root_scope(const struct region *region, const char *ca_identifier);

#endif
