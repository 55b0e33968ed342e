/* SPDX-License-Identifier: Apache-2.0 */
/* The Date line is written once a second and not once an answer. */
#include "strangler/shared/local.h"

#include "lib/http/h1_write.h"

enum { SCRATCH_MAX = 64 * 1024 };

void fcd_local_init(struct fcd_local *local, const struct fcd_shared *shared, struct fx_loop *loop)
{
    local->shared = shared;
    local->conf = shared->conf;
    local->loop = loop;
    local->scratch = FX_BUF(SCRATCH_MAX);
    fx_rand_init(&local->rnd, fx_rand_system());
}

void fcd_local_done(struct fcd_local *local)
{
    fx_block_cache_done(&local->blocks);
    fx_buf_done(&local->scratch);
}

struct fx_str fcd_local_date(struct fcd_local *local)
{
    int64_t now_s = fx_loop_wall(local->loop).us / 1000000;
    if (now_s != local->date_s) {
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(sizeof local->date);
        fx_h1_write_date(&text, now_s);
        local->date_len = FX_MIN(text.len, sizeof local->date);
        memcpy(local->date, fx_buf_cstr(&text), local->date_len);
        local->date_s = now_s;
    }
    return (struct fx_str){local->date, local->date_len};
}
