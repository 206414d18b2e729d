/* The parent: opens what the children share, starts the signer, the workers and the notifier, starts again
 * what ends. It keeps no secret but a passphrase, parses nothing from outside and, when started as root, is
 * the only process that stays root: to start children as other users. */
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/process.h"
#include "console/console.h"
#include "fleet/authority.h"
#include "fleet/work.h"
#include "http/http.h"
#include "server/endpoint.h"
#include "server/notifier.h"
#include "server/privilege.h"
#include "server/server.h"
#include "server/worker.h"
#include "signer/signer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    LISTENER_ROOM = 16,
    SIGNER = 0,
    NOTIFIER = 1,
    SETUP = 2,
    FIRST_WORKER = 3,
    SETUP_DEADLINE = 20 * 1000
};
#define SOON (CLOCK_SECOND / 2)

/* A child that is started again when it ends. The parent keeps both ends of its channel to the signer open,
 * so that either side can be started anew without the other. */
struct slot {
    pid_t pid;
    int64_t started_at;         /* clock_steady */
    int64_t start_at;           /* not before; 0: at once */
    int server_end, signer_end; /* from SETUP on: the notifier needs no signer */
};

struct parent {
    const struct server_options *options;
    const struct settings *settings;
    struct slot *slots; /* the signer, the notifier, the set-up, the workers */
    size_t count;
    int listeners[LISTENER_ROOM];
    size_t listener_count;
    int console; /* the folder of the web console, opened before children give up root; -1: not built */
    int signals; /* signalfd */
    sigset_t mask;
    int64_t renew_at; /* next look at the endpoint's certificate */
    int64_t mark_at;  /* next time that the clock is written down */
};

static int open_channels(struct parent *parent, struct error *error)
{
    parent->count = FIRST_WORKER + (size_t)parent->settings->workers;
    parent->slots = mem_new_array(parent->count, sizeof *parent->slots);
    for (size_t i = SETUP; i < parent->count; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
            return error_set_system(error, errno, "cannot make a channel to the signer");
        parent->slots[i].server_end = ends[0];
        parent->slots[i].signer_end = ends[1];
    }
    return 0;
}

static int listen_on_all(struct parent *parent, struct error *error)
{
    const struct text_list *listen = &parent->settings->listen;
    const char **addresses = mem_new_array(listen->count, sizeof *addresses);
    for (size_t i = 0; i < listen->count; i++)
        addresses[i] = listen->items[i];
    int result = http_listen(addresses, listen->count, parent->settings->port, parent->listeners,
                             LISTENER_ROOM, &parent->listener_count, error);
    free(addresses);
    return result;
}

/* What a child does first: its own name, signals as usual, the rights of its user. */
static void begin_child(struct parent *parent, const char *role, const char *user)
{
    struct error error = {0};
    sigprocmask(SIG_UNBLOCK, &parent->mask, NULL);
    close(parent->signals);
    log_start(role);
    prctl(PR_SET_NAME, role);
    if (privilege_drop(user, &error)) {
        log_error("action=start reason=\"%s\"", error.text);
        _exit(1);
    }
    privilege_die_with_parent();
}

/* The passphrase of the CA keys is for the signer alone; a fork has copied it. */
static void forget_passphrase(struct parent *parent)
{
    if (parent->options->passphrase)
        mem_wipe(parent->options->passphrase, strlen(parent->options->passphrase));
}

/* What workers alone serve from. */
static void close_served(struct parent *parent)
{
    if (parent->console >= 0)
        close(parent->console);
    for (size_t i = 0; i < parent->listener_count; i++)
        close(parent->listeners[i]);
}

/* Of all channels a child keeps its own end alone. */
static void close_channels(struct parent *parent, const int *kept)
{
    for (size_t i = SETUP; i < parent->count; i++) {
        close(parent->slots[i].signer_end);
        if (!kept || parent->slots[i].server_end != *kept)
            close(parent->slots[i].server_end);
    }
}

static _Noreturn void become_signer(struct parent *parent)
{
    /* As root still: the signer locks its memory. */
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    if (geteuid() == 0)
        setrlimit(RLIMIT_MEMLOCK, &all);
    begin_child(parent, "signer", parent->settings->signer_user);
    close_served(parent);
    int *channels = mem_new_array(parent->count, sizeof *channels);
    for (size_t i = SETUP; i < parent->count; i++) {
        close(parent->slots[i].server_end);
        channels[i - SETUP] = parent->slots[i].signer_end;
    }
    AUTO_FREE char *folder = settings_path(parent->settings, SERVER_SIGNER_FOLDER);
    AUTO_FREE char *key_file = settings_path(parent->settings, SERVER_SIGNER_KEY);
    const struct signer_options options = {
        .folder = folder,
        .key_file = parent->options->passphrase ? NULL : key_file,
        .passphrase = parent->options->passphrase,
        .organisation = parent->settings->organisation,
        .legacy_not_after_days = parent->settings->legacy_ca_days,
        .longest_life = INT64_C(4) * 366 * CLOCK_DAY,
        .signatures_per_second = parent->settings->signatures_per_second,
        .key_makers = (size_t)parent->settings->key_makers,
    };
    exit(signer_run(&options, channels, parent->count - SETUP));
}

/* The set-up runs before the workers and once an hour: schema, plans, the endpoint's certificate. */
static int set_up(struct parent *parent, struct error *error)
{
    struct fleet fleet = {0};
    bool renewed = false;
    int result = server_open_fleet(parent->settings, &fleet, error);
    if (result)
        return result;
    fleet.signer = signer_client_new(parent->slots[SETUP].server_end, SETUP_DEADLINE);
    result = endpoint_ensure(&fleet, &renewed, error);
    if (!result)
        result = authority_plan(&fleet, error);
    if (!result)
        result = work_plan(&fleet, error);
    signer_client_free(fleet.signer);
    server_close_fleet(&fleet);
    return result;
}

static _Noreturn void become_set_up(struct parent *parent)
{
    forget_passphrase(parent);
    begin_child(parent, "set-up", parent->settings->server_user);
    close_served(parent);
    close_channels(parent, &parent->slots[SETUP].server_end);
    struct error error = {0};
    int result = set_up(parent, &error);
    if (result)
        log_error("action=set-up reason=\"%s\"", error.text);
    exit(result ? 1 : 0);
}

static _Noreturn void become_worker(struct parent *parent, struct slot *slot)
{
    forget_passphrase(parent);
    begin_child(parent, "worker", parent->settings->server_user);
    close_channels(parent, &slot->server_end);
    const struct worker_start start = {
        .settings = parent->settings,
        .channel = slot->server_end,
        .listeners = parent->listeners,
        .listener_count = parent->listener_count,
        .console = parent->console,
    };
    exit(worker_run(&start));
}

static _Noreturn void become_notifier(struct parent *parent)
{
    forget_passphrase(parent);
    begin_child(parent, "notifier", parent->settings->server_user);
    close_served(parent);
    close_channels(parent, NULL);
    exit(notifier_run(parent->settings));
}

static void start_slot(struct parent *parent, size_t index)
{
    struct slot *slot = &parent->slots[index];
    pid_t child = fork();
    if (child == 0) {
        if (index == SIGNER)
            become_signer(parent);
        if (index == NOTIFIER)
            become_notifier(parent);
        if (index == SETUP)
            become_set_up(parent);
        become_worker(parent, slot);
    }
    slot->started_at = clock_steady();
    slot->pid = child > 0 ? child : 0;
    slot->start_at = child > 0 ? 0 : slot->started_at + SOON;
}

static void signal_all(struct parent *parent, size_t from, int signal_number)
{
    for (size_t i = from; i < parent->count; i++)
        if (parent->slots[i].pid)
            kill(parent->slots[i].pid, signal_number);
}

static const char *role_of(size_t index)
{
    return index == SIGNER ? "signer" : index == NOTIFIER ? "notifier" : index == SETUP ? "set-up" : "worker";
}

/* Notes which children have ended. Answers the exit status of the set-up when it was among them, else -1. */
static int reap(struct parent *parent)
{
    int set_up_status = -1, status;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
        for (size_t i = 0; i < parent->count; i++) {
            struct slot *slot = &parent->slots[i];
            if (slot->pid != ended)
                continue;
            slot->pid = 0;
            if (i == SETUP) {
                set_up_status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
                continue;
            }
            log_warning("action=child-ended role=%s child=%d status=%d", role_of(i), (int)ended,
                        WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
            /* One that ended right after its start is not started again in a hurry. */
            bool young = clock_steady() - slot->started_at < CLOCK_SECOND;
            slot->start_at = clock_steady() + (young ? SOON : 0);
        }
    }
    return set_up_status;
}

/* The set-up runs when it is time for it; a notifier only where there is somebody to tell. */
static bool is_kept_running(const struct parent *parent, size_t index)
{
    return index != SETUP && (index != NOTIFIER || parent->settings->webhook_url);
}

static void start_missing(struct parent *parent)
{
    int64_t now = clock_steady();
    for (size_t i = 0; i < parent->count; i++)
        if (is_kept_running(parent, i) && !parent->slots[i].pid && now >= parent->slots[i].start_at)
            start_slot(parent, i);
}

/* Waits for a signal or for time to pass; answers the signal or 0. */
static int wait_signal(struct parent *parent, int milliseconds)
{
    struct pollfd wait_for = {parent->signals, POLLIN, 0};
    struct signalfd_siginfo info;
    if (poll(&wait_for, 1, milliseconds) <= 0 || read(parent->signals, &info, sizeof info) != sizeof info)
        return 0;
    return (int)info.ssi_signo;
}

static bool is_stop(int signal_number)
{
    return signal_number == SIGTERM || signal_number == SIGINT;
}

enum start { START_DONE, START_FAILED, START_STOPPED };

/* Starts the signer and runs the set-up to its end. */
static enum start start_up(struct parent *parent)
{
    start_slot(parent, SIGNER);
    start_slot(parent, SETUP);
    for (;;) {
        if (is_stop(wait_signal(parent, 100)))
            return START_STOPPED;
        int status = reap(parent);
        if (status >= 0)
            return status == 0 ? START_DONE : START_FAILED;
        if (!parent->slots[SIGNER].pid)
            return START_FAILED; /* it has said why */
    }
}

/* The clock that children are to believe: the machine's, unless it is far from what was written down when
 * this machine's server ran last. */
static void guard_clock(const struct settings *settings)
{
    AUTO_FREE char *path = settings_path(settings, SERVER_CLOCK);
    AUTO_BUF struct buf text = {0};
    char shown[32];
    int64_t known = 0;
    if (file_read(path, 64, &text, NULL) || !clock_parse(buf_text(&text), &known))
        known = clock_now();
    clock_guard(known, settings->clock_jump_seconds * CLOCK_SECOND);
    clock_format_seconds(clock_now(), shown);
    if (clock_doubted())
        log_error(
            "action=clock result=\"this machine's clock is far from the time at which the server ran last: "
            "it is not believed and nothing is rotated; the time goes on from %s. If the machine is right, "
            "stop the server, remove %s and start it again\"",
            shown, path);
}

static void mark_clock(const struct settings *settings)
{
    AUTO_FREE char *path = settings_path(settings, SERVER_CLOCK);
    struct error error = {0};
    char now[32];
    clock_format_seconds(clock_now(), now);
    if (file_write(path, slice_text(now), 0644, &error))
        log_error("action=clock result=\"%s\"", error.text);
}

static void supervise(struct parent *parent)
{
    parent->renew_at = clock_steady() + CLOCK_HOUR;
    for (;;) {
        start_missing(parent);
        if (clock_steady() >= parent->mark_at) {
            parent->mark_at = clock_steady() + CLOCK_MINUTE;
            mark_clock(parent->settings);
        }
        int signal_number = wait_signal(parent, 100);
        if (is_stop(signal_number))
            return;
        if (signal_number == SIGHUP)
            signal_all(parent, FIRST_WORKER, SIGHUP);
        if (reap(parent) == 0)
            signal_all(parent, FIRST_WORKER,
                       SIGHUP); /* the set-up may have renewed the endpoint's certificate */
        if (clock_steady() >= parent->renew_at && !parent->slots[SETUP].pid) {
            parent->renew_at = clock_steady() + CLOCK_HOUR;
            start_slot(parent, SETUP);
        }
    }
}

static bool any_left(const struct parent *parent, size_t from)
{
    for (size_t i = from; i < parent->count; i++)
        if (parent->slots[i].pid)
            return true;
    return false;
}

/* The signer last: the others may still need the signer for a request at hand. */
static void stop_all(struct parent *parent)
{
    int64_t until = clock_steady() + 8 * CLOCK_SECOND;
    signal_all(parent, NOTIFIER, SIGTERM);
    while (any_left(parent, NOTIFIER) && clock_steady() < until) {
        wait_signal(parent, 50);
        reap(parent);
    }
    signal_all(parent, SIGNER, SIGTERM);
    until = clock_steady() + 2 * CLOCK_SECOND;
    while (any_left(parent, SIGNER) && clock_steady() < until) {
        wait_signal(parent, 50);
        reap(parent);
    }
    signal_all(parent, SIGNER, SIGKILL);
}

static int open_parent(struct parent *parent, struct error *error)
{
    sigemptyset(&parent->mask);
    sigaddset(&parent->mask, SIGTERM);
    sigaddset(&parent->mask, SIGINT);
    sigaddset(&parent->mask, SIGHUP);
    sigaddset(&parent->mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &parent->mask, NULL);
    parent->signals = signalfd(-1, &parent->mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (parent->signals < 0)
        return error_set_system(error, errno, "cannot receive signals");
    parent->console = console_open(parent->settings->console_folder);
    int result = open_channels(parent, error);
    return result ? result : listen_on_all(parent, error);
}

int server_run(const struct server_options *options)
{
    struct parent parent = {.options = options, .settings = options->settings};
    struct error error = {0};
    log_start("server");
    if (open_parent(&parent, &error)) {
        log_error("action=start reason=\"%s\"", error.text);
        free(parent.slots);
        return 1;
    }
    guard_clock(parent.settings);
    enum start start = start_up(&parent);
    if (start == START_DONE) {
        log_info("action=started port=%d workers=%d", parent.settings->port, parent.settings->workers);
        supervise(&parent);
    }
    stop_all(&parent);
    log_info("action=stopped");
    free(parent.slots);
    return start == START_FAILED ? 1 : 0;
}
