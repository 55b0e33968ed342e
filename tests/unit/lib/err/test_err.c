/* SPDX-License-Identifier: Apache-2.0 */
/* The error object on its way up: wrapped, told in one line, cut to a size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/err/err.h"
#include "lib/fmt/text.h"

static void raise_one(struct fx_err *err)
{
    fx_fail(err, FX_E_DB_CONFLICT, "a deadlock was found");
    fx_err_set_mysql(err, 1213, "40001");
    fx_detail(err, "transaction 7\nwaited for transaction 8");
    fx_hint(err, "Run it again.");
    fx_ctx(err, "writing \"orders\"");
}

static void test_err__wrap_keeps_what_was_raised(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    raise_one(&err);
    assert_true(err.is_retriable);
    assert_false(fx_err_wrap(&err, FX_E_STUCK, "step \"%s\" could not be undone", "cutover"));
    assert_int_equal(err.code, FX_E_STUCK);
    assert_false(err.is_retriable);
    assert_string_equal(err.message, "step \"cutover\" could not be undone: a deadlock was found");
    assert_string_equal(err.detail, "transaction 7\nwaited for transaction 8");
    assert_string_equal(err.hint, "Run it again.");
    assert_string_equal(err.context, "writing \"orders\"\n");
    assert_int_equal(err.cause_kind, FX_CAUSE_MYSQL);
    assert_int_equal(err.cause_number, 1213);
    assert_string_equal(err.sqlstate, "40001");
}

static void test_err__wrap_may_print_the_error_itself(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    raise_one(&err);
    fx_err_wrap(&err, FX_E_ABORTED, "%s (%s)", err.hint, err.message);
    assert_string_equal(err.message, "Run it again. (a deadlock was found): a deadlock was found");
}

static void test_err__text_that_is_too_long_ends_after_a_whole_character(void **state)
{
    (void)state;
    for (size_t lead = 0; lead < 4; lead++) {
        char text[600] = "abc";
        for (size_t at = lead; at + 3 < sizeof text; at += 3)
            memcpy(text + at, "€", 4);
        struct fx_err err = FX_ERR_INIT;
        fx_fail(&err, FX_E_DB, "%s", text);
        assert_true(fx_utf8_valid(fx_str_from(err.message)));
        assert_true(fx_str_ends(fx_str_from(err.message), FX_STR("...")));
        fx_err_wrap(&err, FX_E_SOURCE, "reading");
        assert_true(fx_utf8_valid(fx_str_from(err.message)));
        assert_true(fx_str_ends(fx_str_from(err.message), FX_STR("...")));
        char brief[64];
        fx_err_brief(&err, brief, sizeof brief);
        assert_true(fx_utf8_valid(fx_str_from(brief)));
        assert_in_range(strlen(brief), 60, 63);
    }
}

static void test_err__brief_is_the_message_and_the_first_line_of_the_detail(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    raise_one(&err);
    char brief[128];
    fx_err_brief(&err, brief, sizeof brief);
    assert_string_equal(brief, "a deadlock was found: transaction 7");
    err.detail[0] = '\0';
    fx_err_brief(&err, brief, sizeof brief);
    assert_string_equal(brief, "a deadlock was found");
}

static struct fx_str json_within(const struct fx_err *err, size_t max, struct fx_buf *json)
{
    fx_buf_clear(json);
    fx_err_render_json_within(err, max, json);
    assert_true(json->len <= max);
    assert_true(fx_utf8_valid(fx_buf_str(json)));
    return fx_buf_str(json);
}

static bool holds(struct fx_str text, const char *part)
{
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static void test_err__json_leaves_out_context_before_detail(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(8192);
    struct fx_err err = FX_ERR_INIT;
    raise_one(&err);
    char text[1500] = "";
    for (size_t at = 0; at + 3 < sizeof text; at += 3)
        memcpy(text + at, "€", 4);
    fx_detail(&err, "%s", text);
    struct fx_str all = json_within(&err, 4000, &json);
    assert_true(holds(all, "writing"));
    assert_true(all.len > 1500);
    struct fx_str shorter = json_within(&err, 1000, &json);
    assert_false(holds(shorter, "writing"));
    assert_true(holds(shorter, "€"));
    struct fx_str least = json_within(&err, 250, &json);
    assert_false(holds(least, "€"));
    assert_true(holds(least, "Run it again."));
}

static void test_err__a_hint_gets_the_name_of_the_context(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    fx_hint(&err, "Run: " FX_CMD_DROP "; select drop_slot('NAME');");
    fx_err_name_context(&err, "shop");
    assert_string_equal(err.hint, "Run: ficus cdc drop --context shop --execute --confirm=shop; "
                                  "select drop_slot('NAME');");
}

static void test_err__a_hint_that_a_name_would_cut_stays_as_it_is(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    char before[sizeof err.hint];
    fx_hint(&err, "%608s " FX_CMD_PREFLIGHT, "x");
    memcpy(before, err.hint, sizeof before);
    fx_err_name_context(&err, "a-name-of-a-context-that-is-rather-long-for-a-hint");
    assert_string_equal(err.hint, before);
}

static void test_err__an_errno_brings_its_hint_with_the_path_of_the_message(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    fx_fail_errno(&err, FX_E_IO, EACCES, "could not open \"%s\"", "/srv/ficus/state");
    assert_non_null(strstr(err.hint, "namei -l '/srv/ficus/state'"));
    fx_fail_errno(&err, FX_E_IO, ENOENT, "could not create a thing");
    assert_non_null(strstr(err.hint, "namei -l 'PATH'"));
    fx_fail_errno(&err, FX_E_IO, EMFILE, "could not create an epoll descriptor");
    assert_non_null(strstr(err.hint, "LimitNOFILE"));
    fx_hint(&err, "Mine.");
    assert_string_equal(err.hint, "Mine.");
}

static void test_err__no_error_leaves_a_program_without_a_next_step(void **state)
{
    (void)state;
    struct fx_err err = FX_ERR_INIT;
    fx_fail(&err, FX_E_USAGE, "unexpected argument");
    fx_err_need_hint(&err, "ficusd --help");
    assert_string_equal(err.hint, "Run: ficusd --help");
    fx_fail(&err, FX_E_PROTOCOL, "damaged");
    fx_err_need_hint(&err, "ficusd --help");
    assert_non_null(strstr(err.hint, "ficus explain PROTOCOL"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__wrap_keeps_what_was_raised),
        cmocka_unit_test(test_err__wrap_may_print_the_error_itself),
        cmocka_unit_test(test_err__text_that_is_too_long_ends_after_a_whole_character),
        cmocka_unit_test(test_err__brief_is_the_message_and_the_first_line_of_the_detail),
        cmocka_unit_test(test_err__json_leaves_out_context_before_detail),
        cmocka_unit_test(test_err__a_hint_gets_the_name_of_the_context),
        cmocka_unit_test(test_err__a_hint_that_a_name_would_cut_stays_as_it_is),
        cmocka_unit_test(test_err__an_errno_brings_its_hint_with_the_path_of_the_message),
        cmocka_unit_test(test_err__no_error_leaves_a_program_without_a_next_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
