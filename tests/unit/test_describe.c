/* pki/describe.c: the CA identifier behind an authority's name, AWS's real ones among them; keys' names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "pki/certificate.h"

static void names_stand_for_identifiers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *identifier, *region;
    } cases[] = {
        {"Amazon RDS us-east-1 Root CA RSA2048 G1", "rds-ca-rsa2048-g1", "us-east-1"},
        {"Amazon RDS ap-northeast-2 Subordinate CA RSA2048 G1.A.5", "rds-ca-rsa2048-g1", "ap-northeast-2"},
        {"Amazon RDS eu-central-1 Subordinate CA ECC384 G1.A.12", "rds-ca-ecc384-g1", "eu-central-1"},
        {"Amazon RDS us-gov-west-1 RSA4096 G1", "rds-ca-rsa4096-g1", "us-gov-west-1"},
        {"Amazon RDS Beta us-east-1 Root CA RSA4096 G1", "rds-ca-rsa4096-g1", "us-east-1"},
        {"Our Databases site-7 Subordinate CA RSA4096 G1.A.1", "rds-ca-rsa4096-g1", "site-7"},
        {"Amazon RDS Root 2019 CA", "rds-ca-2019", ""},
        {"Amazon RDS GovCloud Root 2019 CA", "rds-ca-2019", ""},
        {"Amazon RDS us-west-1 2019 CA", "rds-ca-2019", "us-west-1"},
        {"Amazon RSA 2048 M01", NULL, ""},
        {"Somebody's 2019 CA", NULL, ""},
        {"Root CA RSA2048 G1", NULL, ""},
        {"Amazon RDS us-east-1 Root CA RSA2048 G2", NULL, ""},
        {"Amazon RDS us-east-1 Subordinate CA RSA2048 G1.A.", NULL, ""},
        {"", NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char region[32];
        X509_NAME *name = X509_NAME_new();
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Amazon", -1, -1, 0);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cases[i].name, -1, -1,
                                   0);
        const struct ca_profile *found = ca_profile_of_name(name, region);
        if (!text_equal(found ? found->identifier : NULL, cases[i].identifier))
            print_message("%s: %s\n", cases[i].name, found ? found->identifier : "none");
        assert_true(text_equal(found ? found->identifier : NULL, cases[i].identifier));
        if (found)
            assert_string_equal(region, cases[i].region);
        X509_NAME_free(name);
    }
}

static void awss_certificates_are_known_by_their_issuers(void **state)
{
    (void)state;
    static const char *const files[] = {"aws-us-east-1-bundle.pem",
                                        "aws-intermediate-ap-northeast-2-rsa2048-g1.pem",
                                        "aws-us-west-1-bundle-2022-with-2019.pem"};
    static const char *const keys[] = {"RSA 2048", "RSA 4096", "EC P-384"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        AUTO_FREE char *path = mem_format("%s/tests/data/aws/%s", SOURCE_ROOT, files[i]);
        AUTO_BUF struct buf pem = {0};
        struct certificate_list list = {0};
        assert_int_equal(file_read(path, 1 << 20, &pem, NULL), 0);
        assert_int_equal(certificate_list_parse_pem(slice_buf(&pem), &list, NULL), 0);
        for (size_t j = 0; j < list.count; j++) {
            char region[32], key[64];
            const struct ca_profile *found = ca_profile_of_name(X509_get_issuer_name(list.items[j]), region);
            assert_non_null(found);
            certificate_key_text(list.items[j], key);
            assert_string_equal(key, keys[found->key]);
            assert_non_null(certificate_signature_text(list.items[j]));
        }
        certificate_list_free(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_stand_for_identifiers),
        cmocka_unit_test(awss_certificates_are_known_by_their_issuers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
