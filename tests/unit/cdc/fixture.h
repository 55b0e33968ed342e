/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binding made by hand, without servers: old "public.orders"(id bigint key, note text, total
 * numeric) and "public.lines"(a bigint, b integer: key; qty integer), mapped by name to "orders.*".
 * For unit tests of cdc/.
 */
#ifndef TESTS_CDC_FIXTURE_H
#define TESTS_CDC_FIXTURE_H

#include "cdc/change.h"

struct fixture {
    struct fx_column order_columns[3], line_columns[3];
    int order_key[1], line_key[2], index[3];
    struct fx_table old_tables[2], new_tables[2];
    struct fx_map_column pairs[2][3];
    struct fx_map_table maps[2];
    struct fx_db_conf pg, my;
    struct cdc_binding binding;
};

static inline void fixture_table(struct fx_table *table, const char *schema, const char *name,
                                 struct fx_column *columns, int *key, size_t n_key)
{
    *table = (struct fx_table){.schema = schema,
                               .name = name,
                               .columns = columns,
                               .n_columns = 3,
                               .key = key,
                               .n_key = n_key,
                               .replica_identity = 'd'};
}

static inline void fixture_init(struct fixture *f, enum fx_direction direction)
{
    static const struct fx_type int64 = {.kind = FX_V_INT, .bits = 64, .declared = "bigint"};
    static const struct fx_type text = {.kind = FX_V_TEXT, .declared = "text"};
    *f = (struct fixture){.order_key = {0}, .line_key = {0, 1}, .index = {0, 1, 2}};
    const char *orders[] = {"id", "note", "total"};
    const char *lines[] = {"a", "b", "qty"};
    for (int i = 0; i < 3; i++) {
        f->order_columns[i] = (struct fx_column){
            .name = orders[i], .type = i == 1 ? text : int64, .key_index = i == 0 ? 0 : -1};
        f->line_columns[i] =
            (struct fx_column){.name = lines[i], .type = int64, .key_index = i < 2 ? i : -1};
        f->pairs[0][i] = (struct fx_map_column){.old_name = orders[i], .new_name = orders[i]};
        f->pairs[1][i] = (struct fx_map_column){.old_name = lines[i], .new_name = lines[i]};
    }
    for (size_t t = 0; t < 2; t++) {
        struct fx_column *columns = t == 0 ? f->order_columns : f->line_columns;
        int *key = t == 0 ? f->order_key : f->line_key;
        const char *name = t == 0 ? "orders" : "lines";
        fixture_table(&f->old_tables[t], "public", name, columns, key, t + 1);
        fixture_table(&f->new_tables[t], "orders", name, columns, key, t + 1);
        f->maps[t] = (struct fx_map_table){.old_schema = "public",
                                           .old_name = name,
                                           .new_schema = "orders",
                                           .new_name = name,
                                           .old_table = &f->old_tables[t],
                                           .new_table = &f->new_tables[t],
                                           .columns = f->pairs[t],
                                           .n_columns = 3,
                                           .old_index = f->index,
                                           .new_index = f->index};
    }
    f->pg.engine = FX_PG;
    f->my.engine = FX_MY;
    f->binding = (struct cdc_binding){
        .ctx = {.name = "orders", .tables = f->maps, .n_tables = 2},
        .direction = direction,
        .source = direction == FX_FORWARD ? &f->pg : &f->my,
        .target = direction == FX_FORWARD ? &f->my : &f->pg,
        .stream = "orders-forward",
        .canary_group = "orders.canary",
    };
}

static inline struct fx_value fixture_int(int64_t i)
{
    return (struct fx_value){.kind = FX_V_INT, .i = i};
}

static inline struct fx_value fixture_text(const char *text)
{
    return (struct fx_value){.kind = FX_V_TEXT, .s = fx_str_from(text)};
}

static const struct fx_value fixture_unchanged = {.kind = FX_V_UNCHANGED};

#endif
