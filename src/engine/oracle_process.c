/* An Oracle instance's processes: running or not, start, stop, reload. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/text.h"
#include "engine/oracle.h"
#include "engine/process.h"

#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPEN_MARK "sealwright:OPEN"
enum { RECOVERY = 20 * 60 * 1000, OPEN_POLL = 300 * 1000 };

/* The process monitor lives as long as the instance: "ora_pmon_<SID>". */
static int find_monitor(const struct engine_instance *instance)
{
    AUTO_FREE char *sid = oracle_sid(instance);
    AUTO_FREE char *name = mem_format("ora_pmon_%s", sid);
    DIR *processes = opendir("/proc");
    int found = 0;
    for (const struct dirent *entry; processes && !found && (entry = readdir(processes));) {
        int pid = isdigit((unsigned char)entry->d_name[0]) ? (int)strtol(entry->d_name, NULL, 10) : 0;
        AUTO_FREE char *path = mem_format("/proc/%d/cmdline", pid);
        AUTO_BUF struct buf text = {0};
        if (pid > 0 && file_read(path, 4096, &text, NULL) == 0 && text_equal(buf_text(&text), name) &&
            process_alive(pid))
            found = pid;
    }
    if (processes)
        closedir(processes);
    return found;
}

struct engine_status oracle_status(const struct engine_instance *instance)
{
    int pid = find_monitor(instance);
    return (struct engine_status){pid != 0, pid, pid ? engine_process_started_at(pid) : 0};
}

static bool is_open(const struct engine_instance *instance, int64_t until)
{
    static const char question[] = "SELECT 'sealwright:' || status FROM v$instance;\n";
    AUTO_BUF struct buf output = {0};
    return oracle_sql(instance, slice_text(question), oracle_left(until), &output, NULL) == 0 &&
           strstr(buf_text(&output), OPEN_MARK);
}

/* A database that was not shut down recovers as it starts: that takes its time, and begins again when it is
 * cut off. */
static int start_up(const struct engine_instance *instance, int64_t until, struct error *error)
{
    if (until < clock_steady() + RECOVERY)
        until = clock_steady() + RECOVERY;
    AUTO_FREE char *network = oracle_network_folder(instance);
    AUTO_FREE char *script = mem_format("STARTUP PFILE='%s/init.ora'\n", network);
    AUTO_BUF struct buf output = {0};
    int result = oracle_sql(instance, slice_text(script), oracle_left(until), &output, error);
    if (!result && is_open(instance, until))
        return 0;
    /* STARTUP is a command of SQL*Plus, which goes on when it fails. */
    AUTO_FREE char *message = oracle_message(slice_buf(&output), "ORA-");
    if (!result || message)
        return error_set(error, ERROR_IO, "Oracle did not start: %s",
                         message ? message : "it is not open (see log/diag for its alert log)");
    return result;
}

/* One whose start was cut off may still come. */
static bool comes_up(const struct engine_instance *instance, int64_t until)
{
    while (oracle_status(instance).running) {
        if (is_open(instance, until))
            return true;
        if (clock_steady() >= until)
            return false;
        usleep(OPEN_POLL);
    }
    return false;
}

int oracle_start(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    static const char abort[] = "SHUTDOWN ABORT\n";
    int64_t until = clock_steady() + deadline;
    int result = oracle_listener_check_ports(instance, error);
    bool open = !result && comes_up(instance, clock_steady() + deadline / 2);
    if (!result && !open && oracle_status(instance).running)
        result = oracle_sql(instance, slice_text(abort), oracle_left(until), NULL, error);
    if (!result && !open)
        result = start_up(instance, until, error);
    if (!result && open && oracle_listener_find(instance))
        return 0;
    if (!result && oracle_tls_port(instance))
        result = oracle_wallet_place(instance, false, error);
    return result ? result : oracle_listener_start(instance, until, error);
}

static bool await_end(const struct engine_instance *instance, int64_t until)
{
    while (find_monitor(instance)) {
        if (clock_steady() >= until)
            return false;
        usleep(ENGINE_POLL);
    }
    return true;
}

/* Past half of the deadline, or where SQL*Plus is gone with its home, without the rollback of what is open:
 * the next start recovers. */
int oracle_stop(const struct engine_instance *instance, int64_t deadline, struct error *error)
{
    static const char *const statements[] = {"SHUTDOWN IMMEDIATE\n", "SHUTDOWN ABORT\n"};
    int64_t until = clock_steady() + deadline;
    int result = oracle_listener_stop(instance, clock_steady() + deadline / 4, error);
    int pid = find_monitor(instance);
    for (size_t i = 0; pid && i < 2; i++)
        if (oracle_sql(instance, slice_text(statements[i]), deadline / (i ? 8 : 2), NULL, NULL) == 0 &&
            await_end(instance, clock_steady() + deadline / 8))
            return result;
    /* Without their process monitor the others end themselves. */
    if (!pid || (kill(pid, SIGKILL) == 0 && await_end(instance, until)) || !find_monitor(instance))
        return result;
    return error_set(error, ERROR_TIMEOUT, "Oracle (process %d) did not stop within %lld ms", pid,
                     (long long)deadline);
}

/* Parameters that take a new value at once get it; the others get it with the next start. */
static int set_parameters(const struct engine_instance *instance, int64_t until, struct error *error)
{
    AUTO_BUF struct buf script = {0};
    buf_append_text(&script, "WHENEVER SQLERROR CONTINUE\n");
    size_t begin = script.length;
    int result = oracle_parameter_statements(instance, &script, error);
    if (result || script.length == begin)
        return result;
    return oracle_sql(instance, slice_buf(&script), oracle_left(until), NULL, error);
}

int oracle_reload(const struct engine_instance *instance, struct error *error)
{
    enum { DEADLINE = 60 * 1000 };
    int64_t until = clock_steady() + DEADLINE;
    if (!oracle_status(instance).running)
        return error_set(error, ERROR_STATE, "Oracle does not run");
    int result = set_parameters(instance, until, error);
    /* First, so that a port or a certificate that will not do leaves the listener as it is. */
    if (!result)
        result = oracle_listener_check_ports(instance, error);
    if (!result && oracle_tls_port(instance))
        result = oracle_wallet_place(instance, true, error);
    return result ? result : oracle_listener_start(instance, until, error);
}
