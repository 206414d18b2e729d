/* SQL Server's processes: running or not, start, stop. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/process.h"
#include "engine/sqlserver.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOG_NAME "sqlservr.log"
enum { NOTE_LIMIT = 256, LOG_READ = 1024 * 1024, LOG_POLL = 10 * 1000, LEFTOVER_DEADLINE = 10 * 1000 };

/* What the file sqlservr.pid says of the last start. */
struct note {
    int pid;
    long long started_at, log_end;
};

static char *note_file(const struct engine_instance *instance)
{
    return mem_format("%s/sqlservr.pid", instance->folder);
}

static bool read_note(const struct engine_instance *instance, struct note *note)
{
    AUTO_FREE char *path = note_file(instance);
    AUTO_BUF struct buf text = {0};
    *note = (struct note){0};
    return file_read(path, NOTE_LIMIT, &text, NULL) == 0 &&
           sscanf(buf_text(&text), "%9d %19lld %19lld", &note->pid, &note->started_at, &note->log_end) == 3;
}

struct engine_status sqlserver_status(const struct engine_instance *instance)
{
    struct note note;
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    if (!read_note(instance, &note) || !sqlserver_view_is_of(note.pid, data))
        return (struct engine_status){0};
    return (struct engine_status){.running = true, .pid = note.pid, .started_at = note.started_at};
}

/* What the server has printed since its start: its error log (Microsoft, "Troubleshoot SQL Server on Linux").
 */
static void read_log(const struct engine_instance *instance, off_t from, struct buf *text)
{
    AUTO_FREE char *path = mem_format("%s/log/" LOG_NAME, instance->folder);
    AUTO_CLOSE int log = open(path, O_RDONLY | O_CLOEXEC);
    buf_reserve(text, LOG_READ);
    ssize_t length = log < 0 ? -1 : pread(log, text->data, LOG_READ, from);
    text->length = length > 0 ? (size_t)length : 0;
}

/* The line that says why it did not start; the last one where none is known to. */
static int tell_failure(const struct engine_instance *instance, const char *log, struct error *error)
{
    char reason[400];
    const char *taken = strstr(log, "port is already in use"); /* error 26023 */
    const char *end = taken ? taken + strcspn(taken, "\n") : log + strlen(log);
    while (end > log && end[-1] == '\n')
        end--;
    const char *begin = end;
    while (begin > log && begin[-1] != '\n')
        begin--;
    snprintf(reason, sizeof reason, "%.*s", (int)(end - begin), begin);
    return error_set(error, taken ? ERROR_EXISTS : ERROR_IO,
                     "SQL Server did not start: %s (%s/log/" LOG_NAME ")", reason, instance->folder);
}

/* `child` is the one started here, or 0. */
static int wait_until_ready(const struct engine_instance *instance, pid_t child, off_t log_end, int64_t until,
                            struct error *error)
{
    for (;;) {
        AUTO_BUF struct buf log = {0};
        bool ended = child > 0 ? waitpid(child, NULL, WNOHANG) == child : !sqlserver_status(instance).running;
        read_log(instance, log_end, &log);
        if (ended)
            return tell_failure(instance, buf_text(&log), error);
        if (strstr(buf_text(&log), "SQL Server is now ready for client connections"))
            return 0;
        if (clock_steady() >= until)
            return error_set(error, ERROR_TIMEOUT, "SQL Server was started but is not ready yet");
        usleep(LOG_POLL);
    }
}

static int launch(const struct engine_instance *instance, const char *data, int log, off_t log_end,
                  pid_t *child, struct error *error)
{
    AUTO_FREE char *program = mem_format("%s/sqlservr", instance->release->programs);
    AUTO_FREE char *edition = mem_format("MSSQL_PID=%s", sqlserver_edition(instance->release->engine));
    AUTO_FREE char *tls = mem_format("%s/tls", instance->folder);
    AUTO_FREE char *trust = mem_format("%s/trust", instance->folder);
    AUTO_FREE char *note = note_file(instance);
    AUTO_FREE char *hidden = mem_string(instance->folder);
    AUTO_FREE char *mount_point = mem_format("%s/tls", data);
    const char *const arguments[] = {program, NULL};
    static const char home[] = "HOME=" SQLSERVER_ROOT;
    const char *const environment[] = {
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", home, "ACCEPT_EULA=Y", edition, NULL};
    const struct engine_command command = {program, arguments, environment, data, log};
    const struct sqlserver_view view = {dirname(hidden), tls, trust, note, log_end};
    int result = sqlserver_view_trust(instance, trust, error);
    if (!result)
        result = file_make_folder(mount_point, 0700, error);
    return result ? result
                  : engine_process_start_prepared(&command, sqlserver_view_enter, &view, child, error);
}

/* Another process of an instance whose first one was killed would hold its files. */
int sqlserver_start(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    int64_t until = clock_steady() + deadline;
    struct note note;
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    if (sqlserver_status(instance).running && read_note(instance, &note))
        return wait_until_ready(instance, 0, note.log_end, until, error);
    AUTO_CLOSE int log = -1;
    off_t log_end = 0;
    pid_t child = 0;
    int result = sqlserver_view_end(0, data, LEFTOVER_DEADLINE, error);
    if (!result)
        result = engine_log_open(instance->folder, LOG_NAME, &log, &log_end, error);
    if (!result)
        result = launch(instance, data, log, log_end, &child, error);
    return result ? result : wait_until_ready(instance, child, log_end, until, error);
}

/* SIGTERM is what `systemctl stop mssql-server` and `docker stop` send. */
int sqlserver_stop(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    AUTO_FREE char *data = mem_format("%s/data", instance->folder);
    return sqlserver_view_end(sqlserver_status(instance).pid, data, deadline, error);
}

/* mssql.conf is read at a start: what changed in it waits for the next one, as RDS's static parameters do. */
int sqlserver_reload(const struct engine_instance *instance, struct error *error)
{
    (void)instance;
    (void)error;
    return 0;
}
