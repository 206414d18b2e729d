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
};

struct probe_target {
    enum probe_protocol protocol;
    const char *address; /* where to connect: an IP address or a name */
    int port;
    const char *server_name; /* sent as the TLS server name (SNI); NULL or an IP address: none is sent */
    const struct certificate_list *roots; /* whom to trust; NULL: the chain is not verified */
    const char *host;                     /* the name that the certificate must be good for; NULL: any */
    int64_t deadline; /* ms that the whole probe may take, the look-up of the address included */
};

struct probe_result {
    char tls_version[16]; /* "TLSv1.3" */
    char cipher[64];
    char server_version[64];       /* as the server says before TLS: MySQL, MariaDB, SQL Server; else "" */
    struct certificate_list chain; /* as served: the server's own certificate first */
    struct certificate_facts leaf; /* of chain.items[0] */
    struct text_list names;        /* its subject alternative names: DNS names and IP addresses */
    bool verified;                 /* by the given roots, for the given host, at this time */
    char verification[600];        /* why not; "" when verified or not asked for */
};

/* Makes one connection and closes it. 0 means that a TLS handshake showed a chain, verified or not; `result`
 * is to be freed in any case. ERROR_TIMEOUT past the deadline, ERROR_IO when nothing listens or the
 * connection broke, ERROR_DENIED when the server speaks its protocol but refuses TLS, ERROR_INVALID when it
 * does not speak the protocol. */
int probe_run(const struct probe_target *target, struct probe_result *result, struct error *error);
void probe_result_free(struct probe_result *result);

/* What a server says when asked for TLS. PROBE_ANSWER_READ is for what else is asked within this folder. */
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

#endif
