/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of any bytes as records of a run: each is applied
 * or refused, and what is applied survives being written.
 */
#include "lib/base/panic.h"
#include "plans/run/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct pln_state *state = FX_ARENA_NEW(&arena, struct pln_state);
    struct pln_state *twin = FX_ARENA_NEW(&arena, struct pln_state);
    struct fx_str rest = {(const char *)data, size};
    pln_state_init(state);
    pln_state_init(twin);
    while (rest.len > 0) {
        struct fx_str line = fx_str_cut(rest, '\n', &rest);
        struct pln_record rec, again;
        struct fx_err err = FX_ERR_INIT;
        if (!pln_record_read(line, &arena, &rec, &err) || !pln_state_apply(state, &rec, &err)) {
            FX_ASSERT(err.code == FX_E_JOURNAL || err.code == FX_E_VERSION);
            continue;
        }
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
        pln_record_write(&rec, &out);
        FX_ASSERT(pln_record_read(fx_buf_str(&out), &arena, &again, &err));
        FX_ASSERT(pln_state_apply(twin, &again, &err));
        FX_ASSERT(twin->phase == state->phase && twin->epoch == state->epoch &&
                  twin->current == state->current && twin->n_records == state->n_records);
    }
    return 0;
}
