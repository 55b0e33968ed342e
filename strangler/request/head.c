/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads as they go on. A head is always written anew from its parsed form, never passed through as bytes: what an
 * upstream sees is what we understood (RFC 9110, 7.6; RFC 9112, 6). Rules by section:
 *
 *   7.6.1  fields of this hop stay (lib/http/head knows them)
 *   7.6.3  Via is added to requests; our own name in it means a loop
 *   6.6.1  Date is added to answers that have none
 *   6.1    Content-Length or Transfer-Encoding are ours: exactly one, or none
 *   10.1.1 Expect is answered by us, when the request is really sent
 */
#include "strangler/request/req.h"

#include <inttypes.h>

#include "lib/fmt/text.h"
#include "lib/http/h1_write.h"
#include "strangler/net/conn.h"

/* Each value of a list field, joined in order, then ours: "a, b, 192.0.2.7". */
static void add_list(const struct fx_head *head, const char *name, const char *ours,
                     struct fx_buf *out)
{
    fx_buf_add_c(out, name);
    fx_buf_add_c(out, ": ");
    for (const struct fx_field *field = fx_head_find(head, name); field != NULL;
         field = fx_head_find_next(head, name, field)) {
        fx_buf_add(out, field->value);
        fx_buf_add_c(out, ", ");
    }
    fx_buf_add_c(out, ours);
    fx_buf_add_c(out, "\r\n");
}

static void add_target(const struct fx_head *head, struct fx_buf *out)
{
    fx_buf_add(out, head->path);
    if (head->has_query) {
        fx_buf_add_char(out, '?');
        fx_buf_add(out, head->query);
    }
}

/* 7.6.2: counted down for OPTIONS (TRACE is not forwarded), otherwise left as it is. */
static void add_max_forwards(const struct fcd_req *req, struct fx_buf *out)
{
    const struct fx_field *field = fx_head_find(&req->head, "Max-Forwards");
    uint64_t left = 0;
    if (field == NULL)
        return;
    if (req->method == FCD_M_OPTIONS && fx_parse_u64(field->value, UINT32_MAX, &left) && left > 0)
        fx_buf_printf(out, "Max-Forwards: %" PRIu64 "\r\n", left - 1);
    else
        fx_h1_write_field(out, field->name, field->value);
}

void fcd_head_forward(struct fcd_req *req, const struct fcd_conf_endpoint *endpoint, bool is_shadow,
                      struct fx_buf *out)
{
    static const char *const rewritten[] = {"Host",
                                            "Content-Length",
                                            "Transfer-Encoding",
                                            "Expect",
                                            "Via",
                                            "X-Forwarded-For",
                                            "X-Forwarded-Proto",
                                            "Max-Forwards",
                                            "Ficus-Epoch",
                                            "Ficus-Shadow",
                                            NULL};
    const struct fx_head *head = &req->head;
    struct fcd_worker *worker = req->worker;
    char via[40];
    fx_buf_add(out, head->method);
    fx_buf_add_char(out, ' ');
    add_target(head, out);
    fx_buf_add_c(out, " HTTP/1.1\r\nHost: ");
    fx_buf_add(out, head->host.len > 0 ? head->host : fx_str_from(endpoint->host));
    fx_buf_add_c(out, "\r\n");
    fx_h1_write_end_to_end(out, head, rewritten);
    add_list(head, "X-Forwarded-For", req->conn->peer, out);
    fx_buf_add_c(out, "X-Forwarded-Proto: http\r\n");
    if (fx_head_find(head, "X-Forwarded-Host") == NULL && head->host.len > 0) {
        fx_buf_add_c(out, "X-Forwarded-Host: ");
        fx_buf_add(out, head->host);
        fx_buf_add_c(out, "\r\n");
    }
    snprintf(via, sizeof via, "1.%d %s", req->minor, worker->pseudonym);
    add_list(head, "Via", via, out);
    add_max_forwards(req, out);
    if (req->incoming.framing == FX_FRAME_LENGTH)
        fx_buf_printf(out, "Content-Length: %" PRIu64 "\r\n", req->incoming.left);
    else if (req->incoming.framing == FX_FRAME_CHUNKED)
        fx_buf_add_c(out, "Transfer-Encoding: chunked\r\n");
    if (req->is_write)
        fx_buf_printf(out, "Ficus-Epoch: %" PRId64 "\r\n",
                      fcd_group_own(worker, req->route->group)->epoch);
    if (is_shadow)
        fx_buf_add_c(out, "Ficus-Shadow: 1\r\n");
    fx_h1_write_end(out);
}

/* An upstream that answers HTTP/1.0 with a length is fine; what ends with the connection is chunked by us. */
static void add_framing(struct fcd_req *req, const struct fx_head *head, struct fx_buf *out)
{
    req->is_answer_chunked = false;
    switch (head->framing) {
    case FX_FRAME_NONE: {
        struct fx_str length = fx_head_value(head, "Content-Length"); /* of a HEAD or 304 */
        if (length.len > 0 && head->status != 204)
            fx_h1_write_field(out, FX_STR("Content-Length"), length);
        break;
    }
    case FX_FRAME_LENGTH:
        fx_buf_printf(out, "Content-Length: %" PRIu64 "\r\n", head->content_length);
        break;
    case FX_FRAME_CHUNKED:
    case FX_FRAME_CLOSE:
        req->is_answer_chunked = req->minor >= 1;
        if (req->is_answer_chunked)
            fx_buf_add_c(out, "Transfer-Encoding: chunked\r\n");
        else
            req->conn->is_last = true;
        break;
    }
}

void fcd_head_answer(struct fcd_req *req, const struct fx_head *head, struct fx_buf *out)
{
    static const char *const rewritten[] = {"Content-Length", NULL};
    struct fcd_conn *conn = req->conn;
    fx_h1_write_status_line(out, head->status, head->reason);
    fx_h1_write_end_to_end(out, head, rewritten);
    if (fx_head_find(head, "Date") == NULL)
        fx_buf_add(out, fcd_worker_date(req->worker));
    if (req->issued[0] != '\0')
        fx_buf_printf(out, "Set-Cookie: %s=%s; Path=/; HttpOnly; SameSite=Lax\r\n",
                      FCD_ISSUED_COOKIE, req->issued);
    add_framing(req, head, out);
    if (!req->is_keep_alive || !fx_body_is_complete(&req->incoming) || req->worker->is_draining)
        conn->is_last = true;
    if (conn->is_last)
        fx_buf_add_c(out, "Connection: close\r\n");
    else if (req->minor == 0)
        fx_buf_add_c(out, "Connection: keep-alive\r\n");
    fx_h1_write_end(out);
}

void fcd_head_interim(const struct fx_head *head, struct fx_buf *out)
{
    static const char *const never[] = {"Content-Length", NULL};
    fx_h1_write_status_line(out, head->status, head->reason);
    fx_h1_write_end_to_end(out, head, never);
    fx_h1_write_end(out);
}

bool fcd_head_is_loop(const struct fcd_req *req)
{
    const struct fx_field *field = fx_head_find(&req->head, "Via");
    for (; field != NULL; field = fx_head_find_next(&req->head, "Via", field))
        if (memmem(field->value.ptr, field->value.len, req->worker->pseudonym,
                   strlen(req->worker->pseudonym)) != NULL)
            return true;
    return false;
}
