#include "fleet/catalogue.h"

#include "base/memory.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_version(const struct catalogue *catalogue, const char *engine, const char *version)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (text_equal(catalogue->versions[i].engine->engine, engine) &&
            text_equal(catalogue->versions[i].version, version))
            return true;
    return false;
}

static void append(struct catalogue *catalogue, const struct catalogue_version *version)
{
    catalogue->versions = mem_grow(catalogue->versions, catalogue->count + 1, sizeof *catalogue->versions);
    catalogue->versions[catalogue->count++] = *version;
}

static bool add_host(const struct host_row *row, void *context)
{
    struct catalogue *catalogue = context;
    json_t *list = json_loadb((const char *)row->engines.data, row->engines.length, 0, NULL);
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        const char *version = json_string_value(json_object_get(item, "version"));
        const char *name = json_string_value(json_object_get(item, "engine"));
        const struct engine_facts *engine = name ? catalogue_engine(name) : NULL;
        if (!engine || !version || strlen(version) >= sizeof catalogue->versions->version ||
            has_version(catalogue, engine->engine, version))
            continue;
        struct catalogue_version added = {.available = true};
        catalogue_describe_version(engine, version, &added);
        append(catalogue, &added);
    }
    json_decref(list);
    return true;
}

static int by_engine_and_version(const void *left, const void *right)
{
    const struct catalogue_version *a = left, *b = right;
    int order = strcmp(a->engine->engine, b->engine->engine);
    return order ? order : catalogue_compare(a->version, b->version);
}

static void sort(struct catalogue *catalogue)
{
    if (catalogue->count)
        qsort(catalogue->versions, catalogue->count, sizeof *catalogue->versions, by_engine_and_version);
}

int catalogue_load(struct fleet *fleet, struct catalogue *catalogue, struct error *error)
{
    *catalogue = (struct catalogue){0};
    int result = store_host_list(fleet->store, add_host, catalogue, error);
    if (result) {
        catalogue_free(catalogue);
        return result;
    }
    sort(catalogue);
    for (size_t i = 0; i < catalogue->count; i++)
        catalogue->versions[i].is_default =
            i + 1 == catalogue->count || catalogue->versions[i].engine != catalogue->versions[i + 1].engine;
    return 0;
}

static bool has_family(const struct catalogue *catalogue, const char *family)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (text_equal(catalogue->versions[i].family, family))
            return true;
    return false;
}

void catalogue_add_known(struct catalogue *catalogue)
{
    struct catalogue_version version;
    for (size_t i = 0; catalogue_known(i, &version); i++)
        if (!has_family(catalogue, version.family))
            append(catalogue, &version);
    sort(catalogue);
}

void catalogue_free(struct catalogue *catalogue)
{
    free(catalogue->versions);
    *catalogue = (struct catalogue){0};
}

int catalogue_choose(const struct catalogue *catalogue, const char *engine, const char *version,
                     const struct catalogue_version **chosen, struct error *error)
{
    const struct engine_facts *facts = catalogue_engine(engine);
    if (!facts)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterValue", "Invalid DB engine: %s",
                               engine);
    bool any = false;
    *chosen = NULL;
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct catalogue_version *each = &catalogue->versions[i];
        if (each->engine != facts)
            continue;
        any = true;
        bool meant = text_is_empty(version)
                         ? each->is_default
                         : text_equal(each->version, version) || text_equal(each->major, version);
        if (meant)
            *chosen = each;
    }
    if (!any)
        return error_set_named(
            error, ERROR_DENIED, "InsufficientDBInstanceCapacity",
            "No database host of this installation has the engine %s: install it on a host, "
            "whose agent then finds it.",
            facts->engine);
    if (!*chosen)
        return error_set_named(error, ERROR_INVALID, "InvalidParameterCombination",
                               "Cannot find version %s for %s", version, facts->engine);
    return 0;
}

/* The search for the host with the fewest instances. */
struct placing {
    struct fleet *fleet;
    const struct catalogue_version *version;
    char host[64];
    int64_t fewest;
};

static bool count_one(const struct instance_row *row, void *context)
{
    (void)row;
    ++*(int64_t *)context;
    return true;
}

static bool offers(const struct host_row *row, const struct catalogue_version *version)
{
    struct catalogue own = {0};
    add_host(row, &own);
    bool found = has_version(&own, version->engine->engine, version->version);
    catalogue_free(&own);
    return found;
}

static bool keep_name(const struct host_row *row, void *context)
{
    struct placing *placing = context;
    if (offers(row, placing->version)) {
        int64_t instances = 0;
        store_instance_list_of_host(placing->fleet->store, row->host, count_one, &instances, NULL);
        if (!placing->host[0] || instances < placing->fewest) {
            text_copy(placing->host, sizeof placing->host, row->host);
            placing->fewest = instances;
        }
    }
    return true;
}

int catalogue_place(struct fleet *fleet, const struct catalogue_version *version, char host[64],
                    struct error *error)
{
    struct placing placing = {.fleet = fleet, .version = version};
    int result = store_host_list(fleet->store, keep_name, &placing, error);
    if (result)
        return result;
    if (!placing.host[0])
        return error_set_named(error, ERROR_DENIED, "InsufficientDBInstanceCapacity",
                               "No database host has %s %s.", version->engine->engine, version->version);
    text_copy(host, 64, placing.host);
    return 0;
}

static const char *const classes[] = {
    "db.m5.2xlarge", "db.m5.4xlarge", "db.m5.large",   "db.m5.xlarge",  "db.m6g.2xlarge", "db.m6g.large",
    "db.m6g.xlarge", "db.m6i.large",  "db.m6i.xlarge", "db.m7g.large",  "db.m7g.xlarge",  "db.r5.2xlarge",
    "db.r5.large",   "db.r5.xlarge",  "db.r6g.large",  "db.r6g.xlarge", "db.r7g.large",   "db.t2.medium",
    "db.t2.micro",   "db.t2.small",   "db.t3.2xlarge", "db.t3.large",   "db.t3.medium",   "db.t3.micro",
    "db.t3.small",   "db.t3.xlarge",  "db.t4g.large",  "db.t4g.medium", "db.t4g.micro",   "db.t4g.small",
};

const char *const *catalogue_classes(size_t *count)
{
    *count = sizeof classes / sizeof classes[0];
    return classes;
}

bool catalogue_has_class(const char *instance_class)
{
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (text_equal(classes[i], instance_class))
            return true;
    return false;
}
