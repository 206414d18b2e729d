/* Roots and subordinates of the four CAs, as AWS's own look. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "pki/internal.h"

#include <openssl/x509v3.h>
#include <stdio.h>

#define CA_KEY_USAGE     (KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN | KU_CRL_SIGN)
#define LEGACY_KEY_USAGE (KU_KEY_CERT_SIGN | KU_CRL_SIGN)

static bool is_legacy(const struct ca_spec *spec)
{
    return spec->profile->root_years == 0;
}

static void common_name(const struct ca_spec *spec, char *name, size_t size)
{
    const char *product = spec->organisation->product;
    const char *label = spec->profile->label;
    if (is_legacy(spec) && spec->subordinate)
        snprintf(name, size, "%s %s 2019 CA", product, spec->scope);
    else if (is_legacy(spec))
        snprintf(name, size, "%s %s2019 CA", product,
                 text_equal(spec->scope, "aws") ? "Root " : "GovCloud Root ");
    else if (spec->subordinate)
        snprintf(name, size, "%s %s Subordinate CA %s G1.A.%d", product, spec->scope, label, spec->number);
    else
        snprintf(name, size, "%s %s Root CA %s G1", product, spec->scope, label);
}

struct attribute {
    int nid;
    const char *value;
};

static X509_NAME *name_of(const struct attribute *attributes, size_t count, struct error *error)
{
    X509_NAME *name = X509_NAME_new();
    for (size_t i = 0; i < count; i++) {
        if (name_add(name, attributes[i].nid, attributes[i].value, error)) {
            X509_NAME_free(name);
            return NULL;
        }
    }
    return name;
}

/* AWS's order of attributes differs by CA (contract: certificates decoded). */
static X509_NAME *subject_of(const struct ca_spec *spec, struct error *error)
{
    const struct organisation *o = spec->organisation;
    const char *state = is_legacy(spec) ? o->server_state : o->state;
    char name[200];
    common_name(spec, name, sizeof name);
    const struct attribute g1[] = {{NID_countryName, o->country},
                                   {NID_organizationName, o->organisation},
                                   {NID_organizationalUnitName, o->unit},
                                   {NID_stateOrProvinceName, state},
                                   {NID_commonName, name},
                                   {NID_localityName, o->locality}};
    const struct attribute legacy_root[] = {
        {NID_countryName, o->country},         {NID_localityName, o->locality},
        {NID_stateOrProvinceName, state},      {NID_organizationName, o->organisation},
        {NID_organizationalUnitName, o->unit}, {NID_commonName, name}};
    const struct attribute legacy_subordinate[] = {
        {NID_countryName, o->country},         {NID_stateOrProvinceName, state},
        {NID_localityName, o->locality},       {NID_organizationName, o->organisation},
        {NID_organizationalUnitName, o->unit}, {NID_commonName, name}};
    const struct attribute *chosen = !is_legacy(spec)    ? g1
                                     : spec->subordinate ? legacy_subordinate
                                                         : legacy_root;
    return name_of(chosen, sizeof g1 / sizeof g1[0], error);
}

static int64_t end_of(const struct ca_spec *spec, X509 *issuer)
{
    int64_t issuer_end = issuer ? pki_time(X509_get0_notAfter(issuer)) : 0;
    if (is_legacy(spec))
        return issuer ? issuer_end : spec->not_after / 1000 * 1000;
    int64_t end = pki_years_after(spec->not_before, spec->subordinate ? 10 : spec->profile->root_years, 1);
    return issuer && issuer_end < end ? issuer_end : end;
}

static int extend(X509 *certificate, X509 *issuer, const struct ca_spec *spec, struct error *error)
{
    int result;
    if (is_legacy(spec)) {
        result =
            certificate_extend(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign", error);
        if (!result)
            result = certificate_extend(certificate, issuer, NID_basic_constraints,
                                        issuer ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE", error);
        if (!result)
            result = certificate_extend(certificate, issuer, NID_subject_key_identifier, "hash", error);
        if (!result)
            result =
                certificate_extend(certificate, issuer, NID_authority_key_identifier, "keyid:always", error);
    } else {
        result = certificate_extend(certificate, issuer, NID_basic_constraints,
                                    issuer ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE", error);
        if (!result && issuer)
            result =
                certificate_extend(certificate, issuer, NID_authority_key_identifier, "keyid:always", error);
        if (!result)
            result = certificate_extend(certificate, issuer, NID_subject_key_identifier, "hash", error);
        if (!result)
            result = certificate_extend(certificate, issuer, NID_key_usage,
                                        "critical,digitalSignature,keyCertSign,cRLSign", error);
    }
    if (!result && issuer)
        result = certificate_extend_constraints(certificate, spec->permitted_domains,
                                                spec->allow_ip_addresses, error);
    return result;
}

static int lint_ca(X509 *certificate, const struct ca_spec *spec, const X509_NAME *subject, EVP_PKEY *key,
                   X509 *issuer, struct error *error)
{
    static const int root[] = {NID_basic_constraints, NID_subject_key_identifier, NID_key_usage, NID_undef};
    static const int subordinate[] = {NID_basic_constraints,      NID_authority_key_identifier,
                                      NID_subject_key_identifier, NID_key_usage,
                                      NID_name_constraints,       NID_undef};
    static const int legacy_root[] = {NID_key_usage, NID_basic_constraints, NID_subject_key_identifier,
                                      NID_authority_key_identifier, NID_undef};
    static const int legacy_subordinate[] = {NID_key_usage,
                                             NID_basic_constraints,
                                             NID_subject_key_identifier,
                                             NID_authority_key_identifier,
                                             NID_name_constraints,
                                             NID_undef};
    static const int critical[] = {NID_basic_constraints, NID_key_usage, NID_name_constraints, NID_undef};
    struct lint lint = {
        .subject = subject,
        .issuer = issuer ? X509_get_subject_name(issuer) : subject,
        .key = key,
        .digest = ca_profile_digest(spec->profile, spec->partition),
        .not_before = spec->not_before,
        .not_after = end_of(spec, issuer),
        .extensions = is_legacy(spec) ? (issuer ? legacy_subordinate : legacy_root)
                      : issuer        ? subordinate
                                      : root,
        .critical = critical,
        .is_ca = true,
        .path_length = issuer ? 0 : -1,
        .key_usage = is_legacy(spec) ? LEGACY_KEY_USAGE : CA_KEY_USAGE,
        .issuer_certificate = issuer,
        .roots = {issuer ? &issuer : NULL, issuer ? 1 : 0},
    };
    return lint_certificate(certificate, &lint, error);
}

int ca_certificate_issue(const struct ca_spec *spec, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                         X509 **made, struct error *error)
{
    X509_NAME *subject = subject_of(spec, error);
    X509 *certificate = NULL;
    if (!subject)
        return (int)error->code;
    int result = key_is_kind(key, spec->profile->key)
                     ? certificate_begin(subject, issuer, key, spec->not_before, end_of(spec, issuer),
                                         &certificate, error)
                     : error_set(error, ERROR_INVALID, "%s has %s keys only", spec->profile->identifier,
                                 key_kind_name(spec->profile->key));
    if (!result)
        result = extend(certificate, issuer, spec, error);
    if (!result)
        result = certificate_sign(certificate, issuer ? issuer_key : key,
                                  ca_profile_digest(spec->profile, spec->partition), error);
    if (!result)
        result = lint_ca(certificate, spec, subject, key, issuer, error);
    X509_NAME_free(subject);
    if (result)
        X509_free(certificate);
    else
        *made = certificate;
    return result;
}
