#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *present(void *memory)
{
    if (!memory) {
        fputs("sealwright: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *mem_new(size_t size)
{
    return present(calloc(1, size ? size : 1));
}

void *mem_new_array(size_t count, size_t size)
{
    return present(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *old, size_t count, size_t size)
{
    return present(reallocarray(old, count ? count : 1, size ? size : 1));
}

char *mem_string(const char *text)
{
    return text ? present(strdup(text)) : NULL;
}

char *mem_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    return present(length < 0 ? NULL : text);
}

void mem_wipe(void *data, size_t size)
{
    if (data && size)
        explicit_bzero(data, size);
}

void mem_free_secret(char *text)
{
    if (!text)
        return;
    explicit_bzero(text, strlen(text));
    free(text);
}

void mem_auto_free(void *pointer_to_pointer)
{
    void *memory;
    memcpy(&memory, pointer_to_pointer, sizeof memory);
    free(memory);
}
