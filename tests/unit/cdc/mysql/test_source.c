/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MariaDB source on a real server (FX_TEST_MY_SOCKET, see tests/integration/2102-source-my.sh):
 * what was committed comes as transactions in order, loops and foreign tables do not, and what
 * cannot be carried stops it.
 *
 * Each test writes SQL and compares the events, printed as text, with what they must be.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "cdc/mysql/my_priv.h"
#include "cdc/sink/sink.h"
#include "lib/base/alloc.h"

extern const char lib_ownership_sql_my_install[];
extern const char cdc_mysql_sql_install[];

static struct fx_db_conf conf = {.name = "orders",
                                 .engine = FX_MY,
                                 .user = "ficus",
                                 .dbname = "mysql",
                                 .connect_timeout_ms = 3000};

struct rig {
    struct fx_arena arena;
    struct fx_db *db;
    struct cdc_binding binding;
    struct cdc_source *src;
    struct fx_buf seen;
    struct fx_err err;
};

#define OK(rig, expr)                                                              \
    do {                                                                           \
        if (!(expr))                                                               \
            fail_msg("%s: %s\n%s", #expr, (rig)->err.message, (rig)->err.context); \
    } while (0)

static void run(struct rig *rig, const char *sql)
{
    OK(rig, fx_db_exec(rig->db, sql, NULL, 0, NULL, &rig->err));
}

static void open_source(struct rig *rig)
{
    FX_AUTO(fx_pos) struct fx_pos from = {0};
    OK(rig, fx_db_pos_now(rig->db, &from, &rig->err));
    OK(rig, cdc_my_source_open(&rig->binding, &from, -1, &rig->src, &rig->err));
}

static void bind_table(struct rig *rig, size_t i, const char *schema, const char *name)
{
    struct fx_map_table *map = &rig->binding.ctx.tables[i];
    OK(rig, fx_db_table(rig->db, schema, name, &rig->arena, &map->new_table, &rig->err));
}

static int setup(void **state)
{
    struct rig *rig = FX_NEW(struct rig);
    *state = rig;
    fx_arena_init(&rig->arena, 0);
    rig->seen = FX_BUF(1 << 20);
    conf.socket_dir = getenv("FX_TEST_MY_SOCKET");
    if (conf.socket_dir == NULL)
        return 0;
    OK(rig, fx_db_open(&conf, &rig->db, &rig->err));
    run(rig, lib_ownership_sql_my_install);
    run(rig, cdc_mysql_sql_install);
    run(rig, "create or replace database shop; create database if not exists other;"
             "create table shop.orders (id bigint primary key, note varchar(50)) engine=innodb;"
             "create or replace table other.t (id int auto_increment primary key, x int);"
             "create or replace table other.m (id int) engine=myisam;"
             "delete from ficus.progress; delete from ficus.marker; delete from ficus.barrier;"
             "delete from ficus.own; insert into ficus.own values ('orders', 'HERE', 1, null, '');"
             "insert into ficus.progress (stream, position) values ('orders-forward', '0/1')");
    rig->binding = (struct cdc_binding){.direction = FX_REVERSE,
                                        .source = &conf,
                                        .stream = "orders-reverse",
                                        .other_stream = "orders-forward",
                                        .canary_group = "orders.canary"};
    rig->binding.ctx.name = "orders";
    rig->binding.ctx.n_tables = 2;
    rig->binding.ctx.tables = fx_arena_array(&rig->arena, 2, sizeof(struct fx_map_table));
    bind_table(rig, 0, "shop", "orders");
    bind_table(rig, 1, "ficus", "canary");
    open_source(rig);
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;
    if (rig->src != NULL)
        rig->src->ops->close(rig->src);
    fx_db_close(rig->db);
    fx_buf_done(&rig->seen);
    fx_arena_done(&rig->arena);
    free(rig);
    return 0;
}

static struct rig *rig_of(void **state)
{
    struct rig *rig = *state;
    if (rig->db == NULL)
        skip();
    return rig;
}

static void show_row(struct rig *rig, const struct cdc_row *row)
{
    static const char *const ops[] = {"insert", "update", "delete"};
    const struct fx_table *table = cdc_source_table(&rig->binding, row->table);
    fx_buf_printf(&rig->seen, "%lld:%s %s(", (long long)row->ordinal, ops[row->op], table->name);
    for (int image = 0; image < 2; image++) {
        const struct fx_value *values = image == 0 ? row->old : row->new;
        for (size_t i = 0; values != NULL && i < 2; i++) {
            fx_buf_add_c(&rig->seen, i > 0 ? "," : image > 0 && row->old != NULL ? " -> " : "");
            fx_value_show_whole(&values[i], &rig->seen);
        }
    }
    fx_buf_add_c(&rig->seen, ") ");
}

static void show(struct rig *rig, const struct cdc_event *ev)
{
    switch (ev->kind) {
    case CDC_EV_NONE:
    case CDC_EV_PASSED: break;
    case CDC_EV_BEGIN: fx_buf_add_c(&rig->seen, ev->txn.is_loop ? "loop " : "begin "); break;
    case CDC_EV_ROW: show_row(rig, &ev->row); break;
    case CDC_EV_TRUNCATE:
        fx_buf_printf(&rig->seen, "truncate %s ",
                      cdc_source_table(&rig->binding, ev->truncated)->name);
        break;
    case CDC_EV_OWN:
        fx_buf_printf(&rig->seen, "own %s %d %lld ", ev->own.group, (int)ev->own.state,
                      (long long)ev->own.epoch);
        break;
    case CDC_EV_BARRIER:
        fx_buf_printf(&rig->seen, "barrier %s %lld ", ev->barrier.group,
                      (long long)ev->barrier.epoch);
        break;
    case CDC_EV_COMMIT: fx_buf_add_c(&rig->seen, "commit; "); break;
    case CDC_EV_ABORT: fx_buf_add_c(&rig->seen, "abort; "); break;
    }
}

/* Reads until a position was told that covers all
 * that the server has; false when the source stops. */
static bool read_all(struct rig *rig)
{
    FX_AUTO(fx_pos) struct fx_pos goal = {0}, at = {0};
    OK(rig, fx_db_pos_now(rig->db, &goal, &rig->err));
    for (int i = 0; i < 10000; i++) {
        struct cdc_event ev;
        if (!rig->src->ops->next(rig->src, 200, &ev, &rig->err))
            return false;
        show(rig, &ev);
        if (ev.kind == CDC_EV_PASSED)
            fx_pos_copy(&at, &ev.pos);
        else if (ev.kind == CDC_EV_COMMIT)
            fx_pos_copy(&at, &ev.txn.pos);
        if (fx_pos_covers(FX_MY, &at, &goal))
            return true;
    }
    fail_msg("the position never arrived: %s, wanted %s", fx_pos_text(&at), fx_pos_text(&goal));
    return false;
}

static void check_events(struct rig *rig, const char *sql, const char *expected)
{
    fx_buf_clear(&rig->seen);
    run(rig, sql);
    if (!read_all(rig))
        fail_msg("%.80s: %s\n%s", sql, rig->err.message, rig->err.context);
    if (strcmp(fx_buf_cstr(&rig->seen), expected) != 0)
        fail_msg("%s\nexpected: %s\ngot:      %s", sql, expected, fx_buf_cstr(&rig->seen));
}

static void check_stop(struct rig *rig, const char *sql, enum fx_code code, const char *word)
{
    fx_buf_clear(&rig->seen);
    run(rig, sql);
    if (read_all(rig))
        fail_msg("%s: nothing stopped: %s", sql, fx_buf_cstr(&rig->seen));
    if (rig->err.code != code || strstr(rig->err.message, word) == NULL)
        fail_msg("%s: %s: %s", sql, fx_code_name(rig->err.code), rig->err.message);
}

static void test_source_my__transactions_come_whole_and_in_order(void **state)
{
    struct rig *rig = rig_of(state);
    check_events(
        rig,
        "begin; insert into shop.orders values (1, 'a'), (2, null);"
        "insert into other.t (x) values (1); update shop.orders set note = 'b' where id = 1;"
        "delete from shop.orders where id = 2; commit;"
        "insert into shop.orders values (3, '😀')",
        "begin 1:insert orders(1,'a') 2:insert orders(2,NULL) "
        "3:update orders(1,'a' -> 1,'b') 4:delete orders(2,NULL) commit; "
        "begin 1:insert orders(3,'😀') commit; ");
    check_events(rig, "insert into ficus.canary (id, grp) values (7, 'orders')",
                 "begin 1:insert canary(7,'orders') commit; ");
    check_events(rig,
                 "begin; insert into shop.orders values (4, ''); savepoint s;"
                 "insert into shop.orders values (5, ''); rollback to s; commit",
                 "begin 1:insert orders(4,'') commit; ");
}

static void test_source_my__what_is_not_ours_only_moves_the_position(void **state)
{
    struct rig *rig = rig_of(state);
    check_events(
        rig,
        "insert into other.t (x) values (1), (2); insert into other.m values (1);"
        "begin; insert into shop.orders values (9, ''); rollback; alter table other.t add y int;"
        "analyze table shop.orders; create or replace view other.v as select * from shop.orders;"
        "xa start 'x'; insert into other.t (x) values (1); xa end 'x'; xa prepare 'x';"
        "xa commit 'x'; insert into ficus.gate values ('x', 1); delete from ficus.gate;"
        "flush binary logs",
        "");
}

static void test_source_my__loops_are_marked_and_their_rows_dropped(void **state)
{
    struct rig *rig = rig_of(state);
    check_events(
        rig,
        "begin; update ficus.progress set position = '0/2' where stream = 'orders-forward';"
        "insert into shop.orders values (10, 'loop');"
        "insert into ficus.barrier values ('orders', 5, '0/2'); commit;"
        "begin; update ficus.progress set position = '0/3' where stream = 'orders-forward'; commit",
        "loop barrier orders 5 commit; loop commit; ");
    check_stop(rig,
               "begin; insert into shop.orders values (11, 'late');"
               "update ficus.progress set position = '0/4' where stream = 'orders-forward'; commit",
               FX_E_PROTOCOL, "the loop marker of stream");
}

static void test_source_my__ownership_and_markers_are_events(void **state)
{
    struct rig *rig = rig_of(state);
    check_events(rig,
                 "begin; update ficus.own set state = 'FENCED', epoch = 2 where grp = 'orders';"
                 "insert into ficus.marker (grp, epoch) values ('orders', 2); commit",
                 "begin own orders 2 2 barrier orders 2 commit; ");
}

static void test_source_my__our_own_ddl_passes(void **state)
{
    struct rig *rig = rig_of(state);
    check_events(
        rig,
        "create trigger /* ficus */ shop.ficus_fence_orders_2_i before insert on shop.orders"
        " for each row begin set @x = 1; end; drop trigger /* ficus */ shop.ficus_fence_orders_2_i;"
        "insert into shop.orders values (12, '')",
        "begin 1:insert orders(12,'') commit; ");
}

static void test_source_my__ddl_on_a_carried_table_stops(void **state)
{
    check_stop(rig_of(state), "use shop; alter table orders add z int", FX_E_DRIFT, "shop.orders");
}

static void test_source_my__truncate_is_an_event(void **state)
{
    struct rig *rig = rig_of(state);
    check_events(rig, "truncate shop.orders; use shop; truncate table orders",
                 "begin truncate orders commit; begin truncate orders commit; ");
}

static void test_source_my__truncate_of_a_temporary_table_stops(void **state)
{
    check_stop(
        rig_of(state),
        "use shop; set session binlog_format = statement;"
        "create temporary table orders(id int); truncate orders; drop temporary table orders;"
        "set session binlog_format = row",
        FX_E_UNSUPPORTED, "shop.orders\" was truncated");
}

static void test_source_my__statement_format_stops(void **state)
{
    struct rig *rig = rig_of(state);
    check_stop(rig,
               "set session binlog_format = statement; insert into shop.orders values (20, 'x');"
               "set session binlog_format = row",
               FX_E_UNSUPPORTED, "statement format");
}

static void test_source_my__partial_rows_stop(void **state)
{
    check_stop(
        rig_of(state),
        "insert into shop.orders values (21, 'x'); set session binlog_row_image = minimal;"
        "update shop.orders set note = 'y' where id = 21; set session binlog_row_image = full",
        FX_E_UNSUPPORTED, "partial rows");
}

static void test_source_my__prepared_branches_stop(void **state)
{
    check_stop(rig_of(state),
               "xa start 'a'; insert into shop.orders values (22, 'x'); xa end 'a'; xa prepare 'a';"
               "xa commit 'a'",
               FX_E_UNSUPPORTED, "XA");
}

static void test_source_my__a_restart_begins_after_the_position(void **state)
{
    struct rig *rig = rig_of(state);
    check_events(rig, "insert into shop.orders values (30, '')",
                 "begin 1:insert orders(30,'') commit; ");
    rig->src->ops->close(rig->src);
    rig->src = NULL;
    open_source(rig);
    check_events(rig, "insert into shop.orders values (31, '')",
                 "begin 1:insert orders(31,'') commit; ");
    OK(rig, rig->src->ops->request_end(rig->src, &rig->err));
    struct cdc_event ev;
    OK(rig, rig->src->ops->next(rig->src, 2000, &ev, &rig->err));
    assert_int_equal(ev.kind, CDC_EV_PASSED);
    assert_string_equal(fx_pos_text(&ev.pos), fx_pos_text(rig->src->ops->end(rig->src)));
}

static void test_source_my__a_position_of_another_server_is_refused(void **state)
{
    struct rig *rig = rig_of(state);
    const struct fx_pos from = FX_POS("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5");
    struct cdc_source *src = NULL;
    assert_false(cdc_my_source_open(&rig->binding, &from, -1, &src, &rig->err));
    assert_int_equal(rig->err.code, FX_E_DRIFT);
    assert_non_null(strstr(rig->err.message, "is not one of a MariaDB server"));
}

/* The progress row takes a position of any length, and gives it back. */
static void test_sink__a_position_of_ten_kilobytes_is_recorded(void **state)
{
    struct rig *rig = rig_of(state);
    struct cdc_binding forward = {.source = &conf, .target = &conf, .stream = "orders-forward"};
    const struct cdc_options options = {.copy_batch_rows = 10, .txn_rows_max = 10};
    struct cdc_sink_spec spec = {.binding = &forward, .options = &options};
    struct cdc_sink *sink = NULL;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    while (text.len < 10 << 10)
        fx_buf_printf(&text, "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-%zu,", text.len);
    struct fx_pos at = {.text = fx_buf_cstr(&text)};
    forward.ctx.name = "orders";
    OK(rig, cdc_sink_db_open(&spec, &sink, &rig->err));
    OK(rig, sink->ops->progress_only(sink, &at, CDC_PROGRESS_STREAM, &rig->err));
    OK(rig, sink->ops->leak(sink, 1, "a write", &rig->err));
    assert_true(fx_pos_equal(&sink->progress.pos, &at));
    sink->ops->close(sink);
    OK(rig, cdc_sink_db_open(&spec, &sink, &rig->err));
    assert_true(fx_pos_equal(&sink->progress.pos, &at));
    sink->ops->close(sink);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_source_my__transactions_come_whole_and_in_order),
        TEST(test_source_my__what_is_not_ours_only_moves_the_position),
        TEST(test_source_my__loops_are_marked_and_their_rows_dropped),
        TEST(test_source_my__ownership_and_markers_are_events),
        TEST(test_source_my__our_own_ddl_passes),
        TEST(test_source_my__ddl_on_a_carried_table_stops),
        TEST(test_source_my__truncate_is_an_event),
        TEST(test_source_my__truncate_of_a_temporary_table_stops),
        TEST(test_source_my__statement_format_stops),
        TEST(test_source_my__partial_rows_stop),
        TEST(test_source_my__prepared_branches_stop),
        TEST(test_source_my__a_restart_begins_after_the_position),
        TEST(test_source_my__a_position_of_another_server_is_refused),
        TEST(test_sink__a_position_of_ten_kilobytes_is_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
