#include "server/privilege.h"

#include "base/memory.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int find_user(const char *user, struct passwd *entry, char *room, size_t size, struct error *error)
{
    struct passwd *found = NULL;
    if (getpwnam_r(user, entry, room, size, &found) == 0 && found)
        return 0;
    return error_set(
        error, ERROR_NOT_FOUND,
        "the system user %s is missing: adduser --system --group --no-create-home --home /nonexistent %s",
        user, user);
}

int privilege_drop(const char *user, struct error *error)
{
    if (geteuid() != 0)
        return 0;
    struct passwd entry;
    char room[4096];
    if (find_user(user, &entry, room, sizeof room, error))
        return (int)error->code;
    if (initgroups(user, entry.pw_gid) < 0 || setresgid(entry.pw_gid, entry.pw_gid, entry.pw_gid) < 0 ||
        setresuid(entry.pw_uid, entry.pw_uid, entry.pw_uid) < 0)
        return error_set_system(error, errno, "cannot become user %s", user);
    return 0;
}

int privilege_give(const char *path, const char *user, struct error *error)
{
    if (geteuid() != 0)
        return 0;
    struct passwd entry;
    char room[4096];
    if (find_user(user, &entry, room, sizeof room, error))
        return (int)error->code;
    if (lchown(path, entry.pw_uid, entry.pw_gid) < 0)
        return error_set_system(error, errno, "cannot give %s to %s", path, user);
    return 0;
}

bool privilege_can_reach(const char *path, const char *user)
{
    struct passwd entry;
    char room[4096];
    if (geteuid() != 0)
        return true;
    if (find_user(user, &entry, room, sizeof room, NULL))
        return false;
    AUTO_FREE char *copy = mem_string(path);
    for (char *slash = copy + 1;; slash++) {
        if (*slash && *slash != '/')
            continue;
        char kept = *slash;
        *slash = 0;
        struct stat status;
        if (stat(copy, &status) == 0) {
            mode_t needed = status.st_uid == entry.pw_uid   ? S_IXUSR
                            : status.st_gid == entry.pw_gid ? S_IXGRP
                                                            : S_IXOTH;
            if (!(status.st_mode & needed))
                return false;
        }
        *slash = kept;
        if (!kept)
            return true;
    }
}

void privilege_die_with_parent(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == 1)
        _exit(0); /* it had died before */
}
