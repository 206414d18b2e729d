/* Secrets at rest: AES-256-GCM under a key that stands in a file of mode 0600 beside the store, never in it.
 */
#ifndef BASE_SEAL_H
#define BASE_SEAL_H

#include "base/buf.h"
#include "base/error.h"

struct seal {
    unsigned char key[32];
};

/* Reads the key file; makes it when it is not there. ERROR_DENIED when others than its owner may read it. */
int seal_load(const char *path, struct seal *seal, struct error *error);
void seal_forget(struct seal *seal);

/* `purpose` names what the secret is for ("access-key AKIA..."); opening under another purpose fails. */
void seal_close(const struct seal *seal, const char *purpose, struct slice secret, struct buf *sealed);
/* Appends the secret; wipe the buffer. ERROR_CRYPTO when the bytes were not sealed with this key for this
 * purpose. */
int seal_open(const struct seal *seal, const char *purpose, struct slice sealed, struct buf *secret,
              struct error *error);

#endif
