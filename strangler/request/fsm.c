/* SPDX-License-Identifier: Apache-2.0 */
/* The machine drawn in req.h: one short function for each line of steps.def, and the dispatcher. */
#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "strangler/request/req.h"

enum next { NEXT_MORE, NEXT_WAIT, NEXT_DONE };

static const char *const step_names[] = {
#define X(name, what) #name,
#include "strangler/request/steps.def"
#undef X
    "OVER"};

static bool may_follow(enum fcd_step from, enum fcd_step to)
{
    switch (to) {
    case FCD_STEP_RECEIVE: return false;
    case FCD_STEP_ROUTE: return from == FCD_STEP_RECEIVE;
    case FCD_STEP_ADMIT: return from == FCD_STEP_ROUTE || from == FCD_STEP_EXCHANGE;
    case FCD_STEP_HELD: return from == FCD_STEP_ADMIT;
    case FCD_STEP_EXCHANGE: return from == FCD_STEP_ADMIT || from == FCD_STEP_HELD;
    case FCD_STEP_REPLY: return from != FCD_STEP_REPLY && from != FCD_STEP_FINISH;
    case FCD_STEP_FINISH: return from == FCD_STEP_EXCHANGE || from == FCD_STEP_REPLY;
    case FCD_STEP_OVER: return from != FCD_STEP_OVER;
    }
    return false;
}

void fcd_req_set_step(struct fcd_req *req, enum fcd_step to)
{
    if (!may_follow(req->step, to))
        FX_BUG("request %s of %s cannot go from %s to %s, route=%s status=%d answer=%d",
               req->call.method_text, req->call.conn != NULL ? req->call.conn->peer : "(gone)",
               step_names[req->step], step_names[to],
               req->route != NULL ? req->route->conf->id : "-", req->status, (int)req->call.answer);
    req->step = to;
}

static void on_release(struct fx_task *task)
{
    struct fcd_req *req = FX_CONTAINER_OF(task, struct fcd_req, release);
    FX_LIST_PUSH(&req->requests->spare, req, link);
}

static void on_write_released(struct fcd_write *write);
static const struct fcd_write_ops write_ops = {on_write_released, fcd_proxy_hold};

static struct fcd_req *new_req(struct fcd_requests *requests)
{
    struct fcd_req *req = requests->spare.first;
    if (req == NULL) {
        req = FX_NEW(struct fcd_req);
        req->requests = requests;
        req->release.fn = on_release;
        req->body_timer.fn = fcd_proxy_body_late;
        FX_LIST_PUSH(&requests->all, req, all);
        return req;
    }
    FX_LIST_REMOVE(&requests->spare, req, link);
    size_t from = offsetof(struct fcd_req, link), to = offsetof(struct fcd_req, call.head);
    memset((char *)req + from, 0, to - from);
    return req;
}

static struct fcd_call *begin(struct fcd_service *service, struct fcd_conn *conn)
{
    struct fcd_req *req = new_req(FX_CONTAINER_OF(service, struct fcd_requests, service));
    req->call.conn = conn;
    req->write.ops = &write_ops;
    req->step = FCD_STEP_RECEIVE;
    return &req->call;
}

static void recycle(struct fcd_req *req)
{
    struct fcd_requests *requests = req->requests;
    fcd_req_set_step(req, FCD_STEP_OVER);
    FX_ASSERT(req->write.state == FCD_WRITE_NONE && req->x.u == NULL && req->shadow == NULL);
    fx_timer_stop(&req->body_timer);
    if (req->call.conn == NULL) {
        requests->n_left_behind--;
        requests->on_left_behind_over(requests);
    }
    req->call.conn = NULL;
    fx_loop_defer(requests->local->loop, &req->release);
}

void fcd_req_leave_flight(struct fcd_req *req)
{
    if (req->is_write)
        fcd_group_leave_flight(req->route->group, &req->write);
    req->is_write = false;
}

bool fcd_req_is_stale(const struct fcd_req *req)
{
    const struct fcd_group *group = req->route->group;
    if (group == NULL)
        return false;
    if (req->is_write)
        return !fcd_group_may_send(group, req->side);
    return fcd_group_own(group)->owner != req->owner;
}

static void end_shadow(struct fcd_req *req, bool is_complete)
{
    if (req->shadow != NULL)
        fcd_mirror_end(req->shadow, is_complete);
    req->shadow = NULL;
}

void fcd_req_leave_unanswered(struct fcd_req *req)
{
    if (req->is_write)
        fcd_unanswered_take(&req->requests->unanswered, req->route->group, &req->x, &req->write);
}

void fcd_req_take_back(struct fcd_req *req)
{
    fcd_xchg_abort(&req->x);
    fx_series_add(fx_metric(req->requests->local->shared->metrics, FCD_MT_TAKEN_BACK,
                            req->route->group->name),
                  1);
    if (req->call.conn == NULL) { /* its client has left: nobody waits for it */
        req->call.answer = FCD_ANSWER_CUT;
        fcd_req_set_step(req, FCD_STEP_FINISH);
        bool is_over = fcd_req_run(req);
        (void)is_over;
        return;
    }
    if (req->is_body_begun) {
        fcd_req_refuse(req, 503,
                       "the group's owner changed or its writes are held; the write was not sent");
    } else {
        end_shadow(req, false);
        fcd_group_leave_flight(req->route->group, &req->write);
        req->x.pool = NULL;
        fcd_req_set_step(req, FCD_STEP_ADMIT);
    }
    fcd_conn_drive(req->call.conn);
}

void fcd_req_refuse(struct fcd_req *req, int status, const char *message)
{
    req->status = status;
    fcd_call_refuse(&req->call, status, message);
    /* The write was not sent, or its exchange is over:
     * others need not wait until the client has its answer. */
    fcd_req_leave_flight(req);
    fcd_req_set_step(req, FCD_STEP_REPLY);
}

/* The head is complete. */
static enum next step_receive(struct fcd_req *req)
{
    struct fcd_local *local = req->requests->local;
    req->method = fcd_method_bit(req->call.head.method);
    req->started = fcd_local_now(local);
    local->n_requests++;
    fcd_req_set_step(req, FCD_STEP_ROUTE);
    return NEXT_MORE;
}

/* Is it a request that is answered here, whatever the route? */
static bool refuse_unroutable(struct fcd_req *req)
{
    const struct fx_head *head = &req->call.head;
    if (req->method == FCD_M_CONNECT || req->method == FCD_M_TRACE)
        fcd_req_refuse(req, 405, "CONNECT and TRACE are not forwarded");
    else if (fcd_method_is_miswritten(head->method))
        fcd_req_refuse(req, 501, "unknown method: HTTP methods are case-sensitive");
    else if (fcd_forward_is_loop(head, req->requests->local->shared->pseudonym))
        fcd_req_refuse(req, 508,
                       "routing loop: this request has already passed through this facade");
    else if (req->method == FCD_M_OPTIONS && fx_str_eq_c(fx_head_value(head, "Max-Forwards"), "0"))
        fcd_req_refuse(req, 200,
                       "Max-Forwards is 0: the facade answers and does not forward the request");
    else
        return false;
    return true;
}

static enum next step_route(struct fcd_req *req)
{
    if (refuse_unroutable(req))
        return NEXT_MORE;
    req->route = fcd_req_find_route(req);
    if (req->route == NULL)
        return NEXT_MORE;
    fcd_req_set_step(req, FCD_STEP_ADMIT);
    return NEXT_MORE;
}

static void begin_shadow(struct fcd_req *req)
{
    const struct fcd_forward forward = fcd_req_forward(req);
    const struct fcd_mirror_read read = {.route = req->route,
                                         .side = req->side,
                                         .method_text = req->call.method_text,
                                         .forward = &forward};
    req->shadow = fcd_mirror_begin(req->requests->mirror, &read);
}

/* Side, epoch and count in one moment and not before: a write may have waited for its owner to
 * change. The exchange asks again before the first byte (fcd_req_is_stale). */
static void send_on(struct fcd_req *req)
{
    struct fcd_group *group = req->route->group;
    fcd_req_set_step(req, FCD_STEP_EXCHANGE);
    if (group == NULL) {
        req->x.pool = &req->requests->default_upstream->customers;
    } else {
        fcd_req_choose_side(req);
        req->x.pool = &group->side[req->side]->customers;
        if (req->is_write)
            fcd_group_enter_flight(group, &req->write);
        else if (!req->is_odd && fcd_mirror_wants(req->route))
            begin_shadow(req);
    }
    bool is_begun = fcd_proxy_begin(req);
    (void)is_begun; /* if not, the request is at REPLY */
}

static void refuse_unowned(struct fcd_req *req)
{
    bool is_lost = fcd_group_own(req->route->group)->is_unknown;
    fcd_req_refuse(req, 503,
                   is_lost
                       ? "the facade has lost its state and does not know which side owns this "
                         "group (ficus route sync); the write was not sent"
                       : "a cut-over of this group was interrupted, and the facade was not told "
                         "which side owns it (ficus run resume, or ficus route sync); the write "
                         "was not sent");
}

static enum next step_admit(struct fcd_req *req)
{
    struct fcd_group *group = req->route->group;
    /* What waiting keeps: the body stays with the client. */
    int64_t bytes = FX_BLOCK_BYTES + (int64_t)sizeof *req;
    if (req->is_write && fcd_own_is_unknown(fcd_group_own(group))) {
        refuse_unowned(req);
        return NEXT_MORE;
    }
    if (!req->is_write || !fcd_group_is_held(group)) {
        send_on(req);
        return NEXT_MORE;
    }
    if (req->call.conn->stream.has_hup) {
        fcd_conn_close(req->call.conn); /* the client is gone: the write is not sent */
        return NEXT_DONE;
    }
    if (req->requests->local->is_draining) {
        fcd_req_refuse(req, 503, "the facade is shutting down; the write was not sent");
        return NEXT_MORE;
    }
    if (!fcd_group_hold(group, &req->write, bytes)) {
        fcd_req_refuse(req, 503,
                       "writes of this group are held and the queue is full (facade.hold.requests, "
                       "facade.hold.bytes); the write was not sent");
        return NEXT_MORE;
    }
    fcd_req_set_step(req, FCD_STEP_HELD);
    return NEXT_WAIT;
}

static void on_write_released(struct fcd_write *write)
{
    struct fcd_req *req = FX_CONTAINER_OF(write, struct fcd_req, write);
    struct fcd_conn *conn = req->call.conn;
    if (req->requests->local->is_draining)
        fcd_req_refuse(req, 503, "the facade is shutting down; the write was not sent");
    else if (fcd_own_is_unknown(fcd_group_own(req->route->group)))
        refuse_unowned(req);
    else
        send_on(req);
    fcd_conn_drive(conn);
}

static enum next step_held(struct fcd_req *req)
{
    if (req->call.conn->stream.has_hup) {
        fcd_conn_close(req->call.conn); /* the client is gone: the write is not sent */
        return NEXT_DONE;
    }
    return NEXT_WAIT;
}

static enum next step_exchange(struct fcd_req *req)
{
    fcd_proxy_resume(req);
    return req->step == FCD_STEP_EXCHANGE ? NEXT_WAIT : NEXT_MORE;
}

static enum next step_reply(struct fcd_req *req)
{
    switch (fcd_call_send_reply(&req->call)) {
    case FCD_REPLY_SENT: fcd_req_set_step(req, FCD_STEP_FINISH); return NEXT_MORE;
    case FCD_REPLY_WAITS: return NEXT_WAIT;
    case FCD_REPLY_GOES_ON: return NEXT_MORE;
    case FCD_REPLY_CLIENT_GONE: break;
    }
    fcd_conn_close(req->call.conn);
    return NEXT_DONE;
}

static struct fx_series *series_of_class(struct fcd_req *req, size_t class)
{
    static const char *const classes[] = {"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"};
    struct fcd_route *route = req->route;
    struct fx_series **series = &route->requests[req->side][class];
    if (*series == NULL)
        *series = fx_metric(req->requests->local->shared->metrics, FCD_MT_REQUESTS, route->conf->id,
                            fcd_owner_name(req->side), classes[class]);
    return *series;
}

/* A request that went to an upstream is counted for its side, unless its client broke it off. */
static void account(struct fcd_req *req, bool is_counted)
{
    struct fcd_route *route = req->route;
    if (req->x.pool == NULL)
        return;
    fcd_req_leave_flight(req);
    req->x.pool = NULL; /* once */
    end_shadow(req, is_counted && req->call.answer == FCD_ANSWER_COMPLETE);
    if (!is_counted)
        return;
    bool is_error = req->status >= 500 || req->status == 0 || req->call.answer == FCD_ANSWER_CUT;
    int64_t us = fx_mono_since_us(req->started, fcd_local_now(req->requests->local));
    fcd_stats_add(&route->side[req->side], us, is_error);
    fx_series_add(series_of_class(req, is_error ? 5 : (size_t)req->status / 100), 1);
    fx_series_observe(route->seconds[req->side], (double)us / 1e6);
}

static enum next step_finish(struct fcd_req *req)
{
    account(req, true);
    if (req->call.conn == NULL)
        return NEXT_DONE;
    if (req->call.answer == FCD_ANSWER_CUT)
        fcd_conn_close(req->call.conn); /* the client must notice that the answer is not whole */
    else
        fcd_call_finish(&req->call);
    return NEXT_DONE;
}

static enum next run_step(struct fcd_req *req)
{
    switch (req->step) {
    case FCD_STEP_RECEIVE: return step_receive(req);
    case FCD_STEP_ROUTE: return step_route(req);
    case FCD_STEP_ADMIT: return step_admit(req);
    case FCD_STEP_HELD: return step_held(req);
    case FCD_STEP_EXCHANGE: return step_exchange(req);
    case FCD_STEP_REPLY: return step_reply(req);
    case FCD_STEP_FINISH: return step_finish(req);
    case FCD_STEP_OVER: return NEXT_DONE;
    }
    return NEXT_DONE;
}

bool fcd_req_run(struct fcd_req *req)
{
    enum next next = NEXT_MORE;
    while (next == NEXT_MORE)
        next = run_step(req);
    if (next == NEXT_WAIT)
        return req->step == FCD_STEP_OVER;
    if (req->step != FCD_STEP_OVER)
        recycle(req);
    return true;
}

static bool run(struct fcd_call *call)
{
    return fcd_req_run(fcd_req_of(call));
}

static void refuse(struct fcd_call *call, int status, const char *why)
{
    fcd_req_refuse(fcd_req_of(call), status, why);
}

static void gone(struct fcd_call *call)
{
    struct fcd_req *req = fcd_req_of(call);
    if (req->step == FCD_STEP_OVER)
        return;
    if (req->step == FCD_STEP_HELD)
        fcd_group_forget(req->route->group, &req->write, "dropped");
    bool is_running = req->step == FCD_STEP_EXCHANGE && req->x.u != NULL;
    bool is_sent = req->x.sending != FCD_SENDING_OPEN && call->body == FCD_BODY_COMPLETE;
    bool may_change = req->is_write || !fcd_method_is_safe(req->method);
    if (is_running && is_sent && may_change) {
        req->requests->n_left_behind++;
        req->x.repeat = FCD_REPEAT_NEVER; /* its head is gone with the connection */
        call->conn = NULL; /* stays until the upstream has answered: it is in flight */
        return;
    }
    if (is_running)
        fcd_req_leave_unanswered(req);
    if (is_running)
        fcd_xchg_abort(&req->x);
    account(req, req->step == FCD_STEP_FINISH);
    recycle(req);
}

void fcd_requests_init(struct fcd_requests *requests, struct fcd_local *local,
                       struct fcd_groups *groups, struct fcd_mirror *mirror,
                       struct fcd_upstream *default_upstream,
                       void (*on_left_behind_over)(struct fcd_requests *requests))
{
    *requests = (struct fcd_requests){.service = {begin, run, refuse, gone},
                                      .local = local,
                                      .groups = groups,
                                      .mirror = mirror,
                                      .default_upstream = default_upstream,
                                      .on_left_behind_over = on_left_behind_over};
    fcd_unanswereds_init(&requests->unanswered, local);
}

void fcd_requests_done(struct fcd_requests *requests)
{
    fcd_unanswereds_done(&requests->unanswered);
    FX_LIST_EACH_SAFE (&requests->all, req, all) {
        fx_loop_timer_remove(requests->local->loop, &req->body_timer);
        free(req);
    }
}
