/* The web console: built files, served below /console/. */
#ifndef CONSOLE_CONSOLE_H
#define CONSOLE_CONSOLE_H

#include "http/http.h"

/* Opens the folder of the built files: `folder` when it is not NULL; else PREFIX/share/sealwright/console of
 * the PREFIX/bin that this program is in, else console/dist beside the folder that it was built in. A
 * descriptor for console_handle, closed on exec; -1 where there is none. */
int console_open(const char *folder);

/* True when the request is for the console and was answered: every path below /console/, and `/` asked for by
 * a browser, which is sent there. `folder` is console_open's; -1 answers that the console was not built. */
bool console_handle(int folder, struct http_exchange *exchange);

#endif
