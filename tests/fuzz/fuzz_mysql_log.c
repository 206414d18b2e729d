/* The logs of MySQL and MariaDB, which hold bytes of clients: a line is one refusal at most, and what a
 * client can write without a login, the name of a user, is none. */
#include "base/memory.h"
#include "engine/mysql.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NAME_MOST = 128, CLIENT_LIMIT = 3 };

static int64_t count(const struct mysqld_flavour *flavour, struct slice log)
{
    struct engine_evidence evidence = {.client_limit = CLIENT_LIMIT};
    mysqld_evidence_take(flavour, log, &evidence);
    if (evidence.clients.count > CLIENT_LIMIT || (int64_t)evidence.clients.count > evidence.refusals)
        abort();
    text_list_free(&evidence.clients);
    return evidence.refusals;
}

static void check_lines(const struct mysqld_flavour *flavour, struct slice log)
{
    int64_t lines = 0;
    for (size_t i = 0; i < log.length; i++)
        lines += log.data[i] == '\n';
    if (count(flavour, log) > lines)
        abort();
}

static void check_name(const struct mysqld_flavour *flavour, const char *before, struct slice name)
{
    AUTO_BUF struct buf log = {0};
    buf_append_text(&log, before);
    buf_append_slice(&log, name);
    buf_append_text(&log, "'@'192.0.2.7' (using password: YES)\n");
    if (count(flavour, slice_buf(&log)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice name = slice_of(data, size < NAME_MOST ? size : NAME_MOST);
    check_lines(&mysql_flavour, slice_of(data, size));
    check_lines(&mariadb_flavour, slice_of(data, size));
    check_name(&mariadb_flavour, "2026-01-02 13:04:05 4 [Warning] Access denied for user '", name);
    return 0;
}
