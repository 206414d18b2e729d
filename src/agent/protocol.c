#include "agent/protocol.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

/* Bounds of what either side takes from the other. */
enum {
    NAME_LIMIT = 64,
    NAME_LENGTH = 255,
    PARAMETER_LIMIT = 1000,
    PARAMETER_NAME_LENGTH = 255,
    PARAMETER_VALUE_LENGTH = 8192,
    PASSWORD_LENGTH = 512,
    EVENT_LIMIT = 64,
    TEXT_LENGTH = 4000,
    REQUEST_LENGTH = 32 * 1024,
    CHAIN_LENGTH = 128 * 1024,
    GUARD_SECONDS = 366 * 24 * 60 * 60,
    CLIENT_LENGTH = 255,
};

static int check_object(const json_t *json, const char *what, struct error *error)
{
    if (json_is_object(json))
        return 0;
    return error_set(error, ERROR_INVALID, "%s: expected a JSON object", what);
}

/* A text of at most size - 1 bytes. */
static int take_text(const json_t *json, const char *name, char *target, size_t size, struct error *error)
{
    const char *text = json_string_value(json_object_get(json, name));
    if (!text || !text_copy(target, size, text))
        return error_set(error, ERROR_INVALID, "%s: expected a text of at most %zu bytes", name, size - 1);
    return 0;
}

/* An owned text, or NULL where the member is absent or null. */
static int take_owned(const json_t *json, const char *name, size_t limit, char **target, struct error *error)
{
    const json_t *member = json_object_get(json, name);
    if (!member || json_is_null(member))
        return 0;
    if (!json_is_string(member) || json_string_length(member) > limit)
        return error_set(error, ERROR_INVALID, "%s: expected a text of at most %zu bytes", name, limit);
    *target = mem_string(json_string_value(member));
    return 0;
}

static int take_integer(const json_t *json, const char *name, int64_t most, int64_t *target,
                        struct error *error)
{
    const json_t *member = json_object_get(json, name);
    if (!json_is_integer(member) || json_integer_value(member) < 0 || json_integer_value(member) > most)
        return error_set(error, ERROR_INVALID, "%s: expected an integer from 0 to %lld", name,
                         (long long)most);
    *target = json_integer_value(member);
    return 0;
}

/* Of a member that older messages lack: absent, the target stays as it is. */
static int take_newer_integer(const json_t *json, const char *name, int64_t most, int64_t *target,
                              struct error *error)
{
    return json_object_get(json, name) ? take_integer(json, name, most, target, error) : 0;
}

static int take_port(const json_t *json, int *port, struct error *error)
{
    int64_t value = 0;
    int result = take_integer(json, "port", 65535, &value, error);
    *port = (int)value;
    return result;
}

static int take_flag(const json_t *json, const char *name, bool *target, struct error *error)
{
    const json_t *member = json_object_get(json, name);
    if (!json_is_boolean(member))
        return error_set(error, ERROR_INVALID, "%s: expected true or false", name);
    *target = json_is_true(member);
    return 0;
}

static int take_array(const json_t *json, const char *name, size_t limit, const json_t **array,
                      struct error *error)
{
    *array = json_object_get(json, name);
    if (!json_is_array(*array) || json_array_size(*array) > limit)
        return error_set(error, ERROR_INVALID, "%s: expected a list of at most %zu items", name, limit);
    return 0;
}

/* A resource id names a folder on the database host, so it must be nothing but a plain name. */
static int take_resource_id(const json_t *json, char target[40], struct error *error)
{
    int result = take_text(json, "resource_id", target, 40, error);
    if (result)
        return result;
    bool good = target[0] && target[0] != '-';
    for (const char *at = target; *at; at++)
        good = good && ((*at >= 'A' && *at <= 'Z') || (*at >= 'a' && *at <= 'z') ||
                        (*at >= '0' && *at <= '9') || *at == '-');
    if (!good)
        return error_set(error, ERROR_INVALID, "resource_id: expected letters, digits and hyphens");
    return 0;
}

/* A list of at most `limit` texts of 1 to `length` bytes. */
static int take_texts(const json_t *json, const char *name, size_t limit, size_t length,
                      struct text_list *texts, struct error *error)
{
    const json_t *array = NULL;
    int result = take_array(json, name, limit, &array, error);
    for (size_t i = 0; !result && i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        if (!json_is_string(item) || json_string_length(item) == 0 || json_string_length(item) > length)
            return error_set(error, ERROR_INVALID, "%s: expected texts of 1 to %zu bytes", name, length);
        text_list_add(texts, json_string_value(item));
    }
    return result;
}

void desired_set_parameter(struct desired_instance *desired, const char *name, const char *value)
{
    for (size_t i = 0; i < desired->parameter_count; i++) {
        struct name_value *parameter = &desired->parameters[i];
        if (!text_equal(parameter->name, name))
            continue;
        char *copy = mem_string(value);
        free(parameter->value);
        parameter->value = copy;
        return;
    }
    desired->parameters =
        mem_grow(desired->parameters, desired->parameter_count + 1, sizeof *desired->parameters);
    desired->parameters[desired->parameter_count++] =
        (struct name_value){mem_string(name), mem_string(value)};
}

static int take_parameters(const json_t *json, struct desired_instance *desired, struct error *error)
{
    json_t *object = json_object_get(json, "parameters");
    if (!json_is_object(object) || json_object_size(object) > PARAMETER_LIMIT)
        return error_set(error, ERROR_INVALID, "parameters: expected an object of at most %d members",
                         PARAMETER_LIMIT);
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *value = json_object_iter_value(at);
        if (strlen(name) > PARAMETER_NAME_LENGTH || !json_is_string(value) ||
            json_string_length(value) > PARAMETER_VALUE_LENGTH)
            return error_set(error, ERROR_INVALID, "parameters: expected texts of at most %d bytes",
                             PARAMETER_VALUE_LENGTH);
        desired_set_parameter(desired, name, json_string_value(value));
    }
    return 0;
}

static int take_desired_guard(const json_t *json, struct desired_instance *desired, struct error *error)
{
    int result = take_newer_integer(json, "guard_seconds", GUARD_SECONDS, &desired->guard_seconds, error);
    if (!result)
        result = take_newer_integer(json, "guard_refusals", INT64_MAX, &desired->guard_refusals, error);
    if (!result && json_object_get(json, "rehearsal"))
        result = take_flag(json, "rehearsal", &desired->rehearsal, error);
    return result;
}

static int read_desired(const json_t *json, struct desired_instance *desired, struct error *error)
{
    int result = check_object(json, "a desired instance", error);
    if (!result)
        result = take_resource_id(json, desired->resource_id, error);
    if (!result)
        result = take_text(json, "identifier", desired->identifier, sizeof desired->identifier, error);
    if (!result)
        result = take_text(json, "region", desired->region, sizeof desired->region, error);
    if (!result)
        result = take_text(json, "engine", desired->engine, sizeof desired->engine, error);
    if (!result)
        result =
            take_text(json, "engine_version", desired->engine_version, sizeof desired->engine_version, error);
    if (!result)
        result = take_integer(json, "generation", INT64_MAX, &desired->generation, error);
    if (!result)
        result = take_flag(json, "running", &desired->running, error);
    if (!result)
        result = take_flag(json, "deleted", &desired->deleted, error);
    if (!result)
        result = take_integer(json, "restart", INT64_MAX, &desired->restart, error);
    if (!result)
        result = take_port(json, &desired->port, error);
    if (!result)
        result =
            take_text(json, "ca_identifier", desired->ca_identifier, sizeof desired->ca_identifier, error);
    if (!result)
        result =
            take_integer(json, "certificate_generation", INT64_MAX, &desired->certificate_generation, error);
    if (!result)
        result = take_texts(json, "names", NAME_LIMIT, NAME_LENGTH, &desired->names, error);
    if (!result)
        result = take_desired_guard(json, desired, error);
    if (!result && json_object_get(json, "adopted"))
        result = take_flag(json, "adopted", &desired->adopted, error);
    if (!result)
        result = take_text(json, "master_username", desired->master_username, sizeof desired->master_username,
                           error);
    if (!result)
        result = take_owned(json, "master_password", PASSWORD_LENGTH, &desired->master_password, error);
    if (!result)
        result = take_integer(json, "password_generation", INT64_MAX, &desired->password_generation, error);
    if (!result)
        result = take_text(json, "database", desired->database, sizeof desired->database, error);
    return result ? result : take_parameters(json, desired, error);
}

int desired_from_json(const json_t *json, struct desired_instance *desired, struct error *error)
{
    *desired = (struct desired_instance){0};
    int result = read_desired(json, desired, error);
    if (result)
        desired_free(desired);
    return result;
}

static void put_text(json_t *json, const char *name, const char *text)
{
    json_object_set_new(json, name, text ? json_string(text) : json_null());
}

static void put_integer(json_t *json, const char *name, int64_t value)
{
    json_object_set_new(json, name, json_integer(value));
}

static void put_texts(json_t *json, const char *name, const struct text_list *texts)
{
    json_t *array = json_array();
    for (size_t i = 0; i < texts->count; i++)
        json_array_append_new(array, json_string(texts->items[i]));
    json_object_set_new(json, name, array);
}

json_t *desired_to_json(const struct desired_instance *desired)
{
    json_t *json = json_object();
    put_text(json, "resource_id", desired->resource_id);
    put_text(json, "identifier", desired->identifier);
    put_text(json, "region", desired->region);
    put_text(json, "engine", desired->engine);
    put_text(json, "engine_version", desired->engine_version);
    put_integer(json, "generation", desired->generation);
    json_object_set_new(json, "running", json_boolean(desired->running));
    json_object_set_new(json, "deleted", json_boolean(desired->deleted));
    json_object_set_new(json, "adopted", json_boolean(desired->adopted));
    put_integer(json, "restart", desired->restart);
    put_integer(json, "port", desired->port);
    put_text(json, "ca_identifier", desired->ca_identifier);
    put_integer(json, "certificate_generation", desired->certificate_generation);
    put_texts(json, "names", &desired->names);
    put_integer(json, "guard_seconds", desired->guard_seconds);
    put_integer(json, "guard_refusals", desired->guard_refusals);
    json_object_set_new(json, "rehearsal", json_boolean(desired->rehearsal));
    put_text(json, "master_username", desired->master_username);
    if (desired->master_password)
        put_text(json, "master_password", desired->master_password);
    put_integer(json, "password_generation", desired->password_generation);
    put_text(json, "database", desired->database);
    json_t *parameters = json_object();
    for (size_t i = 0; i < desired->parameter_count; i++)
        put_text(parameters, desired->parameters[i].name, desired->parameters[i].value);
    json_object_set_new(json, "parameters", parameters);
    return json;
}

void desired_free(struct desired_instance *desired)
{
    text_list_free(&desired->names);
    mem_free_secret(desired->master_password);
    for (size_t i = 0; i < desired->parameter_count; i++) {
        free(desired->parameters[i].name);
        free(desired->parameters[i].value);
    }
    free(desired->parameters);
    *desired = (struct desired_instance){0};
}

static const char *const state_names[] = {
    [OBSERVED_WORKING] = "working", [OBSERVED_RUNNING] = "running", [OBSERVED_STOPPED] = "stopped",
    [OBSERVED_DELETED] = "deleted", [OBSERVED_FAILED] = "failed",
};

const char *observed_state_name(enum observed_state state)
{
    return state_names[state];
}

static const char *const outcome_names[] = {
    [GUARD_NONE] = "none",
    [GUARD_WATCHING] = "watching",
    [GUARD_KEPT] = "kept",
    [GUARD_UNDONE] = "undone",
};

const char *guard_outcome_name(enum guard_outcome outcome)
{
    return outcome_names[outcome];
}

static int take_outcome(const json_t *json, enum guard_outcome *outcome, struct error *error)
{
    const json_t *member = json_object_get(json, "guard_outcome");
    if (!member)
        return 0;
    for (size_t i = 0; i < sizeof outcome_names / sizeof outcome_names[0]; i++)
        if (text_equal(json_string_value(member), outcome_names[i])) {
            *outcome = (enum guard_outcome)i;
            return 0;
        }
    return error_set(error, ERROR_INVALID, "guard_outcome: expected none, watching, kept or undone");
}

static int take_observed_guard(const json_t *json, struct observed_instance *observed, struct error *error)
{
    int result = take_newer_integer(json, "guard_generation", INT64_MAX, &observed->guard_generation, error);
    if (!result)
        result = take_outcome(json, &observed->guard_outcome, error);
    if (!result)
        result = take_newer_integer(json, "guard_refusals", INT64_MAX, &observed->guard_refusals, error);
    if (!result && json_object_get(json, "guard_clients"))
        result = take_texts(json, "guard_clients", GUARD_CLIENT_LIMIT, CLIENT_LENGTH,
                            &observed->guard_clients, error);
    return result;
}

static int take_state(const json_t *json, enum observed_state *state, struct error *error)
{
    const char *name = json_string_value(json_object_get(json, "state"));
    for (size_t i = 0; i < sizeof state_names / sizeof state_names[0]; i++)
        if (text_equal(name, state_names[i])) {
            *state = (enum observed_state)i;
            return 0;
        }
    return error_set(error, ERROR_INVALID, "state: expected working, running, stopped, deleted or failed");
}

static int take_events(const json_t *json, struct observed_instance *observed, struct error *error)
{
    const json_t *array = NULL;
    int result = take_array(json, "events", EVENT_LIMIT, &array, error);
    if (result || json_array_size(array) == 0)
        return result;
    observed->events = mem_new_array(json_array_size(array), sizeof *observed->events);
    for (size_t i = 0; !result && i < json_array_size(array); i++) {
        const json_t *item = json_array_get(array, i);
        struct observed_event *event = &observed->events[observed->event_count];
        result = check_object(item, "an event", error);
        if (!result)
            result = take_text(item, "category", event->category, sizeof event->category, error);
        if (!result)
            result = take_owned(item, "message", TEXT_LENGTH, &event->message, error);
        if (!result && !event->message)
            result = error_set(error, ERROR_INVALID, "message: expected a text");
        if (!result)
            observed->event_count++;
    }
    return result;
}

static int read_observed(const json_t *json, struct observed_instance *observed, struct error *error)
{
    int result = check_object(json, "an observed instance", error);
    if (!result)
        result = take_resource_id(json, observed->resource_id, error);
    if (!result)
        result = take_integer(json, "generation", INT64_MAX, &observed->generation, error);
    if (!result)
        result = take_state(json, &observed->state, error);
    if (!result)
        result = take_port(json, &observed->port, error);
    if (!result)
        result = take_text(json, "engine_version", observed->engine_version, sizeof observed->engine_version,
                           error);
    if (!result)
        result = take_integer(json, "restart", INT64_MAX, &observed->restart, error);
    if (!result)
        result = take_integer(json, "password_generation", INT64_MAX, &observed->password_generation, error);
    if (!result)
        result =
            take_integer(json, "certificate_generation", INT64_MAX, &observed->certificate_generation, error);
    if (!result)
        result = take_text(json, "certificate_serial", observed->certificate_serial,
                           sizeof observed->certificate_serial, error);
    if (!result)
        result = take_observed_guard(json, observed, error);
    if (!result)
        result = take_integer(json, "started_at", INT64_MAX, &observed->started_at, error);
    if (!result)
        result = take_owned(json, "problem", TEXT_LENGTH, &observed->problem, error);
    if (!result)
        result = take_text(json, "report_id", observed->report_id, sizeof observed->report_id, error);
    return result ? result : take_events(json, observed, error);
}

int observed_from_json(const json_t *json, struct observed_instance *observed, struct error *error)
{
    *observed = (struct observed_instance){0};
    int result = read_observed(json, observed, error);
    if (result)
        observed_free(observed);
    return result;
}

json_t *observed_to_json(const struct observed_instance *observed)
{
    json_t *json = json_object();
    put_text(json, "resource_id", observed->resource_id);
    put_integer(json, "generation", observed->generation);
    put_text(json, "state", observed_state_name(observed->state));
    put_integer(json, "port", observed->port);
    put_text(json, "engine_version", observed->engine_version);
    put_integer(json, "restart", observed->restart);
    put_integer(json, "password_generation", observed->password_generation);
    put_integer(json, "certificate_generation", observed->certificate_generation);
    put_text(json, "certificate_serial", observed->certificate_serial);
    put_integer(json, "guard_generation", observed->guard_generation);
    put_text(json, "guard_outcome", guard_outcome_name(observed->guard_outcome));
    put_integer(json, "guard_refusals", observed->guard_refusals);
    put_texts(json, "guard_clients", &observed->guard_clients);
    put_integer(json, "started_at", observed->started_at);
    if (observed->problem)
        put_text(json, "problem", observed->problem);
    put_text(json, "report_id", observed->report_id);
    json_t *events = json_array();
    for (size_t i = 0; i < observed->event_count; i++) {
        json_t *event = json_object();
        put_text(event, "category", observed->events[i].category);
        put_text(event, "message", observed->events[i].message);
        json_array_append_new(events, event);
    }
    json_object_set_new(json, "events", events);
    return json;
}

void observed_free(struct observed_instance *observed)
{
    /* An event that was being read when its list was refused is not counted yet; its message was never set.
     */
    for (size_t i = 0; i < observed->event_count; i++)
        free(observed->events[i].message);
    free(observed->events);
    free(observed->problem);
    text_list_free(&observed->guard_clients);
    *observed = (struct observed_instance){0};
}

int engine_version_from_json(const json_t *json, struct engine_version *version, struct error *error)
{
    *version = (struct engine_version){0};
    int result = check_object(json, "an engine version", error);
    if (!result)
        result = take_text(json, "engine", version->engine, sizeof version->engine, error);
    return result ? result : take_text(json, "version", version->version, sizeof version->version, error);
}

json_t *engine_version_to_json(const struct engine_version *version)
{
    json_t *json = json_object();
    put_text(json, "engine", version->engine);
    put_text(json, "version", version->version);
    return json;
}

static int take_request(const json_t *json, struct buf *request, struct error *error)
{
    const json_t *member = json_object_get(json, "request");
    if (!json_is_string(member) || json_string_length(member) > REQUEST_LENGTH ||
        !text_from_base64(slice_text(json_string_value(member)), request))
        return error_set(error, ERROR_INVALID,
                         "request: expected a certificate request in base64, at most %d bytes",
                         REQUEST_LENGTH);
    return 0;
}

int certificate_request_from_json(const json_t *json, struct certificate_request *request,
                                  struct error *error)
{
    *request = (struct certificate_request){0};
    int result = check_object(json, "a certificate request", error);
    if (!result)
        result = take_resource_id(json, request->resource_id, error);
    if (!result)
        result =
            take_integer(json, "certificate_generation", INT64_MAX, &request->certificate_generation, error);
    if (!result)
        result = take_request(json, &request->request, error);
    if (result)
        certificate_request_free(request);
    return result;
}

json_t *certificate_request_to_json(const struct certificate_request *request)
{
    AUTO_BUF struct buf base64 = {0};
    text_base64(slice_buf(&request->request), &base64);
    json_t *json = json_object();
    put_text(json, "resource_id", request->resource_id);
    put_integer(json, "certificate_generation", request->certificate_generation);
    put_text(json, "request", buf_text(&base64));
    return json;
}

void certificate_request_free(struct certificate_request *request)
{
    buf_free(&request->request);
    *request = (struct certificate_request){0};
}

int certificate_reply_from_json(const json_t *json, struct certificate_reply *reply, struct error *error)
{
    *reply = (struct certificate_reply){0};
    int result = check_object(json, "a certificate reply", error);
    if (!result)
        result = take_resource_id(json, reply->resource_id, error);
    if (!result)
        result =
            take_integer(json, "certificate_generation", INT64_MAX, &reply->certificate_generation, error);
    if (!result)
        result = take_owned(json, "chain", CHAIN_LENGTH, &reply->chain, error);
    if (!result)
        result = take_owned(json, "error", TEXT_LENGTH, &reply->error, error);
    if (!result)
        result = take_flag(json, "retry", &reply->retry, error);
    if (!result && !reply->chain == !reply->error)
        result = error_set(error, ERROR_INVALID, "a certificate reply: expected either chain or error");
    if (result)
        certificate_reply_free(reply);
    return result;
}

json_t *certificate_reply_to_json(const struct certificate_reply *reply)
{
    json_t *json = json_object();
    put_text(json, "resource_id", reply->resource_id);
    put_integer(json, "certificate_generation", reply->certificate_generation);
    if (reply->chain)
        put_text(json, "chain", reply->chain);
    if (reply->error)
        put_text(json, "error", reply->error);
    json_object_set_new(json, "retry", json_boolean(reply->retry));
    return json;
}

void certificate_reply_free(struct certificate_reply *reply)
{
    free(reply->chain);
    free(reply->error);
    *reply = (struct certificate_reply){0};
}
