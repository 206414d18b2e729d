/* What a path of the trust store names. */
#ifndef TRUSTSTORE_PATH_H
#define TRUSTSTORE_PATH_H

#include "truststore/catalog.h"
#include "truststore/render.h"

struct truststore_path {
    struct bundle_scope scope;
    const struct bundle_format *format; /* NULL: the index; with an empty scope the one of the regions */
};

/* Reads a path such as /us-east-1/us-east-1-bundle.pem. `host` (lowercase, without port) chooses the
 * partition of /global/. ERROR_NOT_FOUND for a path of the trust store's form that names nothing here;
 * ERROR_NONE and `*ours` false for any other. */
int truststore_path_read(const struct settings *settings, const char *host, const char *path,
                         struct truststore_path *read, bool *ours, struct error *error);

bool truststore_path_equal(const struct truststore_path *a, const struct truststore_path *b);

#endif
