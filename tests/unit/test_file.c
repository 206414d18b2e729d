/* base/file: whole reads, writes that cannot tear, folders, trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/sealwright-file-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static char *within(const char *name)
{
    return mem_format("%s/%s", folder, name);
}

static unsigned mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static size_t entries_of(const char *path)
{
    DIR *open_folder = opendir(path);
    assert_non_null(open_folder);
    size_t count = 0;
    while (readdir(open_folder))
        count++;
    closedir(open_folder);
    return count - 2; /* without . and .. */
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    AUTO_FREE char *path = within("whole");
    AUTO_BUF struct buf content = {0};
    struct error error;
    assert_int_equal(file_write(path, slice_of("a\0b", 3), 0640, &error), 0);
    assert_int_equal(file_read(path, 3, &content, &error), 0);
    assert_true(slice_equal(slice_buf(&content), slice_of("a\0b", 3)));
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(file_write(path, slice_of(NULL, 0), 0600, &error), 0);
    buf_clear(&content);
    assert_int_equal(file_read(path, 0, &content, &error), 0);
    assert_int_equal(content.length, 0);
    assert_int_equal(mode_of(path), 0600);
}

static void reads_append_and_keep_to_their_limit(void **state)
{
    (void)state;
    AUTO_FREE char *path = within("large");
    AUTO_BUF struct buf large = {0};
    AUTO_BUF struct buf content = {0};
    struct error error;
    for (int i = 0; i < 10000; i++)
        buf_append_text(&large, "x");
    assert_int_equal(file_write(path, slice_buf(&large), 0600, &error), 0);
    buf_append_text(&content, "before ");
    assert_int_equal(file_read(path, 10000, &content, &error), 0);
    assert_int_equal(content.length, 10007);
    buf_clear(&content);
    assert_int_equal(file_read(path, 9999, &content, &error), ERROR_LIMIT);
    assert_non_null(strstr(error.text, path));
}

static void a_missing_file_is_told_from_a_broken_one(void **state)
{
    (void)state;
    AUTO_FREE char *path = within("missing");
    AUTO_BUF struct buf content = {0};
    struct error error;
    assert_int_equal(file_read(path, 10, &content, &error), ERROR_NOT_FOUND);
    assert_non_null(strstr(error.text, path));
    assert_int_equal(file_read(folder, 10, &content, &error), ERROR_IO);
}

static void the_mode_does_not_bend_to_the_umask(void **state)
{
    (void)state;
    AUTO_FREE char *path = within("mode");
    mode_t before = umask(0777);
    int failed = file_write(path, slice_text("x"), 0644, NULL);
    umask(before);
    assert_int_equal(failed, 0);
    assert_int_equal(mode_of(path), 0644);
}

static void a_write_replaces_the_name_and_not_the_file(void **state)
{
    (void)state;
    AUTO_FREE char *path = within("replaced");
    assert_int_equal(file_write(path, slice_text("old"), 0600, NULL), 0);
    AUTO_CLOSE int reader = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(reader >= 0);
    size_t entries = entries_of(folder);
    assert_int_equal(file_write(path, slice_text("new"), 0600, NULL), 0);
    assert_int_equal(entries_of(folder), entries);
    char seen[4] = {0};
    assert_int_equal(read(reader, seen, 3), 3);
    assert_string_equal(seen, "old");
}

static void a_failed_write_leaves_all_as_it_was(void **state)
{
    (void)state;
    AUTO_FREE char *taken = within("taken");
    AUTO_FREE char *inner = within("taken/inner");
    AUTO_FREE char *nowhere = within("nowhere/file");
    struct error error;
    assert_int_equal(file_make_folder(inner, 0700, &error), 0);
    size_t entries = entries_of(folder);
    assert_int_equal(file_write(taken, slice_text("x"), 0600, &error), ERROR_IO);
    assert_non_null(strstr(error.text, taken));
    assert_int_equal(file_write(nowhere, slice_text("x"), 0600, &error), ERROR_IO);
    assert_int_equal(file_write(nowhere, slice_text("x"), 0600, NULL), ERROR_IO);
    assert_int_equal(entries_of(folder), entries);
    assert_true(file_exists(inner));
}

static void folders_are_made_with_those_above(void **state)
{
    (void)state;
    AUTO_FREE char *path = within("a/b//c/");
    AUTO_FREE char *file = within("a/file");
    AUTO_FREE char *below = within("a/file/d");
    struct error error;
    assert_int_equal(file_make_folder(path, 0750, &error), 0);
    assert_int_equal(mode_of(path), 0750);
    assert_int_equal(file_make_folder(path, 0700, &error), 0);
    assert_int_equal(mode_of(path), 0750);
    assert_int_equal(file_write(file, slice_text("x"), 0600, &error), 0);
    assert_int_equal(file_make_folder(file, 0700, &error), ERROR_EXISTS);
    assert_int_equal(file_make_folder(below, 0700, &error), ERROR_EXISTS);
    assert_int_equal(file_make_folder("", 0700, &error), ERROR_INVALID);
}

static void a_tree_goes_and_links_are_not_followed(void **state)
{
    (void)state;
    AUTO_FREE char *tree = within("tree");
    AUTO_FREE char *deep = within("tree/x/y");
    AUTO_FREE char *link = within("tree/x/link");
    AUTO_FREE char *outside = within("outside");
    AUTO_FREE char *kept = within("outside/kept");
    struct error error;
    assert_int_equal(file_make_folder(deep, 0700, &error), 0);
    assert_int_equal(file_make_folder(outside, 0700, &error), 0);
    assert_int_equal(file_write(kept, slice_text("x"), 0600, &error), 0);
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(file_remove_tree(tree, &error), 0);
    assert_false(file_exists(tree));
    assert_true(file_exists(kept));
    assert_int_equal(file_remove_tree(tree, &error), 0);
    assert_int_equal(file_remove_tree(kept, &error), 0);
    assert_false(file_exists(kept));
}

static void folders_are_synced_or_say_why_not(void **state)
{
    (void)state;
    AUTO_FREE char *missing = within("not-there");
    struct error error;
    assert_int_equal(file_sync_folder(folder, &error), 0);
    assert_int_equal(file_sync_folder(missing, &error), ERROR_IO);
    assert_non_null(strstr(error.text, missing));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(reads_append_and_keep_to_their_limit),
        cmocka_unit_test(a_missing_file_is_told_from_a_broken_one),
        cmocka_unit_test(the_mode_does_not_bend_to_the_umask),
        cmocka_unit_test(a_write_replaces_the_name_and_not_the_file),
        cmocka_unit_test(a_failed_write_leaves_all_as_it_was),
        cmocka_unit_test(folders_are_made_with_those_above),
        cmocka_unit_test(a_tree_goes_and_links_are_not_followed),
        cmocka_unit_test(folders_are_synced_or_say_why_not),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
