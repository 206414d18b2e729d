/* What the processes of one instance see. SQL Server keeps all it has in one folder whose place is fixed, so
 * a host has room for one; Microsoft's way to more is containers with a folder of the host mounted there
 * (`-v FOLDER:/var/opt/mssql`). This is that mount, in a mount namespace of the instance's own, without the
 * rest of a container. Who is not root may have one inside a user namespace. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/process.h"
#include "engine/sqlserver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT_PARENT "/var/opt"
enum { BUNDLE_LIMIT = 4 * 1024 * 1024 };

static int fail(const char *what)
{
    dprintf(STDERR_FILENO, "sealwright: %s: %s\n", what, strerror(errno));
    return ERROR_IO;
}

static int write_map(const char *path, const char *text)
{
    AUTO_CLOSE int file = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t length = (ssize_t)strlen(text);
    return file >= 0 && write(file, text, (size_t)length) == length ? 0 : fail(path);
}

/* A user namespace in which this user is itself and nobody else is there (user_namespaces(7)). */
static int become_mapped(void)
{
    char users[64], groups[64];
    /* A process that gave up root, and has not executed anything since, does not own its files in /proc. */
    prctl(PR_SET_DUMPABLE, 1);
    snprintf(users, sizeof users, "%u %u 1", geteuid(), geteuid());
    snprintf(groups, sizeof groups, "%u %u 1", getegid(), getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return fail("no mount namespace can be had: run the agent as root or allow user namespaces");
    int result = write_map("/proc/self/setgroups", "deny");
    if (!result)
        result = write_map("/proc/self/uid_map", users);
    return result ? result : write_map("/proc/self/gid_map", groups);
}

static int separate(void)
{
    int result = unshare(CLONE_NEWNS) < 0 ? become_mapped() : 0;
    if (!result && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        result = fail("cannot make the mounts private");
    return result;
}

static int show(const char *folder, const char *place)
{
    return mount(folder, place, NULL, MS_BIND | MS_REC, NULL) < 0 ? fail(place) : 0;
}

/* Microsoft's package brings the folder; where sqlservr came in another way there is room for it in a
 * namespace all the same. */
static int make_root(void)
{
    if (access(SQLSERVER_ROOT, F_OK) == 0)
        return 0;
    if (mount("none", ROOT_PARENT, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") < 0 ||
        mkdir(SQLSERVER_ROOT, 0700) < 0)
        return fail(SQLSERVER_ROOT);
    return 0;
}

static int write_note(const struct sqlserver_view *view)
{
    struct error error = {0};
    AUTO_FREE char *text =
        mem_format("%d %lld %lld\n", getpid(), (long long)clock_now(), (long long)view->log_end);
    if (view->note && file_write(view->note, slice_text(text), 0600, &error))
        return fail(error.text);
    return 0;
}

int sqlserver_view_enter(const void *context)
{
    const struct sqlserver_view *view = context;
    const char *trust = X509_get_default_cert_dir();
    int result = write_note(view);
    if (!result)
        result = separate();
    if (!result && view->trust && access(trust, F_OK) == 0)
        result = show(view->trust, trust);
    if (!result && view->tls)
        result = show(view->tls, "tls");
    if (!result)
        result = make_root();
    if (!result)
        result = show(".", SQLSERVER_ROOT);
    /* Statements may name files (BACKUP DATABASE ... TO DISK): those of other instances are not there. */
    if (!result && mount("none", view->hidden, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0555,size=4k") < 0)
        result = fail(view->hidden);
    return result;
}

/* Is the process's own folder `place` (below /proc/PID) this one? By the folder itself: paths differ inside.
 */
static bool has_folder(int pid, const char *place, const char *data)
{
    AUTO_FREE char *path = mem_format("/proc/%d/%s", pid, place);
    struct stat wanted, found;
    return stat(data, &wanted) == 0 && stat(path, &found) == 0 && found.st_dev == wanted.st_dev &&
           found.st_ino == wanted.st_ino;
}

static bool sees(int pid, const char *data)
{
    return has_folder(pid, "root" SQLSERVER_ROOT, data);
}

bool sqlserver_view_is_of(int pid, const char *data)
{
    return sees(pid, data) || has_folder(pid, "cwd", data);
}

/* A process that sees the folder as its root, or 0. Others may work in it: an operator's shell does. */
static int find(const char *data)
{
    DIR *processes = opendir("/proc");
    int found = 0;
    for (const struct dirent *entry; processes && !found && (entry = readdir(processes));) {
        int pid = (int)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && sees(pid, data))
            found = pid;
    }
    if (processes)
        closedir(processes);
    return found;
}

int sqlserver_view_end(int pid, const char *data, int64_t deadline, struct error *error)
{
    int64_t begin = clock_steady();
    if (pid)
        kill(pid, SIGTERM);
    for (int64_t now = begin; now < begin + deadline; now = clock_steady()) {
        int left = find(data);
        if (!left && pid && sqlserver_view_is_of(pid, data))
            left = pid;
        if (pid)
            waitpid(pid, NULL, WNOHANG);
        if (!left)
            return 0;
        if (!pid || now > begin + deadline * 3 / 4)
            kill(left, SIGKILL);
        usleep(ENGINE_POLL);
    }
    return error_set(error, ERROR_TIMEOUT, "SQL Server of %s did not stop within %lld ms", data,
                     (long long)deadline);
}

/* Links as links: most of the folder are links to certificates elsewhere, or to each other. */
static int copy_entry(const char *from, const char *to, const struct buf *more, struct error *error)
{
    char target[4096];
    struct stat status;
    AUTO_BUF struct buf content = {0};
    ssize_t length = readlink(from, target, sizeof target - 1);
    if (length >= 0) {
        target[length] = 0;
        return symlink(target, to) < 0 ? error_set_system(error, errno, "cannot make %s", to) : 0;
    }
    if (stat(from, &status) < 0 || !S_ISREG(status.st_mode) || file_read(from, BUNDLE_LIMIT, &content, NULL))
        return 0;
    if (text_ends_with(to, "/ca-certificates.crt")) /* the same as one file, for who reads that */
        buf_append(&content, more->data, more->length);
    return file_write(to, slice_buf(&content), 0600, error);
}

static int copy_folder(const char *from, const char *to, const struct buf *more, struct error *error)
{
    int result = 0;
    DIR *open = opendir(from);
    for (const struct dirent *entry; open && !result && (entry = readdir(open));) {
        AUTO_FREE char *source = mem_format("%s/%s", from, entry->d_name);
        AUTO_FREE char *target = mem_format("%s/%s", to, entry->d_name);
        if (entry->d_name[0] != '.')
            result = copy_entry(source, target, more, error);
    }
    if (open)
        closedir(open);
    return result;
}

/* Where OpenSSL looks for it (X509_LOOKUP_hash_dir(3)). */
static int add_certificate(X509 *certificate, const char *trust, struct error *error)
{
    AUTO_BUF struct buf pem = {0};
    certificate_pem(certificate, &pem);
    for (int i = 0;; i++) {
        AUTO_FREE char *path = mem_format("%s/%08lx.%d", trust, X509_subject_name_hash(certificate), i);
        struct stat taken;
        if (lstat(path, &taken) < 0)
            return file_write(path, slice_buf(&pem), 0600, error);
    }
}

int sqlserver_view_trust(const struct engine_instance *instance, const char *trust, struct error *error)
{
    struct engine_certificate_files files = {0};
    struct certificate_list chain = {0};
    AUTO_BUF struct buf pem = {0}, more = {0};
    sqlserver_certificate_files(instance, &files);
    int result = file_remove_tree(trust, error);
    if (!result)
        result = file_make_folder(trust, 0700, error);
    if (!result)
        result = file_read(files.chain, BUNDLE_LIMIT, &pem, error);
    if (!result)
        result = certificate_list_parse_pem(slice_buf(&pem), &chain, error);
    for (size_t i = 1; i < chain.count; i++)
        certificate_pem(chain.items[i], &more);
    if (!result)
        result = copy_folder(X509_get_default_cert_dir(), trust, &more, error);
    for (size_t i = 1; !result && i < chain.count; i++)
        result = add_certificate(chain.items[i], trust, error);
    certificate_list_free(&chain);
    engine_certificate_files_free(&files);
    return result;
}
