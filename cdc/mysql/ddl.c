/* SPDX-License-Identifier: Apache-2.0 */
/* See ddl.h. */
#include "cdc/mysql/ddl.h"

#include "lib/log/log.h"

static bool read_table(struct cdc_my_ddl *d, struct fx_db *db, size_t t, struct fx_err *err)
{
    const struct fx_table *table = cdc_source_table(d->binding, t);
    struct fx_my_alter_before *ret = &d->tables[t];
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell params[] = {fx_str_from(table->schema), fx_str_from(table->name)};
    *ret = (struct fx_my_alter_before){
        .schema = table->schema, .name = table->name, .arena = &d->arena};
    if (!fx_db_table(db, table->schema, table->name, &d->arena, &ret->columns, err) ||
        !fx_db_query(db,
                     "select table_collation like 'utf8mb4%', engine = 'InnoDB' from "
                     "information_schema.tables where table_schema = ? and table_name = ?",
                     params, 2, &rows, err))
        return false;
    ret->is_utf8mb4 = rows.n_rows == 1 && fx_str_eq_c(fx_rows_at(&rows, 0, 0), "1");
    d->is_innodb[t] = rows.n_rows == 1 && fx_str_eq_c(fx_rows_at(&rows, 0, 1), "1");
    return true;
}

/* Tables first: a statement that comes in between is then taken for an older one. */
bool cdc_my_ddl_open(struct cdc_my_ddl *d, const struct cdc_binding *binding, struct fx_db *db,
                     struct fx_err *err)
{
    d->binding = binding;
    fx_arena_init(&d->arena, 0);
    d->tables = fx_arena_array(&d->arena, binding->ctx.n_tables, sizeof *d->tables);
    d->is_innodb = fx_arena_array(&d->arena, binding->ctx.n_tables, sizeof *d->is_innodb);
    for (size_t t = 0; t < binding->ctx.n_tables; t++)
        if (!read_table(d, db, t, err))
            return fx_ctx(err, "reading the tables of stream \"%s\"", binding->stream);
    return fx_db_pos_now(db, &d->read_at, err);
}

void cdc_my_ddl_done(struct cdc_my_ddl *d)
{
    fx_pos_done(&d->read_at);
    fx_arena_done(&d->arena);
}

static enum cdc_my_ddl_effect effect_on(struct cdc_my_ddl *d, size_t t, const struct fx_my_sql *sql,
                                        bool is_older)
{
    struct fx_my_alter_before *known = &d->tables[t], blind = *known;
    blind.columns = NULL;
    blind.is_utf8mb4 = false;
    switch (fx_my_alter_effect(sql, is_older ? &blind : known)) {
    case FX_MY_ALTER_NO_EFFECT:
    case FX_MY_ALTER_WIDENS: return CDC_MY_DDL_SAME;
    case FX_MY_ALTER_DROPS_PARTITIONS:
        return d->binding->ctx.tables[t].keeps_dropped ? CDC_MY_DDL_DROPS_KEPT : CDC_MY_DDL_DROPS;
    case FX_MY_ALTER_OTHER: return CDC_MY_DDL_UNKNOWN;
    }
    return CDC_MY_DDL_UNKNOWN;
}

enum cdc_my_ddl_effect cdc_my_ddl_effect(struct cdc_my_ddl *d, const struct fx_my_sql *sql,
                                         const struct fx_pos *pos)
{
    bool is_older = fx_pos_covers(d->binding->source->engine, &d->read_at, pos);
    enum cdc_my_ddl_effect worst = CDC_MY_DDL_SAME;
    for (size_t t = 0; t < d->binding->ctx.n_tables && worst != CDC_MY_DDL_UNKNOWN; t++) {
        const struct fx_my_alter_before *known = &d->tables[t];
        if (fx_my_statement_names(sql, fx_str_from(known->schema), fx_str_from(known->name)))
            worst = FX_MAX(worst, effect_on(d, t, sql, is_older));
    }
    if (worst == CDC_MY_DDL_SAME)
        fx_log(FX_LOG_INFO, "cdc", d->binding->stream, "DDL that does not change rows",
               "position=%s", fx_pos_text(pos));
    return worst;
}

const struct fx_table *cdc_my_ddl_table(const struct cdc_my_ddl *d, const struct fx_my_sql *sql)
{
    for (size_t t = 0; t < d->binding->ctx.n_tables; t++) {
        const struct fx_table *table = cdc_source_table(d->binding, t);
        if (fx_my_statement_names(sql, fx_str_from(table->schema), fx_str_from(table->name)))
            return table;
    }
    return NULL;
}

void cdc_my_ddl_accept(struct cdc_my_ddl *d, const struct fx_my_sql *sql)
{
    for (size_t t = 0; t < d->binding->ctx.n_tables; t++) {
        struct fx_my_alter_before *known = &d->tables[t];
        if (fx_my_statement_names(sql, fx_str_from(known->schema), fx_str_from(known->name))) {
            known->columns = NULL;
            known->is_utf8mb4 = false;
            d->is_innodb[t] = false;
        }
    }
}
