/* Files: whole reads with a limit, and writes that a crash cannot tear. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Reads a whole file of at most `limit` bytes into `content` (appended). ERROR_NOT_FOUND, ERROR_LIMIT,
 * ERROR_IO. */
int file_read(const char *path, size_t limit, struct buf *content, struct error *error);

/* Replaces a file as one step that survives a crash: a temporary file beside it, fsync, rename, fsync of the
 * folder. */
int file_write(const char *path, struct slice content, mode_t mode, struct error *error);

/* fsync of a folder, so that renames and removals in it are on disk. */
int file_sync_folder(const char *path, struct error *error);

/* Makes a folder and those above it that are missing; an existing one is fine (its mode is left alone).
 * ERROR_EXISTS where something that is no folder has the name. */
int file_make_folder(const char *path, mode_t mode, struct error *error);

/* Removes a file or a whole tree; one that is not there is fine. Does not follow links. */
int file_remove_tree(const char *path, struct error *error);

bool file_exists(const char *path);

/* ERROR_DENIED when a file that holds a secret may be read by others than its owner; one that is not there is
 * fine. */
int file_check_private(const char *path, struct error *error);

/* Writes all of `content` to a descriptor that blocks. */
int file_write_all(int descriptor, struct slice content, struct error *error);

/* Closes a descriptor unless it is -1. For locals: `AUTO_CLOSE int fd = ...;` */
void file_auto_close(const int *descriptor);
#define AUTO_CLOSE __attribute__((cleanup(file_auto_close)))

#endif
