/* Where the time of a server certificate goes, microseconds each: bench_parts CA_IDENTIFIER */
#include "base/clock.h"
#include "base/memory.h"
#include "pki/certificate.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static X509 *issue_ca(const struct ca_profile *profile, bool subordinate, EVP_PKEY *key, X509 *issuer,
                      EVP_PKEY *issuer_key)
{
    struct organisation organisation;
    struct text_list domains = {0};
    X509 *certificate = NULL;
    organisation_defaults(&organisation);
    text_list_add(&domains, "rds.localhost");
    struct ca_spec spec = {.profile = profile,
                           .scope = "us-east-1",
                           .partition = "aws",
                           .subordinate = subordinate,
                           .number = 1,
                           .not_before = clock_now(),
                           .not_after = clock_now() + 1826 * CLOCK_DAY,
                           .organisation = &organisation,
                           .permitted_domains = &domains};
    if (ca_certificate_issue(&spec, key, issuer, issuer_key, &certificate, NULL))
        exit(1);
    text_list_free(&domains);
    return certificate;
}

/* A signature alone, over as many bytes as a certificate has. */
static double time_signature(EVP_PKEY *key, const EVP_MD *digest, int rounds)
{
    unsigned char bytes[1000] = {0}, signature[1024];
    double from = now();
    for (int i = 0; i < rounds; i++) {
        size_t length = sizeof signature;
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        EVP_DigestSignInit(context, NULL, digest, NULL, key);
        EVP_DigestSign(context, signature, &length, bytes, sizeof bytes);
        EVP_MD_CTX_free(context);
    }
    return (now() - from) / rounds;
}

int main(int argc, char **argv)
{
    const struct ca_profile *profile = argc == 2 ? ca_profile_find(argv[1]) : NULL;
    struct organisation organisation;
    struct text_list names = {0}, asked = {0};
    EVP_PKEY *root_key = NULL, *key = NULL, *leaf_key = NULL;
    AUTO_BUF struct buf request = {0};
    if (!profile)
        return 2;
    organisation_defaults(&organisation);
    text_list_add(&names, "bench.cabcdefghijk.us-east-1.rds.localhost");
    if (key_generate(profile->key, &root_key, NULL) || key_generate(profile->key, &key, NULL) ||
        key_generate(profile->key, &leaf_key, NULL) || request_make(leaf_key, &names, &request, NULL))
        return 1;
    X509 *root = issue_ca(profile, false, root_key, NULL, NULL);
    X509 *subordinate = issue_ca(profile, true, key, root, root_key);
    int rounds = profile->key == KEY_RSA_4096 ? 100 : 400;
    double from = now();
    for (int i = 0; i < rounds; i++) {
        EVP_PKEY *read = NULL;
        if (request_read(slice_buf(&request), &read, &asked, NULL))
            return 1;
        EVP_PKEY_free(read);
        text_list_free(&asked);
    }
    double reading = (now() - from) / rounds;
    struct server_spec spec = {.profile = profile,
                               .partition = "aws",
                               .names = &names,
                               .not_before = clock_now() / 1000 * 1000,
                               .not_after = clock_now() / 1000 * 1000 + CLOCK_DAY,
                               .organisation = &organisation};
    from = now();
    for (int i = 0; i < rounds; i++) {
        X509 *leaf = NULL;
        if (server_certificate_issue(&spec, leaf_key, subordinate, key, root, &leaf, NULL))
            return 1;
        X509_free(leaf);
    }
    double issuing = (now() - from) / rounds;
    double signing = time_signature(key, profile->key == KEY_RSA_2048 ? EVP_sha256() : EVP_sha384(), rounds);
    printf("%.0f %.0f %.0f\n", signing, reading, issuing - signing);
    return 0;
}
