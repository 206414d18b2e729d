/* The Query protocol's parameters: a form (a POST's body or a GET's query string) to names and values.
 *
 * A name that comes more than once has its last value. `+` and `%20` are both a space. A pair without `=` has
 * the value "". Lists are `Name.item.1`, with indexes from 1 on in any order and with gaps; what a name means
 * is up to model.h. */
#ifndef AWS_QUERY_H
#define AWS_QUERY_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUERY_PAIRS_LIMIT 10000 /* pairs in a form */
#define QUERY_NAME_LIMIT  256   /* bytes of a decoded name */
#define QUERY_VALUE_LIMIT 65536 /* bytes of a decoded value */

struct query_pair {
    const char *name;
    const char *value;
};

struct query_parameters {
    struct query_pair *pairs; /* in order of the name, each name once */
    size_t count;
    char *text; /* what the pairs point into; wiped by query_free, since passwords travel in forms */
    size_t text_size;
};

/* Decodes a form. Refuses a bad percent escape, a NUL, text that is no UTF-8, an empty name, and what is over
 * a limit, with MalformedInput (400). On failure there is nothing to free. */
int query_parse(struct slice form, struct query_parameters *parameters, struct error *error);
void query_free(struct query_parameters *parameters);
#define AUTO_QUERY __attribute__((cleanup(query_free)))

/* The value of a name, or NULL. Names are case-sensitive. Lives as long as the parameters. */
const char *query_text(const struct query_parameters *parameters, const char *name);

/* True when a name begins with `path` and a dot: a structure or a list was given. */
bool query_has_below(const struct query_parameters *parameters, const char *path);

/* The indexes of the list `path`, whose items are named `item` (the model's name, such as "Tag") or, where
 * none is, "member". Fills *indexes with them in rising order, each once (to be freed by the caller, NULL
 * when there are none), *count, and *item_used with the name that the request uses. An index that is no whole
 * number from 1 on is MalformedInput. */
int query_list(const struct query_parameters *parameters, const char *path, const char *item,
               uint32_t **indexes, size_t *count, const char **item_used, struct error *error);

/* Appends `encoded` with percent escapes and `+` decoded. False at a `%` without two hexadecimal digits. */
bool query_decode(struct slice encoded, struct buf *decoded);

#endif
