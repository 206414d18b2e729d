#include "store/store.h"

#include "base/memory.h"
#include "store/internal.h"

#include <stdlib.h>

int store_open(const char *path, const struct seal *seal, struct store **opened, struct error *error)
{
    struct sql *sql = NULL;
    int result = sql_open(path, &sql, error);
    if (result)
        return result;
    *opened = mem_new(sizeof **opened);
    **opened = (struct store){sql, *seal};
    return 0;
}

int store_open_read_only(const char *path, struct store **opened, struct error *error)
{
    struct sql *sql = NULL;
    int result = sql_open_read_only(path, &sql, error);
    if (result)
        return result;
    *opened = mem_new(sizeof **opened);
    (*opened)->sql = sql;
    return 0;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    sql_close(store->sql);
    seal_forget(&store->seal);
    free(store);
}

int store_begin(struct store *store, struct error *error)
{
    return sql_begin(store->sql, error);
}

int store_commit(struct store *store, struct error *error)
{
    return sql_commit(store->sql, error);
}

void store_rollback(struct store *store)
{
    sql_rollback(store->sql);
}

int store_finish(struct store *store, int result, struct error *error)
{
    if (!result)
        return store_commit(store, error);
    store_rollback(store);
    return result;
}

int64_t store_version(struct store *store)
{
    return sql_version(store->sql);
}

int store_end_single(struct sql_statement *statement, bool found, struct error *error, const char *what,
                     const char *name)
{
    int result = sql_end(statement, error);
    if (!result && !found)
        result = error_set(error, ERROR_NOT_FOUND, "%s %s not found", what, name);
    return result;
}

int store_setting_get(struct store *store, const char *name, struct buf *value, struct error *error)
{
    struct sql_statement *get = sql_start(store->sql, "SELECT value FROM setting WHERE name = $1");
    sql_bind_text(get, name);
    bool found = sql_next(get);
    if (found)
        buf_append_text(value, sql_text(get));
    return store_end_single(get, found, error, "setting", name);
}

int store_setting_put(struct store *store, const char *name, const char *value, struct error *error)
{
    struct sql_statement *put =
        sql_start(store->sql, "INSERT INTO setting (name, value) VALUES ($1, $2) "
                              "ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    sql_bind_text(put, name);
    sql_bind_text(put, value);
    return sql_run(put, NULL, error);
}
