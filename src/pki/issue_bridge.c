/* Bridges: one root's name and key certified by another root (a cross-certificate, RFC 5280 3.2). */
#include "base/clock.h"
#include "pki/internal.h"

#include <openssl/x509v3.h>

/* The subordinates below name this key by the root's own identifier, however that was made. */
static int copy_key_identifier(X509 *certificate, X509 *root, struct error *error)
{
    const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(root);
    ASN1_OCTET_STRING *copy = identifier ? ASN1_OCTET_STRING_dup(identifier) : NULL;
    int done =
        copy ? X509_add1_ext_i2d(certificate, NID_subject_key_identifier, copy, 0, X509V3_ADD_APPEND) : 0;
    ASN1_OCTET_STRING_free(copy);
    return done == 1 ? 0 : pki_fail(error, "cannot add the subject key identifier");
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

static int lint(X509 *certificate, const struct bridge_spec *spec, EVP_PKEY *key, enum digest_kind digest,
                int64_t end, struct error *error)
{
    static const int extensions[] = {NID_basic_constraints, NID_authority_key_identifier,
                                     NID_subject_key_identifier, NID_key_usage, NID_undef};
    static const int critical[] = {NID_basic_constraints, NID_key_usage, NID_undef};
    X509 *issuer = spec->issuer_root;
    const struct lint lint = {
        .subject = X509_get_subject_name(spec->subject_root),
        .issuer = X509_get_subject_name(issuer),
        .key = key,
        .digest = digest,
        .not_before = spec->not_before,
        .not_after = end,
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
    int64_t subject_end = pki_time(X509_get0_notAfter(spec->subject_root));
    int64_t issuer_end = pki_time(X509_get0_notAfter(spec->issuer_root));
    int64_t end = subject_end < issuer_end ? subject_end : issuer_end;
    enum digest_kind digest = ca_profile_digest(spec->issuer_profile, spec->partition);
    EVP_PKEY *key = X509_get0_pubkey(spec->subject_root);
    X509 *certificate = NULL;
    if (end <= spec->not_before)
        return error_set(error, ERROR_STATE, "one of the roots has ended: there is nothing to bridge");
    int result = certificate_begin(X509_get_subject_name(spec->subject_root), spec->issuer_root, key,
                                   spec->not_before, end, &certificate, error);
    if (!result)
        result = extend(certificate, spec, error);
    if (!result)
        result = certificate_sign(certificate, issuer_key, digest, error);
    if (!result)
        result = lint(certificate, spec, key, digest, end, error);
    if (result)
        X509_free(certificate);
    else
        *made = certificate;
    return result;
}
