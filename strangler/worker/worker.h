/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One loop with everything that lives on it: connections, requests, groups, pools, the shadow. The
 * daemon has one worker. This is where the rooms are put together: which listener speaks which
 * protocol and serves what.
 * Thread: the loop's.
 */
#ifndef FCD_WORKER_WORKER_H
#define FCD_WORKER_WORKER_H

#include "strangler/admin/admin.h"
#include "strangler/request/req.h"

struct fcd_worker {
    struct fcd_shared shared;
    struct fcd_local local;
    struct fcd_upstream *upstreams;
    struct fcd_groups groups;
    struct fcd_mirror mirror;
    struct fcd_requests requests;
    struct fcd_admin admin;
    struct fcd_net net;

    struct fx_timer drain_timer;
    struct fx_task drained; /* queued when the last connection and request went while draining */
    struct fx_timer tick;   /* once a second */
    int64_t n_requests_before;
};

/* Errors: IO, JOURNAL (the state is damaged), LIMIT (the state has no room). */
bool fcd_worker_new(const struct fcd_config *conf, struct fx_loop *loop,
                    struct fcd_worker **ret_worker, struct fx_err *err) FX_MUST_CHECK;
void fcd_worker_free(struct fcd_worker *worker);
/* Opens the listeners; before that nothing is served. Errors: IO. */
bool fcd_worker_listen(struct fcd_worker *worker, struct fx_err *err) FX_MUST_CHECK;
/* No new connections; idle ones close, running requests
 * end (at most timeouts.drain), then the loop stops. */
void fcd_worker_drain(struct fcd_worker *worker);

#endif
