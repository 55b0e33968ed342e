/* SPDX-License-Identifier: Apache-2.0 */
/* See guard.h. The caller says in which transaction it was. */
#include "cdc/mysql/guard.h"

#include "lib/err/redact.h"
#include "lib/my/rowevent.h"

static bool refuse_statement(const struct cdc_binding *binding, const struct fx_my_sql *sql,
                             enum fx_my_statement kind, const struct fx_table *table,
                             struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1024);
    fx_redact_sql(kind == FX_MY_STMT_CHANGE ? FX_REDACT_ROWS : FX_REDACT_DDL,
                  fx_str_sub(sql->text, 0, 300), &text);
    if (kind == FX_MY_STMT_CHANGE) {
        fx_fail(err, FX_E_UNSUPPORTED,
                "the binary log has a change in statement format that may affect table \"%s.%s\"",
                table->schema, table->name);
        fx_hint(err,
                "Set binlog_format=ROW for all sessions of database \"%s\". The stream cannot pass "
                "this change: " FX_CMD_NEW_COPY ".",
                binding->source->name);
    } else {
        fx_fail(err, kind == FX_MY_STMT_TRUNCATE ? FX_E_UNSUPPORTED : FX_E_DRIFT,
                kind == FX_MY_STMT_TRUNCATE
                    ? "table \"%s.%s\" was truncated while it was streamed"
                    : "the definition of table \"%s.%s\" was changed while it was streamed",
                table->schema, table->name);
        fx_hint(err, "The stream cannot pass this statement: " FX_CMD_NEW_COPY
                     ". Change or truncate a table only while its streams are dropped.");
    }
    return fx_detail(err, "%s", fx_buf_cstr(&text));
}

/*
 * A change in statement format does not say what it changed: triggers, functions and foreign keys
 * of the table that it names go on from there, and in row format none of them would be a statement.
 */
bool cdc_guard_statement(const struct cdc_binding *binding, const struct fx_my_sql *sql,
                         enum fx_my_statement kind, struct fx_err *err)
{
    if (fx_my_statement_is_ours(sql))
        return true;
    for (size_t i = 0; i < binding->ctx.n_tables; i++) {
        const struct fx_table *table = cdc_source_table(binding, i);
        struct fx_str schema = fx_str_from(table->schema);
        bool is_hit = kind == FX_MY_STMT_CHANGE
                          ? fx_my_statement_reaches(sql, schema)
                          : fx_my_statement_names(sql, schema, fx_str_from(table->name));
        if (is_hit)
            return refuse_statement(binding, sql, kind, table, err);
    }
    return true;
}

/* A unique key over a blob is one over a hash that the
 * server keeps in a column of its own, after all others. */
static bool is_hidden(const struct fx_bl_column *column)
{
    return fx_str_starts(column->name, FX_STR("DB_ROW_HASH_"));
}

static bool is_same_shape(const struct fx_bl_table *wire, const struct fx_table *bound)
{
    if (wire->n_columns < bound->n_columns ||
        wire->n_columns - bound->n_columns > CDC_GUARD_HIDDEN_MAX)
        return false;
    for (size_t i = 0; i < wire->n_columns; i++) {
        const struct fx_bl_column *column = &wire->columns[i];
        if (i < bound->n_columns ? !fx_str_eq_c(column->name, bound->columns[i].name)
                                 : !is_hidden(column))
            return false;
    }
    return true;
}

/* Checked for each row event: it is a few names. */
bool cdc_guard_rows(const struct cdc_binding *binding, const struct fx_table *bound,
                    const struct fx_bl_event *event, struct fx_err *err)
{
    const struct fx_bl_table *wire = event->rows.table;
    if (!wire->has_names) {
        fx_fail(err, FX_E_UNSUPPORTED,
                "the binary log does not name the columns of table \"%s.%s\"", bound->schema,
                bound->name);
        return fx_hint(err,
                       "Run on database \"%s\": SET GLOBAL binlog_row_metadata=FULL; The stream "
                       "cannot pass these rows: " FX_CMD_NEW_COPY ".",
                       binding->source->name);
    }
    if (!is_same_shape(wire, bound))
        return fx_fail(err, FX_E_DRIFT,
                       "the columns of table \"%s.%s\" have changed since the stream was started",
                       bound->schema, bound->name) ||
               fx_hint(err, "Undo the change of the table and run: " FX_CMD_START
                            ". If the stream stops here again, " FX_CMD_NEW_COPY ".");
    if (fx_bl_rows_are_full(event))
        return true;
    fx_fail(err, FX_E_UNSUPPORTED, "the binary log has partial rows of table \"%s.%s\"",
            bound->schema, bound->name);
    return fx_hint(err,
                   "Set binlog_row_image=FULL for all sessions of database \"%s\". The stream "
                   "cannot pass these rows: " FX_CMD_NEW_COPY ".",
                   binding->source->name);
}
