#include "base/text.h"

#include "base/memory.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_equal_ignoring_case(const char *a, const char *b)
{
    return a == b || (a && b && strcasecmp(a, b) == 0);
}

bool text_starts_with(const char *text, const char *prefix)
{
    return text && strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix)
{
    size_t length = text ? strlen(text) : 0;
    size_t tail = strlen(suffix);
    return text && length >= tail && strcmp(text + length - tail, suffix) == 0;
}

bool text_is_empty(const char *text)
{
    return !text || !*text;
}

bool text_is_within_domain(const char *name, const char *domain)
{
    size_t length = strlen(name), tail = strlen(domain);
    return length >= tail && text_equal_ignoring_case(name + length - tail, domain) &&
           (length == tail || name[length - tail - 1] == '.');
}

void text_lower(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
}

bool text_copy(char *target, size_t size, const char *text)
{
    size_t length = strlen(text);
    bool fits = length < size;
    memcpy(target, text, fits ? length : 0);
    target[fits ? length : 0] = 0;
    return fits;
}

void text_hex(const void *data, size_t length, char *target)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++) {
        target[2 * i] = digits[bytes[i] >> 4];
        target[2 * i + 1] = digits[bytes[i] & 15];
    }
    target[2 * length] = 0;
}

static int hex_digit(unsigned char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    if (character >= 'a' && character <= 'f')
        return character - 'a' + 10;
    if (character >= 'A' && character <= 'F')
        return character - 'A' + 10;
    return -1;
}

bool text_from_hex(struct slice hex, struct buf *bytes)
{
    size_t before = bytes->length;
    if (hex.length % 2)
        return false;
    for (size_t i = 0; i < hex.length; i += 2) {
        int high = hex_digit(hex.data[i]);
        int low = hex_digit(hex.data[i + 1]);
        if (high < 0 || low < 0) {
            bytes->length = before;
            return false;
        }
        buf_append_byte(bytes, (unsigned char)(high << 4 | low));
    }
    return true;
}

void text_base64(struct slice bytes, struct buf *text)
{
    size_t size = (bytes.length + 2) / 3 * 4;
    buf_reserve(text, size + 1);
    int written = EVP_EncodeBlock(text->data + text->length, bytes.data, (int)bytes.length);
    text->length += (size_t)written;
}

static bool is_base64_digit(unsigned char character)
{
    return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
           (character >= '0' && character <= '9') || character == '+' || character == '/';
}

bool text_from_base64(struct slice text, struct buf *bytes)
{
    AUTO_SECRET struct buf dense = {0};
    for (size_t i = 0; i < text.length; i++)
        if (!isspace(text.data[i]))
            buf_append_byte(&dense, text.data[i]);
    if (dense.length == 0)
        return true;
    if (dense.length % 4 || dense.length > 1 << 24)
        return false;
    size_t padding = 0;
    while (padding < 2 && dense.data[dense.length - 1 - padding] == '=')
        padding++;
    /* EVP_DecodeBlock reads '=' as a zero anywhere and drops '-' at the end. */
    for (size_t i = 0; i < dense.length - padding; i++)
        if (!is_base64_digit(dense.data[i]))
            return false;
    buf_reserve(bytes, dense.length);
    int written = EVP_DecodeBlock(bytes->data + bytes->length, dense.data, (int)dense.length);
    if (written < 0)
        return false;
    bytes->length += (size_t)written - padding;
    return true;
}

void text_random(char *target, size_t length, const char *alphabet)
{
    size_t letters = strlen(alphabet);
    size_t fair = 256 - 256 % letters; /* bytes from here on would favour the first letters */
    for (size_t i = 0; i < length;) {
        unsigned char byte;
        if (RAND_bytes(&byte, 1) != 1)
            abort();
        if (byte < fair)
            target[i++] = alphabet[byte % letters];
    }
    target[length] = 0;
}

void text_uuid(char target[37])
{
    unsigned char b[16];
    if (RAND_bytes(b, sizeof b) != 1)
        abort();
    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    snprintf(target, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1],
             b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

bool text_integer(const char *text, int64_t least, int64_t most, int64_t *value)
{
    if (text_is_empty(text) || isspace((unsigned char)*text) || *text == '+')
        return false;
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno || *end || number < least || number > most)
        return false;
    *value = number;
    return true;
}

size_t text_utf8(struct slice text, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = text.length ? text.data[0] : 0x80;
    size_t length = first < 0x80             ? 1
                    : (first & 0xe0) == 0xc0 ? 2
                    : (first & 0xf0) == 0xe0 ? 3
                    : (first & 0xf8) == 0xf0 ? 4
                                             : 0;
    if (length == 0 || length > text.length)
        return 0;
    uint32_t value = length == 1 ? first : first & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text.data[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (text.data[i] & 0x3f);
    }
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 0;
    if (character)
        *character = value;
    return length;
}

uint64_t text_hash(struct slice bytes)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < bytes.length; i++)
        hash = (hash ^ bytes.data[i]) * 0x100000001b3U;
    return hash;
}
