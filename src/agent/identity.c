#include "agent/identity.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 64 * 1024, CALL_DEADLINE = 20 * 1000, HOST_LENGTH = 63 };

char *identity_file(const struct agent_options *options)
{
    return mem_format("%s/agent.pem", options->state_folder);
}

static void trim(struct buf *text)
{
    while (text->length && isspace(text->data[text->length - 1]))
        text->length--;
}

/* A first line of a file, without white space at its end. */
static int read_word(const struct agent_options *options, const char *name, struct buf *word,
                     struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/%s", options->state_folder, name);
    int result = file_read(path, 4096, word, error);
    trim(word);
    if (!result && !word->length)
        result = error_set(error, ERROR_NOT_FOUND, "%s is empty", path);
    return result;
}

/* A machine's name with a random end, since two machines may have the same. */
static int make_host(const struct agent_options *options, struct buf *host, struct error *error)
{
    char name[HOST_LENGTH + 1] = "", end[9];
    AUTO_FREE char *path = mem_format("%s/host", options->state_folder);
    if (gethostname(name, HOST_LENGTH - 9) < 0 || !name[0])
        text_copy(name, sizeof name, "host");
    text_lower(name);
    for (char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-')
            *at = '-';
    text_random(end, 8, "abcdefghijklmnopqrstuvwxyz0123456789");
    buf_clear(host);
    buf_printf(host, "%s-%s", name, end);
    return file_write(path, slice_buf(host), 0600, error);
}

static int read_host(const struct agent_options *options, struct buf *host, struct error *error)
{
    int result = read_word(options, "host", host, error);
    return result == ERROR_NOT_FOUND ? make_host(options, host, error) : result;
}

static int load_certificate(const struct agent_options *options, struct certificate_facts *facts,
                            struct error *error)
{
    AUTO_FREE char *path = identity_file(options);
    AUTO_SECRET struct buf pem = {0};
    struct certificate_list list = {0};
    int result = file_read(path, FILE_LIMIT, &pem, error);
    if (!result)
        result = certificate_list_parse_pem(slice_buf(&pem), &list, error);
    if (!result && !list.count)
        result = error_set(error, ERROR_INVALID, "%s holds no certificate", path);
    if (!result)
        result = certificate_facts(list.items[0], facts, error);
    certificate_list_free(&list);
    return result;
}

/* The certificate goes in front of the key: both are read by what they are. */
static int keep(const struct agent_options *options, EVP_PKEY *key, const json_t *reply, struct error *error)
{
    const char *certificate = json_string_value(json_object_get(reply, "certificate"));
    struct certificate_list list = {0};
    AUTO_FREE char *path = identity_file(options);
    AUTO_SECRET struct buf pem = {0}, key_pem = {0};
    if (!certificate || certificate_list_parse_pem(slice_text(certificate), &list, error) || !list.count ||
        X509_check_private_key(list.items[0], key) != 1) {
        certificate_list_free(&list);
        return error_set(error, ERROR_INVALID,
                         "the server's answer holds no certificate for this agent's key");
    }
    certificate_list_free(&list);
    int result = key_to_pem(key, &key_pem, error);
    if (result)
        return result;
    buf_append_text(&pem, certificate);
    buf_append_text(&pem, "\n");
    buf_append_slice(&pem, slice_buf(&key_pem));
    return file_write(path, slice_buf(&pem), 0600, error);
}

/* Asks for a certificate; `token` is NULL for a renewal. */
static int request(const struct agent_options *options, struct channel *channel, const char *host,
                   const char *token, struct error *error)
{
    AUTO_BUF struct buf der = {0}, base64 = {0};
    struct text_list names = {0};
    EVP_PKEY *key = NULL;
    json_t *body = json_object(), *reply = NULL;
    text_list_add(&names, host);
    int result = key_generate(KEY_EC_P384, &key, error);
    if (!result)
        result = request_make(key, &names, &der, error);
    if (!result) {
        text_base64(slice_buf(&der), &base64);
        json_object_set_new(body, "request", json_string(buf_text(&base64)));
        if (token) {
            json_object_set_new(body, "token", json_string(token));
            json_object_set_new(body, "host", json_string(host));
        }
        result = channel_call(channel, token ? "/agent/v1/enroll" : "/agent/v1/renew", body, !token,
                              CALL_DEADLINE, &reply, error);
    }
    if (!result)
        result = keep(options, key, reply, error);
    text_list_free(&names);
    EVP_PKEY_free(key);
    json_decref(body);
    json_decref(reply);
    return result;
}

static int enroll(const struct agent_options *options, struct channel *channel, struct error *error)
{
    AUTO_SECRET struct buf token = {0};
    AUTO_BUF struct buf host = {0};
    AUTO_FREE char *path = mem_format("%s/token", options->state_folder);
    int result = read_word(options, "token", &token, error);
    if (result)
        return error_prefix(error, "this agent has no certificate and no enrolment token");
    result = read_host(options, &host, error);
    if (!result)
        result = request(options, channel, buf_text(&host), buf_text(&token), error);
    if (result)
        return error_prefix(error, "enrolment failed");
    unlink(path);
    log_info("action=enroll host=%s result=ok", buf_text(&host));
    return 0;
}

int identity_ensure(const struct agent_options *options, struct channel *channel, struct error *error)
{
    struct certificate_facts facts;
    AUTO_BUF struct buf host = {0};
    int64_t now = clock_now();
    if (load_certificate(options, &facts, error) || now >= facts.not_after)
        return enroll(options, channel, error);
    int64_t due = facts.not_before + (facts.not_after - facts.not_before) / 3 * 2;
    if (now < due)
        return 0;
    int result = read_host(options, &host, error);
    if (!result)
        result = request(options, channel, buf_text(&host), NULL, error);
    if (result)
        log_warning("action=renew result=\"%s\"", error->text);
    else
        log_info("action=renew host=%s result=ok", buf_text(&host));
    return 0; /* the old one is good for a while */
}
