/* Which PostgreSQL versions are here, and a new cluster by initdb. */
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/data.h"
#include "engine/postgres.h"

#include <dirent.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEBIAN_FOLDER "/usr/lib/postgresql"
enum { VERSION_DEADLINE = 10 * 1000, PROVISION_DEADLINE = 10 * 60 * 1000, FILE_LIMIT = 1024 * 1024 };

int postgres_major(const char *version)
{
    return (int)strtol(version, NULL, 10);
}

/* From version 10 on the first number alone decides whether data is compatible. */
bool postgres_compatible(const char *from, const char *to)
{
    return postgres_major(from) == postgres_major(to) && postgres_major(from) >= 10;
}

/* "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" -> "15.18" */
static bool read_version(const char *output, char *version, size_t size)
{
    const char *at = strstr(output, "(PostgreSQL) ");
    if (!at)
        return false;
    at += strlen("(PostgreSQL) ");
    AUTO_FREE char *number = slice_string(slice_of(at, strspn(at, "0123456789.")));
    return number[0] && text_copy(version, size, number);
}

static int add_folder(const char *folder, void *context, struct error *error)
{
    struct engine_releases *releases = context;
    struct engine_release release = {.engine = "postgres"};
    AUTO_FREE char *program = mem_format("%s/postgres", folder);
    AUTO_FREE char *initdb = mem_format("%s/initdb", folder);
    AUTO_BUF struct buf output = {0};
    (void)error;
    if (access(program, X_OK) || access(initdb, X_OK) ||
        !text_copy(release.programs, sizeof release.programs, folder))
        return 0;
    const char *const arguments[] = {program, "--version", NULL};
    if (process_run(arguments, VERSION_DEADLINE, &output, NULL) == 0 &&
        read_version(buf_text(&output), release.version, sizeof release.version) &&
        postgres_major(release.version) >= 10)
        engine_releases_add(releases, &release);
    return 0;
}

void postgres_discover(const char *folders, struct engine_releases *releases)
{
    engine_each(folders, add_folder, releases, NULL);
    DIR *debian = opendir(DEBIAN_FOLDER);
    for (const struct dirent *entry; debian && (entry = readdir(debian));) {
        AUTO_FREE char *folder = mem_format(DEBIAN_FOLDER "/%s/bin", entry->d_name);
        if (entry->d_name[0] != '.')
            add_folder(folder, releases, NULL);
    }
    if (debian)
        closedir(debian);
    engine_each_in_path(add_folder, releases);
}

bool postgres_provisioned(const struct engine_instance *instance)
{
    AUTO_FREE char *mark = mem_format("%s/data/PG_VERSION", instance->folder);
    return file_exists(mark);
}

/* RDS's clusters are en_US.UTF-8; C.UTF-8 is part of every glibc. */
static const char *choose_locale(void)
{
    locale_t locale = newlocale(LC_ALL_MASK, "en_US.UTF-8", (locale_t)0);
    if (!locale)
        return "--locale=C.UTF-8";
    freelocale(locale);
    return "--locale=en_US.UTF-8";
}

static int include_settings(const char *data, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/postgresql.conf", data);
    AUTO_BUF struct buf text = {0};
    int result = file_read(path, FILE_LIMIT, &text, error);
    if (result)
        return result;
    buf_append_text(
        &text, "\n# Written by Sealwright from the instance's parameters; settings before this line yield.\n"
               "include = 'sealwright.conf'\n");
    return file_write(path, slice_buf(&text), 0600, error);
}

static int fill(const struct engine_instance *instance, const char *new_data, struct error *error)
{
    AUTO_FREE char *settings = mem_format("%s/sealwright.conf", new_data);
    AUTO_FREE char *initdb = mem_format("%s/initdb", instance->release->programs);
    const char *const make[] = {initdb,
                                "-D",
                                new_data,
                                "-U",
                                POSTGRES_SUPERUSER,
                                "-E",
                                "UTF8",
                                choose_locale(),
                                "--auth-local=peer",
                                "--auth-host=scram-sha-256",
                                "--data-checksums",
                                "--no-sync",
                                NULL};
    int result = process_run(make, PROVISION_DEADLINE, NULL, error);
    if (!result)
        result = include_settings(new_data, error);
    return result ? result : file_write(settings, slice_text(""), 0600, error);
}

int postgres_provision(const struct engine_instance *instance, struct error *error)
{
    return postgres_provisioned(instance) ? 0 : engine_data_make(instance, fill, error);
}
