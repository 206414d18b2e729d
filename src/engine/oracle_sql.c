/* SQL*Plus as SYSDBA. */
#include "base/memory.h"
#include "base/text.h"
#include "engine/oracle.h"

#include <string.h>

/* Statements come from us alone, but names and passwords stand in them: no substitution (&), no line that is
 * taken for a comment's or a command's end, and no echo. */
#define PREAMBLE                                                                                             \
    "SET DEFINE OFF ECHO OFF FEEDBACK OFF HEADING OFF PAGESIZE 0 LINESIZE 500 TRIMSPOOL ON VERIFY OFF\n"     \
    "SET SQLBLANKLINES ON SQLPROMPT ''\n"                                                                    \
    "WHENEVER OSERROR EXIT FAILURE ROLLBACK\n"                                                               \
    "WHENEVER SQLERROR EXIT FAILURE ROLLBACK\n"

char *oracle_message(struct slice output, const char *kind)
{
    AUTO_FREE char *copy = slice_string(output);
    char *rest = copy;
    const char *found = NULL;
    for (const char *line; (line = strsep(&rest, "\n"));) {
        line += strspn(line, " \t");
        if (text_starts_with(line, kind))
            found = line;
    }
    return found ? mem_string(found) : NULL;
}

int oracle_sql(const struct engine_instance *instance, struct slice statements, int64_t deadline,
               struct buf *output, struct error *error)
{
    static const char *const arguments[] = {"sqlplus", "-S", "-L", "/", "as", "sysdba", NULL};
    AUTO_SECRET struct buf script = {0}, own = {0};
    struct buf *printed = output ? output : &own;
    buf_append_text(&script, PREAMBLE);
    buf_append_slice(&script, statements);
    buf_append_text(&script, "EXIT SUCCESS COMMIT\n");
    const struct oracle_program program = {
        .arguments = arguments, .input = slice_buf(&script), .deadline = deadline};
    struct error why = {0};
    int result = oracle_run(instance, &program, printed, &why);
    if (!result)
        return 0;
    /* What was printed quotes the statement, and so a password: nothing but Oracle's own message is told. */
    AUTO_FREE char *message = oracle_message(slice_buf(printed), "ORA-");
    if (result != ERROR_IO)
        return error_set(error, (enum error_code)result, "SQL*Plus: %s", why.text);
    return error_set(error, ERROR_IO, "Oracle refused: %s",
                     message ? message : "SQL*Plus ended without a message");
}
