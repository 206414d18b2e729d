/* The CA keys: on disk each in a file of its own, encrypted; in memory opened. Safe for several threads. */
#ifndef SIGNER_KEYSTORE_H
#define SIGNER_KEYSTORE_H

#include "base/error.h"
#include "pki/certificate.h"
#include "signer/signer.h"

struct keystore;

/* One CA: never changes and is never freed before the keystore is. */
struct keystore_ca {
    char scope[32], ca_identifier[32]; /* the control CA: "control", "control" */
    int number;                        /* 0: root */
    EVP_PKEY *key;
    X509 *certificate;
    struct text_list permitted_domains; /* of a subordinate, as its certificate says */
    bool excludes_addresses;
};

/* Opens the folder: derives the key of the keys, checks it, locks the folder against a second signer, loads
 * every CA. */
int keystore_open(const struct signer_options *options, struct keystore **keystore, struct error *error);
void keystore_close(struct keystore *keystore);

const struct keystore_ca *keystore_find(struct keystore *keystore, const char *scope,
                                        const char *ca_identifier, int number);
/* Writes a new CA to disk, then makes it known. Takes both references, also on failure. */
int keystore_add(struct keystore *keystore, const char *scope, const char *ca_identifier, int number,
                 EVP_PKEY *key, X509 *certificate, struct error *error);

#endif
