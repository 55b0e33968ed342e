/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog's picture of a table: finding columns, and one fingerprint over its schema. */
#include "lib/db/table.h"

#include "lib/base/hash.h"

int fx_table_column(const struct fx_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        if (strcmp(table->columns[i].name, name) == 0)
            return (int)i;
    }
    return -1;
}

/* Names are length-prefixed, so that no two schemas have the same text. */
static void add_name(struct fx_buf *out, const char *name)
{
    fx_buf_printf(out, "%zu:%s;", strlen(name), name);
}

void fx_table_fingerprint(struct fx_table *table, struct fx_arena *arena)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 24);
    add_name(&text, table->schema);
    add_name(&text, table->name);
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct fx_column *column = &table->columns[i];
        add_name(&text, column->name);
        add_name(&text, column->type.declared);
        fx_buf_printf(&text, "%d%d%d,%d;", column->is_nullable, column->is_generated,
                      column->is_identity, column->key_index);
    }
    fx_buf_printf(&text, "%c", table->replica_identity);
    char hex[FX_HASH_HEX];
    fx_hash128_hex(fx_buf_str(&text), hex);
    table->fingerprint = fx_arena_strdup(arena, hex);
}
