/* SPDX-License-Identifier: Apache-2.0 */
/* Which run a command without a name means, and what the picture says of one that is stuck. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "lib/io/recordlog.h"
#include "plans/run/find.h"
#include "plans/run/journal.h"
#include "plans/view/picture.h"
#include "plans/plan.h"
#include "tests/unit/tmp.h"

struct project {
    struct fx_project project;
    struct fx_arena arena;
    struct fx_err err;
    const char *names[4]; /* of the runs that it has */
    size_t n_names;
};

static void project_up(struct project *p)
{
    *p = (struct project){.err = FX_ERR_INIT};
    fx_arena_init(&p->arena, 0);
    static int number;
    p->project.state_dir =
        fx_arena_printf(&p->arena, "%s/ficus-test-runs.%d.%d", test_tmp(), (int)getpid(), ++number);
}

static void forget_run(struct project *p, const char *name)
{
    static const char *const files[] = {"plan.yaml", "journal", "journal.lock", "journal.key",
                                        "lock"};
    const char *dir = fx_arena_printf(&p->arena, "%s/runs/%s", p->project.state_dir, name);
    for (size_t k = 0; k < FX_ARRAY_LEN(files); k++)
        unlink(fx_arena_printf(&p->arena, "%s/%s", dir, files[k]));
    rmdir(dir);
}

static void project_down(struct project *p)
{
    const char *runs = fx_arena_printf(&p->arena, "%s/runs", p->project.state_dir);
    for (size_t i = 0; i < p->n_names; i++)
        forget_run(p, p->names[i]);
    rmdir(runs);
    rmdir(p->project.state_dir);
    fx_arena_done(&p->arena);
}

/* `records`: o opened for a start, i intent, d done, h
 * held, r rollback, f finished, b rolled back, s stuck. */
static void write_run(struct project *p, const char *name, const char *context, const char *records)
{
    const char *dir = fx_arena_printf(&p->arena, "%s/runs/%s", p->project.state_dir, name);
    const char *text =
        fx_arena_printf(&p->arena,
                        "apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: %s}\n"
                        "context: %s\nsteps:\n  - {id: a, do: {wait: 1s}}\n",
                        name, context);
    const struct pln_step step = {.id = "a"};
    struct pln_journal *journal = NULL;
    struct pln_state *state = FX_ARENA_NEW(&p->arena, struct pln_state);
    assert_true(fx_dir_make(dir, &p->err));
    p->names[p->n_names++] = name;
    assert_true(fx_file_write_atomic(fx_arena_printf(&p->arena, "%s/plan.yaml", dir),
                                     fx_str_from(text), 0644, &p->err));
    assert_true(
        pln_journal_open(fx_arena_printf(&p->arena, "%s/journal", dir), state, &journal, &p->err));
    for (const char *c = records; *c != '\0'; c++) {
        struct pln_record rec = pln_record(*c == 'o'   ? PLN_REC_RUN_OPENED
                                           : *c == 'i' ? PLN_REC_INTENT
                                           : *c == 'd' ? PLN_REC_DONE
                                           : *c == 'h' ? PLN_REC_HELD
                                           : *c == 'r' ? PLN_REC_ROLLBACK
                                                       : PLN_REC_RUN_CLOSED,
                                           *c == 'i' || *c == 'd' ? &step : NULL);
        rec.epoch = state->epoch + 1;
        rec.text = *c == 'o'   ? "start"
                   : *c == 'f' ? "finished"
                   : *c == 'b' ? "rolled back"
                   : *c == 's' ? "stuck"
                               : "";
        assert_true(pln_journal_append(journal, &rec, &p->err));
        fx_sleep_ms(2); /* each record has an instant of its own */
    }
    pln_journal_close(journal);
}

/* The run of a build that is newer than this one. */
static void write_newer_run(struct project *p, const char *name, const char *context)
{
    write_run(p, name, context, "");
    const char *path = fx_arena_printf(&p->arena, "%s/runs/%s/journal", p->project.state_dir, name);
    struct fx_recordlog *log = NULL;
    assert_true(fx_recordlog_open(path, NULL, NULL, &log, &p->err));
    assert_true(fx_recordlog_append(
        log, FX_STR("{\"t\":\"RUN_OPENED\",\"at_us\":1,\"v\":99,\"epoch\":1,\"text\":\"start\"}"),
        &p->err));
    fx_recordlog_close(log);
}

static const char *found(struct project *p, bool will_act)
{
    const char *name = NULL;
    fx_err_clear(&p->err);
    return pln_run_find(&p->project, NULL, will_act, &p->arena, &name, &p->err) ? name : NULL;
}

static void test_find__a_run_that_was_stopped_before_its_first_step_is_the_newest(void **state)
{
    (void)state;
    struct project p;
    project_up(&p);
    write_run(&p, "aaa", "orders", "oidrb");
    assert_string_equal(found(&p, true), "aaa");
    write_run(&p, "short", "orders", "o");
    assert_string_equal(found(&p, true), "short");
    assert_string_equal(found(&p, false), "short");
    project_down(&p);
}

static void test_find__prefers_a_run_that_is_not_at_its_end(void **state)
{
    (void)state;
    struct project p;
    project_up(&p);
    write_run(&p, "first", "orders", "oih");
    write_run(&p, "second", "parts", "oidf");
    assert_string_equal(found(&p, true), "first");
    assert_string_equal(found(&p, false), "first");
    project_down(&p);
}

static void test_find__does_not_choose_between_two_that_wait(void **state)
{
    (void)state;
    struct project p;
    const char *name = NULL;
    project_up(&p);
    write_run(&p, "stale", "orders", "o"); /* nothing of it was begun */
    write_run(&p, "first", "orders", "oih");
    assert_string_equal(found(&p, true), "first");
    write_run(&p, "second", "parts", "oi");
    assert_null(found(&p, true));
    assert_int_equal(p.err.code, FX_E_USAGE);
    assert_non_null(strstr(p.err.detail, "first (context orders)"));
    assert_non_null(strstr(p.err.detail, "second (context parts)"));
    assert_null(strstr(p.err.detail, "stale"));
    assert_string_equal(found(&p, false), "second");
    assert_true(pln_run_find(&p.project, "first", true, &p.arena, &name, &p.err));
    assert_string_equal(name, "first");
    const char *lock = fx_arena_printf(&p.arena, "%s/runs/first/lock", p.project.state_dir);
    struct fx_flock *held = NULL;
    assert_true(fx_flock_take(lock, "run first", &held, &p.err));
    assert_string_equal(found(&p, false), "first"); /* the one that somebody carries out now */
    fx_flock_release(held);
    project_down(&p);
}

/* It took 19 s and more to say so, and its head said 120 ms. */
static void test_picture__of_a_stuck_run_counts_until_now(void **state)
{
    (void)state;
    struct project p;
    struct pln_picture pic;
    project_up(&p);
    write_run(&p, "short", "orders", "oirs");
    write_run(&p, "gone", "orders", "oirb");
    assert_true(pln_run_picture(&p.project, "gone", false, &p.arena, &pic, &p.err));
    int64_t gone_ms = pic.elapsed_ms;
    fx_sleep_ms(100);
    assert_true(pln_run_picture(&p.project, "short", false, &p.arena, &pic, &p.err));
    assert_true(pic.elapsed_ms >= 100);
    assert_int_equal(pic.steps[0].mark, PLN_MARK_STOPPED);
    assert_int_equal(pic.steps[0].elapsed_ms, -1);
    assert_true(pln_run_picture(&p.project, "gone", false, &p.arena, &pic, &p.err));
    assert_int_equal(pic.elapsed_ms, gone_ms);
    project_down(&p);
}

/* A watch ends with the run: it used to be decided by the first word of the outcome. */
static void test_picture__a_held_run_is_not_over(void **state)
{
    (void)state;
    static const struct {
        const char *records;
        bool is_over;
    } cases[] = {{"oi", false}, {"oih", false}, {"oidf", true}, {"oirb", true}, {"oirs", true}};
    struct project p;
    project_up(&p);
    for (size_t i = 0; i < FX_ARRAY_LEN(cases); i++) {
        struct pln_picture pic;
        p.n_names = 0;
        write_run(&p, "one", "orders", cases[i].records);
        assert_true(pln_run_picture(&p.project, "one", false, &p.arena, &pic, &p.err));
        assert_int_equal(pic.is_over, cases[i].is_over);
        forget_run(&p, "one");
    }
    p.n_names = 0;
    project_down(&p);
}

/* It used to advise to move the run away, which only a build that can read it can tell. */
static void test_end__of_a_newer_builds_run_names_that_build(void **state)
{
    (void)state;
    struct project p;
    project_up(&p);
    write_newer_run(&p, "newer", "orders");
    assert_false(pln_runs_at_end(&p.project, "orders", NULL, &p.err));
    assert_int_equal(p.err.code, FX_E_VERSION);
    assert_non_null(strstr(p.err.hint, "ficus version"));
    assert_null(strstr(p.err.hint, "move"));
    fx_err_clear(&p.err);
    assert_true(pln_runs_at_end(&p.project, "parts", NULL, &p.err)); /* another context's */
    project_down(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end__of_a_newer_builds_run_names_that_build),
        cmocka_unit_test(test_find__a_run_that_was_stopped_before_its_first_step_is_the_newest),
        cmocka_unit_test(test_find__prefers_a_run_that_is_not_at_its_end),
        cmocka_unit_test(test_find__does_not_choose_between_two_that_wait),
        cmocka_unit_test(test_picture__of_a_stuck_run_counts_until_now),
        cmocka_unit_test(test_picture__a_held_run_is_not_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
