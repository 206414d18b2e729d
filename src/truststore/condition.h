/* Conditional requests (RFC 9110 section 13). */
#ifndef TRUSTSTORE_CONDITION_H
#define TRUSTSTORE_CONDITION_H

#include "http/http.h"

/* True when a GET or HEAD is to be answered 304: the client has what stands behind `etag`, last changed at
 * `modified` (ms, whole seconds). */
bool condition_unchanged(const struct http_exchange *exchange, const char *etag, int64_t modified);

/* True when one of the entity tags in the value of an If-None-Match header is `etag` by weak comparison
 * (section 8.8.3.2), or the value is "*". What stands behind a malformed tag is not read. */
bool condition_lists_tag(const char *list, const char *etag);

#endif
