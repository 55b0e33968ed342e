/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response heads: one call and byte-wise feeding must agree; what is accepted can be written again.
 */
#include "lib/base/panic.h"
#include "lib/http/h1_parse.h"
#include "lib/http/h1_write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_str bytes = {(const char *)data, size};
    struct fx_h1_limits limits = {512, 4096, 16};
    struct fx_h1_scan scan = {0}, slow_scan = {0};
    struct fx_head head, slow_head;
    struct fx_h1_problem problem;
    size_t used = 0, slow_used = 0;
    enum fx_h1_result slow = FX_H1_MORE;
    if (size == 0)
        return 0;
    enum fx_h1_result fast =
        fx_h1_parse_response(bytes, FX_STR("GET"), &scan, &limits, &head, &used, &problem);
    for (size_t n = 1; n <= size && slow == FX_H1_MORE; n++)
        slow = fx_h1_parse_response(fx_str_sub(bytes, 0, n), FX_STR("GET"), &slow_scan, &limits,
                                    &slow_head, &slow_used, &problem);
    FX_ASSERT(fast == slow);
    if (fast != FX_H1_DONE)
        return 0;
    FX_ASSERT(used == slow_used && used <= size);
    FX_ASSERT(head.status >= 100 && head.status <= 599);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    fx_h1_write_status_line(&out, head.status, head.reason);
    fx_h1_write_end_to_end(&out, &head, 0);
    FX_ASSERT(!out.has_failed);
    return 0;
}
