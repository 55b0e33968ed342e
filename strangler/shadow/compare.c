/* SPDX-License-Identifier: Apache-2.0 */
/* Equal bytes need no parsing: bodies are parsed only when their bytes differ. */
#include "strangler/shadow/compare.h"

#include "lib/fmt/json_diff.h"

static bool compare_bytes(struct fx_str old, struct fx_str new_side, char out[FCD_DIFFERENCE_MAX])
{
    size_t at = 0, most = old.len < new_side.len ? old.len : new_side.len;
    while (at < most && old.ptr[at] == new_side.ptr[at])
        at++;
    snprintf(out, FCD_DIFFERENCE_MAX, "body: differs at byte %zu (old has %zu bytes, new %zu)", at,
             old.len, new_side.len);
    return false;
}

/* A body that is declared as JSON and cannot be parsed is compared as bytes. */
static bool compare_json(struct fx_str old, struct fx_str new_side,
                         const struct fcd_compare_rules *rules, char out[FCD_DIFFERENCE_MAX])
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *a = NULL;
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *b = NULL;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(4096);
    if (!fx_json_parse(old, &a, &err) || !fx_json_parse(new_side, &b, &err))
        return compare_bytes(old, new_side, out);
    if (fx_json_equal(fx_json_root(a), fx_json_root(b), rules->ignore, rules->n_ignore, &why))
        return true;
    snprintf(out, FCD_DIFFERENCE_MAX, "%s", fx_buf_cstr(&why));
    return false;
}

bool fcd_compare(const struct fcd_answer *old, const struct fcd_answer *new_side,
                 const struct fcd_compare_rules *rules, char out[FCD_DIFFERENCE_MAX])
{
    struct fx_str a = fx_buf_str(&old->body), b = fx_buf_str(&new_side->body);
    out[0] = '\0';
    if (old->status != new_side->status) {
        snprintf(out, FCD_DIFFERENCE_MAX, "status: old %d, new %d", old->status, new_side->status);
        return false;
    }
    if (fx_str_eq(a, b))
        return true;
    bool is_json = old->is_json && new_side->is_json && !old->is_encoded && !new_side->is_encoded;
    return is_json ? compare_json(a, b, rules, out) : compare_bytes(a, b, out);
}
