#include "fleet/catalogue.h"

#include "base/memory.h"
#include "base/text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct engine_facts engines[] = {
    {"postgres", "PostgreSQL", "postgresql-license", 5432, 8, 128, true, true},
    {"mysql", "MySQL Community Edition", "general-public-license", 3306, 8, 41, false, true},
    {"mariadb", "MariaDB Community Edition", "general-public-license", 3306, 8, 41, false, true},
    {"oracle-ee", "Oracle Database Enterprise Edition", "bring-your-own-license", 1521, 8, 30, false, false},
    {"oracle-se2", "Oracle Database Standard Edition Two", "license-included", 1521, 8, 30, false, false},
    {"sqlserver-ee", "Microsoft SQL Server Enterprise Edition", "license-included", 1433, 8, 128, false,
     false},
    {"sqlserver-se", "Microsoft SQL Server Standard Edition", "license-included", 1433, 8, 128, false, false},
    {"sqlserver-ex", "Microsoft SQL Server Express Edition", "license-included", 1433, 8, 128, false, false},
    {"sqlserver-web", "Microsoft SQL Server Web Edition", "license-included", 1433, 8, 128, false, false},
};

const struct engine_facts *catalogue_engine(const char *engine)
{
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
        if (text_equal_ignoring_case(engines[i].engine, engine))
            return &engines[i];
    return NULL;
}

int catalogue_compare(const char *a, const char *b)
{
    while (*a || *b) {
        char *rest_a, *rest_b;
        long number_a = strtol(a, &rest_a, 10), number_b = strtol(b, &rest_b, 10);
        if (number_a != number_b)
            return number_a < number_b ? -1 : 1;
        if (rest_a == a && rest_b == b)
            return strcmp(a, b);
        a = *rest_a == '.' ? rest_a + 1 : rest_a;
        b = *rest_b == '.' ? rest_b + 1 : rest_b;
    }
    return 0;
}

static bool has_version(const struct catalogue *catalogue, const char *engine, const char *version)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (text_equal(catalogue->versions[i].engine->engine, engine) &&
            text_equal(catalogue->versions[i].version, version))
            return true;
    return false;
}

/* PostgreSQL counts its majors by the first number since 10; others by the first two. */
void catalogue_describe_version(const struct engine_facts *engine, const char *version,
                                struct catalogue_version *target)
{
    target->engine = engine;
    text_copy(target->version, sizeof target->version, version);
    text_copy(target->major, sizeof target->major, target->version);
    char *dot = strchr(target->major, '.');
    if (dot && !text_equal(engine->engine, "postgres"))
        dot = strchr(dot + 1, '.');
    if (dot)
        *dot = 0;
    snprintf(target->family, sizeof target->family, "%.20s%.8s", engine->engine, target->major);
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
        if (!engine || !version || strlen(version) >= 24 || has_version(catalogue, engine->engine, version))
            continue;
        catalogue->versions =
            mem_grow(catalogue->versions, catalogue->count + 1, sizeof *catalogue->versions);
        struct catalogue_version *added = &catalogue->versions[catalogue->count++];
        *added = (struct catalogue_version){0};
        catalogue_describe_version(engine, version, added);
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

int catalogue_load(struct fleet *fleet, struct catalogue *catalogue, struct error *error)
{
    *catalogue = (struct catalogue){0};
    int result = store_host_list(fleet->store, add_host, catalogue, error);
    if (result) {
        catalogue_free(catalogue);
        return result;
    }
    if (catalogue->count)
        qsort(catalogue->versions, catalogue->count, sizeof *catalogue->versions, by_engine_and_version);
    for (size_t i = 0; i < catalogue->count; i++)
        catalogue->versions[i].is_default =
            i + 1 == catalogue->count || catalogue->versions[i].engine != catalogue->versions[i + 1].engine;
    return 0;
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
    if (!facts->built || !any)
        return error_set_named(error, ERROR_DENIED, "InsufficientDBInstanceCapacity",
                               "No database host of this installation has the engine %s.", facts->engine);
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
