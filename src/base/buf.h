/* Bytes with their length: struct buf owns and grows, struct slice looks at somebody else's. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
    const unsigned char *data;
    size_t length;
};

struct buf {
    unsigned char *data; /* NULL while empty */
    size_t length;
    size_t capacity;
};

struct slice slice_of(const void *data, size_t length);
struct slice slice_text(const char *text); /* without the NUL; NULL gives an empty slice */
struct slice slice_buf(const struct buf *buf);
bool slice_equal(struct slice a, struct slice b);
bool slice_is(struct slice slice, const char *text);
/* A NUL-terminated copy for free(). Bytes of value 0 inside are kept, so check slice_has_nul first where it
 * matters. */
char *slice_string(struct slice slice);
bool slice_has_nul(struct slice slice);

void buf_reserve(struct buf *buf, size_t more);
void buf_append(struct buf *buf, const void *data, size_t length);
void buf_append_slice(struct buf *buf, struct slice slice);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_byte(struct buf *buf, unsigned char byte);
void buf_append_u16(struct buf *buf, uint16_t value); /* big-endian */
void buf_append_u32(struct buf *buf, uint32_t value);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The content as a text: a NUL is kept behind it (outside `length`). Never NULL; valid until the next change.
 */
const char *buf_text(struct buf *buf);
void buf_clear(struct buf *buf); /* keeps the memory */
void buf_free(struct buf *buf);
void buf_wipe(struct buf *buf); /* overwrites the whole capacity, then frees */
#define AUTO_BUF    __attribute__((cleanup(buf_free)))
#define AUTO_SECRET __attribute__((cleanup(buf_wipe)))

/* A cursor over a message: each read says false, for ever after, once the message is too short. */
struct reader {
    struct slice rest;
    bool failed;
};

struct reader reader_of(struct slice slice);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
struct slice reader_bytes(struct reader *reader, size_t length);
bool reader_done(const struct reader *reader); /* nothing failed and nothing is left */

#endif
