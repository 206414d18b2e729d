/* Asking the signer. The channel is one end of a SOCK_SEQPACKET socketpair; a message is a packet of at most
 * 64 KiB. Calls block, at most `deadline` milliseconds in all: when the signer is killed and started anew its
 * first packet on each channel says so, and a call that was waiting is sent once more (every operation may be
 * repeated with the same outcome). */
#ifndef SIGNER_CLIENT_H
#define SIGNER_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "pki/certificate.h"

#include <stdint.h>

struct signer_client;

struct signer_client *signer_client_new(int descriptor, int64_t deadline); /* takes the descriptor */
void signer_client_free(struct signer_client *client);

/* A CA of a scope (region; for the root of rds-ca-2019 the partition). */
struct signer_ca {
    const char *region; /* region name, or partition name for rds-ca-2019's root */
    const char *partition;
    const char *ca_identifier;
    bool subordinate;
    int number;                                /* of the subordinate; 0 for a root */
    const struct text_list *permitted_domains; /* subordinates only */
    bool allow_ip_addresses;
};

/* Makes the key and the certificate of a CA, or finds those made before: `der` gets the certificate once both
 * are on disk. ERROR_BUSY while the key is being made (it goes on in the background: ask again). A
 * subordinate needs its root to be there (ERROR_BUSY as well; it is made first). ERROR_EXISTS when that
 * number exists with other constraints. */
int signer_ensure_ca(struct signer_client *client, const struct signer_ca *ca, struct buf *der,
                     struct error *error);

/* One server certificate to sign. */
struct signer_server_request {
    const char *region;
    const char *partition;
    const char *ca_identifier;
    int number;                    /* of the subordinate that signs */
    struct slice request;          /* PKCS #10, DER */
    const struct text_list *names; /* what the server allows; the request must ask for exactly these */
    int64_t not_before, not_after; /* ms; at most signer policy's longest life; cut to the chain's end */
};
struct signer_server_reply {
    int result; /* 0 or an error code */
    struct error error;
    struct buf der; /* the server certificate */
};
/* Signs `count` requests (at most 16) in one exchange. Non-zero when the exchange itself failed; else each
 * reply says its own result. The signer's policy checks again: key kind of the CA, names within the
 * subordinate's constraints, life, rate. */
int signer_sign_server(struct signer_client *client, const struct signer_server_request *requests,
                       size_t count, struct signer_server_reply *replies, struct error *error);

/* A bridge: the root of one CA of a region, certified by the root of another CA of the same region, so that
 * who trusts only the second one can verify what the first one's subordinates sign. */
struct signer_bridge {
    const char *region;
    const char *partition;
    const char *subject_ca; /* whose root key is certified */
    const char *issuer_ca;  /* whose root signs */
};
/* Makes a bridge certificate that ends with the earlier of both roots. ERROR_NOT_FOUND while a root is not
 * there (of rds-ca-2019 the region's first subordinate as well: it says that the partition's root is the
 * region's); ERROR_STATE when one of them is over; ERROR_INVALID for the same CA twice or one that is
 * unknown; ERROR_DENIED when the region is of another partition; ERROR_BUSY when the signer's rate is
 * reached. Each call makes another certificate. */
int signer_sign_bridge(struct signer_client *client, const struct signer_bridge *bridge, struct buf *der,
                       struct error *error);

/* The control plane's CA certificate (made at the first call; ERROR_BUSY as above). */
int signer_control_ca(struct signer_client *client, struct buf *der, struct error *error);
/* A certificate of the control plane for the key of a request. */
int signer_sign_control(struct signer_client *client, enum control_kind kind, const char *common_name,
                        const struct text_list *names, struct slice request, int64_t not_after,
                        struct buf *der, struct error *error);

#endif
