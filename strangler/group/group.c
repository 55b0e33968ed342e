/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hold queue. Pacing is a bucket of credit: it fills with time at the configured rate, up to 20 ms worth, so
 * that a release of few writes takes no time and one of many is a steady stream.
 */
#include "strangler/group/group.h"

#include "lib/log/log.h"
#include "strangler/net/conn.h"
#include "strangler/request/req.h"
#include "strangler/worker/worker.h"

enum { PACE_MS = 5, CREDIT_MS = 20 };

static void on_deadline(struct fx_timer *timer)
{
    struct fcd_group *group = FX_CONTAINER_OF(timer, struct fcd_group, deadline);
    struct fcd_own *own = fcd_group_own(group->worker, group);
    if (own->hold != FCD_HOLDING)
        return;
    fx_log(FX_LOG_WARN, "strangler", group->name, "hold reached its deadline; writes go on",
           "epoch=%lld owner=%s held=%zu", (long long)own->epoch, fcd_owner_name(own->owner),
           group->held.len);
    /* Not saved: a restart finds the same deadline in the past and comes to the same end. */
    fcd_own_expire(own);
    fcd_group_apply(group);
}

static void on_pace(struct fx_timer *timer);

void fcd_group_init(struct fcd_group *group, struct fcd_worker *worker, const char *name,
                    size_t index)
{
    *group = (struct fcd_group){.worker = worker, .index = index};
    snprintf(group->name, sizeof group->name, "%s", name);
    group->salt = fcd_split_salt(name);
    group->deadline.fn = on_deadline;
    group->pace.fn = on_pace;
}

void fcd_group_done(struct fcd_group *group)
{
    fx_loop_timer_remove(group->worker->loop, &group->deadline);
    fx_loop_timer_remove(group->worker->loop, &group->pace);
}

bool fcd_group_is_held(const struct fcd_group *group)
{
    return fcd_group_own(group->worker, group)->hold == FCD_HOLDING || group->held.len > 0;
}

bool fcd_group_hold(struct fcd_group *group, struct fcd_req *req)
{
    struct fcd_worker *worker = group->worker;
    struct fcd_hold_budget *budget = &worker->hold_budget;
    int64_t bytes = FX_BLOCK_BYTES +
                    (int64_t)sizeof *req; /* what waiting keeps: the body stays with the client */
    if (budget->requests + 1 > worker->conf->hold.requests ||
        budget->bytes + bytes > worker->conf->hold.bytes) {
        fx_series_add(fx_metric(worker->metrics, FCD_MT_HELD_TOTAL, group->name, "refused"), 1);
        return false;
    }
    budget->requests++;
    budget->bytes += bytes;
    req->held_bytes = bytes;
    req->held_since = fx_loop_now(worker->loop);
    FX_LIST_PUSH(&group->held, req, link);
    return true;
}

void fcd_group_forget(struct fcd_group *group, struct fcd_req *req, const char *how)
{
    struct fcd_worker *worker = group->worker;
    int64_t waited_ms = fx_mono_since_us(req->held_since, fx_loop_now(worker->loop)) / 1000;
    worker->hold_budget.requests--;
    worker->hold_budget.bytes -= req->held_bytes;
    req->held_bytes = 0;
    if (waited_ms > group->held_max_ms)
        group->held_max_ms = waited_ms;
    FX_LIST_REMOVE(&group->held, req, link);
    fx_series_add(fx_metric(worker->metrics, FCD_MT_HELD_TOTAL, group->name, how), 1);
}

int64_t fcd_group_longest_wait_ms(const struct fcd_group *group)
{
    if (group->held.first == NULL)
        return 0;
    return fx_mono_since_us(group->held.first->held_since, fx_loop_now(group->worker->loop)) / 1000;
}

static void send_some(struct fcd_group *group)
{
    struct fcd_worker *worker = group->worker;
    struct fx_mono now = fx_loop_now(worker->loop);
    double per_us = (double)worker->conf->hold.release_per_s / 1e6;
    double most = FX_MAX(per_us * CREDIT_MS * 1000, 1.0);
    group->credit += (double)fx_mono_since_us(group->paced_at, now) * per_us;
    group->credit = FX_MIN(group->credit, most);
    group->paced_at = now;
    while (group->held.first != NULL && group->credit >= 1 &&
           fcd_group_own(worker, group)->hold != FCD_HOLDING) {
        struct fcd_req *req = group->held.first;
        group->credit -= 1;
        fcd_group_forget(group, req, "released");
        fcd_req_release(req);
    }
    if (group->held.first != NULL && fcd_group_own(worker, group)->hold != FCD_HOLDING)
        fx_loop_timer(worker->loop, &group->pace, PACE_MS);
}

static void on_pace(struct fx_timer *timer)
{
    send_some(FX_CONTAINER_OF(timer, struct fcd_group, pace));
}

/*
 * Everyone who holds waits for the writes that were in flight. Whoever sends his body slowly would decide how long: after
 * hold.body he is answered 503, and one that has begun to answer does not count any more.
 */
static void hurry(struct fcd_group *group)
{
    struct fcd_worker *worker = group->worker;
    if (group->is_hurrying)
        return;
    group->is_hurrying = true;
    group->hurry_until = fx_mono_add_ms(fx_loop_now(worker->loop), worker->conf->hold.body_ms);
    FX_LIST_EACH (&worker->reqs, req, all)
        if (req->step == FCD_STEP_EXCHANGE && req->is_write && req->route->group == group)
            fx_loop_timer(worker->loop, &req->patience, worker->conf->hold.body_ms);
}

void fcd_group_apply(struct fcd_group *group)
{
    struct fcd_worker *worker = group->worker;
    const struct fcd_own *own = fcd_group_own(worker, group);
    if (own->hold == FCD_HOLDING) {
        fx_loop_timer(worker->loop, &group->deadline,
                      fcd_own_hold_left_ms(own, fx_loop_wall(worker->loop)));
        hurry(group);
        return;
    }
    group->is_hurrying = false;
    fx_timer_stop(&group->deadline);
    group->paced_at = fx_loop_now(worker->loop);
    if (group->held.first != NULL)
        fx_loop_timer(worker->loop, &group->pace, 0);
}
