#include "aws/reply.h"

#include "aws/errors.h"
#include "base/clock.h"
#include "base/text.h"

#include <string.h>

#define XML_NAMESPACE "http://rds.amazonaws.com/doc/2014-10-31/"

static void append_tag(struct buf *buf, const char *before, const char *name, const char *after)
{
    buf_append_text(buf, before);
    buf_append_text(buf, name);
    buf_append_text(buf, after);
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
    return (character >= 0x20 && character < 0x7f && character != '&' && character != '<' &&
            character != '>') ||
           character == '\n' || character == '\t';
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
    size_t start = 0;
    for (size_t i = 0; i < text.length;) {
        if (is_plain(text.data[i])) {
            i++;
            continue;
        }
        buf_append(buf, text.data + start, i - start);
        i += escape_one(buf, slice_of(text.data + i, text.length - i));
        start = i;
    }
    buf_append(buf, text.data + start, text.length - start);
}

void reply_text(struct buf *buf, const char *name, const char *text)
{
    if (!text)
        return;
    reply_open(buf, name);
    reply_escape(buf, slice_text(text));
    reply_close(buf, name);
}

void reply_integer(struct buf *buf, const char *name, int64_t value)
{
    reply_open(buf, name);
    buf_printf(buf, "%lld", (long long)value);
    reply_close(buf, name);
}

void reply_boolean(struct buf *buf, const char *name, bool value)
{
    append_tag(buf, "<", name, value ? ">true</" : ">false</");
    append_tag(buf, "", name, ">");
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
