/* The parts of a certificate in the making (RFC 5280 4.1). */
#include "base/memory.h"
#include "pki/internal.h"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

enum { SERIAL_SIZE = 16 };

int name_add(X509_NAME *name, int nid, const char *value, struct error *error)
{
    /* With an explicit string type OpenSSL leaves X.520's upper bounds alone: endpoints are longer than the
     * 64 characters of a common name, as AWS's own are. */
    int type = nid == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
    if (X509_NAME_add_entry_by_NID(name, nid, type, (const unsigned char *)value, (int)strlen(value), -1,
                                   0) == 1)
        return 0;
    return pki_fail(error, value);
}

/* Positive, not zero, at most 20 octets (RFC 5280 4.1.2.2). */
static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_SIZE] = {0};
    BIGNUM *number = BN_new();
    bool done = number && RAND_bytes(bytes, sizeof bytes) == 1;
    bytes[0] |= 1; /* the first octet is not zero: all serials have one length */
    done = done && BN_bin2bn(bytes, sizeof bytes, number) &&
           BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return done;
}

/* UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280 4.1.2.5): ASN1_TIME_set does that. */
static bool set_times(X509 *certificate, int64_t not_before, int64_t not_after)
{
    return ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)(not_before / 1000)) &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)(not_after / 1000));
}

int certificate_begin(const X509_NAME *subject, X509 *issuer, EVP_PKEY *key, int64_t not_before,
                      int64_t not_after, X509 **made, struct error *error)
{
    X509 *certificate = X509_new();
    const X509_NAME *issuer_name = issuer ? X509_get_subject_name(issuer) : subject;
    if (certificate && X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
        set_times(certificate, not_before, not_after) && X509_set_subject_name(certificate, subject) &&
        X509_set_issuer_name(certificate, issuer_name) && X509_set_pubkey(certificate, key)) {
        *made = certificate;
        return 0;
    }
    X509_free(certificate);
    return pki_fail(error, "cannot begin a certificate");
}

int certificate_extend(X509 *certificate, X509 *issuer, int nid, const char *value, struct error *error)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer : certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    int added = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return added ? 0 : pki_fail(error, value);
}

static GENERAL_NAME *address_name(const char *text)
{
    unsigned char bytes[16];
    int length = inet_pton(AF_INET, text, bytes) == 1 ? 4 : inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
    if (!length)
        return NULL;
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(octets, bytes, length);
    GENERAL_NAME_set0_value(name, GEN_IPADD, octets);
    return name;
}

static GENERAL_NAME *dns_name(const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();
    ASN1_STRING_set(string, text, (int)strlen(text));
    GENERAL_NAME_set0_value(name, GEN_DNS, string);
    return name;
}

GENERAL_NAMES *general_names_of(const struct text_list *names)
{
    GENERAL_NAMES *general = GENERAL_NAMES_new();
    for (size_t i = 0; i < names->count; i++) {
        GENERAL_NAME *address = address_name(names->items[i]);
        sk_GENERAL_NAME_push(general, address ? address : dns_name(names->items[i]));
    }
    return general;
}

void text_list_of_general_names(const GENERAL_NAMES *general, struct text_list *names)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(general); i++) {
        int type;
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(general, i);
        const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
        char text[INET6_ADDRSTRLEN] = "?";
        if (type == GEN_DNS) {
            AUTO_FREE char *copy =
                slice_string(slice_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
            bool whole = strlen(copy) == (size_t)ASN1_STRING_length(value);
            text_list_add(names, whole ? copy : "?");
            continue;
        }
        if (type == GEN_IPADD && ASN1_STRING_length(value) == 4)
            inet_ntop(AF_INET, ASN1_STRING_get0_data(value), text, sizeof text);
        else if (type == GEN_IPADD && ASN1_STRING_length(value) == 16)
            inet_ntop(AF_INET6, ASN1_STRING_get0_data(value), text, sizeof text);
        text_list_add(names, text);
    }
}

int certificate_extend_names(X509 *certificate, const struct text_list *names, struct error *error)
{
    GENERAL_NAMES *general = general_names_of(names);
    int added = X509_add1_ext_i2d(certificate, NID_subject_alt_name, general, 0, 0);
    GENERAL_NAMES_free(general);
    return added == 1 ? 0 : pki_fail(error, "cannot add the subject's names");
}

int certificate_extend_constraints(X509 *certificate, const struct text_list *permitted,
                                   bool allow_ip_addresses, struct error *error)
{
    AUTO_BUF struct buf value = {0};
    buf_append_text(&value, "critical");
    for (size_t i = 0; i < permitted->count; i++)
        buf_printf(&value, ",permitted;DNS:%s", permitted->items[i]);
    if (!allow_ip_addresses)
        buf_append_text(&value, ",excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0");
    return certificate_extend(certificate, NULL, NID_name_constraints, buf_text(&value), error);
}

int certificate_sign(X509 *certificate, EVP_PKEY *issuer_key, enum digest_kind digest, struct error *error)
{
    return X509_sign(certificate, issuer_key, pki_digest(digest)) > 0
               ? 0
               : pki_fail(error, "cannot sign a certificate");
}

int64_t pki_years_after(int64_t milliseconds, int years, int hours)
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    tm.tm_year += years;
    tm.tm_hour += hours;
    return (int64_t)timegm(&tm) * 1000;
}

int64_t pki_time(const ASN1_TIME *time)
{
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
        return -1;
    return (int64_t)timegm(&tm) * 1000;
}
