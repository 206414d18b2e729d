/* What a MySQL or MariaDB server says first, byte by byte as it may arrive. */
#include "probe/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char version[64];
    struct error error;
    for (size_t length = 0; length <= size && length <= 128; length++)
        probe_mysql_answer(slice_of(data, length), version, &error);
    probe_mysql_answer(slice_of(data, size), version, &error);
    return 0;
}
