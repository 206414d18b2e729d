/* A real signer process over one channel, with its keys in a temporary folder. */
#ifndef SIGNER_FIXTURE_H
#define SIGNER_FIXTURE_H

#include "signer/client.h"

#include <sys/types.h>

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

struct world {
    char folder[64];
    char *key_file;
    int ends[2];
    pid_t signer;
    struct signer_client *client;
    struct text_list domains; /* of the subordinates */
    /* Of the next signer that is started: */
    int64_t signatures_per_second; /* 0: no limit */
    int64_t later;                 /* ms: its clock is that much ahead */
};

int set_up(void **state); /* a world with a running signer */
int tear_down(void **state);

/* In a child: runs until it is stopped, then ends the process. With the key file where `passphrase` is NULL.
 */
_Noreturn void run_signer(const struct world *world, const char *passphrase);
void start_signer(struct world *world);
void stop_signer(struct world *world, int signal_number);

struct signer_ca ca_of(const struct world *world, const char *region, const char *identifier, int number);
/* Asks until it is made, as the server's work does. */
int ensure(struct world *world, const struct signer_ca *ca, struct buf *der, struct error *error);
/* The same; fails the test unless it succeeds. */
X509 *make(struct world *world, const struct signer_ca *ca);
/* A root (number 0) or a subordinate of us-east-1. */
X509 *make_ca(struct world *world, const char *identifier, int number);

/* One request for `asked` with a new key of `kind` to subordinate 1 of us-east-1; answers the signer's
 * result. */
int sign_with(struct world *world, const char *identifier, enum key_kind kind, const struct text_list *asked,
              const struct text_list *allowed, int64_t life, struct buf *der, struct error *error);

#endif
