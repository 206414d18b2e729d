/* Trust bundles in the formats that clients read. */
#include "pki/bundle.h"

#include "base/memory.h"
#include "base/text.h"
#include "pki/internal.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

int bundle_pem(const struct certificate_list *certificates, struct buf *out, struct error *error)
{
    (void)error;
    for (size_t i = 0; i < certificates->count; i++)
        certificate_pem(certificates->items[i], out);
    return 0;
}

/* SignedData with certificates alone: no content, no signers (RFC 2315 9.1). */
static PKCS7 *signed_data(const struct certificate_list *certificates)
{
    PKCS7 *pkcs7 = PKCS7_new();
    bool good = pkcs7 && PKCS7_set_type(pkcs7, NID_pkcs7_signed) && PKCS7_content_new(pkcs7, NID_pkcs7_data);
    if (good)
        PKCS7_set_detached(pkcs7, 1);
    for (size_t i = 0; good && i < certificates->count; i++)
        good = PKCS7_add_certificate(pkcs7, certificates->items[i]) == 1;
    if (good)
        return pkcs7;
    PKCS7_free(pkcs7);
    return NULL;
}

int bundle_pkcs7(const struct certificate_list *certificates, struct buf *out, struct error *error)
{
    PKCS7 *pkcs7 = signed_data(certificates);
    BIO *memory = BIO_new(BIO_s_mem());
    char *data = NULL;
    bool done = pkcs7 && memory && PEM_write_bio_PKCS7(memory, pkcs7) == 1;
    long length = done ? BIO_get_mem_data(memory, &data) : 0;
    buf_append(out, data, (size_t)length);
    BIO_free(memory);
    PKCS7_free(pkcs7);
    return done ? 0 : pki_fail(error, "cannot make a PKCS #7 bundle");
}

/* A short name of a certificate that is its own in the bundle: its common name in lowercase and the start of
 * its fingerprint. */
static int alias_of(const X509 *certificate, char *alias, size_t size, struct error *error)
{
    struct certificate_facts facts;
    char name[128] = "certificate";
    int result = certificate_facts(certificate, &facts, error);
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    snprintf(alias, size, "%s %.16s", name, facts.sha256);
    text_lower(alias);
    return result;
}

/* Java's modified UTF-8 with a length of two octets; our aliases are ASCII. */
static void append_utf(struct buf *out, const char *text)
{
    buf_append_u16(out, (uint16_t)strlen(text));
    buf_append_text(out, text);
}

#define JKS_MAGIC UINT32_C(0xFEEDFEED)
enum { JKS_VERSION = 2, JKS_TRUSTED = 2 };

/* SHA-1 over the password in UTF-16, "Mighty Aphrodite" and the content: Java's check of integrity. */
static void append_jks_digest(struct buf *out)
{
    AUTO_BUF struct buf text = {0};
    unsigned char digest[SHA_DIGEST_LENGTH];
    for (const char *each = BUNDLE_PASSWORD; *each; each++)
        buf_append_u16(&text, (uint16_t)*each);
    buf_append_text(&text, "Mighty Aphrodite");
    buf_append_slice(&text, slice_buf(out));
    SHA1(text.data, text.length, digest);
    buf_append(out, digest, sizeof digest);
}

int bundle_jks(const struct certificate_list *certificates, struct buf *out, struct error *error)
{
    AUTO_BUF struct buf store = {0};
    buf_append_u32(&store, JKS_MAGIC);
    buf_append_u32(&store, JKS_VERSION);
    buf_append_u32(&store, (uint32_t)certificates->count);
    for (size_t i = 0; i < certificates->count; i++) {
        AUTO_BUF struct buf der = {0};
        char alias[160];
        if (alias_of(certificates->items[i], alias, sizeof alias, error))
            return (int)error->code;
        certificate_der(certificates->items[i], &der);
        buf_append_u32(&store, JKS_TRUSTED);
        append_utf(&store, alias);
        /* The entry's date: the certificate's own, so that the same bundle has the same bytes everywhere. */
        buf_append_u64(&store, (uint64_t)pki_time(X509_get0_notBefore(certificates->items[i])));
        append_utf(&store, "X.509");
        buf_append_u32(&store, (uint32_t)der.length);
        buf_append_slice(&store, slice_buf(&der));
    }
    append_jks_digest(&store);
    buf_append_slice(out, slice_buf(&store));
    return 0;
}

/* Java takes a certificate of a PKCS #12 file as trusted only with this attribute on its bag. */
#define TRUSTED_KEY_USAGE      "2.16.840.1.113894.746875.1.1"
#define ANY_EXTENDED_KEY_USAGE "2.5.29.37.0"

static bool mark_trusted(PKCS12_SAFEBAG *bag)
{
    ASN1_OBJECT *usage = OBJ_txt2obj(ANY_EXTENDED_KEY_USAGE, 1);
    /* With the length -1 the value is taken as an object of that ASN.1 type. */
    bool done = usage && PKCS12_add1_attr_by_txt(bag, TRUSTED_KEY_USAGE, V_ASN1_OBJECT,
                                                 (const unsigned char *)usage, -1) == 1;
    ASN1_OBJECT_free(usage);
    return done;
}

static bool add_bag(STACK_OF(PKCS12_SAFEBAG) * *bags, X509 *certificate, struct error *error)
{
    char alias[160];
    PKCS12_SAFEBAG *bag = PKCS12_add_cert(bags, certificate);
    return bag && alias_of(certificate, alias, sizeof alias, error) == 0 &&
           PKCS12_add_friendlyname_utf8(bag, alias, -1) == 1 && mark_trusted(bag);
}

enum { SALT_LENGTH = 16, MAC_ITERATIONS = 10000 };

/* The MAC's salt is made from the certificates, so that the same bundle has the same bytes everywhere.
 * Neither the salt nor the password (changeit) has to be a secret here. */
static void salt_of(const struct certificate_list *certificates, unsigned char digest[SHA256_DIGEST_LENGTH])
{
    AUTO_BUF struct buf all = {0};
    for (size_t i = 0; i < certificates->count; i++)
        certificate_der(certificates->items[i], &all);
    SHA256(all.data, all.length, digest);
}

int bundle_pkcs12(const struct certificate_list *certificates, struct buf *out, struct error *error)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    STACK_OF(PKCS7) *safes = NULL;
    PKCS12 *store = NULL;
    unsigned char *bytes = NULL, salt[SHA256_DIGEST_LENGTH];
    bool good = true;
    salt_of(certificates, salt);
    for (size_t i = 0; good && i < certificates->count; i++)
        good = add_bag(&bags, certificates->items[i], error);
    /* Not encrypted: certificates are public. The MAC is what Java checks with the password. */
    good = good && PKCS12_add_safe(&safes, bags, -1, 0, NULL) == 1;
    store = good ? PKCS12_add_safes(safes, 0) : NULL;
    good = store &&
           PKCS12_set_mac(store, BUNDLE_PASSWORD, -1, salt, SALT_LENGTH, MAC_ITERATIONS, EVP_sha256()) == 1;
    int length = good ? i2d_PKCS12(store, &bytes) : 0;
    buf_append(out, bytes, length > 0 ? (size_t)length : 0);
    OPENSSL_free(bytes);
    PKCS12_free(store);
    sk_PKCS7_pop_free(safes, PKCS7_free);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return length > 0 ? 0 : pki_fail(error, "cannot make a PKCS #12 bundle");
}
