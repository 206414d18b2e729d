#include "base/memory.h"
#include "store/internal.h"

#include <stdlib.h>

/* In the order of bind_row and read_row. */
#define COLUMNS                                                                                              \
    "resource_id, region, identifier, host, engine, engine_version, instance_class, allocated_storage, "     \
    "status, "                                                                                               \
    "created_at, address, requested_port, port, master_username, master_password, database_name, "           \
    "maintenance_window, backup_window, deletion_protection, attributes, pending, names, ca_identifier, "    \
    "generation, "                                                                                           \
    "running, deleted, restart, password_generation, certificate_generation, observed_generation, "          \
    "observed_restart, observed_password_generation, observed_certificate_generation, "                      \
    "served_ca_identifier, "                                                                                 \
    "served_serial, served_not_after, started_at, problem, last_report, served_issued_at, bridges, "         \
    "rotation, rotation_after, rotation_failures, reminded_days, maintenance, rehearsal, "                   \
    "parameter_group, parameters, parameters_version, parameters_wait, parameters_generation, "              \
    "option_group, "                                                                                         \
    "options, options_version, options_generation"
#define PLACES                                                                                               \
    "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, "  \
    "$23, $24, "                                                                                             \
    "$25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, "             \
    "$43, $44, $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56"

void instance_row_free(struct instance_row *row)
{
    buf_wipe(&row->master_password);
    buf_free(&row->attributes);
    buf_free(&row->pending);
    buf_free(&row->names);
    buf_free(&row->bridges);
    buf_free(&row->rotation);
    buf_free(&row->maintenance);
    buf_free(&row->rehearsal);
    buf_free(&row->parameters);
    buf_free(&row->options);
}

static void bind_json(struct sql_statement *statement, const struct buf *json, const char *empty)
{
    AUTO_FREE char *text = slice_string(slice_buf(json));
    sql_bind_text(statement, json->length ? text : empty);
}

static void bind_password(struct store *store, struct sql_statement *statement,
                          const struct instance_row *row)
{
    AUTO_BUF struct buf sealed = {0};
    AUTO_FREE char *purpose = mem_format("master-password %s", row->resource_id);
    if (row->master_password.length)
        seal_close(&store->seal, purpose, slice_buf(&row->master_password), &sealed);
    sql_bind_bytes(statement, slice_buf(&sealed));
}

static void bind_row(struct store *store, struct sql_statement *statement, const struct instance_row *row)
{
    sql_bind_text(statement, row->resource_id);
    sql_bind_text(statement, row->region);
    sql_bind_text(statement, row->identifier);
    sql_bind_text(statement, row->host);
    sql_bind_text(statement, row->engine);
    sql_bind_text(statement, row->engine_version);
    sql_bind_text(statement, row->instance_class);
    sql_bind_integer(statement, row->allocated_storage);
    sql_bind_text(statement, row->status);
    sql_bind_integer(statement, row->created_at);
    sql_bind_text(statement, row->address);
    sql_bind_integer(statement, row->requested_port);
    sql_bind_integer(statement, row->port);
    sql_bind_text(statement, row->master_username);
    bind_password(store, statement, row);
    sql_bind_text(statement, row->database_name);
    sql_bind_text(statement, row->maintenance_window);
    sql_bind_text(statement, row->backup_window);
    sql_bind_integer(statement, row->deletion_protection);
    bind_json(statement, &row->attributes, "{}");
    bind_json(statement, &row->pending, "{}");
    bind_json(statement, &row->names, "[]");
    sql_bind_text(statement, row->ca_identifier);
    sql_bind_integer(statement, row->generation);
    sql_bind_integer(statement, row->running);
    sql_bind_integer(statement, row->deleted);
    sql_bind_integer(statement, row->restart);
    sql_bind_integer(statement, row->password_generation);
    sql_bind_integer(statement, row->certificate_generation);
    sql_bind_integer(statement, row->observed_generation);
    sql_bind_integer(statement, row->observed_restart);
    sql_bind_integer(statement, row->observed_password_generation);
    sql_bind_integer(statement, row->observed_certificate_generation);
    sql_bind_text(statement, row->served_ca_identifier);
    sql_bind_text(statement, row->served_serial);
    sql_bind_integer(statement, row->served_not_after);
    sql_bind_integer(statement, row->started_at);
    sql_bind_text(statement, row->problem);
    sql_bind_text(statement, row->last_report);
    sql_bind_integer(statement, row->served_issued_at);
    bind_json(statement, &row->bridges, "[]");
    bind_json(statement, &row->rotation, "{}");
    sql_bind_integer(statement, row->rotation_after);
    sql_bind_integer(statement, row->rotation_failures);
    sql_bind_integer(statement, row->reminded_days);
    bind_json(statement, &row->maintenance, "{}");
    bind_json(statement, &row->rehearsal, "{}");
    sql_bind_text(statement, row->parameter_group);
    bind_json(statement, &row->parameters, "{}");
    sql_bind_integer(statement, row->parameters_version);
    sql_bind_integer(statement, row->parameters_wait);
    sql_bind_integer(statement, row->parameters_generation);
    sql_bind_text(statement, row->option_group);
    bind_json(statement, &row->options, "{}");
    sql_bind_integer(statement, row->options_version);
    sql_bind_integer(statement, row->options_generation);
}

static void read_text(struct sql_statement *statement, struct buf *target)
{
    buf_clear(target);
    buf_append_text(target, sql_text(statement));
}

static int read_password(struct store *store, struct sql_statement *statement, struct instance_row *row,
                         struct error *error)
{
    struct slice sealed = sql_bytes(statement);
    AUTO_FREE char *purpose = mem_format("master-password %s", row->resource_id);
    buf_wipe(&row->master_password);
    return sealed.length ? seal_open(&store->seal, purpose, sealed, &row->master_password, error) : 0;
}

static int read_row(struct store *store, struct sql_statement *statement, struct instance_row *row,
                    struct error *error)
{
    sql_copy_text(statement, row->resource_id, sizeof row->resource_id);
    sql_copy_text(statement, row->region, sizeof row->region);
    sql_copy_text(statement, row->identifier, sizeof row->identifier);
    sql_copy_text(statement, row->host, sizeof row->host);
    sql_copy_text(statement, row->engine, sizeof row->engine);
    sql_copy_text(statement, row->engine_version, sizeof row->engine_version);
    sql_copy_text(statement, row->instance_class, sizeof row->instance_class);
    row->allocated_storage = sql_integer(statement);
    sql_copy_text(statement, row->status, sizeof row->status);
    row->created_at = sql_integer(statement);
    sql_copy_text(statement, row->address, sizeof row->address);
    row->requested_port = (int)sql_integer(statement);
    row->port = (int)sql_integer(statement);
    sql_copy_text(statement, row->master_username, sizeof row->master_username);
    int result = read_password(store, statement, row, error);
    sql_copy_text(statement, row->database_name, sizeof row->database_name);
    sql_copy_text(statement, row->maintenance_window, sizeof row->maintenance_window);
    sql_copy_text(statement, row->backup_window, sizeof row->backup_window);
    row->deletion_protection = sql_integer(statement) != 0;
    read_text(statement, &row->attributes);
    read_text(statement, &row->pending);
    read_text(statement, &row->names);
    sql_copy_text(statement, row->ca_identifier, sizeof row->ca_identifier);
    row->generation = sql_integer(statement);
    row->running = sql_integer(statement) != 0;
    row->deleted = sql_integer(statement) != 0;
    row->restart = sql_integer(statement);
    row->password_generation = sql_integer(statement);
    row->certificate_generation = sql_integer(statement);
    row->observed_generation = sql_integer(statement);
    row->observed_restart = sql_integer(statement);
    row->observed_password_generation = sql_integer(statement);
    row->observed_certificate_generation = sql_integer(statement);
    sql_copy_text(statement, row->served_ca_identifier, sizeof row->served_ca_identifier);
    sql_copy_text(statement, row->served_serial, sizeof row->served_serial);
    row->served_not_after = sql_integer(statement);
    row->started_at = sql_integer(statement);
    sql_copy_text(statement, row->problem, sizeof row->problem);
    sql_copy_text(statement, row->last_report, sizeof row->last_report);
    row->served_issued_at = sql_integer(statement);
    read_text(statement, &row->bridges);
    read_text(statement, &row->rotation);
    row->rotation_after = sql_integer(statement);
    row->rotation_failures = (int)sql_integer(statement);
    row->reminded_days = (int)sql_integer(statement);
    read_text(statement, &row->maintenance);
    read_text(statement, &row->rehearsal);
    sql_copy_text(statement, row->parameter_group, sizeof row->parameter_group);
    read_text(statement, &row->parameters);
    row->parameters_version = sql_integer(statement);
    row->parameters_wait = sql_integer(statement) != 0;
    row->parameters_generation = sql_integer(statement);
    sql_copy_text(statement, row->option_group, sizeof row->option_group);
    read_text(statement, &row->options);
    row->options_version = sql_integer(statement);
    row->options_generation = sql_integer(statement);
    return result;
}

int store_instance_insert(struct store *store, const struct instance_row *row, struct error *error)
{
    struct sql_statement *insert =
        sql_start(store->sql, "INSERT INTO instance (" COLUMNS ") VALUES (" PLACES ")");
    bind_row(store, insert, row);
    return sql_run(insert, NULL, error);
}

int store_instance_update(struct store *store, const struct instance_row *row, struct error *error)
{
    struct sql_statement *update =
        sql_start(store->sql, "UPDATE instance SET (" COLUMNS ") = (" PLACES ") WHERE resource_id = $1");
    bind_row(store, update, row);
    return sql_run(update, NULL, error);
}

int store_instance_remove(struct store *store, const char *resource_id, struct error *error)
{
    struct sql_statement *remove = sql_start(store->sql, "DELETE FROM instance WHERE resource_id = $1");
    sql_bind_text(remove, resource_id);
    return sql_run(remove, NULL, error);
}

static int read_single(struct store *store, struct sql_statement *get, const char *name,
                       struct instance_row *row, struct error *error)
{
    bool found = sql_next(get);
    int result = found ? read_row(store, get, row, error) : 0;
    int ended = store_end_single(get, found, result ? NULL : error, "DB instance", name);
    return result ? result : ended;
}

int store_instance_get(struct store *store, const char *region, const char *identifier,
                       struct instance_row *row, struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT " COLUMNS " FROM instance WHERE region = $1 AND identifier = $2");
    sql_bind_text(get, region);
    sql_bind_text(get, identifier);
    return read_single(store, get, identifier, row, error);
}

int store_instance_get_by_resource(struct store *store, const char *resource_id, struct instance_row *row,
                                   struct error *error)
{
    struct sql_statement *get =
        sql_start(store->sql, "SELECT " COLUMNS " FROM instance WHERE resource_id = $1");
    sql_bind_text(get, resource_id);
    return read_single(store, get, resource_id, row, error);
}

static int visit_rows(struct store *store, struct sql_statement *list, instance_visitor *visit, void *context,
                      struct error *error)
{
    struct instance_row row = {0};
    int result = 0;
    bool more = true;
    while (!result && more && sql_next(list)) {
        result = read_row(store, list, &row, error);
        more = !result && visit(&row, context);
    }
    instance_row_free(&row);
    int ended = sql_end(list, result ? NULL : error);
    return result ? result : ended;
}

int store_instance_list(struct store *store, const char *region, const char *after, instance_visitor *visit,
                        void *context, struct error *error)
{
    struct sql_statement *list =
        sql_start(store->sql, "SELECT " COLUMNS
                              " FROM instance WHERE region = $1 AND identifier > $2 ORDER BY identifier");
    sql_bind_text(list, region);
    sql_bind_text(list, after);
    return visit_rows(store, list, visit, context, error);
}

int store_instance_list_of_host(struct store *store, const char *host, instance_visitor *visit, void *context,
                                struct error *error)
{
    struct sql_statement *list =
        sql_start(store->sql, "SELECT " COLUMNS " FROM instance WHERE host = $1 ORDER BY resource_id");
    sql_bind_text(list, host);
    return visit_rows(store, list, visit, context, error);
}

int store_instance_list_maintenance(struct store *store, const char *region, const char *after,
                                    instance_visitor *visit, void *context, struct error *error)
{
    struct sql_statement *list =
        sql_start(store->sql, "SELECT " COLUMNS " FROM instance WHERE region = $1 AND identifier > $2 "
                              "AND maintenance <> '{}' ORDER BY identifier");
    sql_bind_text(list, region);
    sql_bind_text(list, after);
    return visit_rows(store, list, visit, context, error);
}

int store_instance_list_all(struct store *store, instance_visitor *visit, void *context, struct error *error)
{
    struct sql_statement *list =
        sql_start(store->sql, "SELECT " COLUMNS " FROM instance ORDER BY region, identifier");
    return visit_rows(store, list, visit, context, error);
}

int store_instance_count(struct store *store, int64_t *count, struct error *error)
{
    struct sql_statement *get = sql_start(store->sql, "SELECT count(*) FROM instance");
    *count = sql_next(get) ? sql_integer(get) : 0;
    return sql_end(get, error);
}
