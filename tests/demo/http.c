/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The customer's side of HTTP/1.1, as little of it as the shop needs: Content-Length only. An
 * answer that cannot be understood counts as none.
 */
#include "tests/demo/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/fmt/text.h"

void http_client_init(struct http_client *client, const char *host, int port, int timeout_ms)
{
    *client = (struct http_client){
        .host = host, .port = port, .fd = -1, .timeout_ms = timeout_ms, .in = FX_BUF(4 << 20)};
}

static void hang_up(struct http_client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    fx_buf_clear(&client->in);
}

void http_client_done(struct http_client *client)
{
    hang_up(client);
    fx_buf_done(&client->in);
}

static bool dial(struct http_client *client)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)client->port)};
    if (inet_pton(AF_INET, client->host, &to.sin_addr) != 1)
        return false;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return false;
    int on = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(client->fd, (struct sockaddr *)&to, sizeof to) == 0)
        return true;
    hang_up(client);
    return false;
}

/* A server may close an idle connection at any time: seen now, it costs nothing. */
static bool is_stale(const struct http_client *client)
{
    struct pollfd p = {client->fd, POLLIN | POLLRDHUP, 0};
    return poll(&p, 1, 0) > 0;
}

static bool send_all(int fd, struct fx_str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes = fx_str_sub(bytes, (size_t)n, bytes.len);
    }
    return true;
}

static bool read_more(struct http_client *client, struct fx_mono deadline)
{
    int64_t left_ms = (deadline.us - fx_mono_now().us) / 1000;
    struct pollfd p = {client->fd, POLLIN, 0};
    if (left_ms <= 0 || poll(&p, 1, (int)left_ms) <= 0 || !fx_buf_reserve(&client->in, 16384))
        return false;
    char chunk[16384];
    ssize_t n = recv(client->fd, chunk, sizeof chunk, 0);
    if (n <= 0)
        return false;
    fx_buf_add_bytes(&client->in, chunk, (size_t)n);
    return true;
}

/* Length of the head with its empty line, 0: not there yet. */
static size_t head_length(struct fx_str in)
{
    const char *end = in.len > 0 ? memmem(in.ptr, in.len, "\r\n\r\n", 4) : NULL;
    return end != NULL ? (size_t)(end - in.ptr) + 4 : 0;
}

static bool read_head(struct fx_str head, struct http_answer *ret, int64_t *ret_length,
                      bool *ret_is_closing)
{
    int64_t status, length = -1;
    struct fx_str line = fx_str_cut(head, '\n', &head);
    if (!fx_str_starts(line, FX_STR("HTTP/1.")) ||
        !fx_parse_i64(fx_str_sub(line, 9, 3), 100, 599, &status))
        return false;
    while (head.len > 2) {
        struct fx_str value;
        line = fx_str_cut(head, '\n', &head);
        struct fx_str name = fx_str_cut(line, ':', &value);
        if (value.len > 0 && value.ptr[value.len - 1] == '\r')
            value.len--;
        value = fx_str_trim(value);
        if (fx_str_eq_ci(name, FX_STR("content-length")) &&
            !fx_parse_i64(value, 0, 1 << 20, &length))
            return false;
        if (fx_str_eq_ci(name, FX_STR("connection")) && fx_str_eq_ci(value, FX_STR("close")))
            *ret_is_closing = true;
        if (fx_str_eq_ci(name, FX_STR("retry-after")))
            ret->has_retry_after = true;
    }
    ret->status = (int)status;
    *ret_length = length;
    return length >= 0;
}

static bool read_answer(struct http_client *client, struct http_answer *ret, bool *ret_is_closing)
{
    struct fx_mono deadline = fx_mono_add_ms(fx_mono_now(), client->timeout_ms);
    size_t head_len;
    while ((head_len = head_length(fx_buf_str(&client->in))) == 0)
        if (!read_more(client, deadline))
            return false;
    int64_t length;
    if (!read_head(fx_str_sub(fx_buf_str(&client->in), 0, head_len), ret, &length, ret_is_closing))
        return false;
    while (client->in.len < head_len + (size_t)length)
        if (!read_more(client, deadline))
            return false;
    ret->body = fx_str_sub(fx_buf_str(&client->in), head_len, (size_t)length);
    return true;
}

enum http_outcome http_call(struct http_client *client, const char *path, int customer,
                            const char *body, struct http_answer *ret)
{
    *ret = (struct http_answer){0};
    fx_buf_clear(&client->in);
    if (client->fd >= 0 && is_stale(client))
        hang_up(client);
    if (client->fd < 0 && !dial(client))
        return HTTP_NOT_SENT;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(64 << 10);
    fx_buf_printf(&out, "%s %s HTTP/1.1\r\nHost: shop.example\r\nX-Customer: %d\r\n",
                  body != NULL ? "POST" : "GET", path, customer);
    if (body != NULL)
        fx_buf_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                      strlen(body));
    fx_buf_add_c(&out, "\r\n");
    if (body != NULL)
        fx_buf_add_c(&out, body);
    bool is_closing = false;
    if (out.has_failed || !send_all(client->fd, fx_buf_str(&out)) ||
        !read_answer(client, ret, &is_closing)) {
        hang_up(client);
        return HTTP_NO_ANSWER;
    }
    if (is_closing) { /* the body stays readable in client->in */
        close(client->fd);
        client->fd = -1;
    }
    return HTTP_ANSWERED;
}
