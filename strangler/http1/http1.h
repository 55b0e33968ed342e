/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.0 and 1.1 towards clients: bytes in, bytes out, one request at a time. Pipelined requests
 * wait in the input, so answers come in order without any queue.
 *
 *            first bytes      head complete, bad, late       answered
 *     IDLE -------------> HEAD -----------------------> CALL ---------> IDLE
 *      |                   |                             |
 *      | end, time-out     | end                         | answered, and it was the last one
 *      v                   v                             v
 *    CLOSED             CLOSED <------- LINGER <------ ENDING
 *
 * ENDING: the rest of the last answer is being sent. LINGER: our side is shut; what the client
 * still sends is read and thrown away for a moment, so that the answer is not destroyed by a reset.
 * Thread: the loop's.
 */
#ifndef FCD_HTTP1_HTTP1_H
#define FCD_HTTP1_HTTP1_H

#include "lib/http/body.h"
#include "lib/http/h1_parse.h"
#include "strangler/net/call.h"

extern const struct fcd_protocol fcd_http1;

enum fcd_h1_state {
    FCD_H1_IDLE,
    FCD_H1_HEAD,
    FCD_H1_CALL,
    FCD_H1_ENDING,
    FCD_H1_LINGER,
    FCD_H1_CLOSED
};
/* How the client finds the end of the answer's body. */
enum fcd_h1_end { FCD_H1_END_KNOWN, FCD_H1_END_CHUNKED, FCD_H1_END_CLOSE };

struct fcd_h1 {
    struct fcd_conn conn; /* first: net/conn allocates and frees it */
    enum fcd_h1_state state;
    bool is_driving;
    bool is_last; /* closes after the present answer */

    /* The present request. */
    struct fcd_call *call; /* HEAD, CALL */
    struct fx_h1_scan scan;
    size_t head_len;   /* bytes of the head that are still at the front of the stream's `in` */
    int minor;         /* HTTP/1.<minor> */
    bool is_expecting; /* 100-continue has not been sent yet */
    struct fx_body body;
    enum fcd_h1_end answer_end;
    struct fx_buf reply; /* an answer of our own, whole */
    size_t reply_at;     /* what of it went into the stream's `out` */
};

static inline struct fcd_h1 *fcd_h1_of(struct fcd_conn *conn)
{
    return FX_CONTAINER_OF(conn, struct fcd_h1, conn);
}

#endif
