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
    void (*finish)(struct wire *wire);            /* before the end */
    enum probe_login (*login)(struct wire *wire); /* on a connection without TLS */
} protocols[] = {
    [PROBE_TLS] = {.login = tls_login},
    [PROBE_POSTGRES] = {.ask = postgres_ask, .login = postgres_login},
    /* libpq refuses a server that does not name the protocol (PostgreSQL documentation, "sslnegotiation"). */
    [PROBE_POSTGRES_DIRECT] = {.alpn = "postgresql", .alpn_required = true, .login = postgres_login},
    [PROBE_MYSQL] = {.ask = mysql_ask, .finish = mysql_finish, .login = mysql_login},
    [PROBE_TDS] = {.ask = tds_ask, .login = tds_login},
    [PROBE_TDS_STRICT] = {.alpn = "tds/8.0", .login = tds_login},
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
    probe_verify(target, result);
    return 0;
}

static int negotiate(struct wire *wire, const struct probe_target *target, struct probe_result *result,
                     struct error *error)
{
    bool named = !text_is_empty(target->server_name) && !is_address(target->server_name);
    const char *alpn = protocols[target->protocol].alpn;
    const unsigned char *chosen = NULL;
    unsigned length = 0;
    int failed = protocols[target->protocol].ask ? protocols[target->protocol].ask(wire, result, error) : 0;
    result->answered =
        failed ? failed == ERROR_DENIED || failed == ERROR_BUSY : protocols[target->protocol].ask != NULL;
    if (!failed)
        failed = wire_secure(wire, named ? target->server_name : NULL, alpn, error);
    if (failed || !protocols[target->protocol].alpn_required)
        return failed;
    SSL_get0_alpn_selected(wire->ssl, &chosen, &length);
    if (!slice_is(slice_of(chosen, length), alpn))
        return error_set(error, ERROR_INVALID, "the server speaks TLS, but does not agree to \"%s\" (ALPN)",
                         alpn);
    return 0;
}

/* Where no rule lets nobody in without TLS, one may do so with it: that is how PostgreSQL asks for TLS. */
static enum probe_plain look_without_tls(const struct probe_target *target, struct wire *secured)
{
    enum probe_login (*log_in)(struct wire * wire) = protocols[target->protocol].login;
    struct wire wire = {.fd = -1, .until = secured->until};
    enum probe_login login = wire_connect(&wire, target, NULL) ? PROBE_LOGIN_UNKNOWN : log_in(&wire);
    wire_close(&wire);
    if (login == PROBE_LOGIN_NO_RULE && secured->ssl && log_in(secured) == PROBE_LOGIN_GOES_ON)
        login = PROBE_LOGIN_NEEDS_TLS;
    return login == PROBE_LOGIN_GOES_ON     ? PROBE_PLAIN_ACCEPTED
           : login == PROBE_LOGIN_NEEDS_TLS ? PROBE_PLAIN_REFUSED
                                            : PROBE_PLAIN_UNKNOWN;
}

/* On a connection; closes it. */
static int speak(struct wire *wire, const struct probe_target *target, struct probe_result *result,
                 struct error *error)
{
    result->protocol = target->protocol;
    int failed = negotiate(wire, target, result, error);
    if (!failed)
        failed = read_result(wire->ssl, target, result, error);
    result->answered = result->answered || !failed;
    if (!failed && protocols[target->protocol].finish)
        protocols[target->protocol].finish(wire);
    if (target->plain && (!failed || failed == ERROR_DENIED))
        result->plain = look_without_tls(target, wire);
    wire_close(wire);
    return failed;
}

static int run(const struct probe_target *target, struct probe_result *result, struct error *error)
{
    struct wire wire = {.fd = -1, .until = clock_steady() + target->deadline};
    int failed = wire_connect(&wire, target, error);
    return failed ? failed : speak(&wire, target, result, error);
}

/* In an order in which no server takes one protocol for another: MySQL's speaks first, and so comes first.
 * Each gets a part of the time that is left. */
static int run_any(const struct probe_target *target, struct probe_result *result, struct error *error)
{
    static const struct {
        enum probe_protocol protocol;
        int64_t part, most;
    } order[] = {{PROBE_MYSQL, 4, CLOCK_SECOND},
                 {PROBE_POSTGRES, 3, CLOCK_MINUTE},
                 {PROBE_TDS, 2, CLOCK_MINUTE},
                 {PROBE_TLS, 1, CLOCK_MINUTE}};
    int64_t until = clock_steady() + target->deadline;
    int failed = 0;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct probe_target one = *target;
        struct wire wire = {.fd = -1, .until = until};
        probe_result_free(result);
        result->protocol = PROBE_ANY;
        one.protocol = order[i].protocol;
        failed = wire_connect(&wire, &one, error);
        if (failed)
            return failed;
        int64_t part = (until - clock_steady()) / order[i].part;
        wire.until = clock_steady() + (part < order[i].most ? part : order[i].most);
        failed = speak(&wire, &one, result, error);
        if (!failed || result->answered)
            return failed;
    }
    result->protocol = PROBE_ANY;
    if (failed == ERROR_TIMEOUT)
        return failed;
    error_prefix(error, "it speaks neither MySQL's, PostgreSQL's nor SQL Server's protocol; asked for TLS");
    return failed;
}

int probe_run(const struct probe_target *target, struct probe_result *result, struct error *error)
{
    struct error own = {0};
    error = error ? error : &own;
    *result = (struct probe_result){.protocol = target->protocol};
    int failed = (target->protocol == PROBE_ANY ? run_any : run)(target, result, error);
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
