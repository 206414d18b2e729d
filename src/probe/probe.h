/* Connects to a database server as a client would, negotiates TLS in the engine's own way, and says what it
 * serves. */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "base/error.h"
#include "pki/certificate.h"

#include <stdbool.h>
#include <stdint.h>

/* How a client of the engine asks for TLS. */
enum probe_protocol {
    PROBE_TLS,             /* TLS from the first byte: Oracle's TCPS, and what is in no need of more */
    PROBE_POSTGRES,        /* SSLRequest (PostgreSQL documentation, "Message Flow", "SSL Session Encryption");
                              PgBouncer too */
    PROBE_POSTGRES_DIRECT, /* TLS first, with ALPN "postgresql": PostgreSQL 17 and later */
    PROBE_MYSQL,           /* MySQL and MariaDB: SSLRequest after the server's greeting */
    PROBE_TDS,             /* SQL Server: PRELOGIN, then TLS in TDS packets (MS-TDS 3.2.5.2) */
    PROBE_TDS_STRICT,      /* SQL Server, TDS 8.0: TLS first, with ALPN "tds/8.0" */
    PROBE_ANY,             /* not known: MySQL, PostgreSQL, SQL Server and TLS are tried, in this order */
};

struct probe_target {
    enum probe_protocol protocol;
    const char *address; /* where to connect: an IP address or a name */
    int port;
    const char *server_name; /* sent as the TLS server name (SNI); NULL or an IP address: none is sent */
    const struct certificate_list *roots; /* whom to trust; NULL: the chain is not verified */
    const char *host;                     /* the name that the certificate must be good for; NULL: any */
    bool plain;       /* make a second connection, to see whether clients may do without TLS */
    int64_t deadline; /* ms that the whole probe may take, the look-up of the address included */
};

/* What a client would have against a chain; several may be true of one. */
enum probe_fault {
    PROBE_EXPIRED = 1,
    PROBE_NOT_YET_VALID = 2,
    PROBE_WRONG_NAME = 4,
    PROBE_SELF_SIGNED = 8,        /* the server's own certificate is its own authority, and not trusted */
    PROBE_UNKNOWN_AUTHORITY = 16, /* the chain ends at nobody who is trusted */
    PROBE_OTHER_FAULT = 32,
};

/* Whether clients may do without TLS, as far as can be told without being let in. */
enum probe_plain { PROBE_PLAIN_UNKNOWN, PROBE_PLAIN_ACCEPTED, PROBE_PLAIN_REFUSED };

struct probe_result {
    enum probe_protocol protocol; /* what was spoken; PROBE_ANY when nothing was */
    bool answered;                /* it spoke the protocol, whatever it said */
    char tls_version[16];         /* "TLSv1.3" */
    char cipher[64];
    char server_version[64];       /* as the server says before TLS: MySQL, MariaDB, SQL Server; else "" */
    struct certificate_list chain; /* as served: the server's own certificate first */
    struct certificate_facts leaf; /* of chain.items[0] */
    struct text_list names;        /* its subject alternative names: DNS names and IP addresses */
    bool verified;                 /* by the given roots, for the given host, at this time */
    unsigned faults;               /* of enum probe_fault; without roots: of its dates and names alone */
    char verification[600];        /* the faults in words; "" without */
    enum probe_plain plain;        /* where target.plain asked */
};

/* Makes a connection and closes it (PROBE_ANY: up to one a protocol). 0 means that a TLS handshake showed a
 * chain, verified or not; `result` is to be freed in any case. ERROR_TIMEOUT past the deadline, ERROR_IO when
 * nothing listens or the connection broke, ERROR_CRYPTO when the handshake failed, ERROR_DENIED when the
 * server speaks its protocol but refuses TLS, ERROR_BUSY when it answered with an error of its own,
 * ERROR_INVALID when it does not speak the protocol. */
int probe_run(const struct probe_target *target, struct probe_result *result, struct error *error);
void probe_result_free(struct probe_result *result);

/* What a server says when asked for TLS. PROBE_ANSWER_READ is for what else is asked. */
enum probe_answer {
    PROBE_ANSWER_MORE,
    PROBE_ANSWER_TLS,
    PROBE_ANSWER_NO_TLS,
    PROBE_ANSWER_ERROR,
    PROBE_ANSWER_READ
};
/* Each reads the bytes received so far. PROBE_ANSWER_ERROR comes with the server's own message where it sent
 * one: a PostgreSQL server's ErrorResponse, a MySQL server's error in place of its greeting ("Too many
 * connections"). `version` is what the server says of itself, or "". */
enum probe_answer probe_postgres_answer(struct slice received, struct error *error);
enum probe_answer probe_mysql_answer(struct slice received, char version[64], struct error *error);
enum probe_answer probe_tds_answer(struct slice received, char version[64], struct error *error);

/* What a server says to the beginning of a log-in. */
enum probe_login {
    PROBE_LOGIN_UNKNOWN,
    PROBE_LOGIN_GOES_ON,   /* it would go on with this connection: the way in is open, whoever may use it */
    PROBE_LOGIN_NEEDS_TLS, /* it says that TLS is missing */
    PROBE_LOGIN_NO_RULE,   /* no rule lets this client in: TLS may be what is missing */
};
/* To a PostgreSQL client's StartupMessage; PgBouncer's too. */
enum probe_answer probe_postgres_login(struct slice received, enum probe_login *login, struct error *error);

#endif
