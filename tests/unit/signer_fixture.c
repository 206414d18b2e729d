#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "signer/signer.h"
#include "signer_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

_Noreturn void run_signer(const struct world *world, const char *passphrase)
{
    struct signer_options options = {
        .folder = world->folder,
        .key_file = passphrase ? NULL : world->key_file,
        .passphrase = passphrase,
        .legacy_not_after_days = 1826,
        .longest_life = 4 * 366 * CLOCK_DAY,
        .signatures_per_second = world->signatures_per_second,
        .key_makers = 2,
    };
    organisation_defaults(&options.organisation);
    clock_shift(world->later);
    close(world->ends[0]);
    exit(signer_run(&options, &world->ends[1], 1));
}

void start_signer(struct world *world)
{
    world->signer = fork();
    if (world->signer == 0)
        run_signer(world, NULL);
}

void stop_signer(struct world *world, int signal_number)
{
    int status;
    kill(world->signer, signal_number);
    waitpid(world->signer, &status, 0);
    world->signer = 0;
}

int set_up(void **state)
{
    struct world *world = mem_new(sizeof *world);
    strcpy(world->folder, "/tmp/sw-signer-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->key_file = mem_format("%s/master.key", world->folder);
    char key[32];
    memset(key, 7, sizeof key);
    assert_int_equal(file_write(world->key_file, slice_of(key, sizeof key), 0600, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, world->ends), 0);
    text_list_add(&world->domains, "us-east-1.rds.localhost");
    text_list_add(&world->domains, "example.com");
    start_signer(world);
    world->client = signer_client_new(dup(world->ends[0]), 20 * CLOCK_SECOND);
    *state = world;
    return 0;
}

int tear_down(void **state)
{
    struct world *world = *state;
    if (world->signer)
        stop_signer(world, SIGTERM);
    signer_client_free(world->client);
    close(world->ends[0]);
    close(world->ends[1]);
    file_remove_tree(world->folder, NULL);
    text_list_free(&world->domains);
    free(world->key_file);
    free(world);
    return 0;
}

struct signer_ca ca_of(const struct world *world, const char *region, const char *identifier, int number)
{
    return (struct signer_ca){
        .region = region,
        .partition = "aws",
        .ca_identifier = identifier,
        .subordinate = number > 0,
        .number = number,
        .permitted_domains = &world->domains,
    };
}

int ensure(struct world *world, const struct signer_ca *ca, struct buf *der, struct error *error)
{
    for (int result;;) {
        result = signer_ensure_ca(world->client, ca, der, error);
        if (result != ERROR_BUSY)
            return result;
        usleep(10000);
    }
}

X509 *make(struct world *world, const struct signer_ca *ca)
{
    AUTO_BUF struct buf der = {0};
    struct error error = {0};
    X509 *certificate = NULL;
    if (ensure(world, ca, &der, &error) || certificate_parse(slice_buf(&der), &certificate, &error))
        fail_msg("%s", error.text);
    return certificate;
}

X509 *make_ca(struct world *world, const char *identifier, int number)
{
    bool of_partition = number == 0 && text_equal(identifier, "rds-ca-2019");
    struct signer_ca ca = ca_of(world, of_partition ? "aws" : "us-east-1", identifier, number);
    return make(world, &ca);
}

int sign_with(struct world *world, const char *identifier, enum key_kind kind, const struct text_list *asked,
              const struct text_list *allowed, int64_t life, struct buf *der, struct error *error)
{
    AUTO_BUF struct buf request = {0};
    EVP_PKEY *key = NULL;
    struct signer_server_reply reply = {0};
    int64_t now = clock_now();
    assert_int_equal(key_generate(kind, &key, error), 0);
    assert_int_equal(request_make(key, asked, &request, error), 0);
    struct signer_server_request sign = {.region = "us-east-1",
                                         .partition = "aws",
                                         .ca_identifier = identifier,
                                         .number = 1,
                                         .request = slice_buf(&request),
                                         .names = allowed,
                                         .not_before = now - CLOCK_MINUTE,
                                         .not_after = now + life};
    assert_int_equal(signer_sign_server(world->client, &sign, 1, &reply, error), 0);
    buf_append_slice(der, slice_buf(&reply.der));
    if (reply.result)
        *error = reply.error;
    buf_free(&reply.der);
    EVP_PKEY_free(key);
    return reply.result;
}
