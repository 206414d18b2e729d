/* signer/: bridges between the roots of a region, asked of a real signer process, as a client's trust sees
 * them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "signer_fixture.h"

#include <signal.h>
#include <string.h>

#define HOST "orders.cabcdefghijk.us-east-1.rds.localhost"

/* The CAs whose keys are made quickly; of rds-ca-rsa4096-g1 only the root takes part. */
enum { ECC384, RSA2048, CA2019, QUICK_COUNT, RSA4096 = QUICK_COUNT, COUNT };
static const struct {
    const char *identifier;
    enum key_kind key;
} cas[] = {{"rds-ca-ecc384-g1", KEY_EC_P384},
           {"rds-ca-rsa2048-g1", KEY_RSA_2048},
           {"rds-ca-2019", KEY_RSA_2048},
           {"rds-ca-rsa4096-g1", KEY_RSA_4096}};

/* What a client may trust and a server may send. */
struct chains {
    X509 *roots[COUNT], *subordinates[QUICK_COUNT], *leaves[QUICK_COUNT];
    X509 *bridges[COUNT][COUNT]; /* [subject][issuer] */
};

static int ask(struct world *world, const char *subject, const char *issuer, struct buf *der,
               struct error *error)
{
    const struct signer_bridge bridge = {
        .region = "us-east-1", .partition = "aws", .subject_ca = subject, .issuer_ca = issuer};
    return signer_sign_bridge(world->client, &bridge, der, error);
}

static int ask_code(struct world *world, const char *subject, const char *issuer)
{
    AUTO_BUF struct buf der = {0};
    struct error error = {0};
    int result = ask(world, subject, issuer, &der, &error);
    assert_int_equal(result, error.code);
    assert_true(result != 0 || der.length > 0);
    return result;
}

static X509 *make_bridge(struct world *world, int subject, int issuer)
{
    AUTO_BUF struct buf der = {0};
    struct error error = {0};
    X509 *bridge = NULL;
    if (ask(world, cas[subject].identifier, cas[issuer].identifier, &der, &error) ||
        certificate_parse(slice_buf(&der), &bridge, &error))
        fail_msg("%s by %s: %s", cas[subject].identifier, cas[issuer].identifier, error.text);
    return bridge;
}

static X509 *make_leaf(struct world *world, int ca)
{
    AUTO_BUF struct buf der = {0};
    struct text_list names = {0};
    struct error error = {0};
    X509 *leaf = NULL;
    text_list_add(&names, HOST);
    if (sign_with(world, cas[ca].identifier, cas[ca].key, &names, &names, 365 * CLOCK_DAY, &der, &error) ||
        certificate_parse(slice_buf(&der), &leaf, &error))
        fail_msg("%s", error.text);
    text_list_free(&names);
    return leaf;
}

static void make_chains(struct world *world, struct chains *chains)
{
    *chains = (struct chains){0};
    for (int ca = 0; ca < COUNT; ca++)
        chains->roots[ca] = make_ca(world, cas[ca].identifier, 0);
    for (int ca = 0; ca < QUICK_COUNT; ca++) {
        chains->subordinates[ca] = make_ca(world, cas[ca].identifier, 1);
        chains->leaves[ca] = make_leaf(world, ca);
    }
    for (int subject = 0; subject < COUNT; subject++)
        for (int issuer = 0; issuer < COUNT; issuer++)
            if (subject != issuer)
                chains->bridges[subject][issuer] = make_bridge(world, subject, issuer);
}

static void free_chains(struct chains *chains)
{
    for (int subject = 0; subject < COUNT; subject++) {
        X509_free(chains->roots[subject]);
        for (int issuer = 0; issuer < COUNT; issuer++)
            X509_free(chains->bridges[subject][issuer]);
    }
    for (int ca = 0; ca < QUICK_COUNT; ca++) {
        X509_free(chains->subordinates[ca]);
        X509_free(chains->leaves[ca]);
    }
}

/* Whether a client that trusts one root accepts the leaf of `ca` with its subordinate and `more` (ended by
 * NULL). */
static bool accepts(const struct chains *chains, int trusted, int ca, X509 *const *more, const char *host)
{
    X509 *root = chains->roots[trusted];
    struct certificate_list roots = {&root, 1}, intermediates = {0};
    struct error error = {0};
    certificate_list_add(&intermediates, chains->subordinates[ca]);
    for (; *more; more++)
        certificate_list_add(&intermediates, *more);
    int result = chain_verify(chains->leaves[ca], &intermediates, &roots, host, clock_now(), &error);
    certificate_list_free(&intermediates);
    return result == 0;
}

static void check_pair(const struct chains *chains, int subject, int issuer)
{
    X509 *const none[] = {NULL};
    X509 *const bridge[] = {chains->bridges[subject][issuer], NULL};
    X509 *const back[] = {chains->bridges[issuer][subject], NULL};
    X509 *const bridge_and_root[] = {chains->bridges[subject][issuer], chains->roots[subject], NULL};
    assert_true(accepts(chains, issuer, subject, bridge, HOST));
    assert_true(accepts(chains, issuer, subject, bridge_and_root, HOST));
    assert_false(accepts(chains, issuer, subject, bridge, "billing.us-east-1.rds.localhost"));
    assert_false(accepts(chains, issuer, subject, none, HOST));
    assert_false(accepts(chains, issuer, subject, back, HOST));
    assert_true(accepts(chains, subject, subject, none, HOST));
    assert_true(accepts(chains, subject, subject, bridge, HOST));
    assert_true(accepts(chains, subject, subject, bridge_and_root, HOST));
}

static void check_two_in_a_row(const struct chains *chains, int subject, int between, int trusted)
{
    X509 *const first[] = {chains->bridges[subject][between], NULL};
    X509 *const second[] = {chains->bridges[between][trusted], NULL};
    X509 *const both[] = {chains->bridges[subject][between], chains->bridges[between][trusted], NULL};
    assert_true(accepts(chains, trusted, subject, both, HOST));
    assert_false(accepts(chains, trusted, subject, first, HOST));
    assert_false(accepts(chains, trusted, subject, second, HOST));
}

/* What `openssl verify` says of the same files that a server would send and a client trust. */
static int openssl_verify(struct world *world, const struct chains *chains, int trusted, int ca, X509 *bridge)
{
    AUTO_BUF struct buf root = {0}, sent = {0}, leaf = {0};
    AUTO_FREE char *root_path = mem_format("%s/root.pem", world->folder);
    AUTO_FREE char *sent_path = mem_format("%s/sent.pem", world->folder);
    AUTO_FREE char *leaf_path = mem_format("%s/leaf.pem", world->folder);
    certificate_pem(chains->roots[trusted], &root);
    certificate_pem(chains->subordinates[ca], &sent);
    if (bridge)
        certificate_pem(bridge, &sent);
    certificate_pem(chains->leaves[ca], &leaf);
    assert_int_equal(file_write(root_path, slice_buf(&root), 0600, NULL), 0);
    assert_int_equal(file_write(sent_path, slice_buf(&sent), 0600, NULL), 0);
    assert_int_equal(file_write(leaf_path, slice_buf(&leaf), 0600, NULL), 0);
    const char *const arguments[] = {
        "openssl",  "verify",           "-x509_strict", "-no-CApath", "-no-CAstore",
        "-purpose", "sslserver",        "-CAfile",      root_path,    "-untrusted",
        sent_path,  "-verify_hostname", HOST,           leaf_path,    NULL};
    return process_run(arguments, 30 * CLOCK_SECOND, NULL, NULL);
}

static void check_with_openssl(struct world *world, const struct chains *chains, int subject, int issuer)
{
    X509 *bridge = chains->bridges[subject][issuer];
    assert_int_equal(openssl_verify(world, chains, issuer, subject, bridge), 0);
    assert_int_not_equal(openssl_verify(world, chains, issuer, subject, NULL), 0);
    assert_int_equal(openssl_verify(world, chains, subject, subject, bridge), 0);
}

static void who_trusts_one_root_verifies_what_is_below_another(void **state)
{
    struct world *world = *state;
    struct chains chains;
    make_chains(world, &chains);
    for (int subject = 0; subject < QUICK_COUNT; subject++)
        for (int issuer = 0; issuer < COUNT; issuer++)
            if (subject != issuer)
                check_pair(&chains, subject, issuer);
    check_two_in_a_row(&chains, ECC384, RSA2048, CA2019);
    check_two_in_a_row(&chains, CA2019, ECC384, RSA2048);
    check_two_in_a_row(&chains, RSA2048, RSA4096, ECC384);
    check_with_openssl(world, &chains, ECC384, CA2019);
    check_with_openssl(world, &chains, CA2019, ECC384);
    check_with_openssl(world, &chains, RSA2048, RSA4096);
    free_chains(&chains);
}

static void refuses_what_is_no_pair_of_cas(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 0));
    X509_free(make_ca(world, "rds-ca-rsa2048-g1", 0));
    assert_int_equal(ask_code(world, "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"), 0);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g1", "rds-ca-ecc384-g1"), ERROR_INVALID);
    assert_int_equal(ask_code(world, "RDS-CA-ECC384-G1", "rds-ca-ecc384-g1"), ERROR_INVALID);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g2", "rds-ca-ecc384-g1"), ERROR_INVALID);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g1", "control"), ERROR_INVALID);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g1", ""), ERROR_INVALID);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g1", "an identifier that is longer than any"),
                     ERROR_INVALID);
}

static void waits_for_both_roots(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 0));
    assert_int_equal(ask_code(world, "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1"), ERROR_NOT_FOUND);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g1", "rds-ca-rsa2048-g1"), ERROR_NOT_FOUND);
    X509_free(make_ca(world, "rds-ca-2019", 0));
    assert_int_equal(ask_code(world, "rds-ca-2019", "rds-ca-ecc384-g1"), ERROR_NOT_FOUND);
    X509_free(make_ca(world, "rds-ca-2019", 1));
    assert_int_equal(ask_code(world, "rds-ca-2019", "rds-ca-ecc384-g1"), 0);
}

/* The partition's root of rds-ca-2019 is bridged with its own regions' roots alone. */
static void joins_no_region_with_another_partition(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-2019", 1));
    struct signer_ca govcloud = ca_of(world, "us-gov-west-1", "rds-ca-ecc384-g1", 0);
    govcloud.partition = "aws-us-gov";
    X509_free(make(world, &govcloud));
    govcloud = ca_of(world, "us-gov-west-1", "rds-ca-2019", 1);
    govcloud.partition = "aws-us-gov";
    X509_free(make(world, &govcloud));
    struct signer_bridge bridge = {.region = "us-gov-west-1",
                                   .partition = "aws",
                                   .subject_ca = "rds-ca-2019",
                                   .issuer_ca = "rds-ca-ecc384-g1"};
    AUTO_BUF struct buf der = {0};
    struct error error = {0};
    assert_int_equal(signer_sign_bridge(world->client, &bridge, &der, &error), ERROR_DENIED);
    bridge.partition = "aws-us-gov";
    assert_int_equal(signer_sign_bridge(world->client, &bridge, &der, &error), 0);
}

static void refuses_a_root_that_is_over(void **state)
{
    struct world *world = *state;
    X509 *legacy = make_ca(world, "rds-ca-2019", 0);
    struct certificate_facts facts;
    X509_free(make_ca(world, "rds-ca-2019", 1));
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 0));
    X509_free(make_ca(world, "rds-ca-rsa2048-g1", 0));
    assert_int_equal(certificate_facts(legacy, &facts, NULL), 0);
    X509_free(legacy);
    assert_int_equal(ask_code(world, "rds-ca-2019", "rds-ca-ecc384-g1"), 0);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g1", "rds-ca-2019"), 0);
    stop_signer(world, SIGTERM);
    world->later = facts.not_after - clock_now(); /* a bridge begins some minutes before */
    start_signer(world);
    assert_int_equal(ask_code(world, "rds-ca-2019", "rds-ca-ecc384-g1"), ERROR_STATE);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g1", "rds-ca-2019"), ERROR_STATE);
    assert_int_equal(ask_code(world, "rds-ca-ecc384-g1", "rds-ca-rsa2048-g1"), 0);
}

static void keeps_the_rate(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 0));
    X509_free(make_ca(world, "rds-ca-rsa2048-g1", 0));
    stop_signer(world, SIGTERM);
    world->signatures_per_second = 1;
    start_signer(world);
    int signed_count = 0, refused = 0;
    int64_t begin = clock_steady();
    while (!refused && signed_count < 50) {
        int result = ask_code(world, "rds-ca-rsa2048-g1", "rds-ca-ecc384-g1");
        assert_true(result == 0 || result == ERROR_BUSY);
        *(result ? &refused : &signed_count) += 1;
    }
    assert_int_equal(refused, 1);
    assert_in_range(signed_count, 1, 2 + (clock_steady() - begin) / CLOCK_SECOND);
}

static void each_call_makes_another_certificate(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 0));
    X509_free(make_ca(world, "rds-ca-rsa2048-g1", 0));
    X509 *one = make_bridge(world, ECC384, RSA2048), *other = make_bridge(world, ECC384, RSA2048);
    struct certificate_facts facts;
    assert_int_equal(certificate_facts(one, &facts, NULL), 0);
    assert_in_range(clock_now() - facts.not_before, 5 * CLOCK_MINUTE, 6 * CLOCK_MINUTE);
    assert_int_not_equal(ASN1_INTEGER_cmp(X509_get0_serialNumber(one), X509_get0_serialNumber(other)), 0);
    X509_free(one);
    X509_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(who_trusts_one_root_verifies_what_is_below_another),
        WORLD_TEST(refuses_what_is_no_pair_of_cas),
        WORLD_TEST(waits_for_both_roots),
        WORLD_TEST(joins_no_region_with_another_partition),
        WORLD_TEST(refuses_a_root_that_is_over),
        WORLD_TEST(keeps_the_rate),
        WORLD_TEST(each_call_makes_another_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
