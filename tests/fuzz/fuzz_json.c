/* SPDX-License-Identifier: Apache-2.0 */
/* JSON texts: whatever is accepted equals itself, and a path of the walk never breaks the diff. */
#include "lib/base/panic.h"
#include "lib/fmt/json_diff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const ignore[] = {"/a/*/b", "/generated_at"};
    struct fx_err err = FX_ERR_INIT;
    struct fx_json_doc *doc = NULL;
    if (size > 4096 || !fx_json_parse((struct fx_str){(const char *)data, size}, &doc, &err))
        return 0;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1 << 20);
    FX_ASSERT(fx_json_equal(fx_json_root(doc), fx_json_root(doc), ignore, 2, &why));
    FX_ASSERT(fx_json_equal(fx_json_root(doc), fx_json_root(doc), NULL, 0, &why));
    fx_json_doc_free(doc);
    return 0;
}
