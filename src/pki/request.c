/* Certificate requests (PKCS #10, RFC 2986). */
#include "base/memory.h"
#include "pki/internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

enum { REQUEST_LIMIT = 16 * 1024, NAMES_LIMIT = 100 };

static bool add_names(X509_REQ *request, const struct text_list *names)
{
    GENERAL_NAMES *general = general_names_of(names);
    X509_EXTENSION *extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, general);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    bool done = extension && extensions && sk_X509_EXTENSION_push(extensions, extension) > 0 &&
                X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_free(extensions);
    X509_EXTENSION_free(extension);
    GENERAL_NAMES_free(general);
    return done;
}

int request_make(EVP_PKEY *key, const struct text_list *names, struct buf *der, struct error *error)
{
    X509_REQ *request = X509_REQ_new();
    X509_NAME *subject = X509_NAME_new();
    unsigned char *bytes = NULL;
    int length = -1;
    const char *first = names->count ? names->items[0] : "agent";
    if (request && subject && name_add(subject, NID_commonName, first, error) == 0 &&
        X509_REQ_set_version(request, X509_REQ_VERSION_1) && X509_REQ_set_subject_name(request, subject) &&
        X509_REQ_set_pubkey(request, key) && (names->count == 0 || add_names(request, names)) &&
        X509_REQ_sign(request, key, EVP_sha384()) > 0)
        length = i2d_X509_REQ(request, &bytes);
    buf_append(der, bytes, length > 0 ? (size_t)length : 0);
    OPENSSL_free(bytes);
    X509_NAME_free(subject);
    X509_REQ_free(request);
    return length > 0 ? 0 : pki_fail(error, "cannot make a certificate request");
}

static void read_names(X509_REQ *request, struct text_list *names)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *general = extensions ? X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL) : NULL;
    if (general && sk_GENERAL_NAME_num(general) <= NAMES_LIMIT)
        text_list_of_general_names(general, names);
    GENERAL_NAMES_free(general);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

int request_read(struct slice der, EVP_PKEY **key, struct text_list *names, struct error *error)
{
    *key = NULL;
    if (der.length == 0 || der.length > REQUEST_LIMIT)
        return error_set(error, ERROR_INVALID, "a certificate request of %zu bytes: expected 1 to %d",
                         der.length, REQUEST_LIMIT);
    const unsigned char *at = der.data;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.length);
    EVP_PKEY *found = request && at == der.data + der.length ? X509_REQ_get_pubkey(request) : NULL;
    bool good = found && X509_REQ_verify(request, found) == 1;
    if (good) {
        read_names(request, names);
        *key = found;
    } else {
        EVP_PKEY_free(found);
    }
    X509_REQ_free(request);
    ERR_clear_error();
    return good ? 0 : error_set(error, ERROR_INVALID, "not a certificate request signed with its own key");
}
