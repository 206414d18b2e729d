#include "signer/client.h"

#include "base/clock.h"
#include "base/memory.h"
#include "signer/protocol.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESEND_AFTER (2 * CLOCK_SECOND) /* a request that a dying signer took with it */

struct signer_client {
    int descriptor;
    int64_t deadline;
    uint32_t next_id;
    unsigned char packet[SIGNER_PACKET_LIMIT];
};

struct signer_client *signer_client_new(int descriptor, int64_t deadline)
{
    struct signer_client *client = mem_new(sizeof *client);
    client->descriptor = descriptor;
    client->deadline = deadline;
    /* Replies to whoever had this channel before are not for us. */
    client->next_id = (uint32_t)clock_steady() << 8;
    return client;
}

void signer_client_free(struct signer_client *client)
{
    if (!client)
        return;
    close(client->descriptor);
    free(client);
}

static int send_packet(struct signer_client *client, struct slice packet, struct error *error)
{
    if (packet.length > SIGNER_PACKET_LIMIT)
        return error_set(error, ERROR_LIMIT, "a request of %zu bytes to the signer", packet.length);
    ssize_t sent = send(client->descriptor, packet.data, packet.length, MSG_NOSIGNAL);
    return sent == (ssize_t)packet.length ? 0 : error_set_system(error, errno, "cannot reach the signer");
}

/* Waits for a packet; an empty one when the time is over. */
static int receive(struct signer_client *client, int64_t until, struct slice *packet, struct error *error)
{
    struct pollfd wait_for = {client->descriptor, POLLIN, 0};
    int64_t left = until - clock_steady();
    *packet = (struct slice){0};
    int ready = poll(&wait_for, 1, left > 0 ? (int)left : 0);
    if (ready <= 0)
        return ready == 0 || errno == EINTR ? 0
                                            : error_set_system(error, errno, "cannot wait for the signer");
    ssize_t got = recv(client->descriptor, client->packet, sizeof client->packet, 0);
    if (got <= 0)
        return error_set(error, ERROR_IO, "the signer's channel is closed");
    *packet = slice_of(client->packet, (size_t)got);
    return 0;
}

/* One exchange: sends, waits, sends again after a hello or a silence. `body` is left at the reply's body. */
static int exchange(struct signer_client *client, struct slice request, uint32_t id, enum signer_kind kind,
                    struct reader *body, struct error *error)
{
    int64_t until = clock_steady() + client->deadline;
    int result = send_packet(client, request, error);
    int64_t resend_at = clock_steady() + RESEND_AFTER;
    while (!result) {
        struct slice packet;
        result = receive(client, resend_at < until ? resend_at : until, &packet, error);
        if (!result && packet.length && signer_decode_reply(packet, id, kind, body, error))
            return (int)error->code;
        if (!result && clock_steady() >= until)
            result = error_set(error, ERROR_TIMEOUT, "the signer did not answer within %lld ms",
                               (long long)client->deadline);
        if (!result && (signer_is_hello(packet) || clock_steady() >= resend_at)) {
            result = send_packet(client, request, error);
            resend_at = clock_steady() + RESEND_AFTER;
        }
    }
    return result;
}

/* An exchange whose reply is one certificate. */
static int exchange_single(struct signer_client *client, struct slice request, uint32_t id,
                           enum signer_kind kind, struct buf *der, struct error *error)
{
    struct reader body;
    int certificate_result = 0;
    int result = exchange(client, request, id, kind, &body, error);
    if (result)
        return result;
    if (!signer_decode_certificate(&body, &certificate_result, error, der) || !reader_done(&body))
        return error_set(error, ERROR_INTERNAL, "a malformed reply of the signer");
    return certificate_result;
}

int signer_ensure_ca(struct signer_client *client, const struct signer_ca *ca, struct buf *der,
                     struct error *error)
{
    AUTO_BUF struct buf packet = {0};
    uint32_t id = ++client->next_id;
    signer_encode_ensure(&packet, id, ca);
    return exchange_single(client, slice_buf(&packet), id, SIGNER_ENSURE_CA, der, error);
}

int signer_sign_server(struct signer_client *client, const struct signer_server_request *requests,
                       size_t count, struct signer_server_reply *replies, struct error *error)
{
    AUTO_BUF struct buf packet = {0};
    struct reader body;
    uint32_t id = ++client->next_id;
    if (count > SIGNER_BATCH_LIMIT)
        return error_set(error, ERROR_LIMIT, "%zu requests at once, at most %d", count, SIGNER_BATCH_LIMIT);
    signer_encode_sign(&packet, id, requests, count);
    int result = exchange(client, slice_buf(&packet), id, SIGNER_SIGN_SERVER, &body, error);
    for (size_t i = 0; !result && i < count; i++)
        if (!signer_decode_certificate(&body, &replies[i].result, &replies[i].error, &replies[i].der))
            result = error_set(error, ERROR_INTERNAL, "a malformed reply of the signer");
    return result;
}

int signer_sign_bridge(struct signer_client *client, const struct signer_bridge *bridge, struct buf *der,
                       struct error *error)
{
    AUTO_BUF struct buf packet = {0};
    uint32_t id = ++client->next_id;
    signer_encode_bridge(&packet, id, bridge);
    return exchange_single(client, slice_buf(&packet), id, SIGNER_BRIDGE, der, error);
}

int signer_control_ca(struct signer_client *client, struct buf *der, struct error *error)
{
    AUTO_BUF struct buf packet = {0};
    uint32_t id = ++client->next_id;
    signer_encode_control_ca(&packet, id);
    return exchange_single(client, slice_buf(&packet), id, SIGNER_CONTROL_CA, der, error);
}

int signer_sign_control(struct signer_client *client, enum control_kind kind, const char *common_name,
                        const struct text_list *names, struct slice request, int64_t not_after,
                        struct buf *der, struct error *error)
{
    AUTO_BUF struct buf packet = {0};
    uint32_t id = ++client->next_id;
    signer_encode_sign_control(&packet, id, kind, common_name, names, request, not_after);
    return exchange_single(client, slice_buf(&packet), id, SIGNER_SIGN_CONTROL, der, error);
}
