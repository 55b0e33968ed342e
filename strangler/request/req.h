/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request of a client from its first byte to the last byte of its answer.
 *
 *     RECEIVE -> ROUTE -> ADMIT --------> EXCHANGE -> FINISH
 *        |         |        |  \-> HELD --^   |         ^
 *        |         |        +-----------------+-> REPLY |   (busy, held too many, 502, 504)
 *        +---------+-> REPLY -------------------------->|   (bad request, admin)
 *                  +-> COLLECT -> REPLY ----------------+
 *
 * A client that goes away while a write is with the upstream leaves the request behind, without a connection:
 * it reads the answer, counts as in flight until then, and goes.
 *
 * Memory: the request and one block of input and output each. Nothing is allocated on the way except by answers
 * of our own. Requests are recycled at the end of the turn, so a pointer is good until then.
 * Thread: the loop's.
 */
#ifndef FCD_REQ_H
#define FCD_REQ_H

#include "lib/http/body.h"
#include "strangler/upstream/exchange.h"
#include "strangler/worker/worker.h"

enum fcd_step {
#define X(name, what) FCD_STEP_##name,
#include "strangler/request/steps.def"
#undef X
    FCD_STEP_OVER /* recycled at the end of the turn */
};

struct fcd_req {
    /* Kept when the request is recycled. */
    FX_LINK(fcd_req) all; /* in worker->reqs */
    struct fcd_worker *worker;
    struct fx_task release;
    struct fx_timer patience; /* with the client, for its body */

    FX_LINK(fcd_req) link; /* in the group's queue, or among the spare ones */
    struct fcd_conn *conn; /* NULL: the client has left */
    enum fcd_step step;
    struct fx_mono started; /* when the head was complete */

    struct fx_h1_scan scan;
    size_t head_len; /* bytes of the head that still stand at the front of conn->in */
    unsigned method;
    char method_text[12]; /* outlives the head, for the answer's framing */
    int minor;
    bool is_keep_alive;

    struct fx_body incoming; /* the client's body */
    bool is_expecting;       /* 100-continue has not been sent yet */
    bool
        is_starved; /* since starved_at everything that came has been sent on, and more is missing */
    struct fx_mono starved_at;
    int64_t
        credit_us; /* how long it may be so: bytes add to it (limits.body_rate), waiting takes away */

    struct fcd_route *route;
    enum fcd_owner side;
    bool is_write;                 /* counts in the group's in-flight while the exchange runs */
    char issued[20];               /* sticky cookie to set, or "" */
    struct fcd_shadow_job *shadow; /* collects the answer, or NULL */

    struct fx_mono held_since;
    int64_t held_bytes;

    struct fcd_xchg x;
    int status;             /* of the answer; 0: none yet */
    bool is_answer_chunked; /* we add chunks */
    bool is_answer_begun;   /* bytes of the final answer went into conn->out */
    bool is_cut;            /* the answer broke off: the connection cannot be kept */

    struct fx_buf reply; /* an answer of our own, whole */
    size_t reply_at;
    struct fx_buf body; /* COLLECT */
    char path[200];     /* COLLECT: of the call, without query */

    struct fx_head head; /* last: large, and overwritten by the parser. Borrows from conn->in */
};

struct fcd_req *fcd_req_new(struct fcd_conn *conn);
/* true: over; the connection may start the next one. false: it waits for an event. */
bool fcd_req_run(struct fcd_req *req) FX_MUST_CHECK;
/* Validates the transition. */
void fcd_req_set_step(struct fcd_req *req, enum fcd_step to);
/* The group sends it on. */
void fcd_req_release(struct fcd_req *req);
/* Is the answer broken off, and its end nothing but the end of the connection? Then a plain close would tell a lie. */
bool fcd_req_ends_with_close(const struct fcd_req *req);
/* The connection is closing under it. The request stays behind if an upstream is working on a write. */
void fcd_req_client_gone(struct fcd_req *req);

/* Answers by ourselves: a JSON object {"status", "error", "message", "from"}; the exchange, if any, is over. */
void fcd_req_refuse(struct fcd_req *req, int status, const char *message);

/* req_head.c: the head towards the upstream and towards the client. */
void fcd_head_forward(struct fcd_req *req, const struct fcd_conf_endpoint *endpoint, bool is_shadow,
                      struct fx_buf *out);
void fcd_head_answer(struct fcd_req *req, const struct fx_head *head, struct fx_buf *out);
void fcd_head_interim(const struct fx_head *head, struct fx_buf *out);
bool fcd_head_is_loop(const struct fcd_req *req);

/* req_proxy.c: the callbacks of the exchange. */
bool fcd_proxy_begin(struct fcd_req *req);
void fcd_proxy_resume(struct fcd_req *req);       /* the client's side moved: bytes came, or room */
void fcd_proxy_impatient(struct fx_timer *timer); /* req->patience */
/* It no longer counts as a write in flight. */
void fcd_req_leave_flight(struct fcd_req *req);

#endif
