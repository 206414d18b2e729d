#include "fleet/authority.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/name.h"
#include "fleet/rotation.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_CA          "rds-ca-rsa2048-g1"
#define SETTING_CONSTRAINTS "subordinate-constraints"
#define SUCCESSION_MARGIN   (30 * CLOCK_DAY) /* a key that is late harms nobody */

static const char *partition_of_scope(const struct settings *settings, const char *scope)
{
    const struct region *region = region_find(&settings->regions, scope);
    return region ? region->partition : scope; /* a partition's own scope is its name */
}

/* What a region's subordinates may sign: names below the region's domain and the customers' domains. */
static void permitted_domains(const struct settings *settings, const char *region, struct text_list *domains)
{
    char domain[256];
    name_region_domain(settings, region, domain);
    text_list_add(domains, domain);
    for (size_t i = 0; i < settings->customer_domains.count; i++)
        text_list_add(domains, settings->customer_domains.items[i]);
}

/* A text that changes when what subordinates may sign changes. */
static char *constraints_text(const struct settings *settings)
{
    json_t *domains = json_array();
    for (size_t i = 0; i < settings->customer_domains.count; i++)
        json_array_append_new(domains, json_string(settings->customer_domains.items[i]));
    json_t *object = json_pack("{s:s, s:o, s:b}", "domain", settings->domain, "customer_domains", domains,
                               "allow_ip_addresses", settings->allow_ip_addresses);
    char *text = json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(object);
    return text;
}

static bool constraints_changed(struct fleet *fleet, const char *now)
{
    AUTO_BUF struct buf before = {0};
    return store_setting_get(fleet->store, SETTING_CONSTRAINTS, &before, NULL) == 0 &&
           !text_equal(buf_text(&before), now);
}

/* The number of the subordinate that there must be: the newest one, or one more when it must be replaced. 0:
 * nothing to do. */
static int wanted_number(struct fleet *fleet, const char *region, const char *ca_identifier, bool replace)
{
    struct authority_row newest = {0};
    int result = store_authority_newest(fleet->store, region, ca_identifier, &newest, NULL);
    authority_row_free(&newest);
    if (result)
        return 1;
    return replace ? newest.number + 1 : 0;
}

static bool has_root(struct fleet *fleet, const char *scope, const char *ca_identifier)
{
    struct authority_row row = {0};
    int result = store_authority_get(fleet->store, scope, ca_identifier, 0, &row, NULL);
    authority_row_free(&row);
    return result == 0;
}

static int add_work(struct fleet *fleet, const char *kind, const char *scope, const char *ca_identifier,
                    int number, int64_t due, struct error *error)
{
    char subject[128];
    snprintf(subject, sizeof subject, "%s/%s/%d", scope, ca_identifier, number);
    return store_work_add(fleet->store, kind, subject, due, error);
}

static int plan_region(struct fleet *fleet, const struct region *region, bool replace, int64_t due,
                       struct error *error)
{
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    int result = 0;
    for (size_t i = 0; !result && i < count; i++) {
        const char *identifier = profiles[i].identifier;
        const char *scope = region_root_scope(region, identifier);
        /* Quick keys first: whoever waits for the default CA waits for nothing else. */
        int64_t when = due + (profiles[i].key == KEY_RSA_4096 ? 2 : 0);
        if (!has_root(fleet, scope, identifier))
            result = add_work(fleet, WORK_AUTHORITY, scope, identifier, 0, when, error);
        int number = wanted_number(fleet, region->name, identifier, replace);
        if (!result && number)
            result = add_work(fleet, WORK_AUTHORITY, region->name, identifier, number, when + 1, error);
    }
    return result;
}

int authority_plan(struct fleet *fleet, struct error *error)
{
    const struct region_table *table = &fleet->settings->regions;
    AUTO_FREE char *constraints = constraints_text(fleet->settings);
    int result = store_begin(fleet->store, error);
    if (result)
        return result;
    bool replace = constraints_changed(fleet, constraints);
    int64_t due = clock_now() - CLOCK_HOUR; /* due at once; the order among them is what counts */
    for (size_t i = 0; !result && i < table->count; i++) {
        bool home = text_equal(table->regions[i].name, fleet->settings->home_region);
        result =
            plan_region(fleet, &table->regions[i], replace, home ? due : due + 10 * ((int64_t)i + 1), error);
    }
    if (!result)
        result = store_setting_put(fleet->store, SETTING_CONSTRAINTS, constraints, error);
    if (!result)
        result = store_work_add(fleet->store, WORK_AUTHORITY_LIFE, "all", clock_now(), error);
    return store_finish(fleet->store, result, error);
}

static int keep_certificate(struct fleet *fleet, const char *scope, const char *ca_identifier, int number,
                            int64_t lead, struct buf *der, struct error *error)
{
    struct authority_row row = {.number = number, .created_at = clock_now(), .certificate = *der};
    row.signs_at = row.created_at + lead;
    struct certificate_facts facts;
    X509 *certificate = NULL;
    int result = certificate_parse(slice_buf(der), &certificate, error);
    if (!result)
        result = certificate_facts(certificate, &facts, error);
    X509_free(certificate);
    if (result)
        return result;
    text_copy(row.scope, sizeof row.scope, scope);
    text_copy(row.ca_identifier, sizeof row.ca_identifier, ca_identifier);
    text_copy(row.sha1, sizeof row.sha1, facts.sha1);
    row.not_before = facts.not_before;
    row.not_after = facts.not_after;
    result = store_authority_insert(fleet->store, &row, error);
    if (result == ERROR_EXISTS)
        return 0; /* a worker that lost its lease had been here */
    if (!result)
        log_info("action=authority-made scope=%s ca=%s number=%d sha1=%s", scope, ca_identifier, number,
                 facts.sha1);
    return result;
}

static void log_region_ready(struct fleet *fleet, const char *scope)
{
    bool ready = false;
    struct authority_progress progress;
    if (authority_region_ready(fleet, scope, &ready, NULL) || !ready ||
        authority_progress(fleet, &progress, NULL))
        return;
    log_info("action=region-ready region=%s authorities=%lld of=%lld", scope, (long long)progress.made,
             (long long)progress.wanted);
}

int authority_work(struct fleet *fleet, const struct work_row *work, struct error *error)
{
    char scope[32], identifier[32], extra;
    int number;
    if (sscanf(work->subject, "%31[^/]/%31[^/]/%d%c", scope, identifier, &number, &extra) != 3)
        return error_set(error, ERROR_INVALID, "%s: no subject of a certificate authority", work->subject);
    struct text_list domains = {0};
    permitted_domains(fleet->settings, scope, &domains);
    struct signer_ca ca = {
        .region = scope,
        .partition = partition_of_scope(fleet->settings, scope),
        .ca_identifier = identifier,
        .subordinate = number > 0,
        .number = number,
        .permitted_domains = &domains,
        .allow_ip_addresses = fleet->settings->allow_ip_addresses,
    };
    AUTO_BUF struct buf der = {0};
    int result = signer_ensure_ca(fleet->signer, &ca, &der, error);
    text_list_free(&domains);
    int64_t lead =
        text_equal(work->kind, WORK_SUCCESSOR) ? fleet->settings->subordinate_lead_seconds * CLOCK_SECOND : 0;
    if (!result)
        result = keep_certificate(fleet, scope, identifier, number, lead, &der, error);
    if (!result && number > 0)
        log_region_ready(fleet, scope);
    return result;
}

/* The longest life that a server certificate may be given. */
static int64_t longest_life(const struct settings *settings)
{
    int64_t now = clock_now();
    int64_t reloading = rotation_end_of_life(settings, true, now, now);
    int64_t restarting = rotation_end_of_life(settings, false, now, now);
    return (reloading > restarting ? reloading : restarting) - now;
}

int64_t authority_succession(const struct settings *settings, int64_t not_after, int64_t root_not_after)
{
    if (root_not_after - not_after < CLOCK_DAY)
        return MOMENT_NEVER;
    return not_after - longest_life(settings) - settings->subordinate_lead_seconds * CLOCK_SECOND -
           SUCCESSION_MARGIN;
}

static int succeed(struct fleet *fleet, const struct region *region, const char *ca_identifier,
                   struct error *error)
{
    struct authority_row root = {0}, newest = {0};
    int result = store_authority_newest(fleet->store, region->name, ca_identifier, &newest, error);
    if (!result)
        result = authority_root(fleet, region->name, ca_identifier, &root, error);
    bool due =
        !result && clock_now() >= authority_succession(fleet->settings, newest.not_after, root.not_after);
    if (due)
        result = add_work(fleet, WORK_SUCCESSOR, region->name, ca_identifier, newest.number + 1, clock_now(),
                          error);
    authority_row_free(&root);
    authority_row_free(&newest);
    return result == ERROR_NOT_FOUND ? 0 : result; /* still being made */
}

int authority_life_work(struct fleet *fleet, const struct work_row *work, struct error *error)
{
    const struct region_table *table = &fleet->settings->regions;
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    int result = 0;
    for (size_t i = 0; !result && i < table->count * count && !clock_doubted(); i++)
        result = succeed(fleet, &table->regions[i / count], profiles[i % count].identifier, error);
    return result ? result
                  : store_work_again(fleet->store, work, fleet->owner, clock_now() + CLOCK_HOUR, error);
}

struct tally {
    const struct region_table *regions;
    int64_t made;
};

static bool count_first(const struct authority_row *row, void *context)
{
    struct tally *tally = context;
    tally->made += row->number <= 1;
    return true;
}

int authority_progress(struct fleet *fleet, struct authority_progress *progress, struct error *error)
{
    struct tally tally = {&fleet->settings->regions, 0};
    int result = store_authority_list(fleet->store, NULL, count_first, &tally, error);
    size_t profiles;
    ca_profiles(&profiles);
    bool global = false, govcloud = false;
    for (size_t i = 0; i < tally.regions->count; i++) {
        bool gov = text_equal(tally.regions->regions[i].partition, PARTITION_GOVCLOUD);
        govcloud |= gov;
        global |= !gov;
    }
    /* A root and a subordinate for each region and CA, but one root a partition for rds-ca-2019. */
    progress->wanted = (int64_t)(tally.regions->count * (2 * profiles - 1)) + global + govcloud;
    progress->made = tally.made;
    return result;
}

static bool mark_subordinate(const struct authority_row *row, void *context)
{
    unsigned *marks = context;
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    for (size_t i = 0; i < count; i++)
        if (row->number > 0 && text_equal(profiles[i].identifier, row->ca_identifier))
            *marks |= 1U << i;
    return true;
}

int authority_region_ready(struct fleet *fleet, const char *region, bool *ready, struct error *error)
{
    unsigned marks = 0;
    size_t count;
    ca_profiles(&count);
    int result = store_authority_list(fleet->store, region, mark_subordinate, &marks, error);
    *ready = !result && marks == (1U << count) - 1; /* a subordinate is made after its root */
    return result;
}

int authority_root(struct fleet *fleet, const char *region, const char *ca_identifier,
                   struct authority_row *row, struct error *error)
{
    const struct region *found = region_find(&fleet->settings->regions, region);
    if (!found)
        return error_set(error, ERROR_NOT_FOUND, "region %s not found", region);
    return store_authority_get(fleet->store, region_root_scope(found, ca_identifier), ca_identifier, 0, row,
                               error);
}

int authority_check(struct fleet *fleet, const char *region, const char *ca_identifier,
                    const struct ca_profile **profile, struct error *error)
{
    (void)fleet;
    (void)region;
    *profile = ca_profile_find(ca_identifier);
    if (!*profile)
        return error_set_named(error, ERROR_NOT_FOUND, "CertificateNotFound", "Certificate not found: %s",
                               ca_identifier);
    return 0;
}

/* When the region's root of a CA ends; 0 while it is not there. */
static int64_t root_end(struct fleet *fleet, const char *region, const char *ca_identifier)
{
    struct authority_row root = {0};
    int result = authority_root(fleet, region, ca_identifier, &root, NULL);
    authority_row_free(&root);
    return result ? 0 : root.not_after;
}

int authority_check_usable(struct fleet *fleet, const char *region, const char *ca_identifier,
                           const struct ca_profile **profile, struct error *error)
{
    int result = authority_check(fleet, region, ca_identifier, profile, error);
    int64_t end = *profile ? root_end(fleet, region, (*profile)->identifier) : 0;
    if (result || !end || end > clock_now())
        return result;
    char text[32];
    clock_format_seconds(end, text);
    return error_set_named(error, ERROR_STATE, "InvalidParameterCombination",
                           "The certificate authority %s of %s expired on %s: choose another.",
                           (*profile)->identifier, region, text);
}

int authority_default(struct fleet *fleet, const char *region, char ca_identifier[32], bool *overridden,
                      struct error *error)
{
    int result = store_default_certificate_get(fleet->store, region, ca_identifier, error);
    int64_t end = !result && ca_identifier[0] ? root_end(fleet, region, ca_identifier) : 0;
    *overridden = ca_identifier[0] != 0 && (!end || end > clock_now());
    if (!result && !*overridden)
        text_copy(ca_identifier, 32, DEFAULT_CA);
    return result;
}

int authority_set_default(struct fleet *fleet, const char *region, const char *ca_identifier,
                          struct error *error)
{
    return store_default_certificate_put(fleet->store, region, ca_identifier, error);
}

int authority_remove_default(struct fleet *fleet, const char *region, struct error *error)
{
    return store_default_certificate_remove(fleet->store, region, error);
}
