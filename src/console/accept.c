#include "console/accept.h"

#include "base/buf.h"
#include "base/memory.h"

#include <string.h>
#include <strings.h>

/* ";q=0", ";q=0.000": not acceptable (section 12.4.2). */
static bool is_refused(const char *parameters, size_t length)
{
    AUTO_FREE char *text = slice_string(slice_of(parameters, length));
    char *rest = NULL;
    for (char *each = strtok_r(text, ";", &rest); each; each = strtok_r(NULL, ";", &rest)) {
        each += strspn(each, " \t");
        if (strncasecmp(each, "q=", 2) == 0)
            return each[2 + strspn(each + 2, "0. \t")] == 0;
    }
    return false;
}

bool accept_names(const char *value, const char *item)
{
    size_t wanted = strlen(item);
    for (const char *at = value; at && at[0];) {
        at += strspn(at, " \t,");
        size_t length = strcspn(at, ",");
        size_t name = strcspn(at, " \t;,");
        if (name == wanted && strncasecmp(at, item, wanted) == 0 && !is_refused(at + name, length - name))
            return true;
        at += length;
    }
    return false;
}
