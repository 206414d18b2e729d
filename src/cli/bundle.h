/* Trust bundles for subcommands: from a Sealwright server over HTTPS, or from a run folder without one. */
#ifndef CLI_BUNDLE_H
#define CLI_BUNDLE_H

#include "base/buf.h"
#include "base/error.h"

struct bundle_request {
    const char *region;        /* NULL: all of the partition */
    const char *ca_identifier; /* NULL: all */
    const char *partition;     /* NULL: the region's; without a region "aws" */
    const char *format;        /* "pem", "p7b", "jks", "p12", "json" (the index) */
    const char *endpoint, *ca; /* https://..., and what verifies it: NULL or "" the system's */
    const char *run_folder;    /* not NULL: from there, and not from the endpoint */
};
/* Appends the bundle. ERROR_NOT_FOUND where there is no such region, ERROR_INVALID without an endpoint. */
int bundle_read(const struct bundle_request *request, struct buf *body, struct error *error);

#endif
