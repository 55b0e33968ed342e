/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a plan: a typed plan, or one error that names its problems. */
#include "lib/base/panic.h"
#include "plans/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_problems problems;
    fx_problems_init(&problems);
    struct pln_plan *plan = NULL;
    struct fx_err err = FX_ERR_INIT;
    if (pln_parse("fuzz", (struct fx_str){(const char *)data, size}, NULL, &arena, &plan, &problems,
                  &err)) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
        FX_ASSERT(plan->n_steps > 0 && plan->n_steps <= PLN_STEPS_MAX && problems.count == 0);
        pln_show(plan, &out);
    } else {
        FX_ASSERT(err.code == FX_E_CONFIG && err.message[0] != '\0');
    }
    fx_problems_done(&problems);
    return 0;
}
