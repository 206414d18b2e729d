/* The parts of the Oracle driver.
 *
 * An instance has an ORACLE_SID of its own, so that several of them on one host may have the same database
 * name; clients know the database by its name, as a service or as a SID. It has a listener of its own, whose
 * files are in `network/admin` of the instance's folder (its TNS_ADMIN). No real Oracle has confirmed what
 * stands here: docs/oracle.md says which parts that are. */
#ifndef ENGINE_ORACLE_H
#define ENGINE_ORACLE_H

#include "engine/engine.h"

extern const struct engine_driver oracle_driver;

/* oracle_home.c: what is installed, and how its programs are run */
void oracle_discover(const char *folders, struct engine_releases *releases);
bool oracle_compatible(const char *from, const char *to);
/* Oracle's own version of a 19c home ("19.21.0.0.0") as RDS names it ("19.0.0.0.ru-2023-10.rur-2023-10.r1").
 * False for another major version: on RDS later ones are other engines (oracle-ee-cdb). */
bool oracle_rds_version(const char *own, char *version, size_t size);
char *oracle_sid(const struct engine_instance *instance);            /* for free() */
char *oracle_network_folder(const struct engine_instance *instance); /* for free() */
/* The name under which clients know the database, upper case: at most 8 letters and digits (DB_NAME).
 * ERROR_INVALID. */
int oracle_service(const struct engine_instance *instance, char service[9], struct error *error);
/* Runs a program of the ORACLE_HOME with the instance's environment, as process_run_command does. */
enum { ORACLE_ARGUMENTS = 12 };
struct oracle_program {
    const char *const *arguments; /* NULL-terminated, fewer than ORACLE_ARGUMENTS; [0]: a name in bin/ */
    const char *folder;           /* to work in; NULL: the instance's */
    struct slice input;
    int64_t deadline;
};
int oracle_run(const struct engine_instance *instance, const struct oracle_program *program,
               struct buf *output, struct error *error);

/* The time until a moment of clock_steady(), ms; a little even when it has passed. */
int64_t oracle_left(int64_t until);

/* oracle_sql.c: SQL*Plus as SYSDBA, by the right of the operating system's user */
/* Runs statements from standard input and stops at the first that fails. The error is Oracle's, without the
 * statement. `output` may be NULL. */
int oracle_sql(const struct engine_instance *instance, struct slice statements, int64_t deadline,
               struct buf *output, struct error *error);
/* The last line of an output that begins with a code of this kind ("ORA-", "TNS-"), for free(); NULL. */
char *oracle_message(struct slice output, const char *kind);

/* oracle_config.c: the files that Oracle Net and the database read */
int oracle_configure(const struct engine_instance *instance, bool *changed, struct error *error);
int oracle_tls_port(const struct engine_instance *instance);
/* The texts of the files, for tests. */
int oracle_sqlnet(const struct engine_instance *instance, struct buf *text, struct error *error);
int oracle_listener(const struct engine_instance *instance, struct buf *text, struct error *error);
int oracle_names(const struct engine_instance *instance, struct buf *text, struct error *error);
int oracle_start_parameters(const struct engine_instance *instance, struct buf *text, struct error *error);
/* Statements that give the parameters to a database that runs; those that need a restart fail. */
int oracle_parameter_statements(const struct engine_instance *instance, struct buf *text,
                                struct error *error);
/* Is at least one of the option's cipher suites for this kind of key? True where the option names none. A
 * listener without one would refuse every client. */
bool oracle_suites_fit(const char *suites, bool rsa);

/* oracle_wallet.c: what the listener opens */
void oracle_certificate_files(const struct engine_instance *instance, struct engine_certificate_files *files);
/* A PKCS #12 file of the key, its certificate and all others of `chain` and `authorities` (PEM), each once.
 * DER is appended. */
int oracle_wallet_pack(struct slice key, struct slice chain, struct slice authorities, const char *password,
                       struct buf *der, struct error *error);
/* Makes the wallet of the certificate files and puts it in the old one's place, as one step. One that is
 * there for them stays, unless it is to be made `anew`: somebody may have touched it. */
int oracle_wallet_place(const struct engine_instance *instance, bool anew, struct error *error);

/* oracle_listener.c */
/* The process of the instance's listener; 0: none runs. */
int oracle_listener_find(const struct engine_instance *instance);
int oracle_listener_stop(const struct engine_instance *instance, int64_t until, struct error *error);
/* Starts it anew, in the place of one that runs. ERROR_EXISTS when the instance's port is taken. */
int oracle_listener_start(const struct engine_instance *instance, int64_t until, struct error *error);
/* ERROR_EXISTS when the instance's port is taken by another program than its listener; another error for that
 * of TLS. */
int oracle_listener_check_ports(const struct engine_instance *instance, struct error *error);

/* oracle_process.c */
struct engine_status oracle_status(const struct engine_instance *instance);
int oracle_start(const struct engine_instance *instance, int64_t deadline, struct error *error);
int oracle_stop(const struct engine_instance *instance, int64_t deadline, struct error *error);
int oracle_reload(const struct engine_instance *instance, struct error *error);

/* oracle_provision.c */
bool oracle_provisioned(const struct engine_instance *instance);
int oracle_provision(const struct engine_instance *instance, struct error *error);

/* oracle_master.c */
int oracle_set_master(const struct engine_instance *instance, const struct engine_master *master,
                      struct error *error);

#endif
