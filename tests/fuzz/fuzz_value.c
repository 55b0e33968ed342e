/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a value of a PostgreSQL type (the first byte chooses): what is accepted must come
 * back from its own text as an equal value, JSON must have a canonical form that is its own
 * canonical form, and a column expression either compiles or leaves a problem.
 */
#include "lib/base/panic.h"
#include "lib/map/expr.h"
#include "lib/value/json_canon.h"
#include "lib/value/map_pg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(uint32_t oid, struct fx_str text, struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 22);
    struct fx_err err = FX_ERR_INIT;
    struct fx_type type;
    struct fx_value v, again;
    fx_pg_type(oid, -1, NULL, arena, &type);
    if (!fx_pg_value(&type, text, arena, &v, &err)) {
        FX_ASSERT(err.code == FX_E_SOURCE_DATA);
        return;
    }
    if (!fx_pg_text(&v, &type, &out, &err)) {
        FX_ASSERT(err.code == FX_E_SOURCE_DATA); /* NUL in a text */
        return;
    }
    if (v.kind == FX_V_UUID) /* written without dashes, which only PostgreSQL itself reads */
        return;
    FX_ASSERT(fx_pg_value(&type, fx_buf_str(&out), arena, &again, &err));
    FX_ASSERT(v.kind == FX_V_JSON || fx_value_equal(&v, &again));
}

static void check_json(struct fx_str text)
{
    FX_AUTO(fx_buf) struct fx_buf once = FX_BUF(1 << 22);
    FX_AUTO(fx_buf) struct fx_buf twice = FX_BUF(1 << 22);
    struct fx_err err = FX_ERR_INIT;
    if (!fx_json_canon(text, &once, &err)) {
        FX_ASSERT(err.code == FX_E_SOURCE_DATA || err.code == FX_E_LIMIT);
        return;
    }
    /* Stripping zeros can lift an exponent over the reader's limit; nothing else may change. */
    if (fx_json_canon(fx_buf_str(&once), &twice, &err))
        FX_ASSERT(fx_str_eq(fx_buf_str(&once), fx_buf_str(&twice)));
    else
        FX_ASSERT(strstr(err.message, "exponent") != NULL);
}

static void check_expr(struct fx_str text, struct fx_arena *arena)
{
    FX_AUTO(fx_problems) struct fx_problems problems;
    fx_problems_init(&problems);
    struct fx_node node = {.kind = FX_NODE_SCALAR, .file = "fuzz", .line = 1, .text = text};
    struct fx_expr *expr = fx_expr_compile(&node, arena, &problems);
    FX_ASSERT((expr == NULL) == (problems.count > 0));
    struct fx_value v = {.kind = FX_V_INT, .i = 7};
    struct fx_value result;
    struct fx_err err = FX_ERR_INIT;
    if (expr != NULL && !fx_expr_eval(expr, &v, arena, &result, &err))
        FX_ASSERT(err.code == FX_E_SOURCE_DATA);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t oids[] = {16,   17,   20,   21,   23,   25,   114,  700, 701,
                                    1042, 1043, 1082, 1114, 1184, 1700, 2950, 3802};
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (size == 0 || size > 4096)
        return 0;
    struct fx_str text = {(const char *)data + 1, size - 1};
    if (data[0] == 'J')
        check_json(text);
    else if (data[0] == 'E')
        check_expr(text, &arena);
    else
        check_round_trip(oids[data[0] % FX_ARRAY_LEN(oids)], text, &arena);
    return 0;
}
