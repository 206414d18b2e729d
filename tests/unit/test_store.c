/* store: an older database is brought up to the newest schema with what it holds; old events go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/store.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run(sqlite3 *database, const char *statements)
{
    char *problem = NULL;
    if (sqlite3_exec(database, statements, NULL, NULL, &problem) != SQLITE_OK)
        fail_msg("%s", problem);
}

/* A store as version 1 of the schema left it, with one instance and the certificate that it serves. */
static void make_version_1(const char *path)
{
    AUTO_BUF struct buf schema = {0};
    AUTO_BUF struct buf typed = {0};
    assert_int_equal(file_read(SOURCE_ROOT "/tests/unit/data/schema_1.sql", 1 << 20, &schema, NULL), 0);
    for (const char *rest = buf_text(&schema), *mark; rest; rest = mark ? mark + strlen("{BYTES}") : NULL) {
        mark = strstr(rest, "{BYTES}");
        buf_append(&typed, rest, mark ? (size_t)(mark - rest) : strlen(rest));
        buf_append_text(&typed, mark ? "BLOB" : "");
    }
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    run(database, buf_text(&typed));
    run(database, "INSERT INTO instance VALUES ('db-ONE', 'us-east-1', 'orders', 'one', 'postgres', '15.18', "
                  "'db.t3.micro', "
                  "20, 'available', 1, 'orders.x.us-east-1.rds.localhost', 0, 5432, 'app', NULL, '', "
                  "'tue:03:00-tue:03:30', '05:00-05:30', 0, '{}', '{}', '[]', 'rds-ca-rsa2048-g1', 3, 1, 0, "
                  "0, 1, 1, 3, 0, "
                  "1, 1, 'rds-ca-rsa2048-g1', 'abc', 2000, 1, '', '');"
                  "INSERT INTO server_certificate VALUES (0, 'abc', 'db-ONE', 1, '', 'us-east-1', "
                  "'rds-ca-rsa2048-g1', 1, "
                  "900, 2000, 1000, x'00');"
                  "PRAGMA user_version = 1");
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void version_1_is_brought_up(void **state)
{
    const char *path = *state;
    struct error error = {0};
    struct seal seal = {0};
    struct store *store;
    make_version_1(path);
    assert_int_equal(store_open_read_only(path, &store, &error), ERROR_STATE);
    for (int i = 0; i < 2; i++) { /* a second start finds it done */
        struct instance_row row = {0};
        int64_t due = -1;
        if (store_open(path, &seal, &store, &error))
            fail_msg("%s", error.text);
        assert_int_equal(store_instance_get(store, "us-east-1", "orders", &row, &error), 0);
        assert_int_equal(row.served_issued_at, 1000);
        assert_int_equal(row.served_not_after, 2000);
        assert_string_equal(buf_text(&row.bridges), "[]");
        assert_string_equal(buf_text(&row.maintenance), "{}");
        assert_string_equal(row.parameter_group, "");
        assert_string_equal(buf_text(&row.parameters), "{}");
        assert_string_equal(row.option_group, "");
        assert_string_equal(buf_text(&row.options), "{}");
        assert_int_equal(store_work_due(store, "rotation", "db-ONE", &due, &error), 0);
        assert_int_equal(due, 0);
        instance_row_free(&row);
        store_close(store);
    }
}

static void a_newer_schema_is_refused(void **state)
{
    const char *path = *state;
    struct error error = {0};
    struct seal seal = {0};
    struct store *store;
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    run(database, "PRAGMA user_version = 99");
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    assert_int_equal(store_open(path, &seal, &store, &error), ERROR_STATE);
    assert_non_null(strstr(error.text, "99"));
}

static void put_event(struct store *store, const char *region, int64_t occurred_at)
{
    struct event_row row = {.occurred_at = occurred_at};
    text_copy(row.region, sizeof row.region, region);
    text_uuid(row.event_id);
    assert_int_equal(store_event_insert(store, &row, NULL), 0);
}

static bool count_event(const struct event_row *row, void *context)
{
    assert_true(row->occurred_at >= 100);
    ++*(int *)context;
    return true;
}

static void old_events_go_in_every_region(void **state)
{
    static const char *const regions[] = {"ap-east-1", "eu-west-1", "us-east-1"};
    struct error error = {0};
    struct seal seal = {0};
    struct store *store;
    assert_int_equal(store_open(*state, &seal, &store, &error), 0);
    assert_int_equal(store_event_remove_before(store, 100, &error), 0); /* there are none */
    for (size_t i = 0; i < 3; i++)
        for (int64_t at = 98; at < 102; at++)
            put_event(store, regions[i], at);
    assert_int_equal(store_event_remove_before(store, 100, &error), 0);
    for (size_t i = 0; i < 3; i++) {
        int count = 0;
        assert_int_equal(store_event_list(store, regions[i], 0, 1000, count_event, &count, &error), 0);
        assert_int_equal(count, 2);
    }
    store_close(store);
}

static int make_folder(void **state)
{
    char folder[] = "/tmp/test_store.XXXXXX";
    assert_non_null(mkdtemp(folder));
    *state = mem_format("%s/store.db", folder);
    return 0;
}

static int remove_folder(void **state)
{
    char *path = *state;
    *strrchr(path, '/') = 0;
    file_remove_tree(path, NULL);
    free(path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(version_1_is_brought_up, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_newer_schema_is_refused, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(old_events_go_in_every_region, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
