/* What certificates say to people: the key's and the signature's names, and the CA identifier behind a name.
 */
#include "base/text.h"
#include "pki/certificate.h"

#include <openssl/objects.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

void certificate_key_text(const X509 *certificate, char text[64])
{
    const EVP_PKEY *key = X509_get0_pubkey(certificate);
    char curve[48] = "";
    text[0] = 0;
    if (!key)
        return;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
        EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1) {
        const char *nist = EC_curve_nid2nist(OBJ_sn2nid(curve));
        snprintf(text, 64, "EC %s", nist ? nist : curve);
    } else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 || EVP_PKEY_get_base_id(key) == EVP_PKEY_ED448) {
        text_copy(text, 64, OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
    } else {
        snprintf(text, 64, "%s %d",
                 EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ? "RSA" : EVP_PKEY_get0_type_name(key),
                 EVP_PKEY_get_bits(key));
    }
}

const char *certificate_signature_text(const X509 *certificate)
{
    const char *name = OBJ_nid2ln(X509_get_signature_nid(certificate));
    return name ? name : "unknown";
}

/* The last of the name's common names. */
static void common_name(const X509_NAME *name, char text[256])
{
    int at = -1, last = -1;
    while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
        last = at;
    const ASN1_STRING *value = last < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last));
    size_t length = value ? (size_t)ASN1_STRING_length(value) : 0;
    if (length >= 256 || (length && memchr(ASN1_STRING_get0_data(value), 0, length)))
        length = 0;
    if (length)
        memcpy(text, ASN1_STRING_get0_data(value), length);
    text[length] = 0;
}

/* AWS's names and ours; whose they are comes first and is the operator's choice. GovCloud's first
 * subordinates have no "Subordinate CA". */
static const struct {
    const char *pattern;
    int scope, label; /* which group of the pattern; label 0: 2019 */
} names[] = {
    {"^.+ ([^ ]+) (Root CA|Subordinate CA) (RSA2048|RSA4096|ECC384) G1(\\.A\\.[0-9]+)?$", 1, 3},
    {"^Amazon RDS ([^ ]+) (RSA2048|RSA4096|ECC384) G1$", 1, 2},
    {"^Amazon RDS (GovCloud )?([^ ]+) 2019 CA$", 2, 0},
};
enum { GROUPS = 5 };

static void take_group(const char *text, regmatch_t group, char *target, size_t size)
{
    int length = (int)(group.rm_eo - group.rm_so);
    snprintf(target, size, "%.*s", group.rm_so < 0 ? 0 : length, text + (group.rm_so < 0 ? 0 : group.rm_so));
}

static const struct ca_profile *profile_labelled(const char *label)
{
    size_t count;
    const struct ca_profile *profiles = ca_profiles(&count);
    for (size_t i = 0; i < count; i++)
        if (text_equal(profiles[i].label, label))
            return &profiles[i];
    return NULL;
}

const struct ca_profile *ca_profile_of_name(const X509_NAME *name, char region[32])
{
    char text[256], label[16] = "2019";
    const struct ca_profile *found = NULL;
    common_name(name, text);
    region[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !found; i++) {
        regex_t pattern;
        regmatch_t groups[GROUPS];
        if (regcomp(&pattern, names[i].pattern, REG_EXTENDED))
            continue;
        if (regexec(&pattern, text, GROUPS, groups, 0) == 0) {
            take_group(text, groups[names[i].scope], region, 32);
            if (names[i].label)
                take_group(text, groups[names[i].label], label, sizeof label);
            found = profile_labelled(label);
        }
        regfree(&pattern);
    }
    if (text_equal(region, "Root")) /* a partition's, not a region's */
        region[0] = 0;
    return found;
}
