/* What `sealwright adopt` asks of the server, by an agent's channel: POST /agent/v1/adopt.
 *
 *   {"token": text, "instance": {...}}  ->  {"status", "problem", "address", "port", "region", "identifier"}
 *
 * The instance is the structure below. The token is good for this host and this very instance alone
 * (fleet/adopt.h); the same instance asked for again needs none and gets the same answer, from which its
 * status is seen to become "available". */
#ifndef AGENT_ADOPTION_H
#define AGENT_ADOPTION_H

#include "agent/protocol.h"

struct adoption {
    char resource_id[40]; /* db- and 26 capital letters and digits */
    char identifier[64];
    char region[32];
    char engine[24];
    char engine_version[24];
    char instance_class[32];
    char ca_identifier[32]; /* "": the region's default */
    char master_username[64];
    int64_t allocated_storage; /* GiB */
    int64_t port;
    struct text_list names; /* customers' own, beside the endpoint */
};

/* JSON -> struct: strict on types and lengths. struct -> JSON: a new reference. */
int adoption_from_json(const json_t *json, struct adoption *adoption, struct error *error);
json_t *adoption_to_json(const struct adoption *adoption);
void adoption_free(struct adoption *adoption);

#endif
