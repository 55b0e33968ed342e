/* SPDX-License-Identifier: Apache-2.0 */
/* What a write after the fence is called in the record: key columns are told apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cdc/stream/events.h"
#include "tests/unit/cdc/fixture.h"

static char recorded[CDC_LEAK_TEXT];

static bool take_begin(struct cdc_sink *sink, const struct cdc_txn *txn, struct fx_err *err)
{
    (void)sink, (void)txn, (void)err;
    return true;
}

/* As the sink does when more is buffered: nothing is durable yet. */
static bool take_commit(struct cdc_sink *sink, bool is_more, struct fx_err *err)
{
    (void)is_more, (void)err;
    sink->is_pending = true;
    sink->oldest_waiting_us = fx_wall_now().us - 20000;
    return true;
}

static bool has_more(struct cdc_source *src)
{
    (void)src;
    return true;
}

static bool take_row(struct cdc_sink *sink, const struct cdc_row *row, struct fx_err *err)
{
    (void)sink, (void)row, (void)err;
    return true;
}

static bool take_leak(struct cdc_sink *sink, int64_t n, const char *what, struct fx_err *err)
{
    (void)sink, (void)n, (void)err;
    (void)snprintf(recorded, sizeof recorded, "%s", what);
    return true;
}

static const struct cdc_sink_ops ops = {
    .begin = take_begin, .row = take_row, .leak = take_leak, .commit = take_commit};

/* Inserts into lines(a, b: key; qty) on a fenced side. */
static void leak(int64_t a, int64_t b)
{
    struct fixture fixture;
    struct cdc_control control;
    struct fx_err err = FX_ERR_INIT;
    struct cdc_sink sink = {.ops = &ops};
    struct fx_value values[3] = {
        {.kind = FX_V_INT, .i = a}, {.kind = FX_V_INT, .i = b}, {.kind = FX_V_INT, .i = 1}};
    fixture_init(&fixture, FX_FORWARD);
    fixture.binding.ctx.name = "orders";
    assert_true(cdc_control_init(&control, "orders-forward", 10, &err));
    struct cdc_streamer_env env = {.control = &control};
    struct cdc_streamer s = {.env = &env, .binding = &fixture.binding, .sink = &sink};
    cdc_own_watch_init(&s.owns[0], "orders");
    s.owns[0].own.state = FX_OWN_FENCED;
    struct cdc_event begin = {.kind = CDC_EV_BEGIN, .txn = {.pos = FX_POS("0/10")}};
    struct cdc_event row = {.kind = CDC_EV_ROW,
                            .row = {.op = CDC_INSERT, .table = 1, .new = values}};
    assert_true(cdc_events_handle(&s, &begin, &err));
    assert_true(cdc_events_handle(&s, &row, &err));
    assert_int_equal(s.status.leaks, 1);
    cdc_txn_done(&s.txn);
    cdc_control_done(&control);
}

static void test_events__keys_of_several_columns_do_not_read_alike(void **state)
{
    (void)state;
    char first[CDC_LEAK_TEXT];
    leak(7, 31);
    (void)snprintf(first, sizeof first, "%s", recorded);
    assert_string_equal(first, "table \"public.lines\" key (a, b)=(7, 31) at 0/10");
    leak(73, 1);
    assert_string_not_equal(first, recorded);
}

/* The stream back reads nothing but loops while the other side serves: its lag is theirs. */
static void test_events__a_loop_that_is_read_late_is_a_lag(void **state)
{
    (void)state;
    struct fixture fixture;
    struct cdc_control control;
    struct fx_err err = FX_ERR_INIT;
    struct cdc_sink sink = {.ops = &ops};
    fixture_init(&fixture, FX_FORWARD);
    assert_true(cdc_control_init(&control, "orders-forward", 10, &err));
    struct cdc_streamer_env env = {.control = &control};
    struct cdc_streamer s = {.env = &env, .binding = &fixture.binding, .sink = &sink};
    struct cdc_txn txn = {
        .pos = FX_POS("0/10"), .is_loop = true, .commit_us = fx_wall_now().us - 3500000};
    struct cdc_event begin = {.kind = CDC_EV_BEGIN, .txn = txn};
    struct cdc_event commit = {.kind = CDC_EV_COMMIT, .txn = txn};
    assert_true(cdc_events_handle(&s, &begin, &err));
    assert_true(cdc_events_handle(&s, &commit, &err));
    assert_true(s.status.lag_ms >= 3500 && s.status.lag_ms < 60000);
    cdc_txn_done(&s.txn);
    fx_pos_done(&s.at);
    cdc_control_done(&control);
}

/* Nobody wrote for a minute, then somebody does: the stream is not a minute late. */
static void test_events__the_age_of_what_is_durable_is_no_lag_of_what_comes_next(void **state)
{
    (void)state;
    struct fixture fixture;
    struct cdc_control control;
    struct fx_err err = FX_ERR_INIT;
    struct cdc_sink sink = {.ops = &ops, .durable_commit_us = fx_wall_now().us - 60000000};
    static const struct cdc_source_ops src_ops = {.has_buffered = has_more};
    struct cdc_source src = {.ops = &src_ops};
    fixture_init(&fixture, FX_FORWARD);
    assert_true(cdc_control_init(&control, "orders-forward", 10, &err));
    struct cdc_streamer_env env = {.control = &control};
    struct cdc_streamer s = {.env = &env, .binding = &fixture.binding, .sink = &sink, .src = &src};
    struct cdc_txn txn = {.pos = FX_POS("0/10"), .commit_us = fx_wall_now().us - 20000};
    struct cdc_event begin = {.kind = CDC_EV_BEGIN, .txn = txn};
    struct cdc_event commit = {.kind = CDC_EV_COMMIT, .txn = txn};
    assert_true(cdc_events_handle(&s, &begin, &err));
    assert_true(cdc_events_handle(&s, &commit, &err));
    assert_true(s.status.lag_ms >= 20 && s.status.lag_ms < 10000);
    cdc_txn_done(&s.txn);
    fx_pos_done(&s.at);
    cdc_control_done(&control);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events__a_loop_that_is_read_late_is_a_lag),
        cmocka_unit_test(test_events__the_age_of_what_is_durable_is_no_lag_of_what_comes_next),
        cmocka_unit_test(test_events__keys_of_several_columns_do_not_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
