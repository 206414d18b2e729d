/* Webhooks: what an operator's receiver is told of an event, how that is signed, and when it is told again.
 * The network is server/notifier.c's.
 *
 * Delivery is at least once: the work that stands for it is added with the event, in one transaction, and
 * goes when the receiver has taken it. */
#ifndef FLEET_WEBHOOK_H
#define FLEET_WEBHOOK_H

#include "base/clock.h"
#include "fleet/fleet.h"

/* How long one attempt may take. */
#define WEBHOOK_DEADLINE (10 * CLOCK_SECOND)
/* An attempt that fails so long after the event was the last one. */
#define WEBHOOK_PATIENCE CLOCK_DAY

/* webhook_url is https, or http to a loopback address, and has its secret. ERROR_INVALID. The address is not
 * repeated in the text: its path may be a secret. */
int webhook_check_settings(const struct settings *settings, struct error *error);

/* Appends the secret: the content of the file without line ends at its end. Wipe the buffer. ERROR_DENIED
 * when others may read the file; ERROR_INVALID for an empty one. */
int webhook_load_secret(const char *path, struct buf *secret, struct error *error);

/* Adds the work of telling an event, within the transaction that records it; nothing without a webhook. */
int webhook_plan(struct fleet *fleet, const struct event_row *event, struct error *error);

/* Claims what is to be told next, for a little longer than WEBHOOK_DEADLINE. ERROR_NOT_FOUND when nothing is
 * due. The caller ends it with store_work_done, store_work_wait or webhook_failed. */
int webhook_claim(struct fleet *fleet, struct work_row *work, struct event_row *event, struct error *error);

/* The claimed attempt failed: another one follows after work_backoff, or none after WEBHOOK_PATIENCE. Logs
 * `reason`. */
int webhook_failed(struct fleet *fleet, const struct work_row *work, const struct event_row *event,
                   const char *reason, struct error *error);

/* Appends the body: JSON as in Amazon SNS's messages about RDS events ("Event Source", "Event Time",
 * "Identifier Link", "Source ID", "Source ARN", "Event ID", "Event Message"), with members of our own after
 * them. "Event Key" is the same in every attempt. */
void webhook_body(const struct settings *settings, const struct event_row *event, struct buf *body);

/* Appends the value of X-Sealwright-Signature: t=<now in seconds>,v1=<HMAC-SHA256 of "<t>.<body>" in
 * hexadecimal>. `now` is in ms. */
void webhook_sign(struct slice secret, int64_t now, struct slice body, struct buf *signature);

#endif
