/* SPDX-License-Identifier: Apache-2.0 */
/* The initial copy in the sink: its batches raise the ordinal and keep position and phase. */
#include "cdc/sink/session.h"

bool cdc_copying_begin(struct cdc_sink *sink, int64_t n_rows, struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    struct cdc_progress to = s->next;
    struct cdc_txn txn = {.pos = fx_pos_view(&s->next.pos), .label = "a batch of the copy"};
    to.pos = txn.pos;
    to.ordinal += n_rows;
    cdc_txn_copy(&s->txn, &txn);
    cdc_apply_set_state(s, CDC_APPLY_COPYING);
    cdc_apply_add_begin(s, &to);
    return cdc_send_if_exact(s, err);
}

static void add_table_name(struct cdc_db_sink *s, size_t table, struct fx_buf *sql)
{
    const struct fx_table *target = cdc_target_table(s->binding, table);
    fx_db_table_ident(s->binding->target->engine, target, sql);
}

/* Of the canary only our part; NULL: all of the table. */
static const char *part_of(struct cdc_db_sink *s, size_t table)
{
    return cdc_binding_is_canary(s->binding, table) ? s->binding->canary_where : NULL;
}

bool cdc_copying_clean(struct cdc_sink *sink, size_t table, int64_t limit, int64_t *ret_n,
                       struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    FX_AUTO(fx_buf) struct fx_buf name = FX_BUF(512), sql = FX_BUF(2048);
    add_table_name(s, table, &name);
    s->target->delete_some(fx_buf_cstr(&name), part_of(s, table), limit, &sql);
    if (!cdc_copying_begin(sink, 1, err) || !cdc_send_all(s, err))
        return false;
    if (!fx_db_exec(s->db, fx_buf_cstr(&sql), NULL, 0, ret_n, err)) {
        (void)cdc_apply_fail_server(s, err);
        return fx_ctx(err, "removing an incomplete copy");
    }
    return sink->ops->commit(sink, false, err);
}

bool cdc_copying_is_empty(struct cdc_sink *sink, size_t table, bool *ret_is_empty,
                          struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1024);
    const char *part = part_of(s, table);
    if (!cdc_send_wait(s, err))
        return false;
    fx_buf_add_c(&sql, "select 1 from ");
    add_table_name(s, table, &sql);
    fx_buf_printf(&sql, "%s%s limit 1", part != NULL ? " where " : "", part != NULL ? part : "");
    if (!fx_db_query(s->db, fx_buf_cstr(&sql), NULL, 0, &rows, err))
        return cdc_apply_fail_server(s, err);
    *ret_is_empty = rows.n_rows == 0;
    return true;
}
