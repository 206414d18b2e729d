/* What the files of this folder share. */
#ifndef PKI_INTERNAL_H
#define PKI_INTERNAL_H

#include "pki/certificate.h"

#include <openssl/x509v3.h>

/* ERROR_CRYPTO with what was tried and OpenSSL's own reason; empties OpenSSL's queue of errors. */
int pki_fail(struct error *error, const char *what);

const EVP_MD *pki_digest(enum digest_kind kind);

/* Appends one attribute to a name: C as PrintableString, the rest as UTF8String, longer than X.520's bounds
 * where a common name has to be. */
int name_add(X509_NAME *name, int nid, const char *value, struct error *error);

/* A certificate in the making: version 3, a serial of 16 random bytes, times (seconds), names, key. `issuer`
 * NULL: self-signed. */
int certificate_begin(const X509_NAME *subject, X509 *issuer, EVP_PKEY *key, int64_t not_before,
                      int64_t not_after, X509 **certificate, struct error *error);
/* Adds an extension in OpenSSL's configuration syntax. */
int certificate_extend(X509 *certificate, X509 *issuer, int nid, const char *value, struct error *error);
/* subjectAltName of names: DNS names, and IP addresses where they parse as such. */
int certificate_extend_names(X509 *certificate, const struct text_list *names, struct error *error);
int certificate_extend_constraints(X509 *certificate, const struct text_list *permitted,
                                   bool allow_ip_addresses, struct error *error);
int certificate_sign(X509 *certificate, EVP_PKEY *issuer_key, enum digest_kind digest, struct error *error);

GENERAL_NAMES *general_names_of(const struct text_list *names);
void text_list_of_general_names(const GENERAL_NAMES *general, struct text_list *names);

/* What a certificate must be before it leaves. */
struct lint {
    const X509_NAME *subject;
    const X509_NAME *issuer;
    EVP_PKEY *key;
    const ASN1_OCTET_STRING *key_identifier; /* subjectKeyIdentifier; NULL: any */
    enum digest_kind digest;
    int64_t not_before, not_after;
    const int *extensions; /* NIDs in order, ended by NID_undef */
    const int *critical;   /* those among them that are critical, ended by NID_undef */
    bool is_ca;
    int path_length;                              /* -1: none */
    uint32_t key_usage;                           /* as X509_get_key_usage answers */
    const struct text_list *names;                /* subjectAltName; NULL: none */
    const X509 *issuer_certificate;               /* NULL: self-signed */
    struct certificate_list intermediates, roots; /* for the chain check */
    int purpose;
};
/* Parses the certificate's DER again and compares it with what it must be; checks the chain with
 * X509_V_FLAG_X509_STRICT. */
int lint_certificate(const X509 *certificate, const struct lint *lint, struct error *error);

int64_t pki_years_after(int64_t milliseconds, int years, int hours);
int64_t pki_time(const ASN1_TIME *time);

#endif
