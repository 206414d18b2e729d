/* The agent process of a database host. */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct agent_options {
    const char *endpoint;         /* https://localhost:8443 */
    const char *ca_file;          /* PEM: the control plane's root, by which the server is verified */
    const char *state_folder;     /* the agent's own key and certificate, enrolment token, host identifier */
    const char *instances_folder; /* one folder an instance, named by its resource id */
    const char *listen_addresses; /* for the engines, comma-separated: "127.0.0.1,::1" */
    const char *client_networks;  /* networks whose clients may connect, comma-separated CIDRs:
                                     "127.0.0.0/8,::1/128" */
    bool adopted_only;            /* offers no engine: no new database is placed here */
    const char *engine_folders;   /* further folders of engines' programs, comma-separated; may be NULL */
    int concurrency;              /* instances worked on at once */
    int64_t check_interval;       /* ms between looks at installed certificates and running engines */
};

/* Runs until SIGTERM or SIGINT; engines go on. Returns the process's exit status. */
int agent_run(const struct agent_options *options);

#endif
