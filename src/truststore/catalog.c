#include "truststore/catalog.h"

#include "base/memory.h"
#include "base/text.h"
#include "fleet/authority.h"

#include <stdlib.h>

void catalog_region_names(const struct settings *settings, struct buf *names)
{
    for (size_t i = 0; i < settings->regions.count; i++)
        buf_printf(names, "%s%s", i ? ", " : "", settings->regions.regions[i].name);
}

void bundle_content_free(struct bundle_content *content)
{
    for (size_t i = 0; i < content->count; i++)
        X509_free(content->items[i].certificate);
    free(content->items);
    *content = (struct bundle_content){0};
}

/* The rows of one scope and CA that are wanted. */
struct gathering {
    struct bundle_content *content;
    const char *ca_identifier;
    bool roots, subordinates;
    int result;
    struct error *error;
};

static bool add_row(const struct authority_row *row, void *context)
{
    struct gathering *gathering = context;
    bool wanted = row->number == 0 ? gathering->roots : gathering->subordinates;
    if (!wanted || !text_equal(row->ca_identifier, gathering->ca_identifier))
        return true;
    struct bundle_content *content = gathering->content;
    content->items = mem_grow(content->items, content->count + 1, sizeof *content->items);
    struct bundle_certificate *added = &content->items[content->count];
    *added = (struct bundle_certificate){.number = row->number, .created_at = row->created_at};
    text_copy(added->scope, sizeof added->scope, row->scope);
    text_copy(added->ca_identifier, sizeof added->ca_identifier, row->ca_identifier);
    gathering->result =
        certificate_parse(slice_buf(&row->certificate), &added->certificate, gathering->error);
    if (gathering->result)
        return false;
    content->count++;
    if (row->created_at > content->newest)
        content->newest = row->created_at;
    return true;
}

static int gather(struct fleet *fleet, const char *scope, const char *ca_identifier, bool roots,
                  bool subordinates, struct bundle_content *content, struct error *error)
{
    struct gathering gathering = {content, ca_identifier, roots, subordinates, 0, error};
    int result = store_authority_list(fleet->store, scope, add_row, &gathering, error);
    return result ? result : gathering.result;
}

static bool has_root(const struct bundle_content *content, const char *scope, const char *ca_identifier)
{
    for (size_t i = 0; i < content->count; i++)
        if (content->items[i].number == 0 && text_equal(content->items[i].scope, scope) &&
            text_equal(content->items[i].ca_identifier, ca_identifier))
            return true;
    return false;
}

static int gather_region(struct fleet *fleet, const struct region *region, const char *only_root,
                         struct bundle_content *content, struct error *error)
{
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    int result = 0;
    for (size_t i = 0; !result && i < count; i++) {
        const char *identifier = profiles[i].identifier;
        const char *root_scope = region_root_scope(region, identifier);
        if (only_root && !text_equal(only_root, identifier))
            continue;
        if (!has_root(content, root_scope, identifier))
            result = gather(fleet, root_scope, identifier, true, false, content, error);
        if (!result && !only_root)
            result = gather(fleet, region->name, identifier, false, true, content, error);
    }
    return result;
}

static bool is_in_scope(const struct region *region, const struct bundle_scope *scope)
{
    return scope->region[0] ? text_equal(region->name, scope->region)
                            : text_equal(region->partition, scope->partition);
}

static int check_ready(struct fleet *fleet, const struct bundle_scope *scope, struct error *error)
{
    const struct region_table *table = &fleet->settings->regions;
    size_t regions = 0, ready_ones = 0;
    for (size_t i = 0; i < table->count; i++) {
        bool ready = false;
        if (!is_in_scope(&table->regions[i], scope))
            continue;
        int result = authority_region_ready(fleet, table->regions[i].name, &ready, error);
        if (result)
            return result;
        regions++;
        ready_ones += ready;
    }
    if (regions == 0)
        return error_set(error, ERROR_NOT_FOUND, "there is no such region or partition here");
    if (ready_ones < regions)
        return error_set(
            error, ERROR_BUSY,
            "the certificate authorities of %zu of %zu regions are made; this bundle waits for all of them",
            ready_ones, regions);
    return 0;
}

int catalog_gather(struct fleet *fleet, const struct bundle_scope *scope, struct bundle_content *content,
                   struct error *error)
{
    const struct region_table *table = &fleet->settings->regions;
    *content = (struct bundle_content){0};
    int result = check_ready(fleet, scope, error);
    for (size_t i = 0; !result && i < table->count; i++)
        if (is_in_scope(&table->regions[i], scope))
            result = gather_region(fleet, &table->regions[i],
                                   scope->ca_identifier[0] ? scope->ca_identifier : NULL, content, error);
    if (result)
        bundle_content_free(content);
    return result;
}
