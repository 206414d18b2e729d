/* What a client says it takes (RFC 9110 section 12.5). */
#ifndef CONSOLE_ACCEPT_H
#define CONSOLE_ACCEPT_H

#include <stdbool.h>

/* True when the value of an Accept or Accept-Encoding header (NULL: absent) names `item`, such as "gzip" or
 * "text/html", itself and not with a weight of 0. Wildcards are not counted: they stand for no wish. */
bool accept_names(const char *value, const char *item);

#endif
