/* What an address below /console/ names. */
#ifndef CONSOLE_NAME_H
#define CONSOLE_NAME_H

#include <stdbool.h>

enum { CONSOLE_NAME_ROOM = 160 };

struct console_name {
    char file[CONSOLE_NAME_ROOM]; /* below the console's folder: index.html, assets/index-B2x9.js */
    const char *content_type;
    bool immutable; /* its name holds a digest of its bytes */
};

/* Reads a path such as /console/assets/index-B2x9.js; /console/ itself is index.html. False for every path
 * that is none of the console's. A name is a file, or a file in the folder assets; letters, digits, '-', '_'
 * and '.', no '.' at the start: so no name leaves the folder, and none is percent-encoded. The type is that
 * of the extension, and a file of any other is not served. */
bool console_name_read(const char *path, struct console_name *name);

#endif
