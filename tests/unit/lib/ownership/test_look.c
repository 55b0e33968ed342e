/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one reader of ficus.own, against a driver that
 * answers what a server would: rows, and every way of "no".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/ownership/own.h"

/* What the next query answers: four cells, or nothing, or a failure. */
static struct {
    const char *cells[4];
    const char *sqlstate;
    int number;
    char sql[1024];
} answer;

static bool fake_query(struct fx_db *db, const char *sql, const fx_cell *params, size_t n_params,
                       struct fx_rows *ret, struct fx_err *err)
{
    (void)db;
    assert_int_equal(n_params, 1);
    assert_true(fx_str_eq_c(params[0], "orders"));
    (void)snprintf(answer.sql, sizeof answer.sql, "%s", sql);
    if (answer.sqlstate != NULL) {
        fx_fail(err, FX_E_DB, "refused");
        if (answer.number != 0)
            fx_err_set_mysql(err, answer.number, answer.sqlstate);
        else
            fx_err_set_sqlstate(err, answer.sqlstate);
        return false;
    }
    *ret = (struct fx_rows){.n_columns = 4};
    fx_arena_init(&ret->arena, 0);
    if (answer.cells[0] == NULL)
        return true;
    ret->n_rows = 1;
    ret->cells = fx_arena_array(&ret->arena, 4, sizeof(fx_cell));
    for (size_t i = 0; i < 4; i++)
        ret->cells[i] = fx_str_from(answer.cells[i]);
    return true;
}

static const char *fake_version(const struct fx_db *db)
{
    return db->conf->engine == FX_MY ? "10.11.14-MariaDB" : "15.14";
}

static const struct fx_db_driver driver = {.query = fake_query, .version = fake_version};
static const struct fx_db_conf pg_conf = {.name = "mono", .engine = FX_PG, .user = "ficus"};
static const struct fx_db_conf my_conf = {.name = "shop", .engine = FX_MY, .user = "ficus"};
static struct fx_db pg = {.driver = &driver, .conf = &pg_conf};
static struct fx_db my = {.driver = &driver, .conf = &my_conf};

static void answers(const char *state, const char *epoch, const char *operator_name,
                    const char *left_ms)
{
    memset(&answer, 0, sizeof answer);
    answer.cells[0] = state;
    answer.cells[1] = epoch;
    answer.cells[2] = operator_name;
    answer.cells[3] = left_ms;
}

static enum fx_own_presence refused(struct fx_db *db, const char *sqlstate, int number)
{
    struct fx_own_look look;
    struct fx_err err = FX_ERR_INIT;
    memset(&answer, 0, sizeof answer);
    answer.sqlstate = sqlstate;
    answer.number = number;
    assert_true(fx_own_look(db, "orders", &look, &err));
    assert_false(fx_err_is(&err)); /* an answer, not an error */
    assert_int_equal(look.own.state, FX_OWN_UNKNOWN);
    assert_int_not_equal(look.presence, FX_OWN_PRESENT);
    assert_false(fx_own_require(&look, db->conf, "orders", &err));
    assert_string_not_equal(err.hint, "");
    assert_int_equal(err.code, look.presence == FX_OWN_DENIED ? FX_E_DB : FX_E_DRIFT);
    return look.presence;
}

static void test_no_table_and_denied(void **state)
{
    (void)state;
    assert_int_equal(refused(&pg, "42P01", 0), FX_OWN_NO_TABLE);
    assert_int_equal(refused(&pg, "3F000", 0), FX_OWN_NO_TABLE); /* no schema ficus */
    assert_int_equal(refused(&my, "42S02", 1146), FX_OWN_NO_TABLE);
    assert_int_equal(refused(&my, "42000", 1049), FX_OWN_NO_TABLE); /* no database ficus */
    assert_int_equal(refused(&pg, "42501", 0), FX_OWN_DENIED);
    assert_int_equal(refused(&my, "42000", 1142), FX_OWN_DENIED);
    assert_int_equal(refused(&my, "42000", 1044), FX_OWN_DENIED);
}

static void test_other_refusals_are_errors(void **state)
{
    (void)state;
    struct fx_own_look look;
    struct fx_err err = FX_ERR_INIT;
    memset(&answer, 0, sizeof answer);
    answer.sqlstate = "42000";
    answer.number = 1064; /* a syntax error has the SQLSTATE of a missing database */
    assert_false(fx_own_look(&my, "orders", &look, &err));
    assert_string_equal(err.message, "refused");
}

static void test_rows(void **state)
{
    (void)state;
    struct fx_own_look look;
    struct fx_err err = FX_ERR_INIT;
    answers(NULL, NULL, NULL, NULL);
    assert_true(fx_own_look(&pg, "orders", &look, &err));
    assert_int_equal(look.presence, FX_OWN_NO_ROW);
    answers("FENCED", "6", "run orders", "1500");
    assert_true(fx_own_look(&pg, "orders", &look, &err));
    assert_true(fx_own_require(&look, &pg_conf, "orders", &err));
    assert_int_equal(look.own.state, FX_OWN_FENCED);
    assert_int_equal(look.own.epoch, 6);
    assert_int_equal(look.own.left_ms, 1500);
    assert_false(look.own.is_expired);
    assert_string_equal(look.own.operator_name, "run orders");
    answers("FENCED", "6", "", "-20");
    assert_true(fx_own_look(&my, "orders", &look, &err));
    assert_true(look.own.is_expired);
    assert_int_equal(look.own.left_ms, 0);
    answers("HERE", "7", "", "0");
    assert_true(fx_own_look_locked(&my, "orders", &look, &err));
    assert_non_null(strstr(answer.sql, " for update"));
    assert_false(look.own.is_expired);
}

/* A state of a newer release must never pass for one that accepts writes. */
static void test_foreign_rows(void **state)
{
    (void)state;
    struct fx_own_look look;
    struct fx_err err = FX_ERR_INIT;
    answers("PARKED", "7", "", "0");
    assert_false(fx_own_look(&pg, "orders", &look, &err));
    assert_int_equal(err.code, FX_E_DRIFT);
    assert_non_null(strstr(err.message, "\"PARKED\""));
    answers("HERE", "seven", "", "0");
    assert_false(fx_own_look(&pg, "orders", &look, &err));
    assert_int_equal(err.code, FX_E_DRIFT);
}

static void test_names(void **state)
{
    (void)state;
    for (int s = FX_OWN_HERE; s <= FX_OWN_AWAY; s++)
        assert_int_equal(fx_own_state_parse(fx_str_from(fx_own_state_name((enum fx_own_state)s))),
                         s);
    assert_int_equal(fx_own_state_parse(FX_STR("unknown")), FX_OWN_UNKNOWN);
    assert_int_equal(fx_own_state_parse(FX_STR("here")), FX_OWN_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_table_and_denied),
        cmocka_unit_test(test_other_refusals_are_errors),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_foreign_rows),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
