#include "server/endpoint.h"

#include "agent/protocol.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/server.h"

#include <stdio.h>
#include <unistd.h>

#define ENDPOINT_LIFE (365 * CLOCK_DAY)
#define FILE_LIMIT    (1 << 20)

char *endpoint_certificate_file(const struct settings *settings)
{
    return settings->endpoint_certificate ? mem_string(settings->endpoint_certificate)
                                          : settings_path(settings, SERVER_ENDPOINT_CERTIFICATE);
}

char *endpoint_key_file(const struct settings *settings)
{
    return settings->endpoint_key ? mem_string(settings->endpoint_key)
                                  : settings_path(settings, SERVER_ENDPOINT_KEY);
}

static void add_once(struct text_list *names, const char *name)
{
    if (!text_list_has(names, name))
        text_list_add(names, name);
}

/* Every name by which clients reach this endpoint. */
static void endpoint_names(const struct settings *settings, struct text_list *names)
{
    static const char *const hosts[] = {"truststore.pki.rds", "truststore.pki.us-gov-west-1.rds",
                                        "truststore.pki.us-gov-west-1"};
    char name[256];
    add_once(names, "localhost");
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        snprintf(name, sizeof name, "%s.%s", hosts[i], settings->domain);
        add_once(names, name);
    }
    if (gethostname(name, sizeof name) == 0 && name[0])
        add_once(names, name);
    for (size_t i = 0; i < settings->endpoint_names.count; i++)
        add_once(names, settings->endpoint_names.items[i]);
    for (size_t i = 0; i < settings->listen.count; i++)
        if (!text_equal(settings->listen.items[i], "0.0.0.0") && !text_equal(settings->listen.items[i], "::"))
            add_once(names, settings->listen.items[i]);
    add_once(names, "127.0.0.1");
    add_once(names, "::1");
    add_once(names, AGENT_SERVER_NAME);
}

/* The signer makes the control CA at the first call; that takes a moment. */
static int control_ca(struct fleet *fleet, struct buf *der, struct error *error)
{
    int64_t until = clock_steady() + 30 * CLOCK_SECOND;
    for (;;) {
        int result = signer_control_ca(fleet->signer, der, error);
        if (result != ERROR_BUSY || clock_steady() > until)
            return result;
        clock_pause(20);
    }
}

/* Still good: the control CA's, for these names, not past half of its life. */
static bool is_current(const char *path, X509 *ca, const struct text_list *names)
{
    AUTO_BUF struct buf pem = {0};
    struct certificate_list chain = {0};
    struct certificate_facts facts;
    bool current = file_read(path, FILE_LIMIT, &pem, NULL) == 0 &&
                   certificate_list_parse_pem(slice_buf(&pem), &chain, NULL) == 0 && chain.count > 0 &&
                   certificate_facts(chain.items[0], &facts, NULL) == 0 &&
                   clock_now() < facts.not_before + (facts.not_after - facts.not_before) / 2;
    struct certificate_list roots = {&ca, 1};
    struct certificate_list none = {0};
    for (size_t i = 0; current && i < names->count; i++)
        current = chain_verify(chain.items[0], &none, &roots, names->items[i], clock_now(), NULL) == 0;
    certificate_list_free(&chain);
    return current;
}

static int write_pair(struct fleet *fleet, EVP_PKEY *key, const struct buf *der, X509 *ca,
                      struct error *error)
{
    AUTO_FREE char *certificate_file = settings_path(fleet->settings, SERVER_ENDPOINT_CERTIFICATE);
    AUTO_FREE char *key_file = settings_path(fleet->settings, SERVER_ENDPOINT_KEY);
    AUTO_SECRET struct buf key_pem = {0};
    AUTO_BUF struct buf chain = {0};
    X509 *leaf = NULL;
    int result = certificate_parse(slice_buf(der), &leaf, error);
    if (result)
        return result;
    certificate_pem(leaf, &chain);
    certificate_pem(ca, &chain);
    X509_free(leaf);
    result = key_to_pem(key, &key_pem, error);
    if (!result)
        result = file_write(key_file, slice_buf(&key_pem), 0600, error);
    return result ? result : file_write(certificate_file, slice_buf(&chain), 0644, error);
}

static int renew(struct fleet *fleet, X509 *ca, const struct text_list *names, struct error *error)
{
    AUTO_BUF struct buf request = {0}, der = {0};
    EVP_PKEY *key = NULL;
    int result = key_generate(KEY_EC_P384, &key, error);
    if (!result)
        result = request_make(key, names, &request, error);
    if (!result)
        result = signer_sign_control(fleet->signer, CONTROL_SERVER, "localhost", names, slice_buf(&request),
                                     clock_now() + ENDPOINT_LIFE, &der, error);
    if (!result)
        result = write_pair(fleet, key, &der, ca, error);
    EVP_PKEY_free(key);
    if (!result)
        log_info("action=endpoint-certificate-renewed names=%zu", names->count);
    return result;
}

static int write_ca(struct fleet *fleet, X509 *ca, struct error *error)
{
    AUTO_FREE char *path = settings_path(fleet->settings, SERVER_CONTROL_CA);
    AUTO_BUF struct buf pem = {0}, before = {0};
    certificate_pem(ca, &pem);
    if (file_read(path, FILE_LIMIT, &before, NULL) == 0 && slice_equal(slice_buf(&pem), slice_buf(&before)))
        return 0;
    return file_write(path, slice_buf(&pem), 0644, error);
}

int endpoint_ensure(struct fleet *fleet, bool *renewed, struct error *error)
{
    AUTO_BUF struct buf der = {0};
    X509 *ca = NULL;
    struct text_list names = {0};
    *renewed = false;
    int result = control_ca(fleet, &der, error);
    if (!result)
        result = certificate_parse(slice_buf(&der), &ca, error);
    if (!result)
        result = write_ca(fleet, ca, error);
    endpoint_names(fleet->settings, &names);
    AUTO_FREE char *path = settings_path(fleet->settings, SERVER_ENDPOINT_CERTIFICATE);
    AUTO_FREE char *key_path = settings_path(fleet->settings, SERVER_ENDPOINT_KEY);
    if (!result && (!file_exists(key_path) || !is_current(path, ca, &names))) {
        result = renew(fleet, ca, &names, error);
        *renewed = !result;
    }
    text_list_free(&names);
    X509_free(ca);
    return result;
}
