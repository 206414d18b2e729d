/* What this driver says to a running server, over its local socket. */
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/mysql.h"

#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_SECONDS = 20, ANSWER_SECONDS = 60 };

char *mysqld_escape(const char *text)
{
    AUTO_SECRET struct buf escaped = {0};
    for (const char *at = text; *at; at++) {
        if (*at == '\'' || *at == '\\')
            buf_append_byte(&escaped, '\\');
        buf_append_byte(&escaped, (unsigned char)*at);
    }
    return mem_string(buf_text(&escaped));
}

static void fail(struct mysqld_session *session)
{
    const char *message = mysql_error(session->connection);
    session->result = error_set(session->error, ERROR_IO, "%s refused: %.*s", session->flavour->title,
                                (int)strcspn(message, "\n"), message);
}

void mysqld_session_do(struct mysqld_session *session, const char *sql)
{
    if (session->result)
        return;
    if (mysql_real_query(session->connection, sql, strlen(sql)))
        fail(session);
}

void mysqld_session_do_secretly(struct mysqld_session *session, const char *sql)
{
    if (session->result)
        return;
    if (!mysql_real_query(session->connection, sql, strlen(sql)))
        return;
    /* The text of a syntax error repeats the statement. */
    if (mysql_errno(session->connection) == ER_PARSE_ERROR)
        session->result =
            error_set(session->error, ERROR_IO, "%s did not understand a statement", session->flavour->title);
    else
        fail(session);
}

/* What this session does is neither replicated nor logged, and means the same under every sql_mode. */
static void keep_quiet(struct mysqld_session *session)
{
    mysqld_session_do(session, "SET SESSION sql_mode = '', sql_log_bin = OFF, sql_log_off = ON, "
                               "long_query_time = 31536000, lock_wait_timeout = 20");
}

/* Nobody answers at the socket, or not any more. */
static bool is_down(unsigned number)
{
    return number == CR_CONNECTION_ERROR || number == CR_SERVER_LOST || number == CR_SERVER_GONE_ERROR ||
           number == ER_SERVER_SHUTDOWN;
}

static int connect_to(struct mysqld_session *session, const char *socket, const char *user,
                      const char *password)
{
    const unsigned connect = CONNECT_SECONDS, answer = ANSWER_SECONDS;
    session->connection = mysql_init(NULL);
    if (!session->connection)
        return error_set(session->error, ERROR_INTERNAL, "the MySQL client library cannot be used");
    mysql_options(session->connection, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
    mysql_options(session->connection, MYSQL_OPT_READ_TIMEOUT, &answer);
    mysql_options(session->connection, MYSQL_OPT_WRITE_TIMEOUT, &answer);
    mysql_options(session->connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(session->connection, "localhost", user, password, NULL, 0, socket, 0))
        return 0;
    int result = error_set(session->error, is_down(mysql_errno(session->connection)) ? ERROR_BUSY : ERROR_IO,
                           "cannot connect to %s over its local socket: %s", session->flavour->title,
                           mysql_error(session->connection));
    mysqld_session_close(session);
    return result;
}

int mysqld_session_open(const struct engine_instance *instance, struct mysqld_session *session,
                        struct error *error)
{
    AUTO_FREE char *socket = mysqld_socket(instance);
    AUTO_SECRET struct buf password = {0};
    *session = (struct mysqld_session){
        .folder = instance->folder, .flavour = mysqld_flavour_of(instance), .error = error};
    int result = mysqld_account_password(instance, &password, error);
    if (!result)
        result = connect_to(session, socket, MYSQL_ADMIN, buf_text(&password));
    if (result)
        return result;
    keep_quiet(session);
    if (session->result)
        mysqld_session_close(session);
    return session->result;
}

int mysqld_session_open_as(const struct mysqld_flavour *flavour, const char *socket, const char *user,
                           struct mysqld_session *session, struct error *error)
{
    *session = (struct mysqld_session){.folder = "", .flavour = flavour, .error = error};
    int result = connect_to(session, socket, user, NULL);
    if (result != ERROR_IO)
        return result;
    error_prefix(error, "as %s", user);
    return error ? (int)(error->code = ERROR_DENIED) : ERROR_DENIED;
}

void mysqld_session_ask(struct mysqld_session *session, const char *sql,
                        void (*visit)(const char *name, const char *value, void *context), void *context)
{
    mysqld_session_do(session, sql);
    if (session->result)
        return;
    MYSQL_RES *rows = mysql_store_result(session->connection);
    if (!rows || mysql_num_fields(rows) < 2)
        fail(session);
    for (MYSQL_ROW row; !session->result && (row = mysql_fetch_row(rows));)
        visit(row[0] ? row[0] : "", row[1] ? row[1] : "", context);
    mysql_free_result(rows);
}

void mysqld_session_close(struct mysqld_session *session)
{
    if (session->connection)
        mysql_close(session->connection);
    session->connection = NULL;
}

/* A whole number, with what an option file takes for thousands; false where it is none. */
static bool is_number(const char *value)
{
    size_t digits = strspn(value + (*value == '-'), "0123456789");
    return digits > 0 && digits < 20 && !value[digits + (*value == '-')];
}

/* 64M as an option file reads it; statements take digits alone. 0 where it is no such number. */
static unsigned long long expand(const char *value)
{
    static const char units[] = "KMGT";
    char *end = NULL;
    unsigned long long number = strtoull(value, &end, 10);
    const char *unit = end > value && *end && !end[1] ? strchr(units, *end & ~0x20) : NULL;
    return unit ? number << (10 * (unit - units + 1)) : 0;
}

static bool set(struct mysqld_session *session, const char *name, const char *value)
{
    AUTO_FREE char *sql = mem_format("SET GLOBAL %s = %s", name, value);
    return mysql_real_query(session->connection, sql, strlen(sql)) == 0;
}

void mysqld_session_set(struct mysqld_session *session, const char *name, const char *value)
{
    AUTO_FREE char *escaped = mysqld_escape(value ? value : "");
    AUTO_FREE char *quoted = mem_format("'%s'", escaped);
    unsigned long long expanded = value ? expand(value) : 0;
    AUTO_FREE char *number = expanded ? mem_format("%llu", expanded) : NULL;
    const char *first = !value ? "DEFAULT" : number ? number : is_number(value) ? value : quoted;
    if (session->result || set(session, name, first))
        return;
    /* A number in a variable that holds text, or the other way round. */
    if (mysql_errno(session->connection) == ER_WRONG_TYPE_FOR_VAR && value &&
        set(session, name, first == quoted ? value : quoted))
        return;
    unsigned reason = mysql_errno(session->connection);
    if (is_down(reason))
        fail(session);
    else if (reason != ER_INCORRECT_GLOBAL_LOCAL_VAR && reason != ER_UNKNOWN_SYSTEM_VARIABLE)
        log_warning("folder=%s action=set variable=%s result=\"%s\"", session->folder, name,
                    mysql_error(session->connection));
}

int mysqld_reload(const struct engine_instance *instance, struct error *error)
{
    struct mysqld_session session;
    int result = mysqld_session_open(instance, &session, error);
    if (result)
        return result;
    mysqld_session_do(&session, session.flavour->read_certificate);
    mysqld_session_close(&session);
    return session.result;
}
