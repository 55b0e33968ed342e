/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a YAML file: a tree within its limits, or one CONFIG error. */
#include "lib/base/panic.h"
#include "lib/conf/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count(const struct fx_node *node)
{
    size_t n = 1;
    for (const struct fx_node *child = node->first; child != NULL; child = child->next)
        n += count(child);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_node *root = NULL;
    struct fx_err err = FX_ERR_INIT;
    if (fx_doc_parse("fuzz", (struct fx_str){(const char *)data, size}, &arena, &root, &err))
        FX_ASSERT(count(root) <= (1u << 20) / sizeof(struct fx_node) + 1);
    else
        FX_ASSERT(err.code == FX_E_CONFIG);
    return 0;
}
