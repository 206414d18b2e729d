#include "fleet/settings.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/webhook.h"

#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_LIMIT = 1 << 20 };

void settings_defaults(struct settings *settings, const char *run_folder)
{
    *settings = (struct settings){
        .run_folder = mem_string(run_folder),
        .port = 8443,
        .domain = "localhost",
        .account = "123456789012",
        .home_region = "us-east-1",
        .workers = 2,
        .key_makers = 1,
        .legacy_ca_days = 1826,
        .agent_check_seconds = 5,
        .rotation_emergency_percent = 15,
        .rotation_spread_percent = 10,
        .rotations_per_minute = 600,
        .guard_seconds = 300,
        .guard_refusals = 3,
        .guard_pause_seconds = 86400,
        .bridges = true,
        .subordinate_lead_seconds = INT64_C(30) * 86400,
        .clock_jump_seconds = INT64_C(30) * 86400,
        .server_user = mem_string("sealwright"),
        .signer_user = mem_string("sealwright-signer"),
    };
    organisation_defaults(&settings->organisation);
    text_list_add(&settings->listen, "127.0.0.1");
    text_list_add(&settings->listen, "::1");
    text_list_add(&settings->database_listen, "127.0.0.1");
    text_list_add(&settings->database_listen, "::1");
    text_list_add(&settings->client_networks, "127.0.0.0/8");
    text_list_add(&settings->client_networks, "::1/128");
}

char *settings_path(const struct settings *settings, const char *name)
{
    return mem_format("%s/%s", settings->run_folder, name);
}

/* One member of the file: where it goes, what it may be. The documentation prints this table. */
enum member_kind {
    MEMBER_TEXT,
    MEMBER_OWNED_TEXT,
    MEMBER_INTEGER,
    MEMBER_LONG,
    MEMBER_BOOLEAN,
    MEMBER_TEXTS
};
struct member {
    const char *name;
    enum member_kind kind;
    size_t offset;
    int64_t least, most; /* of a number; `most` is the room of a text */
};

#define AT(field)   offsetof(struct settings, field)
#define ROOM(field) sizeof((struct settings *)NULL)->field
static const struct member members[] = {
    {"port", MEMBER_INTEGER, AT(port), 1, 65535},
    {"listen", MEMBER_TEXTS, AT(listen), 0, 0},
    {"endpoint_names", MEMBER_TEXTS, AT(endpoint_names), 0, 0},
    {"endpoint_certificate", MEMBER_OWNED_TEXT, AT(endpoint_certificate), 0, 0},
    {"endpoint_key", MEMBER_OWNED_TEXT, AT(endpoint_key), 0, 0},
    {"domain", MEMBER_TEXT, AT(domain), 1, ROOM(domain)},
    {"account", MEMBER_TEXT, AT(account), 12, ROOM(account)},
    {"home_region", MEMBER_TEXT, AT(home_region), 1, ROOM(home_region)},
    {"workers", MEMBER_INTEGER, AT(workers), 1, 64},
    {"key_makers", MEMBER_INTEGER, AT(key_makers), 1, 16},
    {"legacy_ca_days", MEMBER_LONG, AT(legacy_ca_days), 1, 36525},
    {"server_certificate_seconds", MEMBER_LONG, AT(server_certificate_seconds), 0,
     INT64_C(3600) * 24 * 366 * 10},
    {"restart_certificate_seconds", MEMBER_LONG, AT(restart_certificate_seconds), 0,
     INT64_C(3600) * 24 * 366 * 10},
    {"rotation_emergency_percent", MEMBER_LONG, AT(rotation_emergency_percent), 1, 40},
    {"rotation_spread_percent", MEMBER_LONG, AT(rotation_spread_percent), 0, 20},
    {"rotations_per_minute", MEMBER_LONG, AT(rotations_per_minute), 1, 1000000},
    {"guard_seconds", MEMBER_LONG, AT(guard_seconds), 0, 86400},
    {"guard_refusals", MEMBER_LONG, AT(guard_refusals), 1, 1000000},
    {"guard_pause_seconds", MEMBER_LONG, AT(guard_pause_seconds), 1, INT64_C(86400) * 366},
    {"retiring_certificate_authorities", MEMBER_TEXTS, AT(retiring), 0, 0},
    {"bridges", MEMBER_BOOLEAN, AT(bridges), 0, 0},
    {"subordinate_lead_seconds", MEMBER_LONG, AT(subordinate_lead_seconds), 0, INT64_C(86400) * 366},
    {"clock_jump_seconds", MEMBER_LONG, AT(clock_jump_seconds), 60, INT64_C(86400) * 366},
    {"customer_domains", MEMBER_TEXTS, AT(customer_domains), 0, 0},
    {"allow_ip_addresses", MEMBER_BOOLEAN, AT(allow_ip_addresses), 0, 0},
    {"signatures_per_second", MEMBER_LONG, AT(signatures_per_second), 0, 1000000},
    {"server_user", MEMBER_OWNED_TEXT, AT(server_user), 0, 0},
    {"signer_user", MEMBER_OWNED_TEXT, AT(signer_user), 0, 0},
    {"client_networks", MEMBER_TEXTS, AT(client_networks), 0, 0},
    {"engine_folders", MEMBER_TEXTS, AT(engine_folders), 0, 0},
    {"database_listen", MEMBER_TEXTS, AT(database_listen), 0, 0},
    {"agent_check_seconds", MEMBER_LONG, AT(agent_check_seconds), 1, 3600},
    {"webhook_url", MEMBER_OWNED_TEXT, AT(webhook_url), 0, 0},
    {"webhook_secret_file", MEMBER_OWNED_TEXT, AT(webhook_secret_file), 0, 0},
    {"webhook_ca_file", MEMBER_OWNED_TEXT, AT(webhook_ca_file), 0, 0},
    {"console_folder", MEMBER_OWNED_TEXT, AT(console_folder), 0, 0},
    {"organisation_country", MEMBER_TEXT, AT(organisation.country), 2, ROOM(organisation.country)},
    {"organisation_name", MEMBER_TEXT, AT(organisation.organisation), 1, ROOM(organisation.organisation)},
    {"organisation_unit", MEMBER_TEXT, AT(organisation.unit), 1, ROOM(organisation.unit)},
    {"organisation_state", MEMBER_TEXT, AT(organisation.state), 1, ROOM(organisation.state)},
    {"organisation_locality", MEMBER_TEXT, AT(organisation.locality), 1, ROOM(organisation.locality)},
    {"organisation_product", MEMBER_TEXT, AT(organisation.product), 1, ROOM(organisation.product)},
    {"server_organisation", MEMBER_TEXT, AT(organisation.server_organisation), 1,
     ROOM(organisation.server_organisation)},
    {"server_unit", MEMBER_TEXT, AT(organisation.server_unit), 1, ROOM(organisation.server_unit)},
    {"server_state", MEMBER_TEXT, AT(organisation.server_state), 1, ROOM(organisation.server_state)},
};
enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static int read_texts(const struct member *member, struct text_list *list, const json_t *value,
                      struct error *error)
{
    if (!json_is_array(value))
        return error_set(error, ERROR_INVALID, "%s: expected a list of texts", member->name);
    text_list_free(list);
    size_t index;
    const json_t *item;
    json_array_foreach(value, index, item)
    {
        if (!json_is_string(item))
            return error_set(error, ERROR_INVALID, "%s: item %zu is no text", member->name, index + 1);
        text_list_add(list, json_string_value(item));
    }
    return 0;
}

static int read_number(const struct member *member, int64_t *number, const json_t *value, struct error *error)
{
    *number = json_integer_value(value);
    if (!json_is_integer(value) || *number < member->least || *number > member->most)
        return error_set(error, ERROR_INVALID, "%s: expected a whole number from %lld to %lld", member->name,
                         (long long)member->least, (long long)member->most);
    return 0;
}

static int read_text(const struct member *member, char *target, const json_t *value, struct error *error)
{
    const char *text = json_string_value(value);
    if (!text || (int64_t)strlen(text) < member->least || (int64_t)strlen(text) >= member->most)
        return error_set(error, ERROR_INVALID, "%s: expected a text of %lld to %lld characters", member->name,
                         (long long)member->least, (long long)member->most - 1);
    text_copy(target, (size_t)member->most, text);
    return 0;
}

static int read_member(struct settings *settings, const struct member *member, const json_t *value,
                       struct error *error)
{
    void *place = (char *)settings + member->offset;
    int64_t number = 0;
    int result = 0;
    switch (member->kind) {
    case MEMBER_TEXT:
        return read_text(member, place, value, error);
    case MEMBER_OWNED_TEXT:
        if (!json_is_string(value))
            return error_set(error, ERROR_INVALID, "%s: expected a text", member->name);
        free(*(char **)place);
        *(char **)place = mem_string(json_string_value(value));
        return 0;
    case MEMBER_INTEGER:
        result = read_number(member, &number, value, error);
        *(int *)place = (int)number;
        return result;
    case MEMBER_LONG:
        return read_number(member, place, value, error);
    case MEMBER_BOOLEAN:
        if (!json_is_boolean(value))
            return error_set(error, ERROR_INVALID, "%s: expected true or false", member->name);
        *(bool *)place = json_is_true(value);
        return 0;
    case MEMBER_TEXTS:
        return read_texts(member, place, value, error);
    }
    return error_set(error, ERROR_INTERNAL, "%s: unknown kind of member", member->name);
}

/* "regions": a list of names of the default table, or objects {"name", "title", "partition"} of the
 * operator's own. */
static int read_regions(struct settings *settings, const json_t *value, struct error *error)
{
    if (!json_is_array(value) || json_array_size(value) == 0)
        return error_set(error, ERROR_INVALID, "regions: expected a list of at least one region");
    size_t index;
    const json_t *item;
    json_array_foreach(value, index, item)
    {
        const char *name =
            json_is_string(item) ? json_string_value(item) : json_string_value(json_object_get(item, "name"));
        const char *title = json_string_value(json_object_get(item, "title"));
        const char *partition = json_string_value(json_object_get(item, "partition"));
        if (!name)
            return error_set(error, ERROR_INVALID, "regions: item %zu has no name", index + 1);
        if (region_table_add(&settings->regions, name, title, partition, error))
            return error_prefix(error, "regions");
    }
    return 0;
}

static int read_object(struct settings *settings, json_t *object, struct error *error)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        size_t i = 0;
        while (i < MEMBER_COUNT && strcmp(members[i].name, name) != 0)
            i++;
        int result = i < MEMBER_COUNT ? read_member(settings, &members[i], value, error)
                     : strcmp(name, "regions") == 0
                         ? read_regions(settings, value, error)
                         : error_set(error, ERROR_INVALID, "%s: no such setting", name);
        if (result)
            return result;
    }
    return 0;
}

static int check(struct settings *settings, struct error *error)
{
    if (settings->regions.count == 0)
        region_table_add_defaults(&settings->regions);
    if (!region_find(&settings->regions, settings->home_region))
        return error_set(error, ERROR_INVALID, "home_region: %s is not one of the regions",
                         settings->home_region);
    if (strspn(settings->account, "0123456789") != 12)
        return error_set(error, ERROR_INVALID, "account: expected 12 digits, found %s", settings->account);
    if (!settings->endpoint_certificate != !settings->endpoint_key)
        return error_set(error, ERROR_INVALID, "endpoint_certificate and endpoint_key go together");
    return webhook_check_settings(settings, error);
}

int settings_parse(struct settings *settings, struct slice json, struct error *error)
{
    json_error_t where;
    json_t *object = json_loadb((const char *)json.data, json.length, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(object)) {
        json_decref(object);
        return error_set(error, ERROR_INVALID, "not a JSON object: line %d: %s", where.line, where.text);
    }
    int result = read_object(settings, object, error);
    json_decref(object);
    return result ? result : check(settings, error);
}

int settings_load(struct settings *settings, const char *run_folder, struct error *error)
{
    settings_defaults(settings, run_folder);
    AUTO_FREE char *path = settings_path(settings, "sealwright.json");
    AUTO_BUF struct buf content = {0};
    int result = file_read(path, SETTINGS_LIMIT, &content, error);
    if (result)
        return result;
    result = settings_parse(settings, slice_buf(&content), error);
    return result ? error_prefix(error, "%s", path) : 0;
}

static json_t *texts_to_json(const struct text_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(array, json_string(list->items[i]));
    return array;
}

static json_t *member_to_json(const struct settings *settings, const struct member *member)
{
    const void *place = (const char *)settings + member->offset;
    switch (member->kind) {
    case MEMBER_TEXT:
        return json_string(place);
    case MEMBER_OWNED_TEXT:
        return *(char *const *)place ? json_string(*(char *const *)place) : NULL;
    case MEMBER_INTEGER:
        return json_integer(*(const int *)place);
    case MEMBER_LONG:
        return json_integer(*(const int64_t *)place);
    case MEMBER_BOOLEAN:
        return json_boolean(*(const bool *)place);
    case MEMBER_TEXTS:
        return texts_to_json(place);
    }
    return NULL;
}

static json_t *regions_to_json(const struct region_table *table)
{
    json_t *array = json_array();
    for (size_t i = 0; i < table->count; i++)
        json_array_append_new(array,
                              json_pack("{s:s, s:s, s:s}", "name", table->regions[i].name, "title",
                                        table->regions[i].title, "partition", table->regions[i].partition));
    return array;
}

int settings_save(const struct settings *settings, struct error *error)
{
    AUTO_FREE char *path = settings_path(settings, "sealwright.json");
    json_t *object = json_object();
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        json_t *value = member_to_json(settings, &members[i]);
        if (value)
            json_object_set_new(object, members[i].name, value);
    }
    json_object_set_new(object, "regions", regions_to_json(&settings->regions));
    AUTO_FREE char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    AUTO_FREE char *line = mem_format("%s\n", text);
    return file_write(path, slice_text(line), 0644, error);
}

void settings_free(struct settings *settings)
{
    free(settings->run_folder);
    free(settings->endpoint_certificate);
    free(settings->endpoint_key);
    free(settings->console_folder);
    free(settings->server_user);
    free(settings->signer_user);
    free(settings->webhook_url);
    free(settings->webhook_secret_file);
    free(settings->webhook_ca_file);
    text_list_free(&settings->listen);
    text_list_free(&settings->endpoint_names);
    text_list_free(&settings->customer_domains);
    text_list_free(&settings->retiring);
    text_list_free(&settings->client_networks);
    text_list_free(&settings->engine_folders);
    text_list_free(&settings->database_listen);
    region_table_free(&settings->regions);
    *settings = (struct settings){0};
}
