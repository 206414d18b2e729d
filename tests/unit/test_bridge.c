/* pki/issue_bridge: a root certified by another one, field by field, and what verifies by way of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "pki/internal.h"
#include "pki/region.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define HOST "orders.us-east-1.rds.localhost"

/* One CA of us-east-1 with its keys. */
struct authority {
    const struct ca_profile *profile;
    EVP_PKEY *root_key, *key;
    X509 *root, *subordinate;
};

struct world {
    int64_t begin;
    struct organisation organisation;
    struct text_list domains;
    struct authority elliptic, rsa;
};

static struct ca_spec spec_of(const struct world *world, const char *identifier, bool subordinate)
{
    return (struct ca_spec){
        .profile = ca_profile_find(identifier),
        .scope = "us-east-1",
        .partition = PARTITION_AWS,
        .subordinate = subordinate,
        .number = subordinate ? 1 : 0,
        .not_before = world->begin,
        .organisation = &world->organisation,
        .permitted_domains = &world->domains,
    };
}

static EVP_PKEY *make_key(enum key_kind kind)
{
    EVP_PKEY *key = NULL;
    assert_int_equal(key_generate(kind, &key, NULL), 0);
    return key;
}

/* A subordinate below the root that is there. */
static void make_subordinate(const struct world *world, struct authority *authority)
{
    struct error error = {0};
    struct ca_spec spec = spec_of(world, authority->profile->identifier, true);
    authority->key = make_key(authority->profile->key);
    if (ca_certificate_issue(&spec, authority->key, authority->root, authority->root_key,
                             &authority->subordinate, &error))
        fail_msg("%s", error.text);
}

static void make_authority(const struct world *world, const char *identifier, struct authority *authority)
{
    struct error error = {0};
    struct ca_spec spec = spec_of(world, identifier, false);
    authority->profile = spec.profile;
    authority->root_key = make_key(spec.profile->key);
    if (ca_certificate_issue(&spec, authority->root_key, NULL, NULL, &authority->root, &error))
        fail_msg("%s", error.text);
    make_subordinate(world, authority);
}

static void free_authority(struct authority *authority)
{
    EVP_PKEY_free(authority->root_key);
    EVP_PKEY_free(authority->key);
    X509_free(authority->root);
    X509_free(authority->subordinate);
}

static int set_up(void **state)
{
    struct world *world = mem_new(sizeof *world);
    world->begin = clock_now() / 1000 * 1000 - 5 * CLOCK_MINUTE;
    organisation_defaults(&world->organisation);
    text_list_add(&world->domains, "us-east-1.rds.localhost");
    make_authority(world, "rds-ca-ecc384-g1", &world->elliptic);
    make_authority(world, "rds-ca-rsa2048-g1", &world->rsa);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    free_authority(&world->elliptic);
    free_authority(&world->rsa);
    text_list_free(&world->domains);
    free(world);
    return 0;
}

static struct bridge_spec bridge_spec_of(const struct world *world, const struct authority *subject,
                                         const struct authority *issuer)
{
    return (struct bridge_spec){
        .subject_root = subject->root,
        .issuer_root = issuer->root,
        .issuer_profile = issuer->profile,
        .partition = PARTITION_AWS,
        .not_before = world->begin,
    };
}

static X509 *make_bridge(const struct world *world, const struct authority *subject,
                         const struct authority *issuer)
{
    X509 *bridge = NULL;
    struct error error = {0};
    struct bridge_spec spec = bridge_spec_of(world, subject, issuer);
    if (bridge_certificate_issue(&spec, issuer->root_key, &bridge, &error))
        fail_msg("%s", error.text);
    return bridge;
}

static void assert_same_name(const X509_NAME *a, const X509_NAME *b)
{
    const unsigned char *a_der, *b_der;
    size_t a_length, b_length;
    assert_int_equal(X509_NAME_get0_der(a, &a_der, &a_length), 1);
    assert_int_equal(X509_NAME_get0_der(b, &b_der, &b_length), 1);
    assert_int_equal(a_length, b_length);
    assert_memory_equal(a_der, b_der, a_length);
}

static void assert_extensions(X509 *bridge)
{
    static const struct {
        int nid, critical;
    } expected[] = {{NID_basic_constraints, 1},
                    {NID_authority_key_identifier, 0},
                    {NID_subject_key_identifier, 0},
                    {NID_key_usage, 1}};
    assert_int_equal(X509_get_ext_count(bridge), 4);
    for (int i = 0; i < 4; i++) {
        X509_EXTENSION *extension = X509_get_ext(bridge, i);
        assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(extension)), expected[i].nid);
        assert_int_equal(X509_EXTENSION_get_critical(extension), expected[i].critical);
    }
    assert_true(X509_get_extension_flags(bridge) & EXFLAG_CA);
    assert_int_equal(X509_get_pathlen(bridge), -1);
    assert_int_equal(X509_get_key_usage(bridge), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
}

static void assert_fields(const struct world *world, const struct authority *subject,
                          const struct authority *issuer, int signature)
{
    X509 *bridge = make_bridge(world, subject, issuer);
    struct certificate_facts facts, subject_facts, issuer_facts;
    assert_int_equal(certificate_facts(bridge, &facts, NULL), 0);
    assert_int_equal(certificate_facts(subject->root, &subject_facts, NULL), 0);
    assert_int_equal(certificate_facts(issuer->root, &issuer_facts, NULL), 0);
    assert_int_equal(X509_get_version(bridge), X509_VERSION_3);
    assert_int_equal(strlen(facts.serial), 32);
    assert_string_not_equal(facts.serial, subject_facts.serial);
    assert_same_name(X509_get_subject_name(bridge), X509_get_subject_name(subject->root));
    assert_same_name(X509_get_issuer_name(bridge), X509_get_subject_name(issuer->root));
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(bridge), subject->root_key), 1);
    assert_int_equal(X509_get_signature_nid(bridge), signature);
    assert_int_equal(facts.not_before, world->begin);
    assert_int_equal(facts.not_after, subject_facts.not_after < issuer_facts.not_after
                                          ? subject_facts.not_after
                                          : issuer_facts.not_after);
    assert_extensions(bridge);
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_subject_key_id(bridge), X509_get0_subject_key_id(subject->root)), 0);
    assert_int_equal(
        ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(bridge), X509_get0_subject_key_id(issuer->root)), 0);
    X509_free(bridge);
}

static void has_the_subjects_name_and_key_and_the_earlier_end(void **state)
{
    const struct world *world = *state; /* its roots live 100 and 40 years */
    assert_fields(world, &world->elliptic, &world->rsa, NID_sha256WithRSAEncryption);
    assert_fields(world, &world->rsa, &world->elliptic, NID_ecdsa_with_SHA384);
}

static void is_signed_with_the_digest_of_the_issuers_partition(void **state)
{
    const struct world *world = *state;
    struct bridge_spec spec = bridge_spec_of(world, &world->elliptic, &world->rsa);
    X509 *bridge = NULL;
    spec.partition = PARTITION_GOVCLOUD;
    assert_int_equal(bridge_certificate_issue(&spec, world->rsa.root_key, &bridge, NULL), 0);
    assert_int_equal(X509_get_signature_nid(bridge), NID_sha384WithRSAEncryption);
    X509_free(bridge);
}

/* Does a chain of leaf, the subject's subordinate and a bridge verify for who trusts the issuer's root only?
 */
static int verify_bridged(const struct world *world, X509 *leaf, const struct authority *subject,
                          const struct authority *issuer, const char *host, struct error *error)
{
    X509 *bridge = make_bridge(world, subject, issuer);
    X509 *root = issuer->root;
    struct certificate_list intermediates = {0}, roots = {&root, 1};
    certificate_list_add(&intermediates, subject->subordinate);
    certificate_list_add(&intermediates, bridge);
    int result = chain_verify(leaf, &intermediates, &roots, host, clock_now(), error);
    certificate_list_free(&intermediates);
    X509_free(bridge);
    return result;
}

static X509 *make_leaf(const struct world *world, const struct authority *authority)
{
    struct text_list names = {0};
    struct error error = {0};
    EVP_PKEY *key = make_key(authority->profile->key);
    X509 *leaf = NULL;
    text_list_add(&names, HOST);
    const struct server_spec spec = {
        .profile = authority->profile,
        .partition = PARTITION_AWS,
        .names = &names,
        .not_before = world->begin,
        .not_after = world->begin + 365 * CLOCK_DAY,
        .organisation = &world->organisation,
    };
    if (server_certificate_issue(&spec, key, authority->subordinate, authority->key, authority->root, &leaf,
                                 &error))
        fail_msg("%s", error.text);
    EVP_PKEY_free(key);
    text_list_free(&names);
    return leaf;
}

/* A root as another program could have made it: PrintableStrings, and an identifier that is no hash of the
 * key. */
static void make_foreign_root(const struct world *world, struct authority *authority)
{
    struct error error = {0};
    X509_NAME *name = X509_NAME_new();
    authority->profile = ca_profile_find("rds-ca-ecc384-g1");
    authority->root_key = make_key(KEY_EC_P384);
    X509_NAME_add_entry_by_NID(name, NID_commonName, V_ASN1_PRINTABLESTRING,
                               (const unsigned char *)"Another Root  CA", -1, -1, 0);
    int result = certificate_begin(name, NULL, authority->root_key, world->begin,
                                   world->begin + 1000 * CLOCK_DAY, &authority->root, &error);
    if (!result)
        result = certificate_extend(authority->root, NULL, NID_basic_constraints, "critical,CA:TRUE", &error);
    if (!result)
        result = certificate_extend(authority->root, NULL, NID_subject_key_identifier, "01020304", &error);
    if (!result)
        result = certificate_extend(authority->root, NULL, NID_key_usage, "critical,keyCertSign", &error);
    if (!result)
        result = certificate_sign(authority->root, authority->root_key, DIGEST_SHA384, &error);
    if (result)
        fail_msg("%s", error.text);
    X509_NAME_free(name);
}

static void takes_over_a_name_and_a_key_identifier_of_any_making(void **state)
{
    const struct world *world = *state;
    struct authority foreign = {0};
    struct error error = {0};
    make_foreign_root(world, &foreign);
    make_subordinate(world, &foreign);
    assert_fields(world, &foreign, &world->rsa, NID_sha256WithRSAEncryption);
    X509 *leaf = make_leaf(world, &foreign);
    if (verify_bridged(world, leaf, &foreign, &world->rsa, HOST, &error))
        fail_msg("%s", error.text);
    X509_free(leaf);
    free_authority(&foreign);
}

/* What a stolen subordinate key could make: a certificate for a name that its constraints do not permit. */
static X509 *make_stray_leaf(const struct world *world, struct authority *authority, const char *host)
{
    struct text_list names = {0};
    X509_NAME *subject = X509_NAME_new();
    X509 *leaf = NULL, *issuer = authority->subordinate;
    struct error error = {0};
    text_list_add(&names, host);
    EVP_PKEY *key = make_key(KEY_EC_P384);
    int result = name_add(subject, NID_organizationName, "Somebody", &error);
    if (!result)
        result =
            certificate_begin(subject, issuer, key, world->begin, world->begin + CLOCK_DAY, &leaf, &error);
    if (!result)
        result = certificate_extend_names(leaf, &names, &error);
    if (!result)
        result = certificate_extend(leaf, issuer, NID_authority_key_identifier, "keyid:always", &error);
    if (!result)
        result = certificate_extend(leaf, issuer, NID_subject_key_identifier, "hash", &error);
    if (!result)
        result = certificate_sign(leaf, authority->key, DIGEST_SHA384, &error);
    if (result)
        fail_msg("%s", error.text);
    X509_NAME_free(subject);
    EVP_PKEY_free(key);
    text_list_free(&names);
    return leaf;
}

static void the_constraints_of_the_subordinate_hold_by_way_of_a_bridge(void **state)
{
    struct world *world = *state;
    struct error error = {0};
    X509 *permitted = make_stray_leaf(world, &world->elliptic, HOST);
    X509 *stray = make_stray_leaf(world, &world->elliptic, "orders.us-west-2.rds.localhost");
    int result = verify_bridged(world, permitted, &world->elliptic, &world->rsa, HOST, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(result, 0);
    assert_int_not_equal(
        verify_bridged(world, stray, &world->elliptic, &world->rsa, "orders.us-west-2.rds.localhost", &error),
        0);
    assert_non_null(strstr(error.text, "permitted subtree violation"));
    X509_free(permitted);
    X509_free(stray);
}

static void is_refused_where_a_root_is_over(void **state)
{
    const struct world *world = *state;
    const struct authority *later = &world->elliptic, *earlier = &world->rsa;
    struct certificate_facts facts;
    struct error error = {0};
    X509 *bridge = NULL;
    assert_int_equal(certificate_facts(earlier->root, &facts, NULL), 0);
    struct bridge_spec as_subject = bridge_spec_of(world, earlier, later);
    struct bridge_spec as_issuer = bridge_spec_of(world, later, earlier);
    as_subject.not_before = as_issuer.not_before = facts.not_after;
    assert_int_equal(bridge_certificate_issue(&as_subject, later->root_key, &bridge, &error), ERROR_STATE);
    assert_int_equal(bridge_certificate_issue(&as_issuer, earlier->root_key, &bridge, &error), ERROR_STATE);
    as_subject.not_before -= CLOCK_MINUTE;
    assert_int_equal(bridge_certificate_issue(&as_subject, later->root_key, &bridge, &error), 0);
    X509_free(bridge);
}

static void never_leaves_with_the_signature_of_another_key(void **state)
{
    const struct world *world = *state;
    const struct bridge_spec spec = bridge_spec_of(world, &world->rsa, &world->elliptic);
    X509 *bridge = NULL;
    struct error error = {0};
    assert_int_equal(bridge_certificate_issue(&spec, world->elliptic.key, &bridge, &error), ERROR_CRYPTO);
    assert_null(bridge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_subjects_name_and_key_and_the_earlier_end),
        cmocka_unit_test(is_signed_with_the_digest_of_the_issuers_partition),
        cmocka_unit_test(takes_over_a_name_and_a_key_identifier_of_any_making),
        cmocka_unit_test(the_constraints_of_the_subordinate_hold_by_way_of_a_bridge),
        cmocka_unit_test(is_refused_where_a_root_is_over),
        cmocka_unit_test(never_leaves_with_the_signature_of_another_key),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
