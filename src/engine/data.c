#include "engine/data.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define NEW_FOLDER "data.new."

static void remove_leftovers(const char *folder)
{
    DIR *open = opendir(folder);
    for (const struct dirent *entry; open && (entry = readdir(open));) {
        AUTO_FREE char *path = mem_format("%s/%s", folder, entry->d_name);
        if (text_starts_with(entry->d_name, NEW_FOLDER))
            file_remove_tree(path, NULL);
    }
    if (open)
        closedir(open);
}

/* One flush of the file system instead of an fsync for each of a thousand files, which takes several times as
 * long. */
static int sync_data(const char *data, struct error *error)
{
    AUTO_CLOSE int folder = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || syncfs(folder) < 0)
        return error_set_system(error, errno, "cannot sync %s", data);
    return 0;
}

int engine_data_make(const struct engine_instance *instance,
                     int (*fill)(const struct engine_instance *instance, const char *new_data,
                                 struct error *error),
                     struct error *error)
{
    remove_leftovers(instance->folder);
    /* A name of its own for each try: what is left of a killed one may still be writing into the other. */
    char random[9];
    text_random(random, 8, "abcdefghijklmnopqrstuvwxyz");
    AUTO_FREE char *new_data = mem_format("%s/" NEW_FOLDER "%s", instance->folder, random);
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    int result = fill(instance, new_data, error);
    if (!result)
        result = sync_data(new_data, error);
    if (!result && rename(new_data, data) < 0)
        result = error_set_system(error, errno, "cannot rename %s to %s", new_data, data);
    return result ? result : file_sync_folder(instance->folder, error);
}
