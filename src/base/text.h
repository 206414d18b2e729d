/* Text that machines read: hexadecimal, base64, random names, small predicates. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool text_equal(const char *a, const char *b);               /* NULL equals only NULL */
bool text_equal_ignoring_case(const char *a, const char *b); /* ASCII */
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix);
bool text_is_empty(const char *text); /* NULL or "" */
/* A domain name stands for itself and all names below it (RFC 5280 4.2.1.10); ASCII case ignored. */
bool text_is_within_domain(const char *name, const char *domain);
void text_lower(char *text); /* ASCII, in place */

/* Copies `text` into `target` of `size` bytes; false, with an empty target, when it does not fit. */
bool text_copy(char *target, size_t size, const char *text);

/* Lowercase hexadecimal; `target` has room for 2 * length + 1. */
void text_hex(const void *data, size_t length, char *target);
/* Appends the decoded bytes; false, with nothing appended, where a character is no hexadecimal digit or the
 * count is odd. */
bool text_from_hex(struct slice hex, struct buf *bytes);

/* Standard base64 with padding, one line. */
void text_base64(struct slice bytes, struct buf *text);
/* Appends the decoded bytes; white space is skipped; false, with nothing appended, where it is no base64. */
bool text_from_base64(struct slice text, struct buf *bytes);

/* Random text from the kernel's generator: `length` characters of `alphabet` and a NUL. */
void text_random(char *target, size_t length, const char *alphabet);
void text_uuid(char target[37]); /* a random UUID, RFC 4122 version 4, lowercase */

/* A whole decimal integer within bounds; false otherwise. */
bool text_integer(const char *text, int64_t least, int64_t most, int64_t *value);

/* The length (1 to 4) of the UTF-8 character that `text` begins with, and its number in *character (which may
 * be NULL). 0 where there is none, or one that RFC 3629 forbids: overlong, a surrogate, beyond U+10FFFF, cut
 * off. */
size_t text_utf8(struct slice text, uint32_t *character);

/* FNV-1a, 64 bits: for names of folders and spreading, never for security. */
uint64_t text_hash(struct slice bytes);

#endif
