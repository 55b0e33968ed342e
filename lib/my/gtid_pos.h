/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A MariaDB GTID position as a reader of the log moves it: the newest GTID of each domain,
 * ascending. Text form and order are those of struct fx_pos. Thread: one at a time.
 */
#ifndef FX_MY_GTID_POS_H
#define FX_MY_GTID_POS_H

#include "lib/db/pos.h"

enum { FX_GTID_DOMAINS_MAX = 16 };

struct fx_gtid_pos {
    struct fx_gtid domains[FX_GTID_DOMAINS_MAX];
    size_t n_domains;
};

/* "" is the position before everything. Errors: BUG when it is not a position, LIMIT. */
bool fx_gtid_pos_parse(const struct fx_pos *text, struct fx_gtid_pos *ret,
                       struct fx_err *err) FX_MUST_CHECK;
/* Moves the domain of `gtid` there. Errors: LIMIT (domains). */
bool fx_gtid_pos_set(struct fx_gtid_pos *pos, const struct fx_gtid *gtid,
                     struct fx_err *err) FX_MUST_CHECK;
void fx_gtid_pos_text(const struct fx_gtid_pos *pos, struct fx_pos *ret);

#endif
