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
#include "reconcile/report/names.h"
#include "reconcile/report/seal.h"
#include "reconcile/table.h"
#include "tests/unit/tmp.h"

static struct rec_difference differences[] = {
    {REC_DIFFERENT, "id = 7", "total", "12.30", "12.29", 1},
    {REC_MISSING, "id = 8", NULL, NULL, NULL, 0}};

static const struct rec_trust any = {.allows_unsigned = true}, none;

static const struct fx_identity old_side = {"mono", "postgresql://db1:5432/shop", "7301/16384",
                                            "0123456789abcdef0123456789abcdef", 1767225600000001};
static const struct fx_identity new_side = {"orders", "mysql://db2:3306/orders", "db2:3306/1",
                                            "0123456789abcdef0123456789abcdef", 1767225600000002};
static struct fx_db_conf old_db = {
    .name = "mono", .engine = FX_PG, .host = "db1", .port = 5432, .dbname = "shop"};
static struct fx_db_conf new_db = {
    .name = "orders", .engine = FX_MY, .host = "db2", .dbname = "orders"};

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
    *report = (struct rec_report){.tool = "ficus 0.1.0",
                                  .context = "orders",
                                  .direction = FX_REVERSE,
                                  .asker = {"p", "equal", "p@1767225600000000"},
                                  .mapping_digest = "dd",
                                  .databases = {.old_side = old_side, .new_side = new_side},
                                  .stream_epoch = 3,
                                  .source_pos = {"0-1-7"},
                                  .target_pos = {"0-1-7"},
                                  .started = {1767225601000000},
                                  .cut = {1767225601500000},
                                  .finished = {1767225602000000},
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
    assert_true(rec_report_write(&report, NULL, directory(), &err));
    FX_AUTO_STR char *path = fx_asprintf("%s/report.json", directory());
    assert_true(rec_report_load(path, &any, &arena, &back, &err));
    assert_int_equal(back->seal, REC_SEAL_CHECKSUM);
    FX_AUTO(fx_buf) struct fx_buf one = FX_BUF(1 << 16), two = FX_BUF(1 << 16);
    rec_report_json(&report, NULL, &one);
    rec_report_json(back, NULL, &two);
    assert_string_equal(fx_buf_cstr(&one), fx_buf_cstr(&two));
}

/* Bytes of the report with `from` replaced by `to`, sealed again when `reseals`. */
static void edit(const struct rec_report *report, const char *from, const char *to, bool reseals,
                 struct fx_buf *out)
{
    FX_AUTO(fx_buf) struct fx_buf json = FX_BUF(1 << 16);
    rec_report_json(report, NULL, &json);
    char *seal = strstr(fx_buf_cstr(&json), ",\"checksum\":");
    const char *at = strstr(fx_buf_cstr(&json), from);
    assert_non_null(seal);
    assert_non_null(at);
    fx_buf_add_bytes(out, json.ptr, (size_t)(at - json.ptr));
    fx_buf_add_c(out, to);
    fx_buf_add_bytes(out, at + strlen(from), (size_t)(seal - at) - strlen(from));
    if (reseals)
        rec_seal_add(NULL, out);
    else
        fx_buf_add_c(out, seal);
}

static const char *refusal(const struct fx_buf *bytes, const struct rec_trust *trust)
{
    static struct fx_err err;
    struct rec_report *back;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    fx_err_clear(&err);
    return rec_report_parse(fx_buf_str(bytes), trust, &arena, &back, &err) ? "" : err.message;
}

static void test_report__is_not_believed_when_edited(void **state)
{
    (void)state;
    /* Edited in place, and by somebody who writes the checksum again: the second must say why. */
    static const char *const edits[][3] = {
        {"\"verdict\":\"divergent\"", "\"verdict\":\"equal\"", "contradicts"},
        {"\"verdict\":\"divergent\"", "\"verdict\":\"inconclusive\"", "contradicts"},
        {"\"divergent\":2", "\"divergent\":0", "contradicts"},
        {"\"coverage_percent\":100", "\"coverage_percent\":99", "contradicts"},
        {"\"tables_in_context\":1", "\"tables_in_context\":2", "contradicts"},
        {"\"tables_in_context\":1", "\"tables_in_context\":0", "the context has 0"},
        {"\"rows_compared\":10", "\"rows_compared\":11", "contradicts"},
        {"\"missing\":1", "\"missing\":0", "do not add up"},
        {"\"missing\":1", "\"missing\":-1", "must be between"},
        {"\"missing\":1", "\"missing\":9223372036854775807", "must be between"},
        {"\"missing\":1", "\"missing\":9223372036854775808", "whole number"},
        {"\"missing\":1", "\"missing\":\"1\"", "whole number"},
        {"\"missing\":1", "\"missing\":1.0", "whole number"},
        {"\"missing\":1", "\"missing\":01", "not valid JSON"},
        {"\"missing\":1", "\"missing\":NaN", "not valid JSON"},
        {"\"missing\":1", "\"missing\":1,\"missing\":1", "not valid JSON"},
        {"\"missing\":1", "\"missing\": 1", "bytes of the report"},
        {"\"missing\":1", "\"m\\u0069ssing\":1", "bytes of the report"},
        {"\"missing\":1", "\"more\":1,\"missing\":1", "bytes of the report"},
        {"\"missing\":1,\"extra\":0", "\"extra\":0,\"missing\":1", "bytes of the report"},
        {"\"context\":\"orders\"", "\"context\":\"orders\\u0000\"", "bytes of the report"},
        {"\"context\":\"orders\"", "\"context\":\"ord\xc3\"", "not valid JSON"},
        {"\"kind\":\"missing\"", "\"kind\":\"extra\"", "more differences"},
        {"\"columns_compared\":5", "\"columns_compared\":0", "no column"},
        {"\"columns_different\":1", "\"columns_different\":6", "differs in 6 columns"},
        {"\"tool\":\"ficus", "\"tool\":\"other", "not by Ficus"},
        {"{\"text\":\"2026-01-01T00:00:01.000000Z\",\"unix_us\":1767225601000000}",
         "{\"text\":\"2025-01-01T00:00:01.000000Z\",\"unix_us\":1735689601000000}",
         "between the years"},
        {"{\"text\":\"2026-01-01T00:00:01.500000Z\",\"unix_us\":1767225601500000}",
         "{\"text\":\"2026-01-01T00:00:09.500000Z\",\"unix_us\":1767225609500000}",
         "in this order"},
        {"2026-01-01T00:00:01.500000Z", "2096-01-01T00:00:01.500000Z", "bytes of the report"},
        {"\"address\":\"mysql://db2:3306/orders\"", "\"address\":\"mysql://db3:3306/orders\"",
         "bytes of the report"}, /* the id of the databases follows from it */
        {"\"server\":\"7301/16384\"", "\"server\":\"7302/16384\"", "bytes of the report"},
        {"\"held_since_us\":1767225600000001", "\"held_since_us\":-1", "must be between"},
        {"\"stream_epoch\":3", "\"stream_epoch\":\"3\"", "whole number"},
        {"\"run\":\"p@1767225600000000\",", "", "run"},
        {"\"new\":{", "\"newer\":{", "\"name\": expected"},
        {"ficus-reconcile/3", "ficus-reconcile/2", "bytes of the report"},
        {"ficus-reconcile/3", "ficus-reconcile/1", "not signed: it has version 1"},
        {"ficus-reconcile/3", "ficus-reconcile/9", "has version 9"}};
    struct rec_table_result table;
    struct rec_report report;
    fill(&report, &table);
    for (size_t i = 0; i < FX_ARRAY_LEN(edits); i++) {
        FX_AUTO(fx_buf) struct fx_buf plain = FX_BUF(1 << 16), resealed = FX_BUF(1 << 16);
        const struct rec_trust *trust = strstr(edits[i][2], "signed") != NULL ? &none : &any;
        edit(&report, edits[i][0], edits[i][1], false, &plain);
        edit(&report, edits[i][0], edits[i][1], true, &resealed);
        assert_string_not_equal(refusal(&plain, trust), "");
        const char *says = refusal(&resealed, trust);
        if (strstr(says, edits[i][2]) == NULL)
            fail_msg("%s: \"%s\" instead of \"%s\"", edits[i][1], says, edits[i][2]);
    }
}

/* Reports of version 1 were never signed and have no checksum. */
static void test_report__of_version_1_is_read_without_a_key_only(void **state)
{
    (void)state;
    struct rec_table_result table;
    struct rec_report report, *back;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(1 << 16);
    fx_arena_init(&arena, 0);
    fill(&report, &table);
    rec_report_body(&report, 1, &bytes);
    fx_buf_add_c(&bytes, "}\n");
    assert_true(rec_report_parse(fx_buf_str(&bytes), &any, &arena, &back, &err));
    assert_int_equal(back->cut.us, report.started.us); /* its age is never understated */
    assert_int_equal(back->tables_in_context, 1);
    assert_false(rec_report_parse(fx_buf_str(&bytes), &none, &arena, &back, &err));
    fx_buf_add_c(&bytes, " ");
    assert_false(rec_report_parse(fx_buf_str(&bytes), &any, &arena, &back, &err));
}

/* Nothing in a report of version 2 says which databases it is about. */
static void test_report__of_version_2_passes_only_where_any_databases_do(void **state)
{
    (void)state;
    struct fx_context ctx = {
        .name = "orders", .old_db = &old_db, .new_db = &new_db, .digest = "dd"};
    struct rec_limits limits = {.divergent_max = 2, .max_age_ms = REC_AGE_ANY, .ctx = &ctx};
    struct rec_table_result table;
    struct rec_report report, *back;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf bytes = FX_BUF(1 << 16), why = FX_BUF(1000);
    fx_arena_init(&arena, 0);
    fill(&report, &table);
    rec_report_body(&report, 2, &bytes);
    rec_seal_add(NULL, &bytes);
    assert_true(rec_report_parse(fx_buf_str(&bytes), &any, &arena, &back, &err));
    assert_null(back->asker.run);
    assert_int_equal(rec_gate(back, &limits, report.finished, &why), REC_GATE_UNKNOWN);
    assert_string_equal(fx_buf_cstr(&why),
                        "the report has version 2 and does not say which databases it is about; "
                        "compare again: ficus reconcile run --context orders --report DIR");
    limits.ctx = NULL;
    limits.any_databases = true;
    fx_buf_clear(&why);
    assert_int_equal(rec_gate(back, &limits, report.finished, &why), REC_GATE_PASS);
}

static void test_report__is_believed_when_a_given_key_signed_it(void **state)
{
    (void)state;
    struct rec_table_result table;
    struct rec_report report;
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = fx_private_key_new();
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *old_key = fx_private_key_new();
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *stranger = fx_private_key_new();
    struct fx_public_key keys[2];
    FX_AUTO(fx_buf) struct fx_buf good = FX_BUF(1 << 16), of_stranger = FX_BUF(1 << 16);
    FX_AUTO(fx_buf) struct fx_buf plain = FX_BUF(1 << 16), of_old_key = FX_BUF(1 << 16);
    fx_private_key_public(old_key, &keys[0]);
    fx_private_key_public(key, &keys[1]);
    struct rec_trust both = {.keys = keys, .n_keys = 2};
    struct rec_trust first = {.keys = keys, .n_keys = 1};
    struct rec_trust first_and_unsigned = {.keys = keys, .n_keys = 1, .allows_unsigned = true};
    fill(&report, &table);
    rec_report_json(&report, key, &good);
    rec_report_json(&report, old_key, &of_old_key);
    rec_report_json(&report, stranger, &of_stranger);
    rec_report_json(&report, NULL, &plain);
    assert_string_equal(refusal(&good, &both), "");
    assert_string_equal(refusal(&of_old_key, &both), "");
    assert_non_null(strstr(refusal(&good, &first), "which is not trusted"));
    assert_non_null(strstr(refusal(&good, &first_and_unsigned), "which is not trusted"));
    assert_non_null(strstr(refusal(&good, &any), "no key was given"));
    assert_non_null(strstr(refusal(&of_stranger, &both), "which is not trusted"));
    assert_string_equal(refusal(&plain, &both), "the report is not signed");
    assert_string_equal(refusal(&plain, &first_and_unsigned), "");
    /* The fingerprint of a trusted key over the signature of another one. */
    const char *word = "\"signature\":{\"key\":\"";
    char *to = strstr(of_stranger.ptr, word), *from = strstr(good.ptr, word);
    memcpy(to + strlen(word), from + strlen(word), FX_SHA256_HEX - 1);
    assert_non_null(strstr(refusal(&of_stranger, &both), "was changed"));
    /* One bit of the signature. */
    good.ptr[good.len - 5] = good.ptr[good.len - 5] == '0' ? '1' : '0';
    assert_non_null(strstr(refusal(&good, &both), "was changed"));
}

/* The key's signature of the bare bytes, as another tool may be made to give it, is not one of a
 * report. */
static void test_report__needs_a_signature_that_was_made_for_reports(void **state)
{
    (void)state;
    struct rec_table_result table;
    struct rec_report report;
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = fx_private_key_new();
    struct fx_public_key public_key;
    struct rec_trust trust = {.keys = &public_key, .n_keys = 1};
    uint8_t signature[FX_SIGNATURE_BYTES];
    char digits[2 * FX_SIGNATURE_BYTES + 1];
    FX_AUTO(fx_buf) struct fx_buf body = FX_BUF(1 << 16), file = FX_BUF(1 << 16);
    fx_private_key_public(key, &public_key);
    fill(&report, &table);
    rec_report_body(&report, 3, &body);
    rec_report_json(&report, key, &file);
    assert_string_equal(refusal(&file, &trust), "");
    fx_sign(key, fx_buf_str(&body), signature);
    fx_hex_write(signature, sizeof signature, digits);
    memcpy(file.ptr + file.len - 4 - strlen(digits), digits, strlen(digits));
    assert_non_null(strstr(refusal(&file, &trust), "was changed"));
}

static void test_report__that_has_not_finished_never_passes(void **state)
{
    (void)state;
    struct fx_context ctx = {
        .name = "orders", .old_db = &old_db, .new_db = &new_db, .digest = "dd", .n_tables = 2};
    struct rec_table_result table;
    struct rec_report report, *back;
    struct fx_err err = FX_ERR_INIT, why = FX_ERR_INIT;
    struct rec_limits limits = {.divergent_max = INT64_MAX, .max_age_ms = REC_AGE_ANY, .ctx = &ctx};
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1000);
    fx_arena_init(&arena, 0);
    FX_AUTO_STR char *path = fx_asprintf("%s/report.json", directory());
    fill(&report, &table);
    assert_true(rec_report_write(&report, NULL, directory(), &err));
    assert_true(rec_report_begin(&ctx, NULL, directory(), &err));
    assert_true(rec_report_load(path, &any, &arena, &back, &err));
    assert_int_equal(back->verdict, REC_INCONCLUSIVE);
    assert_int_equal(rec_gate(back, &limits, fx_wall_now(), &text), REC_GATE_UNKNOWN);
    assert_string_equal(fx_buf_cstr(&text), "the comparison has not finished, or was killed");
    (void)fx_fail(&why, FX_E_STREAM, "stream \"s\" is not running");
    rec_report_failed(&ctx, NULL, directory(), &why);
    assert_true(rec_report_load(path, &any, &arena, &back, &err));
    assert_string_equal(back->inconclusive, "the comparison failed: stream \"s\" is not running");
}

static void test_report__that_is_not_there_is_unknown(void **state)
{
    (void)state;
    struct rec_report *back;
    struct fx_err err = FX_ERR_INIT;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    FX_AUTO_STR char *path = fx_asprintf("%s/none.json", directory());
    assert_false(rec_report_load(path, &any, &arena, &back, &err));
    assert_int_equal(err.code, FX_E_INCONCLUSIVE);
    assert_false(rec_report_load(directory(), &any, &arena, &back, &err));
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
    struct rec_report empty = {0};
    rec_report_finish(&empty, 0);
    assert_int_equal(empty.verdict, REC_INCONCLUSIVE);
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
    /* It ended at 1000 s, long after both sides were read: the age counts from the cut. */
    struct rec_report report = {.context = "orders",
                                .coverage_percent = 100,
                                .cut = {1000000000},
                                .finished = {1000000000},
                                .mapping_digest = "m"};
    struct rec_limits limits = {
        .coverage_min_percent = 100, .max_age_ms = 60000, .any_databases = true};
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
    limits.context = "carts";
    assert_int_equal(ask(&report, limits, 1000000000), REC_GATE_UNKNOWN);
    limits.context = "orders";
    assert_int_equal(ask(&report, limits, 1000000000), REC_GATE_PASS);
    report.verdict = REC_INCONCLUSIVE;
    assert_int_equal(ask(&report, limits, 1000000000), REC_GATE_UNKNOWN);
}

static void test_gate__counts_the_age_from_the_cut(void **state)
{
    (void)state;
    struct rec_limits limits = {.max_age_ms = 60000, .any_databases = true};
    struct rec_limits any_age = {.max_age_ms = REC_AGE_ANY, .any_databases = true};
    struct rec_report report = {.cut = {1000000000}, .finished = {19000000000}};
    assert_int_equal(ask(&report, limits, 19000000000), REC_GATE_UNKNOWN);
    assert_int_equal(ask(&report, any_age, 19000000000), REC_GATE_PASS);
    /* Of the future, whatever age is allowed: a clock is wrong, or the date was made up. */
    assert_int_equal(ask(&report, any_age, 19000000000 - 59000000), REC_GATE_PASS);
    assert_int_equal(ask(&report, any_age, 19000000000 - 61000000), REC_GATE_UNKNOWN);
}

static void test_gate__wants_every_table_of_the_context(void **state)
{
    (void)state;
    struct fx_map_table maps[2] = {
        {.old_schema = "public",
         .old_name = "orders",
         .new_schema = "orders",
         .new_name = "customer_orders"},
        {.old_schema = "public", .old_name = "words", .new_schema = "orders", .new_name = "words"}};
    struct fx_context ctx = {.name = "orders", .digest = "m", .tables = maps, .n_tables = 2};
    struct rec_table_result tables[3] = {
        {.source_name = "public.words", .target_name = "orders.words"},
        {.source_name = "public.orders", .target_name = "orders.customer_orders"},
        {.source_name = "public.more", .target_name = "orders.more"}};
    struct rec_report report = {.context = "orders",
                                .mapping_digest = "m",
                                .tables = tables,
                                .n_tables = 2,
                                .tables_in_context = 2,
                                .coverage_percent = 100};
    struct rec_limits limits = {
        .ctx = &ctx, .coverage_min_percent = 100, .max_age_ms = REC_AGE_ANY, .any_databases = true};
    assert_int_equal(ask(&report, limits, 0), REC_GATE_PASS);
    report.n_tables = report.tables_in_context = 1;
    assert_int_equal(ask(&report, limits, 0), REC_GATE_UNKNOWN);
    report.n_tables = report.tables_in_context = 3;
    assert_int_equal(ask(&report, limits, 0), REC_GATE_UNKNOWN);
    report.n_tables = report.tables_in_context = 2;
    tables[1].target_name = "orders.customer";
    assert_int_equal(ask(&report, limits, 0), REC_GATE_UNKNOWN);
    tables[1].target_name = "orders.customer_orders";
    report.direction = FX_REVERSE;
    assert_int_equal(ask(&report, limits, 0), REC_GATE_UNKNOWN);
    ctx.digest = "other";
    report.direction = FX_FORWARD;
    assert_int_equal(ask(&report, limits, 0), REC_GATE_UNKNOWN);
}

/* Each part of an identity decides, on either side; a report that names none passes nowhere. */
static void test_gate__wants_the_databases_that_the_report_is_about(void **state)
{
    (void)state;
    struct rec_databases now = {.old_side = old_side,
                                .new_side = new_side,
                                .forward = {FX_PG, 3, FX_POS("0/7")},
                                .reverse = {FX_MY, 3, FX_POS("0-1-7")}};
    struct rec_table_result table;
    struct rec_report report;
    fill(&report, &table);
    struct rec_limits limits = {.divergent_max = 2, .max_age_ms = REC_AGE_ANY, .now = &now};
    int64_t at = report.finished.us;
    assert_int_equal(ask(&report, limits, at), REC_GATE_PASS);
    struct fx_identity *const sides[] = {&now.old_side, &now.new_side};
    for (size_t i = 0; i < FX_ARRAY_LEN(sides); i++) {
        struct fx_identity was = *sides[i];
        const struct fx_identity others[] = {
            {was.name, "mysql://staging:3306/orders", was.server, was.holder, was.held_since_us},
            {was.name, was.address, "7301/16385", was.holder, was.held_since_us},
            {was.name, was.address, was.server, "another", was.held_since_us},
            {was.name, was.address, was.server, "", 0},
            {was.name, was.address, was.server, was.holder, was.held_since_us + 1}};
        for (size_t k = 0; k < FX_ARRAY_LEN(others); k++) {
            *sides[i] = others[k];
            assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
        }
        *sides[i] = was;
        sides[i]->name = "renamed"; /* its key in ficus.yaml is for people */
        assert_int_equal(ask(&report, limits, at), REC_GATE_PASS);
    }
    now.reverse.epoch = 4; /* the stream was started again: it goes on where it was */
    assert_int_equal(ask(&report, limits, at), REC_GATE_PASS);
    now.reverse.epoch = 2; /* restored from a backup */
    assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
    now.reverse = (struct rec_stream_now){.source = FX_MY, .epoch = 3, .pos = FX_POS("0-1-6")};
    assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
    now.reverse = (struct rec_stream_now){.source = FX_MY, .epoch = -1};
    assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
    report.databases = (struct rec_databases){0};
    assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
}

/* What neither the report nor the database says is no part that agrees. */
static void test_gate__takes_two_unknown_parts_for_no_agreement(void **state)
{
    (void)state;
    struct rec_databases now = {.old_side = old_side,
                                .new_side = new_side,
                                .forward = {FX_PG, 3, FX_POS("0/7")},
                                .reverse = {FX_MY, 3, FX_POS("0-1-7")}};
    struct rec_table_result table;
    struct rec_report report;
    fill(&report, &table);
    struct rec_limits limits = {.divergent_max = 2, .max_age_ms = REC_AGE_ANY, .now = &now};
    struct rec_limits by_id = {.divergent_max = 2, .max_age_ms = REC_AGE_ANY};
    struct fx_identity *const sides[][2] = {{&now.old_side, &report.databases.old_side},
                                            {&now.new_side, &report.databases.new_side}};
    for (size_t i = 0; i < FX_ARRAY_LEN(sides); i++) {
        char id[REC_DATABASES_ID];
        struct fx_identity was = *sides[i][0];
        by_id.databases_id = id;
        rec_databases_id(&report.databases, id);
        assert_int_equal(ask(&report, by_id, report.finished.us), REC_GATE_PASS);
        assert_int_equal(ask(&report, limits, report.finished.us), REC_GATE_PASS);
        sides[i][0]->holder = sides[i][1]->holder = "";
        assert_int_equal(ask(&report, limits, report.finished.us), REC_GATE_UNKNOWN);
        *sides[i][0] = *sides[i][1] = was;
        sides[i][0]->held_since_us = sides[i][1]->held_since_us = 0;
        assert_int_equal(ask(&report, limits, report.finished.us), REC_GATE_UNKNOWN);
        *sides[i][0] = *sides[i][1] = was;
        sides[i][0]->server = sides[i][1]->server = "";
        assert_int_equal(ask(&report, limits, report.finished.us), REC_GATE_UNKNOWN);
        rec_databases_id(&report.databases, id);
        assert_int_equal(ask(&report, by_id, report.finished.us), REC_GATE_UNKNOWN);
        *sides[i][0] = *sides[i][1] = was;
    }
}

static void test_gate__without_a_session_goes_by_the_file_or_the_id(void **state)
{
    (void)state;
    struct fx_context ctx = {
        .name = "orders", .old_db = &old_db, .new_db = &new_db, .digest = "dd"};
    struct rec_table_result table;
    struct rec_report report;
    char id[REC_DATABASES_ID];
    fill(&report, &table);
    rec_databases_id(&report.databases, id);
    struct rec_limits limits = {.divergent_max = 1, .max_age_ms = REC_AGE_ANY};
    int64_t at = report.finished.us; /* 2 rows differ: what is about these databases fails */
    assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
    limits.databases_id = id;
    assert_int_equal(ask(&report, limits, at), REC_GATE_FAIL);
    limits.databases_id = "0123456789abcdef0123456789abcdef";
    assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
    limits.any_databases = true;
    assert_int_equal(ask(&report, limits, at), REC_GATE_FAIL);
    limits = (struct rec_limits){.divergent_max = 1, .max_age_ms = REC_AGE_ANY, .ctx = &ctx};
    assert_int_equal(ask(&report, limits, at), REC_GATE_FAIL); /* port 3306 need not be named */
    old_db.dbname = "shop2";
    assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
    old_db.dbname = "shop";
    new_db.port = 3307;
    assert_int_equal(ask(&report, limits, at), REC_GATE_UNKNOWN);
    new_db.port = 0;
}

/* Nothing is said about age: nothing is young enough. */
static void test_gate__needs_an_age(void **state)
{
    (void)state;
    struct rec_report report = {.cut = {1000000000}, .finished = {1000000000}};
    struct rec_limits limits = {.any_databases = true};
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1000);
    assert_int_equal(ask(&report, limits, 1000001000), REC_GATE_UNKNOWN);
    limits.max_age_ms = REC_AGE_DEFAULT;
    limits.age_option = "--max-age";
    assert_int_equal(ask(&report, limits, 1000001000), REC_GATE_PASS);
    struct fx_wall later = {1000000000 + REC_AGE_DEFAULT * 1000 + 1000};
    report.context = "orders";
    assert_int_equal(rec_gate(&report, &limits, later, &why), REC_GATE_UNKNOWN);
    assert_string_equal(fx_buf_cstr(&why),
                        "the report shows the tables of 86400 s ago, allowed are 86400 s (the "
                        "default of --max-age); compare again: ficus reconcile run --context "
                        "orders --report DIR");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_report__is_the_same_when_read_back),
        cmocka_unit_test(test_report__is_not_believed_when_edited),
        cmocka_unit_test(test_report__of_version_1_is_read_without_a_key_only),
        cmocka_unit_test(test_report__of_version_2_passes_only_where_any_databases_do),
        cmocka_unit_test(test_report__is_believed_when_a_given_key_signed_it),
        cmocka_unit_test(test_report__needs_a_signature_that_was_made_for_reports),
        cmocka_unit_test(test_report__that_has_not_finished_never_passes),
        cmocka_unit_test(test_report__that_is_not_there_is_unknown),
        cmocka_unit_test(test_report__a_column_left_out_is_never_equal),
        cmocka_unit_test(test_gate__wants_the_databases_that_the_report_is_about),
        cmocka_unit_test(test_gate__takes_two_unknown_parts_for_no_agreement),
        cmocka_unit_test(test_gate__without_a_session_goes_by_the_file_or_the_id),
        cmocka_unit_test(test_gate__needs_an_age),
        cmocka_unit_test(test_gate__passes_only_what_was_measured_now),
        cmocka_unit_test(test_gate__counts_the_age_from_the_cut),
        cmocka_unit_test(test_gate__wants_every_table_of_the_context),
    };
    return cmocka_run_group_tests(tests, NULL, tidy_up);
}
