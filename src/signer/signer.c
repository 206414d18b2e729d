#include "signer/signer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "signer/ceremony.h"
#include "signer/confine.h"
#include "signer/keystore.h"
#include "signer/policy.h"
#include "signer/protocol.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHANNEL_STACK = 512 * 1024 };
#define BACKDATE  (5 * CLOCK_MINUTE)
#define LEGACY_CA "rds-ca-2019"

struct signer {
    const struct signer_options *options;
    struct keystore *keystore;
    struct ceremony *ceremony;
    struct policy *policy;
};

/* One thread's channel. */
struct channel {
    struct signer *signer;
    int descriptor;
};

/* Is this the CA of that region? For rds-ca-2019 the root is the partition's. */
static const struct keystore_ca *find_root(struct signer *signer, const char *region, const char *partition,
                                           const char *ca_identifier)
{
    bool legacy = text_equal(ca_identifier, LEGACY_CA);
    return keystore_find(signer->keystore, legacy ? partition : region, ca_identifier, 0);
}

static int sign_leaf(struct signer *signer, const struct signer_leaf *leaf, struct buf *der,
                     struct error *error)
{
    const struct ca_profile *profile = ca_profile_find(leaf->ca_identifier);
    const struct keystore_ca *root = find_root(signer, leaf->region, leaf->partition, leaf->ca_identifier);
    const struct keystore_ca *subordinate =
        leaf->number > 0 ? keystore_find(signer->keystore, leaf->region, leaf->ca_identifier, leaf->number)
                         : NULL;
    if (!profile || !root || !subordinate)
        return error_set(error, ERROR_NOT_FOUND, "there is no subordinate %d of %s in %s", leaf->number,
                         leaf->ca_identifier, leaf->region);
    EVP_PKEY *key = NULL;
    struct text_list names = {0};
    X509 *certificate = NULL;
    int result = request_read(leaf->request, &key, &names, error);
    if (!result)
        result = policy_check(signer->policy, leaf, subordinate, &names, clock_now(), error);
    const struct server_spec spec = {
        .profile = profile,
        .partition = leaf->partition,
        .names = &names,
        .not_before = leaf->not_before,
        .not_after = leaf->not_after,
        .organisation = &signer->options->organisation,
    };
    if (!result)
        result = server_certificate_issue(&spec, key, subordinate->certificate, subordinate->key,
                                          root->certificate, &certificate, error);
    if (!result)
        certificate_der(certificate, der);
    X509_free(certificate);
    EVP_PKEY_free(key);
    text_list_free(&names);
    return result;
}

static void answer_leaves(struct signer *signer, const struct signer_request *request, struct buf *packet)
{
    signer_encode_reply(packet, request->id, request->kind, 0, NULL);
    for (size_t i = 0; i < request->leaf_count; i++) {
        AUTO_BUF struct buf der = {0};
        struct error error = {0};
        int result = sign_leaf(signer, &request->leaves[i], &der, &error);
        signer_encode_certificate(packet, result, error.text, slice_buf(&der));
    }
}

static int sign_control(struct signer *signer, const struct signer_control *control, struct buf *der,
                        struct error *error)
{
    const struct keystore_ca *ca = NULL;
    EVP_PKEY *key = NULL;
    struct text_list asked = {0};
    X509 *certificate = NULL;
    int64_t now = clock_now();
    int result = ceremony_control(signer->ceremony, &ca, error);
    if (!result)
        result = request_read(control->request, &key, &asked, error);
    const struct control_spec spec = {
        .kind = control->kind,
        .common_name = control->common_name,
        .names = &control->names,
        .not_before = (now - BACKDATE) / 1000 * 1000,
        .not_after = control->not_after / 1000 * 1000,
        .organisation = &signer->options->organisation,
    };
    if (!result && (control->not_after <= now || control->not_after - now > signer->options->longest_life))
        result = error_set(error, ERROR_INVALID, "the certificate's end is out of bounds");
    if (!result)
        result = control_certificate_issue(&spec, key, ca->certificate, ca->key, &certificate, error);
    if (!result)
        certificate_der(certificate, der);
    X509_free(certificate);
    EVP_PKEY_free(key);
    text_list_free(&asked);
    return result;
}

/* The root of a CA that is to be bridged. The partition is the caller's word; which partition's rds-ca-2019
 * signs in this region is said by the region's own subordinate. */
static int find_bridge_root(struct signer *signer, const struct signer_bridge_request *bridge,
                            const char *ca_identifier, const struct keystore_ca **root, struct error *error)
{
    const struct ca_profile *profile = ca_profile_find(ca_identifier);
    if (!profile || !text_equal(profile->identifier, ca_identifier))
        return error_set(error, ERROR_INVALID, "%s is no CA identifier", ca_identifier);
    *root = find_root(signer, bridge->region, bridge->partition, ca_identifier);
    if (!*root)
        return error_set(error, ERROR_NOT_FOUND, "there is no root of %s in %s of %s", ca_identifier,
                         bridge->region, bridge->partition);
    if (!text_equal(ca_identifier, LEGACY_CA))
        return 0;
    const struct keystore_ca *below = keystore_find(signer->keystore, bridge->region, ca_identifier, 1);
    if (!below)
        return error_set(error, ERROR_NOT_FOUND, "there is no subordinate of %s in %s", ca_identifier,
                         bridge->region);
    if (X509_check_issued((*root)->certificate, below->certificate) != X509_V_OK)
        return error_set(error, ERROR_DENIED, "region %s is not of partition %s", bridge->region,
                         bridge->partition);
    return 0;
}

static int sign_bridge(struct signer *signer, const struct signer_bridge_request *bridge, struct buf *der,
                       struct error *error)
{
    const struct keystore_ca *subject = NULL, *issuer = NULL;
    X509 *certificate = NULL;
    int64_t now = clock_now();
    if (text_equal(bridge->subject_ca, bridge->issuer_ca))
        return error_set(error, ERROR_INVALID, "a bridge joins two CAs, not %s with itself",
                         bridge->subject_ca);
    int result = find_bridge_root(signer, bridge, bridge->subject_ca, &subject, error);
    if (!result)
        result = find_bridge_root(signer, bridge, bridge->issuer_ca, &issuer, error);
    if (!result)
        result = policy_check_bridge(signer->policy, subject, issuer, now, error);
    if (result)
        return result;
    const struct bridge_spec spec = {
        .subject_root = subject->certificate,
        .issuer_root = issuer->certificate,
        .issuer_profile = ca_profile_find(bridge->issuer_ca),
        .partition = bridge->partition,
        .not_before = (now - BACKDATE) / 1000 * 1000,
    };
    result = bridge_certificate_issue(&spec, issuer->key, &certificate, error);
    if (!result)
        certificate_der(certificate, der);
    X509_free(certificate);
    return result;
}

/* The kinds whose answer is one certificate. */
static int answer_single(struct signer *signer, const struct signer_request *request, struct buf *der,
                         struct error *error)
{
    const struct keystore_ca *ca = NULL;
    int result;
    if (request->kind == SIGNER_SIGN_CONTROL)
        return sign_control(signer, &request->control, der, error);
    if (request->kind == SIGNER_BRIDGE)
        return sign_bridge(signer, &request->bridge, der, error);
    if (request->kind == SIGNER_CONTROL_CA)
        result = ceremony_control(signer->ceremony, &ca, error);
    else
        result = ceremony_ensure(signer->ceremony, &request->ensure, &ca, error);
    if (!result)
        certificate_der(ca->certificate, der);
    return result;
}

static void answer(struct signer *signer, struct slice packet, struct buf *reply)
{
    struct signer_request request;
    struct error error = {0};
    int result = signer_decode_request(packet, &request, &error);
    if (result) {
        signer_encode_reply(reply, request.id, request.kind, result, error.text);
    } else if (request.kind == SIGNER_SIGN_SERVER) {
        answer_leaves(signer, &request, reply);
    } else {
        AUTO_BUF struct buf der = {0};
        result = answer_single(signer, &request, &der, &error);
        signer_encode_reply(reply, request.id, request.kind, result, error.text);
        if (!result)
            signer_encode_certificate(reply, 0, NULL, slice_buf(&der));
    }
    signer_request_free(&request);
}

static void *serve_channel(void *context)
{
    struct channel *channel = context;
    unsigned char *packet = mem_new(SIGNER_PACKET_LIMIT + 1);
    AUTO_BUF struct buf reply = {0};
    signer_encode_hello(&reply);
    for (;;) {
        if (send(channel->descriptor, reply.data, reply.length, MSG_NOSIGNAL) < 0 && errno == EPIPE)
            break;
        ssize_t got = recv(channel->descriptor, packet, SIGNER_PACKET_LIMIT + 1, 0);
        if (got == 0 || (got < 0 && errno != EINTR))
            break;
        buf_clear(&reply);
        answer(channel->signer, slice_of(packet, got > 0 ? (size_t)got : 0), &reply);
    }
    free(packet);
    return NULL;
}

static void start_channels(struct signer *signer, const int *channels, size_t count, struct channel *served,
                           pthread_t *threads)
{
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, CHANNEL_STACK);
    for (size_t i = 0; i < count; i++) {
        served[i] = (struct channel){signer, channels[i]};
        if (pthread_create(&threads[i], &attributes, serve_channel, &served[i]) != 0)
            abort();
    }
    pthread_attr_destroy(&attributes);
}

static void *await_channels(void *context)
{
    pthread_t *threads = context; /* ended by a zero */
    for (; *threads; threads++)
        pthread_join(*threads, NULL);
    kill(getpid(), SIGTERM);
    return NULL;
}

/* Serves until SIGTERM, or until all channels are closed, which ends the same way. */
static void serve(struct signer *signer, const int *channels, size_t count)
{
    struct channel *served = mem_new_array(count, sizeof *served);
    pthread_t *threads = mem_new_array(count + 1, sizeof *threads);
    pthread_t waiter;
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    signer->ceremony = ceremony_new(signer->keystore, signer->options);
    start_channels(signer, channels, count, served, threads);
    if (pthread_create(&waiter, NULL, await_channels, threads) != 0)
        abort();
    int signal_number;
    sigwait(&stop, &signal_number);
}

int signer_run(const struct signer_options *options, const int *channels, size_t channel_count)
{
    struct signer signer = {.options = options};
    struct error error = {0};
    confine_memory();
    if (keystore_open(options, &signer.keystore, &error)) {
        log_error("action=start reason=\"%s\"", error.text);
        return 1;
    }
    if (confine_calls(&error)) {
        log_error("action=confine reason=\"%s\"", error.text);
        return 1;
    }
    signer.policy = policy_new(options);
    log_info("action=started channels=%zu", channel_count);
    serve(&signer, channels, channel_count);
    /* Threads may still be at work: the process ends as a whole, its memory with it. */
    log_info("action=stopped");
    _exit(0);
}
