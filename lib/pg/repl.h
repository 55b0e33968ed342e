/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostgreSQL's replication protocol over one libpq connection: slots with their exported snapshots,
 * the copy-both stream, feedback. What the payload means is pgoutput.h's business.
 *
 * The exported snapshot of a slot lives until the next command on the same connection: import it
 * first.
 * Errors: DB_CONNECT (retriable), DB (SQLSTATE as cause; "42704" no such slot, "55006" in use),
 * PROTOCOL.
 * Thread: one.
 */
#ifndef FX_PG_REPL_H
#define FX_PG_REPL_H

#include "lib/db/db.h"

struct fx_pg_repl;

bool fx_pg_repl_open(const struct fx_db_conf *conf, struct fx_pg_repl **ret_repl,
                     struct fx_err *err) FX_MUST_CHECK;
void fx_pg_repl_close(struct fx_pg_repl *repl); /* NULL is fine */

/* A logical slot for pgoutput. *ret_point: its consistent
 * point; `snapshot` gets the exported snapshot's name. */
bool fx_pg_repl_create_slot(struct fx_pg_repl *repl, const char *slot, bool is_temporary,
                            struct fx_pos *ret_point, char *snapshot, size_t snapshot_size,
                            struct fx_err *err) FX_MUST_CHECK;

/* Starts pgoutput (protocol 1, messages on) at `from`: every
 * transaction whose commit record lies at or after it. */
bool fx_pg_repl_start(struct fx_pg_repl *repl, const char *slot, const char *publication,
                      uint64_t from, struct fx_err *err) FX_MUST_CHECK;

enum fx_pg_repl_kind { FX_PG_REPL_NONE, FX_PG_REPL_DATA, FX_PG_REPL_KEEPALIVE };
struct fx_pg_repl_msg {
    enum fx_pg_repl_kind kind;
    uint64_t end_lsn;      /* where the server's log ends, as far as it has sent or says */
    bool wants_reply;      /* KEEPALIVE */
    struct fx_str payload; /* DATA; valid until the next read */
};
/* A message of the stream; false: of no known kind. `bytes` must outlive ret_msg->payload. */
bool fx_pg_repl_frame(struct fx_str bytes, struct fx_pg_repl_msg *ret_msg) FX_MUST_CHECK;
/* Waits at most timeout_ms; NONE when that passes or `wake_fd` (-1: none) is readable. */
bool fx_pg_repl_read(struct fx_pg_repl *repl, int64_t timeout_ms, int wake_fd,
                     struct fx_pg_repl_msg *ret_msg, struct fx_err *err) FX_MUST_CHECK;
/* Will the next read return a message that is in memory already? */
bool fx_pg_repl_has_buffered(struct fx_pg_repl *repl);
/* Everything before `lsn` is safe: the slot may forget
 * it. wants_reply: the server answers with a keepalive. */
bool fx_pg_repl_feedback(struct fx_pg_repl *repl, uint64_t lsn, bool wants_reply,
                         struct fx_err *err) FX_MUST_CHECK;

/* "16/B374D848" <-> number. */
bool fx_pg_lsn_parse(const char *text, uint64_t *ret_lsn) FX_MUST_CHECK;

#endif
