/* Server certificates of DB instances, and the control plane's own. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "pki/internal.h"

#include <openssl/x509v3.h>

static const char *key_usage_text(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") ? "critical,digitalSignature,keyEncipherment"
                                     : "critical,digitalSignature";
}

static uint32_t key_usage_bits(EVP_PKEY *key)
{
    return EVP_PKEY_is_a(key, "RSA") ? KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT : KU_DIGITAL_SIGNATURE;
}

/* AWS's order: CN, OU, O, L, ST, C. */
static X509_NAME *server_subject(const struct server_spec *spec, struct error *error)
{
    const struct organisation *o = spec->organisation;
    X509_NAME *name = X509_NAME_new();
    if (name && !name_add(name, NID_commonName, spec->names->items[0], error) &&
        !name_add(name, NID_organizationalUnitName, o->server_unit, error) &&
        !name_add(name, NID_organizationName, o->server_organisation, error) &&
        !name_add(name, NID_localityName, o->locality, error) &&
        !name_add(name, NID_stateOrProvinceName, o->server_state, error) &&
        !name_add(name, NID_countryName, o->country, error))
        return name;
    X509_NAME_free(name);
    return NULL;
}

static int extend_server(X509 *certificate, X509 *issuer, EVP_PKEY *key, const struct text_list *names,
                         struct error *error)
{
    int result = certificate_extend_names(certificate, names, error);
    if (!result)
        result = certificate_extend(certificate, issuer, NID_basic_constraints, "CA:FALSE", error);
    if (!result)
        result = certificate_extend(certificate, issuer, NID_authority_key_identifier, "keyid:always", error);
    if (!result)
        result = certificate_extend(certificate, issuer, NID_subject_key_identifier, "hash", error);
    if (!result)
        result = certificate_extend(certificate, issuer, NID_key_usage, key_usage_text(key), error);
    if (!result)
        result = certificate_extend(certificate, issuer, NID_ext_key_usage, "serverAuth", error);
    return result;
}

static int64_t shorter(int64_t end, const X509 *issuer)
{
    int64_t issuer_end = pki_time(X509_get0_notAfter(issuer));
    return issuer_end < end ? issuer_end : end;
}

static const int leaf_extensions[] = {NID_subject_alt_name,
                                      NID_basic_constraints,
                                      NID_authority_key_identifier,
                                      NID_subject_key_identifier,
                                      NID_key_usage,
                                      NID_ext_key_usage,
                                      NID_undef};
static const int agent_extensions[] = {NID_basic_constraints,      NID_authority_key_identifier,
                                       NID_subject_key_identifier, NID_key_usage,
                                       NID_ext_key_usage,          NID_undef};
static const int root_extensions[] = {NID_basic_constraints, NID_subject_key_identifier, NID_key_usage,
                                      NID_undef};
static const int leaf_critical[] = {NID_key_usage, NID_undef};
static const int root_critical[] = {NID_basic_constraints, NID_key_usage, NID_undef};

int server_certificate_issue(const struct server_spec *spec, EVP_PKEY *public_key, X509 *subordinate,
                             EVP_PKEY *subordinate_key, X509 *root, X509 **made, struct error *error)
{
    if (!key_is_kind(public_key, spec->profile->key))
        return error_set(error, ERROR_INVALID, "%s signs %s keys only", spec->profile->identifier,
                         key_kind_name(spec->profile->key));
    X509_NAME *subject = server_subject(spec, error);
    if (!subject)
        return (int)error->code;
    X509 *certificate = NULL;
    int64_t end = shorter(spec->not_after, subordinate);
    enum digest_kind digest = ca_profile_digest(spec->profile, spec->partition);
    int result =
        certificate_begin(subject, subordinate, public_key, spec->not_before, end, &certificate, error);
    if (!result)
        result = extend_server(certificate, subordinate, public_key, spec->names, error);
    if (!result)
        result = certificate_sign(certificate, subordinate_key, digest, error);
    const struct lint lint = {
        .subject = subject,
        .issuer = X509_get_subject_name(subordinate),
        .key = public_key,
        .digest = digest,
        .not_before = spec->not_before,
        .not_after = end,
        .extensions = leaf_extensions,
        .critical = leaf_critical,
        .key_usage = key_usage_bits(public_key),
        .names = spec->names,
        .issuer_certificate = subordinate,
        .intermediates = {&subordinate, 1},
        .roots = {&root, 1},
        .purpose = X509_PURPOSE_SSL_SERVER,
    };
    if (!result)
        result = lint_certificate(certificate, &lint, error);
    X509_NAME_free(subject);
    if (result)
        X509_free(certificate);
    else
        *made = certificate;
    return result;
}

static int extend_control(X509 *certificate, X509 *issuer, EVP_PKEY *key, const struct control_spec *spec,
                          struct error *error)
{
    if (spec->kind == CONTROL_SERVER)
        return extend_server(certificate, issuer, key, spec->names, error);
    bool root = spec->kind == CONTROL_ROOT;
    int result = certificate_extend(certificate, issuer, NID_basic_constraints,
                                    root ? "critical,CA:TRUE" : "CA:FALSE", error);
    if (!result && !root)
        result = certificate_extend(certificate, issuer, NID_authority_key_identifier, "keyid:always", error);
    if (!result)
        result = certificate_extend(certificate, issuer, NID_subject_key_identifier, "hash", error);
    if (!result)
        result = certificate_extend(certificate, issuer, NID_key_usage,
                                    root ? "critical,keyCertSign,cRLSign" : key_usage_text(key), error);
    if (!result && !root)
        result = certificate_extend(certificate, issuer, NID_ext_key_usage, "clientAuth", error);
    return result;
}

static int lint_control(X509 *certificate, const struct control_spec *spec, const X509_NAME *subject,
                        EVP_PKEY *key, X509 *issuer, int64_t end, struct error *error)
{
    bool root = spec->kind == CONTROL_ROOT;
    const struct lint lint = {
        .subject = subject,
        .issuer = issuer ? X509_get_subject_name(issuer) : subject,
        .key = key,
        .digest = DIGEST_SHA384,
        .not_before = spec->not_before,
        .not_after = end,
        .extensions = root                           ? root_extensions
                      : spec->kind == CONTROL_SERVER ? leaf_extensions
                                                     : agent_extensions,
        .critical = root ? root_critical : leaf_critical,
        .is_ca = root,
        .path_length = -1,
        .key_usage = root ? KU_KEY_CERT_SIGN | KU_CRL_SIGN : key_usage_bits(key),
        .names = spec->kind == CONTROL_SERVER ? spec->names : NULL,
        .issuer_certificate = issuer,
        .roots = {issuer ? &issuer : NULL, issuer ? 1 : 0},
        .purpose = root                           ? 0
                   : spec->kind == CONTROL_SERVER ? X509_PURPOSE_SSL_SERVER
                                                  : X509_PURPOSE_SSL_CLIENT,
    };
    return lint_certificate(certificate, &lint, error);
}

int control_certificate_issue(const struct control_spec *spec, EVP_PKEY *key, X509 *issuer,
                              EVP_PKEY *issuer_key, X509 **made, struct error *error)
{
    X509_NAME *subject = X509_NAME_new();
    X509 *certificate = NULL;
    int64_t end = issuer ? shorter(spec->not_after, issuer) : spec->not_after;
    int result = name_add(subject, NID_organizationName, "Sealwright", error);
    if (!result)
        result = name_add(subject, NID_commonName, spec->common_name, error);
    if (!result)
        result = certificate_begin(subject, issuer, key, spec->not_before, end, &certificate, error);
    if (!result)
        result = extend_control(certificate, issuer, key, spec, error);
    if (!result)
        result = certificate_sign(certificate, issuer ? issuer_key : key, DIGEST_SHA384, error);
    if (!result)
        result = lint_control(certificate, spec, subject, key, issuer, end, error);
    X509_NAME_free(subject);
    if (result)
        X509_free(certificate);
    else
        *made = certificate;
    return result;
}
