/* The agent's loop: hears the desired state, has instances reconciled by child processes, looks after them.
 */
#include "agent/agent.h"

#include "agent/channel.h"
#include "agent/identity.h"
#include "agent/track.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    POLL_SECONDS = 25,
    POLL_GRACE = 15 * 1000,
    CALL_DEADLINE = 10 * 1000,
    FIRST_PAUSE = 250,
    LONGEST_PAUSE = 30 * 1000,
    DISCOVER_INTERVAL = 10 * 60 * 1000,
    STOP_PATIENCE = 5 * 1000,
    RELEASE_PAUSE = 1000, /* a wait that is worth it */
};
#define CLOCK_TOLERANCE (10 * CLOCK_MINUTE)

struct agent {
    const struct agent_options *options;
    struct channel *channel;
    struct engine_releases releases;
    struct agent_site site;
    struct tracks tracks;
    int signals; /* signalfd */
    bool stopping;
    bool registered; /* the server knows this host's engines */
    bool polling;
    int64_t revision; /* of the desired state that was heard last */
    int64_t poll_due; /* clock_steady */
    int64_t discover_due;
    int failures; /* of the channel, in a row */
};

static void discover(struct agent *agent)
{
    struct engine_releases found = {0};
    if (!agent->options->adopted_only)
        engine_discover(agent->options->engine_folders, &found);
    bool same = found.count == agent->releases.count;
    for (size_t i = 0; same && i < found.count; i++)
        same = text_equal(found.items[i].version, agent->releases.items[i].version) &&
               text_equal(found.items[i].engine, agent->releases.items[i].engine);
    engine_releases_free(&agent->releases);
    agent->releases = found;
    agent->registered = agent->registered && same;
    agent->discover_due = clock_steady() + DISCOVER_INTERVAL;
    for (size_t i = 0; !same && i < found.count; i++)
        log_info("action=discover engine=%s version=%s folder=%s", found.items[i].engine,
                 found.items[i].version, found.items[i].programs);
}

static int register_host(struct agent *agent, struct error *error)
{
    json_t *body = json_object(), *list = json_array(), *reply = NULL;
    for (size_t i = 0; i < agent->releases.count; i++) {
        struct engine_version version = {0};
        text_copy(version.engine, sizeof version.engine, agent->releases.items[i].engine);
        text_copy(version.version, sizeof version.version, agent->releases.items[i].version);
        json_array_append_new(list, engine_version_to_json(&version));
    }
    json_object_set_new(body, "engines", list);
    int result = channel_call(agent->channel, "/agent/v1/host", body, true, CALL_DEADLINE, &reply, error);
    json_decref(body);
    json_decref(reply);
    agent->registered = !result;
    return result;
}

/* The engines go on meanwhile; the server gets pauses that grow, each of its agents at another time. */
static void channel_failed(struct agent *agent, const struct error *error)
{
    if (agent->failures == 0)
        log_warning("action=poll result=\"%s\"", error->text);
    agent->poll_due = clock_steady() + track_pause(agent->failures, FIRST_PAUSE, LONGEST_PAUSE);
    agent->failures++;
    agent->revision = 0;
}

static void begin_poll(struct agent *agent)
{
    struct error error = {0};
    int result = identity_ensure(agent->options, agent->channel, &error);
    if (!result && !agent->registered)
        result = register_host(agent, &error);
    if (!result) {
        AUTO_FREE char *path =
            mem_format("/agent/v1/desired?revision=%" PRId64 "&wait=%d", agent->revision, POLL_SECONDS);
        result = channel_poll_begin(agent->channel, path, POLL_SECONDS * CLOCK_SECOND + POLL_GRACE, &error);
    }
    agent->polling = !result;
    if (result)
        channel_failed(agent, &error);
}

/* The server's time: a clock of this machine that is far from it is not believed. */
static void take_time(const json_t *reply)
{
    int64_t now = json_integer_value(json_object_get(reply, "now"));
    bool doubted = clock_doubted();
    if (now > 0)
        clock_guard(now, CLOCK_TOLERANCE);
    if (clock_doubted() && !doubted)
        log_warning("action=clock result=\"this machine's clock is far from the server's, which is taken\"");
}

static void take_desired(struct agent *agent, const json_t *reply)
{
    const json_t *instances = json_object_get(reply, "instances");
    take_time(reply);
    tracks_begin_list(&agent->tracks);
    for (size_t i = 0; i < json_array_size(instances); i++) {
        struct desired_instance desired;
        struct error error = {0};
        if (desired_from_json(json_array_get(instances, i), &desired, &error))
            log_error("action=read-desired item=%zu result=\"%s\"", i, error.text);
        else
            tracks_hear(&agent->tracks, &desired);
    }
    tracks_end_list(&agent->tracks);
    agent->revision = json_integer_value(json_object_get(reply, "revision"));
}

static void finish_poll(struct agent *agent)
{
    struct error error = {0};
    json_t *reply = NULL;
    int result = 0;
    if (!agent->polling || !channel_poll_ended(agent->channel, &result, &reply, &error))
        return;
    agent->polling = false;
    if (result) {
        channel_failed(agent, &error);
        return;
    }
    if (agent->failures)
        log_info("action=poll result=\"the server answers again\"");
    agent->failures = 0;
    agent->poll_due = clock_steady();
    if (reply)
        take_desired(agent, reply);
    json_decref(reply);
}

static void take_signals(struct agent *agent)
{
    struct signalfd_siginfo signal_info;
    while (read(agent->signals, &signal_info, sizeof signal_info) == (ssize_t)sizeof signal_info)
        if (signal_info.ssi_signo != SIGCHLD)
            agent->stopping = true;
    tracks_reap(&agent->tracks);
}

/* Program code and constants that starting, enrolling and handshakes needed stays mapped though it is not
 * needed while the agent waits; a page of it that is needed again comes back from the page cache. */
static int release_code(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size;
    (void)context;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
            continue;
        /* The object's address is a number here; its own header gives a pointer into it. */
        uintptr_t begin = (object->dlpi_addr + segment->p_vaddr) / page * page;
        uintptr_t end = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;
        const char *header = (const char *)object->dlpi_phdr;
        union {
            const char *given;
            void *taken;
        } cast = {header - ((uintptr_t)header - begin)};
        madvise(cast.taken, end - begin, MADV_DONTNEED);
    }
    return 0;
}

static void turn(struct agent *agent)
{
    int64_t now = clock_steady();
    if (now >= agent->discover_due)
        discover(agent);
    if (!agent->polling && now >= agent->poll_due)
        begin_poll(agent);
    tracks_look(&agent->tracks, &agent->site, agent->options->check_interval);
    const struct agent_transport transport = channel_transport(agent->channel);
    tracks_start(&agent->tracks, &agent->site, &transport, agent->options->concurrency);
    int64_t due = tracks_next(&agent->tracks, agent->options->concurrency);
    if (!agent->polling && agent->poll_due < due)
        due = agent->poll_due;
    if (agent->discover_due < due)
        due = agent->discover_due;
    if (agent->polling && !agent->tracks.children && due - clock_steady() >= RELEASE_PAUSE)
        dl_iterate_phdr(release_code, NULL);
    channel_poll_wait(agent->channel, agent->signals, due - clock_steady());
    take_signals(agent);
    finish_poll(agent);
}

static int open_signals(int *signals, struct error *error)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return error_set_system(error, errno, "cannot block signals");
    *signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *signals < 0 ? error_set_system(error, errno, "cannot make a signalfd") : 0;
}

static int check_options(const struct agent_options *options, struct error *error)
{
    if (geteuid() == 0)
        return error_set(error, ERROR_DENIED,
                         "the agent and its engines do not run as root: name an unprivileged user to run as");
    if (options->instances_folder[0] != '/' || options->state_folder[0] != '/')
        return error_set(error, ERROR_INVALID, "the agent's folders must be absolute paths: %s, %s",
                         options->instances_folder, options->state_folder);
    return 0;
}

/* One agent a state folder. */
static int lock_state(const struct agent_options *options, int *lock, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/agent.lock", options->state_folder);
    int result = file_make_folder(options->state_folder, 0700, error);
    if (!result)
        result = file_make_folder(options->instances_folder, 0700, error);
    if (result)
        return result;
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0)
        return error_set_system(error, errno, "cannot open %s", path);
    if (flock(*lock, LOCK_EX | LOCK_NB) < 0)
        return error_set(error, ERROR_BUSY, "%s is locked: another agent runs in this folder", path);
    return 0;
}

int agent_run(const struct agent_options *options)
{
    struct error error = {0};
    AUTO_CLOSE int lock = -1;
    AUTO_FREE char *pem_file = identity_file(options);
    struct agent agent = {.options = options, .signals = -1};
    log_start("agent");
    int result = check_options(options, &error);
    if (!result)
        result = lock_state(options, &lock, &error);
    if (!result)
        result = open_signals(&agent.signals, &error);
    if (!result)
        result = channel_new(options, pem_file, &agent.channel, &error);
    if (result) {
        log_error("action=start result=\"%s\"", error.text);
        return 1;
    }
    agent.site = (struct agent_site){options->instances_folder, options->listen_addresses,
                                     options->client_networks, &agent.releases};
    tracks_load(&agent.tracks, options->instances_folder);
    log_info("action=start endpoint=%s instances=%zu", options->endpoint, agent.tracks.count);
    while (!agent.stopping)
        turn(&agent);
    log_info("action=stop");
    tracks_stop(&agent.tracks, STOP_PATIENCE);
    channel_free(agent.channel);
    tracks_free(&agent.tracks);
    engine_releases_free(&agent.releases);
    close(agent.signals);
    return 0;
}
