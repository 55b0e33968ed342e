/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a cell of a MariaDB column (the first byte chooses its type), and any text as a type
 * that the catalog declares: what is read has a literal, and what is refused says why.
 */
#include "lib/base/panic.h"
#include "lib/value/map_my.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fx_my_column columns[] = {
    {"tinyint", "tinyint(1)", -1, 3, 0, 0, "", false},
    {"tinyint", "tinyint(4)", -1, 3, 0, 0, "", false},
    {"int", "int(10) unsigned", -1, 10, 0, 0, "", false},
    {"bigint", "bigint(20)", -1, 19, 0, 0, "", false},
    {"bigint", "bigint(20) unsigned", -1, 20, 0, 0, "", false},
    {"decimal", "decimal(20,4)", -1, 20, 4, 0, "", false},
    {"double", "double", -1, 22, 0, 0, "", false},
    {"varchar", "varchar(64)", 64, 0, 0, 0, "utf8mb4", false},
    {"longtext", "longtext", 4294967295, 0, 0, 0, "utf8mb4", true},
    {"binary", "binary(16)", 16, 0, 0, 0, "", false},
    {"blob", "blob", 65535, 0, 0, 0, "", false},
    {"date", "date", -1, 0, 0, 0, "", false},
    {"datetime", "datetime(6)", -1, 0, 0, 6, "", false},
    {"timestamp", "timestamp", -1, 0, 0, 0, "", false},
    {"uuid", "uuid", -1, 0, 0, 0, "", false},
};

static void check_cell(const struct fx_my_column *column, struct fx_str cell,
                       struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf literal = FX_BUF(1 << 24);
    struct fx_err err = FX_ERR_INIT;
    struct fx_type type;
    struct fx_value v;
    fx_my_type(column, &type);
    if (!fx_my_value(&type, cell, arena, &v, &err)) {
        FX_ASSERT((err.code == FX_E_SOURCE_DATA || err.code == FX_E_UNSUPPORTED) &&
                  err.message[0] != '\0');
        return;
    }
    FX_ASSERT(fx_value_equal(&v, &v) || v.kind == FX_V_NULL || v.kind == FX_V_JSON);
    if (!fx_my_value_literal(&v, &type, &literal, &err))
        FX_ASSERT(err.code == FX_E_SOURCE_DATA);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    if (size == 0)
        return 0;
    struct fx_str cell = {(const char *)data + 1, size - 1};
    check_cell(&columns[data[0] % FX_ARRAY_LEN(columns)], cell, &arena);
    if (data[0] >= 128) {
        const char *declared = fx_arena_str(&arena, cell).ptr;
        struct fx_my_column column = {declared, declared, 1, 1, 0, 0, "utf8mb4", false};
        struct fx_type type;
        fx_my_type(&column, &type);
        check_cell(&column, FX_STR("1"), &arena);
    }
    return 0;
}
