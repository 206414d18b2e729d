#include "signer/keystore.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/seal.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define SUFFIX        ".ca"
#define CHECK_PURPOSE "signer key check"
#define CHECK_TEXT    "this is the right key"
enum { FILE_LIMIT = 64 * 1024, SALT_SIZE = 16, SCRYPT_COST = 1 << 15, SCRYPT_BLOCK = 8 };

struct keystore {
    char *folder;
    struct seal seal;
    int lock;              /* descriptor */
    pthread_mutex_t mutex; /* of what follows */
    struct keystore_ca **cas;
    size_t count;
};

/* The key of the keys from a file: only its owner may read it. */
static int derive_from_file(const char *path, struct seal *seal, struct error *error)
{
    if (file_check_private(path, error))
        return (int)error->code;
    AUTO_SECRET struct buf content = {0};
    int result = file_read(path, 4096, &content, error);
    if (result)
        return result;
    if (content.length < 32)
        return error_set(error, ERROR_INVALID, "%s holds %zu bytes, expected at least 32 random ones", path,
                         content.length);
    SHA256(content.data, content.length, seal->key);
    return 0;
}

static int derive_from_passphrase(const char *folder, const char *passphrase, struct seal *seal,
                                  struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/salt", folder);
    AUTO_BUF struct buf salt = {0};
    if (!file_exists(path)) {
        unsigned char fresh[SALT_SIZE];
        if (RAND_bytes(fresh, sizeof fresh) != 1)
            abort();
        if (file_write(path, slice_of(fresh, sizeof fresh), 0600, error))
            return (int)error->code;
    }
    int result = file_read(path, 4096, &salt, error);
    if (!result && EVP_PBE_scrypt(passphrase, strlen(passphrase), salt.data, salt.length, SCRYPT_COST,
                                  SCRYPT_BLOCK, 1, 64 << 20, seal->key, sizeof seal->key) != 1)
        result = error_set(error, ERROR_CRYPTO, "cannot derive the key from the passphrase");
    return result;
}

/* A sealed text tells a wrong key before the first CA is tried, also in an empty folder. */
static int check_key(const struct keystore *keystore, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/check", keystore->folder);
    AUTO_BUF struct buf sealed = {0}, text = {0};
    if (!file_exists(path)) {
        seal_close(&keystore->seal, CHECK_PURPOSE, slice_text(CHECK_TEXT), &sealed);
        return file_write(path, slice_buf(&sealed), 0600, error);
    }
    int result = file_read(path, FILE_LIMIT, &sealed, error);
    if (!result && seal_open(&keystore->seal, CHECK_PURPOSE, slice_buf(&sealed), &text, error))
        result =
            error_set(error, ERROR_DENIED,
                      "%s: this key file or passphrase is not the one with which the CA keys were encrypted",
                      keystore->folder);
    return result;
}

static int lock_folder(struct keystore *keystore, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/lock", keystore->folder);
    keystore->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (keystore->lock < 0)
        return error_set_system(error, errno, "cannot open %s", path);
    if (flock(keystore->lock, LOCK_EX | LOCK_NB) < 0)
        return error_set(error, ERROR_EXISTS, "%s: another signer works in this folder", keystore->folder);
    return 0;
}

static char *ca_name(const char *scope, const char *ca_identifier, int number)
{
    return mem_format("%s/%s/%d", scope, ca_identifier, number);
}

/* Reads what a subordinate's certificate lets it sign (RFC 5280 4.2.1.10). */
static void read_constraints(struct keystore_ca *ca)
{
    NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(ca->certificate, NID_name_constraints, NULL, NULL);
    if (!constraints)
        return;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees); i++) {
        const GENERAL_NAME *name = sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, i)->base;
        if (name->type != GEN_DNS)
            continue;
        AUTO_FREE char *domain = slice_string(
            slice_of(ASN1_STRING_get0_data(name->d.dNSName), (size_t)ASN1_STRING_length(name->d.dNSName)));
        text_list_add(&ca->permitted_domains, domain);
    }
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(constraints->excludedSubtrees); i++)
        ca->excludes_addresses |=
            sk_GENERAL_SUBTREE_value(constraints->excludedSubtrees, i)->base->type == GEN_IPADD;
    NAME_CONSTRAINTS_free(constraints);
}

static void remember(struct keystore *keystore, const char *scope, const char *ca_identifier, int number,
                     EVP_PKEY *key, X509 *certificate)
{
    struct keystore_ca *ca = mem_new(sizeof *ca);
    text_copy(ca->scope, sizeof ca->scope, scope);
    text_copy(ca->ca_identifier, sizeof ca->ca_identifier, ca_identifier);
    ca->number = number;
    ca->key = key;
    ca->certificate = certificate;
    read_constraints(ca);
    pthread_mutex_lock(&keystore->mutex);
    keystore->cas = mem_grow(keystore->cas, keystore->count + 1, sizeof(struct keystore_ca *));
    keystore->cas[keystore->count++] = ca;
    pthread_mutex_unlock(&keystore->mutex);
}

/* A file is the certificate's length in four octets, the certificate, the sealed key. */
static int load_ca(struct keystore *keystore, const char *path, struct error *error)
{
    AUTO_BUF struct buf content = {0};
    AUTO_SECRET struct buf pem = {0};
    char scope[32], ca_identifier[32];
    int number;
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    if (sscanf(path + strlen(keystore->folder) + 1, "%31[^/]/%31[^/]/%d" SUFFIX, scope, ca_identifier,
               &number) != 3)
        return error_set(error, ERROR_INVALID, "%s: not the name of a CA's file", path);
    int result = file_read(path, FILE_LIMIT, &content, error);
    struct reader reader = reader_of(slice_buf(&content));
    struct slice der = reader_bytes(&reader, reader_u32(&reader));
    AUTO_FREE char *name = ca_name(scope, ca_identifier, number);
    if (!result)
        result = certificate_parse(der, &certificate, error);
    if (!result)
        result = seal_open(&keystore->seal, name, reader.rest, &pem, error);
    if (!result)
        result = key_from_pem(slice_buf(&pem), &key, error);
    if (!result && X509_check_private_key(certificate, key) != 1)
        result = error_set(error, ERROR_CRYPTO, "the key is not that of the certificate");
    if (result) {
        X509_free(certificate);
        EVP_PKEY_free(key);
        return error_prefix(error, "%s", path);
    }
    remember(keystore, scope, ca_identifier, number, key, certificate);
    return 0;
}

static int load_all(struct keystore *keystore, struct error *error)
{
    char *const roots[] = {keystore->folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return error_set_system(error, errno, "cannot read folder %s", keystore->folder);
    int result = 0;
    for (FTSENT *entry; !result && (entry = fts_read(walk));)
        if (entry->fts_info == FTS_F && text_ends_with(entry->fts_name, SUFFIX))
            result = load_ca(keystore, entry->fts_path, error);
    fts_close(walk);
    return result;
}

int keystore_open(const struct signer_options *options, struct keystore **opened, struct error *error)
{
    struct keystore *keystore = mem_new(sizeof *keystore);
    keystore->folder = mem_string(options->folder);
    keystore->lock = -1;
    pthread_mutex_init(&keystore->mutex, NULL);
    int result = lock_folder(keystore, error);
    if (!result)
        result = options->key_file
                     ? derive_from_file(options->key_file, &keystore->seal, error)
                     : derive_from_passphrase(options->folder, options->passphrase, &keystore->seal, error);
    if (!result)
        result = check_key(keystore, error);
    if (!result)
        result = load_all(keystore, error);
    if (result) {
        keystore_close(keystore);
        return result;
    }
    *opened = keystore;
    return 0;
}

void keystore_close(struct keystore *keystore)
{
    if (!keystore)
        return;
    for (size_t i = 0; i < keystore->count; i++) {
        EVP_PKEY_free(keystore->cas[i]->key);
        X509_free(keystore->cas[i]->certificate);
        text_list_free(&keystore->cas[i]->permitted_domains);
        free(keystore->cas[i]);
    }
    free(keystore->cas);
    free(keystore->folder);
    seal_forget(&keystore->seal);
    if (keystore->lock >= 0)
        close(keystore->lock);
    pthread_mutex_destroy(&keystore->mutex);
    free(keystore);
}

const struct keystore_ca *keystore_find(struct keystore *keystore, const char *scope,
                                        const char *ca_identifier, int number)
{
    const struct keystore_ca *found = NULL;
    pthread_mutex_lock(&keystore->mutex);
    for (size_t i = 0; !found && i < keystore->count; i++) {
        const struct keystore_ca *ca = keystore->cas[i];
        if (ca->number == number && text_equal(ca->scope, scope) &&
            text_equal(ca->ca_identifier, ca_identifier))
            found = ca;
    }
    pthread_mutex_unlock(&keystore->mutex);
    return found;
}

static int write_ca(struct keystore *keystore, const char *name, const EVP_PKEY *key, const X509 *certificate,
                    struct error *error)
{
    AUTO_SECRET struct buf pem = {0};
    AUTO_BUF struct buf content = {0}, der = {0};
    AUTO_FREE char *path = mem_format("%s/%s" SUFFIX, keystore->folder, name);
    AUTO_FREE char *folder = mem_string(path);
    *strrchr(folder, '/') = 0;
    int result = key_to_pem(key, &pem, error);
    certificate_der(certificate, &der);
    buf_append_u32(&content, (uint32_t)der.length);
    buf_append_slice(&content, slice_buf(&der));
    seal_close(&keystore->seal, name, slice_buf(&pem), &content);
    if (!result)
        result = file_make_folder(folder, 0700, error);
    return result ? result : file_write(path, slice_buf(&content), 0600, error);
}

int keystore_add(struct keystore *keystore, const char *scope, const char *ca_identifier, int number,
                 EVP_PKEY *key, X509 *certificate, struct error *error)
{
    AUTO_FREE char *name = ca_name(scope, ca_identifier, number);
    int result = write_ca(keystore, name, key, certificate, error);
    if (!result) {
        remember(keystore, scope, ca_identifier, number, key, certificate);
        return 0;
    }
    EVP_PKEY_free(key);
    X509_free(certificate);
    return result;
}
