/* What a SQL Server replies to PRELOGIN, byte by byte as it may arrive, and the packets of its handshake. */
#include "probe/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char version[64];
    struct error error;
    struct slice payload;
    for (size_t length = 0; length <= size && length <= 128; length++)
        probe_tds_answer(slice_of(data, length), version, &error);
    probe_tds_answer(slice_of(data, size), version, &error);
    if (tds_missing(slice_of(data, size), &payload) && payload.length)
        abort();
    if (payload.length + 8 > size && payload.length)
        abort();
    return 0;
}
