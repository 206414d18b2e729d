/* What an agent says of the certificate that it serves, and of clients that refuse it. */
#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "fleet/bridge.h"
#include "fleet/event.h"
#include "fleet/instance_internal.h"
#include "fleet/maintenance.h"
#include "fleet/rehearsal.h"
#include "fleet/rotate.h"

#include <stdio.h>

/* One report, and what the row said of its rotation before. */
struct report {
    struct fleet *fleet;
    const struct observed_instance *observed;
    struct instance_row *row;
    json_t *rotation; /* to be written into the row */
    bool desired;
};

static const char *text_of(const struct report *report, const char *member)
{
    const char *text = json_string_value(json_object_get(report->rotation, member));
    return text ? text : "";
}

static bool is_in_state(const struct report *report, const char *state)
{
    return text_equal(text_of(report, "state"), state);
}

static void set_state(struct report *report, const char *state)
{
    json_object_set_new(report->rotation, "state", json_string(state));
    json_object_set_new(report->rotation, "ended_at", json_integer(clock_now()));
}

static bool is_rehearsal(const struct report *report)
{
    return text_equal(text_of(report, "reason"), ROTATION_REHEARSAL);
}

/* The certificate on the wire, found by its serial in the issuance log. One that is not there is not ours:
 * `problem` says so. */
static int take_served(struct report *report, struct error *error)
{
    struct instance_row *row = report->row;
    const char *serial = report->observed->certificate_serial;
    if (!serial[0] || text_equal(serial, row->served_serial))
        return 0;
    struct server_certificate_row served = {0};
    int result = store_server_certificate_get(report->fleet->store, serial, &served, error);
    if (!result) {
        bool moved = !text_equal(row->served_ca_identifier, served.ca_identifier);
        text_copy(row->served_serial, sizeof row->served_serial, served.serial);
        text_copy(row->served_ca_identifier, sizeof row->served_ca_identifier, served.ca_identifier);
        row->served_not_after = served.not_after;
        row->served_issued_at = served.issued_at;
        row->reminded_days = 0;
        maintenance_drop(row, MAINTENANCE_RENEWAL);
        if (moved && !is_rehearsal(report))
            maintenance_drop(row, MAINTENANCE_CA);
    }
    server_certificate_row_free(&served);
    return result == ERROR_NOT_FOUND ? 0 : result;
}

static int tell_served(struct report *report, struct error *error)
{
    const struct instance_row *row = report->row;
    char until[32];
    clock_format_seconds(row->served_not_after, until);
    if (is_rehearsal(report))
        return event_record(report->fleet, row, EVENT_REHEARSAL_STARTED, error,
                            "A server certificate issued by %s is served for a rehearsal of %lld seconds.",
                            row->served_ca_identifier,
                            (long long)instance_json_integer(&row->rehearsal, "seconds", 0));
    return event_record(report->fleet, row, EVENT_ROTATED, error,
                        "The server certificate was rotated: it is issued by %s and valid until %s.",
                        row->served_ca_identifier, until);
}

/* "3 connections of 2 clients: 192.0.2.7, 192.0.2.9" */
static char *clients_text(const struct observed_instance *observed)
{
    struct buf text = {0};
    buf_printf(&text, "%lld connection%s", (long long)observed->guard_refusals,
               observed->guard_refusals == 1 ? "" : "s");
    for (size_t i = 0; i < observed->guard_clients.count; i++)
        buf_printf(&text, "%s%s", i ? ", " : " of clients at ", observed->guard_clients.items[i]);
    buf_text(&text);
    return (char *)text.data;
}

static void keep_refusals(struct report *report)
{
    json_t *clients = json_array();
    for (size_t i = 0; i < report->observed->guard_clients.count; i++)
        json_array_append_new(clients, json_string(report->observed->guard_clients.items[i]));
    json_object_set_new(report->rotation, "clients", clients);
    json_object_set_new(report->rotation, "refusals", json_integer(report->observed->guard_refusals));
}

static int end_rehearsal(struct report *report, struct error *error)
{
    struct instance_row *row = report->row;
    AUTO_FREE char *clients = clients_text(report->observed);
    char until[32];
    clock_format_seconds(row->served_not_after, until);
    int result =
        event_record(report->fleet, row, EVENT_REHEARSAL_ENDED, error,
                     "The rehearsal of %s ended: %s refused its certificate. The certificate issued by %s, "
                     "valid until %s, is served again.",
                     text_of(report, "to"), report->observed->guard_refusals ? clients : "no client",
                     row->served_ca_identifier, until);
    report->desired = true;
    return result ? result : rehearsal_clear(report->fleet, row, error);
}

/* The certificate before is served again: the wish for the new one is given up until somebody repeats it, or
 * a renewal's pause is over. */
static int take_undone(struct report *report, struct error *error)
{
    struct instance_row *row = report->row;
    struct fleet *fleet = report->fleet;
    bool moved = !text_equal(row->ca_identifier, row->served_ca_identifier);
    char until[32], again[32];
    set_state(report, "undone");
    keep_refusals(report);
    if (is_rehearsal(report))
        return end_rehearsal(report, error);
    row->rotation_failures++;
    row->rotation_after =
        rotation_pause_until(fleet->settings, row->rotation_failures, row->served_not_after, clock_now());
    if (moved) {
        bridge_list_move(fleet, row, "", row->served_ca_identifier, true);
        text_copy(row->ca_identifier, sizeof row->ca_identifier, row->served_ca_identifier);
    }
    report->desired = true;
    AUTO_FREE char *clients = clients_text(report->observed);
    clock_format_seconds(row->served_not_after, until);
    clock_format_seconds(row->rotation_after, again);
    return event_record(
        fleet, row, EVENT_ROTATION_UNDONE, error,
        "The rotation of the server certificate to %s was undone: %s refused it. The certificate "
        "issued by %s, valid until %s, is served again. %s %s.",
        text_of(report, "to"), clients, row->served_ca_identifier, until,
        moved ? "The change of CA is given up; no rotation by itself before"
              : "It is not tried again by itself before",
        again);
}

static int take_kept(struct report *report, struct error *error)
{
    struct instance_row *row = report->row;
    set_state(report, "done");
    keep_refusals(report);
    row->rotation_failures = 0;
    row->rotation_after = 0;
    if (is_rehearsal(report)) {
        /* The pair from before cannot serve any more: a new one of the instance's own CA follows. */
        int result = rehearsal_clear(report->fleet, row, error);
        instance_want_certificate(row, "restore");
        json_decref(report->rotation);
        report->rotation = instance_json(&row->rotation);
        report->desired = true;
        return result;
    }
    if (!report->observed->guard_refusals)
        return 0;
    AUTO_FREE char *clients = clients_text(report->observed);
    return event_record(report->fleet, row, EVENT_ROTATION_QUESTIONED, error,
                        "The new server certificate issued by %s stays, though %s refused it.",
                        row->served_ca_identifier, clients);
}

/* The new generation is on the wire. */
static int take_installed(struct report *report, struct error *error)
{
    bool watched = report->observed->guard_generation == report->row->certificate_generation &&
                   report->observed->guard_outcome == GUARD_WATCHING;
    set_state(report, watched ? "guarded" : "done");
    return tell_served(report, error);
}

static int take_rotation(struct report *report, struct error *error)
{
    const struct observed_instance *observed = report->observed;
    int64_t generation = json_integer_value(json_object_get(report->rotation, "generation"));
    int result = 0;
    if (!generation || generation != report->row->certificate_generation)
        return 0;
    if (is_in_state(report, "started") && observed->certificate_generation == generation) {
        result = take_installed(report, error);
        /* Nothing is watched where the certificate before could not serve again. */
        if (!result && is_rehearsal(report) && observed->guard_generation != generation)
            return take_kept(report, error);
    }
    if (result || observed->guard_generation != generation)
        return result;
    if (observed->guard_outcome == GUARD_UNDONE && !is_in_state(report, "undone"))
        return take_undone(report, error);
    /* "done" too: a report of the beginning may have been lost. */
    bool open = is_in_state(report, "guarded") ||
                (is_in_state(report, "done") && !json_object_get(report->rotation, "refusals"));
    return observed->guard_outcome == GUARD_KEPT && open ? take_kept(report, error) : 0;
}

int rotate_observe(struct fleet *fleet, const struct observed_instance *observed, struct instance_row *row,
                   bool *desired, struct error *error)
{
    struct report report = {.fleet = fleet, .observed = observed, .row = row};
    report.rotation = instance_json(&row->rotation);
    int result = take_served(&report, error);
    row->observed_certificate_generation = observed->certificate_generation;
    if (!result)
        result = take_rotation(&report, error);
    instance_set_json(&row->rotation, report.rotation);
    json_decref(report.rotation);
    *desired = report.desired;
    return result ? result : rotate_schedule(fleet, row, error);
}
