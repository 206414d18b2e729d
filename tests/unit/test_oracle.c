/* engine/oracle*: versions, files and wallets, without a home. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/oracle.h"

#include <openssl/pkcs12.h>
#include <string.h>

static const struct engine_release release = {"oracle-ee", "19.0.0.0.ru-2023-10.rur-2023-10.r1",
                                              "/opt/oracle/product/19c/dbhome_1/bin"};

static struct engine_instance instance_of(const struct engine_parameter *parameters, size_t count)
{
    return (struct engine_instance){
        .folder = "/srv/sealwright/db-ABC",
        .release = &release,
        .listen_addresses = "127.0.0.1, ::1",
        .client_networks = "127.0.0.0/8,2001:db8::/32",
        .port = 1521,
        .parameters = parameters,
        .parameter_count = count,
    };
}

static void a_home_is_named_as_by_rds(void **state)
{
    (void)state;
    static const char *const known[][2] = {
        {"19.3.0.0.0", "19.0.0.0.ru-2019-04.rur-2019-04.r1"},
        {"19.6.0.0.0", "19.0.0.0.ru-2020-01.rur-2020-01.r1"},
        {"19.21.0.0.0", "19.0.0.0.ru-2023-10.rur-2023-10.r1"},
        {"19.22.0.0.0\n", "19.0.0.0.ru-2024-01.rur-2024-01.r1"},
    };
    char version[64], small[20];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        assert_true(oracle_rds_version(known[i][0], version, sizeof version));
        assert_string_equal(version, known[i][1]);
    }
    assert_false(oracle_rds_version("21.3.0.0.0", version, sizeof version));
    assert_false(oracle_rds_version("19.1.0.0.0", version, sizeof version));
    assert_false(oracle_rds_version("Oracle", version, sizeof version));
    assert_false(oracle_rds_version("19.21.0.0.0", small, sizeof small));
    assert_true(oracle_compatible(known[0][1], known[2][1]));
    assert_false(oracle_compatible(known[2][1], known[0][1]));
    assert_false(oracle_compatible("21.0.0.0.ru-2023-10.rur-2023-10.r1", known[2][1]));
}

static void a_database_has_its_name_or_orcl(void **state)
{
    (void)state;
    static const char *const bad[] = {"1abc", "toolongname", "a b", "a-b", "a\"b", "a)b"};
    struct engine_instance instance = instance_of(NULL, 0);
    char service[9];
    assert_int_equal(oracle_service(&instance, service, NULL), 0);
    assert_string_equal(service, "ORCL");
    instance.database = "sales1";
    assert_int_equal(oracle_service(&instance, service, NULL), 0);
    assert_string_equal(service, "SALES1");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        instance.database = bad[i];
        assert_int_equal(oracle_service(&instance, service, NULL), ERROR_INVALID);
    }
    AUTO_FREE char *sid = oracle_sid(&instance);
    instance.folder = "/srv/sealwright/db-ABD";
    AUTO_FREE char *other = oracle_sid(&instance);
    assert_int_equal(strlen(sid), 12);
    assert_string_not_equal(sid, other);
}

static void without_the_option_there_is_no_tls(void **state)
{
    (void)state;
    AUTO_BUF struct buf net = {0}, listener = {0};
    const struct engine_instance instance = instance_of(NULL, 0);
    assert_int_equal(oracle_tls_port(&instance), 0);
    assert_int_equal(oracle_sqlnet(&instance, &net, NULL), 0);
    assert_int_equal(oracle_listener(&instance, &listener, NULL), 0);
    assert_null(strstr(buf_text(&net), "WALLET"));
    assert_null(strstr(buf_text(&listener), "TCPS"));
    assert_non_null(strstr(buf_text(&listener), "(PROTOCOL = TCP)(HOST = 127.0.0.1)(PORT = 1521)"));
    assert_non_null(strstr(buf_text(&listener), "(ORACLE_HOME = /opt/oracle/product/19c/dbhome_1)"));
    assert_non_null(strstr(buf_text(&net), "TCP.INVITED_NODES = (127.0.0.0/8, 2001:db8::/32)\n"));
}

static void the_option_is_in_both_files(void **state)
{
    (void)state;
    static const struct engine_parameter option[] = {
        {"option.SSL.port", "2484"},
        {"SQLNET.SSL_VERSION", "1.2 or 1.0"},
        {"SQLNET.CIPHER_SUITE", "SSL_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"},
        {"sqlnetora.sqlnet.expire_time", "10"},
        {"open_cursors", "400"},
        {"control_files", "/etc/passwd"},
    };
    static const char tls[] =
        "WALLET_LOCATION = (SOURCE = (METHOD = FILE)(METHOD_DATA = (DIRECTORY = "
        "/srv/sealwright/db-ABC/tls/wallet)))\n"
        "SSL_CLIENT_AUTHENTICATION = FALSE\n"
        "SSL_VERSION = 1.2 or 1.0\n"
        "SSL_CIPHER_SUITES = (SSL_RSA_WITH_AES_256_CBC_SHA,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)\n";
    AUTO_BUF struct buf net = {0}, listener = {0}, names = {0}, start = {0};
    const struct engine_instance instance = instance_of(option, sizeof option / sizeof option[0]);
    assert_int_equal(oracle_tls_port(&instance), 2484);
    assert_int_equal(oracle_sqlnet(&instance, &net, NULL), 0);
    assert_int_equal(oracle_listener(&instance, &listener, NULL), 0);
    assert_int_equal(oracle_names(&instance, &names, NULL), 0);
    assert_int_equal(oracle_start_parameters(&instance, &start, NULL), 0);
    assert_non_null(strstr(buf_text(&net), tls));
    assert_non_null(strstr(buf_text(&listener), tls));
    assert_non_null(strstr(buf_text(&listener), "(PROTOCOL = TCPS)(HOST = 127.0.0.1)(PORT = 2484)"));
    assert_non_null(strstr(buf_text(&listener), "(PROTOCOL = TCP)(HOST = 127.0.0.1)(PORT = 1521)"));
    assert_non_null(strstr(buf_text(&net), "sqlnet.expire_time = 10\n"));
    assert_non_null(strstr(buf_text(&names), "(PROTOCOL = TCPS)(HOST = localhost)(PORT = 2484)"));
    assert_non_null(strstr(buf_text(&start), "open_cursors='400'\n"));
    assert_null(strstr(buf_text(&start), "control_files"));
}

static void what_the_files_cannot_hold_is_refused(void **state)
{
    (void)state;
    static const struct engine_parameter bad[][2] = {
        {{"option.SSL.port", "2484"}, {"SQLNET.SSL_VERSION", "1.3"}},
        {{"option.SSL.port", "2484"}, {"SQLNET.CIPHER_SUITE", "A) (B"}},
        {{"option.SSL.port", "1521"}, {"SQLNET.SSL_VERSION", "1.2"}},
        {{"sqlnetora.wallet_location", "x\ny"}, {"a", "b"}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        AUTO_BUF struct buf net = {0}, listener = {0};
        struct engine_instance instance = instance_of(bad[i], 2);
        struct error error = {0};
        int result = oracle_sqlnet(&instance, &net, &error);
        if (!result)
            result = oracle_listener(&instance, &listener, &error);
        assert_int_equal(result, ERROR_INVALID);
        assert_true(error.text[0]);
    }
    static const struct engine_parameter quoted[] = {{"open_cursors", "1' spfile='x"}};
    struct engine_instance instance = instance_of(quoted, 1);
    AUTO_BUF struct buf text = {0};
    assert_int_equal(oracle_start_parameters(&instance, &text, NULL), ERROR_INVALID);
    instance = instance_of(NULL, 0);
    instance.folder = "/srv/with a space";
    assert_int_equal(oracle_listener(&instance, &text, NULL), ERROR_INVALID);
    instance = instance_of(NULL, 0);
    instance.listen_addresses = "127.0.0.1)(X=";
    assert_int_equal(oracle_listener(&instance, &text, NULL), ERROR_INVALID);
    instance.listen_addresses = "192.0.2.1";
    assert_int_equal(oracle_listener(&instance, &text, NULL), ERROR_INVALID);
}

/* RDS's table, "Certificate compatibility with cipher suites". */
static void suites_are_for_one_kind_of_key(void **state)
{
    (void)state;
    assert_true(oracle_suites_fit("SSL_RSA_WITH_AES_256_CBC_SHA", true));
    assert_false(oracle_suites_fit("SSL_RSA_WITH_AES_256_CBC_SHA", false));
    assert_true(oracle_suites_fit("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", true));
    assert_false(oracle_suites_fit("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", false));
    assert_true(oracle_suites_fit("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", false));
    assert_false(oracle_suites_fit("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", true));
    assert_true(
        oracle_suites_fit("SSL_RSA_WITH_AES_256_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", false));
    assert_true(oracle_suites_fit("", false));
}

static void a_message_is_oracles_last_without_what_it_quotes(void **state)
{
    (void)state;
    static const char output[] = "ALTER USER \"APP\" IDENTIFIED BY \"secret\"\n*\nERROR at line 1:\n"
                                 "ORA-28003: password verification for the specified password failed\n"
                                 "ORA-20001: too short\n\n";
    AUTO_FREE char *found = oracle_message(slice_text(output), "ORA-");
    AUTO_FREE char *none = oracle_message(slice_text(output), "TNS-");
    assert_string_equal(found, "ORA-20001: too short");
    assert_null(none);
}

static X509 *make_root(EVP_PKEY *key, const char *identifier)
{
    struct organisation organisation;
    X509 *root = NULL;
    organisation_defaults(&organisation);
    const struct ca_spec spec = {
        .profile = ca_profile_find(identifier),
        .scope = "us-east-1",
        .partition = "aws",
        .number = 1,
        .not_before = clock_now(),
        .organisation = &organisation,
    };
    assert_int_equal(ca_certificate_issue(&spec, key, NULL, NULL, &root, NULL), 0);
    return root;
}

static void a_wallet_holds_key_and_chain_once(void **state)
{
    (void)state;
    EVP_PKEY *key = NULL, *other_key = NULL, *read_key = NULL;
    assert_int_equal(key_generate(ca_profile_find("rds-ca-ecc384-g1")->key, &key, NULL), 0);
    assert_int_equal(key_generate(ca_profile_find("rds-ca-ecc384-g1")->key, &other_key, NULL), 0);
    X509 *own = make_root(key, "rds-ca-ecc384-g1"), *above = make_root(other_key, "rds-ca-ecc384-g1");
    AUTO_SECRET struct buf key_pem = {0}, other_pem = {0}, der = {0};
    AUTO_BUF struct buf chain = {0}, authorities = {0};
    certificate_pem(own, &chain);
    certificate_pem(above, &chain);
    certificate_pem(above, &authorities);
    assert_int_equal(key_to_pem(key, &key_pem, NULL), 0);
    assert_int_equal(key_to_pem(other_key, &other_pem, NULL), 0);
    assert_int_equal(oracle_wallet_pack(slice_buf(&other_pem), slice_buf(&chain), slice_buf(&authorities),
                                        "password1", &der, NULL),
                     ERROR_INVALID);
    assert_int_equal(oracle_wallet_pack(slice_buf(&key_pem), slice_buf(&chain), slice_buf(&authorities),
                                        "password1", &der, NULL),
                     0);
    const unsigned char *at = der.data;
    PKCS12 *file = d2i_PKCS12(NULL, &at, (long)der.length);
    const X509_ALGOR *mac = NULL;
    const ASN1_OBJECT *digest = NULL;
    X509 *leaf = NULL;
    STACK_OF(X509) *rest = NULL;
    PKCS12_get0_mac(NULL, &mac, NULL, NULL, file);
    X509_ALGOR_get0(&digest, NULL, NULL, mac);
    assert_int_equal(OBJ_obj2nid(digest), NID_sha1);
    assert_int_equal(PKCS12_parse(file, "wrong", &read_key, &leaf, &rest), 0);
    assert_int_equal(PKCS12_parse(file, "password1", &read_key, &leaf, &rest), 1);
    assert_int_equal(EVP_PKEY_eq(read_key, key), 1);
    assert_int_equal(X509_cmp(leaf, own), 0);
    assert_int_equal(sk_X509_num(rest), 1);
    assert_int_equal(X509_cmp(sk_X509_value(rest, 0), above), 0);
    sk_X509_pop_free(rest, X509_free);
    X509_free(leaf);
    PKCS12_free(file);
    X509_free(own);
    X509_free(above);
    EVP_PKEY_free(read_key);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_home_is_named_as_by_rds),
        cmocka_unit_test(a_database_has_its_name_or_orcl),
        cmocka_unit_test(without_the_option_there_is_no_tls),
        cmocka_unit_test(the_option_is_in_both_files),
        cmocka_unit_test(what_the_files_cannot_hold_is_refused),
        cmocka_unit_test(suites_are_for_one_kind_of_key),
        cmocka_unit_test(a_message_is_oracles_last_without_what_it_quotes),
        cmocka_unit_test(a_wallet_holds_key_and_chain_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
