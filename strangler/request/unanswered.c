/* SPDX-License-Identifier: Apache-2.0 */
/* An owner of an exchange that wants nothing but its end. */
#include "strangler/request/unanswered.h"

#include <sys/socket.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/log/log.h"

struct fcd_unanswered {
    FX_LINK(fcd_unanswered) link;
    struct fcd_unanswereds *all;
    struct fx_task release;
    struct fcd_group *group;
    struct fcd_write write;
    struct fcd_xchg x;
};

static void on_release(struct fx_task *task)
{
    free(FX_CONTAINER_OF(task, struct fcd_unanswered, release));
}

static struct fcd_unanswered *of(struct fcd_xchg *x)
{
    return FX_CONTAINER_OF(x, struct fcd_unanswered, x);
}

static void end(struct fcd_unanswered *one)
{
    fcd_group_leave_flight(one->group, &one->write);
    FX_LIST_REMOVE(&one->all->all, one, link);
    fx_loop_defer(one->all->local->loop, &one->release);
}

static void lose(struct fcd_unanswered *one)
{
    struct fcd_group *group = one->group;
    group->n_lost++;
    fx_series_add(fx_metric(one->all->local->shared->metrics, FCD_MT_LOST, group->name), 1);
    fx_log(FX_LOG_WARN, "strangler", group->name,
           "a write got no answer within facade.hold.unanswered; what became of it is unknown",
           "upstream=%s endpoint=%s", one->x.pool->conf->name, one->x.pool->conf->endpoints[0].url);
}

/* --- as owner of the exchange ----------------------------------------------------------------- */

static void on_start(struct fcd_xchg *x)
{
    FX_BUG("a write of group \"%s\" that was sent begins anew", of(x)->group->name);
}

static void on_done(struct fcd_xchg *x)
{
    end(of(x));
}

static void on_fail(struct fcd_xchg *x, enum fcd_failure why)
{
    if (why == FCD_FAIL_TIMEOUT)
        lose(of(x));
    end(of(x));
}

static const struct fcd_xchg_ops waiting_ops = {
    .start = on_start, .done = on_done, .fail = on_fail};

/* --- as a write of the group ------------------------------------------------------------------ */

static void on_write_released(struct fcd_write *write)
{
    FX_BUG("a write that was sent is released, state=%d", (int)write->state);
}

static void on_hold(struct fcd_write *write, int64_t within_ms)
{
    (void)write; /* it waits for its upstream, whatever a client does */
    (void)within_ms;
}

static const struct fcd_write_ops write_ops = {on_write_released, on_hold};

void fcd_unanswereds_init(struct fcd_unanswereds *all, struct fcd_local *local)
{
    *all = (struct fcd_unanswereds){.local = local};
}

void fcd_unanswered_take(struct fcd_unanswereds *all, struct fcd_group *group, struct fcd_xchg *x,
                         struct fcd_write *write)
{
    int64_t limit_ms = all->local->conf->hold.unanswered_ms;
    if (x->u == NULL || !x->has_sent || write->state != FCD_WRITE_IN_FLIGHT || limit_ms == 0)
        return;
    struct fcd_unanswered *one = FX_NEW(struct fcd_unanswered);
    one->all = all;
    one->release.fn = on_release;
    one->group = group;
    one->write.ops = &write_ops;
    fcd_group_leave_flight(group, write);
    fcd_group_enter_flight(group, &one->write);
    FX_LIST_PUSH(&all->all, one, link);
    fcd_xchg_hand_over(x, &one->x, &waiting_ops, limit_ms);
}

void fcd_unanswereds_done(struct fcd_unanswereds *all)
{
    FX_LIST_EACH_SAFE (&all->all, one, link)
        free(one);
}
