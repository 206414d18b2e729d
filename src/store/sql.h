/* The door to the database: prepared statements with positional parameters ($1, $2, ...), transactions. One
 * connection belongs to one thread. A second database fits behind the same functions. */
#ifndef STORE_SQL_H
#define STORE_SQL_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct sql;
struct sql_statement;

/* Opens (and makes) the database of a file and brings its schema up. */
int sql_open(const char *path, struct sql **sql, struct error *error);
/* Opens one that is there, for reading alone. */
int sql_open_read_only(const char *path, struct sql **sql, struct error *error);
void sql_close(struct sql *sql);

/* A transaction that may write. Waits up to ten seconds for another writer. */
int sql_begin(struct sql *sql, struct error *error);
/* Success means: on disk. */
int sql_commit(struct sql *sql, struct error *error);
void sql_rollback(struct sql *sql);

/* A number that changes when another connection has committed: cheap to ask. */
int64_t sql_version(struct sql *sql);

/* Starts a statement (`text` must be a string literal: statements are prepared once and found again by its
 * address). The bind functions fill $1, $2, ... in order. The statement is over with the next sql_start of
 * the same text or sql_end. */
struct sql_statement *sql_start(struct sql *sql, const char *text);
void sql_bind_text(struct sql_statement *statement, const char *text); /* NULL is SQL's NULL; copied */
void sql_bind_integer(struct sql_statement *statement, int64_t value);
void sql_bind_bytes(struct sql_statement *statement, struct slice bytes); /* no data is SQL's NULL; copied */

/* Steps to the next row: true with a row. False at the end and on failure: sql_end tells which. */
bool sql_next(struct sql_statement *statement);
/* The columns of the row, read one after the other. Texts and bytes live until the next step. */
const char *sql_text(struct sql_statement *statement); /* "" for NULL */
int64_t sql_integer(struct sql_statement *statement);
struct slice sql_bytes(struct sql_statement *statement);
void sql_copy_text(struct sql_statement *statement, char *target, size_t size);

/* Ends a statement. ERROR_EXISTS for a broken uniqueness, ERROR_BUSY when another writer held on for too
 * long, else ERROR_IO. */
int sql_end(struct sql_statement *statement, struct error *error);
/* Runs a statement that answers no rows; `changed` (may be NULL) gets the number of rows it wrote. */
int sql_run(struct sql_statement *statement, int64_t *changed, struct error *error);

#endif
