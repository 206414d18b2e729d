/* A whole signed request: "METHOD target\n", header lines "Name:value\n", an empty line, the body. The same
 * bytes are read as an Authorization header of an otherwise good request too, so that the parser behind the
 * first checks is reached quickly. */
#include "aws/sigv4.h"
#include "base/clock.h"
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct sigv4_request *request)
{
    static const struct sigv4_rules rules = {.service = "rds"};
    int64_t now = 0;
    clock_parse_basic("20261123T111123Z", &now);
    struct error error = {0};
    struct sigv4_credential credential;
    if (sigv4_parse(request, &rules, now, &credential, &error)) {
        if (!error.name)
            abort();
        return;
    }
    struct sigv4_cache *cache = sigv4_cache_new();
    sigv4_verify(request, &rules, &credential, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", cache, &error);
    sigv4_cache_free(cache);
    sigv4_credential_free(&credential);
}

static void check_request(char *text)
{
    struct sigv4_header headers[HEADERS];
    struct sigv4_request request = {.headers = headers};
    char *rest = text;
    char *target = strsep(&rest, "\n");
    request.method = strsep(&target, " ");
    request.path = target ? strsep(&target, "?") : "/";
    request.query = target ? target : "";
    while (rest && *rest != '\n' && request.header_count < HEADERS) {
        char *line = strsep(&rest, "\n");
        const char *name = strsep(&line, ":");
        headers[request.header_count++] = (struct sigv4_header){name, line ? line : ""};
    }
    request.body = rest && *rest ? slice_text(rest + 1) : slice_of("", 0);
    check(&request);
}

static void check_authorization(const char *text)
{
    const struct sigv4_header headers[] = {
        {"Host", "localhost"}, {"X-Amz-Date", "20261123T111123Z"}, {"Authorization", text}};
    check(&(struct sigv4_request){.method = "POST",
                                  .path = "/",
                                  .query = "",
                                  .headers = headers,
                                  .header_count = 3,
                                  .body = slice_text(text)});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE char *text = slice_string(slice_of(data, size));
    check_authorization(text);
    check_request(text);
    return 0;
}
