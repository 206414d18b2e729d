/* The options that option groups can have: today Oracle's SSL (user guide, "Oracle Secure Sockets Layer").
 * Other engines have none here. */
#ifndef FLEET_OPTION_H
#define FLEET_OPTION_H

#include "fleet/catalogue.h"

#include <jansson.h>

struct option_setting {
    const char *name; /* NULL ends a list */
    const char *description;
    const char *value;   /* the default */
    const char *allowed; /* separated by commas */
    bool list;           /* several of the allowed ones, separated by commas */
};

struct option {
    const char *engine; /* or its beginning */
    const char *name;
    const char *description;
    int default_port;
    const char *const *conflicts; /* ended by NULL */
    const struct option_setting *settings;
};

/* The option after `last` of an engine, NULL: the first; NULL after the last one. */
const struct option *option_next(const char *engine, const struct option *last);
/* InvalidParameterValue when the engine has no such option here. */
int option_find(const char *engine, const char *name, const struct option **option, struct error *error);

/* An option as a group keeps it: {"port": 2484, "settings": {"SQLNET.SSL_VERSION": "1.2"}, "security_groups":
 * []}, with the settings that were given. */
int64_t option_port(const struct option *option, const json_t *kept);
const char *option_value(const struct option_setting *setting, const json_t *kept);
/* Do its settings go, one by one and together? InvalidParameterValue,
 * InvalidParameterCombination. */
int option_check(const struct option *option, const json_t *kept, struct error *error);
/* Can the option be used with certificates of this authority? A cipher suite is for one kind of key.
 * InvalidParameterCombination. */
int option_check_authority(const struct option *option, const json_t *kept, const char *ca_identifier,
                           struct error *error);

#endif
