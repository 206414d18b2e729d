/* Memory. When there is none left the process ends at once: every process here may be killed at any instant
 * without losing what was promised, so nobody has to handle a failed allocation. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

void *mem_new(size_t size);                           /* zeroed; free() it */
void *mem_new_array(size_t count, size_t size);       /* zeroed; refuses an overflow of count * size */
void *mem_grow(void *old, size_t count, size_t size); /* as realloc, with the same refusal */
char *mem_string(const char *text);                   /* a copy; NULL gives NULL */
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Overwrites `size` bytes in a way that the compiler keeps. */
void mem_wipe(void *data, size_t size);
/* Wipes and frees a secret text; NULL is fine. */
void mem_free_secret(char *text);

/* For locals: `AUTO_FREE char *name = ...;` is freed when the name goes out of scope. */
void mem_auto_free(void *pointer_to_pointer);
#define AUTO_FREE __attribute__((cleanup(mem_auto_free)))

#endif
