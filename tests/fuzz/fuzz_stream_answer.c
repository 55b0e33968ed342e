/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as what a stream answers on its socket (status, tail) and as the barrier in its log. */
#include "cdc/cdc.h"
#include "cdc/change.h"
#include "cdc/status.h"
#include "cdc/stream/tail.h"
#include "lib/base/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { N_TABLES = 3 };
    struct fx_str text = {(const char *)data, size};
    struct fx_err err = FX_ERR_INIT;
    struct cdc_status status = {0};
    struct cdc_key *keys = NULL;
    struct cdc_barrier barrier;
    size_t n_keys = 0;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (!cdc_status_read(text, &status, &err))
        FX_ASSERT(err.message[0] != '\0');
    FX_ASSERT(status.pid >= 0); /* kill(2) takes -1 for everybody */
    cdc_status_done(&status);
    fx_err_clear(&err);
    if (!cdc_tail_read(text, N_TABLES, &arena, &keys, &n_keys, &err))
        FX_ASSERT(err.message[0] != '\0');
    else
        for (size_t i = 0; i < n_keys; i++)
            FX_ASSERT(keys[i].table_index < N_TABLES);
    (void)cdc_barrier_parse(text, &barrier);
    return 0;
}
