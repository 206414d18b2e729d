/* The trust store: bundles over HTTPS with caching. A new certificate authority is in every reply 100 ms
 * after its commit. */
#ifndef TRUSTSTORE_TRUSTSTORE_H
#define TRUSTSTORE_TRUSTSTORE_H

#include "fleet/fleet.h"
#include "http/http.h"

struct truststore;

struct truststore *truststore_new(struct fleet *fleet);
void truststore_free(struct truststore *truststore);

/* True when the path is one of the trust store's and was answered. */
bool truststore_handle(struct truststore *truststore, struct http_exchange *exchange);

#endif
