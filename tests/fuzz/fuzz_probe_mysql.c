/* What a MySQL or MariaDB server says first and to a log-in, byte by byte as it may arrive. */
#include "probe/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char version[64];
    struct error error;
    struct mysql_reply reply;
    for (size_t length = 0; length <= size && length <= 128; length++) {
        probe_mysql_answer(slice_of(data, length), version, &error);
        mysql_read_reply(slice_of(data, length), &reply, &error);
    }
    probe_mysql_answer(slice_of(data, size), version, &error);
    mysql_read_reply(slice_of(data, size), &reply, &error);
    return 0;
}
