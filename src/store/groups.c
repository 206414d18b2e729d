/* Parameter groups and option groups that users made. */
#include "base/memory.h"
#include "store/internal.h"

#define PARAMETER_COLUMNS "region, name, family, description, version, parameters"
#define OPTION_COLUMNS    "region, name, engine, major_version, description, version, urgent_version, options"

static void bind_buf(struct sql_statement *statement, const struct buf *text)
{
    AUTO_FREE char *copy = slice_string(slice_buf(text));
    sql_bind_text(statement, copy);
}

static void read_buf(struct sql_statement *statement, struct buf *target)
{
    buf_clear(target);
    buf_append_text(target, sql_text(statement));
}

static void bind_key(struct sql_statement *statement, const char *region, const char *name)
{
    sql_bind_text(statement, region);
    sql_bind_text(statement, name);
}

void parameter_group_row_free(struct parameter_group_row *row)
{
    buf_free(&row->description);
    buf_free(&row->parameters);
}

static void read_parameter_group(struct sql_statement *statement, struct parameter_group_row *row)
{
    sql_copy_text(statement, row->region, sizeof row->region);
    sql_copy_text(statement, row->name, sizeof row->name);
    sql_copy_text(statement, row->family, sizeof row->family);
    read_buf(statement, &row->description);
    row->version = sql_integer(statement);
    read_buf(statement, &row->parameters);
}

int store_parameter_group_insert(struct store *store, const struct parameter_group_row *row,
                                 struct error *error)
{
    struct sql_statement *insert = sql_start(store->sql, "INSERT INTO parameter_group (" PARAMETER_COLUMNS
                                                         ") VALUES ($1, $2, $3, $4, $5, $6)");
    bind_key(insert, row->region, row->name);
    sql_bind_text(insert, row->family);
    bind_buf(insert, &row->description);
    sql_bind_integer(insert, row->version);
    bind_buf(insert, &row->parameters);
    return sql_run(insert, NULL, error);
}

int store_parameter_group_update(struct store *store, const struct parameter_group_row *row,
                                 struct error *error)
{
    struct sql_statement *update =
        sql_start(store->sql, "UPDATE parameter_group SET version = $3, parameters = $4 "
                              "WHERE region = $1 AND name = $2");
    bind_key(update, row->region, row->name);
    sql_bind_integer(update, row->version);
    bind_buf(update, &row->parameters);
    return sql_run(update, NULL, error);
}

int store_parameter_group_get(struct store *store, const char *region, const char *name,
                              struct parameter_group_row *row, struct error *error)
{
    struct sql_statement *get = sql_start(
        store->sql, "SELECT " PARAMETER_COLUMNS " FROM parameter_group WHERE region = $1 AND name = $2");
    bind_key(get, region, name);
    bool found = sql_next(get);
    if (found)
        read_parameter_group(get, row);
    return store_end_single(get, found, error, "parameter group", name);
}

int store_parameter_group_remove(struct store *store, const char *region, const char *name,
                                 struct error *error)
{
    struct sql_statement *remove =
        sql_start(store->sql, "DELETE FROM parameter_group WHERE region = $1 AND name = $2");
    bind_key(remove, region, name);
    return sql_run(remove, NULL, error);
}

int store_parameter_group_list(struct store *store, const char *region, const char *after,
                               parameter_group_visitor *visit, void *context, struct error *error)
{
    struct parameter_group_row row = {0};
    struct sql_statement *list =
        sql_start(store->sql, "SELECT " PARAMETER_COLUMNS
                              " FROM parameter_group WHERE region = $1 AND name > $2 ORDER BY name");
    bind_key(list, region, after);
    bool more = true;
    while (more && sql_next(list)) {
        read_parameter_group(list, &row);
        more = visit(&row, context);
    }
    parameter_group_row_free(&row);
    return sql_end(list, error);
}

static int read_count(struct sql_statement *get, int64_t *count, struct error *error)
{
    *count = sql_next(get) ? sql_integer(get) : 0;
    return sql_end(get, error);
}

int store_parameter_group_count(struct store *store, const char *region, const char *name, int64_t *count,
                                struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT count(*) FROM instance WHERE region = $1 AND parameter_group = $2 "
                              "AND parameter_group <> ''");
    bind_key(get, region, name);
    return read_count(get, count, error);
}

void option_group_row_free(struct option_group_row *row)
{
    buf_free(&row->description);
    buf_free(&row->options);
}

static void read_option_group(struct sql_statement *statement, struct option_group_row *row)
{
    sql_copy_text(statement, row->region, sizeof row->region);
    sql_copy_text(statement, row->name, sizeof row->name);
    sql_copy_text(statement, row->engine, sizeof row->engine);
    sql_copy_text(statement, row->major_version, sizeof row->major_version);
    read_buf(statement, &row->description);
    row->version = sql_integer(statement);
    row->urgent_version = sql_integer(statement);
    read_buf(statement, &row->options);
}

int store_option_group_insert(struct store *store, const struct option_group_row *row, struct error *error)
{
    struct sql_statement *insert = sql_start(store->sql, "INSERT INTO option_group (" OPTION_COLUMNS
                                                         ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    bind_key(insert, row->region, row->name);
    sql_bind_text(insert, row->engine);
    sql_bind_text(insert, row->major_version);
    bind_buf(insert, &row->description);
    sql_bind_integer(insert, row->version);
    sql_bind_integer(insert, row->urgent_version);
    bind_buf(insert, &row->options);
    return sql_run(insert, NULL, error);
}

int store_option_group_update(struct store *store, const struct option_group_row *row, struct error *error)
{
    struct sql_statement *update =
        sql_start(store->sql, "UPDATE option_group SET version = $3, urgent_version = $4, options = $5 "
                              "WHERE region = $1 AND name = $2");
    bind_key(update, row->region, row->name);
    sql_bind_integer(update, row->version);
    sql_bind_integer(update, row->urgent_version);
    bind_buf(update, &row->options);
    return sql_run(update, NULL, error);
}

int store_option_group_get(struct store *store, const char *region, const char *name,
                           struct option_group_row *row, struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT " OPTION_COLUMNS " FROM option_group WHERE region = $1 AND name = $2");
    bind_key(get, region, name);
    bool found = sql_next(get);
    if (found)
        read_option_group(get, row);
    return store_end_single(get, found, error, "option group", name);
}

int store_option_group_remove(struct store *store, const char *region, const char *name, struct error *error)
{
    struct sql_statement *remove =
        sql_start(store->sql, "DELETE FROM option_group WHERE region = $1 AND name = $2");
    bind_key(remove, region, name);
    return sql_run(remove, NULL, error);
}

int store_option_group_list(struct store *store, const char *region, const char *after,
                            option_group_visitor *visit, void *context, struct error *error)
{
    struct option_group_row row = {0};
    struct sql_statement *list =
        sql_start(store->sql, "SELECT " OPTION_COLUMNS
                              " FROM option_group WHERE region = $1 AND name > $2 ORDER BY name");
    bind_key(list, region, after);
    bool more = true;
    while (more && sql_next(list)) {
        read_option_group(list, &row);
        more = visit(&row, context);
    }
    option_group_row_free(&row);
    return sql_end(list, error);
}
