/* Trust bundles in the formats that clients read. All hold all certificates given, in the order given; the
 * same certificates give the same bytes in every process. */
#ifndef PKI_BUNDLE_H
#define PKI_BUNDLE_H

#include "base/buf.h"
#include "base/error.h"
#include "pki/certificate.h"

/* Java asks for a password to check a trust store's integrity; the one its own cacerts uses. No secret is in
 * it. */
#define BUNDLE_PASSWORD "changeit"

int bundle_pem(const struct certificate_list *certificates, struct buf *out, struct error *error);
/* PEM armour "PKCS7", SignedData without signers (RFC 2315 9.1), as `openssl crl2pkcs7 -nocrl`. */
int bundle_pkcs7(const struct certificate_list *certificates, struct buf *out, struct error *error);
/* Java's own format, version 2, one trusted entry a certificate. */
int bundle_jks(const struct certificate_list *certificates, struct buf *out, struct error *error);
/* PKCS #12 with Java's trusted-key-usage attribute (2.16.840.1.113894.746875.1.1 = anyExtendedKeyUsage) on
 * each bag, without which Java lists none of them. */
int bundle_pkcs12(const struct certificate_list *certificates, struct buf *out, struct error *error);

#endif
