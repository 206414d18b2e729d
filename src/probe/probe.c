#include "probe/internal.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <string.h>

static const struct {
    int (*ask)(struct wire *wire, struct probe_result *result, struct error *error); /* before TLS */
    const char *alpn;
    bool alpn_required;
    void (*finish)(struct wire *wire); /* before the end */
} protocols[] = {
    [PROBE_TLS] = {.ask = NULL},
    [PROBE_POSTGRES] = {.ask = postgres_ask},
    /* libpq refuses a server that does not name the protocol (PostgreSQL documentation, "sslnegotiation"). */
    [PROBE_POSTGRES_DIRECT] = {.alpn = "postgresql", .alpn_required = true},
    [PROBE_MYSQL] = {.ask = mysql_ask, .finish = mysql_finish},
    [PROBE_TDS] = {.ask = tds_ask},
    [PROBE_TDS_STRICT] = {.alpn = "tds/8.0"},
};

static bool is_address(const char *text)
{
    unsigned char binary[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, binary) == 1 || inet_pton(AF_INET6, text, binary) == 1;
}

static void read_names(X509 *leaf, struct text_list *names)
{
    GENERAL_NAMES *list = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(list); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(list, i);
        if (name->type == GEN_DNS) {
            AUTO_FREE char *text = slice_string(slice_of(ASN1_STRING_get0_data(name->d.dNSName),
                                                         (size_t)ASN1_STRING_length(name->d.dNSName)));
            text_list_add(names, text);
        } else if (name->type == GEN_IPADD) {
            char text[INET6_ADDRSTRLEN] = "";
            int length = ASN1_STRING_length(name->d.iPAddress);
            if (length == 4 || length == 16)
                inet_ntop(length == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name->d.iPAddress), text,
                          sizeof text);
            text_list_add(names, text);
        }
    }
    GENERAL_NAMES_free(list);
}

static int read_result(const SSL *ssl, const struct probe_target *target, struct probe_result *result,
                       struct error *error)
{
    STACK_OF(X509) *served = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; i < sk_X509_num(served); i++)
        certificate_list_add(&result->chain, sk_X509_value(served, i));
    if (!result->chain.count)
        return error_set(error, ERROR_INVALID, "the server showed no certificate");
    text_copy(result->tls_version, sizeof result->tls_version, SSL_get_version(ssl));
    text_copy(result->cipher, sizeof result->cipher, SSL_get_cipher_name(ssl));
    X509 *leaf = result->chain.items[0];
    int failed = certificate_facts(leaf, &result->leaf, error);
    if (failed)
        return failed;
    read_names(leaf, &result->names);
    if (!target->roots)
        return 0;
    const struct certificate_list between = {result->chain.items + 1, result->chain.count - 1};
    struct error why = {0};
    result->verified = chain_verify(leaf, &between, target->roots, target->host, clock_now(), &why) == 0;
    text_copy(result->verification, sizeof result->verification, result->verified ? "" : why.text);
    return 0;
}

static int negotiate(struct wire *wire, SSL_CTX *context, const struct probe_target *target,
                     struct probe_result *result, struct error *error)
{
    bool named = !text_is_empty(target->server_name) && !is_address(target->server_name);
    const char *alpn = protocols[target->protocol].alpn;
    const unsigned char *chosen = NULL;
    unsigned length = 0;
    int failed = protocols[target->protocol].ask ? protocols[target->protocol].ask(wire, result, error) : 0;
    if (!failed)
        failed = wire_secure(wire, context, named ? target->server_name : NULL, alpn, error);
    if (failed || !protocols[target->protocol].alpn_required)
        return failed;
    SSL_get0_alpn_selected(wire->ssl, &chosen, &length);
    if (!slice_is(slice_of(chosen, length), alpn))
        return error_set(error, ERROR_INVALID, "the server speaks TLS, but does not agree to \"%s\" (ALPN)",
                         alpn);
    return 0;
}

static int run(SSL_CTX *context, const struct probe_target *target, struct probe_result *result,
               struct error *error)
{
    struct wire wire = {.fd = -1, .until = clock_steady() + target->deadline};
    int failed = wire_connect(&wire, target, error);
    if (!failed)
        failed = negotiate(&wire, context, target, result, error);
    if (!failed)
        failed = read_result(wire.ssl, target, result, error);
    if (!failed && protocols[target->protocol].finish)
        protocols[target->protocol].finish(&wire);
    wire_close(&wire);
    return failed;
}

int probe_run(const struct probe_target *target, struct probe_result *result, struct error *error)
{
    struct error own;
    error = error ? error : &own;
    *result = (struct probe_result){0};
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int failed = context ? 0 : error_set(error, ERROR_CRYPTO, "cannot prepare TLS");
    if (!failed) {
        /* The chain is wanted even where it does not verify; an old server's too. */
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
        failed = run(context, target, result, error);
    }
    SSL_CTX_free(context);
    if (failed)
        error_prefix(error, "%s port %d", target->address, target->port);
    return failed;
}

void probe_result_free(struct probe_result *result)
{
    certificate_list_free(&result->chain);
    text_list_free(&result->names);
    *result = (struct probe_result){0};
}
