#include "store/internal.h"

#define COLUMNS                                                                                              \
    "serial, resource_id, certificate_generation, request_digest, region, ca_identifier, number, "           \
    "not_before, "                                                                                           \
    "not_after, issued_at, certificate"

void server_certificate_row_free(struct server_certificate_row *row)
{
    buf_free(&row->certificate);
}

int store_server_certificate_insert(struct store *store, const struct server_certificate_row *row,
                                    struct error *error)
{
    struct sql_statement *insert = sql_start(
        store->sql, "INSERT INTO server_certificate (" COLUMNS ", log_index) "
                    "SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, COALESCE(max(log_index) + 1, 0) "
                    "FROM server_certificate");
    sql_bind_text(insert, row->serial);
    sql_bind_text(insert, row->resource_id);
    sql_bind_integer(insert, row->certificate_generation);
    sql_bind_text(insert, row->request_digest);
    sql_bind_text(insert, row->region);
    sql_bind_text(insert, row->ca_identifier);
    sql_bind_integer(insert, row->number);
    sql_bind_integer(insert, row->not_before);
    sql_bind_integer(insert, row->not_after);
    sql_bind_integer(insert, row->issued_at);
    sql_bind_bytes(insert, slice_buf(&row->certificate));
    return sql_run(insert, NULL, error);
}

static int read_single(struct sql_statement *get, const char *name, struct server_certificate_row *row,
                       struct error *error)
{
    bool found = sql_next(get);
    if (found) {
        sql_copy_text(get, row->serial, sizeof row->serial);
        sql_copy_text(get, row->resource_id, sizeof row->resource_id);
        row->certificate_generation = sql_integer(get);
        sql_copy_text(get, row->request_digest, sizeof row->request_digest);
        sql_copy_text(get, row->region, sizeof row->region);
        sql_copy_text(get, row->ca_identifier, sizeof row->ca_identifier);
        row->number = (int)sql_integer(get);
        row->not_before = sql_integer(get);
        row->not_after = sql_integer(get);
        row->issued_at = sql_integer(get);
        buf_clear(&row->certificate);
        buf_append_slice(&row->certificate, sql_bytes(get));
        row->log_index = sql_integer(get);
    }
    return store_end_single(get, found, error, "server certificate", name);
}

int store_server_certificate_get(struct store *store, const char *serial, struct server_certificate_row *row,
                                 struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT " COLUMNS ", log_index FROM server_certificate WHERE serial = $1");
    sql_bind_text(get, serial);
    return read_single(get, serial, row, error);
}

int store_server_certificate_find(struct store *store, const char *resource_id,
                                  int64_t certificate_generation, const char *request_digest,
                                  struct server_certificate_row *row, struct error *error)
{
    struct sql_statement *get = sql_start(
        store->sql, "SELECT " COLUMNS ", log_index FROM server_certificate "
                    "WHERE resource_id = $1 AND certificate_generation = $2 AND request_digest = $3");
    sql_bind_text(get, resource_id);
    sql_bind_integer(get, certificate_generation);
    sql_bind_text(get, request_digest);
    return read_single(get, resource_id, row, error);
}
