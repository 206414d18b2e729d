/* The engines' parameters, as parameter groups have them: names, defaults and bounds of RDS, a table an
 * engine (parameters_*.c). They are those that TLS depends on and everyday ones, not all that an engine has.
 */
#ifndef FLEET_PARAMETER_H
#define FLEET_PARAMETER_H

#include "fleet/catalogue.h"

enum parameter_kind {
    PARAMETER_STRING,
    PARAMETER_BOOLEAN,
    PARAMETER_INTEGER,
    PARAMETER_LIST,         /* of allowed texts, separated by commas */
    PARAMETER_CIPHERS,      /* a cipher list that OpenSSL understands, up to TLS 1.2 */
    PARAMETER_CIPHERSUITES, /* the same for TLS 1.3 */
};

/* A table ends with a row whose name is NULL, and is in order of the names. A parameter may have several
 * rows, for different versions. */
struct parameter {
    const char *name;
    const char *value;   /* the default; NULL: the engine's own, which is not shown */
    const char *allowed; /* texts and ranges, separated by commas: "0,10-7200"; NULL: any text */
    const char *since;   /* the first version that has this row; NULL: from the beginning */
    const char *until;   /* the first that has it no more; NULL: to the end */
    const char *description;
    enum parameter_kind kind;
    bool dynamic; /* takes effect without a restart */
    bool fixed;   /* cannot be modified */
    bool sent;    /* the default is told to the host: it is ours and not the engine's own */
};
extern const struct parameter parameters_postgres[], parameters_mysql[], parameters_mariadb[],
    parameters_oracle[], parameters_sqlserver[];

/* The parameter after `last` of an engine's version, NULL: the first; NULL after the last one. `version` may
 * be a major one. */
const struct parameter *parameter_next(const char *engine, const char *version, const struct parameter *last);
/* NULL: the version has no such parameter. */
const struct parameter *parameter_find(const char *engine, const char *version, const char *name);

/* RDS's words for its type: "string", "boolean", "integer", "list". */
const char *parameter_data_type(const struct parameter *parameter);

/* May it have this value? InvalidParameterValue. */
int parameter_check(const struct parameter *parameter, const char *value, struct error *error);

#endif
