/* An engine's log, read for what it says of clients. */
#ifndef ENGINE_LOG_H
#define ENGINE_LOG_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct engine_log_reader {
    /* Takes a whole line, without its end. An `earlier` one stands before `from`. */
    void (*take)(struct slice line, bool earlier, void *context);
    void *context;
    int64_t back; /* so many bytes before the position are read too, for what they say of later lines */
    int64_t from; /* engine_log_read sets its own to the position */
};

/* Takes the whole lines of a piece of the log that begins at its offset `at`, and returns how many bytes they
 * are. `inside` says, before and after, that the piece begins inside a line, whose rest is not taken. A piece
 * that is one line without an end is passed over whole when it is `full`, else left for the next look. */
size_t engine_log_take(const struct engine_log_reader *reader, struct slice piece, int64_t at, bool full,
                       bool *inside);

/* Reads from `position` to the log's end, and moves the position behind the last whole line; of very much
 * only the end is read, and a log that is shorter than that was started anew and is read from its begin. A
 * log that is not there yet has the position 0. On failure the position is as before. */
int engine_log_read(const char *path, const struct engine_log_reader *reader, int64_t *position,
                    struct error *error);

#endif
