#include "aws/reply.h"

#include "aws/errors.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define XML_NAMESPACE "http://rds.amazonaws.com/doc/2014-10-31/"

static unsigned char *put(unsigned char *end, struct slice text)
{
    memcpy(end, text.data, text.length);
    return end + text.length;
}

/* Three short texts in one step: half of a reply is tags. */
static void append_tag(struct buf *buf, const char *before, const char *name, const char *after)
{
    struct slice parts[] = {slice_text(before), slice_text(name), slice_text(after)};
    buf_reserve(buf, parts[0].length + parts[1].length + parts[2].length);
    unsigned char *end = buf->data + buf->length;
    for (size_t i = 0; i < 3; i++)
        end = put(end, parts[i]);
    buf->length = (size_t)(end - buf->data);
}

void reply_open(struct buf *buf, const char *name)
{
    append_tag(buf, "<", name, ">");
}

void reply_close(struct buf *buf, const char *name)
{
    append_tag(buf, "</", name, ">");
}

static const char *reference_of(unsigned char character)
{
    switch (character) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

static bool is_plain(unsigned char character)
{
    return (character >= 0x20 && character < 0x80 && character != '&' && character != '<' &&
            character != '>') ||
           character == '\n' || character == '\t';
}

#define ONES  UINT64_C(0x0101010101010101)
#define HIGHS UINT64_C(0x8080808080808080)

/* Whether one of the eight bytes is 0 (or follows one that is). */
static bool has_zero(uint64_t bytes)
{
    return ((bytes - ONES) & ~bytes & HIGHS) != 0;
}

/* Whether all eight bytes are surely plain: none below a space, none from 0x80 on, none of & < >. */
static bool are_plain(const unsigned char *text)
{
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
    return ((bytes | (bytes - ONES * ' ')) & HIGHS) == 0 && !has_zero(bytes ^ ONES * '&') &&
           !has_zero(bytes ^ ONES * '<') && !has_zero(bytes ^ ONES * '>');
}

/* How many bytes at the beginning stand for themselves. Eight at a time: nearly all of a reply is such text.
 */
static size_t plain_length(const unsigned char *text, size_t length)
{
    size_t i = 0;
    while (length - i >= 8 && are_plain(text + i))
        i += 8;
    while (i < length && is_plain(text[i]))
        i++;
    return i;
}

/* XML 1.0, production 2 (Char); the C1 controls are allowed. */
static bool is_xml_character(uint32_t character)
{
    return character == '\t' || character == '\n' || character == '\r' ||
           (character >= 0x20 && character != 0xfffe && character != 0xffff);
}

/* Appends what stands for the first character of `text`, which is not plain, and says how many bytes of it
 * that was. */
static size_t escape_one(struct buf *buf, struct slice text)
{
    const char *reference = reference_of(text.data[0]);
    if (reference) {
        buf_append_text(buf, reference);
        return 1;
    }
    uint32_t character = 0;
    size_t length = text_utf8(text, &character);
    if (length == 0 || !is_xml_character(character)) {
        buf_append_text(buf, "\xef\xbf\xbd");
        return length ? length : 1;
    }
    buf_append(buf, text.data, length);
    return length;
}

void reply_escape(struct buf *buf, struct slice text)
{
    while (text.length) {
        size_t plain = plain_length(text.data, text.length);
        buf_append(buf, text.data, plain);
        size_t special =
            plain < text.length ? escape_one(buf, slice_of(text.data + plain, text.length - plain)) : 0;
        text = slice_of(text.data + plain + special, text.length - plain - special);
    }
}

/* `<name>text</name>` for a text that stands for itself, in one step: nearly every member of a reply is such
 * a one. */
static void append_plain_element(struct buf *buf, struct slice name, struct slice text)
{
    buf_reserve(buf, text.length + 2 * name.length + 5);
    unsigned char *end = buf->data + buf->length;
    *end++ = '<';
    end = put(end, name);
    *end++ = '>';
    end = put(end, text);
    *end++ = '<';
    *end++ = '/';
    end = put(end, name);
    *end++ = '>';
    buf->length = (size_t)(end - buf->data);
}

void reply_text(struct buf *buf, const char *name, const char *text)
{
    if (!text)
        return;
    struct slice value = slice_text(text);
    if (plain_length(value.data, value.length) == value.length) {
        append_plain_element(buf, slice_text(name), value);
        return;
    }
    reply_open(buf, name);
    reply_escape(buf, value);
    reply_close(buf, name);
}

void reply_integer(struct buf *buf, const char *name, int64_t value)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)value);
    append_plain_element(buf, slice_text(name), slice_of(text, (size_t)length));
}

void reply_boolean(struct buf *buf, const char *name, bool value)
{
    append_plain_element(buf, slice_text(name), slice_text(value ? "true" : "false"));
}

void reply_time(struct buf *buf, const char *name, int64_t milliseconds)
{
    char text[32];
    clock_format(milliseconds, text);
    reply_text(buf, name, text);
}

static void append_metadata(struct buf *buf, const char *action, const char *request_id)
{
    reply_open(buf, "ResponseMetadata");
    reply_text(buf, "RequestId", request_id);
    reply_close(buf, "ResponseMetadata");
    append_tag(buf, "</", action, "Response>");
}

void reply_begin(struct buf *buf, const char *action)
{
    append_tag(buf, "<", action, "Response xmlns=\"" XML_NAMESPACE "\">");
    append_tag(buf, "<", action, "Result>");
}

void reply_end(struct buf *buf, const char *action, const char *request_id)
{
    append_tag(buf, "</", action, "Result>");
    append_metadata(buf, action, request_id);
}

void reply_empty(struct buf *buf, const char *action, const char *request_id)
{
    append_tag(buf, "<", action, "Response xmlns=\"" XML_NAMESPACE "\">");
    append_metadata(buf, action, request_id);
}

void reply_error(struct buf *buf, const char *code, const char *message, const char *request_id)
{
    buf_append_text(buf, "<ErrorResponse xmlns=\"" XML_NAMESPACE "\"><Error>");
    reply_text(buf, "Type", aws_error_type(aws_error_status(code)));
    reply_text(buf, "Code", code);
    reply_text(buf, "Message", message);
    reply_close(buf, "Error");
    reply_text(buf, "RequestId", request_id);
    reply_close(buf, "ErrorResponse");
}
