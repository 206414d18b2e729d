/* pki/: our certificates beside AWS's real ones, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "pki/certificate.h"

#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One row of the comparison: AWS's certificate by file and common name, and what ours is made of. */
struct row {
    const char *file;
    const char *common_name;
    const char *identifier;
    const char *scope;
    const char *partition;
    int number;     /* 0: root */
    bool fixed_end; /* rds-ca-2019: the end is configured, not a number of years */
};

static const struct row rows[] = {
    {"aws-us-east-1-bundle.pem", "Amazon RDS us-east-1 Root CA RSA2048 G1", "rds-ca-rsa2048-g1", "us-east-1",
     "aws", 0, false},
    {"aws-us-east-1-bundle.pem", "Amazon RDS us-east-1 Root CA RSA4096 G1", "rds-ca-rsa4096-g1", "us-east-1",
     "aws", 0, false},
    {"aws-us-east-1-bundle.pem", "Amazon RDS us-east-1 Root CA ECC384 G1", "rds-ca-ecc384-g1", "us-east-1",
     "aws", 0, false},
    {"aws-us-gov-west-1-root-rsa2048-g1.pem", "Amazon RDS us-gov-west-1 Root CA RSA2048 G1",
     "rds-ca-rsa2048-g1", "us-gov-west-1", "aws-us-gov", 0, false},
    {"aws-intermediate-ap-northeast-2-rsa2048-g1.pem",
     "Amazon RDS ap-northeast-2 Subordinate CA RSA2048 G1.A.5", "rds-ca-rsa2048-g1", "ap-northeast-2", "aws",
     5, false},
    {"aws-us-west-1-bundle-2022-with-2019.pem", "Amazon RDS Root 2019 CA", "rds-ca-2019", "aws", "aws", 0,
     true},
    {"aws-us-west-1-bundle-2022-with-2019.pem", "Amazon RDS us-west-1 2019 CA", "rds-ca-2019", "us-west-1",
     "aws", 1, true},
};

static X509 *load_real(const struct row *row)
{
    AUTO_FREE char *path = mem_format("%s/tests/data/aws/%s", SOURCE_ROOT, row->file);
    AUTO_BUF struct buf pem = {0};
    struct certificate_list list = {0};
    struct error error = {0};
    assert_int_equal(file_read(path, 1 << 20, &pem, &error), 0);
    assert_int_equal(certificate_list_parse_pem(slice_buf(&pem), &list, &error), 0);
    X509 *found = NULL;
    for (size_t i = 0; i < list.count; i++) {
        char name[128];
        X509_NAME_get_text_by_NID(X509_get_subject_name(list.items[i]), NID_commonName, name, sizeof name);
        if (text_equal(name, row->common_name)) {
            found = list.items[i];
            X509_up_ref(found);
        }
    }
    certificate_list_free(&list);
    if (!found)
        fail_msg("%s is not in %s", row->common_name, row->file);
    return found;
}

static X509 *issue(const struct row *row, bool subordinate, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    struct organisation organisation;
    struct text_list domains = {0};
    struct error error = {0};
    X509 *certificate = NULL;
    organisation_defaults(&organisation);
    text_list_add(&domains, "rds.localhost");
    int64_t now = clock_now() / 1000 * 1000;
    struct ca_spec spec = {.profile = ca_profile_find(row->identifier),
                           .scope = subordinate || !row->fixed_end ? row->scope : row->partition,
                           .partition = row->partition,
                           .subordinate = subordinate,
                           .number = row->number,
                           .not_before = now,
                           .not_after = now + 1826 * CLOCK_DAY,
                           .organisation = &organisation,
                           .permitted_domains = &domains};
    if (ca_certificate_issue(&spec, key, issuer, issuer_key, &certificate, &error))
        fail_msg("%s: %s", row->common_name, error.text);
    text_list_free(&domains);
    return certificate;
}

/* The certificate that corresponds to a row; a subordinate gets a root of its own. */
static X509 *make_ours(const struct row *row)
{
    EVP_PKEY *key = NULL, *root_key = NULL;
    assert_int_equal(key_generate(ca_profile_find(row->identifier)->key, &root_key, NULL), 0);
    X509 *root = issue(row, false, root_key, NULL, NULL);
    X509 *made = root;
    if (row->number) {
        assert_int_equal(key_generate(ca_profile_find(row->identifier)->key, &key, NULL), 0);
        made = issue(row, true, key, root, root_key);
        X509_free(root);
    }
    EVP_PKEY_free(key);
    EVP_PKEY_free(root_key);
    return made;
}

/* A name as attribute=type:value pairs in order. */
static void name_text(const X509_NAME *name, struct buf *text)
{
    for (int i = 0; i < X509_NAME_entry_count(name); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
        buf_printf(text, "%s=%d:%.*s/", OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry))),
                   ASN1_STRING_type(value), ASN1_STRING_length(value),
                   (const char *)ASN1_STRING_get0_data(value));
    }
}

/* Extensions in order with their criticality; the name constraints that ours have beyond AWS's are left out.
 */
static void extensions_text(const X509 *certificate, struct buf *text)
{
    for (int i = 0; i < X509_get_ext_count(certificate); i++) {
        X509_EXTENSION *extension = X509_get_ext(certificate, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid != NID_name_constraints)
            buf_printf(text, "%s%s/", OBJ_nid2sn(nid), X509_EXTENSION_get_critical(extension) ? "!" : "");
    }
}

/* Calendar years and hours from start to end; AWS's are whole years and one hour. */
static void life_text(const X509 *certificate, struct buf *text)
{
    struct tm from, to;
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(certificate), &from), 1);
    assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &to), 1);
    int years = to.tm_year - from.tm_year;
    to.tm_year = from.tm_year;
    buf_printf(text, "%d years %lld s", years, (long long)(timegm(&to) - timegm(&from)));
}

/* A subordinate's life is cut to its issuer's here only when it would outlive it. */
static void times_text(const X509 *certificate, struct buf *text)
{
    int64_t types[2] = {ASN1_STRING_type(X509_get0_notBefore(certificate)),
                        ASN1_STRING_type(X509_get0_notAfter(certificate))};
    buf_printf(text, "%s/%s", types[0] == V_ASN1_UTCTIME ? "UTC" : "Generalized",
               types[1] == V_ASN1_UTCTIME ? "UTC" : "Generalized");
}

/* RFC 5280 4.2.1.2 (1): SHA-1 of the public key's bits. */
static bool key_identifier_is_sha1(const X509 *certificate)
{
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(certificate);
    unsigned char digest[SHA_DIGEST_LENGTH];
    SHA1(ASN1_STRING_get0_data(bits), (size_t)ASN1_STRING_length(bits), digest);
    ASN1_OCTET_STRING *found = X509_get_ext_d2i(certificate, NID_subject_key_identifier, NULL, NULL);
    bool same = found && ASN1_STRING_length(found) == SHA_DIGEST_LENGTH &&
                memcmp(ASN1_STRING_get0_data(found), digest, sizeof digest) == 0;
    ASN1_OCTET_STRING_free(found);
    return same;
}

static void assert_same(const struct row *row, const char *what, struct buf *real, struct buf *ours)
{
    if (!text_equal(buf_text(real), buf_text(ours)))
        fail_msg("%s: %s: AWS has %s, ours %s", row->common_name, what, buf_text(real), buf_text(ours));
    buf_clear(real);
    buf_clear(ours);
}

typedef void describe(const X509 *certificate, struct buf *text);

static void subject_text(const X509 *certificate, struct buf *text)
{
    name_text(X509_get_subject_name(certificate), text);
}

static void key_text(const X509 *certificate, struct buf *text)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    buf_printf(text, "%s %d", EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
}

static void signature_text(const X509 *certificate, struct buf *text)
{
    buf_append_text(text, OBJ_nid2ln(X509_get_signature_nid(certificate)));
}

static void constraints_text(const X509 *certificate, struct buf *text)
{
    BASIC_CONSTRAINTS *constraints = X509_get_ext_d2i(certificate, NID_basic_constraints, NULL, NULL);
    ASN1_BIT_STRING *usage = X509_get_ext_d2i(certificate, NID_key_usage, NULL, NULL);
    buf_printf(text, "ca %d pathlen %ld usage %02x", constraints->ca,
               constraints->pathlen ? ASN1_INTEGER_get(constraints->pathlen) : -1L,
               ASN1_STRING_get0_data(usage)[0]);
    BASIC_CONSTRAINTS_free(constraints);
    ASN1_BIT_STRING_free(usage);
}

static void compare_row(const struct row *row)
{
    static const struct {
        const char *what;
        describe *text;
    } fields[] = {
        {"subject", subject_text},     {"key", key_text},
        {"signature", signature_text}, {"extensions", extensions_text},
        {"time types", times_text},    {"basic constraints and key usage", constraints_text},
        {"life", life_text},
    };
    X509 *real = load_real(row), *ours = make_ours(row);
    AUTO_BUF struct buf a = {0}, b = {0};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (row->fixed_end && fields[i].text == life_text)
            continue;
        fields[i].text(real, &a);
        fields[i].text(ours, &b);
        assert_same(row, fields[i].what, &a, &b);
    }
    assert_true(key_identifier_is_sha1(real));
    assert_true(key_identifier_is_sha1(ours));
    if (!row->fixed_end) { /* the 2019 serials are short ones */
        assert_true(ASN1_STRING_length(X509_get0_serialNumber(real)) <= 16);
        assert_int_equal(ASN1_STRING_length(X509_get0_serialNumber(ours)), 16);
    }
    X509_free(real);
    X509_free(ours);
}

static void every_profile_is_that_of_aws(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        compare_row(&rows[i]);
    printf("%zu certificates of AWS compared with ours in 8 fields each\n", sizeof rows / sizeof rows[0]);
}

static void a_subordinate_never_outlives_its_root(void **state)
{
    (void)state;
    X509 *root = make_ours(&rows[5]), *subordinate = make_ours(&rows[6]);
    struct certificate_facts of_root, of_subordinate;
    assert_int_equal(certificate_facts(root, &of_root, NULL), 0);
    assert_int_equal(certificate_facts(subordinate, &of_subordinate, NULL), 0);
    assert_true(of_subordinate.not_after <=
                of_root.not_after + CLOCK_MINUTE); /* each test row has a root of its own */
    X509_free(root);
    X509_free(subordinate);
}

static void leaf_has_what_clients_demand(void **state)
{
    (void)state;
    const struct row *row = &rows[2];
    struct organisation organisation;
    struct text_list names = {0};
    struct error error = {0};
    EVP_PKEY *root_key = NULL, *key = NULL;
    X509 *leaf = NULL;
    organisation_defaults(&organisation);
    assert_int_equal(key_generate(KEY_EC_P384, &root_key, NULL), 0);
    assert_int_equal(key_generate(KEY_EC_P384, &key, NULL), 0);
    X509 *root = issue(row, false, root_key, NULL, NULL);
    struct row below = *row;
    below.number = 1;
    X509 *subordinate = issue(&below, true, key, root, root_key);
    text_list_add(&names, "a-database-with-quite-a-long-name-indeed.cabcdefghijk.us-east-1.rds.localhost");
    struct server_spec spec = {.profile = ca_profile_find(row->identifier),
                               .partition = "aws",
                               .names = &names,
                               .not_before = clock_now() / 1000 * 1000,
                               .not_after = clock_now() + 400 * 365 * CLOCK_DAY,
                               .organisation = &organisation};
    spec.not_after = spec.not_after / 1000 * 1000;
    assert_int_equal(server_certificate_issue(&spec, key, subordinate, key, root, &leaf, &error), 0);
    AUTO_BUF struct buf text = {0};
    name_text(X509_get_subject_name(leaf), &text);
    assert_string_equal(buf_text(&text),
                        "CN=12:a-database-with-quite-a-long-name-indeed.cabcdefghijk.us-east-1.rds.localhost/"
                        "OU=12:RDS/O=12:Amazon.com/L=12:Seattle/ST=12:Washington/C=19:US/");
    buf_clear(&text);
    extensions_text(leaf, &text);
    assert_string_equal(buf_text(&text),
                        "subjectAltName/basicConstraints/authorityKeyIdentifier/subjectKeyIdentifier/"
                        "keyUsage!/extendedKeyUsage/");
    struct certificate_facts of_leaf, of_subordinate;
    certificate_facts(leaf, &of_leaf, NULL);
    certificate_facts(subordinate, &of_subordinate, NULL);
    assert_true(of_leaf.not_after == of_subordinate.not_after); /* cut: it never outlives its chain */
    X509_free(leaf);
    X509_free(subordinate);
    X509_free(root);
    EVP_PKEY_free(key);
    EVP_PKEY_free(root_key);
    text_list_free(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_profile_is_that_of_aws),
        cmocka_unit_test(a_subordinate_never_outlives_its_root),
        cmocka_unit_test(leaf_has_what_clients_demand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
