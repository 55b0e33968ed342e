/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/my against a real server: tests/integration/2101-mariadb.sh starts one and names its socket
 * in FX_TEST_MY_SOCKET; without it these tests are skipped.
 *
 * The main one writes rows of every type as literals and demands that the scan and the binary log
 * both give exactly the values that were written.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <pthread.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "lib/my/my_priv.h" /* mysql.h says strcpy: before the ban */

#include "lib/base/rand.h"
#include "lib/base/vec.h"
#include "lib/db/pos.h"
#include "lib/my/binlog.h"
#include "lib/my/rowevent.h"
#include "lib/value/decimal.h"
#include "tests/unit/silence.h"

static struct fx_db_conf conf = {.name = "orders",
                                 .engine = FX_MY,
                                 .user = "ficus",
                                 .dbname = "mysql",
                                 .connect_timeout_ms = 3000};

static struct fx_db *open_db(void)
{
    conf.socket_dir = getenv("FX_TEST_MY_SOCKET");
    if (conf.socket_dir == NULL)
        skip();
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db;
    if (!fx_db_open(&conf, &db, &err))
        fail_msg("%s", err.message);
    return db;
}

#define OK(expr)                                                     \
    do {                                                             \
        if (!(expr))                                                 \
            fail_msg("%s: %s\n%s", #expr, err.message, err.context); \
    } while (0)

static void run(struct fx_db *db, const char *sql)
{
    struct fx_err err = FX_ERR_INIT;
    if (!fx_db_exec(db, sql, NULL, 0, NULL, &err))
        fail_msg("%.200s: %s", sql, err.message);
}

static void test_session__errors_carry_their_class(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    run(db, "create or replace database fx_session; use fx_session;"
            "create table t (id int primary key, x varchar(99) character set utf8mb4)");
    fx_cell params[] = {FX_STR("7"), FX_STR("it's ? \\ \"😀\"")};
    int64_t n = 0;
    OK(fx_db_exec(db, "insert into t values (?, ?) -- why?", params, 2, &n, &err));
    assert_int_equal(n, 1);
    struct fx_rows rows;
    OK(fx_db_query(db, "select x, null from t where id = ? and '?' = '?'", params, 1, &rows, &err));
    assert_int_equal(rows.n_rows, 1);
    assert_true(fx_str_eq(fx_rows_at(&rows, 0, 0), params[1]));
    assert_null(fx_rows_at(&rows, 0, 1).ptr);
    fx_rows_done(&rows);
    OK(fx_db_exec(db, "update t set x = x where id = 7", NULL, 0, &n, &err));
    assert_int_equal(n, 1); /* matched, though nothing changed */
    assert_false(fx_db_exec(db, "insert into t values (7, '')", NULL, 0, &n, &err));
    assert_int_equal(err.code, FX_E_DB);
    assert_int_equal(err.cause_number, 1062);
    OK(fx_db_set_timeout(db, 50, &err));
    assert_false(fx_db_exec(db, "select sleep(5) from t", NULL, 0, &n, &err));
    assert_int_equal(err.code, FX_E_TIMEOUT);
    OK(fx_db_set_timeout(db, 0, &err));
    assert_false(fx_db_is_broken(db));
    struct fx_db *other = open_db();
    run(db, "begin; update fx_session.t set x = 'a'");
    run(other, "set innodb_lock_wait_timeout = 0");
    assert_false(fx_db_exec(other, "update fx_session.t set x = 'b'", NULL, 0, &n, &err));
    assert_int_equal(err.code, FX_E_DB_CONFLICT);
    OK(fx_db_query(other, "select connection_id()", NULL, 0, &rows, &err));
    OK(fx_db_exec(db, "commit", NULL, 0, NULL, &err));
    FX_AUTO(fx_buf) struct fx_buf kill = FX_BUF(99);
    fx_buf_printf(&kill, "kill %.*s", FX_STR_FMT(fx_rows_at(&rows, 0, 0)));
    fx_rows_done(&rows);
    run(db, fx_buf_cstr(&kill));
    assert_false(fx_db_exec(other, "select 1", NULL, 0, &n, &err));
    assert_int_equal(err.code, FX_E_DB_CONNECT);
    assert_true(fx_db_is_broken(other));
    fx_db_close(other);
    fx_db_close(db);
    struct fx_db_conf nowhere = conf;
    nowhere.socket_dir = "/nonexistent/socket";
    assert_false(fx_db_open(&nowhere, &other, &err));
    assert_int_equal(err.code, FX_E_DB_CONNECT);
}

static const char types_sql[] =
    "create or replace database fx_types;"
    "create table fx_types.t ("
    "  id bigint not null auto_increment primary key, b bool, i1 tinyint, i2 smallint, i3 "
    "mediumint,"
    "  i4 int, u1 tinyint unsigned, u2 smallint unsigned, u3 mediumint unsigned, u4 int unsigned,"
    "  u8 bigint unsigned, y year, d1 decimal(12,2), d2 decimal(65,30), d3 decimal(20,6), d4 "
    "decimal(9,9),"
    "  f float, g double, c char(5) character set utf8mb4, c2 char(100) character set utf8mb4,"
    "  v varchar(300) character set utf8mb4,"
    "  tt tinytext, t text, lt longtext, j json, bn binary(16), vb varbinary(300), bl blob, lb "
    "longblob,"
    "  da date, dt0 datetime, dt3 datetime(3), dt6 datetime(6), ts0 timestamp null, ts6 "
    "timestamp(6) null,"
    "  ui uuid, en enum('one','it''s','three'), se set('a','b','c'),"
    "  cv varchar(200) compressed, cb blob compressed, g2 int as (i4 + 1) stored"
    ") character set utf8mb4";

static struct fx_value val_int(int64_t i)
{
    return (struct fx_value){.kind = FX_V_INT, .i = i};
}

static struct fx_str random_bytes(struct fx_rand *rnd, struct fx_arena *arena, size_t len,
                                  bool is_text)
{
    char *out = fx_arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)(is_text ? 'a' + (int)fx_rand_below(rnd, 26) : (int)fx_rand_below(rnd, 256));
    if (len >= 6 && is_text)
        memcpy(out + 1, "😀'", 5);
    return (struct fx_str){out, len};
}

static struct fx_str random_decimal(struct fx_rand *rnd, struct fx_arena *arena,
                                    const struct fx_type *type)
{
    char text[80] = "-";
    size_t used = fx_rand_below(rnd, 2);
    int whole = (int)fx_rand_below(rnd, (uint64_t)(type->precision - type->scale) + 1);
    int part = (int)fx_rand_below(rnd, (uint64_t)type->scale + 1);
    for (int i = 0; i < whole; i++)
        text[used++] = (char)('0' + fx_rand_below(rnd, 10));
    if (whole == 0)
        text[used++] = '0';
    text[used++] = '.';
    for (int i = 0; i < part; i++)
        text[used++] = (char)('0' + fx_rand_below(rnd, 10));
    struct fx_str canon;
    assert_true(fx_decimal_canon((struct fx_str){text, used}, arena, &canon));
    return canon;
}

static double random_double(struct fx_rand *rnd, bool is_float)
{
    for (;;) {
        uint64_t bits = fx_rand_u64(rnd);
        uint32_t low = (uint32_t)bits;
        double d;
        float f;
        memcpy(&d, &bits, sizeof d);
        memcpy(&f, &low, sizeof f);
        double v = is_float ? (double)f : d;
        if (v - v == 0.0)
            return v;
    }
}

static struct fx_value random_value(struct fx_rand *rnd, const struct fx_column *column,
                                    struct fx_arena *arena)
{
    static const int64_t unit[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    const struct fx_type *type = &column->type;
    struct fx_value v = {.kind = type->kind};
    uint64_t r = fx_rand_u64(rnd);
    size_t cap =
        type->length_max > 0 && type->length_max < 400 ? (size_t)type->length_max / 2 : 400;
    switch (type->kind) {
    case FX_V_BOOL: v.i = (int64_t)(r & 1); break;
    case FX_V_INT:
        if (strncmp(type->declared, "year", 4) == 0)
            return val_int(1901 + (int64_t)(r % 255));
        v.i = type->is_unsigned ? (int64_t)(r >> (65 - FX_MIN(type->bits, 63) - 1))
                                : (int64_t)r >> (64 - type->bits);
        break;
    case FX_V_DECIMAL: v.s = random_decimal(rnd, arena, type); break;
    case FX_V_DOUBLE: v.d = random_double(rnd, type->is_float) + 0.0; break;
    case FX_V_TEXT:
        if (strncmp(type->declared, "enum", 4) == 0)
            v.s = r % 2 ? FX_STR("it's") : FX_STR("three");
        else if (strncmp(type->declared, "set", 3) == 0)
            v.s = r % 3 == 0 ? FX_STR("a,c") : r % 3 == 1 ? FX_STR("") : FX_STR("b");
        else
            v.s = random_bytes(rnd, arena, r % (cap + 1), true);
        break;
    case FX_V_BYTES:
        v.s = random_bytes(rnd, arena, type->is_fixed_char ? 16 : r % (cap + 1), false);
        if (type->is_fixed_char && r % 3 == 0)
            memset((char *)(uintptr_t)v.s.ptr + 16 - r % 17, 0, r % 17);
        break;
    case FX_V_JSON: v.s = FX_STR("{\"a\": [1, 2.50, \"ü\"]}"); break;
    case FX_V_DATE: v.i = (int64_t)(r % 3652059) - 719162; break;
    case FX_V_TIMESTAMP:
        v.i = ((int64_t)(r % UINT64_C(315537897600000000)) - INT64_C(62135596800000000));
        break;
    case FX_V_TIMESTAMPTZ: v.i = (int64_t)(r % UINT64_C(2147483646000000)) + 1000000; break;
    case FX_V_UUID:
        for (size_t i = 0; i < 16; i++)
            v.uuid[i] = (uint8_t)(i >= 16 - r % 4 ? 0 : fx_rand_below(rnd, 256));
        v.uuid[8] |= (uint8_t)((v.uuid[6] & 0x80) | 1); /* MariaDB refuses the others */
        break;
    case FX_V_NULL:
    case FX_V_UNREADABLE:
    case FX_V_UNCHANGED: break;
    }
    if (type->kind == FX_V_TIMESTAMP || type->kind == FX_V_TIMESTAMPTZ)
        v.i -= ((v.i % unit[type->precision]) + unit[type->precision]) % unit[type->precision];
    return v;
}

static void insert_row(struct fx_db *db, const struct fx_table *table, const struct fx_value *row,
                       size_t n)
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1 << 20);
    for (size_t i = 0; i < n; i++) {
        fx_buf_add_c(&sql, i > 0 ? ", " : "insert into fx_types.t (");
        fx_db_ident(FX_MY, table->columns[i].name, &sql);
    }
    for (size_t i = 0; i < n; i++) {
        fx_buf_add_c(&sql, i > 0 ? ", " : ") values (");
        OK(fx_db_value_literal(FX_MY, &row[i], &table->columns[i].type, &sql, &err));
    }
    fx_buf_add_char(&sql, ')');
    run(db, fx_buf_cstr(&sql));
}

static void check_same(const struct fx_value *a, const struct fx_value *b, const char *where,
                       const struct fx_column *column)
{
    if (a->kind == FX_V_NULL && b->kind == FX_V_NULL)
        return;
    bool is_same = a->kind == b->kind && fx_value_equal(a, b);
    if (is_same)
        return;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(8192);
    fx_value_show_whole(a, &text);
    fx_buf_add_c(&text, " | ");
    fx_value_show_whole(b, &text);
    fail_msg("%s: column %s (%s): kinds %d %d: %s", where, column->name, column->type.declared,
             (int)a->kind, (int)b->kind, fx_buf_cstr(&text));
}

struct written {
    const struct fx_table *table;
    struct fx_value *cells; /* n_rows x n_columns; generated columns filled in */
    size_t n_rows;
};

static void check_binlog(const struct fx_pos *from, const struct written *w, size_t n_expected)
{
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    FX_AUTO(fx_bl_decoder) struct fx_bl_decoder dec;
    fx_bl_decoder_init(&dec);
    size_t n = w->table->n_columns;
    const struct fx_type **types = fx_arena_array(&arena, n, sizeof *types);
    for (size_t i = 0; i < n; i++)
        types[i] = &w->table->columns[i].type;
    struct fx_value *before = fx_arena_array(&arena, n, sizeof *before);
    struct fx_value *after = fx_arena_array(&arena, n, sizeof *after);
    struct fx_binlog *log;
    OK(fx_binlog_open(&conf, from, &log, &err));
    size_t n_seen = 0;
    while (n_seen < n_expected) {
        enum fx_binlog_got got;
        struct fx_str bytes;
        OK(fx_binlog_next(log, 5000, -1, &got, &bytes, &err));
        assert_int_equal(got, FX_BINLOG_EVENT);
        struct fx_bl_event ev;
        OK(fx_bl_decode(&dec, bytes, &ev, &err));
        if (ev.kind != FX_BL_ROWS)
            continue;
        assert_true(fx_str_eq_c(ev.rows.table->name, w->table->name));
        assert_true(fx_bl_rows_are_full(&ev));
        struct fx_bl_rows rows;
        OK(fx_bl_rows_open(&ev, types, &rows, &err));
        for (;;) {
            bool has_row;
            OK(fx_bl_rows_next(&rows, &arena, before, after, &has_row, &err));
            if (!has_row)
                break;
            const struct fx_value *got_row = ev.rows.op == FX_BL_DELETE ? before : after;
            for (size_t i = 0; i < n; i++) {
                assert_true(fx_str_eq_c(ev.rows.table->columns[i].name, w->table->columns[i].name));
                check_same(&w->cells[n_seen % w->n_rows * n + i], &got_row[i], "binlog",
                           &w->table->columns[i]);
            }
            n_seen++;
        }
    }
    fx_binlog_close(log);
}

static void check_scan(struct fx_db *db, const struct written *w)
{
    struct fx_err err = FX_ERR_INIT;
    size_t n = w->table->n_columns;
    int *all = fx_alloc_array(n, sizeof *all);
    for (size_t i = 0; i < n; i++)
        all[i] = (int)i;
    struct fx_scan_spec spec = {
        .table = w->table, .columns = all, .n_columns = n, .is_ordered = true};
    struct fx_scan *scan;
    OK(fx_scan_open(db, &spec, &scan, &err));
    size_t n_rows = 0;
    for (;;) {
        struct fx_value *row;
        OK(fx_scan_next(scan, &row, &err));
        if (row == NULL)
            break;
        for (size_t i = 0; i < n; i++)
            check_same(&w->cells[n_rows * n + i], &row[i], "scan", &w->table->columns[i]);
        n_rows++;
    }
    fx_scan_close(scan);
    free(all);
    assert_int_equal(n_rows, w->n_rows);
}

static void test_session__a_server_that_falls_silent_is_given_up(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    struct ucred server = {0};
    socklen_t len = sizeof server;
    getsockopt((int)mysql_get_socket(my_of(db)->mysql), SOL_SOCKET, SO_PEERCRED, &server, &len);
    assert_true(server.pid > 1);
    OK(fx_db_set_timeout(db, 100, &err));
    test_silence(server.pid);
    bool is_done = fx_db_exec(db, "select 1", NULL, 0, NULL, &err);
    kill(server.pid, SIGCONT);
    assert_false(is_done);
    assert_int_equal(err.code, FX_E_DB_CONNECT);
    assert_true(fx_db_is_broken(db));
    fx_db_close(db);
}

static void test_types__literals_scan_and_binlog_agree_on_every_value(void **state)
{
    (void)state;
    enum { ROWS = 2000 };
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    run(db, types_sql);
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_table *table;
    OK(fx_db_table(db, "fx_types", "t", &arena, &table, &err));
    assert_int_equal(table->n_key, 1);
    assert_true(table->columns[0].is_identity && !table->columns[0].is_nullable);
    assert_int_equal(table->columns[fx_table_column(table, "j")].type.kind, FX_V_JSON);
    assert_int_equal(table->columns[fx_table_column(table, "lt")].type.kind, FX_V_TEXT);
    assert_true(table->columns[fx_table_column(table, "g2")].is_generated);
    size_t n = table->n_columns;
    int i4 = fx_table_column(table, "i4");
    struct written w = {.table = table, .n_rows = ROWS};
    w.cells = fx_arena_array(&arena, ROWS * n, sizeof *w.cells);
    int *columns = fx_arena_array(&arena, n, sizeof *columns);
    for (size_t i = 0; i < n; i++)
        columns[i] = (int)i;
    FX_AUTO(fx_pos) struct fx_pos from = {0};
    OK(fx_db_pos_now(db, &from, &err));
    struct fx_rand rnd;
    fx_rand_init(&rnd, 42);
    run(db, "begin");
    for (size_t k = 0; k < ROWS; k++) {
        struct fx_value *row = &w.cells[k * n];
        row[0] = val_int((int64_t)k);
        for (size_t i = 1; i + 1 < n; i++) {
            if (k > 0 && (k == 1 || fx_rand_below(&rnd, 8) == 0))
                row[i] = (struct fx_value){.kind = FX_V_NULL};
            else
                row[i] = random_value(&rnd, &table->columns[i], &arena);
        }
        if (row[i4].kind == FX_V_INT && row[i4].i == INT32_MAX)
            row[i4].i--;
        row[n - 1] = row[i4];
        row[n - 1].i++;
        insert_row(db, table, row, n - 1); /* g2 comes last */
    }
    run(db, "commit");
    check_scan(db, &w);
    run(db, "update fx_types.t set id = id + 0, v = v, en = en, y = y where id >= 0 order by id");
    run(db, "delete from fx_types.t order by id");
    check_binlog(&from, &w, ROWS * 2);
    fx_db_close(db);
}

static void test_values__what_the_wire_hides_is_decoded(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    run(db,
        "create or replace database fx_wire; use fx_wire;"
        "create table w (u8 bigint unsigned primary key, a time, b time(3), c time(6), d bit(9),"
        " e inet6, f datetime(1), g timestamp(4) null, h enum('x','y'), i year, j point)");
    FX_AUTO(fx_pos) struct fx_pos from = {0};
    OK(fx_db_pos_now(db, &from, &err));
    run(db, "insert into fx_wire.w values (18446744073709551615, '-838:59:59', '-01:02:03.456',"
            " '12:34:56.000001', b'100000001', '::1', '1000-01-01 00:00:00.1',"
            " '2038-01-19 03:14:07.9999', 'y', 0, point(1, 2))");
    static const char *const expected[] = {"18446744073709551615",
                                           "'-838:59:59'",
                                           "'-01:02:03.456'",
                                           "'12:34:56.000001'",
                                           "257",
                                           NULL,
                                           NULL,
                                           NULL,
                                           "'y'",
                                           "0",
                                           NULL};
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    FX_AUTO(fx_bl_decoder) struct fx_bl_decoder dec;
    fx_bl_decoder_init(&dec);
    struct fx_binlog *log;
    OK(fx_binlog_open(&conf, &from, &log, &err));
    struct fx_bl_event ev = {0};
    while (ev.kind != FX_BL_ROWS) {
        enum fx_binlog_got got;
        struct fx_str bytes;
        OK(fx_binlog_next(log, 5000, -1, &got, &bytes, &err));
        assert_int_equal(got, FX_BINLOG_EVENT);
        OK(fx_bl_decode(&dec, bytes, &ev, &err));
    }
    struct fx_bl_rows rows;
    struct fx_value row[11];
    bool has_row;
    OK(fx_bl_rows_open(&ev, NULL, &rows, &err));
    OK(fx_bl_rows_next(&rows, &arena, NULL, row, &has_row, &err));
    assert_true(has_row);
    for (size_t i = 0; i < FX_ARRAY_LEN(row); i++) {
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(999);
        fx_value_show_whole(&row[i], &text);
        if (expected[i] != NULL)
            assert_string_equal(fx_buf_cstr(&text), expected[i]);
    }
    assert_int_equal(row[6].kind, FX_V_TIMESTAMP);
    assert_int_equal(row[6].i % 1000000, -900000); /* .1 before 1970 */
    assert_int_equal(row[7].i, INT64_C(2147483647999900));
    fx_binlog_close(log);
    fx_db_close(db);
}

static void test_binlog__an_event_of_several_packets_is_joined(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    run(db, "set global max_allowed_packet = 64 << 20;"
            "create or replace database fx_large; create table fx_large.t (id int primary key, b "
            "longblob)");
    fx_db_close(db);
    db = open_db(); /* the new limit is for new sessions */
    FX_AUTO(fx_pos) struct fx_pos from = {0};
    OK(fx_db_pos_now(db, &from, &err));
    run(db, "insert into fx_large.t values (1, repeat('x', 40000000)), (2, 'y')");
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    FX_AUTO(fx_bl_decoder) struct fx_bl_decoder dec;
    fx_bl_decoder_init(&dec);
    struct fx_binlog *log;
    OK(fx_binlog_open(&conf, &from, &log, &err));
    size_t bytes_seen = 0;
    for (int n = 0; n < 2;) {
        enum fx_binlog_got got;
        struct fx_str bytes;
        struct fx_bl_event ev;
        OK(fx_binlog_next(log, 20000, -1, &got, &bytes, &err));
        assert_int_equal(got, FX_BINLOG_EVENT);
        OK(fx_bl_decode(&dec, bytes, &ev, &err));
        struct fx_bl_rows rows;
        struct fx_value row[2];
        bool has_row = ev.kind == FX_BL_ROWS;
        if (has_row)
            OK(fx_bl_rows_open(&ev, NULL, &rows, &err));
        while (has_row) {
            OK(fx_bl_rows_next(&rows, &arena, NULL, row, &has_row, &err));
            n += has_row;
            bytes_seen += has_row ? row[1].s.len : 0;
        }
    }
    assert_int_equal(bytes_seen, 40000001);
    fx_binlog_close(log);
    run(db, "drop database fx_large");
    fx_db_close(db);
}

static void test_catalog__a_character_set_that_is_not_utf8_is_left_to_the_mapping(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    run(db, "create or replace database fx_latin;"
            "create table fx_latin.t (id int primary key, x varchar(9) character set latin1)");
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_table *table;
    OK(fx_db_table(db, "fx_latin", "t", &arena, &table, &err));
    assert_int_equal(table->columns[1].type.kind, FX_V_NULL);
    assert_string_equal(table->columns[1].type.declared, "varchar(9) character set latin1");
    assert_false(fx_db_table(db, "fx_latin", "u", &arena, &table, &err));
    assert_int_equal(err.code, FX_E_DB);
    fx_db_close(db);
}

static void test_scan__keys_come_in_byte_order(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    run(db, "create or replace database fx_keys; use fx_keys;"
            "create table k (k varchar(50) character set utf8mb4 collate utf8mb4_unicode_nopad_ci "
            "primary key);"
            "insert into k values ('b'), ('Z'), ('a b'), ('_'), ('-'), ('a-b'), ('é'), ('😀'), "
            "('～'), (''), ('a'),"
            " (concat('a', char(9)));"
            "create table u (u uuid primary key);"
            "insert into u select uuid() from seq_1_to_200;"
            "insert into u select insert(md5(seq), 17, 1, 'a') from seq_1_to_200;"
            "create table p (k varchar(700) character set utf8mb4 collate utf8mb4_bin primary key);"
            "insert into p select concat(repeat('x', 600), md5(seq)) from seq_1_to_200");
    static const char *const tables[] = {"k", "u", "p"};
    for (size_t t = 0; t < FX_ARRAY_LEN(tables); t++) {
        FX_AUTO(fx_arena) struct fx_arena arena;
        fx_arena_init(&arena, 0);
        struct fx_table *table;
        OK(fx_db_table(db, "fx_keys", tables[t], &arena, &table, &err));
        int column = 0;
        struct fx_scan_spec spec = {
            .table = table, .columns = &column, .n_columns = 1, .is_ordered = true};
        struct fx_scan *scan;
        OK(fx_scan_open(db, &spec, &scan, &err));
        struct fx_value last = {.kind = FX_V_NULL};
        for (int n = 0;; n++) {
            struct fx_value *row;
            OK(fx_scan_next(scan, &row, &err));
            if (row == NULL) {
                assert_true(n >= 12);
                break;
            }
            if (n > 0 && fx_value_key_cmp(&last, row) >= 0)
                fail_msg("table %s: row %d is not after the one before", tables[t], n);
            last = fx_value_copy(row, &arena);
        }
        fx_scan_close(scan);
    }
    fx_db_close(db);
}

static void test_cut__sees_exactly_what_its_position_covers(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    run(db, "create or replace database fx_cut; create table fx_cut.t (id int primary key);"
            "insert into fx_cut.t values (1)");
    FX_AUTO(fx_pos) struct fx_pos before = {0}, after = {0};
    OK(fx_db_pos_now(db, &before, &err));
    struct fx_snapshot *snapshot;
    OK(fx_snapshot_open(&conf, 1000, &snapshot, &err));
    assert_string_equal(fx_pos_text(fx_snapshot_pos(snapshot)), fx_pos_text(&before));
    run(db, "insert into fx_cut.t values (2)");
    OK(fx_db_pos_now(db, &after, &err));
    assert_true(fx_pos_covers(FX_MY, &after, &before));
    assert_false(fx_pos_covers(FX_MY, &before, &after));
    struct fx_rows rows;
    OK(fx_db_query(fx_snapshot_session(snapshot), "select count(*) from fx_cut.t", NULL, 0, &rows,
                   &err));
    assert_true(fx_str_eq_c(fx_rows_at(&rows, 0, 0), "1"));
    fx_rows_done(&rows);
    fx_snapshot_close(snapshot);
    assert_false(fx_binlog_open(
        &(struct fx_db_conf){
            .name = "x", .engine = FX_MY, .user = "ficus", .socket_dir = "/nonexistent"},
        &before, &(struct fx_binlog *){0}, &err));
    assert_int_equal(err.code, FX_E_DB_CONNECT);
    struct fx_binlog *log;
    OK(fx_binlog_open(&conf, &(struct fx_pos)FX_POS("0-1-99999999"), &log, &err));
    enum fx_binlog_got got = FX_BINLOG_EVENT;
    struct fx_str bytes;
    while (fx_binlog_next(log, 3000, -1, &got, &bytes, &err))
        assert_int_equal(got, FX_BINLOG_EVENT);
    assert_int_equal(err.code, FX_E_DRIFT);
    fx_binlog_close(log);
    fx_db_close(db);
}

static bool is_writing;

/* One row a transaction, so that the number of rows says the GTID. */
static void *write_rows(void *arg)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db;
    if (!fx_db_open(arg, &db, &err))
        fail_msg("%s", err.message);
    while (__atomic_load_n(&is_writing, __ATOMIC_ACQUIRE))
        run(db, "insert into fx_cut.w (v) values (1)");
    fx_db_close(db);
    return NULL;
}

static int64_t number(struct fx_db *db, const char *sql)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_rows rows;
    int64_t n = -1;
    OK(fx_db_query(db, sql, NULL, 0, &rows, &err));
    assert_true(fx_decimal_to_int(fx_rows_at(&rows, 0, 0), &n));
    fx_rows_done(&rows);
    return n;
}

static int64_t sequence_of(const struct fx_pos *pos)
{
    struct fx_str rest = fx_pos_str(pos);
    struct fx_gtid gtid;
    assert_true(fx_gtid_next(&rest, &gtid));
    return (int64_t)gtid.seq;
}

static void test_cut__is_exact_while_others_commit(void **state)
{
    (void)state;
    enum { WRITERS = 3, SNAPSHOTS = 40 };
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    pthread_t threads[WRITERS];
    FX_AUTO(fx_pos) struct fx_pos before = {0};
    run(db, "create or replace database fx_cut;"
            "create table fx_cut.w (id int primary key auto_increment, v int)");
    OK(fx_db_pos_now(db, &before, &err));
    __atomic_store_n(&is_writing, true, __ATOMIC_RELEASE);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_rows, &conf), 0);
    for (int i = 0; i < SNAPSHOTS; i++) {
        struct fx_snapshot *snapshot;
        if (i % 10 == 5)
            run(db, "flush binary logs");
        OK(fx_snapshot_open(&conf, 5000, &snapshot, &err));
        int64_t n = number(fx_snapshot_session(snapshot), "select count(*) from fx_cut.w");
        assert_int_equal(sequence_of(fx_snapshot_pos(snapshot)), sequence_of(&before) + n);
        fx_snapshot_close(snapshot);
    }
    __atomic_store_n(&is_writing, false, __ATOMIC_RELEASE);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    fx_db_close(db);
}

/* BINLOG_GTID_POS sees nothing that comes after such a row. */
static void test_cut__after_a_row_that_is_larger_than_a_packet(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    FX_AUTO(fx_pos) struct fx_pos now = {0};
    struct fx_snapshot *snapshot;
    run(db, "flush binary logs; create or replace database fx_cut;"
            "create table fx_cut.l (id int primary key, v longblob);"
            "insert into fx_cut.l values (1, repeat('x', 3000000)), (2, repeat('y', 3000000));"
            "set global max_allowed_packet = 1048576");
    OK(fx_db_pos_now(db, &now, &err));
    bool is_ok = fx_snapshot_open(&conf, 5000, &snapshot, &err);
    run(db, "set global max_allowed_packet = 16777216");
    OK(is_ok);
    assert_string_equal(fx_pos_text(fx_snapshot_pos(snapshot)), fx_pos_text(&now));
    fx_snapshot_close(snapshot);
    fx_db_close(db);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session__errors_carry_their_class),
        cmocka_unit_test(test_session__a_server_that_falls_silent_is_given_up),
        cmocka_unit_test(test_types__literals_scan_and_binlog_agree_on_every_value),
        cmocka_unit_test(test_values__what_the_wire_hides_is_decoded),
        cmocka_unit_test(test_binlog__an_event_of_several_packets_is_joined),
        cmocka_unit_test(test_catalog__a_character_set_that_is_not_utf8_is_left_to_the_mapping),
        cmocka_unit_test(test_scan__keys_come_in_byte_order),
        cmocka_unit_test(test_cut__sees_exactly_what_its_position_covers),
        cmocka_unit_test(test_cut__is_exact_while_others_commit),
        cmocka_unit_test(test_cut__after_a_row_that_is_larger_than_a_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
