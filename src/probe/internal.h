/* What the files of this folder share: a connection with a deadline, and what each protocol does with it. */
#ifndef PROBE_INTERNAL_H
#define PROBE_INTERNAL_H

#include "probe/probe.h"

#include <openssl/ssl.h>

/* Who logs in: nobody has this name, and who finds it in a server's log knows where it comes from. */
#define PROBE_USER "sealwright-probe"

/* A connection, first plain, then under TLS. */
struct wire {
    int fd;          /* -1: none */
    int64_t until;   /* clock_steady(): what comes later is ERROR_TIMEOUT */
    SSL *ssl;        /* NULL: plain */
    bool in_packets; /* while shaking hands: TLS records travel in TDS packets */
};

/* Connects to the first of the target's addresses that answers. */
int wire_connect(struct wire *wire, const struct probe_target *target, struct error *error);
/* Waits until the socket is ready for `events` of poll(2). */
int wire_wait(const struct wire *wire, short events, struct error *error);
/* Shakes hands; no chain is turned down. `server_name` and `alpn` may be NULL. `error` may not. */
int wire_secure(struct wire *wire, const char *server_name, const char *alpn, struct error *error);
int wire_send(struct wire *wire, struct slice bytes, struct error *error);
/* Appends what has come, one byte at least. ERROR_IO at the connection's end. */
int wire_receive(struct wire *wire, struct buf *received, struct error *error);
/* Says good-bye and does not wait for the other side's. */
void wire_close(struct wire *wire);

/* Reads the bytes received so far: PROBE_ANSWER_MORE until there are enough of them. `what` is the reader's
 * own. */
typedef enum probe_answer wire_reader(struct slice received, void *what, struct error *error);
/* Sends `request` (may be empty) and receives until `reader` has its answer. The answer PROBE_ANSWER_NO_TLS
 * becomes ERROR_DENIED, PROBE_ANSWER_ERROR the reader's own error. */
int wire_ask(struct wire *wire, struct slice request, wire_reader *reader, void *what, struct error *error);

/* What each protocol says before TLS. `result` gets what the server tells of itself. */
int postgres_ask(struct wire *wire, struct probe_result *result, struct error *error);
int mysql_ask(struct wire *wire, struct probe_result *result, struct error *error);
int tds_ask(struct wire *wire, struct probe_result *result, struct error *error);

/* Begin a log-in as nobody on a connection that has asked for nothing yet, or, where the protocol has it,
 * under TLS, and end it in peace. What fails is PROBE_LOGIN_UNKNOWN. */
enum probe_login postgres_login(struct wire *wire);
enum probe_login mysql_login(struct wire *wire);
enum probe_login tds_login(struct wire *wire);
enum probe_login tls_login(struct wire *wire);

/* Under TLS: a log-in that is turned down cleanly. Without it MySQL and MariaDB count a broken connection,
 * and refuse the host after max_connect_errors of them. */
void mysql_finish(struct wire *wire);

/* What a MySQL server says to a step of a log-in. */
enum { MYSQL_OK = 0x00, MYSQL_SWITCH = 0xfe, MYSQL_REFUSED = 0xff };
struct mysql_reply {
    uint8_t kind, number; /* the packet's first byte, and its number in the conversation */
    uint32_t error;       /* with MYSQL_REFUSED */
    char plugin[64];      /* with MYSQL_SWITCH: how it wants to authenticate */
};
enum probe_answer mysql_read_reply(struct slice received, struct mysql_reply *reply, struct error *error);

/* Fills in what clients would make of result->chain. */
void probe_verify(const struct probe_target *target, struct probe_result *result);

/* Appends `bytes` as TDS packets of the kind that carries the handshake. */
void tds_wrap(struct slice bytes, struct buf *packets);
/* How many bytes must still come until one packet is whole; 0 when it is, or when it is none that carries a
 * handshake: then *payload is empty. */
size_t tds_missing(struct slice received, struct slice *payload);

#endif
