/* From certificates to the bytes of a file of the trust store. */
#ifndef TRUSTSTORE_RENDER_H
#define TRUSTSTORE_RENDER_H

#include "truststore/catalog.h"

struct bundle_format {
    const char *suffix; /* pem */
    const char *content_type;
};
/* The formats of bundles, ended by a NULL suffix. */
extern const struct bundle_format render_formats[];
const struct bundle_format *render_format(const char *suffix); /* NULL: none */

int render_bundle(const struct bundle_content *content, const struct bundle_format *format, struct buf *out,
                  struct error *error);

/* The index of a scope: each certificate's CA, region, subject, fingerprints and dates, and each bundle's
 * path and digest. */
int render_index(struct fleet *fleet, const struct bundle_scope *scope, const struct bundle_content *content,
                 struct buf *out, struct error *error);

/* The regions there are, with their titles and partitions: what /index.json says. */
int render_regions(const struct settings *settings, struct buf *out, struct error *error);

#endif
