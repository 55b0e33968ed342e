/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the binary log of a server reaches, asked in a session of its own beside the one that
 * reads it; and whether it still is the log that was read.   Thread: one.
 */
#ifndef CDC_MYSQL_LOG_END_H
#define CDC_MYSQL_LOG_END_H

#include "lib/base/clock.h"
#include "lib/db/db.h"
#include "lib/my/gtid_pos.h"

struct cdc_my_log_end {
    struct fx_db *db;          /* NULL: lost, opened when asked */
    struct fx_mono back_since; /* seen to reach less far than what was read; us 0: it does not */
};

/*
 * `read`: everything up to here was read. Errors: DRIFT when the log was reset; SOURCE_CONNECT.
 */
bool cdc_my_log_end_ask(struct cdc_my_log_end *e, const struct fx_db_conf *conf,
                        const struct fx_gtid_pos *read, struct fx_pos *ret_end,
                        struct fx_err *err) FX_MUST_CHECK;
void cdc_my_log_end_done(struct cdc_my_log_end *e);

#endif
