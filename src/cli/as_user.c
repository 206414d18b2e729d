#include "cli/as_user.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void become(const char *user, as_user_work *work, void *context, int out)
{
    struct error error = {0};
    json_t *answer = NULL;
    int result = privilege_drop(user, &error);
    if (!result)
        result = work(context, &answer, &error);
    json_t *reply = json_pack("{s:i}", "code", result);
    json_object_set_new(reply, "text", json_string(error.text));
    if (answer)
        json_object_set_new(reply, "answer", answer);
    char *text = json_dumps(reply, JSON_COMPACT);
    int written = file_write_all(out, slice_text(text), NULL);
    mem_free_secret(text);
    _exit(written ? 1 : 0);
}

static json_t *read_reply(int in)
{
    AUTO_SECRET struct buf text = {0};
    for (ssize_t got = 1; got != 0;) {
        buf_reserve(&text, 4096);
        got = read(in, text.data + text.length, 4096);
        if (got < 0 && errno != EINTR)
            return NULL;
        text.length += got > 0 ? (size_t)got : 0;
    }
    return json_loadb((const char *)text.data, text.length, 0, NULL);
}

int as_user(const char *user, as_user_work *work, void *context, json_t **answer, struct error *error)
{
    int ends[2];
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_set_system(error, errno, "cannot make a pipe");
    pid_t child = fork();
    if (child == 0)
        become(user, work, context, ends[1]);
    int reason = errno;
    close(ends[1]);
    json_t *reply = child < 0 ? NULL : read_reply(ends[0]);
    close(ends[0]);
    if (child < 0)
        return error_set_system(error, reason, "cannot fork");
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    const json_t *code = json_object_get(reply, "code");
    int result = json_is_integer(code) ? (int)json_integer_value(code) : ERROR_INTERNAL;
    const char *text = json_string_value(json_object_get(reply, "text"));
    if (result)
        error_set(error, (enum error_code)result, "%s", text ? text : "the work as another user was cut off");
    if (answer)
        *answer = result ? NULL : json_incref(json_object_get(reply, "answer"));
    json_decref(reply);
    return result;
}
