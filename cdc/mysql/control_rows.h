/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of Ficus's own tables in a MariaDB binary log -> events of the stream. source.c finds the
 * rows, this reads them: an owner that changed, a barrier that was raised or applied, the loop
 * marker of the other stream's applier.
 */
#ifndef CDC_CONTROL_ROWS_H
#define CDC_CONTROL_ROWS_H

#include "cdc/change.h"
#include "lib/my/binlog_event.h"

enum { CDC_CONTROL_COLUMNS_MAX = 32 };

enum cdc_control_table {
    CDC_CT_NONE, /* not one of ours, or one that says nothing to a stream */
    CDC_CT_OWN,
    CDC_CT_MARKER,  /* a barrier raised by the fence on this side */
    CDC_CT_BARRIER, /* a barrier that the other stream's applier wrote */
    CDC_CT_PROGRESS,
};

enum cdc_control_table cdc_control_table_of(const struct fx_bl_table *table);
/*
 * `before`: the row before an update, else NULL. *ret_event: OWN or BARRIER, or NONE.
 * *ret_is_loop_marker: the row is progress of `other_stream`, so the transaction is a loop. Errors:
 * DRIFT for a row that is not as Ficus writes it.
 */
bool cdc_control_row(const struct fx_bl_table *table, const struct fx_value *before,
                     const struct fx_value *row, const char *other_stream,
                     struct cdc_event *ret_event, bool *ret_is_loop_marker,
                     struct fx_err *err) FX_MUST_CHECK;

#endif
