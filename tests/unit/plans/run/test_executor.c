/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine that carries out a plan, without servers: with a driver of plain variables, stopped
 * after every single record and resumed from what the file holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "plans/run/executor.h"
#include "tests/unit/plans/plan_text.h"
#include "tests/unit/tmp.h"

enum { MAX_LOG = 512 };

/* The world that outlives a controller: who serves, the
 * weight, whether streams run; and a log of effects. */
struct world {
    bool streams, new_serves;
    double weight;
    char log[MAX_LOG];
    enum fx_code fail_code; /* what the step `fail_id` answers, NONE: nothing fails */
    const char *fail_id;
    int n_fail;
    enum fx_code undo_code; /* what the undo of any step answers, with this hint */
    const char *undo_hint;
    int64_t leaks;
    bool is_stream_dead;       /* until a tick starts it again; probe needs it */
    enum fx_code stopped_code; /* a stream has stopped by itself for this reason; NONE: none has */
    struct pln_exec *ex;
};

static bool w_check(void *arg, const struct pln_step *step, struct fx_err *err)
{
    (void)arg;
    (void)step;
    (void)err;
    return true;
}

static bool w_act(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                  struct fx_err *err)
{
    struct world *w = arg;
    if (w->fail_id != NULL && strcmp(w->fail_id, step->id) == 0 && w->n_fail > 0 &&
        kind == step->kind) {
        w->n_fail--;
        return fx_fail(err, w->fail_code, "planned");
    }
    if (w->undo_code != FX_E_NONE && kind != step->kind) {
        fx_fail(err, w->undo_code, "planned");
        return fx_hint(err, "%s", w->undo_hint);
    }
    size_t used = strlen(w->log);
    snprintf(w->log + used, sizeof w->log - used, "%s ", pln_kind_info(kind)->name);
    switch (kind) {
    case PLN_STREAM_START: w->streams = true; break;
    case PLN_STREAM_DROP: w->streams = false; break;
    case PLN_ROUTE_RAMP: w->weight = 50; return pln_exec_effect(ex, step, 50, -1, "50 %", err);
    case PLN_ROUTE_RESET: w->weight = 0; break;
    case PLN_CUTOVER:
        if (w->new_serves)
            return fx_fail(err, FX_E_STUCK, "cut over twice");
        w->new_serves = true;
        break;
    case PLN_CUTOVER_FALLBACK:
        if (!w->new_serves)
            return fx_fail(err, FX_E_STUCK, "fell back twice");
        w->new_serves = false;
        break;
    default: break; /* the others leave no trace in this world */
    }
    return true;
}

static bool w_probe(void *arg, struct pln_exec *ex, const struct pln_step *step, enum pln_kind kind,
                    bool *ret_done, struct fx_err *err)
{
    struct world *w = arg;
    (void)ex;
    (void)step;
    if (w->is_stream_dead)
        return fx_fail(err, FX_E_STREAM, "the stream is dead");
    *ret_done =
        (kind == PLN_CUTOVER && w->new_serves) || (kind == PLN_CUTOVER_FALLBACK && !w->new_serves);
    return true;
}

static void w_facts(void *arg, const struct pln_step *step, struct pln_facts *facts)
{
    const struct world *w = arg;
    (void)step;
    facts->leaks = w->leaks;
}

static bool w_tick(void *arg, struct pln_exec *ex, struct fx_err *err)
{
    struct world *w = arg;
    (void)ex;
    w->is_stream_dead = false;
    return w->stopped_code == FX_E_NONE || fx_fail(err, w->stopped_code, "the stream stopped");
}

static const char *journal_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/ficus-test-journal.%d", test_tmp(), (int)getpid());
    return path;
}

static void forget_journal(void)
{
    char lock[sizeof "/.lock" + 128];
    snprintf(lock, sizeof lock, "%s.lock", journal_path());
    unlink(journal_path());
    unlink(lock);
    snprintf(lock, sizeof lock, "%s.key", journal_path());
    unlink(lock);
}

/* A controller that dies when the journal has `max_records`:
 * its next safe point or append finds should_stop. */
static bool stop_at(void *arg)
{
    struct world *w = arg;
    return w->ex->state->n_records >= (uint64_t)w->ex->checked;
}

static bool control(struct fixture *f, struct world *w, const char *mode, uint64_t die_at,
                    struct fx_err *err)
{
    struct pln_journal *journal = NULL;
    struct pln_state *state = fx_alloc(sizeof *state);
    const struct pln_driver driver = {
        .check = w_check, .act = w_act, .probe = w_probe, .facts = w_facts, .tick = w_tick};
    struct pln_env env = {.should_stop = die_at > 0 ? stop_at : NULL, .arg = w};
    *err = FX_ERR_INIT;
    assert_true(pln_journal_open(journal_path(), state, &journal, err));
    struct pln_record rec = pln_record(PLN_REC_RUN_OPENED, NULL);
    rec.text = state->phase == PLN_PHASE_NEW ? "start" : mode;
    rec.epoch = state->epoch + 1;
    rec.digest = f->plan->digest;
    rec.plan = "p.yaml";
    assert_true(pln_journal_append(journal, &rec, err));
    struct pln_exec ex = {&env,        f->plan, &driver, w,    journal, state,
                          (int)die_at, 20,      {0},     NULL, NULL};
    if (die_at == 0)
        ex.checked = -1;
    w->ex = &ex;
    bool ok = strcmp(mode, "rollback") == 0 || state->phase == PLN_PHASE_BACK
                  ? pln_exec_back(&ex, "test", "", err)
                  : pln_exec_forward(&ex, err);
    pln_journal_close(journal);
    free(state);
    return ok;
}

static void test_run__walks_the_plan_once(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {0};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    forget_journal();
    assert_true(control(&f, &w, "start", 0, &err));
    assert_string_equal(w.log, "stream.start route.ramp cutover cutover.fallback cutover finish ");
    assert_true(w.new_serves);
    forget_journal();
    done(&f);
}

static void test_run__resumes_after_a_stop_at_every_record(void **state)
{
    (void)state;
    struct fixture f;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    for (uint64_t die = 2; die < 20; die++) {
        struct world w = {0};
        struct fx_err err;
        forget_journal();
        if (!control(&f, &w, "start", die, &err)) {
            assert_int_equal(err.code, FX_E_INTERRUPTED);
            assert_true(control(&f, &w, "resume", 0, &err));
        }
        assert_true(w.new_serves);
        assert_int_equal((int)w.weight, 50);
    }
    forget_journal();
    done(&f);
}

static void test_run__rolls_back_a_step_that_fails(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {.fail_id = "again", .fail_code = FX_E_DIVERGED, .n_fail = 9};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    forget_journal();
    assert_false(control(&f, &w, "start", 0, &err));
    assert_int_equal(err.code, FX_E_ROLLED_BACK);
    assert_false(err.is_retriable);
    assert_non_null(strstr(err.detail, "planned"));
    assert_string_equal(w.log, "stream.start route.ramp cutover cutover.fallback route.reset "
                               "stream.drop ");
    forget_journal();
    done(&f);
}

static void test_run__tries_again_what_is_only_away(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {.fail_id = "copy", .fail_code = FX_E_TARGET_CONNECT, .n_fail = 9};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    forget_journal();
    assert_false(control(&f, &w, "start", 0, &err));
    assert_int_equal(err.code, FX_E_TARGET_CONNECT);
    assert_string_equal(w.log, "");
    w.n_fail = 0;
    assert_true(control(&f, &w, "resume", 0, &err));
    forget_journal();
    done(&f);
}

static void test_run__rollback_settles_a_cut_over_that_had_happened(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {.fail_id = "cut", .fail_code = FX_E_INTERRUPTED, .n_fail = 9};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    forget_journal();
    assert_false(control(&f, &w, "start", 0, &err));
    w.new_serves = true; /* the commit had won before the controller died */
    assert_true(control(&f, &w, "rollback", 0, &err));
    assert_string_equal(w.log, "stream.start route.ramp cutover.fallback route.reset stream.drop ");
    assert_false(w.new_serves);
    forget_journal();
    done(&f);
}

static void test_run__rollback_starts_streams_that_died_before_it_settles(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {.fail_id = "cut", .fail_code = FX_E_INTERRUPTED, .n_fail = 9};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    forget_journal();
    assert_false(control(&f, &w, "start", 0, &err));
    w.new_serves = true;
    w.is_stream_dead = true;
    assert_true(control(&f, &w, "rollback", 0, &err));
    assert_false(w.new_serves);
    forget_journal();
    done(&f);
}

/* It used to be decided by the text of the hint: any
 * command of a run in it hid the one that goes on. */
static void test_run__a_rollback_that_stopped_names_the_command_that_goes_on(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {0};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, PLAN_WHOLE));
    forget_journal();
    assert_true(control(&f, &w, "start", 0, &err));
    w.undo_code = FX_E_LOCKED;
    w.undo_hint = "See what it does: ficus run status other";
    assert_false(control(&f, &w, "rollback", 0, &err));
    assert_int_equal(err.code, FX_E_LOCKED);
    assert_string_equal(err.hint,
                        "See what it does: ficus run status other   Then run: ficus run resume p");
    w.undo_code = FX_E_JOURNAL; /* whoever raises it knows of the run and says so itself */
    w.undo_hint = "Free space, then run: ficus run resume";
    assert_false(control(&f, &w, "resume", 0, &err));
    assert_string_equal(err.hint, "Free space, then run: ficus run resume");
    forget_journal();
    done(&f);
}

static const char gated[] = "steps:\n"
                            "  - {id: copy, do: stream.start, undo: stream.drop}\n"
                            "  - {id: cut, do: cutover, undo: cutover.fallback, "
                            "gate: {write_leaks: 0}}\n";

static void test_run__a_stopped_stream_closes_the_way_back_at_once_and_says_so(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {0};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, gated));
    forget_journal();
    assert_true(control(&f, &w, "start", 0, &err)); /* rolled back from its end */
    w.stopped_code = FX_E_SOURCE_DATA;
    struct fx_mono began = fx_mono_now();
    assert_false(control(&f, &w, "rollback", 0, &err));
    assert_int_equal(err.code, FX_E_STUCK);
    assert_non_null(strstr(err.message, "the stream stopped"));
    assert_non_null(strstr(err.hint, "ficus run resume"));
    assert_true(fx_mono_since_us(began, fx_mono_now()) < 1000000);
    assert_true(w.new_serves); /* nothing has moved */
    w.stopped_code = FX_E_NONE;
    assert_true(control(&f, &w, "resume", 0, &err));
    assert_false(w.new_serves);
    assert_string_equal(w.log, "stream.start cutover cutover.fallback stream.drop ");
    forget_journal();
    done(&f);
}

static void test_run__a_cut_over_that_did_not_happen_asks_its_gates_again_on_resume(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {.fail_id = "cut", .fail_code = FX_E_INTERRUPTED, .n_fail = 9};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, gated));
    forget_journal();
    assert_false(control(&f, &w, "start", 0, &err));
    assert_int_equal(err.code, FX_E_INTERRUPTED);
    w.n_fail = 0;
    w.leaks = 1; /* the gate passed yesterday, and would not today */
    assert_false(control(&f, &w, "resume", 0, &err));
    assert_int_equal(err.code, FX_E_HELD);
    assert_string_equal(w.log, "stream.start ");
    assert_false(w.new_serves);
    w.new_serves = true; /* one that had happened is finished whatever the gates say */
    assert_true(control(&f, &w, "resume", 0, &err));
    assert_string_equal(w.log, "stream.start ");
    forget_journal();
    done(&f);
}

static const char one_way[] = "steps:\n"
                              "  - {id: copy, do: stream.start, undo: stream.drop}\n"
                              "  - {id: cut, do: cutover, point_of_no_return: true}\n"
                              "  - {id: end, do: finish}\n";

static void test_run__behind_the_point_of_no_return_a_failure_leaves_the_way_forward(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {.fail_id = "end", .fail_code = FX_E_DIVERGED, .n_fail = 1};
    struct fx_err err;
    assert_true(load(&f, PLAN_HEAD, one_way));
    forget_journal();
    assert_false(control(&f, &w, "start", 0, &err));
    assert_int_equal(err.code, FX_E_STUCK);
    assert_false(control(&f, &w, "rollback", 0, &err));
    assert_int_equal(err.code, FX_E_STUCK);
    assert_true(w.streams && w.new_serves);
    assert_true(control(&f, &w, "resume", 0, &err));
    assert_string_equal(w.log, "stream.start cutover finish ");
    forget_journal();
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run__walks_the_plan_once),
        cmocka_unit_test(test_run__resumes_after_a_stop_at_every_record),
        cmocka_unit_test(test_run__rolls_back_a_step_that_fails),
        cmocka_unit_test(test_run__tries_again_what_is_only_away),
        cmocka_unit_test(test_run__a_rollback_that_stopped_names_the_command_that_goes_on),
        cmocka_unit_test(test_run__rollback_settles_a_cut_over_that_had_happened),
        cmocka_unit_test(test_run__rollback_starts_streams_that_died_before_it_settles),
        cmocka_unit_test(test_run__a_stopped_stream_closes_the_way_back_at_once_and_says_so),
        cmocka_unit_test(test_run__a_cut_over_that_did_not_happen_asks_its_gates_again_on_resume),
        cmocka_unit_test(test_run__behind_the_point_of_no_return_a_failure_leaves_the_way_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
