/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All rows of a table go because the source has truncated it. A DELETE, not a TRUNCATE: it belongs
 * to the open transaction, carries its loop marker, and is undone with it. In parts, so that the
 * caller can keep the source's connection alive meanwhile.
 */
#include "cdc/sink/session.h"
#include "lib/io/failpoint.h"

bool cdc_truncate_rows(struct cdc_sink *sink, size_t table, int64_t limit, int64_t *ret_n,
                       struct fx_err *err)
{
    struct cdc_db_sink *s = cdc_db_sink_of(sink);
    const struct fx_table *target = cdc_target_table(s->binding, table);
    enum fx_engine engine = s->binding->target->engine;
    FX_AUTO(fx_buf) struct fx_buf name = FX_BUF(512), sql = FX_BUF(2048);
    cdc_apply_need_open(s);
    fx_db_table_ident(engine, target, &name);
    s->target->delete_some(fx_buf_cstr(&name), NULL, limit, &sql);
    if ((s->state == CDC_APPLY_MEMBER && !cdc_apply_go_alone(s, err)) || !cdc_send_part(s, err))
        return false;
    if (!fx_db_exec(s->db, fx_buf_cstr(&sql), NULL, 0, ret_n, err)) {
        (void)cdc_apply_fail_txn(s, err);
        return fx_ctx(err, "deleting the rows of table \"%s.%s\", which the source has truncated",
                      target->schema, target->name);
    }
    FX_FAILPOINT("truncate.part.after");
    return true;
}
