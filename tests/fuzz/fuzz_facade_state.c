/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as facade.json: what is read is written and read again as the same state. */
#include "lib/base/panic.h"
#include "strangler/group/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_err err = FX_ERR_INIT;
    struct fcd_state state, again;
    if (!fcd_state_parse((struct fx_str){(const char *)data, size}, &state, &err)) {
        FX_ASSERT((err.code == FX_E_JOURNAL || err.code == FX_E_VERSION) && err.message[0] != '\0');
        return 0;
    }
    FX_ASSERT(state.controller_epoch >= 0);
    FX_ASSERT(state.n_groups <= FCD_GROUPS_MAX && state.n_routes <= FCD_ROUTES_MAX);
    for (size_t i = 0; i < state.n_groups; i++)
        FX_ASSERT(state.groups[i].own.epoch >= 0 && state.groups[i].own.hold_ms >= 0);
    for (size_t i = 0; i < state.n_routes; i++)
        FX_ASSERT(state.routes[i].weight_percent >= 0 && state.routes[i].weight_percent <= 100 &&
                  state.routes[i].shadow_percent >= 0 && state.routes[i].shadow_percent <= 100);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(SIZE_MAX), text_again = FX_BUF(SIZE_MAX);
    fcd_state_write(&state, &text);
    FX_ASSERT(fcd_state_parse(fx_buf_str(&text), &again, &err));
    fcd_state_write(&again, &text_again);
    FX_ASSERT(fx_str_eq(fx_buf_str(&text), fx_buf_str(&text_again)));
    fcd_state_done(&again);
    fcd_state_done(&state);
    return 0;
}
