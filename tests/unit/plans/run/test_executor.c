/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan engine without servers: loading, gates, undo, and the machine with a driver of plain variables, crashed after every
 * single record and resumed from what the file holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/alloc.h"
#include "plans/plan/load.h"
#include "plans/run/executor.h"
#include "plans/run/undo.h"
#include "plans/steps/routes.h"
#include "tests/unit/tmp.h"

static const char head[] =
    "apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: p}\ncontext: orders\n"
    "policy: {gate_wait: 100ms, retry: 200ms}\n";
static const char whole[] = "steps:\n"
                            "  - {id: copy, do: stream.start, undo: stream.drop}\n"
                            "  - {id: canary, do: {route.ramp: {routes: [r], through: [1%, 50%], "
                            "every: 100ms}}, undo: route.reset}\n"
                            "  - {id: cut, do: cutover, undo: cutover.fallback}\n"
                            "  - {id: back, do: cutover.fallback, undo: cutover}\n"
                            "  - {id: again, do: cutover, undo: cutover.fallback}\n"
                            "  - {id: end, do: finish}\n";

struct fixture {
    struct fx_arena arena;
    struct fx_problems problems;
    struct pln_plan *plan;
    struct fx_err err;
};

static bool load(struct fixture *f, const char *a, const char *b)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    fx_arena_init(&f->arena, 0);
    fx_problems_init(&f->problems);
    f->err = FX_ERR_INIT;
    fx_buf_add_c(&text, a);
    fx_buf_add_c(&text, b);
    return pln_parse("p.yaml", fx_buf_str(&text), NULL, &f->arena, &f->plan, &f->problems, &f->err);
}

static void done(struct fixture *f)
{
    fx_problems_done(&f->problems);
    fx_arena_done(&f->arena);
}

static void complains(const char *steps, const char *problem)
{
    struct fixture f;
    assert_false(load(&f, head, steps));
    assert_int_equal(f.err.code, FX_E_CONFIG);
    if (strstr(fx_buf_cstr(&f.problems.text), problem) == NULL)
        fail_msg("\"%s\" is not in:\n%s", problem, fx_buf_cstr(&f.problems.text));
    done(&f);
}

static void test_load__accepts_a_whole_plan(void **state)
{
    (void)state;
    struct fixture f;
    assert_true(load(&f, head, whole));
    assert_int_equal(f.plan->n_steps, 6);
    assert_int_equal(((const struct pln_ramp *)f.plan->steps[1].options)->n_through, 2);
    assert_int_equal(f.plan->policy.fence_ttl_ms, 15000);
    done(&f);
}

static void test_load__names_each_problem_with_its_place(void **state)
{
    (void)state;
    complains("steps:\n  - {id: a, do: stream.strat, undo: stream.drop}\n",
              "p.yaml:7:17: unknown step kind \"stream.strat\"; did you mean \"stream.start\"?");
    complains("steps:\n  - {id: a, do: stream.start}\n", "add `undo: stream.drop`");
    complains("steps:\n  - {id: a, do: stream.drop}\n", "cannot be undone");
    complains("steps:\n  - {id: a, do: stream.start, undo: route.reset}\n", "is not undone by");
    complains("steps:\n  - {id: a, do: cutover, undo: cutover.fallback}\n",
              "needs running streams");
    complains("steps:\n  - {id: a, do: {wait: 5}}\n", "\"5\" is not a duration");
    complains("steps:\n  - {id: a, do: {wait: 1s}}\n  - {id: a, do: {wait: 1s}}\n",
              "step id \"a\" is already used in line 7");
    complains("steps:\n  - {id: a, do: {wait: 1s}, gate: {lag_p9: {below: 1s}}}\n",
              "unknown gate \"lag_p9\"; did you mean \"lag_p99\"?");
    complains("steps:\n  - {id: a, do: {wait: 1s}, gate: {divergent: 0}}\n", "cannot be measured");
    complains("steps:\n  - {id: a, do: {wait: 1s}, oops: 1}\n", "unknown key \"oops\"");
    complains("steps: []\n", "expected a list of steps");
    complains("steps:\n  - {id: a, do: stream.start, undo: stream.drop}\n"
              "  - {id: b, do: cutover, undo: cutover.fallback}\n"
              "  - {id: c, do: cutover, undo: cutover.fallback}\n",
              "p.yaml:9:17: step \"c\" cuts over, but step \"b\" in line 8 has done so already");
    complains("steps:\n  - {id: a, do: stream.start, undo: stream.drop}\n"
              "  - {id: b, do: cutover, undo: cutover.fallback}\n"
              "  - {id: c, do: cutover.fallback, undo: cutover}\n"
              "  - {id: d, do: cutover.fallback, undo: cutover}\n",
              "p.yaml:10:17: step \"d\" falls back, but step \"c\" in line 9 has done so already");
}

static void test_load__shows_all_problems_in_one_run(void **state)
{
    (void)state;
    struct fixture f;
    assert_false(load(&f,
                      "apiVersion: ficus/v2\nkind: Migration\nmetadata: {nam: p}\ncontext: orders\n"
                      "policy: {fence_ttl: 30s, hold: 25s}\n",
                      "steps:\n  - {id: a, do: waitt}\n"));
    assert_int_equal(f.problems.count, 5);
    assert_non_null(strstr(fx_buf_cstr(&f.problems.text), "drain + fence_ttl (35000 ms)"));
    done(&f);
}

static enum pln_verdict judge(const char *gate, const struct pln_facts *facts)
{
    struct fixture f;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1024);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    fx_buf_printf(
        &text,
        "steps:\n  - {id: s, do: stream.start, undo: stream.drop}\n  - {id: a, do: {route.ramp: "
        "{routes: [r], through: [1%%], every: 1s}}, undo: route.reset, gate: {%s}}\n",
        gate);
    if (!load(&f, head, fx_buf_cstr(&text)))
        fail_msg("%s\n%s", f.err.message, f.err.detail);
    enum pln_verdict v =
        pln_gates_eval(f.plan->steps[1].gates, f.plan->steps[1].n_gates, facts, &why);
    assert_true(why.len > 0);
    done(&f);
    return v;
}

static void test_gates__what_was_not_measured_is_unknown(void **state)
{
    (void)state;
    struct pln_facts f = pln_facts_none;
    assert_int_equal(judge("mismatch: {below: 1%}", &f), PLN_UNKNOWN);
    assert_int_equal(judge("error_rate: {new_minus_old_below: 1%}", &f), PLN_UNKNOWN);
    assert_int_equal(judge("p99: {new_over_old_below: 1.2}", &f), PLN_UNKNOWN);
    assert_int_equal(judge("lag_p99: {below: 1s}", &f), PLN_UNKNOWN);
    assert_int_equal(judge("write_leaks: 0", &f), PLN_UNKNOWN);
    assert_int_equal(judge("equal: {max_age: 1h}", &f), PLN_UNKNOWN);
}

static void test_gates__a_share_needs_its_sample_but_fails_early(void **state)
{
    (void)state;
    struct pln_facts f = pln_facts_none;
    f.shadow_compared = 99;
    f.shadow_mismatch = 0;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_UNKNOWN);
    f.shadow_compared = 100;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_PASS);
    f.shadow_mismatch = 1;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_FAIL);
    f.shadow_compared = 2;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_FAIL);
    f.is_shadow_late = true; /* a late copy is no mismatch, however many there are */
    f.shadow_mismatch = 50;
    f.shadow_lag_ms = 4000;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_UNKNOWN);
    f.shadow_lag_ms = -1;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_UNKNOWN);
    f.is_shadow_late = false;
    assert_int_equal(judge("mismatch: {below: 1%, of_at_least: 100}", &f), PLN_FAIL);
    f.requests_old = 1000;
    f.errors_old = 10;
    f.requests_new = 100;
    f.errors_new = 1;
    assert_int_equal(judge("error_rate: {new_minus_old_below: 0.1%}", &f), PLN_PASS);
    f.errors_new = 2;
    assert_int_equal(judge("error_rate: {new_minus_old_below: 0.1%}", &f), PLN_FAIL);
}

static void test_gates__lag_is_judged_over_a_whole_window(void **state)
{
    (void)state;
    struct pln_facts f = pln_facts_none;
    int64_t lag[] = {5000, 10, 20, 30}, at[] = {0, 1000, 2000, 3000};
    f.lag_ms = lag;
    f.lag_at_ms = at;
    f.n_lag = 4;
    assert_int_equal(judge("lag_p99: {below: 1s, for: 2s}", &f), PLN_PASS);
    assert_int_equal(judge("lag_p99: {below: 1s, for: 3s}", &f), PLN_FAIL);
    assert_int_equal(judge("lag_p99: {below: 1s, for: 9s}", &f), PLN_UNKNOWN);
    lag[3] = -1;
    assert_int_equal(judge("lag_p99: {below: 1s}", &f), PLN_UNKNOWN);
}

static void test_gates__fail_wins_over_unknown(void **state)
{
    (void)state;
    struct pln_facts f = pln_facts_none;
    f.leaks = 1;
    assert_int_equal(judge("mismatch: {below: 1%}, write_leaks: 0", &f), PLN_FAIL);
}

static void undo_is(const char *states, const char *want)
{
    struct fixture f;
    assert_true(load(&f, head, whole));
    struct pln_state *st = FX_ARENA_NEW(&f.arena, struct pln_state);
    pln_state_init(st);
    for (size_t i = 0; i < 6; i++)
        st->steps[i].state = states[i] == 'D'   ? PLN_STEP_DONE
                             : states[i] == 'R' ? PLN_STEP_RUNNING
                             : states[i] == 'F' ? PLN_STEP_FAILED
                             : states[i] == 'U' ? PLN_STEP_UNDOING
                             : states[i] == 'X' ? PLN_STEP_UNDONE
                                                : PLN_STEP_PENDING;
    int list[PLN_STEPS_MAX], blocked;
    FX_AUTO(fx_buf) struct fx_buf got = FX_BUF(256);
    size_t n = pln_undo_list(f.plan, st, list, &blocked);
    for (size_t i = 0; i < n; i++)
        fx_buf_printf(&got, "%s ", f.plan->steps[list[i]].id);
    assert_string_equal(fx_buf_cstr(&got), want);
    done(&f);
}

static void test_undo__is_the_reverse_without_pairs_that_cancel(void **state)
{
    (void)state;
    undo_is("......", "");
    undo_is("D.....", "copy ");
    undo_is("R.....", "copy ");
    undo_is("DDD...", "cut canary copy ");
    undo_is("DDDD..", "canary copy ");
    undo_is("DDDDD.", "again canary copy ");
    undo_is("DDDDF.", "canary copy ");
    undo_is("DDDF..", "cut canary copy ");
    undo_is("DDF...", "canary copy ");
    undo_is("DF....", "canary copy ");
    undo_is("DDDDU.", "again canary copy ");
    undo_is("DDDDX.", "canary copy ");
    undo_is("DDU...", "cut canary copy ");
    undo_is("DX....", "copy ");
}

/* --- the machine -------------------------------------------------------------------------------- */

enum { MAX_LOG = 512 };

/* The world that outlives a controller: who serves, the weight, whether streams run; and a log of effects. */
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
}

/* A controller that dies when the journal has `max_records`: its next safe point or append finds should_stop. */
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
    struct pln_exec ex = {&env, f->plan, &driver, w, journal, state, (int)die_at, 20, {0}};
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
    assert_true(load(&f, head, whole));
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
    assert_true(load(&f, head, whole));
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
    assert_true(load(&f, head, whole));
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
    assert_true(load(&f, head, whole));
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
    assert_true(load(&f, head, whole));
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
    assert_true(load(&f, head, whole));
    forget_journal();
    assert_false(control(&f, &w, "start", 0, &err));
    w.new_serves = true;
    w.is_stream_dead = true;
    assert_true(control(&f, &w, "rollback", 0, &err));
    assert_false(w.new_serves);
    forget_journal();
    done(&f);
}

/* It used to be decided by the text of the hint: any command of a run in it hid the one that goes on. */
static void test_run__a_rollback_that_stopped_names_the_command_that_goes_on(void **state)
{
    (void)state;
    struct fixture f;
    struct world w = {0};
    struct fx_err err;
    assert_true(load(&f, head, whole));
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
    assert_true(load(&f, head, gated));
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
    assert_true(load(&f, head, gated));
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
    assert_true(load(&f, head, one_way));
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

static void test_journal__refuses_a_record_that_cannot_follow(void **state)
{
    (void)state;
    struct pln_state *st = fx_alloc(sizeof *st);
    struct fx_err err = FX_ERR_INIT;
    struct pln_step step = {.index = 0, .id = "a"};
    pln_state_init(st);
    struct pln_record rec = pln_record(PLN_REC_INTENT, &step);
    assert_false(pln_state_apply(st, &rec, &err));
    assert_int_equal(err.code, FX_E_JOURNAL);
    free(st);
}

static void test_journal__refuses_a_phase_that_cannot_follow(void **state)
{
    (void)state;
    struct pln_state *st = fx_alloc(sizeof *st);
    struct fx_err err = FX_ERR_INIT;
    pln_state_init(st);
    struct pln_record opened = pln_record(PLN_REC_RUN_OPENED, NULL);
    opened.text = "start";
    opened.epoch = 1;
    struct pln_record closed = pln_record(PLN_REC_RUN_CLOSED, NULL);
    closed.text = "rolled back";
    struct pln_record rollback = pln_record(PLN_REC_ROLLBACK, NULL);
    assert_true(pln_state_apply(st, &opened, &err));
    assert_false(pln_state_apply(st, &closed, &err)); /* it never went back */
    assert_int_equal(err.code, FX_E_JOURNAL);
    assert_int_equal(st->phase, PLN_PHASE_FORWARD);
    assert_true(pln_state_apply(st, &rollback, &err));
    assert_false(pln_state_apply(st, &rollback, &err));
    assert_true(pln_state_apply(st, &closed, &err));
    assert_int_equal(st->phase, PLN_PHASE_ROLLED_BACK);
    free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load__accepts_a_whole_plan),
        cmocka_unit_test(test_load__names_each_problem_with_its_place),
        cmocka_unit_test(test_load__shows_all_problems_in_one_run),
        cmocka_unit_test(test_gates__what_was_not_measured_is_unknown),
        cmocka_unit_test(test_gates__a_share_needs_its_sample_but_fails_early),
        cmocka_unit_test(test_gates__lag_is_judged_over_a_whole_window),
        cmocka_unit_test(test_gates__fail_wins_over_unknown),
        cmocka_unit_test(test_undo__is_the_reverse_without_pairs_that_cancel),
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
        cmocka_unit_test(test_journal__refuses_a_record_that_cannot_follow),
        cmocka_unit_test(test_journal__refuses_a_phase_that_cannot_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
