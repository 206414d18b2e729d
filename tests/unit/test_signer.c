/* signer/: a real signer process over its channels, as the server's workers see it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "signer_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void makes_a_chain_that_every_flag_accepts(void **state)
{
    struct world *world = *state;
    X509 *root = make_ca(world, "rds-ca-ecc384-g1", 0);
    X509 *subordinate = make_ca(world, "rds-ca-ecc384-g1", 1);
    struct text_list names = {0};
    text_list_add(&names, "orders.cabcdefghijk.us-east-1.rds.localhost");
    text_list_add(&names, "db.example.com");
    AUTO_BUF struct buf der = {0};
    struct error error = {0};
    int result =
        sign_with(world, "rds-ca-ecc384-g1", KEY_EC_P384, &names, &names, 365 * CLOCK_DAY, &der, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(result, 0);
    X509 *leaf = NULL;
    assert_int_equal(certificate_parse(slice_buf(&der), &leaf, &error), 0);
    struct certificate_list roots = {&root, 1}, intermediates = {&subordinate, 1};
    assert_int_equal(chain_verify(leaf, &intermediates, &roots, "db.example.com", clock_now(), &error), 0);
    assert_int_not_equal(chain_verify(leaf, &intermediates, &roots, "other.example.com", clock_now(), &error),
                         0);
    X509_free(leaf);
    X509_free(subordinate);
    X509_free(root);
    text_list_free(&names);
}

static void refuses_what_the_policy_forbids(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 1));
    struct text_list good = {0}, foreign = {0}, address = {0};
    text_list_add(&good, "a.us-east-1.rds.localhost");
    text_list_add(&foreign, "a.us-west-2.rds.localhost");
    text_list_add(&address, "a.us-east-1.rds.localhost");
    text_list_add(&address, "10.0.0.1");
    AUTO_BUF struct buf der = {0};
    struct error error = {0};
    const char *ca = "rds-ca-ecc384-g1";
    assert_int_equal(sign_with(world, ca, KEY_EC_P384, &good, &good, CLOCK_DAY, &der, &error), 0);
    assert_int_equal(sign_with(world, ca, KEY_RSA_2048, &good, &good, CLOCK_DAY, &der, &error),
                     ERROR_INVALID);
    assert_int_equal(sign_with(world, ca, KEY_EC_P384, &foreign, &foreign, CLOCK_DAY, &der, &error),
                     ERROR_DENIED);
    assert_int_equal(sign_with(world, ca, KEY_EC_P384, &address, &address, CLOCK_DAY, &der, &error),
                     ERROR_DENIED);
    assert_int_equal(sign_with(world, ca, KEY_EC_P384, &foreign, &good, CLOCK_DAY, &der, &error),
                     ERROR_DENIED);
    assert_int_equal(sign_with(world, ca, KEY_EC_P384, &good, &good, 5 * 366 * CLOCK_DAY, &der, &error),
                     ERROR_DENIED);
    assert_int_equal(sign_with(world, "rds-ca-2019", KEY_RSA_2048, &good, &good, CLOCK_DAY, &der, &error),
                     ERROR_NOT_FOUND);
    text_list_free(&good);
    text_list_free(&foreign);
    text_list_free(&address);
}

static void refuses_a_request_that_is_none(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 1));
    struct text_list names = {0};
    text_list_add(&names, "a.us-east-1.rds.localhost");
    struct error error = {0};
    struct signer_server_reply reply = {0};
    struct signer_server_request sign = {.region = "us-east-1",
                                         .partition = "aws",
                                         .ca_identifier = "rds-ca-ecc384-g1",
                                         .number = 1,
                                         .request = slice_text("no request at all"),
                                         .names = &names,
                                         .not_before = clock_now(),
                                         .not_after = clock_now() + CLOCK_DAY};
    assert_int_equal(signer_sign_server(world->client, &sign, 1, &reply, &error), 0);
    assert_int_equal(reply.result, ERROR_INVALID);
    buf_free(&reply.der);
    text_list_free(&names);
}

static void a_killed_signer_loses_nothing_and_is_asked_again(void **state)
{
    struct world *world = *state;
    X509 *before = make_ca(world, "rds-ca-ecc384-g1", 1);
    stop_signer(world, SIGKILL);
    start_signer(world);
    X509 *after =
        make_ca(world, "rds-ca-ecc384-g1", 1); /* the packet may go to either; the hello makes it go again */
    assert_int_equal(X509_cmp(before, after), 0);
    X509_free(before);
    X509_free(after);
}

static void other_constraints_need_another_number(void **state)
{
    struct world *world = *state;
    AUTO_BUF struct buf der = {0};
    struct error error = {0};
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 1));
    text_list_add(&world->domains, "example.org");
    struct signer_ca ca = ca_of(world, "us-east-1", "rds-ca-ecc384-g1", 1);
    assert_int_equal(ensure(world, &ca, &der, &error), ERROR_EXISTS);
    ca.number = 2;
    assert_int_equal(ensure(world, &ca, &der, &error), 0);
}

static void signs_for_the_control_plane(void **state)
{
    struct world *world = *state;
    AUTO_BUF struct buf ca_der = {0}, request = {0}, der = {0};
    struct error error = {0};
    struct text_list names = {0};
    EVP_PKEY *key = NULL;
    X509 *ca = NULL, *leaf = NULL;
    text_list_add(&names, "localhost");
    text_list_add(&names, "127.0.0.1");
    while (signer_control_ca(world->client, &ca_der, &error) == ERROR_BUSY)
        usleep(10000);
    assert_int_equal(key_generate(KEY_EC_P384, &key, &error), 0);
    assert_int_equal(request_make(key, &names, &request, &error), 0);
    assert_int_equal(signer_sign_control(world->client, CONTROL_SERVER, "localhost", &names,
                                         slice_buf(&request), clock_now() + 90 * CLOCK_DAY, &der, &error),
                     0);
    assert_int_equal(certificate_parse(slice_buf(&ca_der), &ca, &error), 0);
    assert_int_equal(certificate_parse(slice_buf(&der), &leaf, &error), 0);
    struct certificate_list roots = {&ca, 1}, none = {0};
    assert_int_equal(chain_verify(leaf, &none, &roots, "127.0.0.1", clock_now(), &error), 0);
    X509_free(ca);
    X509_free(leaf);
    EVP_PKEY_free(key);
    text_list_free(&names);
}

/* A signer that cannot start says so by its exit status. */
static int start_and_wait(struct world *world, const char *passphrase)
{
    pid_t child = fork();
    if (child == 0)
        run_signer(world, passphrase);
    for (int i = 0; i < 100; i++) {
        int status;
        if (waitpid(child, &status, WNOHANG) == child)
            return WEXITSTATUS(status);
        usleep(20000);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return -1; /* it runs */
}

static void refuses_wrong_keys_and_open_key_files(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 0));
    assert_int_equal(start_and_wait(world, NULL), 1); /* the folder is locked */
    stop_signer(world, SIGTERM);
    assert_int_equal(start_and_wait(world, "a passphrase"), 1);
    assert_int_equal(chmod(world->key_file, 0644), 0);
    assert_int_equal(start_and_wait(world, NULL), 1);
    assert_int_equal(chmod(world->key_file, 0600), 0);
    assert_int_equal(start_and_wait(world, NULL), -1);
}

static void no_key_is_readable_on_disk(void **state)
{
    struct world *world = *state;
    X509_free(make_ca(world, "rds-ca-ecc384-g1", 0));
    AUTO_FREE char *path = mem_format("%s/us-east-1/rds-ca-ecc384-g1/0.ca", world->folder);
    AUTO_BUF struct buf content = {0};
    struct stat status;
    assert_int_equal(file_read(path, 1 << 20, &content, NULL), 0);
    assert_null(memmem(content.data, content.length, "PRIVATE KEY", 11));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(makes_a_chain_that_every_flag_accepts),
        WORLD_TEST(refuses_what_the_policy_forbids),
        WORLD_TEST(refuses_a_request_that_is_none),
        WORLD_TEST(a_killed_signer_loses_nothing_and_is_asked_again),
        WORLD_TEST(other_constraints_need_another_number),
        WORLD_TEST(signs_for_the_control_plane),
        WORLD_TEST(refuses_wrong_keys_and_open_key_files),
        WORLD_TEST(no_key_is_readable_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
