/* The wallet: a PKCS #12 file, ewallet.p12, which is made here, and its twin cwallet.sso, which opens without
 * a password and is in a format of Oracle's own: orapki of the ORACLE_HOME makes it.
 *
 * In the instance's tls/ are the PEM files, `wallet.password`, `wallets/<digest of the
 * certificates>-<random>/` and `wallet`, a link to the one in use: a new wallet comes into use as one step.
 */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/oracle.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINK     "tls/wallet"
#define WALLETS  "tls/wallets"
#define PASSWORD "tls/wallet.password"
enum { FILE_LIMIT = 256 * 1024, ORAPKI_DEADLINE = 60 * 1000, ITERATIONS = 10000, PASSWORD_LETTERS = 24 };

void oracle_certificate_files(const struct engine_instance *instance, struct engine_certificate_files *files)
{
    files->chain = mem_format("%s/tls/server.crt", instance->folder);
    files->key = mem_format("%s/tls/server.key", instance->folder);
    files->authorities = mem_format("%s/tls/authorities.crt", instance->folder);
}

static bool list_has(const STACK_OF(X509) * list, const X509 *certificate)
{
    for (int i = 0; i < sk_X509_num(list); i++)
        if (X509_cmp(sk_X509_value(list, i), certificate) == 0)
            return true;
    return false;
}

/* All but the server certificate, each once. The stack does not own them. */
static STACK_OF(X509) *
    others(const struct certificate_list *chain, const struct certificate_list *authorities)
{
    STACK_OF(X509) *list = sk_X509_new_null();
    const struct certificate_list *const sources[] = {chain, authorities};
    for (size_t source = 0; list && source < 2; source++)
        for (size_t i = source == 0; i < sources[source]->count; i++)
            if (!list_has(list, sources[source]->items[i]))
                sk_X509_push(list, sources[source]->items[i]);
    return list;
}

/* Triple DES and SHA-1 (RFC 7292, appendices B and C): the one scheme that wallets of all of Oracle's
 * releases have in common. The file is as secret as the key beside it, whatever protects it inside. */
static int encode(EVP_PKEY *key, X509 *leaf, STACK_OF(X509) * list, const char *password, struct buf *der,
                  struct error *error)
{
    const int scheme = NID_pbe_WithSHA1And3_Key_TripleDES_CBC;
    PKCS12 *file = PKCS12_create(password, "server", key, leaf, list, scheme, scheme, ITERATIONS, -1, 0);
    unsigned char *bytes = NULL;
    int length = 0;
    if (file && PKCS12_set_mac(file, password, -1, NULL, 0, ITERATIONS, EVP_sha1()) == 1)
        length = i2d_PKCS12(file, &bytes);
    if (length > 0)
        buf_append(der, bytes, (size_t)length);
    OPENSSL_clear_free(bytes, length > 0 ? (size_t)length : 0);
    PKCS12_free(file);
    return length > 0 ? 0
                      : error_set(error, ERROR_CRYPTO, "cannot make a PKCS #12 file of key and certificates");
}

int oracle_wallet_pack(struct slice key, struct slice chain, struct slice authorities, const char *password,
                       struct buf *der, struct error *error)
{
    struct certificate_list served = {0}, above = {0};
    EVP_PKEY *private_key = NULL;
    int result = key_from_pem(key, &private_key, error);
    if (!result)
        result = certificate_list_parse_pem(chain, &served, error);
    if (!result)
        result = certificate_list_parse_pem(authorities, &above, error);
    if (!result && (!served.count || X509_check_private_key(served.items[0], private_key) != 1))
        result = error_set(error, ERROR_INVALID, "the server certificate is for another key");
    STACK_OF(X509) *list = result ? NULL : others(&served, &above);
    if (!result)
        result = encode(private_key, served.items[0], list, password, der, error);
    sk_X509_free(list);
    certificate_list_free(&served);
    certificate_list_free(&above);
    EVP_PKEY_free(private_key);
    return result;
}

struct material {
    struct buf key, chain, authorities; /* PEM; the key is secret */
};

static void material_free(struct material *material)
{
    buf_wipe(&material->key);
    buf_free(&material->chain);
    buf_free(&material->authorities);
}

static int material_read(const struct engine_instance *instance, struct material *material,
                         struct error *error)
{
    struct engine_certificate_files files = {0};
    oracle_certificate_files(instance, &files);
    int result = file_read(files.chain, FILE_LIMIT, &material->chain, error);
    if (!result)
        result = file_read(files.authorities, FILE_LIMIT, &material->authorities, error);
    if (!result)
        result = file_read(files.key, FILE_LIMIT, &material->key, error);
    engine_certificate_files_free(&files);
    return result;
}

/* RDS refuses such a combination too (user guide, "Certificate compatibility with cipher suites"). */
static int check_suites(const struct engine_instance *instance, const struct material *material,
                        struct error *error)
{
    const char *suites = engine_parameter(instance, "SQLNET.CIPHER_SUITE", "");
    EVP_PKEY *key = NULL;
    int result = key_from_pem(slice_buf(&material->key), &key, error);
    if (result)
        return result;
    bool rsa = EVP_PKEY_is_a(key, "RSA");
    EVP_PKEY_free(key);
    if (oracle_suites_fit(suites, rsa))
        return 0;
    return error_set(
        error, ERROR_INVALID,
        "SQLNET.CIPHER_SUITE of the SSL option is %s, which has no suite for the %s certificate of this "
        "certificate authority: add %s to the option group or choose another certificate authority",
        suites, rsa ? "RSA" : "ECDSA",
        rsa ? "SSL_RSA_WITH_AES_256_CBC_SHA" : "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
}

/* Of the certificates; the key goes with its own. */
static char *digest_of(const struct material *material)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char hex[2 * sizeof digest + 1];
    AUTO_BUF struct buf all = {0};
    buf_append_slice(&all, slice_buf(&material->chain));
    buf_append_slice(&all, slice_buf(&material->authorities));
    EVP_Digest(all.data, all.length, digest, NULL, EVP_sha256(), NULL);
    text_hex(digest, 16, hex);
    return mem_string(hex);
}

/* Made once and kept for the operator (orapki asks for it). Oracle wants letters and digits. */
static int wallet_password(const struct engine_instance *instance, struct buf *password, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/" PASSWORD, instance->folder);
    char letters[PASSWORD_LETTERS + 1], digits[7];
    if (file_read(path, FILE_LIMIT, password, NULL) == 0 && password->length)
        return 0;
    text_random(letters, PASSWORD_LETTERS, "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ");
    text_random(digits, 6, "23456789");
    buf_clear(password);
    buf_printf(password, "%s%s", letters, digits);
    mem_wipe(letters, sizeof letters);
    return file_write(path, slice_buf(password), 0600, error);
}

/* orapki asks for the password of a wallet that is there, and may ask twice. */
static int make_twin(const struct engine_instance *instance, const char *folder, struct buf *password,
                     struct error *error)
{
    const char *const arguments[] = {"orapki", "wallet", "create", "-wallet", folder, "-auto_login", NULL};
    AUTO_SECRET struct buf answers = {0};
    AUTO_FREE char *twin = mem_format("%s/cwallet.sso", folder);
    buf_printf(&answers, "%s\n%s\n", buf_text(password), buf_text(password));
    const struct oracle_program orapki = {
        .arguments = arguments, .input = slice_buf(&answers), .deadline = ORAPKI_DEADLINE};
    int result = oracle_run(instance, &orapki, NULL, error);
    if (result)
        return error_prefix(error, "orapki made no auto-login wallet");
    if (!file_exists(twin))
        return error_set(error, ERROR_IO, "orapki made no %s", twin);
    return file_sync_folder(folder, error);
}

static int make_wallet(const struct engine_instance *instance, const struct material *material,
                       const char *folder, struct error *error)
{
    AUTO_FREE char *file = mem_format("%s/ewallet.p12", folder);
    AUTO_FREE char *parent = mem_format("%s/" WALLETS, instance->folder);
    AUTO_SECRET struct buf password = {0}, der = {0};
    int result = file_make_folder(folder, 0700, error);
    if (!result)
        result = wallet_password(instance, &password, error);
    if (!result)
        result = oracle_wallet_pack(slice_buf(&material->key), slice_buf(&material->chain),
                                    slice_buf(&material->authorities), buf_text(&password), &der, error);
    if (!result)
        result = file_write(file, slice_buf(&der), 0600, error);
    if (!result)
        result = make_twin(instance, folder, &password, error);
    return result ? result : file_sync_folder(parent, error);
}

/* Makes the link point to a wallet, as one step. */
static int point_to(const struct engine_instance *instance, const char *name, struct error *error)
{
    AUTO_FREE char *link = mem_format("%s/" LINK, instance->folder), *new_link = mem_format("%s.new", link);
    AUTO_FREE char *target = mem_format("wallets/%s", name), *tls = mem_format("%s/tls", instance->folder);
    int result = file_remove_tree(new_link, error);
    if (result)
        return result;
    if (symlink(target, new_link) < 0 || rename(new_link, link) < 0)
        return error_set_system(error, errno, "cannot make the link %s", link);
    return file_sync_folder(tls, error);
}

static void remove_others(const struct engine_instance *instance, const char *name)
{
    AUTO_FREE char *folder = mem_format("%s/" WALLETS, instance->folder);
    DIR *open = opendir(folder);
    for (const struct dirent *entry; open && (entry = readdir(open));) {
        AUTO_FREE char *path = mem_format("%s/%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && !text_equal(entry->d_name, name))
            file_remove_tree(path, NULL);
    }
    if (open)
        closedir(open);
}

/* The wallet in use, if it is one for these certificates: its name, for free(). */
static char *in_use(const struct engine_instance *instance, const char *digest)
{
    AUTO_FREE char *link = mem_format("%s/" LINK, instance->folder);
    AUTO_FREE char *twin = mem_format("%s/cwallet.sso", link), *file = mem_format("%s/ewallet.p12", link);
    char target[128];
    ssize_t length = readlink(link, target, sizeof target - 1);
    if (length <= 0 || !file_exists(twin) || !file_exists(file))
        return NULL;
    target[length] = 0;
    const char *slash = strrchr(target, '/');
    return slash && text_starts_with(slash + 1, digest) ? mem_string(slash + 1) : NULL;
}

/* A new one and the link to it; its name in *name. */
static int renew(const struct engine_instance *instance, const struct material *material, const char *digest,
                 char **name, struct error *error)
{
    char random[9];
    text_random(random, 8, "0123456789abcdef");
    *name = mem_format("%s-%s", digest, random);
    AUTO_FREE char *folder = mem_format("%s/" WALLETS "/%s", instance->folder, *name);
    int result = make_wallet(instance, material, folder, error);
    return result ? result : point_to(instance, *name, error);
}

int oracle_wallet_place(const struct engine_instance *instance, bool anew, struct error *error)
{
    struct material material = {0};
    AUTO_FREE char *name = NULL;
    int result = material_read(instance, &material, error);
    if (!result)
        result = check_suites(instance, &material, error);
    if (!result) {
        AUTO_FREE char *digest = digest_of(&material);
        name = anew ? NULL : in_use(instance, digest);
        result = name ? 0 : renew(instance, &material, digest, &name, error);
    }
    material_free(&material);
    if (!result)
        remove_others(instance, name);
    return result;
}
