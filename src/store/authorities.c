#include "base/memory.h"
#include "store/internal.h"

#define COLUMNS "scope, ca_identifier, number, certificate, sha1, not_before, not_after, created_at, signs_at"

void authority_row_free(struct authority_row *row)
{
    buf_free(&row->certificate);
}

int store_authority_insert(struct store *store, const struct authority_row *row, struct error *error)
{
    struct sql_statement *insert = sql_start(store->sql, "INSERT INTO certificate_authority (" COLUMNS
                                                         ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    sql_bind_text(insert, row->scope);
    sql_bind_text(insert, row->ca_identifier);
    sql_bind_integer(insert, row->number);
    sql_bind_bytes(insert, slice_buf(&row->certificate));
    sql_bind_text(insert, row->sha1);
    sql_bind_integer(insert, row->not_before);
    sql_bind_integer(insert, row->not_after);
    sql_bind_integer(insert, row->created_at);
    sql_bind_integer(insert, row->signs_at);
    return sql_run(insert, NULL, error);
}

static void read_row(struct sql_statement *statement, struct authority_row *row)
{
    sql_copy_text(statement, row->scope, sizeof row->scope);
    sql_copy_text(statement, row->ca_identifier, sizeof row->ca_identifier);
    row->number = (int)sql_integer(statement);
    buf_clear(&row->certificate);
    buf_append_slice(&row->certificate, sql_bytes(statement));
    sql_copy_text(statement, row->sha1, sizeof row->sha1);
    row->not_before = sql_integer(statement);
    row->not_after = sql_integer(statement);
    row->created_at = sql_integer(statement);
    row->signs_at = sql_integer(statement);
}

static int read_single(struct sql_statement *get, struct authority_row *row, const char *scope,
                       struct error *error)
{
    bool found = sql_next(get);
    if (found)
        read_row(get, row);
    return store_end_single(get, found, error, "certificate authority of", scope);
}

int store_authority_get(struct store *store, const char *scope, const char *ca_identifier, int number,
                        struct authority_row *row, struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT " COLUMNS " FROM certificate_authority "
                              "WHERE scope = $1 AND ca_identifier = $2 AND number = $3");
    sql_bind_text(get, scope);
    sql_bind_text(get, ca_identifier);
    sql_bind_integer(get, number);
    return read_single(get, row, scope, error);
}

int store_authority_newest(struct store *store, const char *scope, const char *ca_identifier,
                           struct authority_row *row, struct error *error)
{
    struct sql_statement *get = sql_start(
        store->sql, "SELECT " COLUMNS " FROM certificate_authority "
                    "WHERE scope = $1 AND ca_identifier = $2 AND number > 0 ORDER BY number DESC LIMIT 1");
    sql_bind_text(get, scope);
    sql_bind_text(get, ca_identifier);
    return read_single(get, row, scope, error);
}

int store_authority_signing(struct store *store, const char *scope, const char *ca_identifier, int64_t now,
                            struct authority_row *row, struct error *error)
{
    struct sql_statement *get = sql_start(
        store->sql, "SELECT " COLUMNS " FROM certificate_authority WHERE scope = $1 AND ca_identifier = $2 "
                    "AND number > 0 AND signs_at <= $3 ORDER BY number DESC LIMIT 1");
    sql_bind_text(get, scope);
    sql_bind_text(get, ca_identifier);
    sql_bind_integer(get, now);
    return read_single(get, row, scope, error);
}

int store_authority_list(struct store *store, const char *scope, authority_visitor *visit, void *context,
                         struct error *error)
{
    struct authority_row row = {0};
    struct sql_statement *list =
        scope ? sql_start(store->sql, "SELECT " COLUMNS " FROM certificate_authority WHERE scope = $1 "
                                      "ORDER BY scope, ca_identifier, number")
              : sql_start(store->sql, "SELECT " COLUMNS
                                      " FROM certificate_authority ORDER BY scope, ca_identifier, number");
    if (scope)
        sql_bind_text(list, scope);
    bool more = true;
    while (more && sql_next(list)) {
        read_row(list, &row);
        more = visit(&row, context);
    }
    authority_row_free(&row);
    return sql_end(list, error);
}

int store_authority_count(struct store *store, int64_t *count, struct error *error)
{
    struct sql_statement *get = sql_start(store->sql, "SELECT count(*) FROM certificate_authority");
    *count = sql_next(get) ? sql_integer(get) : 0;
    return sql_end(get, error);
}

int store_default_certificate_get(struct store *store, const char *region, char ca_identifier[32],
                                  struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT ca_identifier FROM default_certificate WHERE region = $1");
    sql_bind_text(get, region);
    ca_identifier[0] = 0;
    if (sql_next(get))
        sql_copy_text(get, ca_identifier, 32);
    return sql_end(get, error);
}

int store_default_certificate_put(struct store *store, const char *region, const char *ca_identifier,
                                  struct error *error)
{
    struct sql_statement *put =
        sql_start(store->sql, "INSERT INTO default_certificate (region, ca_identifier) VALUES ($1, $2) "
                              "ON CONFLICT (region) DO UPDATE SET ca_identifier = excluded.ca_identifier");
    sql_bind_text(put, region);
    sql_bind_text(put, ca_identifier);
    return sql_run(put, NULL, error);
}

int store_default_certificate_remove(struct store *store, const char *region, struct error *error)
{
    struct sql_statement *remove = sql_start(store->sql, "DELETE FROM default_certificate WHERE region = $1");
    sql_bind_text(remove, region);
    return sql_run(remove, NULL, error);
}
