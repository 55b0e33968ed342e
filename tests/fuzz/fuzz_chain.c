/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the lines of a sealed log: nothing that was not sealed with the key passes. */
#include "lib/base/panic.h"
#include "lib/crypt/chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_chain chain = {.has_key = true, .key = {1, 2, 3}};
    FX_AUTO(fx_buf) struct fx_buf sealed = FX_BUF(4096);
    struct fx_err err = FX_ERR_INIT;
    fx_chain_seal(&chain, FX_STR("{\"t\":\"A\"}"), &sealed);
    FX_ASSERT(fx_chain_take(&chain, fx_buf_str(&sealed), &err));
    struct fx_str rest = {(const char *)data, size};
    while (rest.len > 0) {
        struct fx_str line = fx_str_cut(rest, '\n', &rest);
        FX_ASSERT(!fx_chain_take(&chain, line, &err) && err.code == FX_E_JOURNAL);
        FX_ASSERT(chain.n_keyed == 1 && chain.n_unkeyed == 0);
    }
    return 0;
}
