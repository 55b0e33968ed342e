/* SPDX-License-Identifier: Apache-2.0 */
/* The merge: every planted difference is found and nothing else; disorder is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/rand.h"
#include "lib/err/redact.h"
#include "reconcile/differ.h"

enum { N_COLUMNS = 3 }; /* id, text, number */

struct rows {
    struct fx_value (*items)[N_COLUMNS];
    size_t n, at;
};

static bool rows_next(void *arg, const struct fx_value **ret_row, struct fx_err *err)
{
    struct rows *rows = arg;
    (void)err;
    *ret_row = rows->at < rows->n ? rows->items[rows->at++] : NULL;
    return true;
}

static const char *const names[] = {"id", "name", "total"};
static const size_t key[] = {0};
static const struct rec_columns columns = {names, N_COLUMNS, key, 1};

static void set_row(struct fx_value row[N_COLUMNS], int64_t id, const char *name, int64_t total)
{
    row[0] = (struct fx_value){.kind = FX_V_INT, .i = id};
    row[1] = (struct fx_value){.kind = FX_V_TEXT, .s = fx_str_from(name)};
    row[2] = (struct fx_value){.kind = FX_V_INT, .i = total};
}

static bool diff(struct rows *a, struct rows *b, struct fx_arena *arena,
                 struct rec_table_result *result, struct fx_err *err)
{
    struct rec_stream source = {rows_next, a, "source"}, target = {rows_next, b, "target"};
    *result = (struct rec_table_result){.source_name = "t"};
    return rec_diff(&source, &target, &columns, 3, NULL, arena, result, err);
}

static void test_differ__finds_missing_extra_and_changed_rows(void **state)
{
    (void)state;
    struct fx_value a[4][N_COLUMNS], b[4][N_COLUMNS];
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct rec_table_result result;
    struct fx_err err = FX_ERR_INIT;
    set_row(a[0], 1, "one", 1);
    set_row(a[1], 2, "two", 2);
    set_row(a[2], 3, "three", 3);
    set_row(a[3], 5, "five", 5);
    set_row(b[0], 1, "one", 1);
    set_row(b[1], 3, "trois", 4);
    set_row(b[2], 4, "four", 4);
    set_row(b[3], 5, "five", 5);
    struct rows x = {a, 4, 0}, y = {b, 4, 0};
    assert_true(diff(&x, &y, &arena, &result, &err));
    assert_int_equal(result.rows_equal, 2);
    assert_int_equal(result.missing, 1);
    assert_int_equal(result.extra, 1);
    assert_int_equal(result.different, 1);
    assert_int_equal(result.n_differences, 3);
    assert_string_equal(result.differences[0].key, "id = 2");
    assert_int_equal(result.differences[1].kind, REC_DIFFERENT);
    assert_string_equal(result.differences[1].column, "name");
    assert_int_equal(result.differences[1].n_columns_different, 2);
    assert_int_equal(result.differences[2].kind, REC_EXTRA);
}

static void test_differ__what_a_type_cannot_express_differs(void **state)
{
    (void)state;
    struct fx_value a[2][N_COLUMNS], b[2][N_COLUMNS];
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct rec_table_result result;
    struct fx_err err = FX_ERR_INIT;
    set_row(a[0], 1, "one", 1);
    set_row(a[1], 2, "two", 2);
    memcpy(b, a, sizeof b);
    b[0][2] = (struct fx_value){.kind = FX_V_UNREADABLE, .s = FX_STR("1")};
    a[1][1] = b[1][1] = (struct fx_value){.kind = FX_V_UNREADABLE, .s = FX_STR("x")};
    struct rows x = {a, 2, 0}, y = {b, 2, 0};
    assert_true(diff(&x, &y, &arena, &result, &err));
    assert_int_equal(result.different, 2); /* nobody knows whether two of them are equal */
    assert_string_equal(result.differences[0].key, "id = 1");
    assert_string_equal(result.differences[0].column, "total");
    assert_string_equal(result.differences[0].target, "'1' (unreadable)");
}

static void test_differ__disorder_is_an_error_never_equal(void **state)
{
    (void)state;
    struct fx_value a[3][N_COLUMNS];
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    static const int64_t orders[][3] = {{1, 3, 2}, {1, 1, 2}, {3, 2, 1}};
    for (size_t i = 0; i < FX_ARRAY_LEN(orders); i++) {
        struct rec_table_result result;
        struct fx_err err = FX_ERR_INIT;
        for (size_t k = 0; k < 3; k++)
            set_row(a[k], orders[i][k], "x", 0);
        struct rows x = {a, 3, 0}, y = {a, 3, 0};
        assert_false(diff(&x, &y, &arena, &result, &err));
        assert_int_equal(err.code, FX_E_PROTOCOL);
    }
}

static void test_differ__a_key_without_a_value_is_an_error(void **state)
{
    (void)state;
    struct fx_value a[1][N_COLUMNS];
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct rec_table_result result;
    struct fx_err err = FX_ERR_INIT;
    set_row(a[0], 1, "x", 0);
    a[0][0].kind = FX_V_NULL;
    struct rows x = {a, 1, 0}, y = {a, 0, 0};
    assert_false(diff(&x, &y, &arena, &result, &err));
}

/* Random tables with random damage: the counts are those of the damage. */
static void test_differ__random_damage_is_counted_exactly(void **state)
{
    (void)state;
    enum { N = 200 };
    static struct fx_value a[N][N_COLUMNS], b[N * 2][N_COLUMNS];
    struct fx_rand rnd;
    fx_rand_init(&rnd, 42);
    for (int round = 0; round < 200; round++) {
        FX_AUTO(fx_arena) struct fx_arena arena;
        fx_arena_init(&arena, 0);
        size_t n_b = 0;
        int64_t missing = 0, extra = 0, different = 0;
        for (size_t i = 0; i < N; i++) {
            set_row(a[i], (int64_t)i * 2, "x", (int64_t)i);
            uint64_t dice = fx_rand_below(&rnd, 20);
            if (dice == 0) {
                missing++;
                continue;
            }
            set_row(b[n_b++], (int64_t)i * 2, dice == 1 ? "y" : "x", (int64_t)i);
            different += dice == 1;
            if (dice == 2) {
                set_row(b[n_b++], (int64_t)i * 2 + 1, "x", 0);
                extra++;
            }
        }
        struct rows x = {a, N, 0}, y = {b, n_b, 0};
        struct rec_table_result result;
        struct fx_err err = FX_ERR_INIT;
        assert_true(diff(&x, &y, &arena, &result, &err));
        assert_int_equal(result.missing, missing);
        assert_int_equal(result.extra, extra);
        assert_int_equal(result.different, different);
        assert_int_equal(result.rows_equal, N - missing - different);
        assert_true(result.n_differences <= 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_differ__finds_missing_extra_and_changed_rows),
        cmocka_unit_test(test_differ__what_a_type_cannot_express_differs),
        cmocka_unit_test(test_differ__disorder_is_an_error_never_equal),
        cmocka_unit_test(test_differ__a_key_without_a_value_is_an_error),
        cmocka_unit_test(test_differ__random_damage_is_counted_exactly),
    };
    fx_values_show_set(true);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
