/* RDS's side of the API: from a signed request to its reply in XML. */
#ifndef API_API_H
#define API_API_H

#include "aws/sigv4.h"
#include "fleet/fleet.h"
#include "http/http.h"

/* One per worker; belongs to its thread. `fleet` must outlive it. */
struct api;
struct api *api_new(struct fleet *fleet);
void api_free(struct api *api);

/* True when the path is "/": the exchange was answered and is gone. */
bool api_handle(struct api *api, struct http_exchange *exchange);

struct api_reply {
    int status;
    char request_id[37]; /* also the header x-amzn-RequestId */
    struct buf body;     /* REPLY_CONTENT_TYPE */
};
void api_reply_free(struct api_reply *reply);

/* Everything between a request and its reply but HTTP itself. Always answers: a failure is a reply too. */
void api_answer(struct api *api, const struct sigv4_request *request, struct api_reply *reply);

#endif
