/* The driver's own account: rdsadmin, over the local socket, with a password that is made at the first start
 * and kept in the instance's folder. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/mysql.h"

#include <string.h>

#define DROP_ROOT "DROP USER IF EXISTS 'root'@'localhost', ''@'localhost';"
enum { PASSWORD_LENGTH = 32, FILE_LIMIT = 64 * 1024 };

static char *password_file(const struct engine_instance *instance)
{
    return mem_format("%s/" MYSQL_ADMIN ".password", instance->folder);
}

int mysqld_account_password(const struct engine_instance *instance, struct buf *password, struct error *error)
{
    AUTO_FREE char *path = password_file(instance);
    return file_read(path, FILE_LIMIT, password, error);
}

static int keep_password(const struct engine_instance *instance, struct buf *password, struct error *error)
{
    AUTO_FREE char *path = password_file(instance);
    if (file_exists(path))
        return mysqld_account_password(instance, password, error);
    char made[PASSWORD_LENGTH + 1];
    text_random(made, PASSWORD_LENGTH, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    buf_append_text(password, made);
    mem_wipe(made, sizeof made);
    return file_write(path, slice_buf(password), 0600, error);
}

/* One statement a line, as init_file wants it.
 *
 * A server refuses an address before TLS when none of its accounts may come from there: no look at its
 * certificate then. So there is one that may come from anywhere, without a privilege and locked. The
 * superuser that the engine's own set-up makes goes at the first start: who makes one of this name later may
 * have reasons. */
static void put_accounts(const struct engine_instance *instance, const char *password, bool first,
                         struct buf *text)
{
    char *identified = mysqld_flavour_of(instance)->identified(password);
    buf_printf(text,
               "SET SESSION sql_log_bin = OFF, sql_mode = '';\n"
               "CREATE USER IF NOT EXISTS '" MYSQL_ADMIN "'@'localhost' %s;\n"
               "ALTER USER '" MYSQL_ADMIN
               "'@'localhost' %s REQUIRE NONE PASSWORD EXPIRE NEVER ACCOUNT UNLOCK;\n"
               "GRANT ALL PRIVILEGES ON *.* TO '" MYSQL_ADMIN "'@'localhost' WITH GRANT OPTION;\n"
               "CREATE USER IF NOT EXISTS '" MYSQL_ADMIN "'@'%%' %s ACCOUNT LOCK;\n"
               "ALTER USER '" MYSQL_ADMIN "'@'%%' %s ACCOUNT LOCK;\n",
               identified, identified, identified, identified);
    mem_free_secret(identified);
    if (first)
        buf_append_text(text, DROP_ROOT "\n");
}

static int write_accounts(const struct engine_instance *instance, bool started, struct error *error)
{
    AUTO_FREE char *path = mem_format("%s/accounts.sql", instance->folder);
    AUTO_SECRET struct buf password = {0}, text = {0}, old = {0};
    int result = keep_password(instance, &password, error);
    if (result)
        return result;
    bool written = file_read(path, FILE_LIMIT, &old, NULL) == 0;
    bool first = !started && (!written || strstr(buf_text(&old), DROP_ROOT));
    put_accounts(instance, buf_text(&password), first, &text);
    if (written && slice_equal(slice_buf(&old), slice_buf(&text)))
        return 0;
    return file_write(path, slice_buf(&text), 0600, error);
}

int mysqld_account_prepare(const struct engine_instance *instance, struct error *error)
{
    return write_accounts(instance, false, error);
}

int mysqld_account_settle(const struct engine_instance *instance, struct error *error)
{
    return write_accounts(instance, true, error);
}
