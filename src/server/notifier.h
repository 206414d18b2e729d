/* The notifier: tells the operator's receiver of events (fleet/webhook.h), in a process of its own, so that a
 * receiver that is slow or gone keeps nobody but itself. */
#ifndef SERVER_NOTIFIER_H
#define SERVER_NOTIFIER_H

#include "fleet/settings.h"

/* Runs until SIGTERM, which also ends an attempt under way; that one is made again by the next notifier.
 * Needs settings with a webhook_url. Returns the process's exit status. */
int notifier_run(const struct settings *settings);

#endif
