/* The four CA identifiers and what their certificates look like (contract: RDS user guide "Certificate
 * authorities"; fields decoded from AWS's real certificates). */
#ifndef PKI_PROFILE_H
#define PKI_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_kind { KEY_RSA_2048, KEY_RSA_4096, KEY_EC_P384 };
enum digest_kind { DIGEST_SHA256, DIGEST_SHA384 };

struct ca_profile {
    const char *identifier; /* rds-ca-rsa2048-g1 */
    const char *label;      /* RSA2048, as in "Amazon RDS us-east-1 Root CA RSA2048 G1"; "2019" */
    enum key_kind key;      /* of the root, the subordinate and the server certificate alike */
    int root_years;         /* validity of the root; 0: configured (rds-ca-2019) */
    bool rotates;           /* server certificates are renewed without being asked */
};

/* In the order in which DescribeCertificates lists them. */
const struct ca_profile *ca_profiles(size_t *count);
/* By identifier, ASCII case ignored (RDS: "not case-sensitive"); NULL when there is none. */
const struct ca_profile *ca_profile_find(const char *identifier);
/* The digest of signatures: SHA-384 for the RSA 2048 CA in GovCloud, SHA-256 elsewhere; SHA-384 for the
 * larger keys. */
enum digest_kind ca_profile_digest(const struct ca_profile *profile, const char *partition);
const char *key_kind_name(enum key_kind kind); /* "RSA 2048", "RSA 4096", "EC P-384" */

/* Who issues: shown in every subject. Defaults are AWS's own, so that a rehearsal shows what production will.
 */
struct organisation {
    char country[3];
    char organisation[65];        /* CA subjects: "Amazon Web Services, Inc." */
    char unit[65];                /* "Amazon RDS" */
    char state[65];               /* "WA" */
    char locality[65];            /* "Seattle" */
    char product[65];             /* the start of every CA's common name: "Amazon RDS" */
    char server_organisation[65]; /* server certificates: O=Amazon.com, OU=RDS, ST=Washington */
    char server_unit[65];
    char server_state[65];
};
void organisation_defaults(struct organisation *organisation);

#endif
