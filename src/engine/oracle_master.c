/* The master user: what RDS gives its own, and no way to the host's files or programs. Every statement may be
 * repeated. */
#include "base/memory.h"
#include "base/text.h"
#include "engine/oracle.h"

#include <ctype.h>
#include <string.h>

enum { SQL_DEADLINE = 2 * 60 * 1000 };

/* An identifier's quotes and a text's end in SQL, and what would end a line of SQL*Plus' input. */
static bool is_quotable(const char *text)
{
    for (const char *at = text; *at; at++)
        if (*at == '"' || (unsigned char)*at < ' ' || *at == 0x7f)
            return false;
    return text[0];
}

/* Names are upper case unless they are quoted wherever they are used. */
static int read_username(const char *given, char username[31], struct error *error)
{
    size_t length = strlen(given);
    bool good = length && length <= 30 && isalpha((unsigned char)given[0]);
    for (size_t i = 0; good && i < length; i++)
        good = isalnum((unsigned char)given[i]) || given[i] == '_';
    if (!good)
        return error_set(error, ERROR_INVALID,
                         "master user name \"%s\": a letter, then letters, digits and _, 30 at most", given);
    for (size_t i = 0; i <= length; i++)
        username[i] = (char)toupper((unsigned char)given[i]);
    return 0;
}

/* What RDS takes from DBA (user guide, "Limitations for Oracle DBA privileges"), and what starts programs. */
#define WITHHELD                                                                                             \
    "'ALTER DATABASE', 'ALTER SYSTEM', 'CREATE ANY DIRECTORY', 'DROP ANY DIRECTORY', 'GRANT ANY "            \
    "PRIVILEGE', "                                                                                           \
    "'GRANT ANY ROLE', 'CREATE EXTERNAL JOB', 'CREATE LIBRARY', 'CREATE ANY LIBRARY'"
/* What RDS gives its master user (user guide, "Master user account privileges"). */
#define ROLES                                                                                                \
    "'AQ_ADMINISTRATOR_ROLE', 'AQ_USER_ROLE', 'CONNECT', 'CTXAPP', 'DBA', 'EXECUTE_CATALOG_ROLE', "          \
    "'RECOVERY_CATALOG_OWNER', 'RESOURCE', 'SELECT_CATALOG_ROLE'"
#define PRIVILEGES                                                                                           \
    "ALTER DATABASE LINK, ALTER PUBLIC DATABASE LINK, DROP ANY DIRECTORY, EXEMPT ACCESS POLICY, "            \
    "EXEMPT IDENTITY POLICY, EXEMPT REDACTION POLICY, GRANT ANY OBJECT PRIVILEGE, RESTRICTED SESSION, "      \
    "UNLIMITED TABLESPACE"

static const char user_and_grants[] =
    "DECLARE\n"
    "  there NUMBER;\n"
    "BEGIN\n"
    "  SELECT COUNT(*) INTO there FROM dba_users WHERE username = '%s';\n"
    "  IF there = 0 THEN\n"
    "    EXECUTE IMMEDIATE 'CREATE USER \"%s\" NO AUTHENTICATION';\n"
    "  END IF;\n"
    "  FOR each IN (SELECT grantee, privilege FROM dba_sys_privs\n"
    "    WHERE grantee IN ('DBA', 'SCHEDULER_ADMIN') AND privilege IN (" WITHHELD ")) LOOP\n"
    "    EXECUTE IMMEDIATE 'REVOKE ' || each.privilege || ' FROM ' || each.grantee;\n"
    "  END LOOP;\n"
    "  FOR each IN (SELECT role FROM dba_roles WHERE role IN (" ROLES ")) LOOP\n"
    "    EXECUTE IMMEDIATE 'GRANT ' || each.role || ' TO \"%s\" WITH ADMIN OPTION';\n"
    "  END LOOP;\n"
    "END;\n"
    "/\n"
    "GRANT " PRIVILEGES " TO \"%s\";\n";

int oracle_set_master(const struct engine_instance *instance, const struct engine_master *master,
                      struct error *error)
{
    char username[31];
    AUTO_SECRET struct buf script = {0};
    int result = read_username(master->username, username, error);
    if (result)
        return result;
    if (master->password && (!is_quotable(master->password) || strlen(master->password) > 30))
        return error_set(
            error, ERROR_INVALID,
            "the master user's password: 1 to 30 characters, no quotation mark and no control character");
    buf_printf(&script, user_and_grants, username, username, username, username);
    if (master->password)
        buf_printf(&script, "ALTER USER \"%s\" IDENTIFIED BY \"%s\" ACCOUNT UNLOCK;\n", username,
                   master->password);
    return oracle_sql(instance, slice_buf(&script), SQL_DEADLINE, NULL, error);
}
