/* Ports that speak TLS from the first byte. */
#include "probe/internal.h"

enum { RECORD_ALERT = 21 };

static enum probe_answer read_first(struct slice received, void *what, struct error *error)
{
    (void)error;
    *(uint8_t *)what = received.data[0];
    return PROBE_ANSWER_READ;
}

/* Says what is no TLS (the header of a packet of Oracle's protocol): a port that speaks TLS alone answers
 * with an alert or hangs up. */
enum probe_login tls_login(struct wire *wire)
{
    static const unsigned char plain[] = {0, 8, 0, 0, 6, 0, 0, 0};
    uint8_t first = 0;
    struct error error = {0};
    int failed = wire_ask(wire, slice_of(plain, sizeof plain), read_first, &first, &error);
    return failed == ERROR_IO || (!failed && first == RECORD_ALERT) ? PROBE_LOGIN_NEEDS_TLS
                                                                    : PROBE_LOGIN_UNKNOWN;
}
