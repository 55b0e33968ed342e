/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions as their engines understand them: PostgreSQL's LSN and MariaDB's GTID list.
 * fx_pos_covers of db.h uses these; the replication readers use them directly.
 * Thread: any.
 */
#ifndef FX_DB_POS_H
#define FX_DB_POS_H

#include "lib/db/db.h"

/* A byte address in PostgreSQL's write-ahead log. A
 * struct, so that it cannot be taken for a count. */
struct fx_lsn {
    uint64_t at;
};

/* "16/B374D848", 1 to 8 hex digits on each side. */
bool fx_lsn_parse(struct fx_str text, struct fx_lsn *ret_lsn) FX_MUST_CHECK;
void fx_lsn_pos(struct fx_lsn lsn, struct fx_pos *ret_pos);
/* The text alone, for messages. */
enum { FX_LSN_TEXT = 24 };
void fx_lsn_text(struct fx_lsn lsn, char ret[FX_LSN_TEXT]);

/* One element of a MariaDB GTID position. */
struct fx_gtid {
    uint32_t domain, server;
    uint64_t seq;
};
/* Takes the first GTID of "0-1-100,1-1-5" off *rest;
 * false at the end or when it is none (rest keeps it). */
bool fx_gtid_next(struct fx_str *rest, struct fx_gtid *ret_gtid) FX_MUST_CHECK;

#endif
