/* SPDX-License-Identifier: Apache-2.0 */
/* The four compare-and-sets, as a driver receives them: from which state and epoch to which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ownership/side.h"

static char sent[512];
static int64_t matched;

static bool fake_exec(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                      int64_t *ret_rows, struct fx_err *err)
{
    (void)db;
    (void)err;
    assert_int_equal(n_params, 3);
    assert_true(fx_str_eq_c(params[1], "orders"));
    (void)snprintf(sent, sizeof sent, "%s | %.*s %.*s", sql, FX_STR_FMT(params[0]),
                   FX_STR_FMT(params[2]));
    *ret_rows = matched;
    return true;
}

typedef bool (*change_fn)(struct fx_side *side, int64_t epoch, bool *ret_won, struct fx_err *err);

static void sends(change_fn change, int64_t epoch, const char *expected)
{
    static const struct fx_db_driver driver = {.exec = fake_exec};
    static const struct fx_db_conf conf = {.name = "mono", .engine = FX_PG};
    struct fx_db db = {.driver = &driver, .conf = &conf};
    struct fx_side side = {.conf = &conf, .group = "orders", .db = &db};
    struct fx_err err = FX_ERR_INIT;
    for (matched = 0; matched <= 1; matched++) {
        bool is_won = matched == 0;
        assert_true(change(&side, epoch, &is_won, &err));
        assert_string_equal(sent, expected);
        assert_int_equal(is_won, matched == 1);
    }
}

static void test_compare_and_sets(void **state)
{
    (void)state;
    sends(fx_own_commit, 4,
          "update ficus.own set state = 'AWAY', epoch = ?, until = null where grp = ? and "
          "state = 'FENCED' and epoch = ? | 6 5");
    sends(fx_own_abort, 4,
          "update ficus.own set state = 'HERE', epoch = ?, until = null where grp = ? and "
          "state = 'FENCED' and epoch = ? | 6 5");
    sends(fx_own_invalidate, 4,
          "update ficus.own set state = 'HERE', epoch = ?, until = null where grp = ? and "
          "state = 'HERE' and epoch = ? | 6 4");
    sends(fx_own_open, 6,
          "update ficus.own set state = 'HERE', epoch = ?, until = null where grp = ? and "
          "state = 'AWAY' and epoch < ? | 6 6");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_compare_and_sets)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
