#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *process_role = "sealwright"; /* written once at the start of the process */

void log_start(const char *role)
{
    process_role = role;
}

static void write_line(const char *level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void write_line(const char *level, const char *format, va_list arguments)
{
    char line[2048];
    char when[32];
    clock_format(clock_now(), when);
    int head =
        snprintf(line, sizeof line, "%s level=%s role=%s pid=%d ", when, level, process_role, (int)getpid());
    int body = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, arguments);
    size_t length = strlen(line);
    for (size_t i = (size_t)head; body > 0 && i < length; i++)
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = '?';
    line[length] = '\n';
    /* One write a line, so that lines of several processes do not mix. */
    if (write(STDERR_FILENO, line, length + 1) < 0)
        return;
}

void log_info(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("info", format, arguments);
    va_end(arguments);
}

void log_warning(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("warning", format, arguments);
    va_end(arguments);
}

void log_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line("error", format, arguments);
    va_end(arguments);
}
