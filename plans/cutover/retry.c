/* SPDX-License-Identifier: Apache-2.0 */
/* Counting time and tries of a loop. */
#include "plans/cutover/retry.h"

#include "lib/base/panic.h"

struct pln_retry pln_retry_for(const struct pln_effects *fx, void *en, int64_t limit_ms,
                               int64_t pause_ms)
{
    return (struct pln_retry){.fx = fx,
                              .en = en,
                              .began_ms = fx->now_ms(en),
                              .limit_ms = limit_ms,
                              .tries_max = -1,
                              .pause_ms = pause_ms};
}

struct pln_retry pln_retry_times(const struct pln_effects *fx, void *en, int64_t tries_max,
                                 int64_t pause_ms)
{
    struct pln_retry retry = pln_retry_for(fx, en, -1, pause_ms);
    retry.tries_max = tries_max;
    return retry;
}

int64_t pln_retry_elapsed_ms(const struct pln_retry *retry)
{
    return retry->fx->now_ms(retry->en) - retry->began_ms;
}

bool pln_retry_again(struct pln_retry *retry)
{
    FX_ASSERT(retry->limit_ms >= 0 || retry->tries_max >= 0); /* nothing is tried for ever */
    retry->tries++;
    if (retry->tries_max >= 0 && retry->tries >= retry->tries_max)
        return false;
    if (retry->limit_ms >= 0 && pln_retry_elapsed_ms(retry) >= retry->limit_ms)
        return false;
    retry->fx->sleep_ms(retry->en, retry->pause_ms);
    return true;
}
