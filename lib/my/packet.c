/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/my/packet.h"

#include <stdio.h>

#include "lib/my/cursor.h"

enum { FULL = 0xffffff, FORGET_AT_LEAST = 256 << 10 };

void fx_my_packets_init(struct fx_my_packets *packets, size_t max_bytes)
{
    *packets = (struct fx_my_packets){.in = FX_BUF(max_bytes), .joined = FX_BUF(max_bytes)};
}

void fx_my_packets_done(struct fx_my_packets *packets)
{
    fx_buf_done(&packets->in);
    fx_buf_done(&packets->joined);
}

bool fx_my_packets_room(struct fx_my_packets *packets, size_t len)
{
    size_t used = packets->used;
    if (used > 0 && (used == packets->in.len || used > FORGET_AT_LEAST)) {
        fx_buf_consume(&packets->in, used);
        packets->used = 0;
    }
    return fx_buf_reserve(&packets->in, len);
}

bool fx_my_packets_look(const struct fx_my_packets *packets, size_t at, size_t *ret_len)
{
    const struct fx_buf *in = &packets->in;
    if (in->len - at < FX_MY_PACKET_HEAD)
        return false;
    const uint8_t *p = (const uint8_t *)in->ptr + at;
    size_t len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
    if (in->len - at - FX_MY_PACKET_HEAD < len)
        return false;
    *ret_len = len;
    return true;
}

bool fx_my_packets_next(struct fx_my_packets *packets, struct fx_str *ret)
{
    size_t len, end = packets->used;
    do { /* nothing is taken before the last piece is there */
        if (!fx_my_packets_look(packets, end, &len))
            return false;
        end += FX_MY_PACKET_HEAD + len;
    } while (len == FULL);
    const char *start = packets->in.ptr + packets->used;
    if (end - packets->used < FULL) {
        *ret = (struct fx_str){start + FX_MY_PACKET_HEAD, len};
        packets->used = end;
        return true;
    }
    fx_buf_clear(&packets->joined);
    while (packets->used < end && fx_my_packets_look(packets, packets->used, &len)) {
        fx_buf_add_bytes(&packets->joined, packets->in.ptr + packets->used + FX_MY_PACKET_HEAD,
                         len);
        packets->used += FX_MY_PACKET_HEAD + len;
    }
    *ret = fx_buf_str(&packets->joined);
    return true;
}

struct fx_my_refusal fx_my_refusal_of(struct fx_str payload)
{
    struct fx_cursor cur = fx_cursor_of(payload);
    fx_cursor_le(&cur, 1);
    struct fx_my_refusal r = {.number = (unsigned)fx_cursor_le(&cur, 2)};
    r.text = fx_cursor_str(&cur, fx_cursor_left(&cur));
    if (r.text.len >= 6 && r.text.ptr[0] == '#') {
        snprintf(r.state, sizeof r.state, "%.5s", r.text.ptr + 1);
        r.text = fx_str_sub(r.text, 6, r.text.len);
    }
    return r;
}
