#include "cli/command.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_fail(const char *command, const struct error *error)
{
    fprintf(stderr, "sealwright %s: %s\n", command, error->text);
    return 1;
}

int cli_usage(const char *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "sealwright %s: ", command);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; see sealwright %s --help\n", command);
    va_end(arguments);
    return 2;
}

char *cli_run_folder(const char *given)
{
    char *resolved = realpath(given, NULL);
    if (resolved)
        return resolved;
    if (given[0] == '/')
        return mem_string(given);
    AUTO_FREE char *here = getcwd(NULL, 0);
    return mem_format("%s/%s", here ? here : "", given);
}

int cli_read_pid(const struct settings *settings, const char *name)
{
    AUTO_FREE char *path = settings_path(settings, name);
    AUTO_BUF struct buf content = {0};
    if (file_read(path, 64, &content, NULL))
        return 0;
    int pid = atoi(buf_text(&content));
    return process_alive(pid) ? pid : 0;
}
