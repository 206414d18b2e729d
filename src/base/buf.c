#include "base/buf.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_of(const void *data, size_t length)
{
    return (struct slice){data, length};
}

struct slice slice_text(const char *text)
{
    return slice_of(text, text ? strlen(text) : 0);
}

struct slice slice_buf(const struct buf *buf)
{
    return slice_of(buf->data, buf->length);
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool slice_is(struct slice slice, const char *text)
{
    return slice_equal(slice, slice_text(text));
}

char *slice_string(struct slice slice)
{
    char *text = mem_new(slice.length + 1);
    if (slice.length)
        memcpy(text, slice.data, slice.length);
    return text;
}

bool slice_has_nul(struct slice slice)
{
    return slice.length && memchr(slice.data, 0, slice.length);
}

void buf_reserve(struct buf *buf, size_t more)
{
    if (more > SIZE_MAX / 4 || buf->length > SIZE_MAX / 4)
        abort();
    size_t needed = buf->length + more + 1;
    if (needed <= buf->capacity)
        return;
    size_t capacity = buf->capacity ? buf->capacity * 2 : 64;
    if (capacity < needed)
        capacity = needed;
    /* Not realloc: the old place may have held a secret. */
    unsigned char *data = mem_new(capacity);
    if (buf->length)
        memcpy(data, buf->data, buf->length);
    mem_wipe(buf->data, buf->capacity);
    free(buf->data);
    buf->data = data;
    buf->capacity = capacity;
}

void buf_append(struct buf *buf, const void *data, size_t length)
{
    buf_reserve(buf, length);
    if (length)
        memcpy(buf->data + buf->length, data, length);
    buf->length += length;
}

void buf_append_slice(struct buf *buf, struct slice slice)
{
    buf_append(buf, slice.data, slice.length);
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append_slice(buf, slice_text(text));
}

void buf_append_byte(struct buf *buf, unsigned char byte)
{
    buf_append(buf, &byte, 1);
}

static void append_big_endian(struct buf *buf, uint64_t value, unsigned size)
{
    for (unsigned shift = size * 8; shift > 0; shift -= 8)
        buf_append_byte(buf, (unsigned char)(value >> (shift - 8)));
}

void buf_append_u16(struct buf *buf, uint16_t value)
{
    append_big_endian(buf, value, 2);
}

void buf_append_u32(struct buf *buf, uint32_t value)
{
    append_big_endian(buf, value, 4);
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    append_big_endian(buf, value, 8);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length > 0) {
        buf_reserve(buf, (size_t)length);
        vsnprintf((char *)buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

const char *buf_text(struct buf *buf)
{
    buf_reserve(buf, 0);
    buf->data[buf->length] = 0;
    return (const char *)buf->data;
}

void buf_clear(struct buf *buf)
{
    buf->length = 0;
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = (struct buf){0};
}

void buf_wipe(struct buf *buf)
{
    mem_wipe(buf->data, buf->capacity);
    buf_free(buf);
}

struct reader reader_of(struct slice slice)
{
    return (struct reader){.rest = slice};
}

struct slice reader_bytes(struct reader *reader, size_t length)
{
    if (reader->failed || length > reader->rest.length) {
        reader->failed = true;
        return (struct slice){0};
    }
    struct slice bytes = {reader->rest.data, length};
    reader->rest.length -= length;
    if (reader->rest.data)
        reader->rest.data += length;
    return bytes;
}

static uint64_t read_big_endian(struct reader *reader, size_t size)
{
    struct slice bytes = reader_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.length; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

uint8_t reader_u8(struct reader *reader)
{
    return (uint8_t)read_big_endian(reader, 1);
}

uint16_t reader_u16(struct reader *reader)
{
    return (uint16_t)read_big_endian(reader, 2);
}

uint32_t reader_u32(struct reader *reader)
{
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t reader_u64(struct reader *reader)
{
    return read_big_endian(reader, 8);
}

bool reader_done(const struct reader *reader)
{
    return !reader->failed && reader->rest.length == 0;
}
