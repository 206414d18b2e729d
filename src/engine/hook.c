#include "engine/hook.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LIMIT = 4 * 1024 * 1024 };

/* Before lines that were put behind one without an end, which is to have none again. */
#define END_ADDED "\n# The line above had no end.\n"

static const char *const kind_names[] = {"append", "link"};

static int refuse(struct error *error, int number, const char *path)
{
    error_set_system(error, number, "cannot change %s", path);
    if (error && (number == EACCES || number == EPERM || number == EROFS))
        error->code = ERROR_DENIED;
    return number == EACCES || number == EPERM || number == EROFS ? ERROR_DENIED : ERROR_IO;
}

/* ---- lines at a file's end */

/* Where the lines stand in the file; false: nowhere, or more than once. */
static bool find_lines(const struct hook *hook, const struct buf *file, size_t *from, size_t *until)
{
    size_t length = strlen(hook->text), end = strlen(END_ADDED);
    const unsigned char *at = file->length ? memmem(file->data, file->length, hook->text, length) : NULL;
    if (!at)
        return false;
    *from = (size_t)(at - file->data);
    *until = *from + length;
    if (*from && at[-1] != '\n')
        return false;
    if (memmem(at + 1, file->length - *from - 1, hook->text, length))
        return false;
    if (*from >= end && memcmp(at - end, END_ADDED, end) == 0)
        *from -= end;
    return true;
}

/* The last line of the hook, without its end: it is what counts. */
static char *last_line(const struct hook *hook)
{
    char *copy = mem_string(hook->text);
    size_t length = strlen(copy);
    if (length && copy[length - 1] == '\n')
        copy[length - 1] = 0;
    char *start = strrchr(copy, '\n');
    char *line = mem_string(start ? start + 1 : copy);
    free(copy);
    return line;
}

static enum hook_state look_lines(const struct hook *hook, struct error *error)
{
    AUTO_BUF struct buf file = {0};
    AUTO_FREE char *line = last_line(hook);
    size_t from, until;
    if (file_read(hook->path, FILE_LIMIT, &file, error))
        return HOOK_CHANGED;
    if (find_lines(hook, &file, &from, &until))
        return HOOK_IN_PLACE;
    if (!file.length || !memmem(file.data, file.length, line, strlen(line)))
        return HOOK_ABSENT;
    error_set(
        error, ERROR_STATE,
        "%s holds Sealwright's line otherwise than it was written: make it these lines again, each once, "
        "or take them out by hand: %s",
        hook->path, hook->text);
    return HOOK_CHANGED;
}

/* In one write at the end, so that owner, mode and everything else about the file stay as they are. */
static int append_lines(const struct hook *hook, struct error *error)
{
    AUTO_BUF struct buf file = {0}, added = {0};
    int result = file_read(hook->path, FILE_LIMIT, &file, error);
    if (result)
        return result;
    if (file.length && file.data[file.length - 1] != '\n')
        buf_append_text(&added, END_ADDED);
    buf_append_text(&added, hook->text);
    AUTO_CLOSE int fd = open(hook->path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return refuse(error, errno, hook->path);
    result = file_write_all(fd, slice_buf(&added), error);
    if (!result && fsync(fd) < 0)
        result = error_set_system(error, errno, "cannot sync %s", hook->path);
    return result;
}

/* Where the owner has added lines behind the hook: a file with the same owner and mode in its place. */
static int write_without(const char *path, const struct buf *file, size_t from, size_t until,
                         struct error *error)
{
    struct stat status;
    AUTO_FREE char *real = realpath(path, NULL);
    AUTO_FREE char *temporary = mem_format("%s.%d.tmp", real ? real : path, (int)getpid());
    if (!real || stat(real, &status) < 0)
        return error_set_system(error, errno, "cannot read %s", path);
    AUTO_CLOSE int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refuse(error, errno, temporary);
    int result = 0;
    if (fchown(fd, status.st_uid, status.st_gid) < 0 || fchmod(fd, status.st_mode & 07777) < 0)
        result = refuse(error, errno, temporary);
    if (!result)
        result = file_write_all(fd, slice_of(file->data, from), error);
    if (!result)
        result = file_write_all(fd, slice_of(file->data + until, file->length - until), error);
    if (!result && (fsync(fd) < 0 || rename(temporary, real) < 0))
        result = refuse(error, errno, path);
    if (result)
        unlink(temporary);
    return result ? result : file_sync_folder(dirname(real), error);
}

static int remove_lines(const struct hook *hook, struct error *error)
{
    AUTO_BUF struct buf file = {0};
    size_t from, until;
    int result = file_read(hook->path, FILE_LIMIT, &file, error);
    if (result || !find_lines(hook, &file, &from, &until))
        return result;
    if (until < file.length)
        return write_without(hook->path, &file, from, until, error);
    AUTO_CLOSE int fd = open(hook->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(error, errno, hook->path);
    if (ftruncate(fd, (off_t)from) < 0 || fsync(fd) < 0)
        return refuse(error, errno, hook->path);
    return 0;
}

/* ---- a link in a file's place */

static bool links_to(const char *path, const char *target)
{
    char found[PATH_MAX];
    ssize_t length = readlink(path, found, sizeof found - 1);
    if (length < 0)
        return false;
    found[length] = 0;
    return text_equal(found, target);
}

static enum hook_state look_link(const struct hook *hook, struct error *error)
{
    AUTO_FREE char *kept = mem_format("%s" HOOK_KEPT, hook->path);
    struct stat now, before;
    bool has_now = lstat(hook->path, &now) == 0, has_before = lstat(kept, &before) == 0;
    bool linked = has_now && links_to(hook->path, hook->text);
    if (linked && has_before)
        return HOOK_IN_PLACE;
    if (has_now && !linked && (!has_before || (now.st_ino == before.st_ino && now.st_dev == before.st_dev)))
        return HOOK_ABSENT;
    if (!has_before)
        error_set(error, ERROR_STATE, "%s is gone, and so is %s: put the file of before in its place",
                  has_now ? kept : hook->path, has_now ? "what was there before Sealwright" : kept);
    else
        error_set(
            error, ERROR_STATE,
            "%s was replaced by somebody else since Sealwright did: if it is good, remove %s, which is the "
            "one of before; else: mv '%s' '%s'",
            hook->path, kept, kept, hook->path);
    return HOOK_CHANGED;
}

static int put_link(const struct hook *hook, struct error *error)
{
    AUTO_FREE char *kept = mem_format("%s" HOOK_KEPT, hook->path);
    AUTO_FREE char *temporary = mem_format("%s.%d.tmp", hook->path, (int)getpid());
    AUTO_FREE char *folder = mem_string(hook->path);
    unlink(temporary);
    if (linkat(AT_FDCWD, hook->path, AT_FDCWD, kept, 0) < 0 && errno != EEXIST)
        return refuse(error, errno, hook->path);
    if (symlink(hook->text, temporary) < 0 || rename(temporary, hook->path) < 0) {
        int reason = errno;
        unlink(temporary);
        return refuse(error, reason, hook->path);
    }
    return file_sync_folder(dirname(folder), error);
}

static int remove_link(const struct hook *hook, struct error *error)
{
    AUTO_FREE char *kept = mem_format("%s" HOOK_KEPT, hook->path);
    AUTO_FREE char *folder = mem_string(hook->path);
    if (rename(kept, hook->path) < 0)
        return refuse(error, errno, hook->path);
    unlink(kept); /* a rename onto the same file, left by a put that was cut off, does nothing */
    return file_sync_folder(dirname(folder), error);
}

/* ---- all kinds */

static const struct {
    enum hook_state (*look)(const struct hook *hook, struct error *error);
    int (*put)(const struct hook *hook, struct error *error);
    int (*remove)(const struct hook *hook, struct error *error);
} kinds[] = {
    [HOOK_APPEND] = {look_lines, append_lines, remove_lines},
    [HOOK_LINK] = {look_link, put_link, remove_link},
};

enum hook_state hook_look(const struct hook *hook, struct error *error)
{
    return kinds[hook->kind].look(hook, error);
}

int hook_put(const struct hook *hook, bool *changed, struct error *error)
{
    struct error why = {0};
    enum hook_state state = hook_look(hook, &why);
    *changed = false;
    if (state == HOOK_IN_PLACE)
        return 0;
    if (state == HOOK_CHANGED)
        return error_set(error, why.code, "%s", why.text);
    *changed = true;
    return kinds[hook->kind].put(hook, error);
}

int hook_remove(const struct hook *hook, struct error *error)
{
    struct error why = {0};
    enum hook_state state = hook_look(hook, &why);
    AUTO_FREE char *kept = mem_format("%s" HOOK_KEPT, hook->path);
    if (state == HOOK_ABSENT && !(hook->kind == HOOK_LINK && file_exists(kept)))
        return 0;
    if (state == HOOK_CHANGED && why.code == ERROR_NOT_FOUND)
        return 0; /* the file that held the lines is gone, and they with it */
    if (state == HOOK_CHANGED)
        return error_set(error, why.code, "%s", why.text);
    return kinds[hook->kind].remove(hook, error);
}

static bool is_pem(const char *path)
{
    AUTO_SECRET struct buf content = {0};
    return file_read(path, FILE_LIMIT, &content, NULL) == 0 && strstr(buf_text(&content), "-----BEGIN ");
}

static bool is_closed(const char *folder)
{
    struct stat status;
    return lstat(folder, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == 0 &&
           !(status.st_mode & 022);
}

bool hook_is_for_root(const struct hook *hook)
{
    AUTO_FREE char *above = mem_string(hook->path);
    AUTO_FREE char *kept = mem_format("%s" HOOK_KEPT, hook->path);
    AUTO_FREE char *folder = realpath(dirname(above), NULL);
    struct stat status;
    bool fit = folder && (hook->kind == HOOK_LINK
                              ? is_pem(file_exists(kept) ? kept : hook->path)
                              : text_starts_with(hook->text, HOOK_MARK) && stat(hook->path, &status) == 0 &&
                                    status.st_uid == 0 && !(status.st_mode & 022));
    while (fit) {
        fit = is_closed(folder);
        char *slash = strrchr(folder, '/');
        if (!slash || text_equal(folder, "/"))
            break;
        slash[slash == folder] = 0; /* the folder above, "/" last */
    }
    return fit;
}

char *hook_describe(const struct hook *hook)
{
    if (hook->kind == HOOK_LINK)
        return mem_format("%s: a link to %s in its place; the file itself is kept as %s" HOOK_KEPT,
                          hook->path, hook->text, hook->path);
    return mem_format("%s: at its end\n%s", hook->path, hook->text);
}

json_t *hook_to_json(const struct hook *hook)
{
    return json_pack("{s:s, s:s, s:s}", "kind", kind_names[hook->kind], "path", hook->path, "text",
                     hook->text);
}

int hook_from_json(const json_t *json, struct hook *hook, struct error *error)
{
    const char *kind = json_string_value(json_object_get(json, "kind"));
    const char *path = json_string_value(json_object_get(json, "path"));
    const char *text = json_string_value(json_object_get(json, "text"));
    *hook = (struct hook){0};
    for (size_t i = 0; i < sizeof kind_names / sizeof kind_names[0]; i++)
        if (text_equal(kind, kind_names[i]) && path && path[0] == '/' && text && text[0]) {
            *hook = (struct hook){(enum hook_kind)i, mem_string(path), mem_string(text)};
            return 0;
        }
    return error_set(error, ERROR_INVALID, "a hook: expected kind, path and text");
}

void hook_free(struct hook *hook)
{
    free(hook->path);
    free(hook->text);
    *hook = (struct hook){0};
}
