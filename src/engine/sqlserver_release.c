/* Which SQL Server versions are here, and which of RDS's engines each can be. */
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/sqlserver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PACKAGE_FOLDER "/opt/mssql/bin"
enum { VERSION_DEADLINE = 30 * 1000 };

/* Microsoft, "Configure SQL Server settings with environment variables on Linux", SQL Server editions.
 * EnterpriseCore is the Enterprise edition that is sold today. */
static const struct {
    const char *engine, *edition;
    int last_major; /* the last version that has it; 0: all have */
} editions[] = {
    {"sqlserver-ee", "EnterpriseCore", 0},
    {"sqlserver-se", "Standard", 0},
    {"sqlserver-ex", "Express", 0},
    {"sqlserver-web", "Web", 16},
};
enum { EDITION_COUNT = sizeof editions / sizeof editions[0] };

const char *sqlserver_edition(const char *engine)
{
    for (size_t i = 0; i < EDITION_COUNT; i++)
        if (text_equal(editions[i].engine, engine))
            return editions[i].edition;
    return "";
}

static int major(const char *version)
{
    return (int)strtol(version, NULL, 10);
}

/* Updates of a major version open each other's data. */
bool sqlserver_compatible(const char *from, const char *to)
{
    return major(from) == major(to) && major(from) > 0;
}

/* The section of the program itself comes first and begins with its version. RDS counts its own builds of a
 * version; ours is the first. */
bool sqlserver_read_version(const char *output, char *version, size_t size)
{
    unsigned parts[4];
    const char *at = strstr(output, "Version ");
    if (!at || sscanf(at, "Version %3u.%2u.%6u.%4u", &parts[0], &parts[1], &parts[2], &parts[3]) != 4)
        return false;
    int length = snprintf(version, size, "%u.%02u.%u.%u.v1", parts[0], parts[1], parts[2], parts[3]);
    return length > 0 && (size_t)length < size;
}

static int add_folder(const char *folder, void *context, struct error *error)
{
    struct engine_release release = {0};
    AUTO_FREE char *program = mem_format("%s/sqlservr", folder);
    AUTO_BUF struct buf output = {0};
    (void)error;
    if (access(program, X_OK) || !text_copy(release.programs, sizeof release.programs, folder))
        return 0;
    /* Microsoft, "Check the container version". */
    const char *const arguments[] = {program, NULL};
    const char *const environment[] = {"PATH=/usr/bin:/bin", "PAL_PROGRAM_INFO=1", NULL};
    const struct process_command command = {.arguments = arguments, .environment = environment};
    if (process_run_command(&command, VERSION_DEADLINE, &output, NULL) ||
        !sqlserver_read_version(buf_text(&output), release.version, sizeof release.version))
        return 0;
    for (size_t i = 0; i < EDITION_COUNT; i++)
        if (!editions[i].last_major || major(release.version) <= editions[i].last_major) {
            text_copy(release.engine, sizeof release.engine, editions[i].engine);
            engine_releases_add(context, &release);
        }
    return 0;
}

/* Nobody but the operator can accept Microsoft's license terms. */
void sqlserver_discover(const char *folders, struct engine_releases *releases)
{
    if (text_is_empty(getenv("ACCEPT_EULA")))
        return;
    engine_each(folders, add_folder, releases, NULL);
    add_folder(PACKAGE_FOLDER, releases, NULL);
    engine_each_in_path(add_folder, releases);
}
