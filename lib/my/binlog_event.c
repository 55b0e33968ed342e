/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event layer of the binary log: header, format description, GTID, QUERY, TABLE_MAP, row event
 * heads.
 *
 * Unknown event types are skipped only when their header says that a reader may
 * (LOG_EVENT_IGNORABLE_F); any other unknown type is an error, because it may carry a change.
 */
#include "lib/my/binlog_event.h"

#include <zlib.h>

#include "lib/base/alloc.h"
#include "lib/my/cursor.h"

enum event_type {
    EV_QUERY = 2,
    EV_STOP = 3,
    EV_ROTATE = 4,
    EV_INTVAR = 5,
    EV_RAND = 13,
    EV_USER_VAR = 14,
    EV_FORMAT_DESCRIPTION = 15,
    EV_XID = 16,
    EV_BEGIN_LOAD_QUERY = 17,
    EV_EXECUTE_LOAD_QUERY = 18,
    EV_TABLE_MAP = 19,
    EV_ROWS_V1_FIRST = 23,
    EV_ROWS_V1_LAST = 25,
    EV_INCIDENT = 26,
    EV_HEARTBEAT = 27,
    EV_IGNORABLE = 28,
    EV_ROWS_QUERY = 29,
    EV_ROWS_V2_FIRST = 30,
    EV_ROWS_V2_LAST = 32,
    EV_MYSQL_GTID = 33,
    EV_MYSQL_ANONYMOUS_GTID = 34,
    EV_MYSQL_PREVIOUS_GTIDS = 35,
    EV_XA_PREPARE = 38,
    EV_TRANSACTION_PAYLOAD = 40,
    EV_ANNOTATE_ROWS = 160,
    EV_CHECKPOINT = 161,
    EV_GTID = 162,
    EV_GTID_LIST = 163,
    EV_START_ENCRYPTION = 164,
    EV_QUERY_COMPRESSED = 165,
    EV_ROWS_COMPRESSED_V1_FIRST = 166,
    EV_ROWS_COMPRESSED_V1_LAST = 168,
    EV_ROWS_COMPRESSED_V2_FIRST = 169,
    EV_ROWS_COMPRESSED_V2_LAST = 171,
};

enum { FLAG_IGNORABLE = 0x80, ROWS_END_OF_STATEMENT = 1, COLUMNS_MAX = 4096 };
enum { INFLATED_MAX = 1 << 30, TABLE_MAPS_MAX = 256 << 20, DUMMY_TABLE_ID = 0xffffff };

static const struct {
    uint8_t type;
    const char *name;
} type_names[] = {
    {EV_QUERY, "QUERY"},
    {EV_STOP, "STOP"},
    {EV_ROTATE, "ROTATE"},
    {EV_INTVAR, "INTVAR"},
    {EV_RAND, "RAND"},
    {EV_USER_VAR, "USER_VAR"},
    {EV_FORMAT_DESCRIPTION, "FORMAT_DESCRIPTION"},
    {EV_XID, "XID"},
    {EV_TABLE_MAP, "TABLE_MAP"},
    {20, "WRITE_ROWS_V0"},
    {21, "UPDATE_ROWS_V0"},
    {22, "DELETE_ROWS_V0"},
    {23, "WRITE_ROWS_V1"},
    {24, "UPDATE_ROWS_V1"},
    {25, "DELETE_ROWS_V1"},
    {EV_INCIDENT, "INCIDENT"},
    {EV_HEARTBEAT, "HEARTBEAT"},
    {30, "WRITE_ROWS_V2"},
    {31, "UPDATE_ROWS_V2"},
    {32, "DELETE_ROWS_V2"},
    {EV_XA_PREPARE, "XA_PREPARE"},
    {39, "PARTIAL_UPDATE_ROWS"},
    {EV_TRANSACTION_PAYLOAD, "TRANSACTION_PAYLOAD"},
    {41, "HEARTBEAT_V2"},
    {42, "GTID_TAGGED"},
    {EV_GTID, "GTID"},
    {EV_START_ENCRYPTION, "START_ENCRYPTION"},
    {EV_QUERY_COMPRESSED, "QUERY_COMPRESSED"},
};

const char *fx_bl_type_name(uint8_t type)
{
    for (size_t i = 0; i < FX_ARRAY_LEN(type_names); i++) {
        if (type_names[i].type == type)
            return type_names[i].name;
    }
    return "event";
}

void fx_bl_decoder_init(struct fx_bl_decoder *dec)
{
    *dec = (struct fx_bl_decoder){.inflated = FX_BUF(INFLATED_MAX)};
    fx_arena_init(&dec->arena, 0); /* TABLE_MAPS_MAX is checked before each event */
}

void fx_bl_decoder_done(struct fx_bl_decoder *dec)
{
    fx_arena_done(&dec->arena);
    fx_buf_done(&dec->inflated);
    free(dec->tables);
    dec->tables = NULL;
    dec->n_tables = dec->cap_tables = 0;
}

bool fx_bl_header_read(struct fx_str bytes, struct fx_bl_header *ret)
{
    struct fx_cursor cur = fx_cursor_of(bytes);
    *ret = (struct fx_bl_header){.when_s = (uint32_t)fx_cursor_le(&cur, 4)};
    ret->type = (uint8_t)fx_cursor_le(&cur, 1);
    ret->server_id = (uint32_t)fx_cursor_le(&cur, 4);
    ret->len = (uint32_t)fx_cursor_le(&cur, 4);
    ret->next_pos = (uint32_t)fx_cursor_le(&cur, 4);
    ret->flags = (uint16_t)fx_cursor_le(&cur, 2);
    return !cur.has_failed;
}

static bool malformed(const struct fx_bl_event *ev, struct fx_err *err)
{
    return fx_fail(
        err, FX_E_PROTOCOL,
        "the binary log is damaged: event %s (type %u, %u bytes, ends at byte %u) cannot be read",
        fx_bl_type_name(ev->head.type), ev->head.type, ev->head.len, ev->head.next_pos);
}

/* --- one function an event -------------------------------------------------------------------- */

/* MySQL before 5.6.1 wrote no checksums and does not say so: "5.5.27-log". */
static bool knows_checksums(struct fx_str server)
{
    unsigned part[3] = {0};
    size_t at = 0;
    for (size_t i = 0; i < server.len && at < 3; i++) {
        char c = server.ptr[i];
        if (c >= '0' && c <= '9')
            part[at] = part[at] * 10 % 100000 + (unsigned)(c - '0');
        else if (c == '.')
            at++;
        else
            break;
    }
    return part[0] * 10000 + part[1] * 100 + part[2] >= 50601;
}

static bool read_format(struct fx_bl_decoder *dec, struct fx_str body, struct fx_bl_event *ev,
                        struct fx_err *err)
{
    struct fx_cursor cur = fx_cursor_of(body);
    uint64_t version = fx_cursor_le(&cur, 2);
    struct fx_str server = fx_cursor_str(&cur, 50);
    fx_cursor_le(&cur, 4);
    uint64_t header = fx_cursor_le(&cur, 1);
    /* The list of lengths, then the checksum's algorithm,
     * then a checksum, which this event always has. */
    size_t tail = knows_checksums(server) ? 5 : 0;
    if (cur.has_failed || fx_cursor_left(&cur) < tail || version != 4 || header != FX_BL_HEADER)
        return malformed(ev, err);
    struct fx_str lengths = fx_cursor_str(&cur, fx_cursor_left(&cur) - tail);
    uint64_t algorithm = tail > 0 ? fx_cursor_le(&cur, 1) : 0;
    if (algorithm > 1)
        return fx_fail(err, FX_E_UNSUPPORTED,
                       "the binary log uses an unknown checksum algorithm (number %u)",
                       (unsigned)algorithm) ||
               fx_hint(err,
                       "Run on the server: SET GLOBAL binlog_checksum=CRC32; then " FX_CMD_NEW_COPY
                       ".");
    memset(dec->post_header, 0, sizeof dec->post_header);
    for (size_t i = 0; i < lengths.len && i + 1 < sizeof dec->post_header; i++)
        dec->post_header[i + 1] = (uint8_t)lengths.ptr[i];
    dec->has_checksum = algorithm == 1;
    dec->is_maria = memmem(server.ptr, server.len, "MariaDB", 7) != NULL;
    ev->kind = FX_BL_FORMAT;
    return true;
}

static bool read_rotate(struct fx_str body, struct fx_bl_event *ev, struct fx_err *err)
{
    struct fx_cursor cur = fx_cursor_of(body);
    ev->kind = FX_BL_ROTATE;
    ev->rotate.pos = fx_cursor_le(&cur, 8);
    ev->rotate.file = fx_cursor_str(&cur, fx_cursor_left(&cur));
    return !cur.has_failed || malformed(ev, err);
}

static bool read_gtid(struct fx_bl_decoder *dec, struct fx_str body, struct fx_bl_event *ev,
                      struct fx_err *err)
{
    enum { STANDALONE = 1, TRANSACTIONAL = 4, COMPLETED_XA = 128 };
    struct fx_cursor cur = fx_cursor_of(body);
    uint64_t seq = fx_cursor_le(&cur, 8);
    uint64_t domain = fx_cursor_le(&cur, 4);
    uint64_t flags = fx_cursor_le(&cur, 1);
    ev->kind = FX_BL_GTID;
    ev->gtid = (struct fx_bl_gtid){
        .domain = (uint32_t)domain,
        .server_id = ev->head.server_id,
        .seq = seq,
        .is_standalone = (flags & STANDALONE) != 0,
        .is_transactional = (flags & TRANSACTIONAL) != 0,
        .is_xa_end = (flags & COMPLETED_XA) != 0,
    };
    dec->is_statement_over = true; /* table maps never outlive a group */
    return !cur.has_failed || malformed(ev, err);
}

/*
 * MariaDB's compressed records: one byte 0x80 | algorithm << 4 | n, n bytes of length (big-endian),
 * data.
 */
static bool inflate_record(struct fx_bl_decoder *dec, struct fx_cursor *cur, struct fx_str *ret,
                           const struct fx_bl_event *ev, struct fx_err *err)
{
    uint64_t head = fx_cursor_le(cur, 1);
    unsigned n = head & 7;
    uint64_t len = fx_cursor_be(cur, n);
    struct fx_str packed = fx_cursor_str(cur, fx_cursor_left(cur));
    bool is_zlib = (head & 0x80) != 0 && (head & 0x70) == 0 && n >= 1 && n <= 4;
    /* zlib cannot pack tighter than about 1:1032, so
     * a larger claim is a lie and allocates nothing. */
    if (cur->has_failed || !is_zlib || len / 1100 > packed.len)
        return malformed(ev, err);
    fx_buf_clear(&dec->inflated);
    if (!fx_buf_reserve(&dec->inflated, (size_t)len))
        return fx_fail(err, FX_E_LIMIT,
                       "a compressed binary log event has %llu bytes when unpacked, the limit is "
                       "%d MiB",
                       (unsigned long long)len, INFLATED_MAX >> 20) ||
               fx_hint(err, "The stream cannot pass it: " FX_CMD_NEW_COPY ".");
    uLongf out_len = (uLongf)len;
    if (uncompress((Bytef *)dec->inflated.ptr, &out_len, (const Bytef *)packed.ptr, packed.len) !=
            Z_OK ||
        out_len != len)
        return malformed(ev, err);
    *ret = (struct fx_str){dec->inflated.ptr, (size_t)len};
    return true;
}

/* Status variables: a code and a value each. Only those up to the character set are of interest,
 * and servers write them first; what comes after an unknown one cannot be read. */
static void read_status(struct fx_str status, struct fx_bl_event *ev)
{
    enum { FLAGS2 = 0, SQL_MODE = 1, AUTO_INCREMENT = 3, CHARSET = 4, CATALOG = 6 };
    struct fx_cursor cur = fx_cursor_of(status);
    while (fx_cursor_left(&cur) > 0) {
        switch (fx_cursor_le(&cur, 1)) {
        case FLAGS2:
        case AUTO_INCREMENT: fx_cursor_le(&cur, 4); break;
        case CATALOG: (void)fx_cursor_str(&cur, fx_cursor_le(&cur, 1)); break;
        case SQL_MODE:
            ev->query.sql_mode = fx_cursor_le(&cur, 8);
            if (cur.has_failed)
                ev->query.sql_mode = 0;
            break;
        case CHARSET:
            ev->query.charset = fx_cursor_le(&cur, 2);
            if (cur.has_failed)
                ev->query.charset = 0;
            return;
        default: return;
        }
        if (cur.has_failed)
            return;
    }
}

static bool read_query(struct fx_bl_decoder *dec, struct fx_str body, struct fx_bl_event *ev,
                       struct fx_err *err)
{
    struct fx_cursor cur = fx_cursor_of(body);
    fx_cursor_le(&cur, 8); /* thread, duration */
    uint64_t schema_len = fx_cursor_le(&cur, 1);
    fx_cursor_le(&cur, 2); /* error */
    uint64_t status_len = fx_cursor_le(&cur, 2);
    ev->kind = FX_BL_QUERY;
    read_status(fx_cursor_str(&cur, status_len), ev);
    ev->query.schema = fx_cursor_str(&cur, schema_len);
    fx_cursor_le(&cur, 1);
    if (cur.has_failed)
        return malformed(ev, err);
    if (ev->head.type == EV_QUERY_COMPRESSED)
        return inflate_record(dec, &cur, &ev->query.sql, ev, err);
    ev->query.sql = fx_cursor_str(&cur, fx_cursor_left(&cur));
    return true;
}

/* --- TABLE_MAP -------------------------------------------------------------------------------- */

enum { T_DECIMAL = 246, T_ENUM = 247, T_SET = 248, T_STRING = 254, T_VAR_STRING = 253 };

static bool is_numeric(uint8_t type)
{
    return (type >= 1 && type <= 5) || type == 8 || type == 9 || type == 13 || type == T_DECIMAL;
}

static bool is_character(uint8_t type)
{
    return type == 15 || type == 140 || type == 141 || (type >= 249 && type <= 254);
}

static bool is_label(uint8_t type)
{
    return type == T_ENUM || type == T_SET;
}

static void read_meta(struct fx_cursor *cur, struct fx_bl_column *column)
{
    switch (column->type) {
    case 4:  /* FLOAT: 4 */
    case 5:  /* DOUBLE: 8 */
    case 17: /* TIMESTAMP2, DATETIME2, TIME2: fraction digits */
    case 18:
    case 19:
    case 140: /* BLOB_COMPRESSED, JSON, BLOBs, GEOMETRY: bytes of a length */
    case 245:
    case 249:
    case 250:
    case 251:
    case 252:
    case 255: column->meta = (uint16_t)fx_cursor_le(cur, 1); break;
    case 15:  /* VARCHAR: bytes at most */
    case 141: /* VARCHAR_COMPRESSED */
    case 16: /* BIT: bits, bytes */ column->meta = (uint16_t)fx_cursor_le(cur, 2); break;
    case T_DECIMAL: column->meta = (uint16_t)fx_cursor_be(cur, 2); break;
    case T_ENUM:
    case T_SET:
    case T_VAR_STRING:
    case T_STRING: {
        unsigned b0 = (unsigned)fx_cursor_le(cur, 1);
        unsigned b1 = (unsigned)fx_cursor_le(cur, 1);
        unsigned high = 0;
        if ((b0 & 0x30) != 0x30) { /* lengths above 255 hide two bits in the type */
            high = ((b0 & 0x30) ^ 0x30) << 4;
            b0 |= 0x30;
        }
        column->type = (uint8_t)b0;
        column->meta = (uint16_t)(b1 | high);
        break;
    }
    default: break;
    }
}

/* A list of collations, one for each column that `wants` it, in order. */
static void read_collations(struct fx_cursor *cur, struct fx_bl_table *table,
                            bool (*wants)(uint8_t type))
{
    for (size_t i = 0; i < table->n_columns && fx_cursor_left(cur) > 0; i++) {
        if (wants(table->columns[i].type))
            table->columns[i].collation = (uint32_t)fx_cursor_lenenc(cur);
    }
}

/* One collation for all, then (index among those columns, collation) for the exceptions. */
static void read_default_collation(struct fx_cursor *cur, struct fx_bl_table *table,
                                   bool (*wants)(uint8_t type))
{
    uint32_t common = (uint32_t)fx_cursor_lenenc(cur);
    uint64_t exception = fx_cursor_left(cur) > 0 ? fx_cursor_lenenc(cur) : UINT64_MAX;
    uint64_t index = 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!wants(table->columns[i].type))
            continue;
        table->columns[i].collation = common;
        if (index++ != exception)
            continue;
        table->columns[i].collation = (uint32_t)fx_cursor_lenenc(cur);
        exception = fx_cursor_left(cur) > 0 ? fx_cursor_lenenc(cur) : UINT64_MAX;
    }
}

static void read_signedness(struct fx_cursor *cur, struct fx_bl_table *table)
{
    size_t bit = 0;
    uint64_t byte = 0;
    for (size_t i = 0; i < table->n_columns; i++) {
        if (!is_numeric(table->columns[i].type))
            continue;
        if (bit % 8 == 0)
            byte = fx_cursor_le(cur, 1);
        table->columns[i].is_unsigned = (byte >> (7 - bit % 8) & 1) != 0;
        bit++;
    }
    table->has_signedness = true;
}

static void read_names(struct fx_cursor *cur, struct fx_bl_table *table, struct fx_arena *arena)
{
    for (size_t i = 0; i < table->n_columns; i++)
        table->columns[i].name = fx_arena_str(arena, fx_cursor_str(cur, fx_cursor_lenenc(cur)));
    table->has_names = true;
}

static void read_labels(struct fx_cursor *cur, struct fx_bl_table *table, uint8_t type,
                        struct fx_arena *arena)
{
    for (size_t i = 0; i < table->n_columns && fx_cursor_left(cur) > 0; i++) {
        struct fx_bl_column *column = &table->columns[i];
        if (column->type != type)
            continue;
        uint64_t n = fx_cursor_lenenc(cur);
        if (n > fx_cursor_left(cur)) { /* each label takes a byte at least */
            cur->has_failed = true;
            return;
        }
        column->labels = fx_arena_array(arena, (size_t)n, sizeof *column->labels);
        column->n_labels = (size_t)n;
        for (size_t k = 0; k < n; k++)
            column->labels[k] = fx_arena_str(arena, fx_cursor_str(cur, fx_cursor_lenenc(cur)));
    }
}

static void read_optional(struct fx_cursor *cur, struct fx_bl_table *table, struct fx_arena *arena)
{
    while (!cur->has_failed && fx_cursor_left(cur) > 0) {
        uint64_t type = fx_cursor_le(cur, 1);
        uint64_t len = fx_cursor_lenenc(cur);
        struct fx_cursor field = fx_cursor_of(fx_cursor_str(cur, len));
        switch (type) {
        case 1: read_signedness(&field, table); break;
        case 2: read_default_collation(&field, table, is_character); break;
        case 3: read_collations(&field, table, is_character); break;
        case 4: read_names(&field, table, arena); break;
        case 5: read_labels(&field, table, T_SET, arena); break;
        case 6: read_labels(&field, table, T_ENUM, arena); break;
        case 10: read_default_collation(&field, table, is_label); break;
        case 11: read_collations(&field, table, is_label); break;
        default: break; /* keys, geometry types, visibility */
        }
        cur->has_failed |= field.has_failed;
    }
}

static void keep_table(struct fx_bl_decoder *dec, struct fx_bl_table *table)
{
    for (size_t i = 0; i < dec->n_tables; i++) {
        if (dec->tables[i]->id == table->id) {
            dec->tables[i] = table;
            return;
        }
    }
    if (dec->n_tables == dec->cap_tables) {
        dec->cap_tables = dec->cap_tables > 0 ? dec->cap_tables * 2 : 8;
        dec->tables = fx_realloc(dec->tables, dec->cap_tables * sizeof(struct fx_bl_table *));
    }
    dec->tables[dec->n_tables++] = table;
}

static bool read_table_map(struct fx_bl_decoder *dec, struct fx_str body, struct fx_bl_event *ev,
                           struct fx_err *err)
{
    if (dec->arena.used_bytes > TABLE_MAPS_MAX)
        return fx_fail(err, FX_E_LIMIT,
                       "one statement changes so many tables that their definitions in the log "
                       "take more than %d MiB",
                       TABLE_MAPS_MAX >> 20) ||
               fx_hint(err, "The stream cannot pass it: " FX_CMD_NEW_COPY ".");
    struct fx_cursor cur = fx_cursor_of(body);
    struct fx_bl_table *table = FX_ARENA_NEW(&dec->arena, struct fx_bl_table);
    table->id = fx_cursor_le(&cur, dec->post_header[EV_TABLE_MAP] == 6 ? 4 : 6);
    fx_cursor_le(&cur, 2); /* flags */
    table->schema = fx_arena_str(&dec->arena, fx_cursor_str(&cur, fx_cursor_le(&cur, 1)));
    fx_cursor_le(&cur, 1);
    table->name = fx_arena_str(&dec->arena, fx_cursor_str(&cur, fx_cursor_le(&cur, 1)));
    fx_cursor_le(&cur, 1);
    uint64_t n = fx_cursor_lenenc(&cur);
    struct fx_str types = fx_cursor_str(&cur, n);
    if (cur.has_failed || n > COLUMNS_MAX)
        return malformed(ev, err);
    table->n_columns = (size_t)n;
    table->columns = fx_arena_array(&dec->arena, table->n_columns, sizeof *table->columns);
    uint64_t meta_len = fx_cursor_lenenc(&cur);
    struct fx_cursor meta = fx_cursor_of(fx_cursor_str(&cur, meta_len));
    struct fx_str nullable = fx_cursor_str(&cur, (n + 7) / 8);
    if (cur.has_failed)
        return malformed(ev, err);
    for (size_t i = 0; i < table->n_columns; i++) {
        table->columns[i].type = (uint8_t)types.ptr[i];
        table->columns[i].is_nullable = ((uint8_t)nullable.ptr[i / 8] >> (i % 8) & 1) != 0;
        read_meta(&meta, &table->columns[i]);
    }
    read_optional(&cur, table, &dec->arena);
    if (cur.has_failed || meta.has_failed || fx_cursor_left(&meta) > 0)
        return malformed(ev, err);
    keep_table(dec, table);
    ev->kind = FX_BL_TABLE_MAP;
    ev->table = table;
    return true;
}

/* --- row events ------------------------------------------------------------------------------- */

static const struct fx_bl_table *find_table(const struct fx_bl_decoder *dec, uint64_t id)
{
    for (size_t i = 0; i < dec->n_tables; i++) {
        if (dec->tables[i]->id == id)
            return dec->tables[i];
    }
    return NULL;
}

static bool read_rows(struct fx_bl_decoder *dec, struct fx_str body, struct fx_bl_event *ev,
                      struct fx_err *err)
{
    uint8_t type = ev->head.type;
    bool is_compressed = type >= EV_ROWS_COMPRESSED_V1_FIRST;
    uint8_t first = type >= EV_ROWS_COMPRESSED_V2_FIRST   ? EV_ROWS_COMPRESSED_V2_FIRST
                    : type >= EV_ROWS_COMPRESSED_V1_FIRST ? EV_ROWS_COMPRESSED_V1_FIRST
                    : type >= EV_ROWS_V2_FIRST            ? EV_ROWS_V2_FIRST
                                                          : EV_ROWS_V1_FIRST;
    bool is_v2 = first == EV_ROWS_V2_FIRST || first == EV_ROWS_COMPRESSED_V2_FIRST;
    struct fx_cursor cur = fx_cursor_of(body);
    uint64_t id = fx_cursor_le(&cur, dec->post_header[type] == 6 ? 4 : 6);
    uint64_t flags = fx_cursor_le(&cur, 2);
    if (is_v2) {
        uint64_t extra = fx_cursor_le(&cur, 2); /* counts itself */
        fx_cursor_take(&cur, extra >= 2 ? extra - 2 : UINT64_MAX);
    }
    uint64_t n = fx_cursor_lenenc(&cur);
    if (cur.has_failed || n > COLUMNS_MAX)
        return malformed(ev, err);
    ev->kind = FX_BL_ROWS;
    ev->rows.op = (enum fx_bl_op)(type - first);
    ev->rows.is_last = (flags & ROWS_END_OF_STATEMENT) != 0;
    ev->rows.table = find_table(dec, id);
    ev->rows.n_columns = (size_t)n;
    ev->rows.present[0] = fx_cursor_str(&cur, (n + 7) / 8);
    if (ev->rows.op == FX_BL_UPDATE)
        ev->rows.present[1] = fx_cursor_str(&cur, (n + 7) / 8);
    dec->is_statement_over = ev->rows.is_last;
    if (cur.has_failed)
        return malformed(ev, err);
    if (is_compressed && !inflate_record(dec, &cur, &ev->rows.body, ev, err))
        return false;
    if (!is_compressed)
        ev->rows.body = fx_cursor_str(&cur, fx_cursor_left(&cur));
    bool is_dummy = id == DUMMY_TABLE_ID && ev->rows.body.len == 0;
    if (is_dummy)
        return true;
    if (ev->rows.table == NULL)
        return fx_fail(err, FX_E_PROTOCOL,
                       "the binary log is damaged: it has rows of table number %llu without the "
                       "description of that table",
                       (unsigned long long)id);
    return n == ev->rows.table->n_columns || malformed(ev, err);
}

/* --- dispatch --------------------------------------------------------------------------------- */

static bool read_other(struct fx_bl_event *ev, struct fx_err *err)
{
    switch (ev->head.type) {
    case EV_STOP:
    case EV_INTVAR: /* these three belong to a statement-format QUERY, which is seen itself */
    case EV_RAND:
    case EV_USER_VAR:
    case EV_IGNORABLE:
    case EV_ROWS_QUERY:
    case EV_MYSQL_GTID:
    case EV_MYSQL_ANONYMOUS_GTID:
    case EV_MYSQL_PREVIOUS_GTIDS:
    case EV_ANNOTATE_ROWS:
    case EV_CHECKPOINT:
    case EV_GTID_LIST: return true;
    case EV_INCIDENT:
        return fx_fail(err, FX_E_UNSUPPORTED,
                       "the server wrote to the binary log that events may be missing from it "
                       "(event INCIDENT)") ||
               fx_hint(
                   err,
                   "The server's error log says why. Changes may be missing, so " FX_CMD_NEW_COPY
                   ".");
    default: break;
    }
    if ((ev->head.flags & FLAG_IGNORABLE) != 0)
        return true;
    return fx_fail(err, FX_E_UNSUPPORTED,
                   "the binary log has an event of type %s (number %u), which this release cannot "
                   "read",
                   fx_bl_type_name(ev->head.type), ev->head.type) ||
           fx_hint(err, "It may hold changes of rows, so the stream does not pass it. Turn off the "
                        "server's setting that writes it; then " FX_CMD_NEW_COPY ".");
}

static bool read_body(struct fx_bl_decoder *dec, struct fx_str body, struct fx_bl_event *ev,
                      struct fx_err *err)
{
    uint8_t type = ev->head.type;
    if ((type >= EV_ROWS_V1_FIRST && type <= EV_ROWS_V1_LAST) ||
        (type >= EV_ROWS_V2_FIRST && type <= EV_ROWS_V2_LAST) ||
        (type >= EV_ROWS_COMPRESSED_V1_FIRST && type <= EV_ROWS_COMPRESSED_V2_LAST))
        return read_rows(dec, body, ev, err);
    switch (type) {
    case EV_ROTATE: return read_rotate(body, ev, err);
    case EV_HEARTBEAT: ev->kind = FX_BL_HEARTBEAT; return true;
    case EV_GTID: return read_gtid(dec, body, ev, err);
    case EV_QUERY:
    case EV_QUERY_COMPRESSED: return read_query(dec, body, ev, err);
    case EV_TABLE_MAP: return read_table_map(dec, body, ev, err);
    case EV_XA_PREPARE: ev->kind = FX_BL_XA_PREPARE; return true;
    case EV_XID: {
        struct fx_cursor cur = fx_cursor_of(body);
        ev->kind = FX_BL_XID;
        ev->xid = fx_cursor_le(&cur, 8);
        return !cur.has_failed || malformed(ev, err);
    }
    case EV_BEGIN_LOAD_QUERY:
    case EV_EXECUTE_LOAD_QUERY:
        return fx_fail(err, FX_E_UNSUPPORTED,
                       "the binary log holds LOAD DATA in statement format") ||
               fx_hint(err, "The stream cannot pass it. Set binlog_format=ROW for all sessions, "
                            "then " FX_CMD_NEW_COPY ".");
    default: return read_other(ev, err);
    }
}

bool fx_bl_decode(struct fx_bl_decoder *dec, struct fx_str bytes, struct fx_bl_event *ret,
                  struct fx_err *err)
{
    if (dec->is_statement_over) {
        dec->is_statement_over = false;
        dec->n_tables = 0;
        fx_arena_clear(&dec->arena);
    }
    *ret = (struct fx_bl_event){.kind = FX_BL_OTHER};
    if (!fx_bl_header_read(bytes, &ret->head) || ret->head.len != bytes.len)
        return malformed(ret, err);
    struct fx_str body = fx_str_sub(bytes, FX_BL_HEADER, bytes.len);
    if (ret->head.type == EV_FORMAT_DESCRIPTION)
        return read_format(dec, body, ret, err);
    if (dec->has_checksum) {
        if (body.len < 4)
            return malformed(ret, err);
        uint32_t want = (uint32_t)crc32(0, (const Bytef *)bytes.ptr, (uInt)(bytes.len - 4));
        struct fx_cursor tail = fx_cursor_of(fx_str_sub(bytes, bytes.len - 4, 4));
        if (fx_cursor_le(&tail, 4) != want)
            return fx_fail(
                err, FX_E_PROTOCOL,
                "the binary log is damaged: event %s that ends at byte %u has a wrong checksum",
                fx_bl_type_name(ret->head.type), ret->head.next_pos);
        body.len -= 4;
    }
    return read_body(dec, body, ret, err);
}
