/* SPDX-License-Identifier: Apache-2.0 */
/* The machine drawn in admin.h. A call is freed at the end of the turn in which it is over. */
#include "strangler/admin/admin.h"

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "strangler/admin/api.h"

enum { BODY_MAX = 64 * 1024, ANSWER_MAX = 32 << 20 };
enum step { STEP_HEAD, STEP_SLOW, STEP_COLLECT, STEP_REPLY, STEP_OVER };
enum next { NEXT_MORE, NEXT_WAIT, NEXT_DONE };

struct admin_call {
    struct fcd_admin *admin;
    struct fx_task release;
    struct fx_timer slow;
    struct fcd_refusal refusal; /* that waits */
    enum step step;
    unsigned method; /* FCD_M_* */
    char path[200];  /* without query */
    struct fx_buf body;
    struct fcd_call call; /* last: it ends with the head */
};

static const char *const step_names[] = {[STEP_HEAD] = "HEAD",
                                         [STEP_SLOW] = "SLOW",
                                         [STEP_COLLECT] = "COLLECT",
                                         [STEP_REPLY] = "REPLY",
                                         [STEP_OVER] = "OVER"};

static bool may_follow(enum step from, enum step to)
{
    switch (to) {
    case STEP_HEAD: return false;
    case STEP_SLOW:
    case STEP_COLLECT: return from == STEP_HEAD;
    case STEP_REPLY: return from != STEP_REPLY && from != STEP_OVER;
    case STEP_OVER: return from != STEP_OVER;
    }
    return false;
}

static void set_step(struct admin_call *ac, enum step to)
{
    if (!may_follow(ac->step, to))
        FX_BUG("admin call %s %s cannot go from %s to %s", ac->call.method_text, ac->path,
               step_names[ac->step], step_names[to]);
    ac->step = to;
}

static struct admin_call *admin_call_of(struct fcd_call *call)
{
    return FX_CONTAINER_OF(call, struct admin_call, call);
}

static void on_release(struct fx_task *task)
{
    struct admin_call *ac = FX_CONTAINER_OF(task, struct admin_call, release);
    fx_loop_timer_remove(ac->admin->view.local->loop, &ac->slow);
    fx_buf_done(&ac->body);
    free(ac);
}

static void on_slow_over(struct fx_timer *timer);

static struct fcd_call *begin(struct fcd_service *service, struct fcd_conn *conn)
{
    struct admin_call *ac = FX_NEW(struct admin_call);
    ac->admin = FX_CONTAINER_OF(service, struct fcd_admin, service);
    ac->release.fn = on_release;
    ac->slow.fn = on_slow_over;
    ac->body = FX_BUF(BODY_MAX);
    ac->call.conn = conn;
    return &ac->call;
}

static void finish(struct admin_call *ac)
{
    if (ac->step == STEP_SLOW)
        fcd_guard_waited(&ac->admin->guard);
    set_step(ac, STEP_OVER);
    fx_loop_defer(ac->admin->view.local->loop, &ac->release);
}

static void refuse(struct fcd_call *call, int status, const char *why)
{
    fcd_call_refuse(call, status, why);
    set_step(admin_call_of(call), STEP_REPLY);
}

static void on_slow_over(struct fx_timer *timer)
{
    struct admin_call *ac = FX_CONTAINER_OF(timer, struct admin_call, slow);
    if (ac->step != STEP_SLOW)
        return;
    fcd_guard_waited(&ac->admin->guard);
    refuse(&ac->call, ac->refusal.status, ac->refusal.message);
    fcd_conn_drive(ac->call.conn);
}

static enum next refuse_stranger(struct admin_call *ac)
{
    struct fcd_call *call = &ac->call;
    int64_t wait_ms = fcd_guard_refuse(&ac->admin->guard, call, &ac->refusal);
    if (wait_ms < 0) {
        fcd_conn_close(call->conn);
        return NEXT_DONE;
    }
    if (wait_ms == 0) {
        refuse(call, ac->refusal.status, ac->refusal.message);
        return NEXT_MORE;
    }
    set_step(ac, STEP_SLOW);
    fx_loop_timer(ac->admin->view.local->loop, &ac->slow, wait_ms);
    return NEXT_WAIT;
}

/* The head is looked at first, because the body goes through the same block. */
static enum next take_head(struct admin_call *ac)
{
    struct fcd_call *call = &ac->call;
    const struct fx_head *head = &call->head;
    struct fcd_local *local = ac->admin->view.local;
    ac->method = fcd_method_bit(head->method);
    if (!fcd_guard_allows(&ac->admin->guard, call, &ac->refusal))
        return refuse_stranger(ac);
    snprintf(ac->path, sizeof ac->path, "%.*s", FX_STR_FMT(head->path));
    set_step(ac, STEP_COLLECT);
    if (!fcd_call_accept_body(call)) {
        fcd_conn_close(call->conn);
        return NEXT_DONE;
    }
    fcd_call_set_deadline(call, local->conf->timeouts.head_ms);
    return NEXT_MORE;
}

static void answer(struct admin_call *ac)
{
    struct fcd_api_call api = {.view = &ac->admin->view,
                               .peer = ac->call.conn->peer,
                               .method = ac->method,
                               .path = fx_str_from(ac->path),
                               .body = fx_buf_str(&ac->body),
                               .status = 200,
                               .content_type = "application/json",
                               .out = FX_BUF(ANSWER_MAX)};
    fcd_api_answer(&api);
    ac->call.allow = api.allow;
    fcd_call_reply(&ac->call, api.status, api.content_type, fx_buf_str(&api.out));
    fx_buf_done(&api.out);
    set_step(ac, STEP_REPLY);
}

static enum next collect(struct admin_call *ac)
{
    struct fcd_call *call = &ac->call;
    while (fcd_call_collect_body(call, &ac->body) > 0)
        ;
    if (call->body == FCD_BODY_BAD || ac->body.has_failed) {
        fcd_call_clear_deadline(call);
        refuse(call, 400, "the body of the admin call is not valid HTTP or is larger than 64 KiB");
        return NEXT_MORE;
    }
    if (call->body == FCD_BODY_COMPLETE) {
        fcd_call_clear_deadline(call);
        answer(ac);
        return NEXT_MORE;
    }
    switch (fcd_call_read(call)) {
    case FX_STREAM_SOME: return NEXT_MORE;
    case FX_STREAM_LATER: return NEXT_WAIT;
    case FX_STREAM_END:
    case FX_STREAM_BROKEN: break;
    }
    fcd_conn_close(call->conn);
    return NEXT_DONE;
}

static enum next reply(struct admin_call *ac)
{
    switch (fcd_call_send_reply(&ac->call)) {
    case FCD_REPLY_SENT:
        fcd_call_finish(&ac->call);
        finish(ac);
        return NEXT_DONE;
    case FCD_REPLY_WAITS: return NEXT_WAIT;
    case FCD_REPLY_GOES_ON: return NEXT_MORE;
    case FCD_REPLY_CLIENT_GONE: break;
    }
    fcd_conn_close(ac->call.conn);
    return NEXT_DONE;
}

static enum next run_step(struct admin_call *ac)
{
    switch (ac->step) {
    case STEP_HEAD: return take_head(ac);
    case STEP_SLOW: return NEXT_WAIT;
    case STEP_COLLECT: return collect(ac);
    case STEP_REPLY: return reply(ac);
    case STEP_OVER: return NEXT_DONE;
    }
    return NEXT_DONE;
}

static bool run(struct fcd_call *call)
{
    enum next next = NEXT_MORE;
    while (next == NEXT_MORE)
        next = run_step(admin_call_of(call));
    return next == NEXT_DONE;
}

static void gone(struct fcd_call *call)
{
    struct admin_call *ac = admin_call_of(call);
    if (ac->step != STEP_OVER)
        finish(ac);
}

void fcd_admin_init(struct fcd_admin *admin, const struct fcd_view *view)
{
    *admin = (struct fcd_admin){.service = {begin, run, refuse, gone}, .view = *view};
    fcd_guard_init(&admin->guard, view->local);
}
