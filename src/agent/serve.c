/* An engine up, with the installed certificate and the newest configuration. */
#include "agent/ports.h"
#include "agent/work.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <string.h>

enum { START_DEADLINE = 60 * 1000, STOP_DEADLINE = 60 * 1000, SERVED_DEADLINE = 8 * 1000, PORT_TRIES = 8 };

/* An engine that was meant to run: something else has stopped it. */
static int tell_stopped(struct work *work, struct error *error)
{
    struct instance_state *state = &work->state;
    if (!state->up || !state->certificate_generation)
        return 0;
    log_warning("instance=%s action=start reason=\"engine was not running\"", work->desired->identifier);
    state_add_event(state, "recovery",
                    "The database engine of DB instance %s was not running and was started again.",
                    work->desired->identifier);
    return state_save(work->folder, state, error);
}

int serve_stop(struct work *work, struct error *error)
{
    bool running = work->driver->status(&work->engine).running;
    /* On disk first, so that a crash in between does not look as if somebody else had stopped the engine. */
    if (running)
        work->state.up = false;
    int result = running ? state_save(work->folder, &work->state, error) : 0;
    /* One that does not run may have left something: Oracle's listener lives without its database. */
    return result ? result : work->driver->stop(&work->engine, STOP_DEADLINE, error);
}

int serve_start(struct work *work, struct error *error)
{
    bool chosen_here = !work->desired->port && !work->state.certificate_generation;
    bool changed = false;
    if (work->adoption)
        return adopted_never(&work->engine, 0, error); /* it has just ended */
    int told = tell_stopped(work, error);
    if (told)
        return told;
    for (int i = 1;; i++) {
        work->engine.port = work->state.port;
        int result = work->driver->configure(&work->engine, &changed, error);
        if (!result)
            result = work->driver->start(&work->engine, START_DEADLINE, error);
        if (!result)
            work->state.up = true;
        if (result != ERROR_EXISTS || !chosen_here || i == PORT_TRIES)
            return result;
        /* Somebody was faster between the look and the start. */
        work->state.port = 0;
        result = ports_choose(work, error);
        if (result)
            return result;
    }
}

/* Files that somebody changed go back before the engine can read them; it is told in an event once it is on
 * disk. */
static int repair(struct work *work, const struct pair *pair, bool running, struct error *error)
{
    struct instance_state *state = &work->state;
    char found[200];
    if (pair_in_place(work, pair, found, sizeof found))
        return 0;
    if (!state->installing) {
        log_warning("instance=%s action=repair-certificate found=\"%s\"", work->desired->identifier, found);
        state_add_event(state, "failure",
                        "The server certificate files of DB instance %s were found changed on disk (%s); the "
                        "installed pair with "
                        "serial %s was put back.",
                        work->desired->identifier, found, pair->leaf.serial);
        int result = state_save(work->folder, state, error);
        if (result)
            return result;
    }
    int result = pair_place(work, pair, error);
    /* An engine that reads its files at a start alone still serves what it has read. */
    if (!result && running && work->driver->reloads_certificate)
        result = work->driver->reload(&work->engine, error);
    return result;
}

static int see_served(struct work *work, const struct pair *pair, struct error *error)
{
    struct instance_state *state = &work->state;
    int result = pair_served(work, pair, 0, error);
    /* One that does not answer may still be starting: a restart would only throw it back. */
    if (result && result != ERROR_STATE && !work->driver->reloads_certificate) {
        if (work->driver->start(&work->engine, START_DEADLINE, error) == 0)
            result = pair_served(work, pair, 0, error);
        if (result != ERROR_STATE && work->driver->status(&work->engine).running)
            return result;
    }
    if (!result)
        return 0;
    if (result == ERROR_STATE && !state->installing) {
        state_add_event(state, "failure",
                        "DB instance %s served another certificate than the installed one (%s); the "
                        "installed one was loaded again.",
                        work->desired->identifier, error->text);
        result = state_save(work->folder, state, error);
        if (result)
            return result;
    }
    result = pair_activate(work, error);
    return result ? result : pair_served(work, pair, SERVED_DEADLINE, error);
}

/* With a certificate that was installed before. */
static int serve_installed(struct work *work, const struct pair *pair, struct error *error)
{
    bool running = work->driver->status(&work->engine).running;
    bool changed = false;
    int result = repair(work, pair, running, error);
    if (!result && !running)
        result = serve_start(work, error);
    else if (!result)
        result = work->driver->configure(&work->engine, &changed, error);
    if (!result && changed)
        result = work->driver->reload(&work->engine, error);
    return result ? result : see_served(work, pair, error);
}

/* Told once a generation: the next round tries again. */
static int tell_put_back(struct work *work, int64_t generation, struct error *error)
{
    struct instance_state *state = &work->state;
    if (state->refused != generation)
        state_add_event(state, "failure",
                        "The new server certificate of DB instance %s could not be installed and the old one "
                        "was put back: %s",
                        work->desired->identifier, error->text);
    state->refused = generation;
    return error_prefix(error,
                        "the new server certificate could not be installed and the old one was put back");
}

static int install(struct work *work, int64_t generation, struct error *error)
{
    struct instance_state *state = &work->state;
    struct pair pair;
    bool over_another = state->certificate_generation;
    int result = pair_load(work, generation, &pair, error);
    /* An installation that a crash cut off was prepared before it. */
    if (!result && over_another && state->installing != generation)
        result = guard_prepare(work, generation, error);
    if (!result) {
        result = pair_install(work, &pair, error);
        if (result && over_another)
            tell_put_back(work, generation, error);
    }
    pair_free(&pair);
    return result;
}

/* The very first start; the port may turn out to be shared with a program that answers on one of the
 * addresses. */
static int serve_first(struct work *work, int64_t generation, struct error *error)
{
    int result = install(work, generation, error);
    if (!result || work->desired->port || work->adoption || !work->driver->status(&work->engine).running)
        return result;
    struct error why = {0};
    if (work->driver->stop(&work->engine, STOP_DEADLINE, &why))
        log_error("instance=%s action=stop result=\"%s\"", work->desired->identifier, why.text);
    else
        work->state.port = 0;
    return result;
}

/* An installed pair whose files are lost is as good as none. */
static void check_installed(struct work *work)
{
    struct instance_state *state = &work->state;
    struct pair pair = {0};
    struct error why = {0};
    if (state->certificate_generation && pair_load(work, state->certificate_generation, &pair, &why)) {
        log_error("instance=%s action=load-certificate result=\"%s\"", work->desired->identifier, why.text);
        state->certificate_generation = 0;
    }
    pair_free(&pair);
}

static int serve_current(struct work *work, struct error *error)
{
    struct pair pair;
    int result = pair_load(work, work->state.certificate_generation, &pair, error);
    if (!result)
        result = serve_installed(work, &pair, error);
    pair_free(&pair);
    return result;
}

static int serve_certificate(struct work *work, struct error *error)
{
    struct instance_state *state = &work->state;
    struct error why = {0};
    check_installed(work);
    int64_t wanted = guard_wanted(work);
    bool newer = wanted > state->certificate_generation || !state->certificate_generation;
    int obtained = newer ? pair_obtain(work, wanted, &why) : 0;
    bool held_off = newer && !obtained && pair_held_off(work, wanted);
    bool news = newer && !obtained && !held_off;
    if (news)
        guard_supersede(work);
    bool current = state->certificate_generation;
    int result = 0;
    /* Where a crash left the new pair in the middle of its installation, that goes on instead of a step back;
     * and an engine that is to be started and would have to start again starts with the new one. */
    bool running = work->driver->status(&work->engine).running;
    bool resume = news && (running ? state->installing == wanted : !work->driver->reloads_certificate);
    if (current && !resume)
        result = serve_current(work, error);
    /* A running engine that cannot serve the old pair is one more reason to install the new one. */
    if (news && (!result || work->driver->status(&work->engine).running))
        result = current ? install(work, wanted, error) : serve_first(work, wanted, error);
    if (!result && !news)
        state->installing = 0;
    if (!result && obtained) {
        *error = why;
        result = obtained;
    }
    return result;
}

static int serve_master(struct work *work, struct error *error)
{
    const struct desired_instance *desired = work->desired;
    struct instance_state *state = &work->state;
    if (state->password_generation >= desired->password_generation)
        return 0;
    if (!desired->master_password)
        return error_set(error, ERROR_BUSY, "the server has not sent the master user's password yet");
    const struct engine_master master = {desired->master_username, desired->master_password,
                                         desired->database};
    int result = work->driver->set_master(&work->engine, &master, error);
    if (!result)
        state->password_generation = desired->password_generation;
    return result;
}

int serve(struct work *work, struct error *error)
{
    struct error why = {0};
    int certificate = serve_certificate(work, &why);
    int result = 0;
    /* A certificate that cannot be got is no reason to keep a new password waiting. */
    if (!certificate || work->driver->status(&work->engine).running)
        result = serve_master(work, error);
    if (certificate) {
        *error = why;
        return certificate;
    }
    if (result)
        return result;
    work->state.restart = work->desired->restart;
    work->state.restart_pid = 0;
    work->state.up = true;
    result = state_save(work->folder, &work->state, error);
    if (!result)
        pair_prune(work); /* only what the state on disk does not need any more */
    return result;
}
