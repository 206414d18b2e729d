/* What sealwright probe has seen: as JSON, from which text and table are printed. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    unsigned fault;
    const char *name;
} faults[] = {{PROBE_EXPIRED, "expired"},
              {PROBE_NOT_YET_VALID, "not-yet-valid"},
              {PROBE_WRONG_NAME, "wrong-name"},
              {PROBE_SELF_SIGNED, "self-signed"},
              {PROBE_UNKNOWN_AUTHORITY, "unknown-authority"},
              {PROBE_OTHER_FAULT, "other"}};

/* Why no certificate was seen, by probe_run's codes. */
static const struct {
    int code;
    const char *name;
} failures[] = {{ERROR_DENIED, "no-tls"},          {ERROR_TIMEOUT, "no-answer"},
                {ERROR_IO, "no-connection"},       {ERROR_BUSY, "refused"},
                {ERROR_INVALID, "other-protocol"}, {ERROR_CRYPTO, "handshake-failed"},
                {ERROR_NOT_FOUND, "unknown-host"}};

static const struct {
    enum probe_verdict verdict;
    const char *name;
} verdicts[] = {{VERDICT_OK, "ok"},
                {VERDICT_EXPIRING, "expiring"},
                {VERDICT_NOT_VERIFIED, "not-verified"},
                {VERDICT_NOT_PROBED, "not-probed"}};
enum { VERDICT_COUNT = sizeof verdicts / sizeof verdicts[0] };

static const char *const plain_names[] = {[PROBE_PLAIN_UNKNOWN] = "unknown",
                                          [PROBE_PLAIN_ACCEPTED] = "accepted",
                                          [PROBE_PLAIN_REFUSED] = "refused"};

const char *probe_verdict_name(enum probe_verdict verdict)
{
    for (size_t i = 0; i < VERDICT_COUNT; i++)
        if (verdicts[i].verdict == verdict)
            return verdicts[i].name;
    return "";
}

int64_t probe_days_left(const struct probe_result *result)
{
    int64_t left = result->leaf.not_after - clock_now();
    return left >= 0 ? left / CLOCK_DAY : -(-left / CLOCK_DAY) - 1;
}

/* What a server sent, fit for a terminal and for JSON: control characters and what is no UTF-8 become '?'. */
static json_t *clean(const char *text)
{
    AUTO_BUF struct buf cleaned = {0};
    struct slice rest = slice_text(text);
    while (rest.length) {
        uint32_t character = 0;
        size_t used = text_utf8(rest, &character);
        if (!used || character < 0x20 || (character >= 0x7f && character < 0xa0))
            buf_append_byte(&cleaned, '?');
        else
            buf_append(&cleaned, rest.data, used);
        used += !used;
        rest = slice_of(rest.data + used, rest.length - used);
    }
    return json_string(buf_text(&cleaned));
}

static json_t *clean_or_null(const char *text)
{
    return text_is_empty(text) ? json_null() : clean(text);
}

static json_t *moment(int64_t when)
{
    char text[32];
    clock_format_seconds(when, text);
    return json_string(text);
}

static json_t *fault_names(const struct probe_job *job)
{
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (job->result.faults & faults[i].fault && !job->failed)
            json_array_append_new(names, json_string(faults[i].name));
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (job->failed == failures[i].code)
            json_array_append_new(names, json_string(failures[i].name));
    return names;
}

static json_t *certificate_json(const X509 *certificate)
{
    struct certificate_facts facts;
    struct error error = {0};
    char key[64];
    json_t *json = json_object();
    if (certificate_facts(certificate, &facts, &error)) {
        json_object_set_new(json, "Problem", clean(error.text));
        return json;
    }
    certificate_key_text(certificate, key);
    json_object_set_new(json, "Subject", clean(facts.subject));
    json_object_set_new(json, "Issuer", clean(facts.issuer));
    json_object_set_new(json, "KeyType", clean_or_null(key));
    json_object_set_new(json, "SignatureAlgorithm", json_string(certificate_signature_text(certificate)));
    json_object_set_new(json, "SerialNumber", json_string(facts.serial));
    json_object_set_new(json, "SHA256", json_string(facts.sha256));
    json_object_set_new(json, "ValidFrom", moment(facts.not_before));
    json_object_set_new(json, "ValidTill", moment(facts.not_after));
    return json;
}

static void set_certificate(json_t *json, const struct probe_job *job)
{
    const struct probe_result *result = &job->result;
    json_t *names = json_array(), *chain = json_array();
    const X509 *leaf = job->failed ? NULL : result->chain.items[0];
    char region[32] = "", key[64] = "";
    const struct ca_profile *profile = leaf ? ca_profile_of_name(X509_get_issuer_name(leaf), region) : NULL;
    if (leaf)
        certificate_key_text(leaf, key);
    for (size_t i = 0; leaf && i < result->names.count; i++)
        json_array_append_new(names, clean(result->names.items[i]));
    for (size_t i = 0; leaf && i < result->chain.count; i++)
        json_array_append_new(chain, certificate_json(result->chain.items[i]));
    json_object_set_new(json, "CAIdentifier", clean_or_null(profile ? profile->identifier : NULL));
    json_object_set_new(json, "Region", clean_or_null(region));
    json_object_set_new(json, "KeyType", clean_or_null(key));
    json_object_set_new(json, "ValidTill", leaf ? moment(result->leaf.not_after) : json_null());
    json_object_set_new(json, "DaysLeft", leaf ? json_integer(probe_days_left(result)) : json_null());
    json_object_set_new(json, "Names", names);
    json_object_set_new(json, "Chain", chain);
}

json_t *probe_job_json(const struct probe_job *job, bool trust, bool plain)
{
    const struct probe_result *result = &job->result;
    AUTO_FREE char *target = mem_format(strchr(job->host, ':') ? "[%s]:%d" : "%s:%d", job->host, job->port);
    const char *without = plain ? plain_names[result->plain] : "not-checked";
    json_t *json = json_object();
    json_object_set_new(json, "Target", clean(job->port ? target : job->host));
    json_object_set_new(json, "Host", clean(job->host));
    json_object_set_new(json, "Port", job->port ? json_integer(job->port) : json_null());
    json_object_set_new(json, "Engine", clean_or_null(probe_engine_name(job->engine, result)));
    json_object_set_new(json, "ServerVersion", clean_or_null(result->server_version));
    json_object_set_new(json, "Status", json_string(probe_verdict_name(job->verdict)));
    json_object_set_new(json, "Faults", fault_names(job));
    json_object_set_new(json, "Problem", clean_or_null(job->failed ? job->error.text : result->verification));
    json_object_set_new(json, "Verified",
                        job->failed || !trust ? json_null() : json_boolean(result->verified));
    json_object_set_new(json, "TLSVersion", clean_or_null(result->tls_version));
    json_object_set_new(json, "Cipher", clean_or_null(result->cipher));
    json_object_set_new(json, "Unencrypted", json_string(without));
    set_certificate(json, job);
    return json;
}

static const char *text_of(const json_t *json, const char *member)
{
    const char *text = json_string_value(json_object_get(json, member));
    return text ? text : "-";
}

static char *joined(const json_t *list)
{
    AUTO_BUF struct buf text = {0};
    for (size_t i = 0; i < json_array_size(list); i++)
        buf_printf(&text, "%s%s", i ? ", " : "", json_string_value(json_array_get(list, i)));
    return mem_string(text.length ? buf_text(&text) : "none");
}

/* A line of one or two members. */
static void print_pair(const char *label, const json_t *json, const char *first, const char *second)
{
    const char *more = json_string_value(json_object_get(json, second));
    printf("  %-13s  %s%s%s\n", label, text_of(json, first), more ? " " : "", more ? more : "");
}

static void print_certificate(size_t number, const json_t *certificate)
{
    static const struct {
        const char *label, *member;
    } lines[] = {{"issuer", "Issuer"},       {"key", "KeyType"},    {"signature", "SignatureAlgorithm"},
                 {"serial", "SerialNumber"}, {"SHA-256", "SHA256"}, {"valid from", "ValidFrom"},
                 {"valid till", "ValidTill"}};
    printf("  certificate %zu  %s\n", number, text_of(certificate, "Subject"));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        printf("    %-11s  %s\n", lines[i].label, text_of(certificate, lines[i].member));
}

static const char *verified_text(const json_t *job)
{
    const json_t *verified = json_object_get(job, "Verified");
    return json_is_true(verified)    ? "yes"
           : json_is_false(verified) ? "no"
                                     : "not asked for: no bundle was given";
}

void probe_show_text(const json_t *job)
{
    const json_t *chain = json_object_get(job, "Chain");
    const char *problem = json_string_value(json_object_get(job, "Problem"));
    AUTO_FREE char *names = joined(json_object_get(job, "Names"));
    AUTO_FREE char *found = joined(json_object_get(job, "Faults"));
    printf("%s\n  status         %s", text_of(job, "Target"), text_of(job, "Status"));
    if (problem)
        printf(" (%s): %s", found, problem);
    printf("\n");
    print_pair("engine", job, "Engine", "ServerVersion");
    print_pair("unencrypted", job, "Unencrypted", "");
    if (!json_array_size(chain))
        return;
    print_pair("TLS", job, "TLSVersion", "Cipher");
    printf("  verified       %s\n", verified_text(job));
    print_pair("CA identifier", job, "CAIdentifier", "Region");
    print_pair("key", job, "KeyType", "");
    printf("  valid till     %s, %lld days left\n", text_of(job, "ValidTill"),
           (long long)json_integer_value(json_object_get(job, "DaysLeft")));
    printf("  names          %s\n", names);
    for (size_t i = 0; i < json_array_size(chain); i++)
        print_certificate(i + 1, json_array_get(chain, i));
}

static void print_row(const json_t *job, int width)
{
    const json_t *days = json_object_get(job, "DaysLeft");
    const char *problem = json_string_value(json_object_get(job, "Problem"));
    char left[24] = "-";
    if (json_is_integer(days))
        snprintf(left, sizeof left, "%lld", (long long)json_integer_value(days));
    printf("%-*s  %-16s  %-7s  %-17s  %6s  %-11s  ", width, text_of(job, "Target"), text_of(job, "Engine"),
           text_of(job, "TLSVersion"), text_of(job, "CAIdentifier"), left, text_of(job, "Unencrypted"));
    if (problem)
        printf("%-12s  %s\n", text_of(job, "Status"), problem);
    else
        printf("%s\n", text_of(job, "Status"));
}

void probe_show_table(const json_t *jobs)
{
    int width = 6, counts[VERDICT_COUNT] = {0};
    for (size_t i = 0; i < json_array_size(jobs); i++) {
        int length = (int)strlen(text_of(json_array_get(jobs, i), "Target"));
        width = length > width ? length : width;
        for (size_t j = 0; j < VERDICT_COUNT; j++)
            counts[j] += text_equal(verdicts[j].name, text_of(json_array_get(jobs, i), "Status"));
    }
    printf("%-*s  %-16s  %-7s  %-17s  %6s  %-11s  %-12s  %s\n", width, "TARGET", "ENGINE", "TLS", "CA",
           "DAYS", "UNENCRYPTED", "STATUS", "PROBLEM");
    for (size_t i = 0; i < json_array_size(jobs); i++)
        print_row(json_array_get(jobs, i), width);
    printf("%zu targets:", json_array_size(jobs));
    for (size_t j = 0; j < VERDICT_COUNT; j++)
        printf("%s %d %s", j ? "," : "", counts[j], verdicts[j].name);
    printf("\n");
}
