/* A path and a header of a request for the web console: a name never leaves the folder. */
#include "base/buf.h"
#include "base/memory.h"
#include "console/accept.h"
#include "console/name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = slice_string(slice_of(data, size));
    AUTO_FREE char *path = mem_format("/console/%s", text);
    struct console_name name;
    accept_names(text, "gzip");
    if (!console_name_read(path, &name))
        return 0;
    const char *file = strncmp(name.file, "assets/", 7) == 0 ? name.file + 7 : name.file;
    if (!file[0] || file[0] == '.' || strchr(file, '/') || strchr(file, '%') || !name.content_type)
        abort();
    return 0;
}
