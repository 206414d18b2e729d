#include "agent/state.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_LIMIT = 4 * 1024 * 1024, EVENT_KEPT = 32 };

static int64_t number(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static void add_event(struct instance_state *state, const char *category, char *message)
{
    state->events = mem_grow(state->events, state->event_count + 1, sizeof *state->events);
    struct observed_event *event = &state->events[state->event_count++];
    text_copy(event->category, sizeof event->category, category);
    event->message = message;
}

static void read_clients(const json_t *json, const char *name, struct text_list *clients)
{
    const json_t *array = json_object_get(json, name);
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_is_string(json_array_get(array, i)))
            text_list_add(clients, json_string_value(json_array_get(array, i)));
}

static void read_guard(const json_t *json, struct guard *guard)
{
    int64_t outcome = number(json, "outcome");
    guard->generation = number(json, "generation");
    guard->previous = number(json, "previous");
    guard->outcome =
        outcome >= GUARD_NONE && outcome <= GUARD_UNDONE ? (enum guard_outcome)outcome : GUARD_NONE;
    guard->rehearsal = json_is_true(json_object_get(json, "rehearsal"));
    guard->undoing = json_is_true(json_object_get(json, "undoing"));
    guard->seconds = number(json, "seconds");
    guard->limit = number(json, "limit");
    guard->until = number(json, "until");
    guard->position = number(json, "position");
    guard->refusals = number(json, "refusals");
    read_clients(json, "clients", &guard->clients);
    read_clients(json, "known", &guard->known);
}

static int read_state(const json_t *json, struct instance_state *state, struct error *error)
{
    int result = desired_from_json(json_object_get(json, "desired"), &state->desired, error);
    if (result)
        return result;
    state->reached = number(json, "reached");
    state->port = (int)number(json, "port");
    state->up = json_is_true(json_object_get(json, "up"));
    state->restart = number(json, "restart");
    state->restart_pid = (int)number(json, "restart_pid");
    state->password_generation = number(json, "password_generation");
    state->certificate_generation = number(json, "certificate_generation");
    state->installing = number(json, "installing");
    state->refused = number(json, "refused");
    state->refused_until = number(json, "refused_until");
    state->evidence_from = number(json, "evidence_from");
    read_guard(json_object_get(json, "guard"), &state->guard);
    state->last_report = (uint64_t)number(json, "last_report");
    const json_t *events = json_object_get(json, "events");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const char *category = json_string_value(json_object_get(json_array_get(events, i), "category"));
        const char *message = json_string_value(json_object_get(json_array_get(events, i), "message"));
        if (category && message)
            add_event(state, category, mem_string(message));
    }
    json_t *reports = json_object_get(json, "reports");
    state->reports = json_is_array(reports) ? json_incref(reports) : NULL;
    return 0;
}

int state_load(const char *folder, struct instance_state *state, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/state.json", folder);
    AUTO_BUF struct buf text = {0};
    *state = (struct instance_state){0};
    int result = file_read(path, STATE_LIMIT, &text, error);
    if (result == ERROR_NOT_FOUND)
        return 0;
    if (result)
        return result;
    json_error_t where;
    json_t *json = json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &where);
    if (json)
        result = read_state(json, state, error);
    else
        result = error_set(error, ERROR_INVALID, "line %d: %s", where.line, where.text);
    json_decref(json);
    if (result)
        return error_prefix(error, "%s", path);
    state->known = true;
    state->saved = mem_string(buf_text(&text));
    return 0;
}

static json_t *events_to_json(const struct observed_event *events, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *event = json_object();
        json_object_set_new(event, "category", json_string(events[i].category));
        json_object_set_new(event, "message", json_string(events[i].message));
        json_array_append_new(array, event);
    }
    return array;
}

static json_t *clients_to_json(const struct text_list *clients)
{
    json_t *array = json_array();
    for (size_t i = 0; i < clients->count; i++)
        json_array_append_new(array, json_string(clients->items[i]));
    return array;
}

static json_t *guard_to_json(const struct guard *guard)
{
    json_t *json = json_object();
    json_object_set_new(json, "generation", json_integer(guard->generation));
    json_object_set_new(json, "previous", json_integer(guard->previous));
    json_object_set_new(json, "outcome", json_integer(guard->outcome));
    json_object_set_new(json, "rehearsal", json_boolean(guard->rehearsal));
    json_object_set_new(json, "undoing", json_boolean(guard->undoing));
    json_object_set_new(json, "seconds", json_integer(guard->seconds));
    json_object_set_new(json, "limit", json_integer(guard->limit));
    json_object_set_new(json, "until", json_integer(guard->until));
    json_object_set_new(json, "position", json_integer(guard->position));
    json_object_set_new(json, "refusals", json_integer(guard->refusals));
    json_object_set_new(json, "clients", clients_to_json(&guard->clients));
    json_object_set_new(json, "known", clients_to_json(&guard->known));
    return json;
}

static char *state_text(const struct instance_state *state)
{
    json_t *json = json_object();
    json_object_set_new(json, "desired", desired_to_json(&state->desired));
    json_object_set_new(json, "reached", json_integer(state->reached));
    json_object_set_new(json, "port", json_integer(state->port));
    json_object_set_new(json, "up", json_boolean(state->up));
    json_object_set_new(json, "restart", json_integer(state->restart));
    json_object_set_new(json, "restart_pid", json_integer(state->restart_pid));
    json_object_set_new(json, "password_generation", json_integer(state->password_generation));
    json_object_set_new(json, "certificate_generation", json_integer(state->certificate_generation));
    json_object_set_new(json, "installing", json_integer(state->installing));
    json_object_set_new(json, "refused", json_integer(state->refused));
    json_object_set_new(json, "refused_until", json_integer(state->refused_until));
    json_object_set_new(json, "evidence_from", json_integer(state->evidence_from));
    json_object_set_new(json, "guard", guard_to_json(&state->guard));
    json_object_set_new(json, "last_report", json_integer((json_int_t)state->last_report));
    json_object_set_new(json, "events", events_to_json(state->events, state->event_count));
    if (state->reports)
        json_object_set(json, "reports", state->reports);
    char *text = json_dumps(json, JSON_INDENT(1));
    json_decref(json);
    return text;
}

int state_save(const char *folder, struct instance_state *state, struct error *error)
{
    char *text = state_text(state);
    if (text_equal(text, state->saved)) {
        free(text);
        return 0;
    }
    AUTO_FREE char *path = mem_format("%s/state.json", folder);
    int result = file_write(path, slice_text(text), 0600, error);
    if (result) {
        free(text);
        return result;
    }
    free(state->saved);
    state->saved = text;
    state->known = true;
    return 0;
}

static void drop_events(struct instance_state *state)
{
    for (size_t i = 0; i < state->event_count; i++)
        free(state->events[i].message);
    free(state->events);
    state->events = NULL;
    state->event_count = 0;
}

void guard_free(struct guard *guard)
{
    text_list_free(&guard->clients);
    text_list_free(&guard->known);
    *guard = (struct guard){0};
}

void state_free(struct instance_state *state)
{
    desired_free(&state->desired);
    guard_free(&state->guard);
    drop_events(state);
    json_decref(state->reports);
    free(state->saved);
    *state = (struct instance_state){0};
}

void state_add_event(struct instance_state *state, const char *category, const char *format, ...)
{
    char message[1500];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (state->event_count < EVENT_KEPT)
        add_event(state, category, mem_string(message));
}

void state_set_desired(struct instance_state *state, const struct desired_instance *desired)
{
    struct desired_instance without = *desired; /* a shallow copy, for its JSON alone */
    without.master_password = NULL;
    json_t *json = desired_to_json(&without);
    struct desired_instance copy;
    if (desired_from_json(json, &copy, NULL) == 0) {
        desired_free(&state->desired);
        state->desired = copy;
    }
    json_decref(json);
}

/* Does a report say how a guard ended of which the newest one says nothing any more? */
static bool tells_guard_end(const json_t *report, const json_t *newest)
{
    const char *outcome = json_string_value(json_object_get(report, "guard_outcome"));
    bool ended = text_equal(outcome, guard_outcome_name(GUARD_KEPT)) ||
                 text_equal(outcome, guard_outcome_name(GUARD_UNDONE));
    return ended && number(report, "guard_generation") != number(newest, "guard_generation");
}

static void drop_superseded(json_t *reports, const json_t *newest)
{
    for (size_t i = json_array_size(reports); i-- > 0;) {
        const json_t *report = json_array_get(reports, i);
        if (json_array_size(json_object_get(report, "events")) == 0 && !tells_guard_end(report, newest))
            json_array_remove(reports, i);
    }
}

void state_add_report(struct instance_state *state, struct observed_instance *observed, bool always)
{
    observed->events = state->events;
    observed->event_count = state->event_count;
    state->events = NULL;
    state->event_count = 0;
    observed->report_id[0] = 0;
    json_t *json = observed_to_json(observed);
    AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);
    /* 63 bits, since JSON's integers here are signed */
    uint64_t hash = text_hash(slice_text(text)) >> 1;
    bool same = hash == state->last_report && observed->event_count == 0;
    if (!same || always) {
        text_uuid(observed->report_id);
        json_object_set_new(json, "report_id", json_string(observed->report_id));
        if (!state->reports)
            state->reports = json_array();
        drop_superseded(state->reports, json);
        json_array_append(state->reports, json);
        state->last_report = hash;
    }
    json_decref(json);
}
