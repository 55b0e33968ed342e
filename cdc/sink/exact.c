/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change by change: each is a text of its own, checked before the next one is built, so that an
 * error names its row. A sink is opened so after a failure that could not name one, and until
 * the position that the failed group would have reached is on the target (cdc_sink_ops.relax).
 */
#include "cdc/sink/session.h"

static bool name_row(const struct cdc_db_sink *s, const struct cdc_row *row, struct fx_err *err)
{
    static const char *const names[] = {"insert", "update", "delete"};
    FX_AUTO(fx_buf) struct fx_buf what = FX_BUF(400);
    cdc_row_describe(s->binding, row, &what);
    return fx_ctx(err, "%s of %s", names[row->op], fx_buf_cstr(&what));
}

bool cdc_exact_row(struct cdc_db_sink *s, const struct cdc_row *row, struct fx_err *err)
{
    if (!cdc_batch_row(&s->batch, row, err))
        return fx_ctx(err, "applying %s", s->txn.label);
    return cdc_send_part(s, err) || name_row(s, row, err);
}
