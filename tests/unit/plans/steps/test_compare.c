/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which report a resumed run believes: one of its own context, mapping and tables, not older than
 * the run, finished, and signed by the run's own key where there is one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "lib/io/file.h"
#include "plans/steps/context.h"
#include "reconcile/table.h"
#include "tests/unit/tmp.h"

struct run {
    char run_id[64], dir[256], report[300], text[300], key_path[300];
    struct fx_map_table map;
    struct fx_context ctx;
    struct pln_action_ctx ac;
    struct fx_private_key *key;
    struct rec_table_result table;
    struct rec_report made;
};

static void start(struct run *run)
{
    *run = (struct run){0};
    snprintf(run->dir, sizeof run->dir, "%s/fx-compare-XXXXXX", test_tmp());
    assert_non_null(mkdtemp(run->dir));
    snprintf(run->report, sizeof run->report, "%s/report.json", run->dir);
    snprintf(run->text, sizeof run->text, "%s/report.txt", run->dir);
    snprintf(run->key_path, sizeof run->key_path, "%s/key", run->dir);
    run->map = (struct fx_map_table){
        .old_schema = "public", .old_name = "orders", .new_schema = "orders", .new_name = "orders"};
    static const struct fx_db_conf old_db = {
        .name = "mono", .engine = FX_PG, .host = "db1", .dbname = "shop"};
    static const struct fx_db_conf new_db = {
        .name = "orders", .engine = FX_MY, .host = "db2", .dbname = "orders"};
    run->ctx = (struct fx_context){.name = "orders",
                                   .old_db = &old_db,
                                   .new_db = &new_db,
                                   .digest = "d",
                                   .tables = &run->map,
                                   .n_tables = 1};
    static const struct pln_plan plan = {.name = "p"};
    run->ac.plan = &plan;
    run->ac.ctx = &run->ctx;
    run->ac.at.latest = run->dir;
    run->ac.at.latest_report = run->report;
    run->ac.at.latest_text = run->text;
    fx_arena_init(&run->ac.report_arena, 0);
    run->table = (struct rec_table_result){.source_name = "public.orders",
                                           .target_name = "orders.orders",
                                           .rows_source = 3,
                                           .rows_target = 3,
                                           .rows_equal = 3,
                                           .columns_compared = 2};
    run->made = (struct rec_report){.tool = "ficus 0.1.0",
                                    .context = "orders",
                                    .asker = {"p", "equal", run->run_id},
                                    .mapping_digest = "d",
                                    .tables = &run->table,
                                    .n_tables = 1};
    fx_identity_of_conf(&old_db, &run->ac.report_arena, &run->made.databases.old_side);
    fx_identity_of_conf(&new_db, &run->ac.report_arena, &run->made.databases.new_side);
    run->made.started = run->made.cut = run->made.finished = fx_wall_now();
    rec_report_finish(&run->made, 1);
    snprintf(run->run_id, sizeof run->run_id, "p@%lld", (long long)run->made.started.us);
    run->key = fx_private_key_new();
}

static void end(struct run *run)
{
    unlink(run->report);
    unlink(run->text);
    unlink(run->key_path);
    assert_int_equal(rmdir(run->dir), 0);
    fx_private_key_free(run->key);
    fx_arena_done(&run->ac.report_arena);
}

/* Writes the report as it stands in run->made; is it believed? */
static bool believes(struct run *run, const struct fx_private_key *signer, struct fx_wall opened)
{
    struct fx_err err = FX_ERR_INIT;
    assert_true(rec_report_write(&run->made, signer, run->dir, &err));
    pln_action_load_report(&run->ac, opened);
    return run->ac.report != NULL;
}

static void a_run_without_a_key_believes_its_own_unsigned_report(void **state)
{
    struct run run;
    (void)state;
    start(&run);
    struct fx_wall opened = run.made.started;
    assert_true(believes(&run, NULL, opened));
    assert_false(believes(&run, NULL, (struct fx_wall){opened.us + 1}));
    run.made.asker.run = "";
    assert_false(believes(&run, NULL, (struct fx_wall){opened.us + 1}));
    assert_non_null(strstr(run.ac.no_report, "it is older than the run"));
    run.made.asker.run = run.run_id;
    assert_false(believes(&run, run.key, opened));
    run.ctx.digest = "another";
    assert_false(believes(&run, NULL, opened));
    run.ctx.digest = "d";
    run.map.new_name = "others";
    assert_false(believes(&run, NULL, opened));
    run.map.new_name = "orders";
    run.ctx.name = "carts";
    assert_false(believes(&run, NULL, opened));
    run.ctx.name = "orders";
    assert_true(believes(&run, NULL, opened));
    assert_null(run.ac.no_report);
    end(&run);
}

/* The newest comparison may have been replaced: by one of another run, or of another pair. */
static void a_run_believes_no_report_of_another_run_or_database(void **state)
{
    struct run run;
    (void)state;
    start(&run);
    struct fx_wall opened = run.made.started;
    run.made.asker.run = "p@1"; /* the same plan, started again */
    assert_false(believes(&run, NULL, opened));
    assert_non_null(strstr(run.ac.no_report, "it was made for run p@1, this one is p@"));
    assert_non_null(strstr(run.ac.no_report, "ficus reconcile run --context orders --report "));
    run.made.asker.run = ""; /* a person compared by hand because the run's own was too old */
    assert_true(believes(&run, NULL, opened));
    run.made.databases.new_side.address = "mysql://staging:3306/orders";
    assert_false(believes(&run, NULL, opened));
    assert_non_null(strstr(run.ac.no_report, "at mysql://staging:3306/orders, expected "
                                             "mysql://db2:3306/orders; compare again: "));
    end(&run);
}

static void a_run_with_a_key_believes_what_it_signed(void **state)
{
    struct run run;
    struct fx_err err = FX_ERR_INIT;
    (void)state;
    start(&run);
    struct fx_wall opened = run.made.started;
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *stranger = fx_private_key_new();
    assert_true(fx_private_key_save(run.key, run.key_path, &err));
    run.ac.rec.sign_with = run.key_path;
    assert_true(believes(&run, run.key, opened));
    assert_false(believes(&run, NULL, opened));
    assert_false(believes(&run, stranger, opened));
    /* Without its key nothing can be checked. */
    unlink(run.key_path);
    assert_false(believes(&run, run.key, opened));
    end(&run);
}

static void a_comparison_that_was_cut_off_counts_for_nothing(void **state)
{
    struct run run;
    struct fx_err err = FX_ERR_INIT;
    (void)state;
    start(&run);
    assert_true(believes(&run, NULL, run.made.started));
    assert_true(rec_report_begin(&run.ctx, NULL, run.dir, &err));
    pln_action_load_report(&run.ac, run.made.started);
    assert_null(run.ac.report);
    end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_without_a_key_believes_its_own_unsigned_report),
        cmocka_unit_test(a_run_believes_no_report_of_another_run_or_database),
        cmocka_unit_test(a_run_with_a_key_believes_what_it_signed),
        cmocka_unit_test(a_comparison_that_was_cut_off_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
