/* What the files of this folder share. */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "base/seal.h"
#include "store/sql.h"
#include "store/store.h"

struct store {
    struct sql *sql;
    struct seal seal;
};

/* Ends a statement that was to answer one row: ERROR_NOT_FOUND, saying `what`, when it did not. */
int store_end_single(struct sql_statement *statement, bool found, struct error *error, const char *what,
                     const char *name);

#endif
