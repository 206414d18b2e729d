/* A change in a file that belongs to a server's owner, which can be taken out again so that every byte, owner
 * and mode is what it was.
 *
 * A hook changes nothing by itself: it names a file of the instance's folder, whose content is what matters.
 * Files that somebody else has changed since are never overwritten. Each call may be repeated after a crash
 * at any point of an earlier one. */
#ifndef ENGINE_HOOK_H
#define ENGINE_HOOK_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>

enum hook_kind {
    HOOK_APPEND, /* whole lines at the end of a text file */
    HOOK_LINK,   /* a link in a file's place, which stands beside it with HOOK_KEPT after its name */
};
#define HOOK_KEPT ".before-sealwright"
/* What appended lines begin with. */
#define HOOK_MARK "# Added by Sealwright"

struct hook {
    enum hook_kind kind;
    char *path; /* owned; absolute */
    char *text; /* owned; the lines, the link's target */
};

enum hook_state {
    HOOK_ABSENT,
    HOOK_IN_PLACE,
    HOOK_CHANGED, /* by somebody else: what is there is neither with the hook nor as it was */
};

/* What is there now; `error` says how it was changed (HOOK_CHANGED). A file that cannot be read counts as
 * changed. */
enum hook_state hook_look(const struct hook *hook, struct error *error);
/* Puts it in; `changed` says that it was not there. ERROR_DENIED where this user may not write, ERROR_STATE
 * where somebody else has changed the file. */
int hook_put(const struct hook *hook, bool *changed, struct error *error);
/* Takes it out; one that is not there is fine. The same errors. */
int hook_remove(const struct hook *hook, struct error *error);

/* May root carry it out? What a hook says comes from the owner's side: root changes only what none but root
 * could have prepared, in folders that are root's up to the top and closed to others; appends and removes no
 * lines but marked ones; and puts links in the place of certificates and keys alone. */
bool hook_is_for_root(const struct hook *hook);

/* "append to /etc/...: ..." in words for people, for free(). */
char *hook_describe(const struct hook *hook);

json_t *hook_to_json(const struct hook *hook);
/* ERROR_INVALID; the hook is the caller's to free. */
int hook_from_json(const json_t *json, struct hook *hook, struct error *error);
void hook_free(struct hook *hook);

#endif
