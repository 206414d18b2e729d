#include "base/memory.h"
#include "store/internal.h"

#define COLUMNS "access_key_id, user_name, read_only, regions, created_at"

void access_key_row_free(struct access_key_row *row)
{
    buf_wipe(&row->secret);
}

int store_access_key_insert(struct store *store, const struct access_key_row *row, struct error *error)
{
    AUTO_BUF struct buf sealed = {0};
    AUTO_FREE char *purpose = mem_format("access-key %s", row->access_key_id);
    seal_close(&store->seal, purpose, slice_buf(&row->secret), &sealed);
    struct sql_statement *insert =
        sql_start(store->sql, "INSERT INTO access_key (" COLUMNS ", secret) VALUES ($1, $2, $3, $4, $5, $6)");
    sql_bind_text(insert, row->access_key_id);
    sql_bind_text(insert, row->user_name);
    sql_bind_integer(insert, row->read_only);
    sql_bind_text(insert, row->regions);
    sql_bind_integer(insert, row->created_at);
    sql_bind_bytes(insert, slice_buf(&sealed));
    return sql_run(insert, NULL, error);
}

static void read_row(struct sql_statement *statement, struct access_key_row *row)
{
    sql_copy_text(statement, row->access_key_id, sizeof row->access_key_id);
    sql_copy_text(statement, row->user_name, sizeof row->user_name);
    row->read_only = sql_integer(statement) != 0;
    sql_copy_text(statement, row->regions, sizeof row->regions);
    row->created_at = sql_integer(statement);
}

int store_access_key_get(struct store *store, const char *access_key_id, struct access_key_row *row,
                         struct error *error)
{
    AUTO_BUF struct buf sealed = {0};
    struct sql_statement *get =
        sql_start(store->sql, "SELECT " COLUMNS ", secret FROM access_key WHERE access_key_id = $1");
    sql_bind_text(get, access_key_id);
    bool found = sql_next(get);
    if (found) {
        read_row(get, row);
        buf_append_slice(&sealed, sql_bytes(get));
    }
    int result = store_end_single(get, found, error, "access key", access_key_id);
    if (result)
        return result;
    AUTO_FREE char *purpose = mem_format("access-key %s", row->access_key_id);
    return seal_open(&store->seal, purpose, slice_buf(&sealed), &row->secret, error);
}

int store_access_key_remove(struct store *store, const char *access_key_id, struct error *error)
{
    int64_t removed = 0;
    struct sql_statement *remove = sql_start(store->sql, "DELETE FROM access_key WHERE access_key_id = $1");
    sql_bind_text(remove, access_key_id);
    int result = sql_run(remove, &removed, error);
    if (!result && removed == 0)
        result = error_set(error, ERROR_NOT_FOUND, "access key %s not found", access_key_id);
    return result;
}

int store_access_key_list(struct store *store, access_key_visitor *visit, void *context, struct error *error)
{
    struct sql_statement *list =
        sql_start(store->sql, "SELECT " COLUMNS " FROM access_key ORDER BY created_at");
    bool more = true;
    while (more && sql_next(list)) {
        struct access_key_row row = {0};
        read_row(list, &row);
        more = visit(&row, context);
    }
    return sql_end(list, error);
}
