/* Servers that were there before Sealwright: what is known of one, and what was changed for it. It is kept as
 * adopted.json in the instance's folder.
 *
 * In the owner's files there are hooks alone (hook.h), which are put in once, by whoever may, and change
 * nothing by themselves. They name files in the folder's tls/, and these decide what the server serves: its
 * own certificate of before, or Sealwright's. */
#ifndef ENGINE_ADOPTED_H
#define ENGINE_ADOPTED_H

#include "engine/engine.h"
#include "engine/hook.h"

/* One setting of the server: for people, and for those who undo it by hand. */
struct adopted_setting {
    char *name, *before, *after; /* owned */
};

struct adopted { /* owned texts may be NULL */
    char identifier[64], region[32];
    char engine[24], version[64];
    char *data_folder; /* absolute, without links */
    char *config_file;
    char *socket;    /* the folder or file of its local socket */
    char *superuser; /* of the local connection */
    char *address;   /* one of those it listens on */
    int port;
    char *pid_file;                   /* where its process is found otherwise than by the data folder */
    bool tls;                         /* by its owner's own settings, Sealwright's left out: */
    char *certificate;                /* PEM file */
    char *key;                        /* PEM file */
    char *authorities;                /* PEM file, where the certificate is read with it */
    char *log;                        /* that the guard looks into; NULL: found anew each time */
    char *log_line_prefix;            /* how it is to be read */
    char *unguarded;                  /* why the guard has nothing to look into; NULL: it has */
    bool given_back;                  /* what the owner's settings say is in force again */
    struct adopted_setting *settings; /* changed */
    size_t setting_count;
    struct hook *hooks;
    size_t hook_count;
};

/* What an engine does for such servers. All run as the user whose processes they are. */
struct engine_adoption {
    /* The engine that made a data folder, by RDS's name: "mariadb"; NULL: not this one. */
    const char *(*recognise)(const char *data_folder);
    /* The data folder that a configuration file names, for free(); NULL: none. */
    char *(*find_data)(const char *config_file);
    /* Asks the running server for all but the names, settings and hooks; what is set already is taken as
     * given (socket, superuser). ERROR_STATE when it does not run, or its owner has set what stands in the
     * way; ERROR_DENIED when it does not let this user in. */
    int (*look)(struct adopted *server, struct error *error);
    /* Adds the settings and hooks by which the server comes to serve what stands in `folder`. ERROR_STATE,
     * with what to do, for a server that cannot be adopted as it is. */
    int (*plan)(struct adopted *server, const char *folder, struct error *error);
    /* Makes the hooks mean what the owner's files say, by what stands in `folder`, for when the server reads
     * it next. Fails where the owner's files are not good; then nothing has changed. */
    int (*neutral)(const struct adopted *server, const char *folder, struct error *error);
    /* Tells the running server to read its configuration and certificate again. */
    int (*tell)(const struct adopted *server, struct error *error);
    /* The driver's functions for such an instance: those that start, stop or make anything refuse. */
    const struct engine_driver *face;
};

bool adopted_is(const char *folder); /* Is there an adopted.json? */
int adopted_load(const char *folder, struct adopted *server, struct error *error);
int adopted_save(const char *folder, const struct adopted *server, struct error *error);
json_t *adopted_to_json(const struct adopted *server);
/* ERROR_INVALID; the server is the caller's to free. */
int adopted_from_json(const json_t *json, struct adopted *server, struct error *error);
void adopted_free(struct adopted *server);

void adopted_add_setting(struct adopted *server, const char *name, const char *before, const char *after);
void adopted_add_hook(struct adopted *server, enum hook_kind kind, const char *path, const char *text);
/* Replaces an owned text. */
void adopted_set(char **target, const char *value);

/* Puts all hooks in. `changed`: one was not there. */
int adopted_put_hooks(const struct adopted *server, bool *changed, struct error *error);
/* Takes all out. */
int adopted_remove_hooks(const struct adopted *server, struct error *error);

/* The owner's settings and certificate are in force again, seen on the wire; else nothing has changed. A
 * server that does not run gets them with its next start. Hooks stay. */
int adopted_give_back(const struct engine_adoption *adoption, const struct engine_instance *instance,
                      struct error *error);

/* For faces: start and stop, provision, set_master, which refuse (ERROR_STATE); provisioned. */
int adopted_never(const struct engine_instance *instance, int64_t deadline, struct error *error);
int adopted_never_provision(const struct engine_instance *instance, struct error *error);
int adopted_never_set_master(const struct engine_instance *instance, const struct engine_master *master,
                             struct error *error);
bool adopted_provisioned(const struct engine_instance *instance);

#endif
