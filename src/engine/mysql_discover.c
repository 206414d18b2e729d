/* Which versions of MySQL and MariaDB are here. */
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/mysql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERSION_DEADLINE = 10 * 1000 };

static const char usual_folders[] = "/usr/sbin,/usr/libexec,/usr/local/mysql/bin,/usr/local/mariadb/bin";

/* "mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)" -> "10.11.14";
 * "/usr/sbin/mysqld  Ver 8.4.6 for Linux on x86_64 (MySQL Community Server - GPL)" -> "8.4.6" */
bool mysqld_version(const struct mysqld_flavour *flavour, const char *output, char *version, size_t size)
{
    const char *at = strstr(output, " Ver ");
    if (!at || (strstr(at, "MariaDB") != NULL) != flavour->says_mariadb)
        return false;
    at += strlen(" Ver ");
    AUTO_FREE char *number = slice_string(slice_of(at, strspn(at, "0123456789.")));
    return number[0] && text_copy(version, size, number);
}

/* A series is the first two numbers: "8.4", "10.11". Data goes forward within it. */
bool mysqld_compatible(const char *from, const char *to)
{
    unsigned old[2] = {0}, new[2] = {0};
    return sscanf(from, "%6u.%6u", &old[0], &old[1]) == 2 && sscanf(to, "%6u.%6u", &new[0], &new[1]) == 2 &&
           old[0] == new[0] && old[1] == new[1] && engine_version_compare(from, to) <= 0;
}

char *mysqld_program(const struct mysqld_flavour *flavour, const char *folder)
{
    for (const char *const *name = flavour->programs; *name; name++) {
        char *program = mem_format("%s/%s", folder, *name);
        if (access(program, X_OK) == 0)
            return program;
        free(program);
    }
    return NULL;
}

struct search {
    const struct mysqld_flavour *flavour;
    struct engine_releases *releases;
};

static int add_folder(const char *folder, void *context, struct error *error)
{
    const struct search *search = context;
    const struct mysqld_flavour *flavour = search->flavour;
    struct engine_release release = {0};
    AUTO_FREE char *program = mysqld_program(flavour, folder);
    AUTO_BUF struct buf output = {0};
    (void)error;
    if (!program || (flavour->complete && !flavour->complete(folder)) ||
        !text_copy(release.programs, sizeof release.programs, folder))
        return 0;
    text_copy(release.engine, sizeof release.engine, flavour->engine);
    const char *const arguments[] = {program, "--no-defaults", "--version", NULL};
    if (process_run(arguments, VERSION_DEADLINE, &output, NULL) == 0 &&
        mysqld_version(flavour, buf_text(&output), release.version, sizeof release.version) &&
        engine_version_compare(release.version, flavour->least_version) >= 0)
        engine_releases_add(search->releases, &release);
    return 0;
}

void mysqld_discover(const struct mysqld_flavour *flavour, const char *folders,
                     struct engine_releases *releases)
{
    struct search search = {flavour, releases};
    engine_each(folders, add_folder, &search, NULL);
    engine_each(usual_folders, add_folder, &search, NULL);
    engine_each_in_path(add_folder, &search);
}
