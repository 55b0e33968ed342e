/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay of a journal from arbitrary bytes: never
 * beyond the input; the good prefix replays by itself.
 */
#include "lib/base/panic.h"
#include "lib/io/recordlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t n;
    struct fx_str all;
};

static bool on_record(void *arg, uint64_t seq, struct fx_str payload, struct fx_err *err)
{
    struct seen *seen = arg;
    (void)err;
    FX_ASSERT(seq == ++seen->n);
    FX_ASSERT(payload.ptr >= seen->all.ptr &&
              payload.ptr + payload.len <= seen->all.ptr + seen->all.len);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_str bytes = {(const char *)data, size};
    struct fx_err err = FX_ERR_INIT;
    struct seen seen = {.all = bytes}, again = {.all = bytes};
    size_t good = 0, good_again = 0;
    if (!fx_recordlog_scan(bytes, on_record, &seen, &good, &err)) {
        FX_ASSERT(err.code == FX_E_JOURNAL);
        return 0;
    }
    FX_ASSERT(good <= size);
    bool is_ok =
        fx_recordlog_scan(fx_str_sub(bytes, 0, good), on_record, &again, &good_again, &err);
    FX_ASSERT(is_ok && good_again == good && again.n == seen.n);
    return 0;
}
