#include "pki/profile.h"

#include "base/text.h"
#include "pki/region.h"

static const struct ca_profile profiles[] = {
    {"rds-ca-ecc384-g1", "ECC384", KEY_EC_P384, 100, true},
    {"rds-ca-rsa4096-g1", "RSA4096", KEY_RSA_4096, 100, true},
    {"rds-ca-rsa2048-g1", "RSA2048", KEY_RSA_2048, 40, true},
    {"rds-ca-2019", "2019", KEY_RSA_2048, 0, false},
};

const struct ca_profile *ca_profiles(size_t *count)
{
    *count = sizeof profiles / sizeof profiles[0];
    return profiles;
}

const struct ca_profile *ca_profile_find(const char *identifier)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (text_equal_ignoring_case(profiles[i].identifier, identifier))
            return &profiles[i];
    return NULL;
}

enum digest_kind ca_profile_digest(const struct ca_profile *profile, const char *partition)
{
    if (profile->key != KEY_RSA_2048)
        return DIGEST_SHA384;
    bool govcloud = text_equal(partition, PARTITION_GOVCLOUD);
    return profile->rotates && govcloud ? DIGEST_SHA384 : DIGEST_SHA256;
}

const char *key_kind_name(enum key_kind kind)
{
    static const char *const names[] = {
        [KEY_RSA_2048] = "RSA 2048", [KEY_RSA_4096] = "RSA 4096", [KEY_EC_P384] = "EC P-384"};
    return names[kind];
}

void organisation_defaults(struct organisation *organisation)
{
    *organisation = (struct organisation){
        .country = "US",
        .organisation = "Amazon Web Services, Inc.",
        .unit = "Amazon RDS",
        .state = "WA",
        .locality = "Seattle",
        .product = "Amazon RDS",
        .server_organisation = "Amazon.com",
        .server_unit = "RDS",
        .server_state = "Washington",
    };
}
