/* The parts of the drivers for MySQL and MariaDB, which share all but what a flavour holds.
 *
 * In an instance's folder, beside what engine.h names: sealwright.cnf (all settings), mysql.sock, server.pid,
 * files/ (where SQL may read and write files), rdsadmin.password and accounts.sql (this
 * driver's own account). */
#ifndef ENGINE_MYSQL_H
#define ENGINE_MYSQL_H

#include "engine/engine.h"

/* The driver's own account, as RDS names it. Names of clients are not looked up (skip_name_resolve), so none
 * that comes over TCP is "localhost": it comes in over the local socket alone. */
#define MYSQL_ADMIN "rdsadmin"

/* A statement with an account in it. */
struct mysqld_statement {
    const char *before, *after; /* NULL before: the end of a table */
};

/* Where the two engines differ. */
struct mysqld_flavour {
    const char *engine;                      /* by RDS's name */
    const char *title;                       /* for messages */
    const char *const *programs;             /* names of the server, NULL-terminated; the first found is it */
    bool says_mariadb;                       /* by --version */
    const char *least_version;               /* that this driver can run */
    const struct engine_parameter *defaults; /* yield to parameters; ended by a NULL name */
    const struct engine_parameter *fixed;    /* do not */
    bool reads_issuers;                      /* ssl_ca must hold what is above the server certificate */
    bool writes_files;                       /* secure_file_priv must be a folder */
    const char *read_certificate;            /* the statement */
    const struct mysqld_statement *privileges; /* of the master user */
    /* The clause of CREATE USER and ALTER USER that sets a password; for mem_free_secret. */
    char *(*identified)(const char *password);
    /* Can a release in this folder be provisioned? NULL: always. */
    bool (*complete)(const char *programs);
    /* Makes a data folder; it need not be synced. */
    int (*fill)(const struct engine_instance *instance, const char *new_data, struct error *error);
};

extern const struct mysqld_flavour mysql_flavour, mariadb_flavour;
extern const struct engine_driver mysql_driver, mariadb_driver;
extern const struct engine_adoption mysql_adoption, mariadb_adoption; /* mysql_adopted.c */

/* Of an instance with a release. */
const struct mysqld_flavour *mysqld_flavour_of(const struct engine_instance *instance);

/* mysql_discover.c */
void mysqld_discover(const struct mysqld_flavour *flavour, const char *folders,
                     struct engine_releases *releases);
/* The version in what the server prints for --version; false where it is the other flavour's, or none. */
bool mysqld_version(const struct mysqld_flavour *flavour, const char *output, char *version, size_t size);
bool mysqld_compatible(const char *from, const char *to);
/* The server's program in a folder; NULL when there is none. free() it. */
char *mysqld_program(const struct mysqld_flavour *flavour, const char *folder);

/* mysql_config.c */
int mysqld_configure(const struct engine_instance *instance, bool *changed, struct error *error);
/* The text of sealwright.cnf. */
int mysqld_settings(const struct engine_instance *instance, struct buf *text, struct error *error);
char *mysqld_settings_file(const struct engine_instance *instance);
/* free() it. */
char *mysqld_socket(const struct engine_instance *instance);

/* mysql_process.c */
bool mysqld_provisioned(const struct engine_instance *instance);
int mysqld_provision(const struct engine_instance *instance, struct error *error);
struct engine_status mysqld_status(const struct engine_instance *instance);
int mysqld_start(const struct engine_instance *instance, int64_t deadline, struct error *error);
int mysqld_stop(const struct engine_instance *instance, int64_t deadline, struct error *error);
char *mysqld_log_file(const struct engine_instance *instance);

/* mysql_account.c */

/* Before a start: the files of the driver's own account. The server reads accounts.sql before it takes
 * connections, so the account is there and has the kept password after each start, whatever was done to it.
 */
int mysqld_account_prepare(const struct engine_instance *instance, struct error *error);
/* After one: what was there at the first start alone is not said again. */
int mysqld_account_settle(const struct engine_instance *instance, struct error *error);
int mysqld_account_password(const struct engine_instance *instance, struct buf *password,
                            struct error *error);

/* mysql_session.c */

struct mysqld_session {
    struct st_mysql *connection;
    const char *folder; /* the instance's */
    const struct mysqld_flavour *flavour;
    struct error *error;
    int result; /* of the first statement that failed */
};

/* Connects over the local socket. Nothing that the session does is written to a log. ERROR_BUSY while nobody
 * answers there. */
int mysqld_session_open(const struct engine_instance *instance, struct mysqld_session *session,
                        struct error *error);
/* The same as a user whom the server knows by the socket, without a password; what the session does is logged
 * as anybody's. ERROR_DENIED where it does not let the user in. */
int mysqld_session_open_as(const struct mysqld_flavour *flavour, const char *socket, const char *user,
                           struct mysqld_session *session, struct error *error);
void mysqld_session_close(struct mysqld_session *session);
/* Gives each row of two columns to `visit`. */
void mysqld_session_ask(struct mysqld_session *session, const char *sql,
                        void (*visit)(const char *name, const char *value, void *context), void *context);
/* Does nothing once a statement failed. */
void mysqld_session_do(struct mysqld_session *session, const char *sql);
/* The same with a password in the statement, of which an error says nothing. */
void mysqld_session_do_secretly(struct mysqld_session *session, const char *sql);
/* Sets a global variable where it can be set; `value` NULL: to its default. What the server does not take is
 * logged. */
void mysqld_session_set(struct mysqld_session *session, const char *name, const char *value);
int mysqld_reload(const struct engine_instance *instance, struct error *error);

/* Text between quotes: quotes and backslashes escaped. free() or mem_free_secret() it. */
char *mysqld_escape(const char *text);

/* mysql_master.c */
int mysqld_set_master(const struct engine_instance *instance, const struct engine_master *master,
                      struct error *error);

/* mysql_evidence.c */
int mysqld_evidence(const struct mysqld_flavour *flavour, const struct engine_instance *instance,
                    struct engine_evidence *evidence, struct error *error);
/* The same in a log of any name. */
int mysqld_read_evidence(const struct mysqld_flavour *flavour, const char *path,
                         struct engine_evidence *evidence, struct error *error);
/* Counts the refusals in the whole lines of a log. */
void mysqld_evidence_take(const struct mysqld_flavour *flavour, struct slice log,
                          struct engine_evidence *evidence);

#endif
