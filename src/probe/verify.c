/* Whether clients would accept what a server serves, and everything that they would have against it. */
#include "base/clock.h"
#include "base/text.h"
#include "probe/internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

static const struct {
    int reason; /* OpenSSL's */
    enum probe_fault fault;
} faults[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, PROBE_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, PROBE_NOT_YET_VALID},
    {X509_V_ERR_HOSTNAME_MISMATCH, PROBE_WRONG_NAME},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, PROBE_WRONG_NAME},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, PROBE_SELF_SIGNED},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, PROBE_UNKNOWN_AUTHORITY},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, PROBE_UNKNOWN_AUTHORITY},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, PROBE_UNKNOWN_AUTHORITY},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, PROBE_UNKNOWN_AUTHORITY},
    {X509_V_ERR_CERT_UNTRUSTED, PROBE_UNKNOWN_AUTHORITY},
};

static enum probe_fault fault_of(int reason)
{
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (faults[i].reason == reason)
            return faults[i].fault;
    return PROBE_OTHER_FAULT;
}

/* One line a fault: OpenSSL's words, and whose fault it is where it is an authority's. */
static void note(struct probe_result *result, enum probe_fault fault, int reason, int depth)
{
    size_t used = strlen(result->verification);
    if (result->faults & fault)
        return;
    result->faults |= fault;
    snprintf(result->verification + used, sizeof result->verification - used, "%s%s%s", used ? "; " : "",
             X509_verify_cert_error_string(reason),
             depth > 0 && fault != PROBE_UNKNOWN_AUTHORITY ? " (an authority's)" : "");
}

/* Lets OpenSSL go on after a fault, so that all of them are seen. */
static int take_fault(int good, X509_STORE_CTX *context)
{
    struct probe_result *result = X509_STORE_CTX_get_app_data(context);
    int reason = X509_STORE_CTX_get_error(context);
    if (!good && result)
        note(result, fault_of(reason), reason, X509_STORE_CTX_get_error_depth(context));
    return 1;
}

/* Without roots the server's own certificate is all that can be judged: its dates and its names. */
static void look_at_leaf(const struct probe_target *target, struct probe_result *result)
{
    X509 *leaf = result->chain.items[0];
    int64_t now = clock_now();
    if (result->leaf.not_after < now)
        note(result, PROBE_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED, 0);
    if (result->leaf.not_before > now)
        note(result, PROBE_NOT_YET_VALID, X509_V_ERR_CERT_NOT_YET_VALID, 0);
    if (!target->host || X509_check_ip_asc(leaf, target->host, 0) == 1 ||
        X509_check_host(leaf, target->host, strlen(target->host), 0, NULL) == 1)
        return;
    note(result, PROBE_WRONG_NAME, X509_V_ERR_HOSTNAME_MISMATCH, 0);
}

/* As clients do: no strict mode, which would refuse authorities that all of them accept. */
static bool verify(const struct probe_target *target, X509_STORE_CTX *context, X509_STORE *store,
                   STACK_OF(X509) * between, struct probe_result *result)
{
    if (!context || !store || !between)
        return false;
    for (size_t i = 0; i < target->roots->count; i++)
        X509_STORE_add_cert(store, target->roots->items[i]);
    for (size_t i = 1; i < result->chain.count; i++)
        sk_X509_push(between, result->chain.items[i]);
    if (X509_STORE_CTX_init(context, store, result->chain.items[0], between) != 1)
        return false;
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(parameters, (time_t)(clock_now() / 1000));
    X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
    if (target->host && !X509_VERIFY_PARAM_set1_ip_asc(parameters, target->host))
        X509_VERIFY_PARAM_set1_host(parameters, target->host, 0);
    X509_STORE_CTX_set_app_data(context, result);
    X509_STORE_CTX_set_verify_cb(context, take_fault);
    return X509_verify_cert(context) == 1;
}

void probe_verify(const struct probe_target *target, struct probe_result *result)
{
    if (!target->roots) {
        look_at_leaf(target, result);
        return;
    }
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *between = sk_X509_new_null();
    if (!verify(target, context, store, between, result) && !result->faults)
        note(result, PROBE_OTHER_FAULT, X509_V_ERR_UNSPECIFIED, 0);
    result->verified = !result->faults;
    sk_X509_free(between);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    ERR_clear_error();
}
