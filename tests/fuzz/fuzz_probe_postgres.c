/* What a PostgreSQL server answers to an SSLRequest and to a StartupMessage, byte by byte as it may arrive.
 */
#include "probe/probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error;
    enum probe_login login;
    for (size_t length = 0; length <= size && length <= 64; length++) {
        probe_postgres_answer(slice_of(data, length), &error);
        probe_postgres_login(slice_of(data, length), &login, &error);
    }
    probe_postgres_answer(slice_of(data, size), &error);
    probe_postgres_login(slice_of(data, size), &login, &error);
    return 0;
}
