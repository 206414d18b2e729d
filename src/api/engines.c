/* DescribeDBEngineVersions, DescribeOrderableDBInstanceOptions. */
#include "api/call.h"
#include "api/paging.h"
#include "aws/reply.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/catalogue.h"
#include "fleet/instance.h"

#include <stdlib.h>

/* In the order of the user guide's example. */
static const char *const ca_identifiers[] = {"rds-ca-2019", "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1",
                                             "rds-ca-rsa4096-g1"};

static void write_member_list(struct buf *result, const char *name, const char *const *items, size_t count)
{
    reply_open(result, name);
    for (size_t i = 0; i < count; i++)
        reply_text(result, "member", items[i]);
    reply_close(result, name);
}

/* RDS calls versions available or deprecated. One that no host has is neither. */
static const char *status_of(const struct catalogue_version *version)
{
    return version->available ? "available" : "unavailable";
}

static void write_version(struct buf *result, const struct catalogue_version *version)
{
    size_t count = sizeof ca_identifiers / sizeof ca_identifiers[0];
    AUTO_FREE char *description =
        version->available
            ? mem_format("%s %s-R1", version->engine->description, version->version)
            : mem_format("%s: no database host has this version", version->engine->description);
    reply_open(result, "DBEngineVersion");
    reply_text(result, "Engine", version->engine->engine);
    reply_text(result, "MajorEngineVersion", version->major);
    reply_text(result, "EngineVersion", version->version);
    reply_text(result, "DBParameterGroupFamily", version->family);
    reply_text(result, "DBEngineDescription", version->engine->description);
    reply_text(result, "DBEngineVersionDescription", description);
    write_member_list(result, "ValidUpgradeTarget", NULL, 0);
    reply_boolean(result, "SupportsLogExportsToCloudwatchLogs", false);
    reply_boolean(result, "SupportsReadReplica", false);
    write_member_list(result, "SupportedFeatureNames", NULL, 0);
    reply_text(result, "Status", status_of(version));
    reply_boolean(result, "SupportsParallelQuery", false);
    reply_boolean(result, "SupportsGlobalDatabases", false);
    reply_boolean(result, "SupportsBabelfish", false);
    reply_boolean(result, "SupportsLimitlessDatabase", false);
    reply_boolean(result, "SupportsCertificateRotationWithoutRestart",
                  catalogue_reloads(version->engine->engine, version->version));
    write_member_list(result, "SupportedCACertificateIdentifiers", ca_identifiers, count);
    /* The user guide's spelling of the same; clients ignore what their model does not name. */
    write_member_list(result, "SupportedCACertificatesIdentifiers", ca_identifiers, count);
    reply_boolean(result, "SupportsLocalWriteForwarding", false);
    reply_boolean(result, "SupportsIntegrations", false);
    reply_close(result, "DBEngineVersion");
}

static bool is_version(const struct catalogue_version *version, const char *wanted)
{
    return text_is_empty(wanted) || text_equal(version->version, wanted) ||
           text_equal(version->major, wanted);
}

static bool is_engine(const struct catalogue_version *version, const char *wanted)
{
    return text_is_empty(wanted) || text_equal_ignoring_case(version->engine->engine, wanted);
}

static bool passes_filters(const struct call *call, const struct catalogue_version *version)
{
    bool exact = call_filter_accepts(call, "engine-version", version->version) ||
                 call_filter_accepts(call, "engine-version", version->major);
    return exact && call_filter_accepts(call, "db-parameter-group-family", version->family) &&
           call_filter_accepts(call, "engine", version->engine->engine) &&
           call_filter_accepts(call, "engine-mode", "provisioned") &&
           call_filter_accepts(call, "status", status_of(version));
}

static bool is_wanted(const struct call *call, const struct catalogue_version *version)
{
    const char *family = action_text(call->input, "DBParameterGroupFamily");
    return is_engine(version, action_text(call->input, "Engine")) &&
           is_version(version, action_text(call->input, "EngineVersion")) &&
           (text_is_empty(family) || text_equal_ignoring_case(version->family, family)) &&
           passes_filters(call, version);
}

/* DefaultOnly: the engine's default, or the newest of what EngineVersion names. What no host has is no
 * default.
 */
static bool is_default(const struct call *call, const struct catalogue *catalogue, size_t index)
{
    const struct catalogue_version *version = &catalogue->versions[index];
    if (!version->available)
        return false;
    if (text_is_empty(action_text(call->input, "EngineVersion")))
        return version->is_default;
    for (size_t i = index + 1; i < catalogue->count; i++)
        if (catalogue->versions[i].available && catalogue->versions[i].engine == version->engine &&
            is_wanted(call, &catalogue->versions[i]))
            return false;
    return true;
}

static int check_engine(const char *engine, struct error *error)
{
    if (text_is_empty(engine) || catalogue_engine(engine))
        return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "Unrecognized engine name: %.100s",
                           engine);
}

static void write_versions(const struct call *call, const struct catalogue *catalogue, struct page *page)
{
    bool default_only = action_boolean(call->input, "DefaultOnly", false);
    for (size_t i = 0; i < catalogue->count; i++) {
        if (!is_wanted(call, &catalogue->versions[i]) || (default_only && !is_default(call, catalogue, i)))
            continue;
        enum page_turn turn = page_next(page);
        if (turn == PAGE_FULL)
            return;
        if (turn == PAGE_SHOW)
            write_version(call->result, &catalogue->versions[i]);
    }
}

int engines_describe_versions(const struct call *call, struct error *error)
{
    struct catalogue catalogue = {0};
    AUTO_PAGE struct page page = {0};
    int result = check_engine(action_text(call->input, "Engine"), error);
    if (!result)
        result = page_open(call, PAGE_BY_POSITION, &page, error);
    if (!result)
        result = catalogue_load(call->fleet, &catalogue, error);
    if (result)
        return result;
    if (action_boolean(call->input, "IncludeAll", false))
        catalogue_add_known(&catalogue);
    reply_open(call->result, "DBEngineVersions");
    write_versions(call, &catalogue, &page);
    reply_close(call->result, "DBEngineVersions");
    page_write_marker(call, &page);
    catalogue_free(&catalogue);
    return 0;
}

static void write_option(const struct call *call, const struct catalogue_version *version,
                         const char *instance_class, const char *license)
{
    struct buf *result = call->result;
    static const char *const modes[] = {"provisioned"}, *const networks[] = {"IPV4"};
    AUTO_FREE char *zone = mem_format("%sa", call->region);
    reply_open(result, "OrderableDBInstanceOption");
    reply_text(result, "Engine", version->engine->engine);
    reply_text(result, "EngineVersion", version->version);
    reply_text(result, "DBInstanceClass", instance_class);
    reply_text(result, "LicenseModel", license);
    reply_open(result, "AvailabilityZones");
    reply_open(result, "AvailabilityZone");
    reply_text(result, "Name", zone);
    reply_close(result, "AvailabilityZone");
    reply_close(result, "AvailabilityZones");
    reply_boolean(result, "MultiAZCapable", false);
    reply_boolean(result, "ReadReplicaCapable", false);
    reply_boolean(result, "Vpc", true);
    reply_boolean(result, "SupportsStorageEncryption", false);
    reply_text(result, "StorageType", INSTANCE_DEFAULT_STORAGE);
    reply_boolean(result, "SupportsIops", false);
    reply_boolean(result, "SupportsStorageThroughput", false);
    reply_boolean(result, "SupportsEnhancedMonitoring", false);
    reply_boolean(result, "SupportsIAMDatabaseAuthentication", false);
    reply_boolean(result, "SupportsPerformanceInsights", false);
    reply_integer(result, "MinStorageSize", INSTANCE_STORAGE_LEAST);
    reply_integer(result, "MaxStorageSize", INSTANCE_STORAGE_MOST);
    write_member_list(result, "AvailableProcessorFeatures", NULL, 0);
    write_member_list(result, "SupportedEngineModes", modes, 1);
    reply_boolean(result, "SupportsStorageAutoscaling", false);
    reply_boolean(result, "SupportsKerberosAuthentication", false);
    reply_boolean(result, "OutpostCapable", false);
    write_member_list(result, "SupportedActivityStreamModes", NULL, 0);
    reply_boolean(result, "SupportsGlobalDatabases", false);
    reply_boolean(result, "SupportsClusters", false);
    write_member_list(result, "SupportedNetworkTypes", networks, 1);
    reply_boolean(result, "SupportsDedicatedLogVolume", false);
    reply_boolean(result, "SupportsAdditionalStorageVolumes", false);
    reply_boolean(result, "SupportsHttpEndpoint", false);
    reply_close(result, "OrderableDBInstanceOption");
}

/* An option for each licence of a version and class; false when the page is full. */
static bool write_licenses(const struct call *call, const struct catalogue_version *version,
                           const char *instance_class, struct page *page)
{
    const char *wanted = action_text(call->input, "LicenseModel");
    for (const char *const *license = version->engine->licenses; *license; license++) {
        if (!text_is_empty(wanted) && !text_equal(wanted, *license))
            continue;
        enum page_turn turn = page_next(page);
        if (turn == PAGE_FULL)
            return false;
        if (turn == PAGE_SHOW)
            write_option(call, version, instance_class, *license);
    }
    return true;
}

/* The classes of one version; false when the page is full. */
static bool write_classes(const struct call *call, const struct catalogue_version *version, struct page *page)
{
    const char *wanted = action_text(call->input, "DBInstanceClass");
    size_t count;
    const char *const *classes = catalogue_classes(&count);
    for (size_t i = 0; i < count; i++)
        if ((text_is_empty(wanted) || text_equal(wanted, classes[i])) &&
            !write_licenses(call, version, classes[i], page))
            return false;
    return true;
}

static bool is_orderable(const struct call *call, const struct catalogue_version *version)
{
    return is_engine(version, action_text(call->input, "Engine")) &&
           is_version(version, action_text(call->input, "EngineVersion")) &&
           action_boolean(call->input, "Vpc", true); /* every option is one for a VPC */
}

int engines_describe_orderable(const struct call *call, struct error *error)
{
    struct catalogue catalogue = {0};
    AUTO_PAGE struct page page = {0};
    int result = check_engine(action_text(call->input, "Engine"), error);
    if (!result)
        result = page_open(call, PAGE_BY_POSITION, &page, error);
    if (!result)
        result = catalogue_load(call->fleet, &catalogue, error);
    if (result)
        return result;
    bool room = true;
    reply_open(call->result, "OrderableDBInstanceOptions");
    for (size_t i = 0; room && i < catalogue.count; i++)
        if (is_orderable(call, &catalogue.versions[i]))
            room = write_classes(call, &catalogue.versions[i], &page);
    reply_close(call->result, "OrderableDBInstanceOptions");
    page_write_marker(call, &page);
    catalogue_free(&catalogue);
    return 0;
}
