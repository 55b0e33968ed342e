/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request heads: one call and byte-wise feeding must
 * agree, and every slice must lie inside the input.
 */
#include "lib/base/panic.h"
#include "lib/http/h1_parse.h"
#include "lib/http/h1_write.h"
#include "lib/http/url.h"
#include "strangler/route/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct fx_str part, struct fx_str all)
{
    FX_ASSERT(part.len == 0 || (part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len) ||
              (part.len == 1 && part.ptr[0] == '/'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_str bytes = {(const char *)data, size};
    struct fx_h1_scan scan = {0}, slow_scan = {0};
    struct fx_h1_limits limits = {512, 4096, 16};
    struct fx_head head, slow_head;
    struct fx_h1_problem problem;
    size_t used = 0, slow_used = 0;
    enum fx_h1_result fast = fx_h1_parse_request(bytes, &scan, &limits, &head, &used, &problem);
    enum fx_h1_result slow = FX_H1_MORE;
    for (size_t n = 1; n <= size && slow == FX_H1_MORE; n++)
        slow = fx_h1_parse_request(fx_str_sub(bytes, 0, n), &slow_scan, &limits, &slow_head,
                                   &slow_used, &problem);
    if (size == 0)
        return 0;
    FX_ASSERT(fast == slow);
    if (fast != FX_H1_DONE)
        return 0;
    FX_ASSERT(used == slow_used && used <= size && head.n_fields == slow_head.n_fields);
    check_inside(head.path, bytes);
    check_inside(head.query, bytes);
    check_inside(head.host, bytes);
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20), path = FX_BUF(1 << 16);
    const char *why;
    fx_h1_write_request_line(&out, head.method, head.target);
    fx_h1_write_end_to_end(&out, &head, 0);
    FX_ASSERT(!out.has_failed); /* what was accepted can be forwarded */
    if (fx_url_path_normal(head.path, &path, &why)) {
        FX_AUTO(fx_buf) struct fx_buf again = FX_BUF(1 << 16);
        FX_ASSERT(fx_url_path_normal(fx_buf_str(&path), &again, &why));
        FX_ASSERT(fx_str_eq(fx_buf_str(&path), fx_buf_str(&again)));
        struct fcd_pattern pattern;
        struct fx_err err = FX_ERR_INIT;
        FX_ASSERT(fcd_pattern_compile("/orders/*/lines/**", &pattern, &err));
        (void)fcd_pattern_matches(&pattern, fx_buf_str(&path));
    }
    return 0;
}
