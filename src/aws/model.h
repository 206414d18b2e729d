/* The actions of the API as tables: each names every member that RDS's service model names, says what the
 * service does with it, and what values it takes. Decoding a request, docs/api.md and the errors of a bad
 * request all come from these tables. */
#ifndef AWS_MODEL_H
#define AWS_MODEL_H

#include "aws/query.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_API_VERSION "2014-10-31"

enum model_type {
    MODEL_STRING,
    MODEL_INTEGER, /* 32 bits */
    MODEL_LONG,    /* 64 bits */
    MODEL_BOOLEAN,
    MODEL_TIMESTAMP,
    MODEL_STRINGS, /* a list of strings */
    MODEL_STRUCTURE,
    MODEL_STRUCTURES, /* a list of structures */
};

/* What becomes of a member's value. */
enum model_disposition {
    MODEL_USED,    /* acted upon */
    MODEL_KEPT,    /* has no effect here; stored and shown as given */
    MODEL_IGNORED, /* has no effect here and is not shown either */
    MODEL_REFUSED, /* accepting it would be a lie: only `harmless` is accepted */
};

enum model_format {
    MODEL_ANY_TEXT,
    MODEL_IDENTIFIER, /* letters, digits and hyphens, as a DB instance's identifier */
};

/* A table of members ends with a row whose name is NULL. */
struct model_member {
    const char *name;
    enum model_type type;
    enum model_disposition disposition;
    bool required;
    bool secret; /* never shown in a message */
    enum model_format format;
    /* Integers: the range. Texts: characters. Lists of either kind: items. `most` 0 means the type's own
     * bounds (texts 4096 characters, lists 100 items); with `least` 0 and a list or a text, nothing is too
     * short. */
    int64_t least;
    int64_t most;
    const char *const *allowed;         /* the texts that are accepted, ended by NULL; NULL: any */
    const char *item;                   /* lists: the items' name */
    const struct model_member *members; /* structures and lists of them */
    const char *harmless; /* refused members: the value that asks for nothing and is accepted; NULL: none */
    const char *code;     /* refused members: the error's code; NULL: InvalidParameterCombination */
    const char *reason;   /* why it is kept, ignored or refused; a clause without capital and full stop */
};

struct model_action {
    const char *name;
    const struct model_member *members;
    bool changes;               /* not for a key that may only read */
    bool no_result;             /* its reply is reply_empty() */
    const char *const *filters; /* names that Filters accepts, ended by NULL; NULL: there is no such member */
};

/* The action of a name, or NULL. */
const struct model_action *model_action(const char *name);
/* All actions, in order of the documentation; ended by NULL. */
extern const struct model_action *const model_actions[];

/* The documentation of all actions and members in Markdown (docs/api.md). */
void model_print_markdown(struct buf *buf);

/* One decoded value. Texts point into the request's parameters. */
struct action_value {
    const struct model_member *member; /* for an item of a list, the list's */
    bool present;
    const char *text;           /* as sent; NULL for a list or a structure, and when absent */
    int64_t number;             /* integers and longs; 0 or 1 for booleans; milliseconds for timestamps */
    struct action_value *items; /* of a list; or a structure's fields, one for each row of its table */
    size_t item_count;
};

/* A decoded request: a value for each row of the action's table, absent ones too. */
struct action_input {
    const struct model_action *action;
    struct action_value *values;
    size_t count;
};

/* Decodes a request's parameters, in RDS's order: Action (MissingAction, InvalidAction), Version
 * (InvalidAction), then each member in order of the table: required ones (MissingParameter), types, bounds
 * and formats (InvalidParameterValue), lists (MalformedInput), refused ones (their own code), names of
 * filters (InvalidParameterValue). What the table does not name is ignored, as RDS does. The parameters must
 * outlive the input. On failure there is nothing to free. */
int action_decode(const struct query_parameters *parameters, struct action_input *input, struct error *error);
void action_input_free(struct action_input *input);
#define AUTO_INPUT __attribute__((cleanup(action_input_free)))

/* The value of a member that the action's table must name (a wrong name ends the process: it is a mistake in
 * the program). */
const struct action_value *action_value(const struct action_input *input, const char *name);
/* A structure's or an item's field, with the same strictness. */
const struct action_value *action_field(const struct action_value *structure, const char *name);

bool action_given(const struct action_input *input, const char *name);
const char *action_text(const struct action_input *input, const char *name); /* NULL when absent */
int64_t action_integer(const struct action_input *input, const char *name, int64_t otherwise);
bool action_boolean(const struct action_input *input, const char *name, bool otherwise);

#endif
