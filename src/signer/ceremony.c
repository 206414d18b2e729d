#include "signer/ceremony.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define BACKDATE     (5 * CLOCK_MINUTE)
#define CONTROL_LIFE (INT64_C(20) * 365 * CLOCK_DAY)
enum { MAKER_STACK = 512 * 1024, QUEUE_LIMIT = 4096 };

/* One CA that is wanted. */
struct wanted {
    struct wanted *next;
    char scope[32], partition[32], ca_identifier[32];
    int number;
    struct text_list permitted_domains;
    bool allow_ip_addresses;
    bool taken; /* a maker is at it */
};

struct ceremony {
    struct keystore *keystore;
    const struct signer_options *options;
    pthread_mutex_t mutex;
    pthread_cond_t arrived;
    struct wanted *queue; /* in order of arrival; those taken stay in until they are made */
    size_t length;
};

static void wanted_free(struct wanted *wanted)
{
    text_list_free(&wanted->permitted_domains);
    free(wanted);
}

static bool is_queued(const struct ceremony *ceremony, const char *scope, const char *ca_identifier,
                      int number)
{
    for (const struct wanted *each = ceremony->queue; each; each = each->next)
        if (each->number == number && text_equal(each->scope, scope) &&
            text_equal(each->ca_identifier, ca_identifier))
            return true;
    return false;
}

/* Adds to the end of the queue unless it is there; takes `wanted`. */
static void enqueue(struct ceremony *ceremony, struct wanted *wanted)
{
    pthread_mutex_lock(&ceremony->mutex);
    if (ceremony->length >= QUEUE_LIMIT ||
        is_queued(ceremony, wanted->scope, wanted->ca_identifier, wanted->number)) {
        wanted_free(wanted);
    } else {
        struct wanted **end = &ceremony->queue;
        while (*end)
            end = &(*end)->next;
        *end = wanted;
        ceremony->length++;
        pthread_cond_signal(&ceremony->arrived);
    }
    pthread_mutex_unlock(&ceremony->mutex);
}

static struct wanted *first_free(struct ceremony *ceremony)
{
    struct wanted *each = ceremony->queue;
    while (each && each->taken)
        each = each->next;
    return each;
}

static struct wanted *take(struct ceremony *ceremony)
{
    pthread_mutex_lock(&ceremony->mutex);
    struct wanted *wanted;
    while (!(wanted = first_free(ceremony)))
        pthread_cond_wait(&ceremony->arrived, &ceremony->mutex);
    wanted->taken = true;
    pthread_mutex_unlock(&ceremony->mutex);
    return wanted;
}

static void finish(struct ceremony *ceremony, struct wanted *wanted)
{
    pthread_mutex_lock(&ceremony->mutex);
    struct wanted **link = &ceremony->queue;
    while (*link != wanted)
        link = &(*link)->next;
    *link = wanted->next;
    ceremony->length--;
    pthread_mutex_unlock(&ceremony->mutex);
    wanted_free(wanted);
}

static const char *root_scope(const struct wanted *wanted)
{
    return text_equal(wanted->ca_identifier, "rds-ca-2019") ? wanted->partition : wanted->scope;
}

static int make_rds(struct ceremony *ceremony, const struct wanted *wanted, EVP_PKEY *key, X509 **certificate,
                    struct error *error)
{
    int64_t now = clock_now();
    const struct keystore_ca *root =
        wanted->number ? keystore_find(ceremony->keystore, root_scope(wanted), wanted->ca_identifier, 0)
                       : NULL;
    const struct ca_spec spec = {
        .profile = ca_profile_find(wanted->ca_identifier),
        .scope = wanted->scope,
        .partition = wanted->partition,
        .subordinate = wanted->number > 0,
        .number = wanted->number,
        .not_before = (now - BACKDATE) / 1000 * 1000,
        .not_after = now + ceremony->options->legacy_not_after_days * CLOCK_DAY,
        .organisation = &ceremony->options->organisation,
        .permitted_domains = &wanted->permitted_domains,
        .allow_ip_addresses = wanted->allow_ip_addresses,
    };
    return ca_certificate_issue(&spec, key, root ? root->certificate : NULL, root ? root->key : NULL,
                                certificate, error);
}

static int make_control(struct ceremony *ceremony, EVP_PKEY *key, X509 **certificate, struct error *error)
{
    int64_t now = clock_now();
    const struct control_spec spec = {
        .kind = CONTROL_ROOT,
        .common_name = "Sealwright Control CA",
        .not_before = (now - BACKDATE) / 1000 * 1000,
        .not_after = (now + CONTROL_LIFE) / 1000 * 1000,
        .organisation = &ceremony->options->organisation,
    };
    return control_certificate_issue(&spec, key, NULL, NULL, certificate, error);
}

static void make(struct ceremony *ceremony, const struct wanted *wanted)
{
    struct error error = {0};
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    bool control = text_equal(wanted->scope, CONTROL_SCOPE);
    const struct ca_profile *profile = ca_profile_find(wanted->ca_identifier);
    int result = key_generate(control ? KEY_EC_P384 : profile->key, &key, &error);
    if (!result)
        result = control ? make_control(ceremony, key, &certificate, &error)
                         : make_rds(ceremony, wanted, key, &certificate, &error);
    if (!result)
        result = keystore_add(ceremony->keystore, wanted->scope, wanted->ca_identifier, wanted->number, key,
                              certificate, &error);
    else
        EVP_PKEY_free(key);
    if (result)
        log_error("action=make-ca scope=%s ca=%s number=%d reason=\"%s\"", wanted->scope,
                  wanted->ca_identifier, wanted->number, error.text);
}

static void *run_maker(void *context)
{
    struct ceremony *ceremony = context;
    setpriority(PRIO_PROCESS, (id_t)gettid(), 10); /* signing goes first */
    for (;;) {
        struct wanted *wanted = take(ceremony);
        make(ceremony, wanted);
        finish(ceremony, wanted);
    }
    return NULL;
}

struct ceremony *ceremony_new(struct keystore *keystore, const struct signer_options *options)
{
    struct ceremony *ceremony = mem_new(sizeof *ceremony);
    ceremony->keystore = keystore;
    ceremony->options = options;
    pthread_mutex_init(&ceremony->mutex, NULL);
    pthread_cond_init(&ceremony->arrived, NULL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, MAKER_STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (size_t i = 0; i < (options->key_makers ? options->key_makers : 1); i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, run_maker, ceremony) != 0)
            abort();
    }
    pthread_attr_destroy(&attributes);
    return ceremony;
}

static bool same_constraints(const struct keystore_ca *ca, const struct signer_ensure *ensure)
{
    return text_list_equal(&ca->permitted_domains, &ensure->permitted_domains) &&
           ca->excludes_addresses == !ensure->allow_ip_addresses;
}

static struct wanted *wanted_new(const struct signer_ensure *ensure, int number)
{
    struct wanted *wanted = mem_new(sizeof *wanted);
    text_copy(wanted->ca_identifier, sizeof wanted->ca_identifier, ensure->ca_identifier);
    text_copy(wanted->partition, sizeof wanted->partition, ensure->partition);
    text_copy(wanted->scope, sizeof wanted->scope, ensure->region);
    wanted->number = number;
    wanted->allow_ip_addresses = ensure->allow_ip_addresses;
    text_list_copy(&wanted->permitted_domains, &ensure->permitted_domains);
    return wanted;
}

/* Scopes and identifiers become names of files: nothing but lowercase letters, digits and hyphens. */
static bool is_file_name(const char *name)
{
    for (const char *each = name; *each; each++)
        if (!((*each >= 'a' && *each <= 'z') || (*each >= '0' && *each <= '9') || *each == '-'))
            return false;
    return *name && !text_equal(name, CONTROL_SCOPE);
}

static int check(const struct signer_ensure *ensure, struct error *error)
{
    const struct ca_profile *profile = ca_profile_find(ensure->ca_identifier);
    if (!profile || !text_equal(profile->identifier, ensure->ca_identifier))
        return error_set(error, ERROR_INVALID, "%s is no CA identifier", ensure->ca_identifier);
    if (!is_file_name(ensure->region) || !is_file_name(ensure->partition))
        return error_set(error, ERROR_INVALID, "%s of %s is no region", ensure->region, ensure->partition);
    if (ensure->subordinate != (ensure->number > 0) ||
        (ensure->subordinate && ensure->permitted_domains.count == 0))
        return error_set(error, ERROR_INVALID,
                         "a subordinate has a number from 1 on and at least one domain");
    return 0;
}

int ceremony_ensure(struct ceremony *ceremony, const struct signer_ensure *ensure,
                    const struct keystore_ca **ca, struct error *error)
{
    int result = check(ensure, error);
    if (result)
        return result;
    *ca = keystore_find(ceremony->keystore, ensure->region, ensure->ca_identifier, ensure->number);
    if (*ca && ensure->subordinate && !same_constraints(*ca, ensure))
        return error_set(error, ERROR_EXISTS, "subordinate %d of %s in %s has other name constraints",
                         ensure->number, ensure->ca_identifier, ensure->region);
    if (*ca)
        return 0;
    struct wanted *wanted = wanted_new(ensure, ensure->number);
    const char *scope = root_scope(wanted);
    if (ensure->subordinate && !keystore_find(ceremony->keystore, scope, ensure->ca_identifier, 0)) {
        /* The root first; the subordinate when it is asked for again. */
        char root[32];
        text_copy(root, sizeof root, scope);
        text_copy(wanted->scope, sizeof wanted->scope, root);
        text_list_free(&wanted->permitted_domains);
        wanted->number = 0;
    }
    enqueue(ceremony, wanted);
    return error_set(error, ERROR_BUSY, "%s of %s is being made", ensure->ca_identifier, ensure->region);
}

int ceremony_control(struct ceremony *ceremony, const struct keystore_ca **ca, struct error *error)
{
    *ca = keystore_find(ceremony->keystore, CONTROL_SCOPE, CONTROL_SCOPE, 0);
    if (*ca)
        return 0;
    struct signer_ensure ensure = {.region = CONTROL_SCOPE, .ca_identifier = CONTROL_SCOPE};
    enqueue(ceremony, wanted_new(&ensure, 0));
    return error_set(error, ERROR_BUSY, "the control CA is being made");
}
