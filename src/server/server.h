/* The server: one parent, its signer, N identical workers over the store. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "fleet/fleet.h"
#include "fleet/settings.h"

/* How the key that encrypts the CA keys at rest is given. */
struct server_options {
    struct settings *settings;
    char *passphrase; /* of the CA keys; NULL: the key file signer/master.key */
};

/* Runs until SIGTERM or SIGINT. Returns the process's exit status. */
int server_run(const struct server_options *options);

/* Opens the store of a run folder as the calling user: for the server's own processes and for administration
 * on this machine. */
int server_open_fleet(const struct settings *settings, struct fleet *fleet, struct error *error);
void server_close_fleet(struct fleet *fleet);

/* Folders and files below the run folder. */
#define SERVER_STORE_FOLDER         "store"
#define SERVER_STORE_FILE           "store/sealwright.db"
#define SERVER_SEAL_FILE            "store/secrets.key"
#define SERVER_SIGNER_FOLDER        "signer"
#define SERVER_SIGNER_KEY           "signer/master.key"
#define SERVER_ENDPOINT_FOLDER      "endpoint"
#define SERVER_ENDPOINT_CERTIFICATE "endpoint/endpoint.pem"
#define SERVER_ENDPOINT_KEY         "endpoint/endpoint.key"
#define SERVER_CONTROL_CA           "endpoint/ca.pem"
#define SERVER_CLOCK                "clock" /* the time at which the server ran last */
#define SERVER_AGENT_FOLDER         "agent"
#define SERVER_INSTANCES_FOLDER     "instances"
#define SERVER_AGENTS_FOLDER        "agents" /* of other users: one folder each, by the user's name */
#define SERVER_LOG_FOLDER           "log"

#endif
