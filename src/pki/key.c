#include "base/memory.h"
#include "pki/internal.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

int pki_fail(struct error *error, const char *what)
{
    char reason[200];
    ERR_error_string_n(ERR_peek_last_error(), reason, sizeof reason);
    ERR_clear_error();
    return error_set(error, ERROR_CRYPTO, "%s: %s", what, reason);
}

const EVP_MD *pki_digest(enum digest_kind kind)
{
    return kind == DIGEST_SHA384 ? EVP_sha384() : EVP_sha256();
}

int key_generate(enum key_kind kind, EVP_PKEY **key, struct error *error)
{
    *key = kind == KEY_EC_P384    ? EVP_EC_gen("P-384")
           : kind == KEY_RSA_4096 ? EVP_RSA_gen(4096)
                                  : EVP_RSA_gen(2048);
    return *key ? 0 : pki_fail(error, "cannot make a key");
}

bool key_is_kind(const EVP_PKEY *key, enum key_kind kind)
{
    if (kind != KEY_EC_P384)
        return EVP_PKEY_is_a(key, "RSA") && EVP_PKEY_get_bits(key) == (kind == KEY_RSA_4096 ? 4096 : 2048);
    char group[64] = "";
    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, "secp384r1") == 0;
}

int key_to_pem(const EVP_PKEY *key, struct buf *pem, struct error *error)
{
    BIO *memory = BIO_new(BIO_s_secmem());
    char *data = NULL;
    int done = memory && PEM_write_bio_PKCS8PrivateKey(memory, key, NULL, NULL, 0, NULL, NULL);
    long length = done ? BIO_get_mem_data(memory, &data) : 0;
    if (done)
        buf_append(pem, data, (size_t)length);
    if (data)
        mem_wipe(data, (size_t)length);
    BIO_free(memory);
    return done ? 0 : pki_fail(error, "cannot write a key");
}

int key_from_pem(struct slice pem, EVP_PKEY **key, struct error *error)
{
    BIO *memory = BIO_new_mem_buf(pem.data, (int)pem.length);
    *key = memory ? PEM_read_bio_PrivateKey(memory, NULL, NULL, NULL) : NULL;
    BIO_free(memory);
    return *key ? 0 : pki_fail(error, "not a private key in PEM");
}
