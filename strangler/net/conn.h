/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client connection: bytes in, bytes out, one request at a time. Pipelined requests wait in the input, so
 * answers come in order without any queue.
 *
 *              accept                 head complete            answered
 *     (none) ---------> IDLE/READING --------------> BUSY -----------------> IDLE/READING
 *                           |                          |
 *                           | end, time-out, bad head  | answered, not to be kept
 *                           v                          v
 *                         closed  <------ LINGER <-----+
 *
 * LINGER: our side is shut, the rest of what the client sends is read and thrown away for a moment, so that
 * the answer is not destroyed by a reset.
 * Thread: the loop's.
 */
#ifndef FCD_CONN_H
#define FCD_CONN_H

#include "lib/io/stream.h"
#include "strangler/worker/worker.h"

enum fcd_conn_state { FCD_C_READING, FCD_C_BUSY, FCD_C_LINGER, FCD_C_CLOSED };

struct fcd_conn {
    struct fx_stream stream;
    struct fx_timer timer;
    struct fx_task again;
    struct fx_task release;
    FX_LINK(fcd_conn) link;
    struct fcd_worker *worker;
    enum fcd_conn_state state;
    bool is_admin;
    bool is_last; /* close after the present answer */
    bool is_driving;
    bool is_shut; /* LINGER: our side is closed */
    struct fcd_req *req;
    char peer[48]; /* address without port */
};

void fcd_conn_accept(struct fcd_listener *listener);
/* Does what can be done: flush, run the request, start the next. The connection may be gone afterwards. */
void fcd_conn_drive(struct fcd_conn *conn);
/* Writes what is in ->out; false: the client is gone. */
bool fcd_conn_flush(struct fcd_conn *conn) FX_MUST_CHECK;
void fcd_conn_close(struct fcd_conn *conn);
void fcd_conn_timer(struct fcd_conn *conn, int64_t after_ms);
/* From the worker's drain: closes if idle and nothing is left to send, else makes the present answer the last. */
void fcd_conn_drain(struct fcd_conn *conn);

#endif
