/* The parts of the SQL Server driver. One program serves all editions: MSSQL_PID says which. What of this no
 * real server has confirmed is told in docs/sqlserver.md. */
#ifndef ENGINE_SQLSERVER_H
#define ENGINE_SQLSERVER_H

#include "engine/engine.h"

#include <sys/types.h>

extern const struct engine_driver sqlserver_driver;

/* The folder in which SQL Server on Linux has everything, which no setting moves. */
#define SQLSERVER_ROOT "/var/opt/mssql"

/* sqlserver_release.c */
void sqlserver_discover(const char *folders, struct engine_releases *releases);
bool sqlserver_compatible(const char *from, const char *to);
/* What `PAL_PROGRAM_INFO=1 sqlservr` prints -> RDS's form: "Version 16.0.1000.6" is 16.00.1000.6.v1. */
bool sqlserver_read_version(const char *output, char *version, size_t size);
/* The value of MSSQL_PID for RDS's engine: "Standard" for sqlserver-se. */
const char *sqlserver_edition(const char *engine);

/* sqlserver_config.c */
int sqlserver_configure(const struct engine_instance *instance, bool *changed, struct error *error);
void sqlserver_certificate_files(const struct engine_instance *instance,
                                 struct engine_certificate_files *files);
/* The one IPv4 address that it can be told to listen on: the first that is asked for. "*" is all. */
char *sqlserver_listens(const struct engine_instance *instance);
/* The text of mssql.conf. `serving` is false for the set-up of new data, which nobody is to reach. */
int sqlserver_settings(const struct engine_instance *instance, bool serving, struct buf *text,
                       struct error *error);

/* sqlserver_view.c */

/* What an instance's processes see of this host: their working folder, which holds the data, is
 * SQLSERVER_ROOT.
 */
struct sqlserver_view {
    const char *hidden; /* a folder that they do not see: that of all instances */
    const char *tls;    /* the folder that is SQLSERVER_ROOT/tls; NULL for none */
    const char *trust;  /* the folder that is OpenSSL's certificate folder; NULL: the host's own */
    const char *note;   /* the file that gets the process's number and start, and log_end; NULL for none */
    off_t log_end;
};
/* In a child, between fork and exec: enters the view for good. What went wrong is said on standard error. */
int sqlserver_view_enter(const void *view);
/* Makes the folder `trust` anew: what the host's has, and the certificates that are to be sent between the
 * served one and its root. SQL Server sends only those that it finds there. */
int sqlserver_view_trust(const struct engine_instance *instance, const char *trust, struct error *error);
/* Is it a process of the instance with this data folder? One that was just started may not be in its view
 * yet, and is known by its working folder. */
bool sqlserver_view_is_of(int pid, const char *data);
/* Ends all processes in the view of the data folder, by SIGTERM to `pid` (0: none) at first and SIGKILL to
 * all past three quarters of the deadline. */
int sqlserver_view_end(int pid, const char *data, int64_t deadline, struct error *error);

/* sqlserver_process.c */
struct engine_status sqlserver_status(const struct engine_instance *instance);
int sqlserver_start(const struct engine_instance *instance, int64_t deadline, struct error *error);
int sqlserver_stop(const struct engine_instance *instance, int64_t deadline, struct error *error);
int sqlserver_reload(const struct engine_instance *instance, struct error *error);

/* sqlserver_provision.c */
bool sqlserver_provisioned(const struct engine_instance *instance);
int sqlserver_provision(const struct engine_instance *instance, struct error *error);

/* sqlserver_master.c */
int sqlserver_set_master(const struct engine_instance *instance, const struct engine_master *master,
                         struct error *error);
/* The statements of it, for tests; holds the password. */
void sqlserver_master_statements(const struct engine_master *master, struct buf *statements);

#endif
