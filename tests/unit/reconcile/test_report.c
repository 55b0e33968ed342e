/* SPDX-License-Identifier: Apache-2.0 */
/* Reports: written and read back, not believed when edited; the gate's answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/io/file.h"
#include "reconcile/table.h"
#include "tests/unit/tmp.h"

static struct rec_difference differences[] = {
    {REC_DIFFERENT, "id = 7", "total", "12.30", "12.29", 1},
    {REC_MISSING, "id = 8", NULL, NULL, NULL, 0}};

static void fill(struct rec_report *report, struct rec_table_result *table)
{
    *table = (struct rec_table_result){.source_name = "public.orders",
                                       .target_name = "orders.orders",
                                       .rows_source = 10,
                                       .rows_target = 9,
                                       .rows_equal = 8,
                                       .missing = 1,
                                       .different = 1,
                                       .columns_compared = 5,
                                       .source_fingerprint = "aa",
                                       .target_fingerprint = "bb",
                                       .mapping_digest = "cc",
                                       .differences = differences,
                                       .n_differences = 2};
    *report = (struct rec_report){.context = "orders",
                                  .direction = FX_REVERSE,
                                  .plan = "p",
                                  .step = "equal",
                                  .mapping_digest = "dd",
                                  .source_pos = {"0-1-7"},
                                  .target_pos = {"0-1-7"},
                                  .started = {1000000},
                                  .finished = {2000000},
                                  .applier_held_ms = 12,
                                  .tables = table,
                                  .n_tables = 1};
    rec_report_finish(report, 1);
}

static char *directory(void)
{
    static char path[256];
    if (path[0] == '\0') {
        snprintf(path, sizeof path, "%s/fx-report-XXXXXX", test_tmp());
        assert_non_null(mkdtemp(path));
    }
    return path;
}

static int tidy_up(void **state)
{
    static const char *const files[] = {"report.json", "report.txt", "edited.json"};
    (void)state;
    for (size_t i = 0; i < FX_ARRAY_LEN(files); i++) {
        FX_AUTO_STR char *path = fx_asprintf("%s/%s", directory(), files[i]);
        unlink(path);
    }
    return rmdir(directory());
}

static void test_report__is_the_same_when_read_back(void **state)
{
    (void)state;
    struct rec_table_result table;
    struct rec_report report, *back;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fill(&report, &table);
    assert_int_equal(report.verdict, REC_DIVERGENT);
    assert_int_equal(report.divergent, 2);
    assert_true(rec_report_write(&report, directory(), &err));
    FX_AUTO_STR char *path = fx_asprintf("%s/report.json", directory());
    assert_true(rec_report_load(path, &arena, &back, &err));
    FX_AUTO(fx_buf) struct fx_buf one = FX_BUF(1 << 16), two = FX_BUF(1 << 16);
    rec_report_json(&report, &one);
    rec_report_json(back, &two);
    assert_string_equal(fx_buf_cstr(&one), fx_buf_cstr(&two));
}

static void test_report__is_not_believed_when_edited(void **state)
{
    (void)state;
    static const char *const edits[][2] = {{"\"verdict\":\"divergent\"", "\"verdict\":\"equal\""},
                                           {"\"divergent\":2", "\"divergent\":0"},
                                           {"\"missing\":1", "\"missing\":0"},
                                           {"ficus-reconcile/1", "ficus-reconcile/9"}};
    struct rec_table_result table;
    struct rec_report report, *back;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fill(&report, &table);
    FX_AUTO_STR char *path = fx_asprintf("%s/edited.json", directory());
    for (size_t i = 0; i < FX_ARRAY_LEN(edits); i++) {
        struct fx_err err = FX_ERR_INIT;
        FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(1 << 16), edited = FX_BUF(1 << 16);
        rec_report_json(&report, &json);
        const char *at = strstr(fx_buf_cstr(&json), edits[i][0]);
        assert_non_null(at);
        fx_buf_add_bytes(&edited, json.ptr, (size_t)(at - json.ptr));
        fx_buf_add_c(&edited, edits[i][1]);
        fx_buf_add_c(&edited, at + strlen(edits[i][0]));
        assert_true(fx_file_write_atomic(path, fx_buf_str(&edited), 0600, &err));
        assert_false(rec_report_load(path, &arena, &back, &err));
        assert_int_equal(err.code, FX_E_INCONCLUSIVE);
    }
}

static void test_report__that_is_not_there_is_unknown(void **state)
{
    (void)state;
    struct rec_report *back;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    FX_AUTO_STR char *path = fx_asprintf("%s/none.json", directory());
    assert_false(rec_report_load(path, &arena, &back, &err));
    assert_int_equal(err.code, FX_E_INCONCLUSIVE);
    assert_false(rec_report_load(directory(), &arena, &back, &err));
    assert_int_equal(err.code, FX_E_INCONCLUSIVE);
}

static void test_report__a_column_left_out_is_never_equal(void **state)
{
    (void)state;
    struct rec_table_result tables[2] = {{.rows_source = 1, .rows_target = 1, .rows_equal = 1},
                                         {.not_compared = "not compared: total"}};
    struct rec_report report = {.tables = tables, .n_tables = 2};
    rec_report_finish(&report, 2);
    assert_int_equal(report.verdict, REC_INCONCLUSIVE);
    assert_true(report.coverage_percent < 51);
    struct rec_report none = {0};
    rec_report_finish(&none, 0);
    assert_int_equal(none.verdict, REC_INCONCLUSIVE);
}

static enum rec_gate ask(const struct rec_report *report, struct rec_limits limits, int64_t now_us)
{
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1000);
    enum rec_gate answer = rec_gate(report, &limits, (struct fx_wall){now_us}, &why);
    assert_true(why.len > 0);
    return answer;
}

static void test_gate__passes_only_what_was_measured_now(void **state)
{
    (void)state;
    struct rec_report report = {
        .coverage_percent = 100, .finished = {1000000000}, .mapping_digest = "m"};
    struct rec_limits limits = {.coverage_min_percent = 100, .max_age_ms = 60000};
    assert_int_equal(ask(&report, limits, 1000000000 + 59000000), REC_GATE_PASS);
    assert_int_equal(ask(&report, limits, 1000000000 + 61000000), REC_GATE_UNKNOWN);
    report.divergent = 1;
    assert_int_equal(ask(&report, limits, 1000000000), REC_GATE_FAIL);
    assert_int_equal(ask(&report, limits, 1000000000 + 61000000), REC_GATE_UNKNOWN);
    limits.divergent_max = 1;
    assert_int_equal(ask(&report, limits, 1000000000), REC_GATE_PASS);
    report.coverage_percent = 99.9;
    assert_int_equal(ask(&report, limits, 1000000000), REC_GATE_UNKNOWN);
    report.coverage_percent = 100;
    limits.mapping_digest = "other";
    assert_int_equal(ask(&report, limits, 1000000000), REC_GATE_UNKNOWN);
    limits.mapping_digest = "m";
    assert_int_equal(ask(&report, limits, 1000000000), REC_GATE_PASS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report__is_the_same_when_read_back),
        cmocka_unit_test(test_report__is_not_believed_when_edited),
        cmocka_unit_test(test_report__that_is_not_there_is_unknown),
        cmocka_unit_test(test_report__a_column_left_out_is_never_equal),
        cmocka_unit_test(test_gate__passes_only_what_was_measured_now),
    };
    return cmocka_run_group_tests(tests, NULL, tidy_up);
}
