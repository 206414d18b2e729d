#include "store/internal.h"

#define COLUMNS "region, ca_identifier, issuer_ca_identifier, certificate, not_after"

void bridge_row_free(struct bridge_row *row)
{
    buf_free(&row->certificate);
}

static void bind_key(struct sql_statement *statement, const char *region, const char *ca_identifier,
                     const char *issuer_ca_identifier)
{
    sql_bind_text(statement, region);
    sql_bind_text(statement, ca_identifier);
    sql_bind_text(statement, issuer_ca_identifier);
}

int store_bridge_get(struct store *store, const char *region, const char *ca_identifier,
                     const char *issuer_ca_identifier, struct bridge_row *row, struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT " COLUMNS " FROM bridge "
                              "WHERE region = $1 AND ca_identifier = $2 AND issuer_ca_identifier = $3");
    bind_key(get, region, ca_identifier, issuer_ca_identifier);
    bool found = sql_next(get);
    if (found) {
        sql_copy_text(get, row->region, sizeof row->region);
        sql_copy_text(get, row->ca_identifier, sizeof row->ca_identifier);
        sql_copy_text(get, row->issuer_ca_identifier, sizeof row->issuer_ca_identifier);
        buf_clear(&row->certificate);
        buf_append_slice(&row->certificate, sql_bytes(get));
        row->not_after = sql_integer(get);
    }
    return store_end_single(get, found, error, "bridge of", ca_identifier);
}

int store_bridge_insert(struct store *store, const struct bridge_row *row, struct error *error)
{
    struct sql_statement *insert =
        sql_start(store->sql, "INSERT INTO bridge (" COLUMNS ") VALUES ($1, $2, $3, $4, $5)");
    bind_key(insert, row->region, row->ca_identifier, row->issuer_ca_identifier);
    sql_bind_bytes(insert, slice_buf(&row->certificate));
    sql_bind_integer(insert, row->not_after);
    return sql_run(insert, NULL, error);
}

int store_bridge_remove(struct store *store, const char *region, const char *ca_identifier,
                        const char *issuer_ca_identifier, struct error *error)
{
    struct sql_statement *remove = sql_start(
        store->sql,
        "DELETE FROM bridge WHERE region = $1 AND ca_identifier = $2 AND issuer_ca_identifier = $3");
    bind_key(remove, region, ca_identifier, issuer_ca_identifier);
    return sql_run(remove, NULL, error);
}
