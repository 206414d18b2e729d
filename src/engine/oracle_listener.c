/* The instance's own listener, started and stopped by lsnrctl. It reads wallet and files at its start:
 * `lsnrctl reload` takes neither a new address nor, as far as is documented, a new wallet; Oracle's own
 * script for TLS (configTcps.sh of its container images) stops and starts it too. */
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

enum { PROC_LIMIT = 256 * 1024 };

/* Does a file of /proc, of texts that end with a NUL, hold this one? */
static bool proc_has(int pid, const char *name, const char *text, bool whole)
{
    AUTO_FREE char *path = mem_format("/proc/%d/%s", pid, name);
    AUTO_BUF struct buf content = {0};
    if (file_read(path, PROC_LIMIT, &content, NULL))
        return false;
    buf_append_byte(&content, 0);
    for (size_t at = 0; at < content.length; at += strlen((const char *)content.data + at) + 1) {
        const char *each = (const char *)content.data + at;
        if (whole ? text_equal(each, text) : text_ends_with(each, text))
            return true;
    }
    return false;
}

/* By its program's name, and by its environment, which only its own user can read. */
int oracle_listener_find(const struct engine_instance *instance)
{
    AUTO_FREE char *network = oracle_network_folder(instance);
    AUTO_FREE char *setting = mem_format("TNS_ADMIN=%s", network);
    DIR *processes = opendir("/proc");
    int found = 0;
    for (const struct dirent *entry; processes && !found && (entry = readdir(processes));) {
        int pid = isdigit((unsigned char)entry->d_name[0]) ? (int)strtol(entry->d_name, NULL, 10) : 0;
        if (pid > 0 && proc_has(pid, "cmdline", "tnslsnr", false) &&
            proc_has(pid, "environ", setting, true) && process_alive(pid))
            found = pid;
    }
    if (processes)
        closedir(processes);
    return found;
}

static bool ended(int pid, int64_t until)
{
    while (process_alive(pid)) {
        if (clock_steady() >= until)
            return false;
        usleep(ENGINE_POLL);
    }
    return true;
}

int oracle_listener_stop(const struct engine_instance *instance, int64_t until, struct error *error)
{
    static const char *const arguments[] = {"lsnrctl", "stop", "LISTENER", NULL};
    int pid = oracle_listener_find(instance);
    if (!pid)
        return 0;
    const struct oracle_program program = {.arguments = arguments, .deadline = oracle_left(until)};
    struct error why = {0};
    int result = oracle_run(instance, &program, NULL, &why);
    if (!result && ended(pid, until))
        return 0;
    /* lsnrctl asks it over its first address, which may not be in the present listener.ora any more. */
    if (kill(pid, SIGTERM) == 0 && ended(pid, clock_steady() + oracle_left(until)))
        return 0;
    return error_set(error, ERROR_TIMEOUT, "the listener (process %d) did not stop%s%s", pid,
                     result ? ": " : "", why.text);
}

/* What it listens on, written at its start: the configuration may be a newer one. */
static char *ports_file(const struct engine_instance *instance)
{
    return mem_format("%s/network/ports", instance->folder);
}

static int note_ports(const struct engine_instance *instance, struct error *error)
{
    AUTO_FREE char *path = ports_file(instance);
    AUTO_BUF struct buf text = {0};
    buf_printf(&text, " %d %d \n", instance->port, oracle_tls_port(instance));
    return file_write(path, slice_buf(&text), 0600, error);
}

static int check_port(const struct engine_instance *instance, int port, struct error *error)
{
    AUTO_FREE char *path = ports_file(instance), *word = mem_format(" %d ", port);
    AUTO_BUF struct buf text = {0};
    bool own = oracle_listener_find(instance) && file_read(path, PROC_LIMIT, &text, NULL) == 0 &&
               strstr(buf_text(&text), word);
    return own ? 0 : engine_port_check(instance->listen_addresses, port, error);
}

int oracle_listener_check_ports(const struct engine_instance *instance, struct error *error)
{
    int tls_port = oracle_tls_port(instance);
    int result = check_port(instance, instance->port, error);
    if (result || !tls_port || check_port(instance, tls_port, NULL) == 0)
        return result;
    return error_set(
        error, ERROR_STATE,
        "port %d of the SSL option is taken on this host: choose another port in the instance's option "
        "group, or stop the program that has it",
        tls_port);
}

int oracle_listener_start(const struct engine_instance *instance, int64_t until, struct error *error)
{
    static const char *const arguments[] = {"lsnrctl", "start", "LISTENER", NULL};
    /* One that a try that was cut off had started only now: it may have read older files. */
    int result = oracle_listener_stop(instance, until, error);
    if (!result)
        result = oracle_listener_check_ports(instance, error);
    if (!result)
        result = note_ports(instance, error);
    if (result)
        return result;
    AUTO_BUF struct buf output = {0};
    const struct oracle_program program = {.arguments = arguments, .deadline = oracle_left(until)};
    result = oracle_run(instance, &program, &output, error);
    if (!result && oracle_listener_find(instance))
        return 0;
    AUTO_FREE char *message = oracle_message(slice_buf(&output), "TNS-");
    return error_set(error, result ? (enum error_code)result : ERROR_IO,
                     "the listener did not start (see log/listener.log): %s",
                     message ? message : "lsnrctl gave no reason");
}
