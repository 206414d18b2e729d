/* Reading certificates, and writing them down. */
#include "base/memory.h"
#include "base/text.h"
#include "pki/internal.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { CERTIFICATE_LIMIT = 64 * 1024 };

int certificate_parse(struct slice der, X509 **certificate, struct error *error)
{
    const unsigned char *at = der.data;
    if (der.length == 0 || der.length > CERTIFICATE_LIMIT)
        return error_set(error, ERROR_INVALID, "%zu bytes are no certificate", der.length);
    *certificate = d2i_X509(NULL, &at, (long)der.length);
    if (*certificate && at == der.data + der.length)
        return 0;
    X509_free(*certificate);
    *certificate = NULL;
    ERR_clear_error();
    return error_set(error, ERROR_INVALID, "not a certificate in DER");
}

void certificate_der(const X509 *certificate, struct buf *der)
{
    unsigned char *bytes = NULL;
    int length = i2d_X509(certificate, &bytes);
    buf_append(der, bytes, length > 0 ? (size_t)length : 0);
    OPENSSL_free(bytes);
}

void certificate_pem_of_der(struct slice der, struct buf *pem)
{
    AUTO_BUF struct buf text = {0};
    text_base64(der, &text);
    buf_append_text(pem, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < text.length; at += 64) {
        buf_append(pem, text.data + at, text.length - at < 64 ? text.length - at : 64);
        buf_append_byte(pem, '\n');
    }
    buf_append_text(pem, "-----END CERTIFICATE-----\n");
}

void certificate_pem(const X509 *certificate, struct buf *pem)
{
    AUTO_BUF struct buf der = {0};
    certificate_der(certificate, &der);
    certificate_pem_of_der(slice_buf(&der), pem);
}

static bool name_text(const X509_NAME *name, char *text, size_t size)
{
    BIO *memory = BIO_new(BIO_s_mem());
    bool done = memory && X509_NAME_print_ex(memory, name, 0,
                                             XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0;
    int length = done ? BIO_read(memory, text, (int)size - 1) : 0;
    text[length > 0 ? length : 0] = 0;
    BIO_free(memory);
    return done;
}

static bool serial_text(const X509 *certificate, char text[48])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    int length = ASN1_STRING_length(serial);
    if (length < 1 || length > 20)
        return false;
    text_hex(ASN1_STRING_get0_data(serial), (size_t)length, text);
    return true;
}

static bool digest_text(const X509 *certificate, const EVP_MD *digest, char *text)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (X509_digest(certificate, digest, bytes, &length) != 1)
        return false;
    text_hex(bytes, length, text);
    return true;
}

int certificate_facts(const X509 *certificate, struct certificate_facts *facts, struct error *error)
{
    *facts = (struct certificate_facts){
        .not_before = pki_time(X509_get0_notBefore(certificate)),
        .not_after = pki_time(X509_get0_notAfter(certificate)),
    };
    if (name_text(X509_get_subject_name(certificate), facts->subject, sizeof facts->subject) &&
        name_text(X509_get_issuer_name(certificate), facts->issuer, sizeof facts->issuer) &&
        serial_text(certificate, facts->serial) && digest_text(certificate, EVP_sha1(), facts->sha1) &&
        digest_text(certificate, EVP_sha256(), facts->sha256))
        return 0;
    return pki_fail(error, "cannot read a certificate");
}

int certificate_list_parse_pem(struct slice pem, struct certificate_list *list, struct error *error)
{
    BIO *memory = BIO_new_mem_buf(pem.data, (int)pem.length);
    size_t before = list->count;
    for (X509 *each; memory && (each = PEM_read_bio_X509(memory, NULL, NULL, NULL));) {
        certificate_list_add(list, each);
        X509_free(each);
    }
    BIO_free(memory);
    bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!at_end || list->count == before)
        return pki_fail(error, "not certificates in PEM");
    ERR_clear_error();
    return 0;
}
