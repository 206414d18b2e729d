#include "store/internal.h"

int store_tag_put(struct store *store, const char *arn, const char *key, const char *value,
                  struct error *error)
{
    struct sql_statement *put =
        sql_start(store->sql, "INSERT INTO tag (arn, tag_key, tag_value) VALUES ($1, $2, $3) "
                              "ON CONFLICT (arn, tag_key) DO UPDATE SET tag_value = excluded.tag_value");
    sql_bind_text(put, arn);
    sql_bind_text(put, key);
    sql_bind_text(put, value);
    return sql_run(put, NULL, error);
}

int store_tag_remove(struct store *store, const char *arn, const char *key, struct error *error)
{
    struct sql_statement *remove = sql_start(store->sql, "DELETE FROM tag WHERE arn = $1 AND tag_key = $2");
    sql_bind_text(remove, arn);
    sql_bind_text(remove, key);
    return sql_run(remove, NULL, error);
}

int store_tag_remove_all(struct store *store, const char *arn, struct error *error)
{
    struct sql_statement *remove = sql_start(store->sql, "DELETE FROM tag WHERE arn = $1");
    sql_bind_text(remove, arn);
    return sql_run(remove, NULL, error);
}

int store_tag_move(struct store *store, const char *old_arn, const char *new_arn, struct error *error)
{
    struct sql_statement *move = sql_start(store->sql, "UPDATE tag SET arn = $2 WHERE arn = $1");
    sql_bind_text(move, old_arn);
    sql_bind_text(move, new_arn);
    return sql_run(move, NULL, error);
}

int store_tag_list(struct store *store, const char *arn, tag_visitor *visit, void *context,
                   struct error *error)
{
    struct sql_statement *list =
        sql_start(store->sql, "SELECT tag_key, tag_value FROM tag WHERE arn = $1 ORDER BY tag_key");
    sql_bind_text(list, arn);
    bool more = true;
    while (more && sql_next(list)) {
        const char *key = sql_text(list);
        more = visit(key, sql_text(list), context);
    }
    return sql_end(list, error);
}
