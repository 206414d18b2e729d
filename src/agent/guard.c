/* The guard of a new certificate: it watches the engine's own evidence of clients that refuse it, and puts
 * the pair before it back.
 *
 * What it knows is in the state on disk. Where a round is cut in the middle of an undo, the next one finds it
 * decided (`undoing`) and does it again from the start; that is the same transaction as an installation.
 *
 * Clients that refused the previous certificate already are known by their addresses, taken from the evidence
 * since that certificate was placed, a day at most: their refusals say nothing of the new one. So a client
 * behind the same address as such a one is not noticed. */
#include "agent/work.h"
#include "base/clock.h"
#include "base/log.h"

/* Evidence from that long ago is of clients that may have learnt since. */
#define KNOWN_FOR CLOCK_DAY
/* So many bytes without a refusal are read anew at each look; past it a round notes that they were read. */
enum { READ_AGAIN = 4 * 1024 * 1024 };

bool guard_watching(const struct work *work)
{
    const struct guard *guard = &work->state.guard;
    return guard->outcome == GUARD_WATCHING && guard->generation == work->state.certificate_generation;
}

int64_t guard_wanted(const struct work *work)
{
    const struct instance_state *state = &work->state;
    int64_t wanted = work->desired->certificate_generation;
    bool done_with = state->guard.outcome == GUARD_UNDONE && state->guard.generation == wanted;
    return done_with && state->certificate_generation ? state->certificate_generation : wanted;
}

static int64_t now_until(const struct guard *guard)
{
    return clock_now() + guard->seconds * CLOCK_SECOND;
}

/* A clock that was put back must not make the watch longer. */
static bool is_over(struct guard *guard)
{
    int64_t latest = now_until(guard);
    if (guard->until > latest)
        guard->until = latest;
    return clock_now() >= guard->until;
}

static bool is_refused(const struct guard *guard)
{
    return guard->refusals >= (guard->limit > 0 ? guard->limit : 1);
}

static void add_clients(struct text_list *clients, const struct text_list *more)
{
    for (size_t i = 0; i < more->count && clients->count < GUARD_CLIENT_LIMIT; i++)
        if (!text_list_has(clients, more->items[i]))
            text_list_add(clients, more->items[i]);
}

/* 0 when the kept pair of a generation could serve now. */
static int check_usable(const struct work *work, int64_t generation, struct error *error)
{
    struct pair pair;
    int result = pair_load(work, generation, &pair, error);
    if (!result)
        result = pair_valid(work, &pair, error);
    pair_free(&pair);
    return result;
}

/* Who was known to refuse the certificate that serves when it was to be replaced last: after an undo, or an
 * installation that failed, there was hardly time to see them try again. */
static bool still_known(const struct work *work)
{
    const struct guard *last = &work->state.guard;
    return (last->outcome == GUARD_UNDONE || last->outcome == GUARD_NONE) &&
           last->previous == work->state.certificate_generation && clock_now() - last->until < KNOWN_FOR;
}

/* ERROR_NOT_FOUND: there is no account of refusals. */
static int look(const struct work *work, struct engine_evidence *evidence, struct error *error)
{
    if (!work->driver->evidence)
        return error_set(error, ERROR_NOT_FOUND, "the engine keeps no account of refusals");
    return work->driver->evidence(&work->engine, evidence, error);
}

static int find_known(const struct work *work, struct guard *next, struct error *error)
{
    struct engine_evidence evidence = {
        .position = work->state.evidence_from,
        .since = clock_now() - KNOWN_FOR,
        .client_limit = GUARD_CLIENT_LIMIT,
    };
    int result = look(work, &evidence, error);
    /* A rehearsal without an account is ended by its time alone. */
    if (result == ERROR_NOT_FOUND) {
        next->generation = next->rehearsal ? next->generation : 0;
        result = 0;
    }
    next->position = evidence.position;
    add_clients(&next->known, &evidence.clients);
    if (still_known(work))
        add_clients(&next->known, &work->state.guard.known);
    text_list_free(&evidence.clients);
    return result;
}

int guard_prepare(struct work *work, int64_t generation, struct error *error)
{
    struct instance_state *state = &work->state;
    const struct desired_instance *desired = work->desired;
    struct guard next = {0};
    int result = 0;
    if ((desired->rehearsal || desired->guard_seconds) &&
        !check_usable(work, state->certificate_generation, NULL)) {
        next.generation = generation;
        next.previous = state->certificate_generation;
        next.rehearsal = desired->rehearsal;
        next.seconds = desired->guard_seconds;
        next.limit = desired->guard_refusals;
        next.until = now_until(&next);
        result = find_known(work, &next, error);
    }
    /* What is told of the last guard stays; what was prepared for an installation that failed does not. */
    if (!result && (next.generation || state->guard.generation == generation)) {
        guard_free(&state->guard);
        state->guard = next;
        next = (struct guard){0};
    }
    guard_free(&next);
    return result;
}

void guard_installed(struct work *work)
{
    struct instance_state *state = &work->state;
    struct guard *guard = &state->guard;
    struct engine_evidence evidence = {.position = state->evidence_from};
    struct error error = {0};
    int result = look(work, &evidence, &error);
    if (result && result != ERROR_NOT_FOUND)
        log_warning("instance=%s action=look-for-refusals result=\"%s\"", work->desired->identifier,
                    error.text);
    state->evidence_from = evidence.position;
    if (guard->outcome != GUARD_NONE || !guard->generation ||
        guard->generation != state->certificate_generation)
        return;
    guard->outcome = GUARD_WATCHING;
    guard->until = now_until(guard);
    log_info("instance=%s action=guard generation=%lld seconds=%lld rehearsal=%d known=%zu",
             work->desired->identifier, (long long)guard->generation, (long long)guard->seconds,
             guard->rehearsal, guard->known.count);
}

static void count_refusals(struct work *work)
{
    struct guard *guard = &work->state.guard;
    struct engine_evidence evidence = {
        .position = guard->position, .ignored = &guard->known, .client_limit = GUARD_CLIENT_LIMIT};
    struct error error = {0};
    int result = look(work, &evidence, &error);
    if (result && result != ERROR_NOT_FOUND)
        log_warning("instance=%s action=look-for-refusals result=\"%s\"", work->desired->identifier,
                    error.text);
    if (!result) {
        guard->position = evidence.position;
        guard->refusals += evidence.refusals;
        add_clients(&guard->clients, &evidence.clients);
    }
    text_list_free(&evidence.clients);
}

static void end(struct work *work, enum guard_outcome outcome)
{
    struct guard *guard = &work->state.guard;
    guard->outcome = outcome;
    guard->undoing = false;
    log_info("instance=%s action=guard generation=%lld refusals=%lld result=%s", work->desired->identifier,
             (long long)guard->generation, (long long)guard->refusals, guard_outcome_name(outcome));
    /* The next guard may begin in this very round. */
    if (work->desired->certificate_generation > guard->generation)
        report_so_far(work);
}

static void keep_for_want_of_another(struct work *work, const char *reason)
{
    const struct guard *guard = &work->state.guard;
    const char *name = work->desired->identifier;
    if (guard->rehearsal)
        state_add_event(&work->state, "failure",
                        "The rehearsed server certificate of DB instance %s stays in use: the one before it "
                        "cannot come back: %s",
                        name, reason);
    else
        state_add_event(&work->state, "failure",
                        "Clients refuse the new server certificate of DB instance %s (%lld handshakes), but "
                        "the one before it cannot come back: %s",
                        name, (long long)guard->refusals, reason);
    end(work, GUARD_KEPT);
}

static int install_previous(struct work *work, struct error *error)
{
    struct instance_state *state = &work->state;
    int64_t generation = state->guard.previous;
    struct pair previous;
    bool changed = false; /* the pair's reload is one for the configuration too */
    if (pair_held_off(work, generation)) {
        *error = work->put_off;
        return ERROR_BUSY;
    }
    int result = pair_load(work, generation, &previous, error);
    if (!result)
        result = work->driver->configure(&work->engine, &changed, error);
    if (!result)
        result = pair_install(work, &previous, error);
    pair_free(&previous);
    if (!result)
        return 0;
    if (state->refused != generation)
        state_add_event(state, "failure",
                        "The server certificate of DB instance %s is to be replaced by the one before it, "
                        "which could not be installed: %s",
                        work->desired->identifier, error->text);
    state->refused = generation;
    return error_prefix(error, "the server certificate before the watched one could not be put back");
}

/* Leaves the guard ended, or fails and leaves it undoing. */
static int undo(struct work *work, struct error *error)
{
    struct guard *guard = &work->state.guard;
    guard->undoing = true;
    int result = check_usable(work, guard->previous, error);
    if (result && result != ERROR_IO) {
        keep_for_want_of_another(work, error->text);
        return 0;
    }
    if (!result)
        result = install_previous(work, error);
    if (!result)
        end(work, GUARD_UNDONE);
    return result;
}

int guard_step(struct work *work, struct error *error)
{
    struct guard *guard = &work->state.guard;
    if (!guard_watching(work))
        return 0;
    count_refusals(work);
    bool over = is_over(guard);
    if (guard->undoing || (guard->rehearsal ? over : is_refused(guard)))
        return undo(work, error);
    if (over)
        end(work, GUARD_KEPT);
    return 0;
}

void guard_supersede(struct work *work)
{
    const struct guard *guard = &work->state.guard;
    struct error error = {0};
    if (!guard_watching(work))
        return;
    count_refusals(work);
    if ((guard->rehearsal || guard->undoing) && undo(work, &error))
        log_error("instance=%s action=undo result=\"%s\"", work->desired->identifier, error.text);
    if (guard->outcome == GUARD_WATCHING)
        end(work, GUARD_KEPT);
}

bool guard_due(const struct work *work)
{
    struct guard guard = work->state.guard; /* a shallow copy, for is_over */
    struct engine_evidence evidence = {.position = guard.position, .ignored = &guard.known};
    if (!guard_watching(work) || guard.undoing)
        return false;
    if (is_over(&guard) || guard.until != work->state.guard.until)
        return true;
    return !look(work, &evidence, NULL) &&
           (evidence.refusals || evidence.position - guard.position > READ_AGAIN);
}
