/* Servers that were there before Sealwright: looked at and given back, never started or stopped. */
#include "engine/adopted.h"

#include "agent/work.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>

/* What the round needs to know of the server. */
static void take_facts(struct work *work, const struct adopted *server)
{
    text_copy(work->release.engine, sizeof work->release.engine, server->engine);
    text_copy(work->release.version, sizeof work->release.version, server->version);
    work->engine.release = &work->release;
    adopted_set(&work->address, server->address ? server->address : "");
    work->engine.listen_addresses = work->address;
    work->engine.port = server->port;
    work->state.port = server->port;
}

/* What was known before is good enough where the server does not let us in; not where its owner has set what
 * stands in the way of Sealwright. */
static int look_again(struct work *work, struct adopted *server, struct error *error)
{
    struct error why = {0};
    int result = work->adoption->look(server, &why);
    if (!result)
        return adopted_save(work->folder, server, error);
    log_warning("instance=%s action=look result=\"%s\"", work->desired->identifier, why.text);
    return result == ERROR_STATE ? error_set(error, ERROR_STATE, "%s", why.text) : 0;
}

int adopted_look(struct work *work, struct error *error)
{
    struct adopted server;
    int result = adopted_load(work->folder, &server, error);
    work->down = !result && !work->driver->status(&work->engine).running;
    if (work->down) {
        work->state.up = false;
        error_set(
            &work->put_off, ERROR_STATE,
            "The database server does not run. It was adopted: what started it before is to start it again.");
    } else if (!result)
        result = look_again(work, &server, error);
    take_facts(work, &server);
    adopted_free(&server);
    return result;
}

static int give_back(struct work *work, struct error *error)
{
    struct adopted server;
    int result = adopted_load(work->folder, &server, error);
    if (!result && !server.given_back) {
        adopted_free(&server);
        result = adopted_give_back(work->adoption, &work->engine, error);
        /* The look on the way has written down more. */
        if (!result)
            result = adopted_load(work->folder, &server, error);
        if (!result) {
            server.given_back = true;
            result = adopted_save(work->folder, &server, error);
        }
        if (!result)
            log_info("instance=%s action=give-back result=served", work->desired->identifier);
    }
    if (!result)
        result = adopted_remove_hooks(&server, error);
    /* Some files are root's, and the server's own user may not put them back. */
    if (result == ERROR_DENIED && server.given_back)
        error_prefix(error,
                     "it serves its own certificate again; for its files run as root: sealwright release %s",
                     work->desired->identifier);
    adopted_free(&server);
    return result;
}

int adopted_release(struct work *work, struct error *error)
{
    /* The folder may have lost it: then nothing is known that could be given back. */
    return adopted_is(work->folder) ? give_back(work, error) : 0;
}
