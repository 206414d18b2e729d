/* TLS: the endpoint's certificate, the protocol's settings, and the server names that ask for client
 * certificates.
 *
 * Sessions are never resumed, neither by ticket nor from a cache: worker processes would have to share the
 * ticket keys; a resumed session would skip the check of the client certificate and show an old server
 * certificate after a swap; and the clients of this server keep connections open or, like the AWS CLI, are
 * gone after one. */
#include "http/internal.h"

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct client_rule {
    struct client_rule *next;
    char *name;
    X509_STORE *store;
    STACK_OF(X509_NAME) * authorities; /* what the client is told it may choose from */
};

/* The first reason in OpenSSL's queue; empties the queue. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_error());
    ERR_clear_error();
    return text ? text : "unknown reason";
}

static struct client_rule *find_rule(const struct http_server *server, const char *name)
{
    for (struct client_rule *rule = server->client_rules; rule; rule = rule->next)
        if (text_equal_ignoring_case(rule->name, name))
            return rule;
    return NULL;
}

static struct connection *connection_of_tls(SSL *ssl)
{
    const struct http_server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    return SSL_get_ex_data(ssl, server->connection_index);
}

/* Runs while the client hello is processed, long before the request for a client certificate is or is not
 * sent. */
static int on_server_name(SSL *ssl, int *alert, void *context)
{
    struct http_server *server = context;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const struct client_rule *rule = name ? find_rule(server, name) : NULL;
    if (!rule)
        return SSL_TLSEXT_ERR_OK;
    STACK_OF(X509_NAME) *authorities = SSL_dup_CA_list(rule->authorities);
    if (!authorities || !SSL_set1_verify_cert_store(ssl, rule->store)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    SSL_set0_CA_list(ssl, authorities);
    SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    connection_of_tls(ssl)->asked = true;
    return SSL_TLSEXT_ERR_OK;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's type */
static int on_client_hello(SSL *ssl, int *alert, void *context)
{
    (void)alert, (void)context;
    connection_of_tls(ssl)->greeted = true;
    return SSL_CLIENT_HELLO_SUCCESS;
}

/* RFC 7301 section 3.2: no common protocol is a fatal alert. */
static int on_protocols(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                        const unsigned char *offered, unsigned offered_length, void *context)
{
    (void)ssl, (void)context;
    static const unsigned char ours[] = "\x08http/1.1\x08http/1.0";
    unsigned char *match;
    int found = SSL_select_next_proto(&match, chosen_length, ours, sizeof ours - 1, offered, offered_length);
    *chosen = match;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* OpenSSL knows the commonest methods and CONNECT; another method or text shows as a wrong version in the
 * first record. */
static bool is_plain_text(const struct connection *connection)
{
    if (connection->greeted)
        return false;
    int found = ERR_GET_REASON(ERR_peek_error());
    return found == SSL_R_HTTP_REQUEST || found == SSL_R_HTTPS_PROXY_REQUEST ||
           found == SSL_R_WRONG_VERSION_NUMBER;
}

static void on_handshake_step(const SSL *ssl, int where, int result)
{
    if (where != SSL_CB_ACCEPT_EXIT || result > 0 || ERR_peek_error() == 0)
        return;
    const struct http_server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct connection *connection = SSL_get_ex_data(ssl, server->connection_index);
    if (is_plain_text(connection))
        plain_answer(connection);
    else if (connection->asked)
        log_warning("action=handshake name=%s reason=\"%s\" verification=\"%s\"",
                    SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
                    ERR_reason_error_string(ERR_peek_error()),
                    X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
}

/* An encrypted key file is refused, never asked about on a terminal. */
/* NOLINTNEXTLINE(readability-non-const-parameter): OpenSSL's type */
static int no_passphrase(char *target, int size, int writing, void *context)
{
    (void)target, (void)size, (void)writing, (void)context;
    return -1;
}

static int load_pair(SSL_CTX *tls, const char *chain_file, const char *key_file, struct error *error)
{
    const char *files[] = {chain_file, key_file};
    for (size_t i = 0; i < 2; i++)
        if (!file_exists(files[i]))
            return error_set(error, ERROR_NOT_FOUND, "%s: no such file; expected the endpoint's %s (PEM)",
                             files[i], i == 0 ? "certificate chain" : "private key");
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(tls, chain_file) != 1)
        return error_set(error, ERROR_CRYPTO,
                         "%s: expected a PEM file with the endpoint's certificate first: %s", chain_file,
                         reason());
    if (SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(tls) != 1)
        return error_set(error, ERROR_CRYPTO,
                         "%s: expected an unencrypted PEM private key of the certificate in %s: %s", key_file,
                         chain_file, reason());
    return 0;
}

static bool set_protocol(SSL_CTX *tls)
{
    SSL_CTX_set_options(tls, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    /* An idle connection gives its 34 KB of record buffers back. */
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_num_tickets(tls, 0) == 1 && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

static void set_callbacks(SSL_CTX *tls, struct http_server *server)
{
    SSL_CTX_set_app_data(tls, server);
    SSL_CTX_set_default_passwd_cb(tls, no_passphrase);
    SSL_CTX_set_client_hello_cb(tls, on_client_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(tls, on_server_name);
    SSL_CTX_set_tlsext_servername_arg(tls, server);
    SSL_CTX_set_alpn_select_cb(tls, on_protocols, NULL);
    SSL_CTX_set_info_callback(tls, on_handshake_step);
}

int http_server_certificate(struct http_server *server, const char *chain_file, const char *key_file,
                            struct error *error)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (!tls || !set_protocol(tls)) {
        SSL_CTX_free(tls);
        return error_set(error, ERROR_CRYPTO, "setting TLS up: %s", reason());
    }
    set_callbacks(tls, server);
    int code = load_pair(tls, chain_file, key_file, error);
    if (code) {
        SSL_CTX_free(tls);
        return code;
    }
    /* Open connections hold on to the context that they began with. */
    SSL_CTX_free(server->tls);
    server->tls = tls;
    server_update_accepting(server);
    return 0;
}

static void free_rule(struct client_rule *rule)
{
    free(rule->name);
    X509_STORE_free(rule->store);
    sk_X509_NAME_pop_free(rule->authorities, X509_NAME_free);
    free(rule);
}

static void remove_rule(struct http_server *server, const char *name)
{
    struct client_rule **place = &server->client_rules;
    while (*place && !text_equal_ignoring_case((*place)->name, name))
        place = &(*place)->next;
    if (!*place)
        return;
    struct client_rule *old = *place;
    *place = old->next;
    free_rule(old);
}

int http_server_client_ca(struct http_server *server, const char *name, const char *ca_file,
                          struct error *error)
{
    if (!file_exists(ca_file))
        return error_set(error, ERROR_NOT_FOUND,
                         "%s: no such file; expected the CA of client certificates (PEM)", ca_file);
    struct client_rule *rule = mem_new(sizeof *rule);
    ERR_clear_error();
    rule->name = mem_string(name);
    rule->store = X509_STORE_new();
    rule->authorities = SSL_load_client_CA_file(ca_file);
    if (!rule->store || !rule->authorities || X509_STORE_load_file(rule->store, ca_file) != 1) {
        free_rule(rule);
        return error_set(error, ERROR_CRYPTO, "%s: expected the CA of client certificates (PEM): %s", ca_file,
                         reason());
    }
    remove_rule(server, name);
    rule->next = server->client_rules;
    server->client_rules = rule;
    return 0;
}

void tls_free(struct http_server *server)
{
    while (server->client_rules) {
        struct client_rule *next = server->client_rules->next;
        free_rule(server->client_rules);
        server->client_rules = next;
    }
    SSL_CTX_free(server->tls);
    server->tls = NULL;
}
