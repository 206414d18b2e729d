/* Making CA keys in the background: a queue and threads of low priority. */
#ifndef SIGNER_CEREMONY_H
#define SIGNER_CEREMONY_H

#include "signer/keystore.h"
#include "signer/protocol.h"

struct ceremony;

/* Starts `options->key_makers` threads. */
struct ceremony *ceremony_new(struct keystore *keystore, const struct signer_options *options);

/* Finds a CA, or has it made: ERROR_BUSY until it is on disk. ERROR_EXISTS when it is there with other
 * constraints. */
int ceremony_ensure(struct ceremony *ceremony, const struct signer_ensure *ensure,
                    const struct keystore_ca **ca, struct error *error);
/* The same for the control CA. */
int ceremony_control(struct ceremony *ceremony, const struct keystore_ca **ca, struct error *error);

#define CONTROL_SCOPE "control"

#endif
