/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary log events and rows from arbitrary bytes: the input is a log file, with or without its
 * magic. Every row event is read twice, by the wire alone and as if the catalog had said something
 * unrelated.
 */
#include "lib/my/alter.h"
#include "lib/my/rowevent.h"
#include "lib/my/statement.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VALUES_MAX = 4096 };

static const struct fx_type catalog[] = {
    {.kind = FX_V_BOOL, .declared = "tinyint(1)"},
    {.kind = FX_V_INT, .bits = 64, .is_unsigned = true, .declared = "bigint unsigned"},
    {.kind = FX_V_TEXT, .length_max = 10, .declared = "varchar(10)"},
    {.kind = FX_V_BYTES, .length_max = 16, .is_fixed_char = true, .declared = "binary(16)"},
    {.kind = FX_V_UUID, .declared = "uuid"},
    {.kind = FX_V_JSON, .declared = "longtext"},
    {.kind = FX_V_DECIMAL, .precision = 12, .scale = 2, .declared = "decimal(12,2)"},
};

static void read_rows(const struct fx_bl_event *ev, const struct fx_type *const *types)
{
    static struct fx_value before[VALUES_MAX], after[VALUES_MAX];
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_bl_rows rows;
    bool has_row = fx_bl_rows_open(ev, types, &rows, &err);
    for (int i = 0; has_row && i < 1000; i++) {
        if (!fx_bl_rows_next(&rows, &arena, before, after, &has_row, &err))
            return;
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
        const struct fx_value *row = ev->rows.op == FX_BL_DELETE ? before : after;
        for (size_t k = 0; has_row && k < ev->rows.n_columns && k < 8; k++)
            fx_value_show_whole(&row[k], &text);
        fx_arena_clear(&arena);
    }
}

/* With and without a catalog of the table before the statement. */
static void read_alter(const struct fx_my_sql *sql)
{
    struct fx_column columns[] = {{.name = "id", .type = {.kind = FX_V_INT, .bits = 32}},
                                  {.name = "a", .type = catalog[2]}};
    struct fx_table table = {
        .schema = "shop", .name = "orders", .columns = columns, .n_columns = 2};
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_my_alter_before before = {"shop", "orders", NULL, true, &arena};
    (void)fx_my_alter_effect(sql, &before);
    before.columns = &table;
    (void)fx_my_alter_effect(sql, &before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fx_type *types[VALUES_MAX];
    for (size_t i = 0; i < VALUES_MAX; i++)
        types[i] = &catalog[i % FX_ARRAY_LEN(catalog)];
    FX_AUTO(fx_bl_decoder) struct fx_bl_decoder dec;
    fx_bl_decoder_init(&dec);
    struct fx_str rest = {(const char *)data, size};
    if (fx_str_starts(rest, FX_STR("\xfe"
                                   "bin")))
        rest = fx_str_sub(rest, 4, rest.len);
    struct fx_bl_header head;
    while (fx_bl_header_read(rest, &head)) {
        size_t len = head.len < FX_BL_HEADER || head.len > rest.len ? rest.len : head.len;
        struct fx_bl_event ev;
        struct fx_err err = FX_ERR_INIT;
        if (fx_bl_decode(&dec, fx_str_sub(rest, 0, len), &ev, &err)) {
            if (ev.kind == FX_BL_ROWS) {
                read_rows(&ev, NULL);
                read_rows(&ev, types);
            } else if (ev.kind == FX_BL_QUERY) {
                struct fx_my_sql sql = {ev.query.sql, ev.query.schema, ev.query.sql_mode,
                                        fx_my_charset_of(ev.query.charset)};
                (void)fx_my_statement_names(&sql, FX_STR("shop"), FX_STR("orders"));
                (void)fx_my_statement_reaches(&sql, FX_STR("shop"));
                read_alter(&sql);
            }
        }
        rest = fx_str_sub(rest, len, rest.len);
    }
    return 0;
}
