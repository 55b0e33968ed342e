/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoder of pgoutput messages (protocol version 1), PostgreSQL docs "Logical Replication Message
 * Formats". Bytes in, one struct out; no state, no database, every length checked. Messages of
 * later protocol versions are errors, because they were not asked for.
 *
 * Owns: texts are slices of the message; arrays belong to the arena. Errors: PROTOCOL.
 * Thread: any.
 */
#ifndef FX_PG_PGOUTPUT_H
#define FX_PG_PGOUTPUT_H

#include "lib/base/arena.h"
#include "lib/err/err.h"

enum fx_pgo_kind {
    FX_PGO_BEGIN,
    FX_PGO_COMMIT,
    FX_PGO_ORIGIN,
    FX_PGO_RELATION,
    FX_PGO_TYPE,
    FX_PGO_INSERT,
    FX_PGO_UPDATE,
    FX_PGO_DELETE,
    FX_PGO_TRUNCATE,
    FX_PGO_MESSAGE,
};

enum fx_pgo_cell_kind { FX_PGO_NULL, FX_PGO_UNCHANGED, FX_PGO_TEXT, FX_PGO_BINARY };
struct fx_pgo_cell {
    enum fx_pgo_cell_kind kind;
    struct fx_str bytes;
};
struct fx_pgo_tuple {
    struct fx_pgo_cell *cells; /* NULL: there is no such tuple */
    size_t n_cells;
};

struct fx_pgo_column {
    bool is_key; /* part of the replica identity */
    const char *name;
    uint32_t type_oid;
    int32_t typmod;
};

struct fx_pgo_msg {
    enum fx_pgo_kind kind;
    union {
        struct {
            uint64_t final_lsn; /* of the commit record */
            int64_t commit_us;  /* microseconds since 1970 */
            uint32_t xid;
        } begin;
        struct {
            uint64_t commit_lsn, end_lsn;
            int64_t commit_us;
        } commit;
        struct {
            uint64_t lsn;
            const char *name;
        } origin;
        struct {
            uint32_t id;
            const char *schema; /* "" : pg_catalog */
            const char *name;
            char replica_identity;
            struct fx_pgo_column *columns;
            size_t n_columns;
        } relation;
        struct {
            uint32_t relation;
            struct fx_pgo_tuple old, new;
            bool is_old_key; /* `old` holds only the key; else the whole row */
        } row;               /* INSERT, UPDATE, DELETE */
        struct {
            uint32_t *relations;
            size_t n_relations;
        } truncate;
        struct {
            bool is_transactional;
            uint64_t lsn;
            const char *prefix;
            struct fx_str content;
        } message;
    };
};

bool fx_pgo_decode(struct fx_str bytes, struct fx_arena *arena, struct fx_pgo_msg *ret_msg,
                   struct fx_err *err) FX_MUST_CHECK;

#endif
