/* SPDX-License-Identifier: Apache-2.0 */
/* Quoting, by engine. Both sessions are pinned so that a backslash in a literal is a backslash. */
#include "lib/db/db.h"

static void add_quoted(struct fx_str text, char quote, struct fx_buf *out)
{
    fx_buf_add_char(out, quote);
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == quote)
            fx_buf_add_char(out, quote);
        fx_buf_add_char(out, text.ptr[i]);
    }
    fx_buf_add_char(out, quote);
}

void fx_db_ident(enum fx_engine engine, const char *name, struct fx_buf *out)
{
    add_quoted(fx_str_from(name), engine == FX_PG ? '"' : '`', out);
}

void fx_db_table_ident(enum fx_engine engine, const struct fx_table *table, struct fx_buf *out)
{
    fx_db_ident(engine, table->schema, out);
    fx_buf_add_char(out, '.');
    fx_db_ident(engine, table->name, out);
}

void fx_db_literal(enum fx_engine engine, struct fx_str text, struct fx_buf *out)
{
    (void)engine;
    add_quoted(text, '\'', out);
}
