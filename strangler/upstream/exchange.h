/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to one upstream and its answer. The owner (a customer's request, a shadow request, a
 * health check) supplies the bytes of the request and takes the answer; it never sees sockets.
 *
 *              begin            connected            head             last byte
 *     (idle) ---------> CONNECT ---------> HEAD -------------> BODY -----------> DONE
 *                          |  ^             |                   |
 *                          |  +-- again ----+                   |
 *                          +----------------+-------------------+--------------> FAILED
 *
 * Sending goes on during HEAD and BODY until the owner says that the request is complete.
 *
 * The retry boundary: a refused connection is tried at another endpoint (no byte was sent). A
 * pooled connection that dies before the first byte of an answer is replaced by a new one, once, if
 * nothing was sent or the request is safe and can be repeated. Everything else is reported as a
 * failure, because it is unknown what an upstream did with a request that it did not answer.
 *
 * Callbacks come from the loop or from within fcd_xchg_pump and fcd_xchg_send; `done` and `fail`
 * are the last, and the connection has been given back or closed when they come. Thread: the
 * loop's.
 */
#ifndef FCD_UPSTREAM_EXCHANGE_H
#define FCD_UPSTREAM_EXCHANGE_H

#include "lib/http/body.h"
#include "lib/http/h1_parse.h"
#include "strangler/upstream/pool.h"

enum fcd_failure {
    FCD_FAIL_LIMIT,    /* too many connections to this upstream */
    FCD_FAIL_CONNECT,  /* no endpoint could be reached */
    FCD_FAIL_TIMEOUT,  /* no answer in time */
    FCD_FAIL_CLOSED,   /* the connection ended before the answer did */
    FCD_FAIL_PROTOCOL, /* the answer is not HTTP as we accept it */
    FCD_FAIL_OWNER,    /* the owner did not supply the rest of the request body in time */
};
const char *fcd_failure_text(enum fcd_failure why);

enum fcd_xchg_state { FCD_X_IDLE, FCD_X_CONNECT, FCD_X_HEAD, FCD_X_BODY, FCD_X_DONE, FCD_X_FAILED };

/* What may be done when a connection ends without a byte of an answer. */
enum fcd_repeat {
    FCD_REPEAT_NEVER,  /* its body is passing through: `start` cannot write it again */
    FCD_REPEAT_UNSENT, /* it may change something: only if no byte of it was sent */
    FCD_REPEAT_SAFE,   /* it changes nothing */
};
/* The sending half. */
enum fcd_sending {
    FCD_SENDING_OPEN,     /* the owner has not written its last byte */
    FCD_SENDING_COMPLETE, /* the whole request is in the stream's `out` or was sent */
    FCD_SENDING_BROKEN,   /* writing failed: only the answer is of interest */
};

struct fcd_xchg;
struct fcd_xchg_ops {
    /* NULL, or: asked before the first byte of each try, and before `start`. False: the owner has
     * aborted the exchange. */
    bool (*may_send)(struct fcd_xchg *x);
    /* Writes the request's head into x->u->stream.out
     * (empty); called again when the exchange starts over. */
    void (*start)(struct fcd_xchg *x);
    /* x->u->stream.out has drained: more of the body,
     * if there is any (NULL: start wrote everything). */
    void (*fill)(struct fcd_xchg *x);
    /* NULL, or: 1xx heads (100 is swallowed) and then the final one. Slices are valid during the
     * call. */
    void (*head)(struct fcd_xchg *x, const struct fx_head *head);
    /* How many bytes of body the owner takes now; 0: it calls fcd_xchg_pump when it can take more.
     * NULL: as many as come. */
    size_t (*room)(struct fcd_xchg *x);
    /* NULL: the body is not wanted. */
    void (*data)(struct fcd_xchg *x, struct fx_str bytes);
    /* NULL, or: everything that is here for now was given: flush. May make room. */
    void (*pause)(struct fcd_xchg *x);
    /* NULL, or: the exchange is about to fail because the upstream, or the owner, was late. The
     * owner may hand it over. */
    void (*late)(struct fcd_xchg *x);
    void (*done)(struct fcd_xchg *x);
    void (*fail)(struct fcd_xchg *x, enum fcd_failure why);
};

struct fcd_xchg {
    /* Set by the owner before begin. */
    const struct fcd_xchg_ops *ops;
    struct fcd_pool *pool;
    struct fx_str method; /* borrowed; HEAD answers have no body */
    enum fcd_repeat repeat;
    int64_t response_ms; /* from the complete request to the answer's head */
    int64_t quiet_ms;    /* without a byte of the answer's body; `head` may set it. 0: stall */

    struct fcd_uconn_user user;
    struct fcd_uconn *u; /* NULL before begin and after done or fail */
    enum fcd_xchg_state state;
    enum fcd_sending sending;
    bool has_sent; /* a byte of the request went out on this connection */
    bool is_pumping;
    int n_tries;
    struct fcd_tried tried;
    struct fx_h1_scan scan;
    struct fx_body incoming; /* the answer's body */
    bool is_keep_alive;
};

/* false: no connection could be had; *ret_why tells and nothing was called. */
bool fcd_xchg_begin(struct fcd_xchg *x, enum fcd_failure *ret_why) FX_MUST_CHECK;
/* Bytes were appended to x->u->stream.out: sends them.
 * Calls fail when the connection is broken and silent. */
void fcd_xchg_send(struct fcd_xchg *x);
/* The owner appended the last byte of the request. */
void fcd_xchg_complete(struct fcd_xchg *x);
/* Receives and delivers as far as the owner has room. */
void fcd_xchg_pump(struct fcd_xchg *x);
/* Another owner takes the exchange with its connection: x->u is NULL afterwards. What was not sent
 * yet is not sent, nothing is repeated, and it fails when nothing comes for `limit_ms`. */
void fcd_xchg_hand_over(struct fcd_xchg *x, struct fcd_xchg *to, const struct fcd_xchg_ops *ops,
                        int64_t limit_ms);
/* Gives up: closes the connection, calls nothing. */
void fcd_xchg_abort(struct fcd_xchg *x);

#endif
