/* The master user: no system administrator, but with what RDS gives its own. The statements go over TLS,
 * verified against the instance's own authorities, and may be repeated. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/sqlserver.h"

#include <ctpublic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PASSWORD_LIMIT = 256, LOGIN_SECONDS = 20, STATEMENT_SECONDS = 60 };

/* RDS user guide, "Master user account privileges", but for ADMINISTER BULK OPERATIONS: that reads any file
 * that the server's own user can read, this host's too. */
static const char *const roles[] = {"processadmin", "setupadmin"};
#define PERMISSIONS                                                                                          \
    "ALTER ANY CONNECTION, ALTER ANY CREDENTIAL, ALTER ANY EVENT SESSION, ALTER ANY LINKED SERVER, "         \
    "ALTER ANY LOGIN, ALTER ANY SERVER AUDIT, ALTER ANY SERVER ROLE, ALTER SERVER STATE, ALTER TRACE, "      \
    "CONNECT SQL, CREATE ANY DATABASE, VIEW ANY DATABASE, VIEW ANY DEFINITION, VIEW SERVER STATE"

/* A delimited name ([...], ']' doubled) or a text (N'...', ' doubled). */
static void put_quoted(struct buf *statements, const char *begin, const char *text, char end)
{
    buf_append_text(statements, begin);
    for (; *text; text++) {
        if (*text == end)
            buf_append_byte(statements, (unsigned char)end);
        buf_append_byte(statements, (unsigned char)*text);
    }
    buf_append_byte(statements, (unsigned char)end);
}

static void put_login(struct buf *statements, const char *verb, const struct engine_master *master)
{
    buf_printf(statements, "%s LOGIN ", verb);
    put_quoted(statements, "[", master->username, ']');
    buf_append_text(statements, " WITH PASSWORD = ");
    put_quoted(statements, "N'", master->password, '\'');
    /* RDS has rules of its own for passwords. */
    buf_append_text(statements, ", CHECK_POLICY = OFF;\n");
}

void sqlserver_master_statements(const struct engine_master *master, struct buf *statements)
{
    if (master->password) {
        buf_append_text(statements, "IF SUSER_ID(");
        put_quoted(statements, "N'", master->username, '\'');
        buf_append_text(statements, ") IS NULL ");
        put_login(statements, "CREATE", master);
        buf_append_text(statements, "ELSE ");
        put_login(statements, "ALTER", master);
    }
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        buf_printf(statements, "ALTER SERVER ROLE [%s] ADD MEMBER ", roles[i]);
        put_quoted(statements, "[", master->username, ']');
        buf_append_text(statements, ";\n");
    }
    buf_append_text(statements, "GRANT " PERMISSIONS " TO ");
    put_quoted(statements, "[", master->username, ']');
    buf_append_text(statements, ";\n");
}

/* A connection as the system administrator. */
struct session {
    CS_CONTEXT *context;
    CS_CONNECTION *connection;
};

/* What FreeTDS reads of a server: everything but the user. */
static int write_server_file(const struct engine_instance *instance, const char *path, struct error *error)
{
    struct engine_certificate_files files = {0};
    AUTO_BUF struct buf text = {0};
    AUTO_FREE char *address = sqlserver_listens(instance);
    bool everywhere = text_equal(address, "*") || text_equal(address, "0.0.0.0");
    sqlserver_certificate_files(instance, &files);
    buf_printf(&text,
               "[sealwright]\nhost = %s\nport = %d\ntds version = 7.4\nclient charset = UTF-8\n"
               "encryption = require\nca file = %s\ncheck certificate hostname = no\n",
               everywhere ? "127.0.0.1" : address, instance->port, files.authorities);
    engine_certificate_files_free(&files);
    return file_write(path, slice_buf(&text), 0600, error);
}

static void session_close(struct session *session)
{
    if (session->connection) {
        ct_close(session->connection, CS_FORCE_CLOSE);
        ct_con_drop(session->connection);
    }
    if (session->context) {
        ct_exit(session->context, CS_FORCE_EXIT);
        cs_ctx_drop(session->context);
    }
}

/* The server's first message that is more than a notice, else the library's own. */
static int tell(const struct session *session, const char *what, struct error *error)
{
    CS_INT count = 0;
    CS_SERVERMSG server = {0};
    CS_CLIENTMSG client = {0};
    if (ct_diag(session->connection, CS_STATUS, CS_SERVERMSG_TYPE, CS_UNUSED, &count) == CS_SUCCEED)
        for (CS_INT i = 1; i <= count; i++)
            if (ct_diag(session->connection, CS_GET, CS_SERVERMSG_TYPE, i, &server) == CS_SUCCEED &&
                server.severity > 10)
                return error_set(error, ERROR_IO, "%s: SQL Server says: %s (%d)", what, server.text,
                                 (int)server.msgnumber);
    if (ct_diag(session->connection, CS_GET, CS_CLIENTMSG_TYPE, 1, &client) == CS_SUCCEED)
        return error_set(error, ERROR_IO, "%s: %s", what, client.msgstring);
    return error_set(error, ERROR_IO, "%s", what);
}

static bool set_text(const struct session *session, CS_INT property, const char *text)
{
    AUTO_SECRET struct buf copy = {0}; /* the library's prototype predates const */
    buf_append_text(&copy, text);
    buf_text(&copy);
    return ct_con_props(session->connection, CS_SET, property, copy.data, CS_NULLTERM, NULL) == CS_SUCCEED;
}

static int session_open(const char *server_file, const char *password, struct session *session,
                        struct error *error)
{
    CS_INT login = LOGIN_SECONDS, statement = STATEMENT_SECONDS;
    AUTO_FREE char *server = mem_string("sealwright");
    *session = (struct session){0};
    /* The library takes this from nowhere else; the process works on one instance alone. */
    setenv("FREETDSCONF", server_file, 1);
    /* Its trace would hold passwords. */
    unsetenv("TDSDUMP");
    unsetenv("TDSDUMPCONFIG");
    if (cs_ctx_alloc(CS_VERSION_150, &session->context) != CS_SUCCEED ||
        ct_init(session->context, CS_VERSION_150) != CS_SUCCEED ||
        ct_config(session->context, CS_SET, CS_LOGIN_TIMEOUT, &login, CS_UNUSED, NULL) != CS_SUCCEED ||
        ct_config(session->context, CS_SET, CS_TIMEOUT, &statement, CS_UNUSED, NULL) != CS_SUCCEED ||
        ct_con_alloc(session->context, &session->connection) != CS_SUCCEED ||
        ct_diag(session->connection, CS_INIT, CS_UNUSED, CS_UNUSED, NULL) != CS_SUCCEED ||
        !set_text(session, CS_USERNAME, "sa") || !set_text(session, CS_PASSWORD, password) ||
        !set_text(session, CS_APPNAME, "sealwright"))
        return error_set(error, ERROR_INTERNAL, "FreeTDS cannot be set up");
    if (ct_connect(session->connection, server, CS_NULLTERM) != CS_SUCCEED)
        return tell(session, "cannot log in to SQL Server", error);
    return 0;
}

/* All statements of one batch, none of which has rows. */
static int execute(const struct session *session, const struct buf *statements, struct error *error)
{
    CS_COMMAND *command = NULL;
    CS_INT kind = 0;
    CS_RETCODE next = CS_END_RESULTS;
    bool failed = ct_cmd_alloc(session->connection, &command) != CS_SUCCEED ||
                  ct_command(command, CS_LANG_CMD, statements->data, (CS_INT)statements->length, CS_UNUSED) !=
                      CS_SUCCEED ||
                  ct_send(command) != CS_SUCCEED;
    while (!failed && (next = ct_results(command, &kind)) == CS_SUCCEED)
        failed = kind != CS_CMD_DONE && kind != CS_CMD_SUCCEED;
    failed = failed || next != CS_END_RESULTS;
    int result = failed ? tell(session, "the master user cannot be set up", error) : 0;
    if (failed && command)
        ct_cancel(NULL, command, CS_CANCEL_ALL);
    if (command)
        ct_cmd_drop(command);
    return result;
}

int sqlserver_set_master(const struct engine_instance *instance, const struct engine_master *master,
                         struct error *error)
{
    AUTO_FREE char *password_file = mem_format("%s/data/sa-password", instance->folder);
    AUTO_FREE char *server_file = mem_format("%s/freetds.conf", instance->folder);
    AUTO_SECRET struct buf password = {0}, statements = {0};
    struct session session = {0};
    int result = file_read(password_file, PASSWORD_LIMIT, &password, error);
    if (!result)
        result = write_server_file(instance, server_file, error);
    if (!result)
        result = session_open(server_file, buf_text(&password), &session, error);
    sqlserver_master_statements(master, &statements);
    if (!result)
        result = execute(&session, &statements, error);
    session_close(&session);
    return result;
}
