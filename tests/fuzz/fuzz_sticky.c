/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any request head as what a user is known by: cookies are slices of the head, and a user who is on
 * the new side at one weight is there at every higher one.
 */
#include "lib/base/panic.h"
#include "lib/http/h1_parse.h"
#include "strangler/route/split.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_user(struct fx_str key)
{
    static const double weights[] = {0, 0.0001, 1, 10, 49.999, 50, 99.9999, 100};
    uint64_t point = fcd_split_point(fcd_split_salt("shop"), key);
    bool was_new = false;
    for (size_t i = 0; i < FX_ARRAY_LEN(weights); i++) {
        bool is_new = fcd_split_is_new(point, weights[i]);
        FX_ASSERT(is_new || !was_new);
        was_new = is_new;
    }
    double percent = fcd_split_percent(point);
    FX_ASSERT(was_new && percent >= 0 && percent < 100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {FCD_ISSUED_COOKIE, "session", "a", ""};
    struct fx_str bytes = {(const char *)data, size};
    struct fx_h1_scan scan = {0};
    struct fx_h1_limits limits = {512, 8192, 32};
    struct fx_head head;
    struct fx_h1_problem problem;
    size_t used = 0;
    if (fx_h1_parse_request(bytes, &scan, &limits, &head, &used, &problem) != FX_H1_DONE)
        return 0;
    for (size_t i = 0; i < FX_ARRAY_LEN(names); i++) {
        struct fx_str value = fx_head_cookie(&head, names[i]);
        FX_ASSERT(value.len == 0 ||
                  (value.ptr >= bytes.ptr && value.ptr + value.len <= bytes.ptr + used));
        FX_ASSERT(value.len == 0 || memchr(value.ptr, ';', value.len) == NULL);
        FX_ASSERT(value.len == 0 || memchr(value.ptr, '\n', value.len) == NULL);
        check_user(value);
    }
    check_user(fx_head_value(&head, "x-user"));
    return 0;
}
