#include "signer/policy.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A bucket of tokens: one a signature, filled at the rate, as large as a second's worth. */
struct policy {
    const struct signer_options *options;
    pthread_mutex_t mutex;
    double tokens;
    int64_t filled_at;
};

struct policy *policy_new(const struct signer_options *options)
{
    struct policy *policy = mem_new(sizeof *policy);
    policy->options = options;
    policy->tokens = (double)options->signatures_per_second;
    policy->filled_at = clock_steady();
    pthread_mutex_init(&policy->mutex, NULL);
    return policy;
}

void policy_free(struct policy *policy)
{
    if (policy)
        pthread_mutex_destroy(&policy->mutex);
    free(policy);
}

static bool take_token(struct policy *policy)
{
    double rate = (double)policy->options->signatures_per_second;
    if (policy->options->signatures_per_second <= 0)
        return true;
    pthread_mutex_lock(&policy->mutex);
    int64_t now = clock_steady();
    policy->tokens += rate * (double)(now - policy->filled_at) / 1000;
    policy->filled_at = now;
    if (policy->tokens > rate)
        policy->tokens = rate;
    bool taken = policy->tokens >= 1;
    if (taken)
        policy->tokens -= 1;
    pthread_mutex_unlock(&policy->mutex);
    return taken;
}

static int check_rate(struct policy *policy, struct error *error)
{
    if (take_token(policy))
        return 0;
    return error_set(error, ERROR_BUSY, "the signer's rate of %lld signatures a second is reached",
                     (long long)policy->options->signatures_per_second);
}

static bool is_address(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static int check_name(const struct keystore_ca *subordinate, const char *name, struct error *error)
{
    if (is_address(name) && !subordinate->excludes_addresses)
        return 0;
    for (size_t i = 0; !is_address(name) && i < subordinate->permitted_domains.count; i++)
        if (text_is_within_domain(name, subordinate->permitted_domains.items[i]))
            return 0;
    return error_set(error, ERROR_DENIED, "%s is not within the name constraints of this subordinate", name);
}

int policy_check(struct policy *policy, const struct signer_leaf *leaf, const struct keystore_ca *subordinate,
                 const struct text_list *names, int64_t now, struct error *error)
{
    if (names->count == 0 || !text_list_equal(names, &leaf->names))
        return error_set(error, ERROR_DENIED, "the names in the request are not those the server allows");
    for (size_t i = 0; i < names->count; i++)
        if (check_name(subordinate, names->items[i], error))
            return (int)error->code;
    if (leaf->not_before < now - CLOCK_DAY || leaf->not_before > now + CLOCK_MINUTE ||
        leaf->not_after <= leaf->not_before)
        return error_set(error, ERROR_INVALID, "the certificate's times are out of bounds");
    if (leaf->not_after - leaf->not_before > policy->options->longest_life)
        return error_set(error, ERROR_DENIED,
                         "the certificate's life of %lld days is longer than the %lld allowed",
                         (long long)((leaf->not_after - leaf->not_before) / CLOCK_DAY),
                         (long long)(policy->options->longest_life / CLOCK_DAY));
    return check_rate(policy, error);
}

static int check_in_force(const struct keystore_ca *root, int64_t now, struct error *error)
{
    struct certificate_facts facts;
    char end[32];
    int result = certificate_facts(root->certificate, &facts, error);
    if (result || now < facts.not_after)
        return result;
    clock_format_seconds(facts.not_after, end);
    return error_set(error, ERROR_STATE, "the root of %s in %s is over since %s", root->ca_identifier,
                     root->scope, end);
}

int policy_check_bridge(struct policy *policy, const struct keystore_ca *subject,
                        const struct keystore_ca *issuer, int64_t now, struct error *error)
{
    int result = check_in_force(subject, now, error);
    if (!result)
        result = check_in_force(issuer, now, error);
    return result ? result : check_rate(policy, error);
}
