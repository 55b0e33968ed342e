/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, writing and comparing positions of both engines. */
#include "lib/db/pos.h"

#include <inttypes.h>

#include "lib/fmt/text.h"

static bool parse_hex32(struct fx_str s, uint64_t *ret)
{
    if (s.len == 0 || s.len > 8)
        return false;
    *ret = 0;
    for (size_t i = 0; i < s.len; i++) {
        int digit = fx_hex_digit(s.ptr[i]);
        if (digit < 0)
            return false;
        *ret = *ret << 4 | (uint64_t)digit;
    }
    return true;
}

bool fx_lsn_parse(struct fx_str text, struct fx_lsn *ret_lsn)
{
    struct fx_str low_text;
    struct fx_str high_text = fx_str_cut(text, '/', &low_text);
    uint64_t high, low;
    if (!parse_hex32(high_text, &high) || !parse_hex32(low_text, &low))
        return false;
    ret_lsn->at = high << 32 | low;
    return true;
}

void fx_lsn_pos(struct fx_lsn lsn, struct fx_pos *ret_pos)
{
    char text[FX_LSN_TEXT];
    fx_lsn_text(lsn, text);
    fx_pos_set(ret_pos, fx_str_from(text));
}

void fx_lsn_text(struct fx_lsn lsn, char ret[FX_LSN_TEXT])
{
    (void)snprintf(ret, FX_LSN_TEXT, "%" PRIX32 "/%" PRIX32, (uint32_t)(lsn.at >> 32),
                   (uint32_t)lsn.at);
}

static bool parse_u64(struct fx_str s, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned)(s.ptr[i] - '0');
        if (digit > 9 || n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *ret = n;
    return true;
}

bool fx_gtid_next(struct fx_str *rest, struct fx_gtid *ret_gtid)
{
    struct fx_str after, server_text, seq_text;
    struct fx_str one = fx_str_trim(fx_str_cut(*rest, ',', &after));
    struct fx_str domain_text = fx_str_cut(one, '-', &server_text);
    server_text = fx_str_cut(server_text, '-', &seq_text);
    uint64_t domain, server, seq;
    if (!parse_u64(domain_text, UINT32_MAX, &domain) ||
        !parse_u64(server_text, UINT32_MAX, &server) || !parse_u64(seq_text, UINT64_MAX, &seq))
        return false;
    *ret_gtid = (struct fx_gtid){(uint32_t)domain, (uint32_t)server, seq};
    *rest = after;
    return true;
}

static bool lsn_covers(struct fx_str at, struct fx_str goal)
{
    struct fx_lsn at_lsn, goal_lsn;
    return fx_lsn_parse(at, &at_lsn) && fx_lsn_parse(goal, &goal_lsn) && at_lsn.at >= goal_lsn.at;
}

/* In one domain sequence numbers ascend whichever
 * server wrote them; a domain that is absent is at 0. */
static uint64_t seq_of_domain(struct fx_str list, uint32_t domain)
{
    uint64_t seq = 0;
    struct fx_gtid gtid;
    while (fx_gtid_next(&list, &gtid)) {
        if (gtid.domain == domain)
            seq = FX_MAX(seq, gtid.seq);
    }
    return seq;
}

static bool gtid_covers(struct fx_str at, struct fx_str goal)
{
    struct fx_gtid gtid;
    while (fx_gtid_next(&goal, &gtid)) {
        if (seq_of_domain(at, gtid.domain) < gtid.seq)
            return false;
    }
    return goal.len == 0; /* what does not parse is covered by nothing */
}

bool fx_pos_covers(enum fx_engine engine, const struct fx_pos *at, const struct fx_pos *goal)
{
    struct fx_str a = fx_pos_str(at);
    struct fx_str g = fx_pos_str(goal);
    switch (engine) {
    case FX_PG: return lsn_covers(a, g);
    case FX_MY: return gtid_covers(a, g);
    }
    return false;
}
