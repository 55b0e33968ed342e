/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a text of a stranger: what comes out acts on no terminal, makes no line, is UTF-8,
 * is its own visible form, and JSON says the same as the bytes where they are UTF-8.
 */
#include "lib/base/panic.h"
#include "lib/base/visible.h"
#include "lib/fmt/json_doc.h"
#include "lib/fmt/json_write.h"
#include "lib/fmt/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct fx_str out, bool has_lines)
{
    FX_ASSERT(fx_utf8_valid(out));
    for (size_t i = 0; i < out.len; i++) {
        unsigned char c = (unsigned char)out.ptr[i];
        FX_ASSERT((c >= 0x20 || (has_lines && (c == '\n' || c == '\t'))) && c != 0x7F);
        FX_ASSERT(c != 0xC2 || (unsigned char)out.ptr[i + 1] >= 0xA0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fx_str text = {(const char *)data, size};
    FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(1 << 24), lines = FX_BUF(1 << 24);
    FX_AUTO(fx_buf) struct fx_buf again = FX_BUF(1 << 24), json = FX_BUF(1 << 24);
    fx_visible_add(&line, text, FX_VISIBLE_LINE);
    fx_visible_add(&lines, text, FX_VISIBLE_LINES);
    check(fx_buf_str(&line), false);
    check(fx_buf_str(&lines), true);
    fx_visible_add(&again, fx_buf_str(&line), FX_VISIBLE_LINE);
    FX_ASSERT(fx_str_eq(fx_buf_str(&again), fx_buf_str(&line)));
    fx_buf_add_c(&json, "{\"a\":");
    fx_json_quote(text, &json);
    fx_buf_add_c(&json, "}");
    check(fx_buf_str(&json), false);
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    struct fx_err err = FX_ERR_INIT;
    if (memchr(data, 0, size) != NULL || size > 60000)
        return 0; /* a member with NUL is refused by the reader */
    FX_ASSERT(fx_json_parse(fx_buf_str(&json), &doc, &err));
    const char *back = fx_json_get_str(fx_json_root(doc), "a", NULL);
    FX_ASSERT(!fx_utf8_valid(text) || fx_str_eq_c(text, back));
    return 0;
}
