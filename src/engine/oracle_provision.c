/* A new database by dbca. */
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/oracle.h"
#include "engine/process.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { KILL_DEADLINE = 20 * 1000, DBCA_DEADLINE = 90 * 60 * 1000, SQL_DEADLINE = 10 * 60 * 1000 };

/* Written last: the database is whole. */
static char *mark_of(const struct engine_instance *instance)
{
    return mem_format("%s/data/provisioned", instance->folder);
}

bool oracle_provisioned(const struct engine_instance *instance)
{
    AUTO_FREE char *mark = mark_of(instance);
    return file_exists(mark);
}

/* RDS's databases are AL32UTF8. SYS and SYSTEM get passwords that nobody knows: the driver comes in by the
 * right of its user. (dbca.rsp of Oracle Database 19c) */
static int response(const struct engine_instance *instance, struct buf *text, struct error *error)
{
    static const char alphabet[] = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    char password[25], service[9];
    AUTO_FREE char *sid = oracle_sid(instance);
    int result = oracle_service(instance, service, error);
    if (result)
        return result;
    text_random(password, sizeof password - 1, alphabet);
    buf_printf(text,
               "responseFileVersion=/oracle/assistants/rspfmt_dbca_response_schema_v19.0.0\n"
               "gdbName=%s\n"
               "sid=%s\n"
               "databaseConfigType=SI\n"
               "createAsContainerDatabase=false\n"
               "templateName=General_Purpose.dbc\n"
               "sysPassword=Aa1_%s\n"
               "systemPassword=Aa1_%s\n"
               "emConfiguration=NONE\n"
               "storageType=FS\n"
               "datafileDestination=%s/data\n"
               "characterSet=AL32UTF8\n"
               "nationalCharacterSet=AL16UTF16\n"
               "initParams=db_unique_name=%s,diagnostic_dest=%s/log,audit_file_dest=%s/log\n"
               "automaticMemoryManagement=FALSE\n"
               "totalMemory=1536\n"
               "sampleSchema=false\n"
               "runCVUChecks=FALSE\n",
               service, sid, password, password, instance->folder, sid, instance->folder, instance->folder);
    mem_wipe(password, sizeof password);
    return 0;
}

static void dbca(const struct engine_instance *instance, const char *const *arguments, const char *folder)
{
    const struct oracle_program program = {
        .arguments = arguments, .folder = folder, .deadline = DBCA_DEADLINE};
    oracle_run(instance, &program, NULL, NULL);
}

/* What a try that was cut off has left, its processes first. */
static int remove_half_made(const struct engine_instance *instance, const char *data, struct error *error)
{
    static const char abort[] = "SHUTDOWN ABORT\n";
    AUTO_FREE char *sid = oracle_sid(instance);
    const char *const arguments[] = {"dbca", "-silent", "-deleteDatabase", "-sourceDB", sid, "-sid",
                                     sid,    NULL};
    if (!file_exists(data))
        return 0;
    int64_t until = clock_steady() + KILL_DEADLINE;
    for (int pid; (pid = engine_process_find(data)) && clock_steady() < until; usleep(ENGINE_POLL))
        kill(pid, SIGKILL);
    if (oracle_status(instance).running)
        oracle_sql(instance, slice_text(abort), SQL_DEADLINE, NULL, NULL);
    dbca(instance, arguments, instance->folder);
    return file_remove_tree(data, error);
}

static int create(const struct engine_instance *instance, const char *data, struct error *error)
{
    AUTO_FREE char *answers = mem_format("%s/dbca.rsp", data);
    const char *const arguments[] = {"dbca", "-silent", "-createDatabase", "-responseFile", answers, NULL};
    const struct oracle_program program = {.arguments = arguments, .folder = data, .deadline = DBCA_DEADLINE};
    AUTO_SECRET struct buf text = {0};
    int result = response(instance, &text, error);
    if (!result)
        result = file_write(answers, slice_buf(&text), 0600, error);
    if (!result)
        result = oracle_run(instance, &program, NULL, error);
    unlink(answers);
    return result;
}

/* dbca keeps the parameters in the Oracle home; they are to be with the data. */
static int settle(const struct engine_instance *instance, const char *data, struct error *error)
{
    AUTO_FREE char *script = mem_format("CREATE PFILE='%s/created.ora' FROM SPFILE;\n"
                                        "CREATE SPFILE='%s/spfile.ora' FROM PFILE='%s/created.ora';\n"
                                        "SHUTDOWN IMMEDIATE\n",
                                        data, data, data);
    int result = oracle_sql(instance, slice_text(script), SQL_DEADLINE, NULL, error);
    if (!result && oracle_status(instance).running)
        result = error_set(error, ERROR_STATE, "the new database did not shut down");
    return result;
}

int oracle_provision(const struct engine_instance *instance, struct error *error)
{
    AUTO_FREE char *data = mem_format("%s/data", instance->folder), *mark = mark_of(instance);
    AUTO_FREE char *log = mem_format("%s/log", instance->folder);
    if (oracle_provisioned(instance))
        return 0;
    int result = remove_half_made(instance, data, error);
    if (!result)
        result = file_make_folder(data, 0700, error);
    if (!result)
        result = file_make_folder(log, 0700, error);
    if (!result)
        result = create(instance, data, error);
    if (!result)
        result = settle(instance, data, error);
    return result ? result : file_write(mark, slice_text("by dbca\n"), 0600, error);
}
