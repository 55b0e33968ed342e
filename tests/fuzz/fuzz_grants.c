/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as the lines of SHOW GRANTS: a right on everything is one on every table. */
#include "lib/base/panic.h"
#include "lib/my/grants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const rights[] = {"SELECT", "INSERT", "SUPER", "REPLICATION SLAVE"};
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_my_grants *grants =
        fx_my_grants_parse((struct fx_str){(const char *)data, size}, &arena);
    for (size_t i = 0; i < FX_ARRAY_LEN(rights); i++) {
        bool everywhere = fx_my_grants_has(grants, rights[i], NULL, NULL);
        bool on_schema = fx_my_grants_has(grants, rights[i], "shop", NULL);
        bool on_table = fx_my_grants_has(grants, rights[i], "shop", "orders");
        FX_ASSERT((!everywhere || on_schema) && (!on_schema || on_table));
    }
    FX_ASSERT(fx_my_grants_account(grants) != NULL);
    return 0;
}
