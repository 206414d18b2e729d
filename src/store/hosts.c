#include "store/internal.h"

#define COLUMNS "host, created_at, seen_at, revision, engines"

void host_row_free(struct host_row *row)
{
    buf_free(&row->engines);
}

static void read_row(struct sql_statement *statement, struct host_row *row)
{
    sql_copy_text(statement, row->host, sizeof row->host);
    row->created_at = sql_integer(statement);
    row->seen_at = sql_integer(statement);
    row->revision = sql_integer(statement);
    buf_clear(&row->engines);
    buf_append_text(&row->engines, sql_text(statement));
}

int store_host_get(struct store *store, const char *host, struct host_row *row, struct error *error)
{
    struct sql_statement *get = sql_start(store->sql, "SELECT " COLUMNS " FROM host WHERE host = $1");
    sql_bind_text(get, host);
    bool found = sql_next(get);
    if (found)
        read_row(get, row);
    return store_end_single(get, found, error, "host", host);
}

int store_host_put(struct store *store, const struct host_row *row, struct error *error)
{
    struct buf engines = {0};
    buf_append_slice(&engines, slice_buf(&row->engines));
    struct sql_statement *put =
        sql_start(store->sql, "INSERT INTO host (" COLUMNS ") VALUES ($1, $2, $3, $4, $5) ON CONFLICT (host) "
                              "DO UPDATE SET seen_at = excluded.seen_at, engines = excluded.engines");
    sql_bind_text(put, row->host);
    sql_bind_integer(put, row->created_at);
    sql_bind_integer(put, row->seen_at);
    sql_bind_integer(put, row->revision);
    sql_bind_text(put, buf_text(&engines));
    buf_free(&engines);
    return sql_run(put, NULL, error);
}

int store_host_touch(struct store *store, const char *host, int64_t seen_at, struct error *error)
{
    struct sql_statement *touch = sql_start(store->sql, "UPDATE host SET seen_at = $2 WHERE host = $1");
    sql_bind_text(touch, host);
    sql_bind_integer(touch, seen_at);
    return sql_run(touch, NULL, error);
}

int store_host_bump(struct store *store, const char *host, struct error *error)
{
    struct sql_statement *bump =
        sql_start(store->sql, "UPDATE host SET revision = revision + 1 WHERE host = $1");
    sql_bind_text(bump, host);
    return sql_run(bump, NULL, error);
}

int store_host_revision(struct store *store, const char *host, int64_t *revision, struct error *error)
{
    struct sql_statement *get = sql_start(store->sql, "SELECT revision FROM host WHERE host = $1");
    sql_bind_text(get, host);
    bool found = sql_next(get);
    *revision = found ? sql_integer(get) : 0;
    return store_end_single(get, found, error, "host", host);
}

int store_host_list(struct store *store, host_visitor *visit, void *context, struct error *error)
{
    struct host_row row = {0};
    struct sql_statement *list = sql_start(store->sql, "SELECT " COLUMNS " FROM host ORDER BY host");
    bool more = true;
    while (more && sql_next(list)) {
        read_row(list, &row);
        more = visit(&row, context);
    }
    host_row_free(&row);
    return sql_end(list, error);
}

int store_token_insert(struct store *store, const char *digest, int64_t expires_at, struct error *error)
{
    struct sql_statement *insert =
        sql_start(store->sql, "INSERT INTO enrolment_token (digest, expires_at, host) VALUES ($1, $2, '')");
    sql_bind_text(insert, digest);
    sql_bind_integer(insert, expires_at);
    return sql_run(insert, NULL, error);
}

int store_token_take(struct store *store, const char *digest, const char *host, int64_t now,
                     struct error *error)
{
    int64_t taken = 0;
    struct sql_statement *take =
        sql_start(store->sql, "UPDATE enrolment_token SET host = $2 "
                              "WHERE digest = $1 AND expires_at > $3 AND (host = '' OR host = $2)");
    sql_bind_text(take, digest);
    sql_bind_text(take, host);
    sql_bind_integer(take, now);
    int result = sql_run(take, &taken, error);
    if (!result && taken == 0)
        result =
            error_set(error, ERROR_NOT_FOUND, "this enrolment token is unknown, expired, or another host's");
    return result;
}
