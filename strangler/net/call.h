/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interface between a protocol and what is done with a request. Three roles, which know each
 * other only through it:
 *
 *   the protocol (http1/, later http2/)   bytes of a connection <-> {request head, body in, answer
 *                                         head, body out}
 *   the service (request/, admin/)        what a listener's requests are for
 *   the call                              one request and its answer; the service embeds it in an
 *                                         object of its own
 *
 *                protocol                      service
 *     first bytes      --------- begin -------->  a call, which waits for its head
 *     head complete    --------- run ---------->  works; false: waits, true: is over
 *     more came, room  --------- run ---------->  …
 *     head is bad      --------- refuse ------->  answers by itself
 *     client has left  --------- gone --------->  call->conn is NULL from here on
 *                      <--- fcd_call_… ---------  body in, answer out
 *
 * A connection of HTTP/1 has at most one call; one of HTTP/2 will have many. Thread: the loop's.
 */
#ifndef FCD_NET_CALL_H
#define FCD_NET_CALL_H

#include "strangler/net/conn.h"

enum { FCD_REASON_MAX = 160 };
enum fcd_body_in { FCD_BODY_OPEN, FCD_BODY_COMPLETE, FCD_BODY_BAD };
enum fcd_answering {
    FCD_ANSWER_NONE,
    FCD_ANSWER_BEGUN,    /* bytes of the final answer are on their way to the client */
    FCD_ANSWER_COMPLETE, /* and its last one */
    FCD_ANSWER_CUT,      /* it is incomplete, and the client must be able to notice that */
};
/* What became of an answer of our own. */
enum fcd_reply { FCD_REPLY_SENT, FCD_REPLY_WAITS, FCD_REPLY_GOES_ON, FCD_REPLY_CLIENT_GONE };

struct fcd_call {
    struct fcd_conn *conn; /* NULL: the client has left */
    enum fcd_body_in body;
    enum fcd_answering answer;
    bool has_deadline;    /* the connection's timer is the call's: sending does not move it */
    const char *allow;    /* the methods that a 405 names; NULL: those that the facade forwards */
    char method_text[12]; /* outlives the head */
    struct fx_head head;  /* last: large, and overwritten by the parser. Its slices borrow from the
                             connection until fcd_call_accept_body */
};

struct fcd_service {
    struct fcd_call *(*begin)(struct fcd_service *service, struct fcd_conn *conn);
    /* True: over, the call may be forgotten. False: it waits for an event. */
    bool (*run)(struct fcd_call *call);
    void (*refuse)(struct fcd_call *call, int status, const char *why);
    void (*gone)(struct fcd_call *call);
};

struct fcd_protocol {
    const char *name;
    struct fcd_conn_ops conn;

    /* From the service: the body in. */
    bool (*accept_body)(struct fcd_call *call);
    size_t (*take_body)(struct fcd_call *call, struct fx_iobuf *to);
    size_t (*collect_body)(struct fcd_call *call, struct fx_buf *to);
    enum fx_stream_read (*read)(struct fcd_call *call);
    const char *(*body_problem)(const struct fcd_call *call);
    /* The answer out. */
    void (*interim)(struct fcd_call *call, const struct fx_head *head);
    bool (*answer)(struct fcd_call *call, const struct fx_head *head, struct fx_str cookie);
    size_t (*room)(const struct fcd_call *call);
    void (*data)(struct fcd_call *call, struct fx_str bytes);
    void (*end)(struct fcd_call *call);
    bool (*flush)(struct fcd_call *call);
    void (*reply)(struct fcd_call *call, int status, const char *content_type, struct fx_str body);
    enum fcd_reply (*send_reply)(struct fcd_call *call);
    /* The request has been served: may another one follow? */
    void (*finish)(struct fcd_call *call);
    const char *(*version)(const struct fcd_call *call);
};

/*
 * The service will read the body: the head's slices are forgotten, and a client that waits for it
 * is told to go on.
 * False: the client is gone.
 */
static inline bool fcd_call_accept_body(struct fcd_call *call)
{
    return call->conn->protocol->accept_body(call);
}
/*
 * Moves what has arrived of the body into `to`, framed for an HTTP/1.1 upstream as the request's
 * head announced it. Returns how many bytes of the client's were used up: 0 when nothing is there,
 * `to` is full, or the body is bad.
 */
static inline size_t fcd_call_take_body(struct fcd_call *call, struct fx_iobuf *to)
{
    return call->conn->protocol->take_body(call, to);
}
/* The same without framing, as far as `to` allows. */
static inline size_t fcd_call_collect_body(struct fcd_call *call, struct fx_buf *to)
{
    return call->conn->protocol->collect_body(call, to);
}
/* Reads more of the body from the client. */
static inline enum fx_stream_read fcd_call_read(struct fcd_call *call)
{
    return call->conn->protocol->read(call);
}
/* FCD_BODY_BAD: why. */
static inline const char *fcd_call_body_problem(const struct fcd_call *call)
{
    return call->conn->protocol->body_problem(call);
}
/* A 1xx head, if the client's version knows them. */
static inline void fcd_call_interim(struct fcd_call *call, const struct fx_head *head)
{
    call->conn->protocol->interim(call, head);
}
/* The head of the answer; `cookie`: a value for Set-Cookie,
 * or empty. False: too large; nothing was added. */
static inline bool fcd_call_answer(struct fcd_call *call, const struct fx_head *head,
                                   struct fx_str cookie)
{
    return call->conn->protocol->answer(call, head, cookie);
}
/* How many bytes the client's side takes now, of the head or of the body. */
static inline size_t fcd_call_room(const struct fcd_call *call)
{
    return call->conn->protocol->room(call);
}
static inline void fcd_call_data(struct fcd_call *call, struct fx_str bytes)
{
    call->conn->protocol->data(call, bytes);
}
/* The body is complete. */
static inline void fcd_call_end(struct fcd_call *call)
{
    call->conn->protocol->end(call);
}
/* False: the client is gone. */
static inline bool fcd_call_flush(struct fcd_call *call)
{
    return call->conn->protocol->flush(call);
}
/* Prepares a whole answer of our own, which fcd_call_send_reply sends. */
static inline void fcd_call_reply(struct fcd_call *call, int status, const char *content_type,
                                  struct fx_str body)
{
    call->conn->protocol->reply(call, status, content_type, body);
}
static inline enum fcd_reply fcd_call_send_reply(struct fcd_call *call)
{
    return call->conn->protocol->send_reply(call);
}
static inline void fcd_call_finish(struct fcd_call *call)
{
    call->conn->protocol->finish(call);
}
/* The client's HTTP version: "1.1". */
static inline const char *fcd_call_version(const struct fcd_call *call)
{
    return call->conn->protocol->version(call);
}
/* The client must have done its part within this time, whatever it sends meanwhile. */
void fcd_call_set_deadline(struct fcd_call *call, int64_t after_ms);
void fcd_call_clear_deadline(struct fcd_call *call);
/* "malformed request: WHY", for a refusal with 400. Returns `out`. */
const char *fcd_call_malformed(const char *why, char out[FCD_REASON_MAX]);
/* Answers by ourselves: a JSON object {"status",
 * "error", "message", "from"}; counted in the metrics. */
void fcd_call_refuse(struct fcd_call *call, int status, const char *message);

#endif
