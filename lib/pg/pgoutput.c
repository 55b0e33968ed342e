/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader over the message with one latched failure, and one short function for each message type.
 */
#include "lib/pg/pgoutput.h"

#include <ctype.h>
#include <string.h>

enum { COLUMNS_MAX = 1664, RELATIONS_MAX = 1 << 20 };
#define PG_EPOCH_US INT64_C(946684800000000) /* 2000-01-01 in microseconds since 1970 */

struct reader {
    const uint8_t *at, *end;
    bool has_failed;
};

static uint64_t read_be(struct reader *r, size_t n)
{
    uint64_t v = 0;
    if (r->has_failed || (size_t)(r->end - r->at) < n) {
        r->has_failed = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        v = v << 8 | r->at[i];
    r->at += n;
    return v;
}

static uint8_t read_u8(struct reader *r)
{
    return (uint8_t)read_be(r, 1);
}
static uint16_t read_u16(struct reader *r)
{
    return (uint16_t)read_be(r, 2);
}
static uint32_t read_u32(struct reader *r)
{
    return (uint32_t)read_be(r, 4);
}

static int64_t read_time(struct reader *r)
{
    int64_t us = (int64_t)read_be(r, 8);
    int64_t sum = 0;
    if (__builtin_add_overflow(us, PG_EPOCH_US, &sum))
        r->has_failed = true;
    return sum;
}

static struct fx_str read_bytes(struct reader *r, size_t n)
{
    struct fx_str s = {(const char *)r->at, n};
    if (r->has_failed || (size_t)(r->end - r->at) < n) {
        r->has_failed = true;
        return (struct fx_str){"", 0};
    }
    r->at += n;
    return s;
}

static const char *read_cstr(struct reader *r)
{
    const uint8_t *nul = r->has_failed ? NULL : memchr(r->at, '\0', (size_t)(r->end - r->at));
    const char *text = (const char *)r->at;
    if (nul == NULL) {
        r->has_failed = true;
        return "";
    }
    r->at = nul + 1;
    return text;
}

static void read_tuple(struct reader *r, struct fx_arena *arena, struct fx_pgo_tuple *ret)
{
    size_t n = read_u16(r);
    if (n > COLUMNS_MAX) {
        r->has_failed = true;
        return;
    }
    ret->cells = fx_arena_array(arena, n + 1, sizeof *ret->cells);
    ret->n_cells = n;
    for (size_t i = 0; i < n && !r->has_failed; i++) {
        struct fx_pgo_cell *cell = &ret->cells[i];
        switch (read_u8(r)) {
        case 'n': cell->kind = FX_PGO_NULL; break;
        case 'u': cell->kind = FX_PGO_UNCHANGED; break;
        case 't':
            cell->kind = FX_PGO_TEXT;
            cell->bytes = read_bytes(r, read_u32(r));
            break;
        case 'b':
            cell->kind = FX_PGO_BINARY;
            cell->bytes = read_bytes(r, read_u32(r));
            break;
        default: r->has_failed = true;
        }
    }
}

static void decode_begin(struct reader *r, struct fx_pgo_msg *msg)
{
    msg->kind = FX_PGO_BEGIN;
    msg->begin.final_lsn = read_be(r, 8);
    msg->begin.commit_us = read_time(r);
    msg->begin.xid = read_u32(r);
}

static void decode_commit(struct reader *r, struct fx_pgo_msg *msg)
{
    msg->kind = FX_PGO_COMMIT;
    (void)read_u8(r); /* flags: none are defined */
    msg->commit.commit_lsn = read_be(r, 8);
    msg->commit.end_lsn = read_be(r, 8);
    msg->commit.commit_us = read_time(r);
}

static void decode_relation(struct reader *r, struct fx_arena *arena, struct fx_pgo_msg *msg)
{
    msg->kind = FX_PGO_RELATION;
    msg->relation.id = read_u32(r);
    msg->relation.schema = read_cstr(r);
    msg->relation.name = read_cstr(r);
    msg->relation.replica_identity = (char)read_u8(r);
    size_t n = read_u16(r);
    if (n > COLUMNS_MAX) {
        r->has_failed = true;
        return;
    }
    msg->relation.columns = fx_arena_array(arena, n + 1, sizeof *msg->relation.columns);
    msg->relation.n_columns = n;
    for (size_t i = 0; i < n && !r->has_failed; i++) {
        struct fx_pgo_column *column = &msg->relation.columns[i];
        column->is_key = (read_u8(r) & 1) != 0;
        column->name = read_cstr(r);
        column->type_oid = read_u32(r);
        column->typmod = (int32_t)read_u32(r);
    }
}

static void decode_insert(struct reader *r, struct fx_arena *arena, struct fx_pgo_msg *msg)
{
    msg->kind = FX_PGO_INSERT;
    msg->row.relation = read_u32(r);
    if (read_u8(r) != 'N')
        r->has_failed = true;
    read_tuple(r, arena, &msg->row.new);
}

static void decode_update(struct reader *r, struct fx_arena *arena, struct fx_pgo_msg *msg)
{
    msg->kind = FX_PGO_UPDATE;
    msg->row.relation = read_u32(r);
    uint8_t mark = read_u8(r);
    if (mark == 'K' || mark == 'O') {
        msg->row.is_old_key = mark == 'K';
        read_tuple(r, arena, &msg->row.old);
        mark = read_u8(r);
    }
    if (mark != 'N')
        r->has_failed = true;
    read_tuple(r, arena, &msg->row.new);
}

static void decode_delete(struct reader *r, struct fx_arena *arena, struct fx_pgo_msg *msg)
{
    msg->kind = FX_PGO_DELETE;
    msg->row.relation = read_u32(r);
    uint8_t mark = read_u8(r);
    if (mark != 'K' && mark != 'O')
        r->has_failed = true;
    msg->row.is_old_key = mark == 'K';
    read_tuple(r, arena, &msg->row.old);
}

static void decode_truncate(struct reader *r, struct fx_arena *arena, struct fx_pgo_msg *msg)
{
    msg->kind = FX_PGO_TRUNCATE;
    size_t n = read_u32(r);
    (void)read_u8(r); /* cascade, restart identity */
    if (n > RELATIONS_MAX || n > (size_t)(r->end - r->at) / 4) {
        r->has_failed = true;
        return;
    }
    msg->truncate.relations = fx_arena_array(arena, n + 1, sizeof *msg->truncate.relations);
    msg->truncate.n_relations = n;
    for (size_t i = 0; i < n; i++)
        msg->truncate.relations[i] = read_u32(r);
}

static void decode_message(struct reader *r, struct fx_pgo_msg *msg)
{
    msg->kind = FX_PGO_MESSAGE;
    msg->message.is_transactional = (read_u8(r) & 1) != 0;
    msg->message.lsn = read_be(r, 8);
    msg->message.prefix = read_cstr(r);
    msg->message.content = read_bytes(r, read_u32(r));
}

static bool decode_any(struct reader *r, uint8_t type, struct fx_arena *arena,
                       struct fx_pgo_msg *msg)
{
    switch (type) {
    case 'B': decode_begin(r, msg); return true;
    case 'C': decode_commit(r, msg); return true;
    case 'O':
        msg->kind = FX_PGO_ORIGIN;
        msg->origin.lsn = read_be(r, 8);
        msg->origin.name = read_cstr(r);
        return true;
    case 'R': decode_relation(r, arena, msg); return true;
    case 'Y':
        msg->kind = FX_PGO_TYPE;
        (void)read_u32(r);
        (void)read_cstr(r);
        (void)read_cstr(r);
        return true;
    case 'I': decode_insert(r, arena, msg); return true;
    case 'U': decode_update(r, arena, msg); return true;
    case 'D': decode_delete(r, arena, msg); return true;
    case 'T': decode_truncate(r, arena, msg); return true;
    case 'M': decode_message(r, msg); return true;
    default: return false;
    }
}

bool fx_pgo_decode(struct fx_str bytes, struct fx_arena *arena, struct fx_pgo_msg *ret_msg,
                   struct fx_err *err)
{
    struct reader r = {.at = (const uint8_t *)bytes.ptr,
                       .end = (const uint8_t *)bytes.ptr + bytes.len};
    struct fx_pgo_msg msg = {0};
    if (bytes.len == 0)
        return fx_fail(err, FX_E_PROTOCOL,
                       "the server sent an empty replication message (pgoutput)");
    uint8_t type = read_u8(&r);
    if (!decode_any(&r, type, arena, &msg))
        return fx_fail(
            err, FX_E_PROTOCOL,
            "the server sent a replication message (pgoutput) of unknown kind 0x%02x%s%c", type,
            isprint(type) ? " " : "", isprint(type) ? type : ' ');
    if (r.has_failed || r.at != r.end)
        return fx_fail(err, FX_E_PROTOCOL,
                       "the server sent a replication message (pgoutput '%c') of %zu bytes that "
                       "cannot be decoded",
                       type, bytes.len);
    *ret_msg = msg;
    return true;
}
