#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *error, enum error_code code, const char *format, ...)
{
    if (!error)
        return (int)code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->code = code;
    error->name = NULL;
    return (int)code;
}

int error_set_named(struct error *error, enum error_code code, const char *name, const char *format, ...)
{
    if (!error)
        return (int)code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    error->code = code;
    error->name = name;
    return (int)code;
}

int error_set_system(struct error *error, int number, const char *format, ...)
{
    if (!error)
        return ERROR_IO;
    char said[sizeof error->text - 100];
    char reason[96];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    return error_set(error, ERROR_IO, "%s: %s", said, strerror_r(number, reason, sizeof reason));
}

int error_prefix(struct error *error, const char *format, ...)
{
    if (!error)
        return ERROR_INTERNAL;
    char said[200];
    char before[sizeof error->text - sizeof said - 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
    snprintf(before, sizeof before, "%.*s", (int)sizeof before - 1, error->text);
    snprintf(error->text, sizeof error->text, "%s: %s", said, before);
    return (int)error->code;
}
