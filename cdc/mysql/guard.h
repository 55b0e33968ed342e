/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What never passes silently in a binary log: statements that change a carried table or its
 * definition, and row events that do not say all of a row of the table that was bound.
 * Thread: any.
 */
#ifndef CDC_GUARD_MY_H
#define CDC_GUARD_MY_H

#include "cdc/change.h"
#include "lib/my/binlog_event.h"
#include "lib/my/statement.h"

/* Columns that the server itself may add after those of
 * a table: one for each key, and it has no more keys. */
enum { CDC_GUARD_HIDDEN_MAX = 64 };

/* Errors: DRIFT, UNSUPPORTED with the statement as detail. What carries our tag passes. */
bool cdc_guard_statement(const struct cdc_binding *binding, const struct fx_my_sql *sql,
                         enum fx_my_statement kind, struct fx_err *err) FX_MUST_CHECK;
/* `event` holds rows of `bound`. Errors: DRIFT (other
 * columns), UNSUPPORTED (no names, partial rows). */
bool cdc_guard_rows(const struct cdc_binding *binding, const struct fx_table *bound,
                    const struct fx_bl_event *event, struct fx_err *err) FX_MUST_CHECK;

#endif
