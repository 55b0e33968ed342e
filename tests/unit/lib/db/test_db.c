/* SPDX-License-Identifier: Apache-2.0 */
/* Positions, parameters, URLs and quoting: everything of lib/db that needs no server. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "lib/db/conf.h"
#include "lib/db/params.h"
#include "lib/db/pos.h"

static void check_numbered(const char *sql, const char *expected)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    fx_params_number(sql, &out);
    assert_string_equal(fx_buf_cstr(&out), expected);
}

static void test_params__question_marks_are_numbered_where_they_are_parameters(void **state)
{
    (void)state;
    check_numbered("update t set a = ?, b = ? where c=?", "update t set a = $1, b = $2 where c=$3");
    check_numbered("select '?', \"a?\", '''?' , ?", "select '?', \"a?\", '''?' , $1");
    check_numbered("select e'\\'?', ?", "select e'\\'?', $1");
    check_numbered("select '\\', ?", "select '\\', $1");
    check_numbered("-- ?\nselect ? /* ? /* ? */ ? */", "-- ?\nselect $1 /* ? /* ? */ ? */");
    check_numbered("do $x$ begin ? $y$ ? end $x$", "do $x$ begin ? $y$ ? end $x$");
    check_numbered("select $$?$$ || ?", "select $$?$$ || $1");
    check_numbered("select a ?? 'k' and b = ?", "select a ? 'k' and b = $1");
    check_numbered("select table$a, ? , b$", "select table$a, $1 , b$");
    check_numbered("select '?", "select '?");
}

static void test_params__mariadb_has_its_own_quotes_and_comments(void **state)
{
    (void)state;
    assert_int_equal(fx_params_count(FX_MY, "select `a?`, '\\', ? # ?"), 1);
    assert_int_equal(fx_params_count(FX_MY, "select $$ ? $$, ?"), 2);
    assert_int_equal(fx_params_count(FX_MY, "/* /* ? */ select ?"), 1);
}

static bool covers(enum fx_engine engine, const char *at, const char *goal)
{
    const struct fx_pos a = {.text = at}, g = {.text = goal};
    return fx_pos_covers(engine, &a, &g);
}

static void test_pos__log_addresses_compare_as_numbers(void **state)
{
    (void)state;
    assert_true(covers(FX_PG, "0/1F4E5F38", "0/1F4E5F38"));
    assert_true(covers(FX_PG, "1/0", "0/FFFFFFFF"));
    assert_false(covers(FX_PG, "0/FFFFFFFF", "1/0"));
    assert_true(covers(FX_PG, "0/10", "0/9"));
    assert_false(covers(FX_PG, "", "0/1"));
    assert_false(covers(FX_PG, "0/1", ""));
    assert_false(covers(FX_PG, "0/123456789", "0/1"));
    struct fx_lsn lsn;
    FX_AUTO(fx_pos) struct fx_pos pos = {0};
    assert_true(fx_lsn_parse(FX_STR("16/b374d848"), &lsn));
    fx_lsn_pos(lsn, &pos);
    assert_string_equal(fx_pos_text(&pos), "16/B374D848");
}

static void test_pos__a_gtid_list_covers_domain_by_domain(void **state)
{
    (void)state;
    assert_true(covers(FX_MY, "0-1-100", "0-1-100"));
    assert_true(covers(FX_MY, "0-2-101", "0-1-100")); /* another server goes on counting */
    assert_false(covers(FX_MY, "0-1-99", "0-1-100"));
    assert_true(covers(FX_MY, "0-1-100,1-1-7", "0-1-100"));
    assert_false(covers(FX_MY, "0-1-100", "0-1-100,1-1-7"));
    assert_true(covers(FX_MY, "0-1-100", ""));
    assert_false(covers(FX_MY, "", "0-1-1"));
    assert_false(covers(FX_MY, "0-1-100", "nonsense"));
    assert_false(covers(FX_MY, "0-1-18446744073709551616", "0-1-1"));
}

static bool parse(const char *url, struct fx_arena *arena, struct fx_db_conf *conf)
{
    struct fx_err err = FX_ERR_INIT;
    bool is_ok = fx_db_conf_parse(url, arena, conf, &err);
    assert_true(is_ok || err.code == FX_E_CONFIG);
    return is_ok;
}

static void test_conf__urls_name_engine_place_and_user(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_db_conf conf;
    assert_true(parse("postgresql://ficus@127.0.0.1:5433/shop", &arena, &conf));
    assert_int_equal(conf.engine, FX_PG);
    assert_string_equal(conf.host, "127.0.0.1");
    assert_int_equal(conf.port, 5433);
    assert_string_equal(conf.user, "ficus");
    assert_string_equal(conf.dbname, "shop");
    assert_true(parse("mysql://ficus@localhost/orders?socket=/run/my.sock", &arena, &conf));
    assert_int_equal(conf.engine, FX_MY);
    assert_string_equal(conf.socket_dir, "/run/my.sock");
    assert_null(conf.host);
    assert_string_equal(fx_db_conf_where(&conf, &arena), "/run/my.sock");
    assert_true(parse("mysql://u@/db?socket=/s", &arena, &conf));
    assert_true(parse("postgresql://u@[::1]:5432/db", &arena, &conf));
    assert_string_equal(conf.host, "::1");
}

static void test_conf__bad_urls_are_refused_with_a_reason(void **state)
{
    (void)state;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fx_db_conf conf;
    static const char *const bad[] = {
        "http://a@b/c", "postgresql://u:secret@h/d", "postgresql://h/d",         "mysql://u@h",
        "mysql://u@h/", "mysql://u@h:0/d",           "mysql://u@h:99999/d",      "mysql://u@h:x/d",
        "mysql://u@/d", "mysql://u@h/d?x=1",         "mysql://u@h/d?socket=rel", "mysql://u@h/d/e"};
    for (size_t i = 0; i < FX_ARRAY_LEN(bad); i++) {
        if (parse(bad[i], &arena, &conf))
            fail_msg("%s was accepted", bad[i]);
    }
}

static void test_ident__quotes_are_doubled(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(100);
    fx_db_ident(FX_PG, "a\"b", &out);
    fx_db_ident(FX_MY, "a`b", &out);
    fx_db_literal(FX_PG, FX_STR("it's \\"), &out);
    assert_string_equal(fx_buf_cstr(&out), "\"a\"\"b\"`a``b`'it''s \\'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_params__question_marks_are_numbered_where_they_are_parameters),
        cmocka_unit_test(test_params__mariadb_has_its_own_quotes_and_comments),
        cmocka_unit_test(test_pos__log_addresses_compare_as_numbers),
        cmocka_unit_test(test_pos__a_gtid_list_covers_domain_by_domain),
        cmocka_unit_test(test_conf__urls_name_engine_place_and_user),
        cmocka_unit_test(test_conf__bad_urls_are_refused_with_a_reason),
        cmocka_unit_test(test_ident__quotes_are_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
