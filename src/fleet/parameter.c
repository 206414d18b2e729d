#include "fleet/parameter.h"

#include "base/memory.h"
#include "base/text.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_LIMIT = 4096 };

static const struct {
    const char *engine; /* or its beginning */
    const struct parameter *parameters;
} tables[] = {
    {"postgres", parameters_postgres}, {"mysql", parameters_mysql},          {"mariadb", parameters_mariadb},
    {"oracle-", parameters_oracle},    {"sqlserver-", parameters_sqlserver},
};

static bool has_row(const struct parameter *parameter, const char *version)
{
    return (!parameter->since || catalogue_compare(version, parameter->since) >= 0) &&
           (!parameter->until || catalogue_compare(version, parameter->until) < 0);
}

const struct parameter *parameter_next(const char *engine, const char *version, const struct parameter *last)
{
    const struct parameter *next = last ? last + 1 : NULL;
    for (size_t i = 0; !next && i < sizeof tables / sizeof tables[0]; i++)
        if (text_starts_with(engine, tables[i].engine))
            next = tables[i].parameters;
    while (next && next->name && !has_row(next, version))
        next++;
    return next && next->name ? next : NULL;
}

const struct parameter *parameter_find(const char *engine, const char *version, const char *name)
{
    const struct parameter *each = NULL;
    while ((each = parameter_next(engine, version, each)))
        if (text_equal(each->name, name))
            return each;
    return NULL;
}

const char *parameter_data_type(const struct parameter *parameter)
{
    switch (parameter->kind) {
    case PARAMETER_BOOLEAN:
        return "boolean";
    case PARAMETER_INTEGER:
        return "integer";
    case PARAMETER_LIST:
        return "list";
    default:
        return "string";
    }
}

/* One text or range ("-1-100") of the allowed ones. */
static bool is_item(const char *item, const char *value)
{
    char *end;
    int64_t number, least = strtoll(item, &end, 10), most;
    if (text_equal(item, value))
        return true;
    return end != item && *end == '-' && text_integer(end + 1, INT64_MIN, INT64_MAX, &most) &&
           text_integer(value, least, most, &number);
}

static bool is_allowed(const char *allowed, const char *value)
{
    AUTO_FREE char *copy = mem_string(allowed);
    char *rest = NULL;
    for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest))
        if (is_item(item, value))
            return true;
    return false;
}

/* Each item of a list is one of the allowed; an empty list is fine. */
static bool are_allowed(const char *allowed, const char *value)
{
    AUTO_FREE char *copy = mem_string(value);
    char *rest = NULL;
    for (char *item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        item += strspn(item, " ");
        item[strcspn(item, " ")] = 0;
        if (!is_allowed(allowed, item))
            return false;
    }
    return true;
}

/* An engine that is told of ciphers that do not exist does not start any more. */
static bool is_cipher_list(enum parameter_kind kind, const char *value)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    bool good = kind == PARAMETER_CIPHERS ? *value && SSL_CTX_set_cipher_list(context, value) == 1
                                          : SSL_CTX_set_ciphersuites(context, value) == 1;
    SSL_CTX_free(context);
    return good;
}

/* What configuration files of engines can hold on one line. */
static bool is_text(const char *value)
{
    for (const char *each = value; *each; each++)
        if (*each < ' ' || *each > '~')
            return false;
    return strlen(value) <= VALUE_LIMIT;
}

static bool is_value(const struct parameter *parameter, const char *value)
{
    if (!is_text(value))
        return false;
    switch (parameter->kind) {
    case PARAMETER_CIPHERS:
    case PARAMETER_CIPHERSUITES:
        return is_cipher_list(parameter->kind, value);
    case PARAMETER_LIST:
        return are_allowed(parameter->allowed, value);
    default:
        return !parameter->allowed || is_allowed(parameter->allowed, value);
    }
}

int parameter_check(const struct parameter *parameter, const char *value, struct error *error)
{
    bool ciphers = parameter->kind == PARAMETER_CIPHERS || parameter->kind == PARAMETER_CIPHERSUITES;
    if (is_value(parameter, value))
        return 0;
    return error_set_named(error, ERROR_INVALID, "InvalidParameterValue",
                           "Invalid parameter value: %.200s for: %s allowed values are: %s", value,
                           parameter->name,
                           parameter->allowed ? parameter->allowed
                           : ciphers ? "the names of ciphers that OpenSSL has, and its rules for them"
                                     : "printable ASCII characters, at most 4096");
}
