/* A certificate's way into an engine: got, kept, placed, seen on the wire; or put back. */
#include "agent/work.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <dirent.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_LIMIT = 256 * 1024,
    SERVED_DEADLINE = 8 * 1000,
    PROBE_DEADLINE = 5 * 1000,
    RELOAD_AGAIN = 1000,
};

/* How long a running engine is not restarted again for a pair that it refused. */
#define RESTART_AGAIN CLOCK_DAY

static char *pair_folder(const struct work *work, int64_t generation)
{
    return mem_format("%s/certificates/%lld", work->folder, (long long)generation);
}

static bool is_self_signed(X509 *certificate)
{
    return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

/* A bridge has the name of a root that is there itself. */
static bool is_bridge(X509 *certificate, const struct certificate_list *all)
{
    bool found = false;
    for (size_t i = 1; i < all->count && !found && !is_self_signed(certificate); i++)
        found = is_self_signed(all->items[i]) &&
                X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_subject_name(all->items[i])) == 0;
    return found;
}

/* Splits a chain (server certificate, subordinate, root) into what is served and whom clients trust. */
static int split_chain(struct slice pem, struct pair *pair, struct error *error)
{
    struct certificate_list all = {0};
    int result = certificate_list_parse_pem(pem, &all, error);
    for (size_t i = 0; !result && i < all.count; i++) {
        bool root = i > 0 && is_self_signed(all.items[i]);
        certificate_list_add(root ? &pair->roots : &pair->served, all.items[i]);
        if (!root)
            certificate_pem(all.items[i], &pair->chain);
        if (i > 0)
            certificate_pem(all.items[i], &pair->authorities);
        if (i > 0 && !is_bridge(all.items[i], &all))
            certificate_pem(all.items[i], &pair->issuers);
    }
    certificate_list_free(&all);
    if (!result && (!pair->served.count || !pair->roots.count))
        result =
            error_set(error, ERROR_INVALID, "the chain holds %zu certificates below a root and %zu roots",
                      pair->served.count, pair->roots.count);
    return result ? result : certificate_facts(pair->served.items[0], &pair->leaf, error);
}

int pair_load(const struct work *work, int64_t generation, struct pair *pair, struct error *error)
{
    AUTO_FREE char *folder = pair_folder(work, generation);
    AUTO_FREE char *key_file = mem_format("%s/key.pem", folder);
    AUTO_FREE char *chain_file = mem_format("%s/chain.pem", folder);
    AUTO_BUF struct buf chain = {0};
    *pair = (struct pair){.generation = generation};
    int result = file_read(chain_file, FILE_LIMIT, &chain, error);
    if (!result)
        result = file_read(key_file, FILE_LIMIT, &pair->key, error);
    return result ? result : split_chain(slice_buf(&chain), pair, error);
}

void pair_free(struct pair *pair)
{
    buf_wipe(&pair->key);
    buf_free(&pair->chain);
    buf_free(&pair->authorities);
    buf_free(&pair->issuers);
    certificate_list_free(&pair->served);
    certificate_list_free(&pair->roots);
    *pair = (struct pair){0};
}

static bool covers(X509 *leaf, const char *name)
{
    if (X509_check_ip_asc(leaf, name, 0) == 1)
        return true;
    return X509_check_host(leaf, name, 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

int pair_valid(const struct work *work, const struct pair *pair, struct error *error)
{
    const struct certificate_list between = {pair->served.items + 1, pair->served.count - 1};
    X509 *leaf = pair->served.items[0];
    for (size_t i = 0; i < work->desired->names.count; i++)
        if (!covers(leaf, work->desired->names.items[i]))
            return error_set(error, ERROR_INVALID, "the certificate does not hold the name %s",
                             work->desired->names.items[i]);
    const char *host = work->desired->names.count ? work->desired->names.items[0] : NULL;
    return chain_verify(leaf, &between, &pair->roots, host, clock_now(), error);
}

/* Is what the server sent the certificate that was asked for? */
static int check_reply(const struct work *work, const char *chain, EVP_PKEY *key, struct error *error)
{
    struct pair pair = {0};
    int result = split_chain(slice_text(chain), &pair, error);
    if (!result && X509_check_private_key(pair.served.items[0], key) != 1)
        result = error_set(error, ERROR_INVALID, "the certificate is for another key");
    if (!result)
        result = pair_valid(work, &pair, error);
    pair_free(&pair);
    return result ? error_prefix(error, "the server's certificate is not usable") : 0;
}

/* The key of a generation is made once and kept before it is used, so that a request repeated after a crash
 * is for the same key and gets the same certificate. A key of another kind than the CA signs is of no use and
 * replaced. */
static int obtain_key(const struct work *work, const char *folder, EVP_PKEY **key, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/key.pem", folder);
    AUTO_SECRET struct buf pem = {0};
    const struct ca_profile *profile = ca_profile_find(work->desired->ca_identifier);
    if (!profile)
        return error_set(error, ERROR_DENIED, "certificate authority %s is unknown to this agent",
                         work->desired->ca_identifier);
    if (file_read(path, FILE_LIMIT, &pem, NULL) == 0 && key_from_pem(slice_buf(&pem), key, NULL) == 0) {
        if (key_is_kind(*key, profile->key))
            return 0;
        EVP_PKEY_free(*key);
        *key = NULL;
    }
    buf_wipe(&pem);
    int result = key_generate(profile->key, key, error);
    if (!result)
        result = key_to_pem(*key, &pem, error);
    return result ? result : file_write(path, slice_buf(&pem), 0600, error);
}

static int ask(const struct work *work, int64_t generation, EVP_PKEY *key, char **chain, struct error *error)
{
    struct certificate_request request = {.certificate_generation = generation};
    struct certificate_reply reply = {0};
    text_copy(request.resource_id, sizeof request.resource_id, work->desired->resource_id);
    int result = request_make(key, &work->desired->names, &request.request, error);
    if (!result)
        result = work->transport->certificate(work->transport->context, &request, &reply, error);
    if (!result && !reply.chain)
        result = error_set(error, reply.retry ? ERROR_BUSY : ERROR_DENIED,
                           "the server gave no certificate: %s", reply.error ? reply.error : "no reason");
    if (!result)
        result = check_reply(work, reply.chain, key, error);
    if (!result)
        *chain = mem_string(reply.chain);
    certificate_request_free(&request);
    certificate_reply_free(&reply);
    return result;
}

/* Kept from an earlier try, and still what is wanted. */
static bool is_obtained(const struct work *work, int64_t generation)
{
    struct pair pair;
    EVP_PKEY *key = NULL;
    const struct ca_profile *profile = ca_profile_find(work->desired->ca_identifier);
    bool good = pair_load(work, generation, &pair, NULL) == 0 &&
                key_from_pem(slice_buf(&pair.key), &key, NULL) == 0 && profile &&
                key_is_kind(key, profile->key) && X509_check_private_key(pair.served.items[0], key) == 1 &&
                pair_valid(work, &pair, NULL) == 0;
    EVP_PKEY_free(key);
    pair_free(&pair);
    return good;
}

int pair_obtain(struct work *work, int64_t generation, struct error *error)
{
    if (is_obtained(work, generation))
        return 0;
    AUTO_FREE char *folder = pair_folder(work, generation);
    AUTO_FREE char *chain_file = mem_format("%s/chain.pem", folder);
    AUTO_FREE char *chain = NULL;
    EVP_PKEY *key = NULL;
    int result = file_make_folder(folder, 0700, error);
    if (!result)
        result = obtain_key(work, folder, &key, error);
    if (!result)
        result = ask(work, generation, key, &chain, error);
    if (!result)
        result = file_write(chain_file, slice_text(chain), 0600, error);
    EVP_PKEY_free(key);
    return result;
}

int pair_place(const struct work *work, const struct pair *pair, struct error *error)
{
    struct engine_certificate_files files = {0};
    AUTO_FREE char *folder = mem_format("%s/tls", work->folder);
    work->driver->certificate_files(&work->engine, &files);
    int result = file_make_folder(folder, 0700, error);
    if (!result)
        result = file_write(files.key, slice_buf(&pair->key), 0600, error);
    if (!result)
        result = file_write(files.chain, slice_buf(&pair->chain), 0600, error);
    if (!result && files.authorities)
        result = file_write(files.authorities, slice_buf(&pair->authorities), 0600, error);
    if (!result && files.issuers)
        result = file_write(files.issuers, slice_buf(&pair->issuers), 0600, error);
    engine_certificate_files_free(&files);
    return result;
}

static bool file_is(const char *path, const struct buf *content, const char **what)
{
    struct stat status;
    AUTO_SECRET struct buf found = {0};
    if (stat(path, &status) < 0) {
        *what = "is missing";
        return false;
    }
    /* The engines refuse a private key that others may read; PostgreSQL then keeps no TLS at all after a
     * restart. */
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 07777) != 0600) {
        *what = "has another owner or mode";
        return false;
    }
    *what = "has another content";
    return file_read(path, FILE_LIMIT, &found, NULL) == 0 &&
           slice_equal(slice_buf(&found), slice_buf(content));
}

bool pair_in_place(const struct work *work, const struct pair *pair, char *found, size_t size)
{
    struct engine_certificate_files files = {0};
    work->driver->certificate_files(&work->engine, &files);
    const struct {
        const char *path;
        const struct buf *content;
    } wanted[] = {
        {files.chain, &pair->chain},
        {files.key, &pair->key},
        {files.authorities, &pair->authorities},
        {files.issuers, &pair->issuers},
    };
    const char *what = "";
    found[0] = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && !found[0]; i++)
        if (wanted[i].path && !file_is(wanted[i].path, wanted[i].content, &what))
            snprintf(found, size, "%s %s", strrchr(wanted[i].path, '/') + 1, what);
    engine_certificate_files_free(&files);
    return !found[0];
}

static bool list_has(const struct certificate_list *list, const X509 *certificate)
{
    for (size_t i = 0; i < list->count; i++)
        if (X509_cmp(list->items[i], certificate) == 0)
            return true;
    return false;
}

/* Is it the pair's chain? An engine that is given the roots too may send them. */
static bool is_chain_of(const struct pair *pair, const struct certificate_list *served)
{
    bool equal = served->count >= pair->served.count;
    for (size_t i = 0; equal && i < served->count; i++)
        equal = i < pair->served.count ? X509_cmp(served->items[i], pair->served.items[i]) == 0
                                       : list_has(&pair->roots, served->items[i]);
    return equal;
}

struct look {
    struct work *work;
    const struct pair *pair;
    int port;
};

/* One connection to one address. */
static int look_at(const char *address, void *context, struct error *error)
{
    const struct look *look = context;
    struct work *work = look->work;
    const char *to = text_equal(address, "*") || text_equal(address, "0.0.0.0") ? "127.0.0.1"
                     : text_equal(address, "::")                                ? "::1"
                                                                                : address;
    if (!engine_address_here(to))
        return 0;
    const struct probe_target target = {
        .protocol = work->driver->probe,
        .address = to,
        .port = look->port,
        .server_name = work->desired->names.count ? work->desired->names.items[0] : NULL,
        .deadline = PROBE_DEADLINE,
    };
    struct probe_result served = {0};
    int result = probe_run(&target, &served, error);
    if (!result) {
        text_copy(work->served_serial, sizeof work->served_serial, served.leaf.serial);
        if (!is_chain_of(look->pair, &served.chain))
            result =
                error_set(error, ERROR_STATE,
                          "%s port %d serves the certificate with serial %s (%zu in its chain), expected %s",
                          to, look->port, served.leaf.serial, served.chain.count, look->pair->leaf.serial);
    }
    probe_result_free(&served);
    return result;
}

int pair_served(struct work *work, const struct pair *pair, int64_t deadline, struct error *error)
{
    struct look look = {work, pair, engine_tls_port(work->driver, &work->engine)};
    AUTO_FREE char *addresses = engine_listens(work->driver, &work->engine);
    int64_t until = clock_steady() + deadline, again = clock_steady() + RELOAD_AGAIN;
    if (!look.port) {
        text_copy(work->served_serial, sizeof work->served_serial, pair->leaf.serial);
        return 0;
    }
    for (useconds_t pause = 2000;; pause = pause < 200000 ? pause * 2 : pause) {
        int result = engine_each(addresses, look_at, &look, error);
        if (!result || clock_steady() >= until)
            return result;
        usleep(pause);
        if (clock_steady() < again || !work->driver->reloads_certificate)
            continue;
        again = clock_steady() + RELOAD_AGAIN;
        work->driver->reload(&work->engine, NULL);
    }
}

int pair_activate(struct work *work, struct error *error)
{
    bool running = work->driver->status(&work->engine).running;
    if (running && work->driver->reloads_certificate)
        return work->driver->reload(&work->engine, error);
    int result = running ? serve_stop(work, error) : 0;
    return result ? result : serve_start(work, error);
}

static int place_and_see(struct work *work, const struct pair *pair, struct error *error)
{
    int result = pair_place(work, pair, error);
    if (!result)
        result = pair_activate(work, error);
    return result ? result : pair_served(work, pair, SERVED_DEADLINE, error);
}

/* After a failed installation. */
static void put_back(struct work *work)
{
    struct instance_state *state = &work->state;
    struct pair old;
    struct error why = {0};
    int result = pair_load(work, state->certificate_generation, &old, &why);
    if (!result)
        result = place_and_see(work, &old, &why);
    pair_free(&old);
    if (result)
        log_error("instance=%s action=put-back result=\"%s\"", work->desired->identifier, why.text);
    else
        state->installing = 0;
}

bool pair_held_off(struct work *work, int64_t generation)
{
    const struct instance_state *state = &work->state;
    int64_t left = state->refused_until - clock_now();
    bool held_off = state->refused == generation && left > 0 && left <= RESTART_AGAIN &&
                    !work->driver->reloads_certificate && work->driver->status(&work->engine).running;
    if (held_off)
        error_set(
            &work->put_off, ERROR_BUSY,
            "the new server certificate could not be installed and the old one was put back: it is tried "
            "again with the next restart, or after a day");
    return held_off;
}

/* The first certificate of an adopted server was not served. It is not tried over and over again. */
static int give_back(struct work *work, struct error *error)
{
    struct error why = {0};
    if (adopted_give_back(work->adoption, &work->engine, &why))
        log_error("instance=%s action=give-back result=\"%s\"", work->desired->identifier, why.text);
    else
        work->state.installing = 0;
    error_prefix(error, "the new certificate could not be installed, the server has its own again");
    return (int)(error->code = ERROR_DENIED);
}

int pair_install(struct work *work, const struct pair *pair, struct error *error)
{
    struct instance_state *state = &work->state;
    int result = pair_valid(work, pair, error);
    /* On disk before the files: the next round must know that a difference is ours. */
    state->installing = pair->generation;
    if (!result)
        result = state_save(work->folder, state, error);
    if (!result)
        result = place_and_see(work, pair, error);
    if (result)
        state->refused_until = clock_now() + RESTART_AGAIN;
    if (result && state->certificate_generation)
        put_back(work);
    else if (result && work->adoption)
        return give_back(work, error);
    if (result)
        return result;
    log_info("instance=%s action=install-certificate generation=%lld serial=%s result=served",
             work->desired->identifier, (long long)pair->generation, pair->leaf.serial);
    state->certificate_generation = pair->generation;
    state->installing = 0;
    state->refused = 0;
    guard_installed(work);
    return 0;
}

void pair_prune(const struct work *work)
{
    AUTO_FREE char *folder = mem_format("%s/certificates", work->folder);
    int64_t newest = work->state.certificate_generation, previous = 0;
    DIR *open = opendir(folder);
    for (const struct dirent *entry; open && (entry = readdir(open));) {
        int64_t generation = 0;
        if (text_integer(entry->d_name, 1, newest - 1, &generation) && generation > previous)
            previous = generation;
    }
    if (open)
        rewinddir(open);
    for (const struct dirent *entry; open && (entry = readdir(open));) {
        int64_t generation = 0;
        AUTO_FREE char *path = mem_format("%s/%s", folder, entry->d_name);
        if (text_integer(entry->d_name, 1, newest - 1, &generation) && generation != previous &&
            generation != work->state.guard.previous)
            file_remove_tree(path, NULL);
    }
    if (open)
        closedir(open);
}
