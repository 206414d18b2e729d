#include "agent/reconcile.h"

#include "agent/ports.h"
#include "agent/work.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A step that failed; `hopeless`: it will as long as the desired state is the same. */
struct failure {
    bool hopeless;
    struct error error;
};

static int hopeless(struct failure *failure, int result)
{
    failure->hopeless = failure->hopeless || result != 0;
    return result;
}

/* Runs the driver's provision in a process of its own, so that the certificate can be got meanwhile. */
struct helper {
    pid_t pid;
    int output;
};

static int helper_start(const struct work *work, struct helper *helper, struct error *error)
{
    int ends[2];
    pid_t parent = getpid();
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set_system(error, errno, "cannot make a pipe");
    helper->pid = fork();
    if (helper->pid == 0) {
        struct error why = {0};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        int result = work->driver->provision(&work->engine, &why);
        file_write_all(ends[1], slice_text(why.text), NULL);
        _exit(result ? 1 : 0);
    }
    int reason = errno;
    close(ends[1]);
    helper->output = ends[0];
    if (helper->pid > 0)
        return 0;
    close(ends[0]);
    return error_set_system(error, reason, "cannot fork");
}

static int helper_finish(const struct helper *helper, struct error *error)
{
    char text[sizeof error->text] = "";
    size_t length = 0;
    for (ssize_t got; length < sizeof text - 1 &&
                      (got = read(helper->output, text + length, sizeof text - 1 - length)) > 0;)
        length += (size_t)got;
    close(helper->output);
    int status = 0;
    if (waitpid(helper->pid, &status, 0) == helper->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return error_set(error, ERROR_IO, "the engine's data could not be made: %s",
                     length ? text : "the process was ended");
}

static int provision(struct work *work, struct error *error)
{
    if (work->driver->provisioned(&work->engine))
        return 0;
    struct helper helper = {-1, -1};
    int result = helper_start(work, &helper, error);
    if (result)
        return result;
    struct error certificate = {0};
    if (!work->state.certificate_generation &&
        pair_obtain(work, work->desired->certificate_generation, &certificate))
        log_warning("instance=%s action=obtain-certificate result=\"%s\"", work->desired->identifier,
                    certificate.text);
    return helper_finish(&helper, error);
}

/* Restarts once for each step of the counter: the process to end is written down, another one is the
 * restarted engine. */
static int stop_for_restart(struct work *work, struct error *error)
{
    struct instance_state *state = &work->state;
    struct engine_status status = work->driver->status(&work->engine);
    if (state->restart >= work->desired->restart || !status.running || !state->certificate_generation)
        return 0;
    if (state->restart_pid && state->restart_pid != status.pid)
        return 0;
    state->restart_pid = status.pid;
    return serve_stop(work, error);
}

static int settle_port(struct work *work, struct failure *failure)
{
    struct instance_state *state = &work->state;
    int wanted = work->desired->port;
    int result = 0;
    if (!wanted)
        result = ports_choose(work, &failure->error);
    if (wanted && state->port != wanted) {
        result = hopeless(failure, engine_port_check(work->site->listen_addresses, wanted, &failure->error));
        if (!result)
            result = serve_stop(work, &failure->error);
        if (!result)
            state->port = wanted;
    } else if (wanted && !state->certificate_generation && !work->driver->status(&work->engine).running) {
        result = hopeless(failure, engine_port_check(work->site->listen_addresses, wanted, &failure->error));
    }
    work->engine.port = state->port;
    return result;
}

/* All that an engine of this agent's own needs before it serves. */
static int prepare(struct work *work, struct failure *failure)
{
    int result = settle_port(work, failure);
    if (!result)
        result = stop_for_restart(work, &failure->error);
    return result ? result : provision(work, &failure->error);
}

static int reach_running(struct work *work, struct failure *failure)
{
    struct error why = {0};
    work->engine.port = work->state.port;
    int looked = work->adoption ? adopted_look(work, &failure->error) : 0;
    if (work->down)
        return 0;
    /* First, so that nothing else that fails stands in the way of an undo. */
    int guarded = guard_step(work, &why);
    int result = work->adoption ? looked : prepare(work, failure);
    if (!result)
        result = serve(work, &failure->error);
    /* A new instance whose certificate is refused for good never comes up. */
    if (result == ERROR_DENIED && !work->state.certificate_generation)
        failure->hopeless = true;
    if (result || !guarded)
        return result;
    failure->error = why;
    return guarded;
}

static int reach_stopped(struct work *work, struct failure *failure)
{
    int result = serve_stop(work, &failure->error);
    if (result)
        return result;
    work->state.restart = work->desired->restart;
    work->state.restart_pid = 0;
    return 0;
}

/* Everything but the state, which goes with the folder once the server knows. An adopted server's data is not
 * in the folder, and goes on. */
static int reach_deleted(struct work *work, struct failure *failure)
{
    static const char *const parts[] = {"data", "tls", "certificates", "log"};
    int result = work->adoption ? adopted_release(work, &failure->error) : serve_stop(work, &failure->error);
    for (size_t i = 0; !result && i < sizeof parts / sizeof parts[0]; i++) {
        AUTO_FREE char *path = mem_format("%s/%s", work->folder, parts[i]);
        result = file_remove_tree(path, &failure->error);
    }
    return result;
}

/* What the folder says counts, too: an adopted server must never be taken for one of this agent's own. */
static int choose_driver(struct work *work, struct error *error)
{
    const struct desired_instance *desired = work->desired;
    const struct engine_driver *driver = engine_find(desired->engine);
    bool there = adopted_is(work->folder);
    work->driver = driver;
    if (!driver)
        return error_set(error, ERROR_NOT_FOUND, "engine %s is unknown to this agent", desired->engine);
    if (!desired->adopted && !there)
        return 0;
    work->adoption = driver->adoption;
    if (!work->adoption)
        return error_set(error, ERROR_NOT_FOUND, "servers of engine %s cannot be adopted", desired->engine);
    work->driver = work->adoption->face;
    return there || desired->deleted
               ? 0
               : error_set(error, ERROR_NOT_FOUND, "%s/adopted.json is missing: adopt the server again",
                           work->folder);
}

static int find_engine(struct work *work, struct failure *failure)
{
    const struct desired_instance *desired = work->desired;
    if (choose_driver(work, &failure->error))
        return hopeless(failure, (int)failure->error.code);
    if (work->adoption)
        return 0;
    work->engine.release =
        engine_release_choose(work->site->releases, desired->engine, desired->engine_version);
    if (!work->engine.release && !desired->deleted)
        return hopeless(failure,
                        error_set(&failure->error, ERROR_NOT_FOUND,
                                  "version %s of %s is not installed on this host: install its package",
                                  desired->engine_version, desired->engine));
    return 0;
}

static int reach(struct work *work, struct failure *failure)
{
    state_set_desired(&work->state, work->desired);
    int result = state_save(work->folder, &work->state, &failure->error);
    if (!result)
        result = find_engine(work, failure);
    if (result)
        return result;
    if (work->desired->deleted)
        return reach_deleted(work, failure);
    return work->desired->running ? reach_running(work, failure) : reach_stopped(work, failure);
}

static void observe_guard(const struct guard *guard, struct observed_instance *observed)
{
    if (guard->outcome == GUARD_NONE)
        return;
    observed->guard_generation = guard->generation;
    observed->guard_outcome = guard->outcome;
    observed->guard_refusals = guard->refusals;
    text_list_copy(&observed->guard_clients, &guard->clients);
}

static void observe(const struct work *work, int result, const struct failure *failure,
                    struct observed_instance *observed)
{
    const struct instance_state *state = &work->state;
    const struct desired_instance *desired = work->desired;
    *observed = (struct observed_instance){
        .generation = desired->generation,
        .port = state->port,
        .restart = state->restart,
        .password_generation = state->password_generation,
        .certificate_generation = state->certificate_generation,
    };
    text_copy(observed->resource_id, sizeof observed->resource_id, desired->resource_id);
    text_copy(observed->certificate_serial, sizeof observed->certificate_serial, work->served_serial);
    if (work->engine.release)
        text_copy(observed->engine_version, sizeof observed->engine_version, work->engine.release->version);
    if (work->driver)
        observed->started_at = work->driver->status(&work->engine).started_at;
    observed->state = result && failure->hopeless       ? OBSERVED_FAILED
                      : result                          ? OBSERVED_WORKING
                      : desired->deleted                ? OBSERVED_DELETED
                      : desired->running && !work->down ? OBSERVED_RUNNING
                                                        : OBSERVED_STOPPED;
    const struct error *problem = result ? &failure->error : &work->put_off;
    if (problem->text[0])
        observed->problem = mem_string(problem->text);
    observe_guard(&state->guard, observed);
}

void report_so_far(struct work *work)
{
    const struct failure none = {0};
    struct observed_instance observed;
    observe(work, ERROR_BUSY, &none, &observed);
    state_add_report(&work->state, &observed, false);
    observed_free(&observed);
}

/* Sends what is not acknowledged yet, oldest first. A report that the server cannot take will not be taken
 * later either. */
static int send_reports(struct work *work)
{
    const struct agent_transport *transport = work->transport;
    json_t *reports = work->state.reports;
    while (json_array_size(reports)) {
        struct error error = {0};
        int result = transport->report(transport->context, json_array_get(reports, 0), &error);
        if (result)
            log_warning("instance=%s action=report result=\"%s\"", work->desired->identifier, error.text);
        if (result && result != ERROR_INVALID && result != ERROR_DENIED)
            return result;
        json_array_remove(reports, 0);
    }
    return 0;
}

static int lock_folder(const char *folder, int *lock)
{
    AUTO_FREE char *path = mem_format("%s/lock", folder);
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return *lock < 0 || flock(*lock, LOCK_EX | LOCK_NB) < 0 ? ERROR_BUSY : 0;
}

static void work_prepare(struct work *work, const struct agent_site *site,
                         const struct desired_instance *desired)
{
    work->site = site;
    work->desired = desired;
    work->folder = mem_format("%s/%s", site->instances_folder, desired->resource_id);
    work->parameters = mem_new_array(desired->parameter_count + 1, sizeof *work->parameters);
    for (size_t i = 0; i < desired->parameter_count; i++)
        work->parameters[i] =
            (struct engine_parameter){desired->parameters[i].name, desired->parameters[i].value};
    work->engine = (struct engine_instance){
        .folder = work->folder,
        .listen_addresses = site->listen_addresses,
        .client_networks = site->client_networks,
        .database = desired->database,
        .parameters = work->parameters,
        .parameter_count = desired->parameter_count,
    };
}

static void work_free(struct work *work)
{
    state_free(&work->state);
    free(work->parameters);
    free(work->address);
    free(work->folder);
}

static enum reconcile_outcome round_of(struct work *work, bool always)
{
    struct failure failure = {0};
    struct observed_instance observed;
    int result = reach(work, &failure);
    if (result)
        log_warning("instance=%s resource=%s generation=%lld result=\"%s\"", work->desired->identifier,
                    work->desired->resource_id, (long long)work->desired->generation, failure.error.text);
    else
        work->state.reached = work->desired->generation;
    observe(work, result, &failure, &observed);
    state_add_report(&work->state, &observed, always);
    observed_free(&observed);
    int saved = state_save(work->folder, &work->state, &failure.error);
    int sent = saved ? saved : send_reports(work);
    if (!saved)
        saved = state_save(work->folder, &work->state, &failure.error);
    if (saved)
        log_error("instance=%s action=save-state result=\"%s\"", work->desired->identifier,
                  failure.error.text);
    if (result)
        return failure.hopeless && !sent && !saved ? RECONCILE_FAILED : RECONCILE_AGAIN;
    if (sent || saved)
        return RECONCILE_AGAIN;
    if (work->desired->deleted)
        return file_remove_tree(work->folder, NULL) ? RECONCILE_AGAIN : RECONCILE_DONE;
    return RECONCILE_DONE;
}

enum reconcile_outcome reconcile_instance(const struct agent_site *site,
                                          const struct agent_transport *transport,
                                          const struct desired_instance *desired, bool always)
{
    AUTO_CLOSE int lock = -1;
    struct error error = {0};
    struct work work = {.transport = transport};
    work_prepare(&work, site, desired);
    enum reconcile_outcome outcome = RECONCILE_AGAIN;
    int result = file_make_folder(work.folder, 0700, &error);
    if (!result && lock_folder(work.folder, &lock))
        result = error_set(&error, ERROR_BUSY, "another process works on %s", work.folder);
    if (!result)
        result = state_load(work.folder, &work.state, &error);
    if (result)
        log_error("instance=%s resource=%s result=\"%s\"", desired->identifier, desired->resource_id,
                  error.text);
    else
        outcome = round_of(&work, always);
    work_free(&work);
    return outcome;
}

static bool is_due(struct work *work)
{
    const struct instance_state *state = &work->state;
    struct pair pair = {0};
    char found[200];
    if (choose_driver(work, NULL) || work->desired->deleted || state->reached != work->desired->generation ||
        state->event_count || json_array_size(state->reports))
        return true;
    bool running = work->driver->status(&work->engine).running;
    if (running != (work->adoption ? state->up : work->desired->running))
        return true;
    if (!running)
        return false;
    bool again = state->refused && state->refused == work->desired->certificate_generation &&
                 !pair_held_off(work, state->refused);
    bool due = again || pair_load(work, state->certificate_generation, &pair, NULL) ||
               !pair_in_place(work, &pair, found, sizeof found) || state->guard.undoing || guard_due(work);
    pair_free(&pair);
    return due;
}

bool reconcile_due(const struct agent_site *site, const struct desired_instance *desired)
{
    struct work work = {0};
    work_prepare(&work, site, desired);
    bool due = state_load(work.folder, &work.state, NULL) || is_due(&work);
    work_free(&work);
    return due;
}

bool reconcile_guarded(const struct agent_site *site, const struct desired_instance *desired, bool *due)
{
    struct work work = {0};
    work_prepare(&work, site, desired);
    bool watching = !choose_driver(&work, NULL) && desired->running && !desired->deleted &&
                    !state_load(work.folder, &work.state, NULL) && guard_watching(&work);
    *due = watching && guard_due(&work);
    work_free(&work);
    return watching;
}
