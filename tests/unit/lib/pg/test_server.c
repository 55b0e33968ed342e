/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lib/pg against a real server: tests/integration/2001-postgres.sh starts one and names its socket
 * in FX_TEST_PG_SOCKET (folder) and FX_TEST_PG_PORT; without it these tests are skipped.
 *
 * The main one writes rows of every type as literals and demands that the scan of a snapshot and
 * the replication stream give exactly the values that were written.
 */
#define FX_STRTO_ALLOWED /* of numbers that the test knows */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/db/pos.h"
#include "lib/pg/pgoutput.h"
#include "lib/pg/repl.h"
#include "lib/value/map_pg.h"
#include "tests/harness/session.h"
#include "tests/unit/silence.h"

static struct fx_db_conf conf = {
    .name = "mono", .engine = FX_PG, .user = "ficus", .dbname = "shop", .connect_timeout_ms = 3000};

#define OK(expr)                                                     \
    do {                                                             \
        if (!(expr))                                                 \
            fail_msg("%s: %s\n%s", #expr, err.message, err.context); \
    } while (0)

static struct fx_db *open_db(void)
{
    conf.socket_dir = getenv("FX_TEST_PG_SOCKET");
    if (conf.socket_dir == NULL)
        skip();
    const char *port = getenv("FX_TEST_PG_PORT");
    if (port != NULL)
        conf.port = (int)strtol(port, NULL, 10);
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db;
    OK(session_open(&conf, &db, &err));
    return db;
}

static void run(struct fx_db *db, const char *sql)
{
    struct fx_err err = FX_ERR_INIT;
    if (!fx_db_exec(db, sql, NULL, 0, NULL, &err))
        fail_msg("%.200s: %s", sql, err.message);
}

static int64_t count_rows(struct fx_db *db, const struct fx_table *table, const char *where)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_scan *scan;
    struct fx_value *row;
    int64_t n = 0;
    int column = 0;
    struct fx_scan_spec spec = {
        .table = table, .columns = &column, .n_columns = 1, .where = where, .is_ordered = true};
    OK(fx_scan_open(db, &spec, &scan, &err));
    for (;;) {
        OK(fx_scan_next(scan, &row, &err));
        if (row == NULL)
            break;
        n++;
    }
    fx_scan_close(scan);
    return n;
}

/* --- sessions --------------------------------------------------------------------------------- */

static void test_session__rows_add_up_over_a_text_and_parameters_are_data(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    int64_t n = 0;
    run(db, "drop table if exists s; create table s (id int primary key, t text)");
    OK(fx_db_exec(db,
                  "insert into s values (1, 'a'), (2, 'b'); update s set t = 'c'; select 1;"
                  " delete from s where id = 2",
                  NULL, 0, &n, &err));
    assert_int_equal(n, 5);
    fx_cell params[] = {FX_STR("it's ? \\ \"😀\""), FX_STR("1")};
    OK(fx_db_exec(db, "update s set t = ? where id = ?::int", params, 2, &n, &err));
    assert_int_equal(n, 1);
    struct fx_rows rows;
    OK(fx_db_query(db, "select t, null from s", NULL, 0, &rows, &err));
    assert_true(fx_str_eq(fx_rows_at(&rows, 0, 0), params[0]));
    assert_null(fx_rows_at(&rows, 0, 1).ptr);
    fx_rows_done(&rows);
    fx_cell null = {NULL, 0};
    OK(fx_db_exec(db, "update s set t = ?", &null, 1, &n, &err));
    fx_db_close(db);
}

static void test_session__settings_of_a_role_do_not_change_what_is_read(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    run(db,
        "alter role ficus set datestyle = 'German'; alter role ficus set timezone = 'Asia/Tokyo';"
        " alter role ficus set extra_float_digits = -3; alter role ficus set bytea_output = "
        "'escape'");
    fx_db_close(db);
    db = open_db();
    run(db, "alter role ficus reset all");
    struct fx_rows rows;
    OK(fx_db_query(db, "select timestamptz '2024-01-02 03:04:05+00', 0.1::float8, '\\x00'::bytea",
                   NULL, 0, &rows, &err));
    assert_true(fx_str_eq_c(fx_rows_at(&rows, 0, 0), "2024-01-02 03:04:05+00"));
    assert_true(fx_str_eq_c(fx_rows_at(&rows, 0, 1), "0.1"));
    assert_true(fx_str_eq_c(fx_rows_at(&rows, 0, 2), "\\x00"));
    fx_rows_done(&rows);
    fx_db_close(db);
}

static void check_fails(struct fx_db *db, const char *sql, enum fx_code code, const char *sqlstate)
{
    struct fx_err err = FX_ERR_INIT;
    assert_false(fx_db_exec(db, sql, NULL, 0, NULL, &err));
    assert_int_equal(err.code, code);
    assert_string_equal(err.sqlstate, sqlstate);
}

static void test_session__failures_have_their_class_and_a_lost_session_stays_lost(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    struct fx_db *other = open_db();
    check_fails(db, "select 1/0", FX_E_DB, "22012");
    run(db, "drop table if exists l; create table l (id int primary key)");
    run(other, "begin; lock table l in exclusive mode");
    run(db, "set lock_timeout = '50ms'");
    check_fails(db, "insert into l values (1)", FX_E_DB_CONFLICT, "55P03");
    run(other, "rollback");
    OK(fx_db_set_timeout(db, 50, &err));
    check_fails(db, "select pg_sleep(5)", FX_E_TIMEOUT, "57014");
    OK(fx_db_set_timeout(db, 0, &err));
    run(db, "select pg_sleep(0.1)");
    assert_false(
        fx_db_exec(db, "select pg_terminate_backend(pg_backend_pid())", NULL, 0, NULL, &err));
    assert_int_equal(err.code, FX_E_DB_CONNECT);
    assert_true(fx_db_is_broken(db));
    assert_false(fx_db_exec(db, "select 1", NULL, 0, NULL, &err));
    assert_int_equal(err.code, FX_E_DB_CONNECT);
    fx_db_close(db);
    fx_db_close(other);
}

/* statement_timeout does not bound a commit that waits for its standby, nor a server that hangs. */
static void test_session__a_server_that_falls_silent_is_given_up(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    OK(fx_db_query(db, "select pg_backend_pid()", NULL, 0, &rows, &err));
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(32);
    fx_buf_add(&text, fx_rows_at(&rows, 0, 0));
    int pid = (int)strtol(fx_buf_cstr(&text), NULL, 10);
    OK(fx_db_set_timeout(db, 100, &err));
    int64_t began = fx_mono_now().us;
    test_silence(pid);
    bool is_done = fx_db_exec(db, "select 1", NULL, 0, NULL, &err);
    kill(pid, SIGCONT);
    int64_t took_ms = (fx_mono_now().us - began) / 1000;
    assert_false(is_done);
    assert_int_equal(err.code, FX_E_DB_CONNECT);
    assert_true(fx_db_is_broken(db));
    assert_in_range(took_ms, 2000, 4000);
    fx_db_close(db);
}

static void test_session__an_unreachable_server_is_named(void **state)
{
    (void)state;
    fx_db_close(open_db());
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db;
    struct fx_db_conf nowhere = conf;
    nowhere.socket_dir = "/nonexistent";
    assert_false(fx_db_open(&nowhere, &db, &err));
    assert_int_equal(err.code, FX_E_DB_CONNECT);
    assert_true(err.is_retriable);
    assert_non_null(strstr(err.message, "/nonexistent"));
}

/* --- catalog ---------------------------------------------------------------------------------- */

static void test_catalog__keys_sequences_generated_columns_and_leaves_are_found(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    struct fx_table *t;
    run(db, "drop schema if exists \"my \"\"s\" cascade; create schema \"my \"\"s\";"
            "create table \"my \"\"s\".\"T\" (b text not null, a serial, g int generated always as "
            "(1) stored,"
            " p point, dropped int, primary key (a, b));"
            "alter table \"my \"\"s\".\"T\" drop column dropped;"
            "alter table \"my \"\"s\".\"T\" replica identity full");
    OK(fx_db_table(db, "my \"s", "T", &arena, &t, &err));
    assert_int_equal(t->n_columns, 4);
    assert_int_equal(t->n_key, 2);
    assert_string_equal(t->columns[t->key[0]].name, "a");
    assert_string_equal(t->columns[t->key[1]].name, "b");
    assert_string_equal(t->columns[1].sequence, "\"my \"\"s\".\"T_a_seq\"");
    assert_true(t->columns[1].is_identity);
    assert_true(t->columns[2].is_generated);
    assert_int_equal(t->columns[3].type.kind, FX_V_NULL);
    assert_string_equal(t->columns[3].type.declared, "point");
    assert_int_equal(t->replica_identity, 'f');
    run(db, "drop table if exists pt; create table pt (id int, p int, primary key (id, p))"
            " partition by range (p);"
            "create table pt1 partition of pt for values from (0) to (10) partition by range (id);"
            "create table pt11 partition of pt1 for values from (0) to (10);"
            "create table pt2 partition of pt for values from (10) to (20)");
    OK(fx_db_table(db, "public", "pt", &arena, &t, &err));
    assert_string_equal(t->leaves[0], "public.pt11");
    assert_string_equal(t->leaves[1], "public.pt2");
    assert_null(t->leaves[2]);
    assert_false(fx_db_table(db, "public", "no such", &arena, &t, &err));
    assert_int_equal(err.code, FX_E_DB);
    run(db, "create or replace view vw as select 1 as id");
    assert_false(fx_db_table(db, "public", "vw", &arena, &t, &err));
    fx_db_close(db);
}

static void test_catalog__the_fingerprint_follows_the_shape(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    struct fx_table *before, *same, *after;
    run(db, "drop table if exists f; create table f (id int primary key, n numeric(10,2))");
    OK(fx_db_table(db, "public", "f", &arena, &before, &err));
    run(db, "insert into f values (1, 1)");
    OK(fx_db_table(db, "public", "f", &arena, &same, &err));
    run(db, "alter table f alter n type numeric(10,3)");
    OK(fx_db_table(db, "public", "f", &arena, &after, &err));
    assert_string_equal(before->fingerprint, same->fingerprint);
    assert_string_not_equal(before->fingerprint, after->fingerprint);
    fx_db_close(db);
}

/* --- every type, through scan and stream ------------------------------------------------------ */

static const char every_type[] =
    "drop table if exists every cascade; create table every (id bigint primary key, i integer, s "
    "smallint,"
    " n numeric(20,4), nn numeric, t text, v varchar(20), c char(5), b boolean, ts timestamp,"
    " tz timestamptz, d date, y bytea, u uuid, j json, jb jsonb, f double precision, r real)";
/* Each column's texts, cycled through the rows; NULL comes first. */
static const char *const cells[][7] = {
    {"1", "2", "3", "4", "5", "6", "7"},
    {NULL, "0", "-2147483648", "2147483647", "7", "-1", "1"},
    {NULL, "0", "-32768", "32767", "7", "-1", "1"},
    {NULL, "0", "-9999999999999999.9999", "0.0001", "12.3400", "1", "100"},
    {NULL, "NaN", "Infinity", "-Infinity", "0.000000000000000000001", "1e100", "-0"},
    {NULL, "", " ", "it's \\ '' \"x\"", "😀é\n\t", "N", "NULL"},
    {NULL, "", "a ", "ünï", "x;y", "1:2", "0"},
    {NULL, "", "ab", "abcde", "é", "x", " y"},
    {NULL, "t", "f", "t", "f", "t", "f"},
    {NULL, "infinity", "-infinity", "2024-02-29 23:59:59.999999", "0001-01-01 00:00:00",
     "4713-01-01 00:00:00 BC", "294246-12-31 00:00:00"},
    {NULL, "infinity", "1970-01-01 00:00:00+00", "2024-02-29 12:00:00.5+05:30",
     "0044-03-15 00:00:00+00 BC", "1969-12-31 23:59:59.999999+00", "9999-12-31 23:59:59+00"},
    {NULL, "infinity", "0001-01-01", "2024-02-29", "4713-01-01 BC", "9999-12-31", "5874897-12-31"},
    {NULL, "\\x", "\\x00", "\\x00ff275c", "\\x27", "\\xdeadbeef", "\\x0a0d"},
    {NULL, "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "00000000-0000-0000-0000-000000000100",
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a13"},
    {NULL, "null", "{\"b\": 1,\"a\":2.50}", "[]", "\"\\ud83d\\ude00\"", "1e400",
     "{\"k\":1,\"k\":2}"},
    {NULL, "null", "{\"b\": 1,\"a\":2.50}", "[]", "\"😀\"", "100", "{}"},
    {NULL, "NaN", "Infinity", "0.1", "5e-324", "-1.7976931348623157e308", "-0"},
    {NULL, "NaN", "-Infinity", "0.1", "1.1754944e-38", "3.4028235e38", "-0"},
};
enum { N_ROWS = 7 };

/* The values that the table should hold: read from the texts by lib/value, written as literals. */
static void fill(struct fx_db *db, const struct fx_table *t, struct fx_arena *arena,
                 struct fx_value *rows)
{
    struct fx_err err = FX_ERR_INIT;
    for (size_t r = 0; r < N_ROWS; r++) {
        FX_AUTO(fx_buf) struct fx_buf sql = FX_BUF(1 << 16);
        fx_buf_add_c(&sql, "insert into every values (");
        for (size_t c = 0; c < t->n_columns; c++) {
            struct fx_value *v = &rows[r * t->n_columns + c];
            OK(fx_pg_value(&t->columns[c].type, fx_str_from(cells[c][r]), arena, v, &err));
            fx_buf_add_c(&sql, c > 0 ? "," : "");
            OK(fx_db_value_literal(FX_PG, v, &t->columns[c].type, &sql, &err));
        }
        fx_buf_add_c(&sql, ")");
        run(db, fx_buf_cstr(&sql));
    }
}

static void check_value(const struct fx_table *t, size_t r, size_t c, const struct fx_value *is,
                        const struct fx_value *want)
{
    if (fx_value_equal(is, want))
        return;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    fx_value_show_whole(is, &out);
    fx_buf_add_c(&out, " is not ");
    fx_value_show_whole(want, &out);
    fail_msg("row %zu, column %s: %s", r, t->columns[c].name, fx_buf_cstr(&out));
}

static void check_scan(struct fx_db *db, const struct fx_table *t, const struct fx_value *rows)
{
    struct fx_err err = FX_ERR_INIT;
    struct fx_scan *scan;
    struct fx_value *row;
    int columns[32];
    for (size_t c = 0; c < t->n_columns; c++)
        columns[c] = (int)c;
    struct fx_scan_spec spec = {
        .table = t, .columns = columns, .n_columns = t->n_columns, .is_ordered = true};
    OK(fx_scan_open(db, &spec, &scan, &err));
    for (size_t r = 0; r < N_ROWS; r++) {
        OK(fx_scan_next(scan, &row, &err));
        assert_non_null(row);
        for (size_t c = 0; c < t->n_columns; c++)
            check_value(t, r, c, &row[c], &rows[r * t->n_columns + c]);
    }
    OK(fx_scan_next(scan, &row, &err));
    assert_null(row);
    fx_scan_close(scan);
}

/* Reads until a commit whose end covers `goal`; checks each insert into the table on the way. */
static size_t check_stream(struct fx_pg_repl *repl, const struct fx_table *t,
                           const struct fx_value *rows, uint64_t goal)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_mono until = fx_mono_add_ms(fx_mono_now(), 10000);
    size_t n = 0;
    for (;;) {
        struct fx_pg_repl_msg frame;
        struct fx_pgo_msg msg;
        assert_false(fx_mono_reached(until, fx_mono_now()));
        OK(fx_pg_repl_read(repl, 200, -1, &frame, &err));
        if (frame.kind == FX_PG_REPL_KEEPALIVE && frame.end_lsn >= goal)
            return n;
        if (frame.kind != FX_PG_REPL_DATA)
            continue;
        OK(fx_pgo_decode(frame.payload, &arena, &msg, &err));
        if (msg.kind == FX_PGO_COMMIT && msg.commit.end_lsn >= goal)
            return n;
        if (msg.kind != FX_PGO_INSERT)
            continue;
        assert_int_equal(msg.row.new.n_cells, t->n_columns);
        for (size_t c = 0; c < t->n_columns; c++) {
            struct fx_value v;
            struct fx_pgo_cell *cell = &msg.row.new.cells[c];
            struct fx_str text = cell->kind == FX_PGO_NULL ? (struct fx_str){0} : cell->bytes;
            OK(fx_pg_value(&t->columns[c].type, text, &arena, &v, &err));
            check_value(t, n, c, &v, &rows[n * t->n_columns + c]);
        }
        n++;
    }
}

static void test_types__scan_and_stream_give_exactly_what_was_written(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    struct fx_table *t;
    struct fx_pg_repl *repl;
    FX_AUTO(fx_pos) struct fx_pos point = {0}, end = {0};
    char snapshot[64];
    uint64_t goal = 0, from = 0;
    run(db, every_type);
    run(db, "drop publication if exists fx_p; create publication fx_p for table every;"
            " select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name "
            "= 'fx_s'");
    OK(fx_db_table(db, "public", "every", &arena, &t, &err));
    OK(fx_pg_repl_open(&conf, &repl, &err));
    OK(fx_pg_repl_create_slot(repl, "fx_s", false, &point, snapshot, sizeof snapshot, &err));
    struct fx_value *rows = fx_arena_array(&arena, N_ROWS * t->n_columns, sizeof *rows);
    fill(db, t, &arena, rows);
    check_scan(db, t, rows);
    OK(fx_db_pos_now(db, &end, &err));
    assert_true(fx_pos_covers(FX_PG, &end, &point));
    OK(fx_pg_lsn_parse(fx_pos_text(&end), &goal) && fx_pg_lsn_parse(fx_pos_text(&point), &from));
    OK(fx_pg_repl_start(repl, "fx_s", "fx_p", from, &err));
    assert_int_equal(check_stream(repl, t, rows, goal), N_ROWS);
    OK(fx_pg_repl_feedback(repl, goal, true, &err));
    fx_pg_repl_close(repl);
    OK(fx_pg_repl_open(&conf, &repl, &err));
    for (int i = 0; i < 50; i++) { /* the old walsender may need a moment to let go */
        if (fx_pg_repl_start(repl, "fx_s", "fx_p", goal, &err))
            break;
        assert_string_equal(err.sqlstate, "55006");
        fx_sleep_ms(50);
    }
    run(db, "insert into every select * from every where false");
    fx_pg_repl_close(repl);
    fx_sleep_ms(100);
    run(db, "select pg_drop_replication_slot('fx_s')");
    fx_db_close(db);
}

/* --- snapshots ----------------------------------------------------------------------------- */

static void test_cut__sees_what_committed_before_its_position_and_nothing_after(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    struct fx_table *t;
    struct fx_snapshot *snapshot;
    FX_AUTO(fx_pos) struct fx_pos before = {0}, after = {0};
    run(db, "drop table if exists ct; create table ct (id int primary key);"
            " insert into ct select generate_series(1, 1000)");
    OK(fx_db_table(db, "public", "ct", &arena, &t, &err));
    OK(fx_db_pos_now(db, &before, &err));
    OK(fx_snapshot_open(&conf, 5000, &snapshot, &err));
    run(db, "insert into ct select generate_series(1001, 1500); delete from ct where id < 100");
    OK(fx_db_pos_now(db, &after, &err));
    assert_true(fx_pos_covers(FX_PG, fx_snapshot_pos(snapshot), &before));
    assert_true(fx_pos_covers(FX_PG, &after, fx_snapshot_pos(snapshot)));
    assert_false(fx_pos_covers(FX_PG, fx_snapshot_pos(snapshot), &after));
    assert_int_equal(count_rows(fx_snapshot_session(snapshot), t, NULL), 1000);
    assert_int_equal(count_rows(db, t, NULL), 1401);
    fx_snapshot_close(snapshot);
    fx_sleep_ms(100);
    struct fx_rows rows;
    OK(fx_db_query(db,
                   "select count(*) from pg_replication_slots where slot_name like 'ficus_cut_%'",
                   NULL, 0, &rows, &err));
    assert_true(fx_str_eq_c(fx_rows_at(&rows, 0, 0), "0"));
    fx_rows_done(&rows);
    fx_db_close(db);
}

static void test_cut__waits_for_running_transactions_no_longer_than_it_may(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    struct fx_db *slow = open_db();
    struct fx_snapshot *snapshot;
    run(db, "drop table if exists w; create table w (id int primary key)");
    run(slow, "begin; insert into w values (1)");
    assert_false(fx_snapshot_open(&conf, 200, &snapshot, &err));
    assert_int_equal(err.code, FX_E_TIMEOUT);
    assert_true(err.hint[0] != '\0');
    run(slow, "commit");
    OK(fx_snapshot_open(&conf, 5000, &snapshot, &err));
    fx_snapshot_close(snapshot);
    fx_db_close(slow);
    fx_db_close(db);
}

static void test_scan__closing_early_leaves_the_snapshot_as_it_was(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_err err = FX_ERR_INIT;
    struct fx_db *db = open_db();
    struct fx_db *writer = open_db();
    struct fx_table *t;
    struct fx_scan *scan;
    struct fx_value *row;
    int column = 0;
    run(writer, "drop table if exists big; create table big (k text primary key);"
                " insert into big select chr(65 + i % 50) || i from generate_series(1, 100000) i");
    OK(fx_db_table(db, "public", "big", &arena, &t, &err));
    OK(fx_db_snapshot_begin(db, &err));
    run(writer, "truncate s; delete from big where k < 'B'");
    struct fx_scan_spec spec = {.table = t, .columns = &column, .n_columns = 1, .is_ordered = true};
    OK(fx_scan_open(db, &spec, &scan, &err));
    char last[32] = "";
    for (int i = 0; i < 1000; i++) {
        OK(fx_scan_next(scan, &row, &err));
        struct fx_str k = row[0].s;
        assert_true(fx_str_cmp(fx_str_from(last), k) < 0); /* bytewise ascending */
        snprintf(last, sizeof last, "%.*s", FX_STR_FMT(k));
    }
    fx_scan_close(scan);
    assert_int_equal(count_rows(db, t, NULL), 100000);
    fx_db_close(db);
    fx_db_close(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session__rows_add_up_over_a_text_and_parameters_are_data),
        cmocka_unit_test(test_session__settings_of_a_role_do_not_change_what_is_read),
        cmocka_unit_test(test_session__failures_have_their_class_and_a_lost_session_stays_lost),
        cmocka_unit_test(test_session__a_server_that_falls_silent_is_given_up),
        cmocka_unit_test(test_session__an_unreachable_server_is_named),
        cmocka_unit_test(test_catalog__keys_sequences_generated_columns_and_leaves_are_found),
        cmocka_unit_test(test_catalog__the_fingerprint_follows_the_shape),
        cmocka_unit_test(test_types__scan_and_stream_give_exactly_what_was_written),
        cmocka_unit_test(test_cut__sees_what_committed_before_its_position_and_nothing_after),
        cmocka_unit_test(test_cut__waits_for_running_transactions_no_longer_than_it_may),
        cmocka_unit_test(test_scan__closing_early_leaves_the_snapshot_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
