#include "truststore/path.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

/* GovCloud's bundles stand under a host name of their own (RDS user guide, "AWS GovCloud (US) certificates"),
 * with ".rds" before the domain or without. */
static const char govcloud_host[] = "truststore.pki.us-gov-west-1";

static const char *partition_of_host(const struct settings *settings, const char *host)
{
    if (!text_starts_with(host, govcloud_host))
        return PARTITION_AWS;
    AUTO_FREE char *with_rds = mem_format("%s.rds.%s", govcloud_host, settings->domain);
    AUTO_FREE char *without = mem_format("%s.%s", govcloud_host, settings->domain);
    return text_equal_ignoring_case(host, with_rds) || text_equal_ignoring_case(host, without)
               ? PARTITION_GOVCLOUD
               : PARTITION_AWS;
}

static int nothing(const char *path, struct error *error)
{
    return error_set(error, ERROR_NOT_FOUND, "%s: there is no such bundle", path);
}

static int read_format(const char *path, const char *suffix, struct truststore_path *read,
                       struct error *error)
{
    read->format = render_format(suffix);
    return read->format ? 0 : nothing(path, error);
}

static int read_global(const char *path, const char *partition, const char *file,
                       struct truststore_path *read, struct error *error)
{
    static const char stem[] = "global-bundle.";
    text_copy(read->scope.partition, sizeof read->scope.partition, partition);
    if (text_equal(file, "index.json"))
        return 0;
    return text_starts_with(file, stem) ? read_format(path, file + strlen(stem), read, error)
                                        : nothing(path, error);
}

/* <region>-bundle.<format>, <region>-<ca identifier>.<format>, index.json */
static int read_regional(const char *path, const char *region, const char *file, struct truststore_path *read,
                         struct error *error)
{
    size_t length = strlen(region);
    text_copy(read->scope.region, sizeof read->scope.region, region);
    if (text_equal(file, "index.json"))
        return 0;
    if (strncmp(file, region, length) != 0 || file[length] != '-')
        return nothing(path, error);
    AUTO_FREE char *stem = mem_string(file + length + 1);
    char *dot = strrchr(stem, '.');
    if (!dot)
        return nothing(path, error);
    *dot = 0;
    if (!text_equal(stem, "bundle")) {
        const struct ca_profile *profile = ca_profile_find(stem);
        if (!profile)
            return nothing(path, error);
        text_copy(read->scope.ca_identifier, sizeof read->scope.ca_identifier, profile->identifier);
    }
    return read_format(path, dot + 1, read, error);
}

/* A partition named in the path, for those who cannot use its host name: /aws-us-gov/... */
static const char *strip_partition(const char **path)
{
    static const char *const partitions[] = {PARTITION_AWS, PARTITION_GOVCLOUD};
    for (size_t i = 0; i < sizeof partitions / sizeof partitions[0]; i++) {
        size_t length = strlen(partitions[i]);
        if (strncmp(*path + 1, partitions[i], length) == 0 && (*path)[length + 1] == '/') {
            *path += length + 1;
            return partitions[i];
        }
    }
    return NULL;
}

/* Two parts, no more, each a name: /<folder>/<file> */
static bool split(const char *path, char folder[64], char file[64])
{
    const char *slash = strchr(path + 1, '/');
    if (!slash || strchr(slash + 1, '/'))
        return false;
    AUTO_FREE char *first = slice_string(slice_of(path + 1, (size_t)(slash - path - 1)));
    return text_copy(folder, 64, first) && text_copy(file, 64, slash + 1) && folder[0] && file[0];
}

static int no_region(const struct settings *settings, const char *path, const char *name, struct error *error)
{
    AUTO_BUF struct buf names = {0};
    catalog_region_names(settings, &names);
    return error_set(error, ERROR_NOT_FOUND, "%s: there is no region %s here; there are: %s", path, name,
                     buf_text(&names));
}

static int elsewhere(const struct settings *settings, const struct region *region, const char *path,
                     struct error *error)
{
    AUTO_FREE char *host = text_equal(region->partition, PARTITION_GOVCLOUD)
                               ? mem_format("%s.%s", govcloud_host, settings->domain)
                               : mem_string("any other host name");
    return error_set(error, ERROR_NOT_FOUND,
                     "%s: region %s belongs to partition %s, whose bundles stand under %s, or below /%s/",
                     path, region->name, region->partition, host, region->partition);
}

int truststore_path_read(const struct settings *settings, const char *host, const char *path,
                         struct truststore_path *read, bool *ours, struct error *error)
{
    char folder[64], file[64];
    const char *rest = path;
    *read = (struct truststore_path){0};
    *ours = false;
    if (path[0] != '/')
        return 0;
    if (text_equal(path, "/index.json")) {
        *ours = true;
        return 0;
    }
    const char *partition = strip_partition(&rest);
    *ours = partition != NULL;
    if (!partition)
        partition = partition_of_host(settings, host);
    if (!split(rest, folder, file))
        return *ours ? nothing(path, error) : 0;
    const struct region *region = region_find(&settings->regions, folder);
    /* A region that is none of ours still asks for a bundle. */
    *ours = *ours || region || text_equal(folder, "global") || strstr(file, "-bundle.") ||
            strstr(file, "-rds-ca-");
    if (text_equal(folder, "global"))
        return read_global(path, partition, file, read, error);
    if (region && !text_equal(region->partition, partition))
        return elsewhere(settings, region, path, error);
    if (region)
        return read_regional(path, folder, file, read, error);
    return *ours ? no_region(settings, path, folder, error) : 0;
}

bool truststore_path_equal(const struct truststore_path *a, const struct truststore_path *b)
{
    return a->format == b->format && text_equal(a->scope.region, b->scope.region) &&
           text_equal(a->scope.partition, b->scope.partition) &&
           text_equal(a->scope.ca_identifier, b->scope.ca_identifier);
}
