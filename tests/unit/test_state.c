/* fleet/state: the table of states, and that the documentation prints the same one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "fleet/state.h"

#include <stdlib.h>
#include <string.h>

static void the_documentation_prints_the_same_table(void **state)
{
    (void)state;
    char *table = NULL;
    size_t size = 0;
    AUTO_BUF struct buf page = {0};
    FILE *out = open_memstream(&table, &size);
    state_print_markdown(out);
    fclose(out);
    assert_int_equal(file_read(SOURCE_ROOT "/docs/architecture.md", 1 << 20, &page, NULL), 0);
    assert_non_null(strstr(buf_text(&page), table));
    free(table);
}

static void a_caller_is_told_what_is_not_possible(void **state)
{
    (void)state;
    struct error error = {0};
    const char *next;
    assert_int_equal(state_check("orders", STATE_AVAILABLE, ACTION_STOP, &next, &error), 0);
    assert_string_equal(next, STATE_STOPPING);
    assert_int_equal(state_check("orders", STATE_STOPPED, ACTION_REBOOT, &next, &error), ERROR_STATE);
    assert_string_equal(error.name, "InvalidDBInstanceState");
    assert_non_null(strstr(error.text, "orders"));
    assert_int_equal(state_check("orders", STATE_DELETING, ACTION_DELETE, &next, &error), ERROR_STATE);
}

/* An instance can always be deleted, and every state but the last one has a way on. */
static void no_state_is_a_dead_end(void **state)
{
    (void)state;
    static const char *const all[] = {STATE_CREATING,  STATE_AVAILABLE, STATE_MODIFYING, STATE_RENAMING,
                                      STATE_RESETTING, STATE_REBOOTING, STATE_STOPPING,  STATE_STOPPED,
                                      STATE_STARTING,  STATE_FAILED};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        assert_string_equal(state_next(all[i], ACTION_DELETE), STATE_DELETING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documentation_prints_the_same_table),
        cmocka_unit_test(a_caller_is_told_what_is_not_possible),
        cmocka_unit_test(no_state_is_a_dead_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
