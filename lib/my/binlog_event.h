/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decodes binary log events of MariaDB (and MySQL 5.6 … 8, as far as they are alike) from bytes. No
 * connection and no library: the bytes come from a server, a file or a fuzzer, and every length in
 * them is checked before it is used.
 *
 *     struct fx_bl_decoder dec;
 *     fx_bl_decoder_init(&dec);
 *     while (…)
 *         if (!fx_bl_decode(&dec, bytes, &event, err)) …      one whole event each
 *
 * The decoder keeps what later events refer to: the format description and the table maps of the
 * statement at hand. Row events are opened with lib/my/rowevent.h.
 *
 * Errors: PROTOCOL (bytes that break the format), UNSUPPORTED (an event that cannot be carried:
 * incident, compressed transaction payload, partial JSON updates, encrypted log).
 * Thread: one at a time.
 */
#ifndef FX_MY_BINLOG_EVENT_H
#define FX_MY_BINLOG_EVENT_H

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/err/err.h"

/* The flag: the statement is about a table that its session alone saw (a temporary one). */
enum { FX_BL_HEADER = 19, FX_BL_FLAG_THREAD_SPECIFIC = 4 };

struct fx_bl_header {
    uint32_t when_s; /* seconds since 1970 */
    uint8_t type;
    uint32_t server_id;
    uint32_t len; /* of the whole event, header and checksum included */
    uint32_t next_pos;
    uint16_t flags;
};

enum fx_bl_kind {
    FX_BL_OTHER, /* nothing that concerns us: annotations, checkpoints, statistics */
    FX_BL_FORMAT,
    FX_BL_ROTATE,
    FX_BL_HEARTBEAT,
    FX_BL_GTID,  /* MariaDB: opens a group; unless is_standalone it is a transaction */
    FX_BL_QUERY, /* DDL, BEGIN, COMMIT, or a change in statement format */
    FX_BL_XID,   /* commit */
    FX_BL_XA_PREPARE,
    FX_BL_TABLE_MAP,
    FX_BL_ROWS,
};

enum fx_bl_op { FX_BL_INSERT, FX_BL_UPDATE, FX_BL_DELETE };

/* One column as a TABLE_MAP event gives it. */
struct fx_bl_column {
    uint8_t type;  /* the real type: ENUM and SET are told apart from STRING */
    uint16_t meta; /* length, precision << 8 | scale, fraction digits, width of a length: by type */
    bool is_nullable;
    bool is_unsigned;      /* false when the log has no such metadata */
    uint32_t collation;    /* 0: not known; 63: binary */
    struct fx_str name;    /* "" unless binlog_row_metadata=FULL */
    struct fx_str *labels; /* of ENUM and SET, NULL when not known */
    size_t n_labels;
};

struct fx_bl_table {
    uint64_t id;
    struct fx_str schema, name;
    struct fx_bl_column *columns;
    size_t n_columns;
    bool has_names;      /* binlog_row_metadata=FULL */
    bool has_signedness; /* FULL or MINIMAL */
};

struct fx_bl_gtid {
    uint32_t domain;
    uint32_t server_id;
    uint64_t seq;
    bool is_standalone;    /* one event follows, without a commit */
    bool is_transactional; /* can be rolled back: no table without transactions took part */
    bool is_xa_end;        /* completes an XA branch: one QUERY follows, which ends the group */
};

struct fx_bl_event {
    enum fx_bl_kind kind;
    struct fx_bl_header head;
    union {
        struct {
            uint64_t pos;
            struct fx_str file;
        } rotate;
        struct fx_bl_gtid gtid;
        struct {
            struct fx_str schema; /* the session's default database */
            struct fx_str sql;
            uint64_t sql_mode; /* of the session; 0 when the log does not say */
            uint64_t charset;  /* number of the client's collation; 0 likewise */
        } query;
        uint64_t xid;
        const struct fx_bl_table *table; /* TABLE_MAP; NULL: none, or a dummy */
        struct {
            const struct fx_bl_table *table; /* NULL: the end-of-statement dummy */
            enum fx_bl_op op;
            bool is_last; /* of its statement: the table maps end with it */
            size_t n_columns;
            struct fx_str present[2]; /* bitmaps: the only or the before image; the after image */
            struct fx_str body;
        } rows;
    };
};

struct fx_bl_decoder {
    bool has_checksum; /* every event ends in 4 bytes that are not its body */
    bool is_maria;
    uint8_t post_header[256]; /* lengths by type, 0 when the format does not say */
    struct fx_arena arena;    /* of the table maps */
    struct fx_bl_table **tables;
    size_t n_tables, cap_tables;
    bool is_statement_over; /* forget the table maps before the next event */
    struct fx_buf inflated; /* of a compressed event */
};

void fx_bl_decoder_init(struct fx_bl_decoder *dec);
void fx_bl_decoder_done(struct fx_bl_decoder *dec);

/*
 * Decodes one event. What `ret` points to belongs to `bytes` or to the decoder and is valid until
 * the next call.
 */
bool fx_bl_decode(struct fx_bl_decoder *dec, struct fx_str bytes, struct fx_bl_event *ret,
                  struct fx_err *err) FX_MUST_CHECK;
/* Only the header; false when there are fewer than FX_BL_HEADER bytes. */
bool fx_bl_header_read(struct fx_str bytes, struct fx_bl_header *ret);
const char *fx_bl_type_name(uint8_t type); /* of an event: "TABLE_MAP" */

#endif
