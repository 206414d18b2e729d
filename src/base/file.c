#include "base/file.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void file_auto_close(const int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
}

int file_read(const char *path, size_t limit, struct buf *content, struct error *error)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return error_set(error, ERROR_NOT_FOUND, "%s: no such file", path);
    if (fd < 0)
        return error_set_system(error, errno, "cannot open %s", path);
    size_t before = content->length;
    for (;;) {
        buf_reserve(content, 4096);
        ssize_t got = read(fd, content->data + content->length, 4096);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_system(error, errno, "cannot read %s", path);
        if (got == 0)
            return 0;
        content->length += (size_t)got;
        if (content->length - before > limit)
            return error_set(error, ERROR_LIMIT, "%s is larger than the %zu bytes allowed", path, limit);
    }
}

int file_write_all(int descriptor, struct slice content, struct error *error)
{
    while (content.length) {
        ssize_t done = write(descriptor, content.data, content.length);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return error_set_system(error, errno, "cannot write");
        content.data += done;
        content.length -= (size_t)done;
    }
    return 0;
}

int file_sync_folder(const char *path, struct error *error)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return error_set_system(error, errno, "cannot sync folder %s", path);
    return 0;
}

static int write_and_sync(const char *path, struct slice content, mode_t mode, struct error *error)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0)
        return error_set_system(error, errno, "cannot create %s", path);
    /* The mode asked for, whatever the umask; also on a leftover of an earlier try. */
    if (fchmod(fd, mode) < 0)
        return error_set_system(error, errno, "cannot set the mode of %s", path);
    if (file_write_all(fd, content, error))
        return error_prefix(error, "%s", path);
    if (fsync(fd) < 0)
        return error_set_system(error, errno, "cannot sync %s", path);
    return 0;
}

int file_write(const char *path, struct slice content, mode_t mode, struct error *error)
{
    AUTO_FREE char *temporary = mem_format("%s.%d.tmp", path, (int)gettid());
    AUTO_FREE char *folder = mem_string(path);
    if (write_and_sync(temporary, content, mode, error)) {
        unlink(temporary);
        return (int)(error ? error->code : ERROR_IO);
    }
    if (rename(temporary, path) < 0) {
        int reason = errno;
        unlink(temporary);
        return error_set_system(error, reason, "cannot rename %s to %s", temporary, path);
    }
    return file_sync_folder(dirname(folder), error);
}

static int make_one_folder(const char *path, mode_t mode, struct error *error)
{
    if (mkdir(path, mode) == 0)
        return 0;
    if (errno != EEXIST)
        return error_set_system(error, errno, "cannot make folder %s", path);
    struct stat status;
    if (stat(path, &status) < 0 || !S_ISDIR(status.st_mode))
        return error_set(error, ERROR_EXISTS, "cannot make folder %s: something else has that name", path);
    return 0;
}

int file_make_folder(const char *path, mode_t mode, struct error *error)
{
    if (!*path)
        return error_set(error, ERROR_INVALID, "cannot make a folder without a name");
    AUTO_FREE char *copy = mem_string(path);
    for (char *slash = copy + 1;; slash++) {
        if (*slash && *slash != '/')
            continue;
        char kept = *slash;
        *slash = 0;
        int failed = make_one_folder(copy, mode, error);
        if (failed || !kept)
            return failed;
        *slash = kept;
    }
}

int file_remove_tree(const char *path, struct error *error)
{
    AUTO_FREE char *copy = mem_string(path);
    char *const roots[] = {copy, NULL};
    if (!file_exists(path))
        return 0;
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return error_set_system(error, errno, "cannot read folder %s", path);
    int result = 0;
    for (FTSENT *entry; !result && (entry = fts_read(walk));) {
        if (entry->fts_info == FTS_D)
            continue;
        if (remove(entry->fts_accpath) < 0 && errno != ENOENT)
            result = error_set_system(error, errno, "cannot remove %s", entry->fts_path);
    }
    fts_close(walk);
    return result;
}

int file_check_private(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) == 0 && (status.st_mode & 077))
        return error_set(error, ERROR_DENIED, "%s is open to others: its mode is %03o, it must be 600", path,
                         (unsigned)status.st_mode & 0777U);
    return 0;
}

bool file_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}
