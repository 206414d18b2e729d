/* signer/protocol: requests as the signer reads them, replies as the server does. */
#include "signer/protocol.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct slice packet = slice_of(data, size);
    struct signer_request request;
    struct error error = {0};
    signer_decode_request(packet, &request, &error);
    signer_request_free(&request);
    signer_is_hello(packet);
    for (int kind = SIGNER_ENSURE_CA; kind <= SIGNER_BRIDGE; kind++) {
        struct reader body;
        if (!signer_decode_reply(packet, 1, (enum signer_kind)kind, &body, &error))
            continue;
        AUTO_BUF struct buf der = {0};
        int result = 0;
        while (signer_decode_certificate(&body, &result, &error, &der) && !reader_done(&body))
            ;
    }
    return 0;
}
