/* Which Oracle homes are here, and how their programs are run. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/oracle.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BIN "/bin"
enum { VERSION_DEADLINE = 20 * 1000, FILE_LIMIT = 1024 * 1024 };

/* Release updates come once a quarter: 19.3 is that of April 2019, 19.21 that of October 2023 (Oracle's
 * "Primary Note for Database Proactive Patch Program"). RDS names its versions after them. */
bool oracle_rds_version(const char *own, char *version, size_t size)
{
    unsigned major = 0, update = 0;
    if (sscanf(own, "%3u.%3u.", &major, &update) != 2 || major != 19 || update < 3)
        return false;
    unsigned months = 3 * (update - 3) + 3; /* since January 2019 */
    char date[32];
    snprintf(date, sizeof date, "%u-%02u", 2019 + months / 12, months % 12 + 1);
    return snprintf(version, size, "19.0.0.0.ru-%s.rur-%s.r1", date, date) < (int)size;
}

/* Data goes with newer release updates of its major version; the operator runs datapatch. */
bool oracle_compatible(const char *from, const char *to)
{
    return strtol(from, NULL, 10) == strtol(to, NULL, 10) && engine_version_compare(from, to) <= 0;
}

/* "... VALUE="SE2" ..." of what the installer kept of its choices. One that cannot be read is taken for EE,
 * the installer's default. */
static const char *read_edition(const char *home)
{
    AUTO_FREE char *path = mem_format("%s/inventory/globalvariables/oracle.server/globalvariables.xml", home);
    AUTO_BUF struct buf text = {0};
    if (file_read(path, FILE_LIMIT, &text, NULL))
        return "oracle-ee";
    const char *at = strstr(buf_text(&text), "oracle_install_db_InstallType");
    const char *value = at ? strstr(at, "VALUE=\"") : NULL;
    return value && text_starts_with(value, "VALUE=\"SE2\"") ? "oracle-se2" : "oracle-ee";
}

static bool has_program(const char *home, const char *name)
{
    AUTO_FREE char *path = mem_format("%s" BIN "/%s", home, name);
    return access(path, X_OK) == 0;
}

static int ask_version(const char *home, const char *program, const char *option, struct buf *output)
{
    AUTO_FREE char *path = mem_format("%s" BIN "/%s", home, program);
    AUTO_FREE char *home_setting = mem_format("ORACLE_HOME=%s", home);
    AUTO_FREE char *libraries = mem_format("LD_LIBRARY_PATH=%s/lib", home);
    const char *const arguments[] = {path, option, NULL};
    const char *const environment[] = {home_setting, libraries, "PATH=/usr/bin:/bin", NULL};
    const struct process_command command = {.arguments = arguments, .environment = environment};
    return process_run_command(&command, VERSION_DEADLINE, output, NULL);
}

/* "19.21.0.0.0" of `oraversion -compositeVersion`, or the line "Version 19.21.0.0.0" of `sqlplus -V`. */
static bool read_version(const char *home, char *version, size_t size)
{
    AUTO_BUF struct buf output = {0};
    if (has_program(home, "oraversion") && ask_version(home, "oraversion", "-compositeVersion", &output) == 0)
        return oracle_rds_version(buf_text(&output), version, size);
    buf_clear(&output);
    if (ask_version(home, "sqlplus", "-V", &output))
        return false;
    const char *line = strstr(buf_text(&output), "\nVersion ");
    return line && oracle_rds_version(line + strlen("\nVersion "), version, size);
}

static bool is_home(const char *home)
{
    static const char *const programs[] = {"oracle", "lsnrctl", "sqlplus", "dbca", "orapki"};
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (!has_program(home, programs[i]))
            return false;
    return true;
}

/* The home itself, or its bin. */
static int add_folder(const char *folder, void *context, struct error *error)
{
    struct engine_release release = {0};
    AUTO_FREE char *home = mem_string(folder);
    size_t length = strlen(home);
    (void)error;
    while (length > 1 && home[length - 1] == '/')
        home[--length] = 0;
    if (text_ends_with(home, BIN))
        home[length - strlen(BIN)] = 0;
    if (home[0] != '/' || !is_home(home) ||
        snprintf(release.programs, sizeof release.programs, "%s" BIN, home) >= (int)sizeof release.programs ||
        !read_version(home, release.version, sizeof release.version))
        return 0;
    text_copy(release.engine, sizeof release.engine, read_edition(home));
    engine_releases_add(context, &release);
    return 0;
}

void oracle_discover(const char *folders, struct engine_releases *releases)
{
    engine_each(folders, add_folder, releases, NULL);
    const char *own = getenv("ORACLE_HOME");
    if (own)
        add_folder(own, releases, NULL);
    glob_t found = {0};
    glob("/opt/oracle/product/*/*", 0, NULL, &found);
    glob("/u01/app/oracle/product/*/*", GLOB_APPEND, NULL, &found);
    for (size_t i = 0; i < found.gl_pathc; i++)
        add_folder(found.gl_pathv[i], releases, NULL);
    globfree(&found);
}

/* At most 12 letters and digits, a letter first (DB_UNIQUE_NAME and ORACLE_SID). The folder is the instance's
 * own on this host; data files are known by it too, so it never changes. */
char *oracle_sid(const struct engine_instance *instance)
{
    uint64_t hash = text_hash(slice_text(instance->folder));
    return mem_format("SW%010llX", (unsigned long long)(hash & UINT64_C(0xFFFFFFFFFF)));
}

char *oracle_network_folder(const struct engine_instance *instance)
{
    return mem_format("%s/network/admin", instance->folder);
}

int oracle_service(const struct engine_instance *instance, char service[9], struct error *error)
{
    const char *name = text_is_empty(instance->database) ? "ORCL" : instance->database;
    size_t length = strlen(name);
    bool good = length <= 8 && isalpha((unsigned char)name[0]);
    for (size_t i = 0; good && i < length; i++)
        good = isalnum((unsigned char)name[i]);
    if (!good)
        return error_set(error, ERROR_INVALID,
                         "database name \"%s\": a letter, then letters and digits, 8 at most, are allowed",
                         name);
    for (size_t i = 0; i <= length; i++)
        service[i] = (char)toupper((unsigned char)name[i]);
    return 0;
}

int64_t oracle_left(int64_t until)
{
    enum { AT_LEAST = 2000 };
    int64_t time = until - clock_steady();
    return time > AT_LEAST ? time : AT_LEAST;
}

/* The programs' folder: of the release, else of the home with which the listener was configured. NULL: none.
 */
static char *programs_of(const struct engine_instance *instance)
{
    static const char name[] = "(ORACLE_HOME = ";
    AUTO_FREE char *network = oracle_network_folder(instance), *path = mem_format("%s/listener.ora", network);
    AUTO_BUF struct buf text = {0};
    if (instance->release)
        return mem_string(instance->release->programs);
    if (file_read(path, FILE_LIMIT, &text, NULL))
        return NULL;
    const char *home = strstr(buf_text(&text), name);
    const char *end = home ? strchr(home, ')') : NULL;
    return end ? mem_format("%.*s" BIN, (int)(end - home - (ptrdiff_t)strlen(name)), home + strlen(name))
               : NULL;
}

int oracle_run(const struct engine_instance *instance, const struct oracle_program *program,
               struct buf *output, struct error *error)
{
    AUTO_FREE char *bin = programs_of(instance);
    if (!bin)
        return error_set(error, ERROR_NOT_FOUND, "the instance's Oracle home is not known on this host");
    int home_length = (int)(strlen(bin) - strlen(BIN));
    AUTO_FREE char *sid = oracle_sid(instance), *network = oracle_network_folder(instance);
    AUTO_FREE char *home_setting = mem_format("ORACLE_HOME=%.*s", home_length, bin);
    AUTO_FREE char *libraries = mem_format("LD_LIBRARY_PATH=%.*s/lib", home_length, bin);
    AUTO_FREE char *path = mem_format("PATH=%s:/usr/bin:/bin", bin);
    AUTO_FREE char *sid_setting = mem_format("ORACLE_SID=%s", sid);
    AUTO_FREE char *network_setting = mem_format("TNS_ADMIN=%s", network);
    AUTO_FREE char *fips = mem_format("FIPS_HOME=%s", network);
    AUTO_FREE char *user_folder = mem_format("HOME=%s", instance->folder);
    const char *const environment[] = {home_setting,
                                       libraries,
                                       path,
                                       sid_setting,
                                       network_setting,
                                       fips,
                                       user_folder,
                                       "NLS_LANG=AMERICAN_AMERICA.AL32UTF8",
                                       NULL};
    AUTO_FREE char *file = mem_format("%s/%s", bin, program->arguments[0]);
    const char *arguments[ORACLE_ARGUMENTS + 1] = {file};
    for (size_t i = 1; i < ORACLE_ARGUMENTS && program->arguments[i]; i++)
        arguments[i] = program->arguments[i];
    const struct process_command command = {
        arguments, environment, program->folder ? program->folder : instance->folder, program->input};
    return process_run_command(&command, program->deadline, output, error);
}
