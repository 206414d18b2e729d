/* A fleet in a temporary folder with one host that has PostgreSQL, and requests to its API, signed here. */
#ifndef API_FIXTURE_H
#define API_FIXTURE_H

#include "api/api.h"
#include "fleet/access.h"

#include <libxml/tree.h>

#define ACTION(name) "Action=" name "&Version=2014-10-31"

struct world {
    char folder[64];
    struct settings settings;
    struct fleet fleet;
    struct api *api;
    struct access_key administrator;
    struct access_key reader;    /* read-only */
    struct access_key elsewhere; /* limited to eu-west-1 */
};

/* The roots of all CAs in `regions` but `missing` (which may be NULL) are made up, not issued: the API only
 * shows what the store says of them. */
struct world *world_new(void);
void world_free(struct world *world);

/* A request; what is NULL has its usual value. */
struct question {
    const char *parameters;
    const char *method;    /* POST */
    const char *region;    /* us-east-1 */
    const char *key;       /* administrator; "reader", "elsewhere" */
    const char *signature; /* right; see tests/data/bad_requests.json */
};
void world_send(struct world *world, const struct question *question, struct api_reply *reply);

/* The same for a good request of the administrator in us-east-1: fails the test unless it succeeds, checks
 * what every reply has, and answers the content of its Result element (the root where there is none). Free
 * the document with xmlFreeDoc. */
xmlDoc *world_ask(struct world *world, const char *parameters, xmlNode **result);
xmlDoc *world_ask_in(struct world *world, const char *region, const char *parameters, xmlNode **result);

/* What the agent would do: the instance runs on `port` and serves a certificate of its CA. */
void world_reach(struct world *world, const char *identifier, int port);

/* Creates an instance; `more` are further parameters ("&Port=6000") or "". */
void world_create(struct world *world, const char *identifier, const char *more);

/* The `index`-th element at a path of names below `node`, such as "DBInstances/DBInstance"; NULL. Only the
 * last name is counted, the others are the first of their name. */
xmlNode *xml_at(xmlNode *node, const char *path, int index);
int xml_count(xmlNode *node, const char *path);
void assert_xml(xmlNode *node, const char *path, const char *text);
void assert_xml_absent(xmlNode *node, const char *path);
/* The text of an element, for free(). */
char *xml_text(xmlNode *node, const char *path);

#endif
