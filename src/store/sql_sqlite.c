/* SQLite behind sql.h: WAL, synchronous=FULL, so that a commit that returned is on disk. */
#include "base/memory.h"
#include "store/sql.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

extern const char store_schema[];    /* schema.sql, built in */
extern const char store_upgrade_2[]; /* upgrade_2.sql: from version 1 */
extern const char store_upgrade_3[];
extern const char store_upgrade_4[];

enum { BUSY_MILLISECONDS = 10 * 1000, SCHEMA_VERSION = 4 };

/* What leads from version 1 + index to the next. */
static const char *const upgrades[SCHEMA_VERSION - 1] = {store_upgrade_2, store_upgrade_3, store_upgrade_4};

struct sql_statement {
    struct sql *sql;
    const char *text;
    sqlite3_stmt *prepared;
    int parameter;
    int column;
    int status;
};

struct sql {
    sqlite3 *handle;
    struct sql_statement **statements;
    size_t count;
};

static int fail(struct sql *sql, int status, struct error *error)
{
    switch (status & 0xff) {
    case SQLITE_CONSTRAINT:
        return error_set(error, ERROR_EXISTS, "store: %s", sqlite3_errmsg(sql->handle));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, ERROR_BUSY, "store: %s", sqlite3_errmsg(sql->handle));
    default:
        return error_set(error, ERROR_IO, "store: %s", sqlite3_errmsg(sql->handle));
    }
}

static int execute(struct sql *sql, const char *text, struct error *error)
{
    int status = sqlite3_exec(sql->handle, text, NULL, NULL, NULL);
    return status == SQLITE_OK ? 0 : fail(sql, status, error);
}

/* Statements with this database's type for bytes. */
static char *with_types(const char *statements)
{
    static const char mark[] = "{BYTES}";
    struct buf text = {0};
    const char *rest = statements;
    for (const char *found; (found = strstr(rest, mark)); rest = found + strlen(mark)) {
        buf_append(&text, rest, (size_t)(found - rest));
        buf_append_text(&text, "BLOB");
    }
    buf_append_text(&text, rest);
    buf_text(&text);
    return (char *)text.data;
}

static int read_schema_version(struct sql *sql, int64_t *version, struct error *error)
{
    struct sql_statement *statement = sql_start(sql, "PRAGMA user_version");
    *version = sql_next(statement) ? sql_integer(statement) : 0;
    return sql_end(statement, error);
}

static int wrong_version(int64_t version, struct error *error)
{
    return error_set(error, ERROR_STATE, "store: schema version %lld, this program knows %d",
                     (long long)version, SCHEMA_VERSION);
}

static int execute_all(struct sql *sql, const char *statements, struct error *error)
{
    AUTO_FREE char *text = with_types(statements);
    return execute(sql, text, error);
}

static int upgrade(struct sql *sql, int64_t version, struct error *error)
{
    int result = version == 0 ? execute_all(sql, store_schema, error) : 0;
    for (int64_t each = 0; !result && version > 0 && each < SCHEMA_VERSION - 1; each++)
        result = each >= version - 1 ? execute_all(sql, upgrades[each], error) : 0;
    AUTO_FREE char *mark = mem_format("PRAGMA user_version = %d", SCHEMA_VERSION);
    return result ? result : execute(sql, mark, error);
}

static int bring_schema_up(struct sql *sql, struct error *error)
{
    int64_t version = 0;
    if (sql_begin(sql, error))
        return (int)error->code;
    int result = read_schema_version(sql, &version, error);
    if (!result && (version < 0 || version > SCHEMA_VERSION))
        result = wrong_version(version, error);
    if (!result && version < SCHEMA_VERSION)
        result = upgrade(sql, version, error);
    if (!result)
        return sql_commit(sql, error);
    sql_rollback(sql);
    return result;
}

static int open_handle(const char *path, int flags, const char *pragmas, struct sql *sql, struct error *error)
{
    int status = sqlite3_open_v2(path, &sql->handle, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (status != SQLITE_OK)
        return fail(sql, status, error);
    sqlite3_busy_timeout(sql->handle, BUSY_MILLISECONDS);
    return execute(sql, pragmas, error);
}

static int opened_or_closed(const char *path, int result, struct sql *sql, struct sql **opened,
                            struct error *error)
{
    if (result) {
        error_prefix(error, "%s", path);
        sql_close(sql);
        return result;
    }
    *opened = sql;
    return 0;
}

int sql_open(const char *path, struct sql **opened, struct error *error)
{
    struct sql *sql = mem_new(sizeof *sql);
    int result = open_handle(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                             "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                             "PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY",
                             sql, error);
    if (!result)
        result = bring_schema_up(sql, error);
    return opened_or_closed(path, result, sql, opened, error);
}

int sql_open_read_only(const char *path, struct sql **opened, struct error *error)
{
    struct sql *sql = mem_new(sizeof *sql);
    int64_t version = 0;
    int result = open_handle(path, SQLITE_OPEN_READONLY, "PRAGMA query_only = ON", sql, error);
    if (!result)
        result = read_schema_version(sql, &version, error);
    if (!result && version != SCHEMA_VERSION)
        result = wrong_version(version, error);
    return opened_or_closed(path, result, sql, opened, error);
}

void sql_close(struct sql *sql)
{
    if (!sql)
        return;
    for (size_t i = 0; i < sql->count; i++) {
        sqlite3_finalize(sql->statements[i]->prepared);
        free(sql->statements[i]);
    }
    free(sql->statements);
    sqlite3_close(sql->handle);
    free(sql);
}

int sql_begin(struct sql *sql, struct error *error)
{
    return sql_run(sql_start(sql, "BEGIN IMMEDIATE"), NULL, error);
}

int sql_commit(struct sql *sql, struct error *error)
{
    int result = sql_run(sql_start(sql, "COMMIT"), NULL, error);
    if (result)
        sql_rollback(sql);
    return result;
}

void sql_rollback(struct sql *sql)
{
    if (!sqlite3_get_autocommit(sql->handle))
        sql_run(sql_start(sql, "ROLLBACK"), NULL, NULL);
}

int64_t sql_version(struct sql *sql)
{
    struct sql_statement *statement = sql_start(sql, "PRAGMA data_version");
    int64_t version = sql_next(statement) ? sql_integer(statement) : -1;
    sql_end(statement, NULL);
    /* Also this connection's own commits count. */
    return version * 1000003 + sqlite3_total_changes(sql->handle);
}

static struct sql_statement *find(struct sql *sql, const char *text)
{
    for (size_t i = 0; i < sql->count; i++)
        if (sql->statements[i]->text == text || strcmp(sql->statements[i]->text, text) == 0)
            return sql->statements[i];
    return NULL;
}

/* PostgreSQL's $1 is SQLite's ?1; its own $1 would be a name, numbered by where it stands first. */
static int prepare(struct sql_statement *statement)
{
    AUTO_FREE char *text = mem_string(statement->text);
    for (char *each = text; *each; each++)
        if (*each == '$')
            *each = '?';
    return sqlite3_prepare_v3(statement->sql->handle, text, -1, SQLITE_PREPARE_PERSISTENT,
                              &statement->prepared, NULL);
}

struct sql_statement *sql_start(struct sql *sql, const char *text)
{
    struct sql_statement *statement = find(sql, text);
    if (!statement) {
        statement = mem_new(sizeof *statement);
        statement->sql = sql;
        statement->text = text;
        sql->statements = mem_grow(sql->statements, sql->count + 1, sizeof *sql->statements);
        sql->statements[sql->count++] = statement;
    }
    statement->status = statement->prepared ? SQLITE_OK : prepare(statement);
    sqlite3_reset(statement->prepared);
    sqlite3_clear_bindings(statement->prepared);
    statement->parameter = 0;
    statement->column = 0;
    return statement;
}

static void note(struct sql_statement *statement, int status)
{
    if (statement->status == SQLITE_OK)
        statement->status = status;
}

void sql_bind_text(struct sql_statement *statement, const char *text)
{
    note(statement,
         sqlite3_bind_text(statement->prepared, ++statement->parameter, text, -1, SQLITE_TRANSIENT));
}

void sql_bind_integer(struct sql_statement *statement, int64_t value)
{
    note(statement, sqlite3_bind_int64(statement->prepared, ++statement->parameter, value));
}

void sql_bind_bytes(struct sql_statement *statement, struct slice bytes)
{
    note(statement, sqlite3_bind_blob64(statement->prepared, ++statement->parameter, bytes.data, bytes.length,
                                        SQLITE_TRANSIENT));
}

bool sql_next(struct sql_statement *statement)
{
    if (statement->status != SQLITE_OK && statement->status != SQLITE_ROW)
        return false;
    statement->column = 0;
    statement->status = sqlite3_step(statement->prepared);
    return statement->status == SQLITE_ROW;
}

const char *sql_text(struct sql_statement *statement)
{
    const void *text = sqlite3_column_text(statement->prepared, statement->column++);
    return text ? text : "";
}

int64_t sql_integer(struct sql_statement *statement)
{
    return sqlite3_column_int64(statement->prepared, statement->column++);
}

struct slice sql_bytes(struct sql_statement *statement)
{
    int column = statement->column++;
    const void *data = sqlite3_column_blob(statement->prepared, column);
    return slice_of(data, (size_t)sqlite3_column_bytes(statement->prepared, column));
}

void sql_copy_text(struct sql_statement *statement, char *target, size_t size)
{
    const char *text = sql_text(statement);
    size_t length = strlen(text);
    if (length >= size)
        length = size - 1;
    memcpy(target, text, length);
    target[length] = 0;
}

int sql_end(struct sql_statement *statement, struct error *error)
{
    int status = statement->status;
    int result = status == SQLITE_OK || status == SQLITE_ROW || status == SQLITE_DONE
                     ? 0
                     : fail(statement->sql, status, error);
    sqlite3_reset(statement->prepared);
    sqlite3_clear_bindings(statement->prepared);
    return result;
}

int sql_run(struct sql_statement *statement, int64_t *changed, struct error *error)
{
    sql_next(statement);
    int result = sql_end(statement, error);
    if (changed)
        *changed = result ? 0 : sqlite3_changes64(statement->sql->handle);
    return result;
}
