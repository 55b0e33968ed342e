/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict of all gates of a step. */
#include "plans/gate/gate.h"

const struct pln_facts pln_facts_none = {
    .shadow_compared = -1,
    .shadow_mismatch = -1,
    .requests_old = -1,
    .requests_new = -1,
    .errors_old = -1,
    .errors_new = -1,
    .p99_old_ms = -1,
    .p99_new_ms = -1,
    .predicted_pause_ms = -1,
    .leaks = -1,
};

enum pln_verdict pln_gates_eval(const struct pln_gate *gates, size_t n,
                                const struct pln_facts *facts, struct fx_buf *why)
{
    enum pln_verdict all = PLN_PASS;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(2048);
    for (size_t i = 0; i < n; i++) {
        fx_buf_clear(&text);
        enum pln_verdict one = pln_gate_eval(&gates[i], facts, &text);
        bool decides = one != PLN_PASS && (all == PLN_PASS || one == PLN_FAIL);
        if (decides && (all == PLN_PASS || one != all)) {
            all = one;
            fx_buf_clear(why);
        }
        /* The gates of one report say the same sentence: once is enough. */
        if (one == all && strstr(fx_buf_cstr(why), fx_buf_cstr(&text)) == NULL) {
            if (why->len > 0)
                fx_buf_add_c(why, "; ");
            fx_buf_add(why, fx_buf_str(&text));
        }
    }
    return all;
}
