/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message in each direction: the body of a request as it arrives, head and body of an answer as
 * they are sent. Both directions hold one block each; when it is full nobody reads, and TCP tells
 * the sender.
 *
 * An answer's head is written anew from its parsed form (RFC 9110, 7.6; RFC 9112, 6):
 *   6.6.1  Date is added to answers that have none
 *   6.1    Content-Length or Transfer-Encoding are ours: exactly one, or none
 */
#include "strangler/http1/message.h"

#include <inttypes.h>

#include "lib/base/panic.h"
#include "lib/fmt/text.h"
#include "lib/http/h1_write.h"

enum {
    CHUNK_ROOM = 32, /* size line, line ends and the last chunk */
    ROOM_MIN = 1024, /* smaller pieces are not worth a chunk: first drain */
};

static struct fcd_h1 *h1_of(const struct fcd_call *call)
{
    return fcd_h1_of(call->conn);
}

static struct fx_buf *out_of(struct fcd_h1 *h1)
{
    fx_stream_take_out(&h1->conn.stream);
    return &h1->conn.stream.out.buf;
}

/* --- the request ------------------------------------------------------------------------------ */

void fcd_h1_take_head(struct fcd_h1 *h1, size_t used)
{
    struct fcd_call *call = h1->call;
    const struct fx_head *head = &call->head;
    size_t len = FX_MIN(head->method.len, sizeof call->method_text - 1);
    memcpy(call->method_text, head->method.ptr, len);
    call->method_text[len] = '\0';
    h1->head_len = used;
    h1->minor = head->minor;
    h1->is_last = h1->is_last || !head->is_keep_alive;
    h1->is_expecting = head->is_expecting_100 && head->minor >= 1;
    fx_body_start(&h1->body, head->framing, head->content_length);
    call->body = fx_body_is_complete(&h1->body) ? FCD_BODY_COMPLETE : FCD_BODY_OPEN;
}

static bool accept_body(struct fcd_call *call)
{
    struct fcd_h1 *h1 = h1_of(call);
    fx_iobuf_consume(&h1->conn.stream.in, h1->head_len);
    h1->head_len = 0;
    if (!h1->is_expecting)
        return true;
    h1->is_expecting = false;
    fx_buf_add_c(out_of(h1), "HTTP/1.1 100 Continue\r\n\r\n");
    return fcd_h1_flush(h1);
}

/* The next piece of the body, at most `room` bytes; it
 * stays valid until `used_up`. False: there is none. */
static bool next_piece(struct fcd_call *call, size_t room, struct fx_str *ret_data,
                       size_t *ret_used)
{
    struct fcd_h1 *h1 = h1_of(call);
    struct fx_str in = fx_str_sub(fx_iobuf_str(&h1->conn.stream.in), 0, room);
    FX_ASSERT(h1->head_len == 0);
    if (call->body != FCD_BODY_OPEN || in.len == 0)
        return false;
    if (fx_body_next(&h1->body, in, ret_used, ret_data) == FX_BODY_BAD) {
        call->body = FCD_BODY_BAD;
        return false;
    }
    if (fx_body_is_complete(&h1->body))
        call->body = FCD_BODY_COMPLETE;
    return true;
}

static size_t used_up(struct fcd_call *call, size_t used)
{
    fx_iobuf_consume(&call->conn->stream.in, used);
    return used;
}

static size_t take_body(struct fcd_call *call, struct fx_iobuf *to)
{
    struct fx_iobuf *from = &call->conn->stream.in;
    struct fx_str data;
    bool is_chunked = h1_of(call)->body.framing == FX_FRAME_CHUNKED;
    size_t reserved = is_chunked ? CHUNK_ROOM : 0, room = fx_iobuf_room(to), used;
    if (room <= reserved || !next_piece(call, room - reserved, &data, &used))
        return 0;
    if (is_chunked) {
        fx_h1_write_chunk(&to->buf, data);
        if (call->body == FCD_BODY_COMPLETE)
            fx_h1_write_last_chunk(&to->buf);
    } else if (data.len == fx_iobuf_len(from) && fx_iobuf_len(to) == 0) {
        fx_iobuf_swap(from, to); /* a whole block goes on by being exchanged for the empty one */
        return used;
    } else {
        fx_buf_add(&to->buf, data);
    }
    return used_up(call, used);
}

static size_t collect_body(struct fcd_call *call, struct fx_buf *to)
{
    struct fx_str data;
    size_t used;
    if (!next_piece(call, FX_BLOCK_BYTES, &data, &used))
        return 0;
    fx_buf_add(to, data);
    return used_up(call, used);
}

static enum fx_stream_read read_more(struct fcd_call *call)
{
    return fx_stream_read(&call->conn->stream);
}

static const char *body_problem(const struct fcd_call *call)
{
    return fx_body_problem(&h1_of(call)->body);
}

static const char *version(const struct fcd_call *call)
{
    return h1_of(call)->minor == 0 ? "1.0" : "1.1";
}

/* --- the answer ------------------------------------------------------------------------------- */

static void interim(struct fcd_call *call, const struct fx_head *head)
{
    struct fcd_h1 *h1 = h1_of(call);
    if (h1->minor == 0)
        return;
    struct fx_buf *out = out_of(h1);
    fx_h1_write_status_line(out, head->status, head->reason);
    fx_h1_write_end_to_end(out, head, FX_NAME_BIT(CONTENT_LENGTH));
    fx_h1_write_end(out);
}

/* An upstream that answers HTTP/1.0 with a length is
 * fine; what ends with the connection is chunked by us. */
static void add_framing(struct fcd_h1 *h1, const struct fx_head *head, struct fx_buf *out)
{
    h1->answer_end = FCD_H1_END_KNOWN;
    switch (head->framing) {
    case FX_FRAME_NONE: {
        struct fx_str length = fx_head_value(head, "Content-Length"); /* of a HEAD or 304 */
        uint64_t ignored;
        if (head->status != 204 && fx_head_find(head, "Transfer-Encoding") == NULL &&
            fx_parse_u64(length, INT64_MAX, &ignored))
            fx_h1_write_field(out, FX_STR("Content-Length"), length);
        break;
    }
    case FX_FRAME_LENGTH:
        fx_buf_printf(out, "Content-Length: %" PRIu64 "\r\n", head->content_length);
        break;
    case FX_FRAME_CHUNKED:
    case FX_FRAME_CLOSE:
        h1->answer_end = h1->minor >= 1 ? FCD_H1_END_CHUNKED : FCD_H1_END_CLOSE;
        if (h1->answer_end == FCD_H1_END_CHUNKED)
            fx_buf_add_c(out, "Transfer-Encoding: chunked\r\n");
        else
            h1->is_last = true;
        break;
    }
}

/* The unread rest of a body would be taken for the next
 * request, so the connection cannot be used again. */
static void decide_persistence(struct fcd_h1 *h1, struct fx_buf *out)
{
    if (h1->call->body != FCD_BODY_COMPLETE || h1->conn.local->is_draining)
        h1->is_last = true;
    if (h1->is_last)
        fx_buf_add_c(out, "Connection: close\r\n");
    else if (h1->minor == 0)
        fx_buf_add_c(out, "Connection: keep-alive\r\n");
}

static bool answer(struct fcd_call *call, const struct fx_head *head, struct fx_str cookie)
{
    struct fcd_h1 *h1 = h1_of(call);
    struct fx_buf *out = out_of(h1);
    fx_h1_write_status_line(out, head->status, head->reason);
    fx_h1_write_end_to_end(out, head, FX_NAME_BIT(CONTENT_LENGTH));
    if (fx_head_find(head, "Date") == NULL)
        fx_buf_add(out, fcd_local_date(h1->conn.local));
    if (cookie.len > 0)
        fx_h1_write_field(out, FX_STR("Set-Cookie"), cookie);
    add_framing(h1, head, out);
    decide_persistence(h1, out);
    fx_h1_write_end(out);
    if (out->has_failed) {
        fx_buf_clear(out);
        return false;
    }
    call->answer = FCD_ANSWER_BEGUN;
    return true;
}

static size_t room(const struct fcd_call *call)
{
    size_t used = call->conn->stream.out.buf.len, left = FX_BLOCK_BYTES - used;
    if (call->answer == FCD_ANSWER_NONE)
        return used == 0 ? FX_BLOCK_BYTES : 0;
    return left >= ROOM_MIN + CHUNK_ROOM ? left - CHUNK_ROOM : 0;
}

static void data(struct fcd_call *call, struct fx_str bytes)
{
    struct fcd_h1 *h1 = h1_of(call);
    struct fx_buf *out = &h1->conn.stream.out.buf;
    if (h1->answer_end == FCD_H1_END_CHUNKED)
        fx_h1_write_chunk(out, bytes);
    else
        fx_buf_add(out, bytes);
}

static void end(struct fcd_call *call)
{
    struct fcd_h1 *h1 = h1_of(call);
    if (h1->answer_end == FCD_H1_END_CHUNKED)
        fx_h1_write_last_chunk(&h1->conn.stream.out.buf);
    call->answer = FCD_ANSWER_COMPLETE;
}

static bool flush(struct fcd_call *call)
{
    return fcd_h1_flush(h1_of(call));
}

#define FORWARDED "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

static void reply(struct fcd_call *call, int status, const char *content_type, struct fx_str body)
{
    struct fcd_h1 *h1 = h1_of(call);
    struct fx_buf *out = &h1->reply;
    fx_h1_write_status_line(out, status, (struct fx_str){0});
    fx_buf_add(out, fcd_local_date(h1->conn.local));
    fx_buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", content_type, body.len);
    if (status == 503)
        fx_buf_add_c(out, "Retry-After: 1\r\n");
    if (status == 405)
        fx_buf_printf(out, "Allow: %s\r\n", call->allow != NULL ? call->allow : FORWARDED);
    if (status == 401)
        fx_buf_add_c(out, "WWW-Authenticate: Bearer\r\n");
    decide_persistence(h1, out);
    fx_h1_write_end(out);
    if (strcmp(call->method_text, "HEAD") != 0)
        fx_buf_add(out, body);
}

static enum fcd_reply send_reply(struct fcd_call *call)
{
    struct fcd_h1 *h1 = h1_of(call);
    struct fx_buf *out = out_of(h1);
    size_t n = FX_MIN(h1->reply.len - h1->reply_at, fx_iobuf_room(&h1->conn.stream.out));
    fx_buf_add(out, fx_str_sub(fx_buf_str(&h1->reply), h1->reply_at, n));
    h1->reply_at += n;
    if (!fcd_h1_flush(h1))
        return FCD_REPLY_CLIENT_GONE;
    if (h1->reply_at == h1->reply.len)
        return FCD_REPLY_SENT;
    return fx_iobuf_len(&h1->conn.stream.out) > 0 ? FCD_REPLY_WAITS : FCD_REPLY_GOES_ON;
}

static void finish(struct fcd_call *call)
{
    struct fcd_h1 *h1 = h1_of(call);
    fx_iobuf_consume(&h1->conn.stream.in, h1->head_len);
    h1->head_len = 0;
    if (call->body != FCD_BODY_COMPLETE)
        h1->is_last = true;
}

const struct fcd_protocol fcd_http1 = {
    .name = "http/1",
    .conn = {sizeof(struct fcd_h1), fcd_h1_start, fcd_h1_drive, fcd_h1_late, fcd_h1_drain,
             fcd_h1_closing},
    .accept_body = accept_body,
    .take_body = take_body,
    .collect_body = collect_body,
    .read = read_more,
    .body_problem = body_problem,
    .interim = interim,
    .answer = answer,
    .room = room,
    .data = data,
    .end = end,
    .flush = flush,
    .reply = reply,
    .send_reply = send_reply,
    .finish = finish,
    .version = version,
};
