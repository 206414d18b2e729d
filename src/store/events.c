#include "store/internal.h"

#define COLUMNS                                                                                              \
    "region, occurred_at, event_id, source_type, source_identifier, source_arn, category, message, code"

int store_event_insert(struct store *store, const struct event_row *row, struct error *error)
{
    struct sql_statement *insert =
        sql_start(store->sql, "INSERT INTO event (" COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    sql_bind_text(insert, row->region);
    sql_bind_integer(insert, row->occurred_at);
    sql_bind_text(insert, row->event_id);
    sql_bind_text(insert, row->source_type);
    sql_bind_text(insert, row->source_identifier);
    sql_bind_text(insert, row->source_arn);
    sql_bind_text(insert, row->category);
    sql_bind_text(insert, row->message);
    sql_bind_text(insert, row->code);
    return sql_run(insert, NULL, error);
}

static void read_row(struct sql_statement *statement, struct event_row *row)
{
    sql_copy_text(statement, row->region, sizeof row->region);
    row->occurred_at = sql_integer(statement);
    sql_copy_text(statement, row->event_id, sizeof row->event_id);
    sql_copy_text(statement, row->source_type, sizeof row->source_type);
    sql_copy_text(statement, row->source_identifier, sizeof row->source_identifier);
    sql_copy_text(statement, row->source_arn, sizeof row->source_arn);
    sql_copy_text(statement, row->category, sizeof row->category);
    sql_copy_text(statement, row->message, sizeof row->message);
    sql_copy_text(statement, row->code, sizeof row->code);
}

int store_event_get(struct store *store, const char *region, int64_t occurred_at, const char *event_id,
                    struct event_row *row, struct error *error)
{
    struct sql_statement *get = sql_start(
        store->sql, "SELECT " COLUMNS " FROM event WHERE region = $1 AND occurred_at = $2 AND event_id = $3");
    sql_bind_text(get, region);
    sql_bind_integer(get, occurred_at);
    sql_bind_text(get, event_id);
    bool found = sql_next(get);
    if (found)
        read_row(get, row);
    return store_end_single(get, found, error, "event", event_id);
}

int store_event_list(struct store *store, const char *region, int64_t from, int64_t to, event_visitor *visit,
                     void *context, struct error *error)
{
    struct sql_statement *list = sql_start(
        store->sql, "SELECT " COLUMNS " FROM event WHERE region = $1 AND occurred_at BETWEEN $2 AND $3 "
                    "ORDER BY occurred_at, event_id");
    sql_bind_text(list, region);
    sql_bind_integer(list, from);
    sql_bind_integer(list, to);
    bool more = true;
    while (more && sql_next(list)) {
        struct event_row row;
        read_row(list, &row);
        more = visit(&row, context);
    }
    return sql_end(list, error);
}

/* The key begins with the region: region by region, found by skipping from one to the next, only those are
 * read that go. */
int store_event_remove_before(struct store *store, int64_t before, struct error *error)
{
    struct sql_statement *remove = sql_start(
        store->sql, "WITH RECURSIVE known (region) AS (SELECT min(region) FROM event UNION ALL "
                    "SELECT (SELECT min(region) FROM event WHERE region > known.region) FROM known "
                    "WHERE known.region IS NOT NULL) "
                    "DELETE FROM event WHERE region IN (SELECT region FROM known) AND occurred_at < $1");
    sql_bind_integer(remove, before);
    return sql_run(remove, NULL, error);
}
