/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a pgoutput message: decoded within its bounds, or one PROTOCOL error. What is
 * decoded is walked to its last byte, and text cells are read as values of a type that the bytes
 * choose.
 */
#include "lib/base/panic.h"
#include "lib/pg/pgoutput.h"
#include "lib/value/map_pg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_tuple(const struct fx_pgo_tuple *tuple, uint32_t seed, struct fx_arena *arena)
{
    static const uint32_t oids[] = {16,   17,   20,   21,   23,   25,   114,  700, 701,
                                    1042, 1043, 1082, 1114, 1184, 1700, 2950, 3802};
    for (size_t i = 0; i < tuple->n_cells && tuple->cells != NULL; i++) {
        struct fx_err err = FX_ERR_INIT;
        struct fx_type type;
        struct fx_value v;
        fx_pg_type(oids[(seed + i) % FX_ARRAY_LEN(oids)], -1, NULL, arena, &type);
        if (tuple->cells[i].kind != FX_PGO_TEXT)
            continue;
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
        if (!fx_pg_value(&type, tuple->cells[i].bytes, arena, &v, &err))
            FX_ASSERT(err.code == FX_E_SOURCE_DATA);
        else
            fx_value_show(&v, &out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_pgo_msg msg;
    struct fx_err err = FX_ERR_INIT;
    if (!fx_pgo_decode((struct fx_str){(const char *)data, size}, &arena, &msg, &err)) {
        FX_ASSERT(err.code == FX_E_PROTOCOL);
        return 0;
    }
    if (msg.kind == FX_PGO_INSERT || msg.kind == FX_PGO_UPDATE || msg.kind == FX_PGO_DELETE) {
        walk_tuple(&msg.row.old, msg.row.relation, &arena);
        walk_tuple(&msg.row.new, msg.row.relation, &arena);
    }
    size_t n = 0;
    for (size_t i = 0; msg.kind == FX_PGO_RELATION && i < msg.relation.n_columns; i++)
        n += strlen(msg.relation.columns[i].name);
    FX_ASSERT(n <= size);
    return 0;
}
