#include "console/name.h"

#include "base/text.h"

#include <string.h>

static const char prefix[] = "/console/";
/* Where Vite puts what it names by its content (build.assetsDir). */
static const char assets[] = "assets/";

static const struct {
    const char *extension, *content_type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".woff2", "font/woff2"},
    {".woff", "font/woff"},
};

static const char *type_of(const char *file)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (text_ends_with(file, types[i].extension))
            return types[i].content_type;
    return NULL;
}

static bool is_file_name(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return text[0] && text[0] != '.' && text[strspn(text, allowed)] == 0;
}

bool console_name_read(const char *path, struct console_name *name)
{
    *name = (struct console_name){0};
    if (!text_starts_with(path, prefix))
        return false;
    const char *file = path + strlen(prefix);
    if (!file[0])
        file = "index.html";
    name->immutable = text_starts_with(file, assets);
    name->content_type = type_of(file);
    return is_file_name(name->immutable ? file + strlen(assets) : file) && name->content_type &&
           text_copy(name->file, sizeof name->file, file);
}
