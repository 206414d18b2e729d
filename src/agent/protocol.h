/* What the server and an agent say to each other: JSON over HTTPS with mutual TLS (but for enrolment).
 *
 *   POST /agent/v1/enroll        {"token", "host", "request"}  -> {"certificate"}
 *   POST /agent/v1/host          {"engines"}                   -> {}
 *   GET  /agent/v1/desired       ?revision=N&wait=SECONDS      -> {"revision", "now", "instances"}
 *   POST /agent/v1/certificates  {"requests"}                  -> {"replies"}
 *   POST /agent/v1/observed      {"instances"}                 -> {}
 *   POST /agent/v1/adopt         {"token", "instance"}         -> {"status", ...}: agent/adoption.h
 *   POST /agent/v1/release       {"resource_id"}               -> {"status", ...}
 *   POST /agent/v1/renew         {"request"}                   -> {"certificate"}
 *
 * Lists are of the structures below. GET desired answers 204 when nothing changed; "now" is the server's
 * time. In enroll and renew (the agent's own certificate), request is a PKCS #10 request (DER) in base64,
 * certificate is PEM. An error is {"error": text} with a 4xx or 5xx status. The agent connects with the
 * server name AGENT_SERVER_NAME, for which alone the server asks for a client certificate; the host is the
 * certificate's common name. Times are ms since 1970. */
#ifndef AGENT_PROTOCOL_H
#define AGENT_PROTOCOL_H

#include "base/buf.h"
#include "base/error.h"
#include "pki/certificate.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define AGENT_SERVER_NAME "agent.sealwright.internal"

/* The longest wait of a poll, seconds, and the largest message, bytes. */
enum { AGENT_WAIT_LIMIT = 60, AGENT_MESSAGE_LIMIT = 4 * 1024 * 1024, GUARD_CLIENT_LIMIT = 20 };

struct name_value {
    char *name, *value; /* owned */
};

/* What the store wants of one instance. Level-triggered: the whole truth each time. */
struct desired_instance {
    char resource_id[40]; /* db-ABCDEFGHIJKLMNOPQRSTUVWXYZ; never changes, names the folder */
    char identifier[64];  /* DBInstanceIdentifier; may be renamed */
    char region[32];
    char engine[24]; /* "postgres" */
    char engine_version[64];
    int64_t generation; /* grows with every change of anything below */
    bool running;       /* false: stopped */
    bool deleted;       /* true: stop it and remove its folder */
    bool adopted;       /* a server that was there before: never stopped or started, released when deleted */
    int64_t restart;    /* counter: an agent whose own is lower restarts the engine once */
    int port;           /* 0: the agent chooses, the engine's default port first */
    char ca_identifier[32];
    int64_t certificate_generation; /* counter: an agent whose installed one is lower gets and installs a new
                                       certificate */
    struct text_list names;         /* of the server certificate; [0] is the endpoint */
    /* The guard of that generation: for so many seconds after its installation, at most 366 days, the agent
     * watches for clients that refuse it (0: it does not); so many refusals, at least one, put the
     * certificate before it back. A rehearsal is put back when its seconds are over in any case, and only
     * then. Where there is none before it that could serve (the first one, one with other names), nothing is
     * watched. What counts is what is wanted when the generation is installed. */
    int64_t guard_seconds;
    int64_t guard_refusals;
    bool rehearsal;
    char master_username[64];
    char *master_password; /* secret; NULL once the agent reported password_generation */
    int64_t password_generation;
    char database[64]; /* the first database to make; "" for none beside the engine's own */
    struct name_value
        *parameters; /* by RDS's parameter names: rds.force_ssl, ssl_min_protocol_version, ... */
    size_t parameter_count;
};

enum observed_state {
    OBSERVED_WORKING, /* not there yet; `problem` says why when it does not get on */
    OBSERVED_RUNNING,
    OBSERVED_STOPPED,
    OBSERVED_DELETED,
    OBSERVED_FAILED /* cannot be reached without a change of the desired state */
};

/* What became of the newest certificate generation that was installed under guard. */
enum guard_outcome {
    GUARD_NONE,
    GUARD_WATCHING,
    GUARD_KEPT,   /* its time passed with fewer refusals than it takes */
    GUARD_UNDONE, /* the certificate before it serves again; a rehearsal always ends so */
};

struct observed_event {
    char category[32]; /* RDS's event categories: "availability", "configuration change", "failure",
                          "maintenance", ... */
    char *message;     /* owned */
};

struct observed_instance {
    char resource_id[40];
    int64_t generation; /* the desired generation that was reached (or tried, with OBSERVED_WORKING and
                           OBSERVED_FAILED) */
    enum observed_state state;
    int port; /* 0 while unknown */
    char engine_version[64];
    int64_t restart;                /* done */
    int64_t password_generation;    /* applied */
    int64_t certificate_generation; /* served: seen on the wire by a TLS connection */
    char certificate_serial[48];    /* served, lowercase hexadecimal */
    int64_t guard_generation;       /* the certificate generation that is or was watched last; 0: none */
    enum guard_outcome guard_outcome;
    int64_t guard_refusals;         /* handshakes that clients broke off over it */
    struct text_list guard_clients; /* their addresses, each once, at most GUARD_CLIENT_LIMIT */
    int64_t started_at;             /* of the engine's process; 0 when it does not run */
    char *problem;                  /* owned; NULL when all is well */
    struct observed_event *events;  /* to be recorded once */
    size_t event_count;
    char report_id[37]; /* a UUID: a report sent again after a lost reply records its events once */
};

struct engine_version {
    char engine[24];
    char version[64]; /* "15.18" */
};

struct certificate_request {
    char resource_id[40];
    int64_t certificate_generation;
    struct buf request; /* PKCS #10, DER */
};

struct certificate_reply {
    char resource_id[40];
    int64_t certificate_generation;
    char
        *chain; /* PEM: server certificate, subordinate, bridges if any, root, in this order; NULL: refused */
    char *error; /* why; NULL when signed */
    bool retry;  /* the same request may succeed later */
};

/* JSON -> struct: strict on types and lengths, unknown members ignored; those of the guard and `adopted` may
 * be absent (0, false, "none"), as older messages lack them. struct -> JSON: a new reference. */
int desired_from_json(const json_t *json, struct desired_instance *desired, struct error *error);
json_t *desired_to_json(const struct desired_instance *desired);
void desired_free(struct desired_instance *desired); /* the members; the password is wiped */
void desired_set_parameter(struct desired_instance *desired, const char *name, const char *value);

int observed_from_json(const json_t *json, struct observed_instance *observed, struct error *error);
json_t *observed_to_json(const struct observed_instance *observed);
void observed_free(struct observed_instance *observed);
const char *observed_state_name(enum observed_state state);
const char *guard_outcome_name(enum guard_outcome outcome); /* "none", "watching", "kept", "undone" */

int engine_version_from_json(const json_t *json, struct engine_version *version, struct error *error);
json_t *engine_version_to_json(const struct engine_version *version);

int certificate_request_from_json(const json_t *json, struct certificate_request *request,
                                  struct error *error);
json_t *certificate_request_to_json(const struct certificate_request *request);
void certificate_request_free(struct certificate_request *request);

int certificate_reply_from_json(const json_t *json, struct certificate_reply *reply, struct error *error);
json_t *certificate_reply_to_json(const struct certificate_reply *reply);
void certificate_reply_free(struct certificate_reply *reply);

#endif
