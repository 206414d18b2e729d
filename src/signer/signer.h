/* The signer process. */
#ifndef SIGNER_SIGNER_H
#define SIGNER_SIGNER_H

#include "base/error.h"
#include "pki/profile.h"

#include <stddef.h>
#include <stdint.h>

struct signer_options {
    const char *folder;     /* of the encrypted key files; mode 0700 */
    const char *key_file;   /* file of mode 0600 with at least 32 random bytes, or NULL */
    const char *passphrase; /* used when key_file is NULL (scrypt, RFC 7914); the caller's */
    struct organisation organisation;
    int64_t legacy_not_after_days; /* life of rds-ca-2019's root from its creation */
    int64_t longest_life;          /* ms: no server certificate lives longer */
    int64_t signatures_per_second; /* policy: sustained rate limit over all channels; 0: none */
    size_t key_makers;             /* threads that make CA keys in the background */
};

/* Runs the signer over its channels (one thread each) until all of them are closed or SIGTERM comes. Locks
 * memory, forbids core dumps and tracing, loads the keys, then drops to a seccomp filter (files below
 * `folder` and the channels are all it needs). Returns the process's exit status. */
int signer_run(const struct signer_options *options, const int *channels, size_t channel_count);

#endif
