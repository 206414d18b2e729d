/* Bridges between roots, so that who trusts one of them can verify what stands below the other. */
#include "pki/internal.h"

#include <openssl/x509v3.h>

static int64_t end_of(const struct bridge_spec *spec)
{
    int64_t subject_end = pki_time(X509_get0_notAfter(spec->subject_root));
    int64_t issuer_end = pki_time(X509_get0_notAfter(spec->issuer_root));
    return subject_end < issuer_end ? subject_end : issuer_end;
}

/* Copied, not made of the key anew: the subordinates' authorityKeyIdentifier is this one (RFC 5280 4.2.1.1).
 */
static int copy_key_identifier(X509 *certificate, const X509 *subject_root, struct error *error)
{
    int at = X509_get_ext_by_NID(subject_root, NID_subject_key_identifier, -1);
    if (at >= 0 && X509_add_ext(certificate, X509_get_ext(subject_root, at), -1))
        return 0;
    return pki_fail(error, "cannot take over the root's subjectKeyIdentifier");
}

static int extend(X509 *certificate, const struct bridge_spec *spec, struct error *error)
{
    X509 *issuer = spec->issuer_root;
    int result = certificate_extend(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE", error);
    if (!result)
        result = certificate_extend(certificate, issuer, NID_authority_key_identifier, "keyid:always", error);
    if (!result)
        result = copy_key_identifier(certificate, spec->subject_root, error);
    if (!result)
        result =
            certificate_extend(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign", error);
    return result;
}

static int lint_bridge(const X509 *certificate, const struct bridge_spec *spec, struct error *error)
{
    static const int extensions[] = {NID_basic_constraints, NID_authority_key_identifier,
                                     NID_subject_key_identifier, NID_key_usage, NID_undef};
    static const int critical[] = {NID_basic_constraints, NID_key_usage, NID_undef};
    X509 *issuer = spec->issuer_root;
    const struct lint lint = {
        .subject = X509_get_subject_name(spec->subject_root),
        .issuer = X509_get_subject_name(issuer),
        .key = X509_get0_pubkey(spec->subject_root),
        .key_identifier = X509_get0_subject_key_id(spec->subject_root),
        .digest = ca_profile_digest(spec->issuer_profile, spec->partition),
        .not_before = spec->not_before,
        .not_after = end_of(spec),
        .extensions = extensions,
        .critical = critical,
        .is_ca = true,
        .path_length = -1,
        .key_usage = KU_KEY_CERT_SIGN | KU_CRL_SIGN,
        .issuer_certificate = issuer,
        .roots = {&issuer, 1},
    };
    return lint_certificate(certificate, &lint, error);
}

int bridge_certificate_issue(const struct bridge_spec *spec, EVP_PKEY *issuer_key, X509 **made,
                             struct error *error)
{
    X509 *certificate = NULL;
    int64_t end = end_of(spec);
    if (end <= spec->not_before)
        return error_set(error, ERROR_STATE,
                         "a bridge would be over before it begins: a root's life has ended");
    int result =
        certificate_begin(X509_get_subject_name(spec->subject_root), spec->issuer_root,
                          X509_get0_pubkey(spec->subject_root), spec->not_before, end, &certificate, error);
    if (!result)
        result = extend(certificate, spec, error);
    if (!result)
        result = certificate_sign(certificate, issuer_key,
                                  ca_profile_digest(spec->issuer_profile, spec->partition), error);
    if (!result)
        result = lint_bridge(certificate, spec, error);
    if (result)
        X509_free(certificate);
    else
        *made = certificate;
    return result;
}
