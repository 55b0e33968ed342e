/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as MariaDB's packets: the same payloads come out whether they arrive at once or in
 * pieces, they are never longer than what arrived, and refusals are slices of their payload. The
 * first byte chooses the size of the pieces, or puts a packet of 2^24-1 bytes in front.
 */
#include "lib/base/alloc.h"
#include "lib/base/hash.h"
#include "lib/base/panic.h"
#include "lib/my/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FULL = 0xffffff, IN_MAX = 48 << 20 };

static void arrive(struct fx_my_packets *packets, struct fx_str part)
{
    FX_ASSERT(fx_my_packets_room(packets, part.len));
    fx_buf_add(&packets->in, part);
}

static void check_refusal(struct fx_str payload)
{
    struct fx_my_refusal r = fx_my_refusal_of(payload);
    FX_ASSERT(r.number <= 0xffff && strnlen(r.state, sizeof r.state) < sizeof r.state);
    FX_ASSERT(r.text.len == 0 ||
              (r.text.ptr >= payload.ptr && r.text.ptr + r.text.len <= payload.ptr + payload.len));
}

/* All payloads of `bytes`, arriving `step` bytes at a time, as one number. */
static uint64_t take_all(struct fx_str bytes, size_t step)
{
    struct fx_my_packets packets;
    struct fx_str payload;
    uint64_t all = 0;
    size_t total = 0;
    fx_my_packets_init(&packets, IN_MAX);
    for (size_t at = 0; at < bytes.len; at += step) {
        arrive(&packets, fx_str_sub(bytes, at, step));
        while (fx_my_packets_next(&packets, &payload)) {
            FX_ASSERT(!packets.joined.has_failed && packets.used <= packets.in.len);
            total += payload.len + FX_MY_PACKET_HEAD;
            all = fx_hash64(payload, all + payload.len + 1);
            check_refusal(payload);
        }
    }
    FX_ASSERT(total <= bytes.len);
    fx_my_packets_done(&packets);
    return all;
}

static void check_large(struct fx_str tail)
{
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(IN_MAX);
    FX_ASSERT(fx_buf_reserve(&bytes, FX_MY_PACKET_HEAD + FULL + tail.len));
    memset(bytes.ptr, 'x', FX_MY_PACKET_HEAD + FULL);
    memcpy(bytes.ptr, "\xff\xff\xff", 4);
    bytes.len = FX_MY_PACKET_HEAD + FULL;
    fx_buf_add(&bytes, tail);
    FX_ASSERT(take_all(fx_buf_str(&bytes), SIZE_MAX / 2) == take_all(fx_buf_str(&bytes), 1 << 20));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct fx_str bytes = {(const char *)data + 1, size - 1};
    static int n_large; /* 16 MiB each: a search would do nothing else */
    if (data[0] >= 0xfe && n_large < 100 && ++n_large)
        check_large(bytes);
    else
        FX_ASSERT(take_all(bytes, SIZE_MAX / 2) == take_all(bytes, data[0] % 16 + 1));
    check_refusal(bytes);
    return 0;
}
