#include "fleet/work.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "fleet/authority.h"
#include "fleet/event.h"
#include "fleet/instance.h"
#include "fleet/instance_groups.h"
#include "fleet/rotate.h"

#define WORK_EVENTS "remove-old-events"
#define LEASE       (30 * CLOCK_SECOND)
#define ASK_AGAIN   100 /* ms: the signer makes a key in 0.1 to several seconds */

static int remove_old_events(struct fleet *fleet, const struct work_row *work, struct error *error)
{
    int64_t before = clock_now() - EVENT_LIFE;
    int result = store_event_remove_before(fleet->store, before, error);
    if (!result) /* of a time when there was a webhook: nobody sends them any more */
        result = store_work_remove_before(fleet->store, WORK_WEBHOOK, before, error);
    return result ? result
                  : store_work_again(fleet->store, work, fleet->owner, clock_now() + CLOCK_HOUR, error);
}

static const struct {
    const char *kind;
    int (*step)(struct fleet *, const struct work_row *, struct error *);
} kinds[] = {
    {WORK_AUTHORITY, authority_work},
    {WORK_SUCCESSOR, authority_work},
    {WORK_AUTHORITY_LIFE, authority_life_work},
    {WORK_WINDOW, instance_window_work},
    {WORK_ROTATION, rotate_work},
    {WORK_EVENTS, remove_old_events},
    {WORK_GROUPS, instance_groups_work},
};

static int run(struct fleet *fleet, const struct work_row *work, struct error *error)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (text_equal(kinds[i].kind, work->kind))
            return kinds[i].step(fleet, work, error);
    return error_set(error, ERROR_INTERNAL, "no such kind of work: %s", work->kind);
}

int64_t work_backoff(int attempts)
{
    int doublings = attempts > 1 ? attempts - 1 : 0;
    int64_t wait = CLOCK_SECOND << (doublings < 10 ? doublings : 10);
    return wait < 5 * CLOCK_MINUTE ? wait : 5 * CLOCK_MINUTE;
}

int work_step(struct fleet *fleet, struct error *error)
{
    struct work_row work;
    int result =
        store_work_claim(fleet->store, WORK_OF_WORKERS, fleet->owner, clock_now(), LEASE, &work, error);
    if (result)
        return result;
    struct error failure = {0};
    switch (run(fleet, &work, &failure)) {
    case 0:
        return store_work_done(fleet->store, &work, fleet->owner, error);
    case ERROR_BUSY:
        return store_work_wait(fleet->store, &work, fleet->owner, clock_now() + ASK_AGAIN, error);
    default:
        log_warning("action=work-failed kind=%s subject=%s attempts=%d reason=\"%s\"", work.kind,
                    work.subject, work.attempts, failure.text);
        return store_work_again(fleet->store, &work, fleet->owner, clock_now() + work_backoff(work.attempts),
                                error);
    }
}

int work_plan(struct fleet *fleet, struct error *error)
{
    int result = store_work_add(fleet->store, WORK_EVENTS, "all", clock_now(), error);
    return result ? result : rotate_plan_all(fleet, error);
}
