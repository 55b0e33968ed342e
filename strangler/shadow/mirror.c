/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine drawn in mirror.h. A job's memory is charged to one budget as it grows; the job that
 * would exceed it is dropped. set_state is the only mover between the lists.
 */
#include "strangler/shadow/mirror.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "strangler/shadow/compare.h"
#include "strangler/upstream/exchange.h"

enum job_state {
    JOB_COLLECT,
    JOB_QUEUED,
    JOB_ASK,
    JOB_PAUSE,
    JOB_QUEUED_AGAIN,
    JOB_AGAIN,
    JOB_OVER
};
enum result { SAME, MISMATCH, STALE, DROPPED, FAILED };

struct ask {
    struct fcd_xchg x;
    struct fx_timer timeout;
    struct fcd_shadow_job *job;
    enum fcd_owner side;
    bool is_running;
};

struct fcd_shadow_job {
    FX_LINK(fcd_shadow_job) link;
    struct fx_task release;
    struct fx_timer pause;
    struct fcd_mirror *mirror;
    struct fcd_route *route;
    enum job_state state;
    enum fcd_owner primary; /* the side that served the customer */
    char method[12];
    char request[160];
    struct fx_buf bytes; /* the request as it is sent */
    int64_t charged;
    struct fcd_answer answers[2]; /* by side */
    struct ask asks[2];           /* by side */
    bool has_failed;
};

static const char *const state_names[] = {[JOB_COLLECT] = "COLLECT",
                                          [JOB_QUEUED] = "QUEUED",
                                          [JOB_ASK] = "ASK",
                                          [JOB_PAUSE] = "PAUSE",
                                          [JOB_QUEUED_AGAIN] = "QUEUED_AGAIN",
                                          [JOB_AGAIN] = "AGAIN",
                                          [JOB_OVER] = "OVER"};

static bool may_follow(enum job_state from, enum job_state to)
{
    switch (to) {
    case JOB_COLLECT: return false;
    case JOB_QUEUED: return from == JOB_COLLECT;
    case JOB_ASK: return from == JOB_QUEUED;
    case JOB_PAUSE: return from == JOB_ASK;
    case JOB_QUEUED_AGAIN: return from == JOB_PAUSE;
    case JOB_AGAIN: return from == JOB_QUEUED_AGAIN;
    case JOB_OVER: return from != JOB_OVER;
    }
    return false;
}

static bool is_queued(enum job_state state)
{
    return state == JOB_QUEUED || state == JOB_QUEUED_AGAIN;
}

static bool is_asking(enum job_state state)
{
    return state == JOB_ASK || state == JOB_AGAIN;
}

static void set_state(struct fcd_shadow_job *job, enum job_state to)
{
    struct fcd_mirror *mirror = job->mirror;
    if (!may_follow(job->state, to))
        FX_BUG("shadow job \"%s\" cannot go from %s to %s, charged=%lld", job->request,
               state_names[job->state], state_names[to], (long long)job->charged);
    if (is_queued(job->state))
        FX_LIST_REMOVE(&mirror->queued, job, link);
    else
        FX_LIST_REMOVE(&mirror->running, job, link);
    mirror->n_asking -= is_asking(job->state);
    job->state = to;
    mirror->n_asking += is_asking(to);
    if (is_queued(to))
        FX_LIST_PUSH(&mirror->queued, job, link);
    else if (to != JOB_OVER)
        FX_LIST_PUSH(&mirror->running, job, link);
}

static const struct fcd_conf_mirror *conf_of(const struct fcd_mirror *mirror)
{
    return &mirror->local->conf->mirror;
}

static void count(struct fcd_mirror *mirror, struct fcd_route *route, enum result result)
{
    static const char *const names[] = {"same", "mismatch", "stale", "dropped", "failed"};
    struct fcd_shadow_stats *stats = &route->shadow;
    switch (result) {
    case SAME: stats->compared++; break;
    case MISMATCH:
        stats->compared++;
        stats->mismatch++;
        break;
    case STALE: stats->stale++; break;
    case DROPPED: stats->dropped++; break;
    case FAILED: stats->failed++; break;
    }
    fx_series_add(
        fx_metric(mirror->local->shared->metrics, FCD_MT_SHADOW, route->conf->id, names[result]),
        1);
}

static void on_release(struct fx_task *task)
{
    free(FX_CONTAINER_OF(task, struct fcd_shadow_job, release));
}

static void dispose(struct fcd_shadow_job *job)
{
    struct fcd_mirror *mirror = job->mirror;
    struct fx_loop *loop = mirror->local->loop;
    set_state(job, JOB_OVER);
    for (int side = 0; side < 2; side++) {
        if (job->asks[side].is_running)
            fcd_xchg_abort(&job->asks[side].x);
        fx_loop_timer_remove(loop, &job->asks[side].timeout);
        fx_buf_done(&job->answers[side].body);
    }
    fx_loop_timer_remove(loop, &job->pause);
    fx_buf_done(&job->bytes);
    mirror->bytes -= job->charged;
    mirror->n_jobs--;
    if (mirror->bytes < 0 || mirror->n_jobs < 0 || mirror->n_asking < 0)
        FX_BUG("shadow budget is negative: bytes=%lld jobs=%lld asking=%lld",
               (long long)mirror->bytes, (long long)mirror->n_jobs, (long long)mirror->n_asking);
    fx_loop_defer(loop, &job->release);
}

static void start_some(struct fcd_mirror *mirror);

bool fcd_mirror_wants(const struct fcd_route *route)
{
    return fcd_route_setting(route)->shadow_percent > 0;
}

static void end(struct fcd_shadow_job *job, enum result result)
{
    struct fcd_mirror *mirror = job->mirror;
    /*
     * Nothing is counted after the shadow was switched off: the jobs that still run then are only
     * those that wait for their second comparison, so the numbers would show differences only.
     */
    if (fcd_mirror_wants(job->route))
        count(mirror, job->route, result);
    dispose(job);
    start_some(mirror);
}

static bool charge(struct fcd_shadow_job *job, size_t len)
{
    if (job->mirror->bytes + (int64_t)len > conf_of(job->mirror)->bytes)
        return false;
    job->mirror->bytes += (int64_t)len;
    job->charged += (int64_t)len;
    return true;
}

/* --- collecting ------------------------------------------------------------------------------- */

static bool is_eligible(const struct fcd_forward *forward)
{
    static const char *const never[] = {"If-None-Match",       "If-Modified-Since", "If-Match",
                                        "If-Unmodified-Since", "If-Range",          "Range"};
    if ((forward->method & (FCD_M_GET | FCD_M_HEAD)) == 0 ||
        forward->head->framing != FX_FRAME_NONE)
        return false;
    for (size_t i = 0; i < FX_ARRAY_LEN(never); i++)
        if (fx_head_find(forward->head, never[i]) != NULL)
            return false;
    return true;
}

static void on_pause_over(struct fx_timer *timer);
static void on_ask_late(struct fx_timer *timer);

static struct fcd_shadow_job *new_job(struct fcd_mirror *mirror, const struct fcd_mirror_read *read)
{
    struct fcd_shadow_job *job = FX_NEW(struct fcd_shadow_job);
    const struct fx_head *head = read->forward->head;
    job->mirror = mirror;
    job->route = read->route;
    job->primary = read->side;
    job->release.fn = on_release;
    job->pause.fn = on_pause_over;
    for (int side = 0; side < 2; side++) {
        job->asks[side].job = job;
        job->asks[side].side = (enum fcd_owner)side;
        job->asks[side].timeout.fn = on_ask_late;
        job->answers[side].body = FX_BUF((size_t)conf_of(mirror)->body_bytes);
    }
    snprintf(job->method, sizeof job->method, "%s", read->method_text);
    snprintf(job->request, sizeof job->request, "%.*s %.*s", FX_STR_FMT(head->method),
             FX_STR_FMT(head->target));
    job->bytes = FX_BUF(FX_BLOCK_BYTES);
    mirror->n_jobs++;
    FX_LIST_PUSH(&mirror->running, job, link);
    return job;
}

struct fcd_shadow_job *fcd_mirror_begin(struct fcd_mirror *mirror,
                                        const struct fcd_mirror_read *read)
{
    struct fcd_local *local = mirror->local;
    struct fcd_route *route = read->route;
    double percent = fcd_route_setting(route)->shadow_percent;
    if (percent <= 0 || !is_eligible(read->forward) ||
        (percent < 100 && (double)fx_rand_below(&local->rnd, 1000000) >= percent * 10000))
        return NULL;
    if (mirror->n_jobs >= conf_of(mirror)->queue || local->is_draining) {
        count(mirror, route, DROPPED);
        return NULL;
    }
    enum fcd_owner other = read->side == FCD_OLD ? FCD_NEW : FCD_OLD;
    if (!fcd_pool_is_usable(&route->group->side[other]->shadow)) {
        count(mirror, route, FAILED); /* nothing is collected for a side that is not there */
        return NULL;
    }
    struct fcd_shadow_job *job = new_job(mirror, read);
    fcd_forward_write(read->forward, &route->group->side[other]->conf->endpoints[0], true,
                      &job->bytes);
    if (!job->bytes.has_failed && charge(job, sizeof *job + job->bytes.len))
        return job;
    count(mirror, route, DROPPED);
    dispose(job);
    return NULL;
}

static void take_head(struct fcd_answer *answer, const struct fx_head *head)
{
    struct fx_str rest, type = fx_str_cut(fx_head_value(head, "Content-Type"), ';', &rest);
    type = fx_str_trim(type);
    answer->status = head->status;
    answer->is_json =
        fx_str_eq_ci(type, FX_STR("application/json")) ||
        (type.len > 5 && fx_str_eq_ci(fx_str_sub(type, type.len - 5, 5), FX_STR("+json")));
    answer->is_encoded = fx_head_find(head, "Content-Encoding") != NULL;
}

static void take_data(struct fcd_shadow_job *job, enum fcd_owner side, struct fx_str bytes)
{
    if (job->has_failed)
        return;
    if (!charge(job, bytes.len))
        job->has_failed = true;
    fx_buf_add(&job->answers[side].body, bytes);
    job->has_failed = job->has_failed || job->answers[side].body.has_failed;
}

void fcd_mirror_head(struct fcd_shadow_job *job, const struct fx_head *head)
{
    take_head(&job->answers[job->primary], head);
}

void fcd_mirror_data(struct fcd_shadow_job *job, struct fx_str bytes)
{
    take_data(job, job->primary, bytes);
}

void fcd_mirror_end(struct fcd_shadow_job *job, bool is_complete)
{
    struct fcd_mirror *mirror = job->mirror;
    if (!is_complete || job->has_failed) {
        end(job, DROPPED);
        return;
    }
    set_state(job, JOB_QUEUED);
    start_some(mirror);
}

/* --- asking ----------------------------------------------------------------------------------- */

static struct ask *ask_of(struct fcd_xchg *x)
{
    return FX_CONTAINER_OF(x, struct ask, x);
}

static void on_start(struct fcd_xchg *x)
{
    fx_buf_add(&x->u->stream.out.buf, fx_buf_str(&ask_of(x)->job->bytes));
    fcd_xchg_complete(x);
}

static void on_head(struct fcd_xchg *x, const struct fx_head *head)
{
    struct ask *ask = ask_of(x);
    if (head->status >= 200)
        take_head(&ask->job->answers[ask->side], head);
}

static void on_data(struct fcd_xchg *x, struct fx_str bytes)
{
    take_data(ask_of(x)->job, ask_of(x)->side, bytes);
}

static void add_exemplar(struct fcd_shadow_job *job, const char *difference)
{
    struct fcd_mirror *mirror = job->mirror;
    struct fcd_exemplars *kept = &job->route->exemplars;
    size_t most = (size_t)conf_of(mirror)->exemplars;
    if (most == 0 || !fcd_mirror_wants(job->route))
        return;
    if (kept->items == NULL)
        kept->items = fx_alloc_array(kept->max = most, sizeof *kept->items);
    struct fcd_exemplar *one = &kept->items[kept->next];
    kept->next = (kept->next + 1) % most;
    kept->len = FX_MIN(kept->len + 1, most);
    one->at = fx_loop_wall(mirror->local->loop);
    snprintf(one->request, sizeof one->request, "%s", job->request);
    snprintf(one->difference, sizeof one->difference, "%s", difference);
}

/* Both answers are there. */
static void judge(struct fcd_shadow_job *job)
{
    char difference[FCD_DIFFERENCE_MAX];
    const struct fcd_conf_shadow *conf = &job->route->group->conf->shadow;
    const struct fcd_compare_rules rules = {conf->pointers, conf->n_pointers};
    bool is_second = job->state == JOB_AGAIN;
    if (job->has_failed) {
        end(job, FAILED);
    } else if (fcd_compare(&job->answers[FCD_OLD], &job->answers[FCD_NEW], &rules, difference)) {
        end(job, is_second ? STALE : SAME);
    } else if (is_second) {
        add_exemplar(job, difference);
        end(job, MISMATCH);
    } else {
        struct fcd_mirror *mirror = job->mirror;
        set_state(job, JOB_PAUSE);
        fx_loop_timer(mirror->local->loop, &job->pause, fcd_route_setting(job->route)->recheck_ms);
        start_some(mirror);
    }
}

static void on_over(struct ask *ask, bool has_failed)
{
    struct fcd_shadow_job *job = ask->job;
    ask->is_running = false;
    fx_timer_stop(&ask->timeout);
    job->has_failed = job->has_failed || has_failed;
    if (!job->asks[FCD_OLD].is_running && !job->asks[FCD_NEW].is_running)
        judge(job);
}

static void on_done(struct fcd_xchg *x)
{
    on_over(ask_of(x), false);
}

static void on_fail(struct fcd_xchg *x, enum fcd_failure why)
{
    (void)why;
    on_over(ask_of(x), true);
}

static void on_ask_late(struct fx_timer *timer)
{
    struct ask *ask = FX_CONTAINER_OF(timer, struct ask, timeout);
    fcd_xchg_abort(&ask->x);
    on_over(ask, true);
}

static const struct fcd_xchg_ops ask_ops = {
    .start = on_start, .head = on_head, .data = on_data, .done = on_done, .fail = on_fail};

/* false: no connection. */
static bool start_ask(struct ask *ask)
{
    struct fcd_shadow_job *job = ask->job;
    struct fx_loop *loop = job->mirror->local->loop;
    enum fcd_failure why;
    struct fcd_answer *answer = &job->answers[ask->side];
    int64_t had = (int64_t)answer->body.len;
    job->charged -= had;
    job->mirror->bytes -= had;
    fx_buf_clear(&answer->body);
    ask->x = (struct fcd_xchg){.ops = &ask_ops,
                               .pool = &job->route->group->side[ask->side]->shadow,
                               .method = fx_str_from(job->method),
                               .repeat = FCD_REPEAT_SAFE,
                               .response_ms = conf_of(job->mirror)->timeout_ms};
    ask->is_running = true;
    fx_loop_timer(loop, &ask->timeout, conf_of(job->mirror)->timeout_ms);
    if (fcd_pool_is_usable(ask->x.pool) && fcd_xchg_begin(&ask->x, &why))
        return true;
    ask->is_running = false;
    fx_timer_stop(&ask->timeout);
    return false;
}

static void start_job(struct fcd_shadow_job *job)
{
    enum fcd_owner other = job->primary == FCD_OLD ? FCD_NEW : FCD_OLD;
    bool is_second = job->state == JOB_QUEUED_AGAIN;
    set_state(job, is_second ? JOB_AGAIN : JOB_ASK);
    bool ok = start_ask(&job->asks[other]);
    if (ok && is_second)
        ok = start_ask(&job->asks[job->primary]);
    if (!ok)
        end(job, FAILED);
}

/* Runs at most one level deep: a job that fails at
 * once would otherwise start the next from within. */
static void start_some(struct fcd_mirror *mirror)
{
    if (mirror->is_starting)
        return;
    mirror->is_starting = true;
    while (mirror->queued.first != NULL && mirror->n_asking < conf_of(mirror)->connections)
        start_job(mirror->queued.first);
    mirror->is_starting = false;
}

static void on_pause_over(struct fx_timer *timer)
{
    struct fcd_shadow_job *job = FX_CONTAINER_OF(timer, struct fcd_shadow_job, pause);
    set_state(job, JOB_QUEUED_AGAIN);
    start_some(job->mirror);
}

void fcd_mirror_init(struct fcd_mirror *mirror, struct fcd_local *local)
{
    *mirror = (struct fcd_mirror){.local = local};
}

void fcd_mirror_done(struct fcd_mirror *mirror)
{
    FX_LIST_EACH_SAFE (&mirror->queued, job, link)
        dispose(job);
    FX_LIST_EACH_SAFE (&mirror->running, job, link)
        dispose(job);
}
