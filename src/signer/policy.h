/* What the signer signs, whatever the server asks. */
#ifndef SIGNER_POLICY_H
#define SIGNER_POLICY_H

#include "signer/keystore.h"
#include "signer/protocol.h"

struct policy;

struct policy *policy_new(const struct signer_options *options);
void policy_free(struct policy *policy);

/* May this subordinate sign this? The request's names are those allowed, each within the subordinate's name
 * constraints; the life is within bounds; the rate is kept. ERROR_DENIED, ERROR_INVALID, ERROR_BUSY for the
 * rate. `names` are the request's own. */
int policy_check(struct policy *policy, const struct signer_leaf *leaf, const struct keystore_ca *subordinate,
                 const struct text_list *names, int64_t now, struct error *error);
/* May `issuer` certify `subject`, both roots? Neither is over; the rate is kept. ERROR_STATE, ERROR_BUSY. */
int policy_check_bridge(struct policy *policy, const struct keystore_ca *subject,
                        const struct keystore_ca *issuer, int64_t now, struct error *error);

#endif
