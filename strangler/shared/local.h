/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one worker's loop gives to everything that lives on it: clock and timers, the block cache,
 * scratch memory, counters. Each worker has its own, so nothing here is locked. Thread: the loop's.
 */
#ifndef FCD_SHARED_LOCAL_H
#define FCD_SHARED_LOCAL_H

#include "lib/base/rand.h"
#include "lib/io/iobuf.h"
#include "lib/io/loop.h"
#include "strangler/shared/shared.h"

struct fcd_local {
    const struct fcd_shared *shared;
    const struct fcd_config *conf; /* shared->conf */
    struct fx_loop *loop;
    struct fx_rand rnd;
    struct fx_block_cache blocks;
    struct fx_buf scratch;        /* of one call */
    struct fx_head response_head; /* scratch of upstream/exchange */

    bool is_draining;
    size_t n_upstream_sockets;
    int64_t n_requests; /* of customers, since the start */
    int64_t requests_per_s;

    char date[64]; /* "Date: …\r\n" of this second */
    size_t date_len;
    int64_t date_s;
};

void fcd_local_init(struct fcd_local *local, const struct fcd_shared *shared, struct fx_loop *loop);
void fcd_local_done(struct fcd_local *local);
/* "Date: …\r\n" */
struct fx_str fcd_local_date(struct fcd_local *local);

static inline struct fx_mono fcd_local_now(const struct fcd_local *local)
{
    return fx_loop_now(local->loop);
}

#endif
