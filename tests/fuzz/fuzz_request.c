/* pki/: certificate requests (PKCS #10) and certificates as they come from outside. */
#include "pki/certificate.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    struct text_list names = {0};
    struct certificate_list list = {0};
    struct certificate_facts facts;
    request_read(bytes, &key, &names, NULL);
    EVP_PKEY_free(key);
    text_list_free(&names);
    if (certificate_parse(bytes, &certificate, NULL) == 0)
        certificate_facts(certificate, &facts, NULL);
    X509_free(certificate);
    certificate_list_parse_pem(bytes, &list, NULL);
    certificate_list_free(&list);
    return 0;
}
