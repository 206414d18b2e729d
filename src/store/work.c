#include "store/internal.h"

int store_work_add(struct store *store, const char *kind, const char *subject, int64_t due_at,
                   struct error *error)
{
    struct sql_statement *add = sql_start(
        store->sql, "INSERT INTO work (kind, subject, due_at, attempts, owner, leased_until) VALUES ($1, $2, "
                    "$3, 0, '', 0) "
                    "ON CONFLICT (kind, subject) DO UPDATE SET due_at = "
                    "CASE WHEN excluded.due_at < work.due_at THEN excluded.due_at ELSE work.due_at END");
    sql_bind_text(add, kind);
    sql_bind_text(add, subject);
    sql_bind_integer(add, due_at);
    return sql_run(add, NULL, error);
}

int store_work_add_all(struct store *store, const char *kind, int64_t due_at, struct error *error)
{
    struct sql_statement *add = sql_start(
        store->sql, "INSERT INTO work (kind, subject, due_at, attempts, owner, leased_until) "
                    "SELECT $1, resource_id, $2, 0, '', 0 FROM instance WHERE deleted = 0 "
                    "ON CONFLICT (kind, subject) DO UPDATE SET due_at = "
                    "CASE WHEN excluded.due_at < work.due_at THEN excluded.due_at ELSE work.due_at END");
    sql_bind_text(add, kind);
    sql_bind_integer(add, due_at);
    return sql_run(add, NULL, error);
}

#define ADD_GROUP(column)                                                                                    \
    "INSERT INTO work (kind, subject, due_at, attempts, owner, leased_until) "                               \
    "SELECT $1, resource_id, $2, 0, '', 0 FROM instance "                                                    \
    "WHERE region = $3 AND " column " = $4 AND " column " <> '' AND deleted = 0 "                            \
    "ON CONFLICT (kind, subject) DO UPDATE SET due_at = "                                                    \
    "CASE WHEN excluded.due_at < work.due_at THEN excluded.due_at ELSE work.due_at END"

static int run_add_group(struct sql_statement *add, const char *kind, const char *region, const char *group,
                         int64_t due_at, struct error *error)
{
    sql_bind_text(add, kind);
    sql_bind_integer(add, due_at);
    sql_bind_text(add, region);
    sql_bind_text(add, group);
    return sql_run(add, NULL, error);
}

int store_work_add_parameter_group(struct store *store, const char *kind, const char *region,
                                   const char *group, int64_t due_at, struct error *error)
{
    struct sql_statement *add = sql_start(store->sql, ADD_GROUP("parameter_group"));
    return run_add_group(add, kind, region, group, due_at, error);
}

int store_work_add_option_group(struct store *store, const char *kind, const char *region, const char *group,
                                int64_t due_at, struct error *error)
{
    struct sql_statement *add = sql_start(store->sql, ADD_GROUP("option_group"));
    return run_add_group(add, kind, region, group, due_at, error);
}

int store_work_remove(struct store *store, const char *kind, const char *subject, struct error *error)
{
    struct sql_statement *remove = sql_start(store->sql, "DELETE FROM work WHERE kind = $1 AND subject = $2");
    sql_bind_text(remove, kind);
    sql_bind_text(remove, subject);
    return sql_run(remove, NULL, error);
}

int store_work_remove_before(struct store *store, const char *kind, int64_t before, struct error *error)
{
    struct sql_statement *remove = sql_start(store->sql, "DELETE FROM work WHERE kind = $1 AND due_at < $2");
    sql_bind_text(remove, kind);
    sql_bind_integer(remove, before);
    return sql_run(remove, NULL, error);
}

int store_work_due(struct store *store, const char *kind, const char *subject, int64_t *due_at,
                   struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT due_at FROM work WHERE kind = $1 AND subject = $2");
    sql_bind_text(get, kind);
    sql_bind_text(get, subject);
    bool found = sql_next(get);
    if (found)
        *due_at = sql_integer(get);
    return store_end_single(get, found, error, "work on", subject);
}

/* One statement finds and leases, so that two cannot both have it. The share's condition is written out, not
 * bound: only so is its partial index found, which holds nothing of the other share. */
#define CLAIM(condition)                                                                                     \
    "UPDATE work SET owner = $1, leased_until = $2, attempts = attempts + 1 WHERE (kind, subject) = "        \
    "(SELECT kind, subject FROM work WHERE " condition " AND due_at <= $3 AND leased_until <= $3 "           \
    "ORDER BY due_at, kind, subject LIMIT 1) RETURNING kind, subject, due_at, attempts"

int store_work_claim(struct store *store, enum work_share share, const char *owner, int64_t now,
                     int64_t lease, struct work_row *row, struct error *error)
{
    struct sql_statement *claim =
        sql_start(store->sql, share == WORK_OF_NOTIFIER ? CLAIM("kind = '" WORK_WEBHOOK "'")
                                                        : CLAIM("kind <> '" WORK_WEBHOOK "'"));
    sql_bind_text(claim, owner);
    sql_bind_integer(claim, now + lease);
    sql_bind_integer(claim, now);
    bool found = sql_next(claim);
    if (found) {
        sql_copy_text(claim, row->kind, sizeof row->kind);
        sql_copy_text(claim, row->subject, sizeof row->subject);
        row->due_at = sql_integer(claim);
        row->attempts = (int)sql_integer(claim);
        sql_next(claim); /* to the end: the change is made then */
    }
    return store_end_single(claim, found, error, "due", "work");
}

int store_work_done(struct store *store, const struct work_row *row, const char *owner, struct error *error)
{
    struct sql_statement *done = sql_start(
        store->sql, "DELETE FROM work WHERE kind = $1 AND subject = $2 AND owner = $3 AND due_at = $4");
    sql_bind_text(done, row->kind);
    sql_bind_text(done, row->subject);
    sql_bind_text(done, owner);
    sql_bind_integer(done, row->due_at);
    return sql_run(done, NULL, error);
}

int store_work_wait(struct store *store, const struct work_row *row, const char *owner, int64_t until,
                    struct error *error)
{
    struct sql_statement *wait = sql_start(store->sql, "UPDATE work SET owner = '', leased_until = $4 "
                                                       "WHERE kind = $1 AND subject = $2 AND owner = $3");
    sql_bind_text(wait, row->kind);
    sql_bind_text(wait, row->subject);
    sql_bind_text(wait, owner);
    sql_bind_integer(wait, until);
    return sql_run(wait, NULL, error);
}

int store_work_again(struct store *store, const struct work_row *row, const char *owner, int64_t due_at,
                     struct error *error)
{
    struct sql_statement *again =
        sql_start(store->sql, "UPDATE work SET due_at = $4, owner = '', leased_until = 0 "
                              "WHERE kind = $1 AND subject = $2 AND owner = $3");
    sql_bind_text(again, row->kind);
    sql_bind_text(again, row->subject);
    sql_bind_text(again, owner);
    sql_bind_integer(again, due_at);
    return sql_run(again, NULL, error);
}

int store_work_count(struct store *store, const char *kind, int64_t *count, struct error *error)
{
    struct sql_statement *get = sql_start(store->sql, "SELECT count(*) FROM work WHERE kind = $1");
    sql_bind_text(get, kind);
    *count = sql_next(get) ? sql_integer(get) : 0;
    return sql_end(get, error);
}
