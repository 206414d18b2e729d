/* A form, decoded and read by its action's table; then every lookup, and an error written as a reply. */
#include "aws/errors.h"
#include "aws/model.h"
#include "aws/query.h"
#include "aws/reply.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct action_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!values[i].member)
            abort();
        check_values(values[i].items, values[i].item_count);
    }
}

static void check_refusal(const struct error *error)
{
    int status = aws_error_status(aws_error_code(error));
    if (!error->name || status < 400 || status >= 500)
        abort();
    AUTO_BUF struct buf reply = {0};
    reply_error(&reply, aws_error_code(error), aws_error_message(error), "id");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_QUERY struct query_parameters parameters = {0};
    AUTO_INPUT struct action_input input = {0};
    struct error error = {0};
    if (query_parse(slice_of(data, size), &parameters, &error)) {
        check_refusal(&error);
        return 0;
    }
    for (size_t i = 1; i < parameters.count; i++)
        if (strcmp(parameters.pairs[i - 1].name, parameters.pairs[i].name) >= 0)
            abort();
    if (action_decode(&parameters, &input, &error))
        check_refusal(&error);
    check_values(input.values, input.count);
    return 0;
}
