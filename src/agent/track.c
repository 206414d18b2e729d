#include "agent/track.h"

#include "agent/state.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CHILD_DEADLINE = 10 * 60 * 1000,
    FIRST_PAUSE = 250,
    LONGEST_PAUSE = 30 * 1000,
    HOPELESS_PAUSE = 60 * 1000, /* somebody may have made room on the host */
    LOOKS_A_ROUND = 10,
    GUARD_INTERVAL = 1000,
};

int64_t track_pause(int attempts, int64_t first, int64_t longest)
{
    int64_t pause = first << (attempts < 16 ? attempts : 16);
    if (pause > longest)
        pause = longest;
    uint32_t random = 0;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        random = 0;
    return pause / 2 + (int64_t)random % (pause / 2 + 1);
}

static struct track *find(struct tracks *tracks, const char *resource_id)
{
    for (size_t i = 0; i < tracks->count; i++)
        if (text_equal(tracks->items[i].desired.resource_id, resource_id))
            return &tracks->items[i];
    return NULL;
}

static struct track *add(struct tracks *tracks)
{
    tracks->items = mem_grow(tracks->items, tracks->count + 1, sizeof *tracks->items);
    struct track *track = &tracks->items[tracks->count++];
    *track = (struct track){.report = true, .look_due = INT64_MAX, .guard_due = INT64_MAX};
    return track;
}

void tracks_load(struct tracks *tracks, const char *instances_folder)
{
    DIR *open = opendir(instances_folder);
    for (const struct dirent *entry; open && (entry = readdir(open));) {
        struct instance_state state;
        struct error error = {0};
        AUTO_FREE char *folder = mem_format("%s/%s", instances_folder, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        if (state_load(folder, &state, &error))
            log_error("action=load folder=%s result=\"%s\"", folder, error.text);
        if (state.known && text_equal(state.desired.resource_id, entry->d_name)) {
            add(tracks)->desired = state.desired;
            state.desired = (struct desired_instance){0};
        }
        state_free(&state);
    }
    if (open)
        closedir(open);
}

void tracks_begin_list(struct tracks *tracks)
{
    for (size_t i = 0; i < tracks->count; i++)
        tracks->items[i].listed = false;
}

void tracks_hear(struct tracks *tracks, struct desired_instance *desired)
{
    struct track *track = find(tracks, desired->resource_id);
    if (!track)
        track = add(tracks);
    bool news = track->desired.generation != desired->generation ||
                (desired->master_password && !track->desired.master_password);
    track->listed = true;
    if (news) {
        track->due = 0;
        track->attempts = 0;
        track->again = track->child != 0;
    }
    desired_free(&track->desired);
    track->desired = *desired;
    *desired = (struct desired_instance){0};
}

/* An instance that was deleted is forgotten once the server does; one that the server does not know at all is
 * left as it is: data is not thrown away for a list that may be wrong. */
void tracks_end_list(struct tracks *tracks)
{
    for (size_t i = tracks->count; i-- > 0;) {
        struct track *track = &tracks->items[i];
        if (track->listed || track->child)
            continue;
        if (track->desired.deleted && track->due == INT64_MAX) {
            desired_free(&track->desired);
            *track = tracks->items[--tracks->count];
        } else {
            log_warning("instance=%s resource=%s result=\"not in the server's list; left as it is\"",
                        track->desired.identifier, track->desired.resource_id);
        }
    }
}

static void look_guarded(struct track *track, const struct agent_site *site, int64_t now)
{
    bool due = false;
    bool watching = reconcile_guarded(site, &track->desired, &due);
    track->guard_due = watching ? now + GUARD_INTERVAL : INT64_MAX;
    if (due && track->due > now)
        track->due = now;
}

void tracks_look(struct tracks *tracks, const struct agent_site *site, int64_t interval)
{
    int64_t now = clock_steady();
    for (size_t i = 0; i < tracks->count; i++) {
        struct track *track = &tracks->items[i];
        if (!track->child && now >= track->guard_due)
            look_guarded(track, site, now);
        if (track->child || track->due != INT64_MAX || track->desired.deleted || now < track->look_due)
            continue;
        track->look_due = now + interval;
        track->looks++;
        if (track->looks >= LOOKS_A_ROUND || reconcile_due(site, &track->desired))
            track->due = now;
    }
}

static _Noreturn void become_child(const struct track *track, const struct agent_site *site,
                                   const struct agent_transport *transport, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(RECONCILE_AGAIN);
    signal(SIGTERM, SIG_IGN); /* the agent waits for its children when it is told to end */
    signal(SIGINT, SIG_IGN);
    sigprocmask(SIG_SETMASK, &none, NULL);
    log_start("reconcile");
    _exit((int)reconcile_instance(site, transport, &track->desired, track->report));
}

static void start(struct tracks *tracks, struct track *track, const struct agent_site *site,
                  const struct agent_transport *transport)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0)
        become_child(track, site, transport, parent);
    if (child < 0) {
        log_error("action=fork result=\"%s\"", strerror(errno));
        track->due = clock_steady() + LONGEST_PAUSE;
        return;
    }
    track->child = child;
    track->child_until = clock_steady() + CHILD_DEADLINE;
    track->again = false;
    track->looks = 0;
    tracks->children++;
}

void tracks_start(struct tracks *tracks, const struct agent_site *site,
                  const struct agent_transport *transport, int concurrency)
{
    int64_t now = clock_steady();
    for (size_t i = 0; i < tracks->count && tracks->children < (size_t)concurrency; i++) {
        struct track *track = &tracks->items[i];
        if (!track->child && track->due <= now)
            start(tracks, track, site, transport);
    }
}

static void take_outcome(struct track *track, int status)
{
    int64_t now = clock_steady();
    int outcome = WIFEXITED(status) ? WEXITSTATUS(status) : RECONCILE_AGAIN;
    track->child = 0;
    track->guard_due = now;
    if (track->again) {
        track->due = now;
        return;
    }
    if (outcome == RECONCILE_DONE) {
        track->report = false;
        track->attempts = 0;
        track->due = INT64_MAX;
        track->look_due = now;
        return;
    }
    track->due = outcome == RECONCILE_FAILED ? now + HOPELESS_PAUSE
                                             : now + track_pause(track->attempts, FIRST_PAUSE, LONGEST_PAUSE);
    track->attempts++;
}

void tracks_reap(struct tracks *tracks)
{
    int64_t now = clock_steady();
    for (size_t i = 0; i < tracks->count; i++) {
        struct track *track = &tracks->items[i];
        int status = 0;
        if (!track->child)
            continue;
        if (waitpid(track->child, &status, WNOHANG) == track->child) {
            tracks->children--;
            take_outcome(track, status);
        } else if (now >= track->child_until) {
            log_error("instance=%s action=reconcile result=\"not done within %d ms: ended\"",
                      track->desired.identifier, CHILD_DEADLINE);
            kill(track->child, SIGKILL);
        }
    }
}

int64_t tracks_next(const struct tracks *tracks, int concurrency)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < tracks->count; i++) {
        const struct track *track = &tracks->items[i];
        int64_t due = track->child              ? track->child_until
                      : track->due == INT64_MAX ? (track->desired.deleted ? INT64_MAX : track->look_due)
                      : tracks->children >= (size_t)concurrency ? INT64_MAX
                                                                : track->due;
        if (!track->child && track->guard_due < due)
            due = track->guard_due;
        if (due < next)
            next = due;
    }
    return next;
}

void tracks_stop(struct tracks *tracks, int64_t patience)
{
    int64_t until = clock_steady() + patience;
    while (tracks->children && clock_steady() < until) {
        usleep(10000);
        tracks_reap(tracks);
    }
    for (size_t i = 0; i < tracks->count; i++)
        if (tracks->items[i].child) {
            kill(tracks->items[i].child, SIGKILL);
            waitpid(tracks->items[i].child, NULL, 0);
        }
}

void tracks_free(struct tracks *tracks)
{
    for (size_t i = 0; i < tracks->count; i++)
        desired_free(&tracks->items[i].desired);
    free(tracks->items);
    *tracks = (struct tracks){0};
}
