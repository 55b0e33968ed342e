/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a journal across builds: versions, and steps of a cut-over by their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/fmt/form.h"
#include "plans/run/journal.h"

static bool read_text(const char *json, struct pln_record *ret, struct fx_err *err)
{
    static struct fx_arena arena;
    fx_arena_init(&arena, 0);
    bool ok = pln_record_read(fx_str_from(json), &arena, ret, err);
    fx_arena_done(&arena);
    return ok;
}

static void test_record__a_journal_without_a_version_is_the_first(void **state)
{
    (void)state;
    struct pln_record rec;
    struct fx_err err = FX_ERR_INIT;
    assert_true(read_text("{\"t\":\"RUN_OPENED\",\"epoch\":1,\"text\":\"start\"}", &rec, &err));
    assert_int_equal(rec.version, FX_FORM_UNSAID);
}

static void test_record__a_newer_journal_is_refused_by_name(void **state)
{
    (void)state;
    struct pln_record rec;
    struct fx_err err = FX_ERR_INIT;
    assert_false(read_text("{\"t\":\"RUN_OPENED\",\"v\":9,\"epoch\":1}", &rec, &err));
    assert_int_equal(err.code, FX_E_VERSION);
    assert_non_null(strstr(err.message, "journal has version 9"));
    fx_err_clear(&err);
    assert_false(read_text("{\"t\":\"RUN_OPENED\",\"v\":\"x\",\"epoch\":1}", &rec, &err));
    assert_int_equal(err.code, FX_E_VERSION);
}

static void test_record__writing_says_the_version(void **state)
{
    (void)state;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    struct pln_record rec = pln_record(PLN_REC_RUN_OPENED, NULL);
    struct pln_record back;
    struct fx_err err = FX_ERR_INIT;
    pln_record_write(&rec, &out);
    assert_true(read_text(fx_buf_cstr(&out), &back, &err));
    assert_int_equal(back.version, fx_form_current(FX_FORM_JOURNAL));
}

/* The number is of the build that wrote it, and steps may be inserted; the name stays. */
static void test_record__a_step_of_a_cut_over_is_known_by_its_name(void **state)
{
    (void)state;
    struct pln_record rec;
    struct fx_err err = FX_ERR_INIT;
    assert_true(read_text("{\"t\":\"CUT\",\"i\":1,\"cut\":\"commit\",\"cut_step\":2,\"moment\":"
                          "\"done\",\"group\":\"orders\"}",
                          &rec, &err));
    assert_string_equal(pln_cutover_step_name((enum pln_cutover_step)rec.cut_step), "commit");
    assert_false(read_text("{\"t\":\"CUT\",\"i\":1,\"cut\":\"teleport\",\"cut_step\":2,\"moment\":"
                           "\"done\"}",
                           &rec, &err));
    assert_int_equal(err.code, FX_E_JOURNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__a_journal_without_a_version_is_the_first),
        cmocka_unit_test(test_record__a_newer_journal_is_refused_by_name),
        cmocka_unit_test(test_record__writing_says_the_version),
        cmocka_unit_test(test_record__a_step_of_a_cut_over_is_known_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
