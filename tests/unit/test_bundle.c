/* pki/bundle: every format holds the same certificates, and Java trusts all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "pki/bundle.h"

#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void load(struct certificate_list *list)
{
    AUTO_FREE char *path =
        mem_format("%s/tests/data/aws/aws-us-west-1-bundle-2022-with-2019.pem", SOURCE_ROOT);
    AUTO_BUF struct buf pem = {0};
    assert_int_equal(file_read(path, 1 << 20, &pem, NULL), 0);
    assert_int_equal(certificate_list_parse_pem(slice_buf(&pem), list, NULL), 0);
    assert_int_equal(list->count, 5);
}

static void pem_is_byte_for_byte_as_aws_writes_it(void **state)
{
    (void)state;
    AUTO_FREE char *path = mem_format("%s/tests/data/aws/aws-us-east-1-bundle.pem", SOURCE_ROOT);
    AUTO_BUF struct buf real = {0}, ours = {0};
    struct certificate_list list = {0};
    assert_int_equal(file_read(path, 1 << 20, &real, NULL), 0);
    assert_int_equal(certificate_list_parse_pem(slice_buf(&real), &list, NULL), 0);
    assert_int_equal(bundle_pem(&list, &ours, NULL), 0);
    assert_true(slice_equal(slice_buf(&real), slice_buf(&ours)));
    certificate_list_free(&list);
}

static void pkcs7_holds_them_all(void **state)
{
    (void)state;
    struct certificate_list list = {0};
    AUTO_BUF struct buf out = {0};
    load(&list);
    assert_int_equal(bundle_pkcs7(&list, &out, NULL), 0);
    assert_true(text_starts_with(buf_text(&out), "-----BEGIN PKCS7-----\n"));
    BIO *memory = BIO_new_mem_buf(out.data, (int)out.length);
    PKCS7 *pkcs7 = PEM_read_bio_PKCS7(memory, NULL, NULL, NULL);
    assert_non_null(pkcs7);
    assert_int_equal(sk_X509_num(pkcs7->d.sign->cert), 5);
    PKCS7_free(pkcs7);
    BIO_free(memory);
    certificate_list_free(&list);
}

/* What Java's keytool lists of a trust store. */
static void keytool_lists(const struct buf *store, const char *type)
{
    if (access("/usr/bin/keytool", X_OK) != 0) {
        printf("keytool is not installed\n");
        skip();
    }
    char folder[] = "/tmp/sw-bundle-XXXXXX";
    assert_non_null(mkdtemp(folder));
    AUTO_FREE char *path = mem_format("%s/store", folder);
    assert_int_equal(file_write(path, slice_buf(store), 0600, NULL), 0);
    const char *const command[] = {"/usr/bin/keytool", "-list",         "-keystore", path, "-storetype", type,
                                   "-storepass",       BUNDLE_PASSWORD, NULL};
    AUTO_BUF struct buf output = {0};
    struct error error = {0};
    if (process_run(command, 60000, &output, &error))
        fail_msg("%s", error.text);
    int trusted = 0;
    for (const char *at = buf_text(&output); (at = strstr(at, "trustedCertEntry")); at++)
        trusted++;
    assert_int_equal(trusted, 5);
    file_remove_tree(folder, NULL);
}

static void java_trusts_every_entry_of_jks(void **state)
{
    (void)state;
    struct certificate_list list = {0};
    AUTO_BUF struct buf out = {0};
    load(&list);
    assert_int_equal(bundle_jks(&list, &out, NULL), 0);
    certificate_list_free(&list);
    keytool_lists(&out, "JKS");
}

static void java_trusts_every_entry_of_pkcs12(void **state)
{
    (void)state;
    struct certificate_list list = {0};
    AUTO_BUF struct buf out = {0};
    load(&list);
    assert_int_equal(bundle_pkcs12(&list, &out, NULL), 0);
    certificate_list_free(&list);
    keytool_lists(&out, "PKCS12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pem_is_byte_for_byte_as_aws_writes_it),
        cmocka_unit_test(pkcs7_holds_them_all),
        cmocka_unit_test(java_trusts_every_entry_of_jks),
        cmocka_unit_test(java_trusts_every_entry_of_pkcs12),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
