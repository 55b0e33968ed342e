/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of changed keys, and the status, through their JSON and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cdc/status.h"
#include "cdc/stream/tail.h"
#include "tests/unit/cdc/fixture.h"

static void test_tail__keeps_the_newest_first_and_overwrites_the_oldest(void **state)
{
    (void)state;
    struct fixture f;
    struct cdc_tail tail;
    struct cdc_key *keys = NULL;
    size_t n = 0;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(1 << 20);
    fx_arena_init(&arena, 0);
    fixture_init(&f, FX_FORWARD);
    cdc_tail_init(&tail, 3);
    for (int64_t i = 1; i <= 5; i++) {
        struct fx_value new[] = {fixture_int(i), fixture_int(-i), fixture_int(0)};
        cdc_tail_push(&tail, &f.binding, &(struct cdc_row){.table = 1, .new = new});
    }
    cdc_tail_write(&tail, &json);
    assert_true(cdc_tail_read(fx_buf_str(&json), 2, &arena, &keys, &n, &err));
    assert_int_equal(n, 3);
    assert_int_equal(keys[0].key[0].i, 5);
    assert_int_equal(keys[0].key[1].i, -5);
    assert_int_equal(keys[2].key[0].i, 3);
    assert_int_equal(keys[0].n_key, 2);
    /* A table beyond the context's own (the canary) is left out. */
    assert_true(cdc_tail_read(fx_buf_str(&json), 1, &arena, &keys, &n, &err));
    assert_int_equal(n, 0);
    cdc_tail_done(&tail);
}

static void test_tail__refuses_what_it_did_not_write(void **state)
{
    (void)state;
    struct cdc_key *keys = NULL;
    size_t n = 0;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    static const char *const bad[] = {"[{\"t\":0,\"k\":[[99,\"1\"]]}]",
                                      "[{\"t\":0,\"k\":[[3,\"x\"]]}]", "[{\"k\":[]}]",
                                      "[{\"t\":0,\"k\":[[11,\"00\"]]}]", "{"};
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        struct fx_err err = FX_ERR_INIT;
        assert_false(cdc_tail_read(fx_str_from(bad[i]), 2, &arena, &keys, &n, &err));
        assert_int_equal(err.code, FX_E_PROTOCOL);
    }
}

/* A stream of an older Ficus sends the number that a kind had in its time. */
static void test_tail__kinds_are_names_and_old_numbers_are_understood(void **state)
{
    (void)state;
    static const char *const both[] = {
        "[{\"t\":0,\"k\":[[\"INT\",\"42\"],[\"TEXT\",\"a\"],[\"UUID\","
        "\"00112233445566778899aabbccddeeff\"]]}]",
        "[{\"t\":0,\"k\":[[3,\"42\"],[6,\"a\"],[11,\"00112233445566778899aabbccddeeff\"]]}]",
    };
    for (size_t i = 0; i < FX_ARRAY_LEN(both); i++) {
        FX_AUTO(fx_arena) struct fx_arena arena;
        struct fx_err err = FX_ERR_INIT;
        struct cdc_key *keys;
        size_t n = 0;
        fx_arena_init(&arena, 0);
        assert_true(cdc_tail_read(fx_str_from(both[i]), 1, &arena, &keys, &n, &err));
        assert_int_equal(n, 1);
        assert_int_equal(keys[0].key[0].kind, FX_V_INT);
        assert_int_equal(keys[0].key[0].i, 42);
        assert_int_equal(keys[0].key[1].kind, FX_V_TEXT);
        assert_int_equal(keys[0].key[2].kind, FX_V_UUID);
    }
}

static void test_status__survives_the_way_over_the_socket(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(1 << 20);
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(cdc_status) struct cdc_status read = {0};
    struct cdc_status status = {.phase = CDC_PHASE_HELD,
                                .pid = 7,
                                .applied = FX_POS("0/1F"),
                                .source_end = FX_POS("0/2F"),
                                .lag_ms = -1,
                                .applied_rows = INT64_MAX,
                                .leaks = 3,
                                .copy_left_ms = -1,
                                .copy_table_number = 2,
                                .copy_table = "public.orders",
                                .leak_last = "public.orders key \"7\"",
                                .barrier_group = "orders",
                                .barrier_epoch = 12,
                                .error = "{\"code\":\"DRIFT\"}"};
    cdc_status_write(&status, &json);
    assert_true(cdc_status_read(fx_buf_str(&json), &read, &err));
    assert_int_equal(read.phase, status.phase);
    assert_string_equal(fx_pos_text(&read.applied), "0/1F");
    assert_string_equal(read.leak_last, status.leak_last);
    assert_string_equal(read.error, status.error);
    assert_true(read.applied_rows == INT64_MAX);
    assert_int_equal(read.lag_ms, -1);
    assert_int_equal(read.copy_left_ms, -1);
    assert_int_equal(read.copy_table_number, 2);
    assert_string_equal(read.copy_table, "public.orders");
    assert_int_equal(read.barrier_epoch, 12);
}

static void test_barrier__only_our_own_form_is_a_barrier(void **state)
{
    (void)state;
    struct cdc_barrier barrier;
    assert_true(cdc_barrier_parse(FX_STR("{\"barrier\":\"orders\",\"epoch\":7}"), &barrier));
    assert_string_equal(barrier.group, "orders");
    assert_int_equal(barrier.epoch, 7);
    assert_true(
        cdc_barrier_parse(FX_STR("{\"barrier\": \"orders.canary\", \"epoch\": 12}"), &barrier));
    assert_false(cdc_barrier_parse(FX_STR("{\"other\":1}"), &barrier));
    assert_false(cdc_barrier_parse(FX_STR("{\"barrier\":\"orders\""), &barrier));
    assert_false(cdc_barrier_parse(FX_STR(""), &barrier));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tail__keeps_the_newest_first_and_overwrites_the_oldest),
        cmocka_unit_test(test_tail__refuses_what_it_did_not_write),
        cmocka_unit_test(test_tail__kinds_are_names_and_old_numbers_are_understood),
        cmocka_unit_test(test_status__survives_the_way_over_the_socket),
        cmocka_unit_test(test_barrier__only_our_own_form_is_a_barrier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
