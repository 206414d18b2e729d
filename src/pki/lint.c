/* The last look at a certificate before it leaves: parsed again and compared with what it must be. */
#include "base/clock.h"
#include "base/memory.h"
#include "pki/internal.h"

#include <openssl/x509v3.h>
#include <string.h>

static int wrong(struct error *error, const char *what)
{
    return error_set(error, ERROR_INTERNAL, "the certificate made is not what was asked for: %s differs",
                     what);
}

static bool has_nid(const int *list, int nid)
{
    for (; *list != NID_undef; list++)
        if (*list == nid)
            return true;
    return false;
}

static int check_extensions(const X509 *certificate, const struct lint *lint, struct error *error)
{
    int count = 0;
    while (lint->extensions[count] != NID_undef)
        count++;
    if (X509_get_ext_count(certificate) != count)
        return wrong(error, "the number of extensions");
    for (int i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509_get_ext(certificate, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid != lint->extensions[i])
            return wrong(error, OBJ_nid2sn(lint->extensions[i]));
        if ((X509_EXTENSION_get_critical(extension) == 1) != has_nid(lint->critical, nid))
            return wrong(error, "an extension's criticality");
    }
    return 0;
}

static int check_names(X509 *certificate, const struct lint *lint, struct error *error)
{
    GENERAL_NAMES *general = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    struct text_list found = {0};
    if (general)
        text_list_of_general_names(general, &found);
    GENERAL_NAMES_free(general);
    static const struct text_list none = {0};
    bool same = text_list_equal(&found, lint->names ? lint->names : &none);
    text_list_free(&found);
    return same ? 0 : wrong(error, "the subject's names");
}

/* 16 random octets: one more in DER when the top bit is set (RFC 5280 4.1.2.2: positive, at most 20). */
static bool good_serial(const X509 *certificate)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    return ASN1_STRING_type(serial) == V_ASN1_INTEGER && ASN1_STRING_length(serial) == 16;
}

/* By their DER, which X509_NAME_cmp is not: it ignores case and the types of strings. */
static bool same_name(const X509_NAME *a, const X509_NAME *b)
{
    const unsigned char *a_der, *b_der;
    size_t a_length, b_length;
    return X509_NAME_get0_der(a, &a_der, &a_length) && X509_NAME_get0_der(b, &b_der, &b_length) &&
           slice_equal(slice_of(a_der, a_length), slice_of(b_der, b_length));
}

static bool same_key_identifier(X509 *certificate, const ASN1_OCTET_STRING *expected)
{
    const ASN1_OCTET_STRING *found = X509_get0_subject_key_id(certificate);
    return !expected || (found && ASN1_OCTET_STRING_cmp(found, expected) == 0);
}

static int check_fields(X509 *certificate, const struct lint *lint, struct error *error)
{
    int digest_nid = NID_undef, key_nid = NID_undef;
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    if (X509_get_version(certificate) != X509_VERSION_3)
        return wrong(error, "the version");
    if (!good_serial(certificate))
        return wrong(error, "the serial number");
    if (!same_name(X509_get_subject_name(certificate), lint->subject))
        return wrong(error, "the subject");
    if (!same_name(X509_get_issuer_name(certificate), lint->issuer))
        return wrong(error, "the issuer");
    if (!key || EVP_PKEY_eq(key, lint->key) != 1)
        return wrong(error, "the key");
    if (!same_key_identifier(certificate, lint->key_identifier))
        return wrong(error, "the subjectKeyIdentifier");
    if (!OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest_nid, &key_nid) ||
        digest_nid != EVP_MD_get_type(pki_digest(lint->digest)))
        return wrong(error, "the signature's digest");
    if (pki_time(X509_get0_notBefore(certificate)) != lint->not_before / 1000 * 1000 ||
        pki_time(X509_get0_notAfter(certificate)) != lint->not_after / 1000 * 1000)
        return wrong(error, "the validity");
    return 0;
}

static int check_meaning(X509 *certificate, const struct lint *lint, struct error *error)
{
    uint32_t flags = X509_get_extension_flags(certificate);
    if ((flags & EXFLAG_INVALID) || ((flags & EXFLAG_CA) != 0) != lint->is_ca)
        return wrong(error, "the basic constraints");
    if (lint->is_ca && X509_get_pathlen(certificate) != lint->path_length)
        return wrong(error, "the path length");
    if (X509_get_key_usage(certificate) != lint->key_usage)
        return wrong(error, "the key usage");
    return 0;
}

static int verify(X509 *leaf, const struct certificate_list *intermediates,
                  const struct certificate_list *roots, const char *host, int64_t when, int purpose,
                  struct error *error)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (!store || !context || !chain)
        return pki_fail(error, "cannot check a chain");
    for (size_t i = 0; i < roots->count; i++)
        X509_STORE_add_cert(store, roots->items[i]);
    for (size_t i = 0; i < intermediates->count; i++)
        sk_X509_push(chain, intermediates->items[i]);
    X509_STORE_CTX_init(context, store, leaf, chain);
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    /* A root's own signature matters when the root is what is checked; below it, it was checked when it was
     * made. */
    bool self_signed = roots->count == 1 && X509_cmp(roots->items[0], leaf) == 0;
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT |
                                                (self_signed ? X509_V_FLAG_CHECK_SS_SIGNATURE : 0UL));
    X509_VERIFY_PARAM_set_time(parameters, (time_t)(when / 1000));
    if (purpose)
        X509_VERIFY_PARAM_set_purpose(parameters, purpose);
    if (host && !X509_VERIFY_PARAM_set1_ip_asc(parameters, host))
        X509_VERIFY_PARAM_set1_host(parameters, host, 0);
    int good = X509_verify_cert(context);
    int reason = X509_STORE_CTX_get_error(context);
    sk_X509_free(chain);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return good == 1 ? 0
                     : error_set(error, ERROR_CRYPTO, "the chain does not verify: %s",
                                 X509_verify_cert_error_string(reason));
}

int chain_verify(X509 *leaf, const struct certificate_list *intermediates,
                 const struct certificate_list *roots, const char *host, int64_t when, struct error *error)
{
    return verify(leaf, intermediates, roots, host, when, 0, error);
}

int lint_certificate(const X509 *certificate, const struct lint *lint, struct error *error)
{
    AUTO_BUF struct buf der = {0};
    X509 *again = NULL;
    certificate_der(certificate, &der);
    int result = certificate_parse(slice_buf(&der), &again, error);
    if (!result)
        result = check_fields(again, lint, error);
    if (!result)
        result = check_extensions(again, lint, error);
    if (!result)
        result = check_names(again, lint, error);
    if (!result)
        result = check_meaning(again, lint, error);
    if (!result) {
        struct certificate_list self = {&again, 1};
        const struct certificate_list *roots = lint->issuer_certificate ? &lint->roots : &self;
        result = verify(again, &lint->intermediates, roots, NULL, lint->not_before, lint->purpose, error);
    }
    X509_free(again);
    return result;
}
