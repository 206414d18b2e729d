/* The master user: no superuser, but with what RDS gives its own. Every statement may be repeated. */
#include "base/memory.h"
#include "base/text.h"
#include "engine/mysql.h"

#include <string.h>

/* A name between backquotes; free() it. */
static char *quote_name(const char *name)
{
    AUTO_BUF struct buf quoted = {0};
    buf_append_byte(&quoted, '`');
    for (const char *at = name; *at; at++) {
        if (*at == '`')
            buf_append_byte(&quoted, '`');
        buf_append_byte(&quoted, (unsigned char)*at);
    }
    buf_append_byte(&quoted, '`');
    return mem_string(buf_text(&quoted));
}

/* Never without a password: its clients may come from anywhere. */
static void set_password(struct mysqld_session *session, const char *account, const char *password)
{
    char *identified = session->flavour->identified(password);
    char *create = mem_format("CREATE USER IF NOT EXISTS %s %s", account, identified);
    char *alter = mem_format("ALTER USER %s %s", account, identified);
    mysqld_session_do_secretly(session, create);
    mysqld_session_do_secretly(session, alter);
    mem_free_secret(identified);
    mem_free_secret(create);
    mem_free_secret(alter);
}

static void give_privileges(struct mysqld_session *session, const char *account)
{
    for (const struct mysqld_statement *each = session->flavour->privileges; each->before; each++) {
        AUTO_FREE char *sql = mem_format("%s %s %s", each->before, account, each->after);
        mysqld_session_do(session, sql);
    }
}

static void make_database(struct mysqld_session *session, const char *database)
{
    if (text_is_empty(database))
        return;
    AUTO_FREE char *name = quote_name(database);
    AUTO_FREE char *sql = mem_format("CREATE DATABASE IF NOT EXISTS %s", name);
    mysqld_session_do(session, sql);
}

int mysqld_set_master(const struct engine_instance *instance, const struct engine_master *master,
                      struct error *error)
{
    struct mysqld_session session;
    int result = mysqld_session_open(instance, &session, error);
    if (result)
        return result;
    AUTO_FREE char *username = mysqld_escape(master->username);
    AUTO_FREE char *account = mem_format("'%s'@'%%'", username);
    if (master->password)
        set_password(&session, account, master->password);
    give_privileges(&session, account);
    make_database(&session, master->database);
    mysqld_session_close(&session);
    return session.result;
}
