/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MariaDB's packets: three bytes of length, a sequence number and the payload; a payload of 2^24-1
 * bytes continues in the next packet. Fill `in` (fx_my_packets_room), then take payloads.
 *
 * Source: MariaDB's documentation, "0-packet" and "ERR_Packet". Thread: one.
 */
#ifndef FX_MY_PACKET_H
#define FX_MY_PACKET_H

#include "lib/base/buf.h"

enum { FX_MY_PACKET_HEAD = 4 };

struct fx_my_packets {
    struct fx_buf in;     /* received */
    size_t used;          /* of `in`: given out already */
    struct fx_buf joined; /* a payload that came in several packets; has_failed: it is too large */
};

void fx_my_packets_init(struct fx_my_packets *packets, size_t max_bytes);
void fx_my_packets_done(struct fx_my_packets *packets);
/* Room for `len` more bytes at in.ptr + in.len; forgets what was given out. false: too much. */
bool fx_my_packets_room(struct fx_my_packets *packets, size_t len) FX_MUST_CHECK;
/* The next payload, joined if need be, until the next call of any function but `look`. false: more
 * bytes are needed. */
bool fx_my_packets_next(struct fx_my_packets *packets, struct fx_str *ret) FX_MUST_CHECK;
/* Length of the payload of the packet at in.ptr + at, at <= in.len; false: not all there. */
bool fx_my_packets_look(const struct fx_my_packets *packets, size_t at,
                        size_t *ret_len) FX_MUST_CHECK;

/* A payload that begins with 0xff. Slices of it. */
struct fx_my_refusal {
    unsigned number;
    char state[6]; /* SQLSTATE, or "" */
    struct fx_str text;
};
struct fx_my_refusal fx_my_refusal_of(struct fx_str payload);

#endif
