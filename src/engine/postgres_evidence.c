/* PostgreSQL's own evidence of clients that refuse its certificate: the alert in its log, with the client's
 * address. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/postgres.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Read in one look; what is older than that is passed over. */
enum { LOOK_LIMIT = 1024 * 1024 };

/* OpenSSL's names of the alerts that a client sends for a certificate (RFC 8446 6.2). */
static const char *const alerts[] = {
    "alert unknown ca",          "alert bad certificate",     "alert certificate expired",
    "alert certificate unknown", "alert certificate revoked", "alert unsupported certificate",
    "alert decrypt error",
};

static bool is_refusal(const char *line)
{
    if (!strstr(line, "could not accept SSL connection"))
        return false;
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++)
        if (strstr(line, alerts[i]))
            return true;
    return false;
}

/* "2026-01-02 03:04:05.678 UTC [12] 192.0.2.7 LOG:  could not ...": log_line_prefix is '%m [%p] %h '. */
static void take_line(const char *line, struct engine_evidence *evidence)
{
    if (!is_refusal(line))
        return;
    evidence->refusals++;
    const char *after = strstr(line, "] ");
    const char *address = after ? after + 2 : line;
    AUTO_FREE char *client = slice_string(slice_of(address, strcspn(address, " (")));
    if (client[0] && !text_list_has(&evidence->clients, client))
        text_list_add(&evidence->clients, client);
}

int postgres_evidence(const struct engine_instance *instance, struct engine_evidence *evidence,
                      struct error *error)
{
    AUTO_FREE char *path = postgres_log_file(instance);
    AUTO_CLOSE int log = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (log < 0 || fstat(log, &status) < 0)
        return error_set_system(error, errno, "cannot read %s", path);
    if (evidence->position > status.st_size)
        evidence->position = 0; /* the log was started anew */
    if (status.st_size - evidence->position > LOOK_LIMIT)
        evidence->position = status.st_size - LOOK_LIMIT;
    AUTO_FREE char *text = mem_new(LOOK_LIMIT + 1);
    ssize_t length = pread(log, text, LOOK_LIMIT, evidence->position);
    if (length < 0)
        return error_set_system(error, errno, "cannot read %s", path);
    char *rest = text;
    for (char *end; (end = strchr(rest, '\n')); rest = end + 1) {
        *end = 0;
        take_line(rest, evidence);
    }
    evidence->position += rest - text; /* a line that is not whole yet is left for the next look */
    return 0;
}
