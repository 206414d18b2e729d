#include "engine/log.h"

#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read in one look, what is older is passed over; and at once. */
enum { LOOK_LIMIT = 16 * 1024 * 1024, PIECE = 64 * 1024 };

size_t engine_log_take(const struct engine_log_reader *reader, struct slice piece, int64_t at, bool full,
                       bool *inside)
{
    size_t used = 0;
    const unsigned char *end = NULL;
    while (used < piece.length && (end = memchr(piece.data + used, '\n', piece.length - used))) {
        const unsigned char *line = piece.data + used;
        if (!*inside)
            reader->take(slice_of(line, (size_t)(end - line)), at + (int64_t)used < reader->from,
                         reader->context);
        *inside = false;
        used += (size_t)(end - line) + 1;
    }
    if (used || !full)
        return used;
    *inside = true;
    return piece.length;
}

/* From the byte before `from`: only a line's end there makes what follows a line's begin. */
static int read_pieces(int log, const struct engine_log_reader *reader, int64_t from, int64_t until,
                       int64_t *reached, struct error *error)
{
    AUTO_FREE unsigned char *text = mem_new(PIECE);
    bool inside = from > 0;
    int64_t at = from > 0 ? from - 1 : 0;
    for (size_t used = 1; used && at < until; at += (int64_t)used) {
        ssize_t length = pread(log, text, PIECE, at);
        if (length < 0)
            return error_set_system(error, errno, "cannot read the engine's log");
        used = engine_log_take(reader, slice_of(text, (size_t)length), at, length == PIECE, &inside);
    }
    *reached = at;
    return 0;
}

int engine_log_read(const char *path, const struct engine_log_reader *reader, int64_t *position,
                    struct error *error)
{
    AUTO_CLOSE int log = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (log < 0 && errno == ENOENT) {
        *position = 0; /* nothing was logged yet */
        return 0;
    }
    if (log < 0 || fstat(log, &status) < 0)
        return error_set_system(error, errno, "cannot read %s", path);
    int64_t from = *position;
    if (from > status.st_size)
        from = 0; /* the log was started anew */
    if (status.st_size - from > LOOK_LIMIT)
        from = status.st_size - LOOK_LIMIT;
    struct engine_log_reader own = *reader;
    own.from = from;
    int64_t reached = from, begin = from > reader->back ? from - reader->back : 0;
    int result = read_pieces(log, &own, begin, status.st_size, &reached, error);
    if (!result)
        *position = reached > from ? reached : from;
    return result;
}
