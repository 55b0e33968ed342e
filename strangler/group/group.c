/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hold queue. Pacing is a token bucket: it fills at the configured rate, up to 20 ms worth, so
 * that a release of few writes is immediate and one of many is a steady stream.
 */
#include "strangler/group/group.h"

#include "lib/base/panic.h"
#include "lib/log/log.h"
#include "strangler/route/split.h"

enum { PACE_MS = 5, CREDIT_MS = 20 };

static const char *const write_states[] = {
    [FCD_WRITE_NONE] = "NONE", [FCD_WRITE_HELD] = "HELD", [FCD_WRITE_IN_FLIGHT] = "IN_FLIGHT"};

static bool may_follow(enum fcd_write_state from, enum fcd_write_state to)
{
    switch (to) {
    case FCD_WRITE_NONE: return from == FCD_WRITE_HELD || from == FCD_WRITE_IN_FLIGHT;
    case FCD_WRITE_HELD:
    case FCD_WRITE_IN_FLIGHT: return from == FCD_WRITE_NONE;
    }
    return false;
}

/* One that goes back to the queue goes back to its place: behind those that came before it. */
static void enter_held(struct fcd_group *group, struct fcd_write *write)
{
    struct fcd_write *before = group->held.last;
    while (before != NULL && before->arrival > write->arrival)
        before = before->link.prev;
    FX_LIST_INSERT(&group->held, before, write, link);
}

/* A write's state is the list in which it is. */
static void set_write_state(struct fcd_group *group, struct fcd_write *write,
                            enum fcd_write_state to)
{
    if (!may_follow(write->state, to))
        FX_BUG("write of group \"%s\" cannot go from %s to %s, held=%zu in_flight=%zu", group->name,
               write_states[write->state], write_states[to], group->held.len, group->in_flight.len);
    if (write->state == FCD_WRITE_HELD)
        FX_LIST_REMOVE(&group->held, write, link);
    else if (write->state == FCD_WRITE_IN_FLIGHT)
        FX_LIST_REMOVE(&group->in_flight, write, link);
    write->state = to;
    if (to == FCD_WRITE_HELD)
        enter_held(group, write);
    else if (to == FCD_WRITE_IN_FLIGHT)
        FX_LIST_PUSH(&group->in_flight, write, link);
}

static void on_deadline(struct fx_timer *timer)
{
    struct fcd_group *group = FX_CONTAINER_OF(timer, struct fcd_group, deadline);
    struct fcd_own *own = fcd_group_own(group);
    if (own->hold != FCD_HOLDING)
        return;
    if (group->conf == NULL) /* a canary: it has no writes */
        own->is_moving = false;
    if (own->is_moving)
        fx_log(FX_LOG_ERROR, "strangler", group->name,
               "write hold reached its deadline, and the cut-over that asked for it may have "
               "committed: writes get 503 until the facade is told the owner",
               "epoch=%lld held=%zu next=\"ficus run resume, or ficus route sync %s --execute\"",
               (long long)own->epoch, group->held.len, group->name);
    else
        fx_log(FX_LOG_WARN, "strangler", group->name,
               "write hold reached its deadline; held writes are sent to the owner",
               "epoch=%lld owner=%s held=%zu", (long long)own->epoch, fcd_owner_name(own->owner),
               group->held.len);
    /* Not saved: a restart finds the same deadline in the past and comes to the same end. */
    fcd_own_expire(own);
    fcd_group_apply(group);
}

static void on_pace(struct fx_timer *timer);

void fcd_group_init(struct fcd_group *group, struct fcd_local *local, struct fcd_state *state,
                    struct fcd_hold_budget *budget, const char *name)
{
    *group = (struct fcd_group){.local = local, .state = state, .budget = budget};
    snprintf(group->name, sizeof group->name, "%s", name);
    group->index = fcd_state_group(state, name);
    FX_ASSERT(group->index < state->n_groups);
    group->salt = fcd_split_salt(name);
    group->deadline.fn = on_deadline;
    group->pace.fn = on_pace;
}

void fcd_group_done(struct fcd_group *group)
{
    fx_loop_timer_remove(group->local->loop, &group->deadline);
    fx_loop_timer_remove(group->local->loop, &group->pace);
}

bool fcd_group_is_held(const struct fcd_group *group)
{
    return fcd_group_own(group)->hold == FCD_HOLDING || group->held.len > 0;
}

bool fcd_group_may_send(const struct fcd_group *group, enum fcd_owner side)
{
    const struct fcd_own *own = fcd_group_own(group);
    return own->hold != FCD_HOLDING && !fcd_own_is_unknown(own) && own->owner == side;
}

static void take_place(struct fcd_group *group, struct fcd_write *write)
{
    if (write->arrival == 0)
        write->arrival = ++group->n_arrived;
}

static void count_held(const struct fcd_group *group, const char *how)
{
    fx_series_add(fx_metric(group->local->shared->metrics, FCD_MT_HELD_TOTAL, group->name, how), 1);
}

bool fcd_group_hold(struct fcd_group *group, struct fcd_write *write, int64_t bytes)
{
    const struct fcd_conf_hold *limits = &group->local->conf->hold;
    struct fcd_hold_budget *budget = group->budget;
    if (budget->requests + 1 > limits->requests || budget->bytes + bytes > limits->bytes) {
        count_held(group, "refused");
        return false;
    }
    budget->requests++;
    budget->bytes += bytes;
    write->held_bytes = bytes;
    write->held_since = fcd_local_now(group->local);
    take_place(group, write);
    set_write_state(group, write, FCD_WRITE_HELD);
    return true;
}

void fcd_group_forget(struct fcd_group *group, struct fcd_write *write, const char *how)
{
    struct fcd_hold_budget *budget = group->budget;
    int64_t waited_ms = fx_mono_since_us(write->held_since, fcd_local_now(group->local)) / 1000;
    set_write_state(group, write, FCD_WRITE_NONE);
    budget->requests--;
    budget->bytes -= write->held_bytes;
    if (budget->requests < 0 || budget->bytes < 0)
        FX_BUG("hold budget is negative: requests=%lld bytes=%lld", (long long)budget->requests,
               (long long)budget->bytes);
    write->held_bytes = 0;
    group->held_max_ms = FX_MAX(group->held_max_ms, waited_ms);
    count_held(group, how);
}

void fcd_group_refuse_held(struct fcd_group *group)
{
    while (group->held.first != NULL) {
        struct fcd_write *write = group->held.first;
        fcd_group_forget(group, write, "refused");
        write->ops->release(write);
    }
}

void fcd_group_enter_flight(struct fcd_group *group, struct fcd_write *write)
{
    take_place(group, write);
    set_write_state(group, write, FCD_WRITE_IN_FLIGHT);
}

void fcd_group_leave_flight(struct fcd_group *group, struct fcd_write *write)
{
    if (write->state == FCD_WRITE_IN_FLIGHT)
        set_write_state(group, write, FCD_WRITE_NONE);
}

bool fcd_group_is_body_late(const struct fcd_group *group)
{
    return group->has_body_deadline &&
           fx_mono_reached(group->body_deadline, fcd_local_now(group->local));
}

int64_t fcd_group_longest_wait_ms(const struct fcd_group *group)
{
    if (group->held.first == NULL)
        return 0;
    return fx_mono_since_us(group->held.first->held_since, fcd_local_now(group->local)) / 1000;
}

static bool may_send(const struct fcd_group *group)
{
    return group->held.first != NULL && fcd_group_own(group)->hold != FCD_HOLDING;
}

static void send_some(struct fcd_group *group)
{
    struct fcd_local *local = group->local;
    struct fx_mono now = fcd_local_now(local);
    if (fcd_own_is_unknown(fcd_group_own(group))) { /* there is no side to send them to */
        fcd_group_refuse_held(group);
        return;
    }
    double per_us = (double)local->conf->hold.release_per_s / 1e6;
    double most = FX_MAX(per_us * CREDIT_MS * 1000, 1.0);
    group->credit += (double)fx_mono_since_us(group->paced_at, now) * per_us;
    group->credit = FX_MIN(group->credit, most);
    group->paced_at = now;
    while (may_send(group) && group->credit >= 1) {
        struct fcd_write *write = group->held.first;
        group->credit -= 1;
        fcd_group_forget(group, write, "released");
        write->ops->release(write);
    }
    if (may_send(group))
        fx_loop_timer(local->loop, &group->pace, PACE_MS);
}

static void on_pace(struct fx_timer *timer)
{
    send_some(FX_CONTAINER_OF(timer, struct fcd_group, pace));
}

/*
 * A hold waits for the writes that were in flight, except for those of which no byte has left. A
 * client that sends its body slowly would decide
 * how long: after hold.body it is answered 503, and a write whose answer has begun does not count
 * any more.
 */
static void limit_bodies(struct fcd_group *group)
{
    int64_t within_ms = group->local->conf->hold.body_ms;
    if (group->has_body_deadline)
        return;
    group->has_body_deadline = true;
    group->body_deadline = fx_mono_add_ms(fcd_local_now(group->local), within_ms);
    FX_LIST_EACH_SAFE (&group->in_flight, write, link)
        write->ops->hold(write, within_ms);
}

int64_t fcd_group_hold_left_ms(const struct fcd_group *group)
{
    if (fcd_group_own(group)->hold != FCD_HOLDING)
        return 0;
    int64_t left_us = fx_mono_since_us(fcd_local_now(group->local), group->hold_ends);
    return left_us > 0 ? (left_us + 999) / 1000 : 0;
}

/*
 * The wall clock decides once for each hold, when it begins or when the state is read: then the
 * monotonic clock does, so that a clock that is set back prolongs nothing. Applied again for every
 * admin call.
 */
static void apply_hold(struct fcd_group *group, const struct fcd_own *own)
{
    struct fcd_local *local = group->local;
    const struct fcd_own *seen = &group->hold_seen;
    bool is_seen = seen->hold == FCD_HOLDING && seen->epoch == own->epoch &&
                   seen->hold_until.us == own->hold_until.us;
    if (!is_seen)
        group->hold_ends = fx_mono_add_ms(fcd_local_now(local),
                                          fcd_own_hold_left_ms(own, fx_loop_wall(local->loop)));
    group->hold_seen = *own;
    fx_loop_timer(local->loop, &group->deadline, fcd_group_hold_left_ms(group));
    limit_bodies(group);
}

/* A release that goes on keeps its pace, however often it is applied. */
static void apply_open(struct fcd_group *group)
{
    struct fcd_local *local = group->local;
    group->hold_seen = (struct fcd_own){0};
    group->has_body_deadline = false;
    fx_timer_stop(&group->deadline);
    if (group->held.first == NULL || fx_timer_is_set(&group->pace))
        return;
    group->paced_at = fcd_local_now(local);
    fx_loop_timer(local->loop, &group->pace, 0);
}

void fcd_group_apply(struct fcd_group *group)
{
    const struct fcd_own *own = fcd_group_own(group);
    if (own->hold == FCD_HOLDING)
        apply_hold(group, own);
    else
        apply_open(group);
}
