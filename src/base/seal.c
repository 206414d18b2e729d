#include "base/seal.h"

#include "base/file.h"
#include "base/memory.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE_SIZE = 12, TAG_SIZE = 16 };

static int make_key(const char *path, struct error *error)
{
    unsigned char key[32];
    if (RAND_bytes(key, sizeof key) != 1)
        abort();
    int result = file_write(path, slice_of(key, sizeof key), 0600, error);
    mem_wipe(key, sizeof key);
    return result;
}

int seal_load(const char *path, struct seal *seal, struct error *error)
{
    if (!file_exists(path) && make_key(path, error))
        return (int)error->code;
    if (file_check_private(path, error))
        return (int)error->code;
    AUTO_SECRET struct buf content = {0};
    int result = file_read(path, 4096, &content, error);
    if (result)
        return result;
    if (content.length != sizeof seal->key)
        return error_set(error, ERROR_INVALID, "%s holds %zu bytes, expected %zu", path, content.length,
                         sizeof seal->key);
    memcpy(seal->key, content.data, sizeof seal->key);
    return 0;
}

void seal_forget(struct seal *seal)
{
    mem_wipe(seal, sizeof *seal);
}

static bool put(EVP_CIPHER_CTX *context, const struct seal *seal, const char *purpose, struct slice secret,
                unsigned char *out)
{
    int length = 0;
    unsigned char *text = out + NONCE_SIZE;
    return RAND_bytes(out, NONCE_SIZE) == 1 &&
           EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, seal->key, out) == 1 &&
           EVP_EncryptUpdate(context, NULL, &length, (const unsigned char *)purpose, (int)strlen(purpose)) ==
               1 &&
           EVP_EncryptUpdate(context, text, &length, secret.data, (int)secret.length) == 1 &&
           EVP_EncryptFinal_ex(context, text + secret.length, &length) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, text + secret.length) == 1;
}

void seal_close(const struct seal *seal, const char *purpose, struct slice secret, struct buf *sealed)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    size_t size = NONCE_SIZE + secret.length + TAG_SIZE;
    buf_reserve(sealed, size);
    if (!context || !put(context, seal, purpose, secret, sealed->data + sealed->length))
        abort(); /* only a broken library gets here */
    sealed->length += size;
    EVP_CIPHER_CTX_free(context);
}

static bool get(EVP_CIPHER_CTX *context, const struct seal *seal, const char *purpose, struct slice sealed,
                unsigned char *out)
{
    int length = 0;
    size_t secret_length = sealed.length - NONCE_SIZE - TAG_SIZE;
    const unsigned char *text = sealed.data + NONCE_SIZE;
    unsigned char tag[TAG_SIZE];
    memcpy(tag, text + secret_length, TAG_SIZE);
    return EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, seal->key, sealed.data) == 1 &&
           EVP_DecryptUpdate(context, NULL, &length, (const unsigned char *)purpose, (int)strlen(purpose)) ==
               1 &&
           EVP_DecryptUpdate(context, out, &length, text, (int)secret_length) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
           EVP_DecryptFinal_ex(context, out + secret_length, &length) == 1;
}

int seal_open(const struct seal *seal, const char *purpose, struct slice sealed, struct buf *secret,
              struct error *error)
{
    if (sealed.length < NONCE_SIZE + TAG_SIZE || sealed.length > 1 << 20)
        return error_set(error, ERROR_CRYPTO, "%s: not a sealed secret", purpose);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    buf_reserve(secret, sealed.length);
    bool opened = context && get(context, seal, purpose, sealed, secret->data + secret->length);
    EVP_CIPHER_CTX_free(context);
    if (!opened)
        return error_set(error, ERROR_CRYPTO, "%s: was sealed with another key", purpose);
    secret->length += sealed.length - NONCE_SIZE - TAG_SIZE;
    return 0;
}
