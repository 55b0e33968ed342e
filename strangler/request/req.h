/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of a customer from its complete head to the last byte of its answer.
 *
 *                           +<------------+  (the owner changed before the first byte was sent)
 *     RECEIVE -> ROUTE -> ADMIT --------> EXCHANGE -> FINISH -> OVER
 *        |         |        |  \-> HELD --^   |         ^
 *        |         |        +-----------------+-> REPLY |   (too many held, 502, 504)
 *        +---------+-> REPLY -------------------------->|   (bad request)
 *
 * When a client disconnects while an upstream is working on its write, the request stays behind
 * without a connection: it counts as in flight until the answer has been read.
 *
 * Memory: the request and one block of input and output each. Nothing is allocated on the way
 * except by answers of our own. Requests are recycled at the end of the turn, so a pointer is good
 * until then.
 * Thread: the loop's.
 */
#ifndef FCD_REQUEST_REQ_H
#define FCD_REQUEST_REQ_H

#include "strangler/net/call.h"
#include "strangler/request/unanswered.h"
#include "strangler/shadow/mirror.h"
#include "strangler/upstream/exchange.h"

enum fcd_step {
#define X(name, what) FCD_STEP_##name,
#include "strangler/request/steps.def"
#undef X
    FCD_STEP_OVER /* recycled at the end of the turn */
};

struct fcd_req;

/* The service of customers' listeners: all requests of one worker. */
struct fcd_requests {
    struct fcd_service service;
    struct fcd_local *local;
    struct fcd_groups *groups;
    struct fcd_mirror *mirror;
    struct fcd_upstream *default_upstream;
    struct fcd_unanswereds unanswered;
    FX_LIST(fcd_req) all;   /* that were ever made */
    FX_LIST(fcd_req) spare; /* those of them that wait for work */
    size_t n_left_behind;   /* those whose client has left and whose upstream works on */
    void (*on_left_behind_over)(struct fcd_requests *requests); /* one of these has ended */
};

struct fcd_req {
    /* Kept when the request is recycled. */
    FX_LINK(fcd_req) all;
    struct fcd_requests *requests;
    struct fx_task release;
    struct fx_timer body_timer; /* the client's time for its body, or that of a hold */

    FX_LINK(fcd_req) link; /* among the spare ones */
    enum fcd_step step;
    struct fx_mono started; /* when the head was complete */
    unsigned method;        /* FCD_M_* */

    /* How long the client may be waited for: bytes add
     * to it (limits.body_rate), waiting takes away. */
    bool is_waiting_for_client; /* everything that came has been sent on, and more is missing */
    struct fx_mono waiting_since;
    int64_t credit_us;

    struct fcd_route *route;
    enum fcd_owner side;
    enum fcd_owner owner;          /* when the side was chosen */
    int64_t epoch;                 /* of the group, when the side was chosen */
    bool is_write;                 /* counts in the group's in-flight while the exchange runs */
    bool is_odd;                   /* a read in an odd spelling: at the owner, not shadowed */
    bool is_body_begun;            /* the head is forgotten: the request cannot be sent anew */
    struct fcd_write write;        /* held, or in flight */
    char issued[20];               /* sticky cookie to set, or "" */
    struct fcd_shadow_job *shadow; /* collects the answer, or NULL */

    struct fcd_xchg x;
    int status; /* of the answer; 0: none yet */

    struct fcd_call call; /* last: it ends with the head */
};

void fcd_requests_init(struct fcd_requests *requests, struct fcd_local *local,
                       struct fcd_groups *groups, struct fcd_mirror *mirror,
                       struct fcd_upstream *default_upstream,
                       void (*on_left_behind_over)(struct fcd_requests *requests));
void fcd_requests_done(struct fcd_requests *requests);

/* --- among the files of this room --- */

static inline struct fcd_req *fcd_req_of(struct fcd_call *call)
{
    return FX_CONTAINER_OF(call, struct fcd_req, call);
}
/* True: over; the connection may start the next one. False: it waits for an event. */
bool fcd_req_run(struct fcd_req *req) FX_MUST_CHECK;
/* Validates the transition. */
void fcd_req_set_step(struct fcd_req *req, enum fcd_step to);
/* Answers by ourselves; the exchange, if any, is over. */
void fcd_req_refuse(struct fcd_req *req, int status, const char *message);
/* It no longer counts as a write in flight. */
void fcd_req_leave_flight(struct fcd_req *req);
/* The side was chosen under another owner, or writes wait now: it must not be sent. */
bool fcd_req_is_stale(const struct fcd_req *req);
/* The exchange is given up, but what its upstream does with the write is unknown: it stays in
 * flight without the request. */
void fcd_req_leave_unanswered(struct fcd_req *req);
/* No byte was sent: back to ADMIT, where the side is chosen anew or the write waits. A request that
 * cannot be sent anew is answered 503. */
void fcd_req_take_back(struct fcd_req *req);

/* request/choose.c: the head decides. NULL: refused already. */
struct fcd_route *fcd_req_find_route(struct fcd_req *req);
void fcd_req_choose_side(struct fcd_req *req);
struct fcd_forward fcd_req_forward(const struct fcd_req *req);

/* request/proxy.c: the exchange. False: the request is at REPLY. */
bool fcd_proxy_begin(struct fcd_req *req);
void fcd_proxy_resume(struct fcd_req *req); /* the client's side moved: bytes came, or room */
void fcd_proxy_hold(struct fcd_write *write, int64_t within_ms);
void fcd_proxy_body_late(struct fx_timer *timer); /* req->body_timer */

#endif
