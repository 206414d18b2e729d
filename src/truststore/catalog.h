/* Which certificates a bundle of the trust store holds. */
#ifndef TRUSTSTORE_CATALOG_H
#define TRUSTSTORE_CATALOG_H

#include "fleet/fleet.h"

/* What a path names. */
struct bundle_scope {
    char partition[32]; /* of the whole partition, when `region` is empty */
    char region[32];
    char ca_identifier[32]; /* one root only; else empty */
};

struct bundle_certificate {
    char scope[32];
    char ca_identifier[32];
    int number; /* 0: root */
    int64_t created_at;
    X509 *certificate; /* owned */
};

struct bundle_content {
    struct bundle_certificate *items;
    size_t count;
    int64_t newest; /* created_at */
};

/* Gathers the certificates: by region in the operator's order, then by CA, the root before its subordinates,
 * each once. ERROR_BUSY, saying how many regions are ready, while an authority of the scope is still being
 * made: no bundle lacks something. */
int catalog_gather(struct fleet *fleet, const struct bundle_scope *scope, struct bundle_content *content,
                   struct error *error);
/* The regions there are, as a text for people: "us-east-1, eu-west-1". */
void catalog_region_names(const struct settings *settings, struct buf *names);
void bundle_content_free(struct bundle_content *content);

#endif
