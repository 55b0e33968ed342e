/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection on which MariaDB sends its binary log from a GTID position on: raw events, one at a
 * time. Decoding is lib/my/binlog_event.h.
 *
 * libmariadb connects and authenticates; from COM_BINLOG_DUMP on the socket is read here. The
 * library's own replication calls buffer packets that poll does not see, and cannot be interrupted.
 *
 * The server sends a heartbeat each second, so silence of SILENCE_MAX_MS is a dead connection.
 *
 * Errors: DB_CONNECT; DRIFT when the server does not have that position (purged, or another
 * history); DB for a server without row format, full images and full metadata (hint: the setting).
 * Thread: one; another thread interrupts `next` through its wake_fd.
 */
#ifndef FX_MY_BINLOG_H
#define FX_MY_BINLOG_H

#include "lib/db/db.h"

struct fx_binlog;

enum fx_binlog_got {
    FX_BINLOG_EVENT,
    FX_BINLOG_NOTHING, /* the time-out came first, or wake_fd is readable */
    /* The server was killed in the middle of an event, and sends nothing after it. To go on, open
     * again at the position of what came before: the server takes the newest file that fits, which
     * is the next one. */
    FX_BINLOG_TORN,
};

/* Everything committed after `from` ("" : the first log there is). */
bool fx_binlog_open(const struct fx_db_conf *conf, const struct fx_pos *from,
                    struct fx_binlog **ret_log, struct fx_err *err) FX_MUST_CHECK;
/*
 * *ret_bytes: one whole event, valid until the next call. timeout_ms 0 only looks; wake_fd (or -1)
 * is polled, never read.
 */
bool fx_binlog_next(struct fx_binlog *log, int64_t timeout_ms, int wake_fd,
                    enum fx_binlog_got *ret_got, struct fx_str *ret_bytes,
                    struct fx_err *err) FX_MUST_CHECK;
/* Is a whole transaction here already, to its commit? Looks at a bounded number of events. */
bool fx_binlog_has_transaction(const struct fx_binlog *log);
void fx_binlog_close(struct fx_binlog *log);

#endif
