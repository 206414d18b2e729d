/* engine/hook: what is put into an owner's file comes out again without a trace, and what somebody else has
 * written is never overwritten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/hook.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES "# Added.\ninclude_if_exists = '/x/y'\n"

static int set_up(void **state)
{
    char *folder = mem_string("/tmp/sealwright-hook-XXXXXX");
    assert_non_null(mkdtemp(folder));
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    file_remove_tree(*state, NULL);
    free(*state);
    return 0;
}

static char *path_of(void **state, const char *name)
{
    return mem_format("%s/%s", (const char *)*state, name);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void expect_text(const char *path, const char *expected, mode_t mode)
{
    AUTO_BUF struct buf text = {0};
    struct stat status;
    assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
    assert_string_equal(buf_text(&text), expected);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
}

static void put(const struct hook *hook, bool expected)
{
    bool changed = !expected;
    struct error error = {0};
    if (hook_put(hook, &changed, &error))
        fail_msg("%s", error.text);
    assert_int_equal(changed, expected);
    assert_int_equal(hook_look(hook, NULL), HOOK_IN_PLACE);
}

static void take_out(const struct hook *hook)
{
    struct error error = {0};
    if (hook_remove(hook, &error))
        fail_msg("%s", error.text);
    assert_int_equal(hook_look(hook, NULL), HOOK_ABSENT);
}

static void lines_come_out_without_a_trace(void **state)
{
    static const char *const files[] = {"",           "a = 1\n",           "a = 1", "a = 1\n\n\n", "\n",
                                        "# Added.\n", "a = 1\r\nb = 2\r\n"};
    AUTO_FREE char *path = path_of(state, "x.conf");
    const struct hook hook = {HOOK_APPEND, path, (char[]){LINES}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct stat before, after;
        AUTO_BUF struct buf text = {0};
        write_text(path, files[i], 0640);
        assert_int_equal(stat(path, &before), 0);
        put(&hook, true);
        put(&hook, false);
        assert_int_equal(file_read(path, 1 << 20, &text, NULL), 0);
        assert_true(text_ends_with(buf_text(&text), "\n" LINES) || text_equal(buf_text(&text), LINES));
        take_out(&hook);
        assert_int_equal(hook_remove(&hook, NULL), 0);
        expect_text(path, files[i], 0640);
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(before.st_ino, after.st_ino);
    }
}

static void lines_of_the_owner_stay(void **state)
{
    AUTO_FREE char *path = path_of(state, "x.conf");
    const struct hook hook = {HOOK_APPEND, path, (char[]){LINES}};
    write_text(path, "a = 1\n", 0604);
    put(&hook, true);
    FILE *file = fopen(path, "a");
    fputs("b = 2\n", file);
    fclose(file);
    put(&hook, false);
    take_out(&hook);
    expect_text(path, "a = 1\nb = 2\n", 0604);
}

static void expect_changed(const struct hook *hook, const char *path, const char *text)
{
    bool changed;
    struct error error = {0};
    assert_int_equal(hook_look(hook, &error), HOOK_CHANGED);
    assert_int_equal(hook_put(hook, &changed, &error), ERROR_STATE);
    assert_int_equal(hook_remove(hook, &error), ERROR_STATE);
    assert_non_null(strstr(error.text, path));
    if (text)
        expect_text(path, text, 0644);
}

static void changed_lines_are_left_alone(void **state)
{
    static const char *const files[] = {"include_if_exists = '/x/y'\n", "#include_if_exists = '/x/y'\n",
                                        (LINES LINES), (" " LINES)};
    AUTO_FREE char *path = path_of(state, "x.conf");
    const struct hook hook = {HOOK_APPEND, path, (char[]){LINES}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        write_text(path, files[i], 0644);
        expect_changed(&hook, path, files[i]);
    }
}

static void a_link_gives_the_very_file_back(void **state)
{
    AUTO_FREE char *path = path_of(state, "server.crt"), *kept = path_of(state, "server.crt" HOOK_KEPT);
    const struct hook hook = {HOOK_LINK, path, (char[]){"/nowhere/server.crt"}};
    struct stat before, after;
    char target[64] = "";
    write_text(path, "old", 0640);
    assert_int_equal(stat(path, &before), 0);
    put(&hook, true);
    put(&hook, false);
    assert_int_equal(readlink(path, target, sizeof target), (int)strlen(hook.text));
    expect_text(kept, "old", 0640);
    take_out(&hook);
    expect_text(path, "old", 0640);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtime, after.st_mtime);
    assert_false(file_exists(kept));
}

static void a_link_that_was_cut_off_is_finished_or_taken_back(void **state)
{
    AUTO_FREE char *path = path_of(state, "server.crt"), *kept = path_of(state, "server.crt" HOOK_KEPT);
    const struct hook hook = {HOOK_LINK, path, (char[]){"/nowhere/server.crt"}};
    write_text(path, "old", 0644);
    assert_int_equal(link(path, kept), 0);
    take_out(&hook);
    assert_false(file_exists(kept));
    assert_int_equal(link(path, kept), 0);
    put(&hook, true);
    take_out(&hook);
    expect_text(path, "old", 0644);
}

static void a_link_may_stand_for_a_link(void **state)
{
    AUTO_FREE char *path = path_of(state, "server.crt");
    const struct hook hook = {HOOK_LINK, path, (char[]){"/nowhere/server.crt"}};
    char target[64] = "";
    assert_int_equal(symlink("../archive/7.crt", path), 0);
    put(&hook, true);
    take_out(&hook);
    assert_int_equal(readlink(path, target, sizeof target), (int)strlen("../archive/7.crt"));
}

static void a_replaced_link_is_left_alone(void **state)
{
    AUTO_FREE char *path = path_of(state, "server.crt"), *kept = path_of(state, "server.crt" HOOK_KEPT);
    const struct hook hook = {HOOK_LINK, path, (char[]){"/nowhere/server.crt"}};
    write_text(path, "old", 0644);
    put(&hook, true);
    unlink(path);
    write_text(path, "renewed", 0644);
    expect_changed(&hook, path, "renewed");
    expect_text(kept, "old", 0644);
    unlink(kept);
    assert_int_equal(hook_remove(&hook, NULL), 0);
    expect_text(path, "renewed", 0644);
}

static void what_may_not_be_written_is_denied(void **state)
{
    AUTO_FREE char *folder = path_of(state, "closed"), *path = path_of(state, "closed/server.crt");
    const struct hook link = {HOOK_LINK, path, (char[]){"/nowhere"}};
    const struct hook lines = {HOOK_APPEND, path, (char[]){LINES}};
    bool changed;
    assert_int_equal(mkdir(folder, 0700), 0);
    write_text(path, "old", 0444);
    assert_int_equal(chmod(folder, 0500), 0);
    assert_int_equal(hook_put(&link, &changed, NULL), ERROR_DENIED);
    assert_int_equal(hook_put(&lines, &changed, NULL), ERROR_DENIED);
    assert_int_equal(chmod(folder, 0700), 0);
    expect_text(path, "old", 0444);
}

static void root_leaves_alone_what_others_could_have_prepared(void **state)
{
    static const char certificate[] = "/etc/ssl/certs/ca-certificates.crt";
    AUTO_FREE char *path = path_of(state, "server.crt");
    const struct hook own = {HOOK_LINK, path, (char[]){"/nowhere"}};
    const struct hook root = {HOOK_LINK, (char[]){"/etc/ssl/certs/ca-certificates.crt"},
                              (char[]){"/nowhere"}};
    const struct hook other = {HOOK_LINK, (char[]){"/etc/passwd"}, (char[]){"/nowhere"}};
    const struct hook lines = {HOOK_APPEND, (char[]){"/etc/passwd"}, (char[]){HOOK_MARK ".\nx = 'y'\n"}};
    const struct hook any = {HOOK_APPEND, (char[]){"/etc/passwd"},
                             (char[]){"root:x:0:0:root:/root:/bin/bash\n"}};
    write_text(path, "-----BEGIN CERTIFICATE-----\n", 0644);
    assert_false(hook_is_for_root(&own)); /* below /tmp, which is open to all */
    if (file_exists(certificate))
        assert_true(hook_is_for_root(&root));
    assert_false(hook_is_for_root(&other));
    assert_true(hook_is_for_root(&lines));
    assert_false(hook_is_for_root(&any));
}

static void hooks_come_through_json(void **state)
{
    (void)state;
    const struct hook hook = {HOOK_LINK, (char[]){"/a/b"}, (char[]){"/c\"d"}};
    struct hook heard;
    json_t *json = hook_to_json(&hook);
    assert_int_equal(hook_from_json(json, &heard, NULL), 0);
    assert_int_equal(heard.kind, HOOK_LINK);
    assert_string_equal(heard.path, "/a/b");
    assert_string_equal(heard.text, "/c\"d");
    hook_free(&heard);
    json_object_set_new(json, "path", json_string("relative"));
    assert_int_equal(hook_from_json(json, &heard, NULL), ERROR_INVALID);
    json_decref(json);
}

/* Root may write everywhere. */
static int drop_root(void)
{
    const struct passwd *user = getpwnam("nobody");
    return geteuid() != 0 || (user && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0) ? 0 : 1;
}

int main(void)
{
    if (drop_root())
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_come_out_without_a_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_of_the_owner_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changed_lines_are_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_gives_the_very_file_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_that_was_cut_off_is_finished_or_taken_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_may_stand_for_a_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_replaced_link_is_left_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_not_be_written_is_denied, set_up, tear_down),
        cmocka_unit_test_setup_teardown(root_leaves_alone_what_others_could_have_prepared, set_up, tear_down),
        cmocka_unit_test(hooks_come_through_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
