/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cut-over's machine in a world of plain variables: two ownership rows that obey their
 * compare-and-sets, one facade, a clock that moves when the machine sleeps. Every effect can fail
 * before or after it took effect, once or for ever (the controller is dead), so each test below
 * walks over all calls that a cut-over makes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plans/cutover/machine.h"
#include "plans/cutover/recover.h"

enum failure { FAIL_NEVER, FAIL_BEFORE, FAIL_AFTER };

struct world {
    struct fx_own a, b;
    bool a_fence_in_flight; /* a fence whose session is lost and that may still land */
    bool is_held, is_moving, routed_to_b, has_triggers;
    int64_t facade_epoch, clock_ms;
    /* What fails: call number `at`, and with is_dead every one after it. */
    int at, calls;
    enum failure failure;
    bool is_dead;
    enum fx_code code;
    int conflicts; /* fences that are rolled back by a deadlock first */
    bool reopens;  /* a writer finds the fence expired right before the commit */
    bool never_applied;
    int64_t lag_ms[2], lag_falls_ms; /* towards the winning side, back; a sample less each time */
    int64_t held_at_ms;
    bool never_read_back; /* the stream that will be the way back does not come past the mark */
    bool loses_races;     /* somebody else moves the row whenever we want to */
    bool loses_triggers;  /* a tool swaps a table while the facades are told */
    bool is_seen;         /* nothing has happened since the triggers were looked at */
    bool both_accepted;
    enum fx_code release_fails; /* for ever, with this */
};

/* Do both sides accept? Asked after every change of a row: it must never be. */
static void watch(struct world *w)
{
    if (w->a.state == FX_OWN_HERE && w->b.state == FX_OWN_HERE)
        w->both_accepted = true;
}

/* Begins an effect; false: it fails before it does anything. */
static bool enter(struct world *w, struct fx_err *err)
{
    w->calls++;
    bool is_now = w->failure != FAIL_NEVER && (w->is_dead ? w->calls > w->at : w->calls == w->at);
    if (is_now && (w->failure == FAIL_BEFORE || w->calls > w->at))
        return fx_fail(err, w->code, "call %d failed", w->calls);
    return true;
}

/* Ends one; false: its answer is lost. */
static bool leave(struct world *w, struct fx_err *err)
{
    if (w->failure == FAIL_AFTER && w->calls == w->at)
        return fx_fail(err, w->code, "the answer to call %d is lost", w->calls);
    return true;
}

static bool w_nothing(void *world, struct fx_err *err)
{
    return enter(world, err) && leave(world, err);
}
static bool w_epoch(void *world, int64_t epoch, struct fx_err *err)
{
    (void)epoch;
    return enter(world, err) && leave(world, err);
}

static bool w_own(void *world, enum pln_cut_side side, bool is_locked, struct fx_own *ret,
                  struct fx_err *err)
{
    struct world *w = world;
    (void)is_locked;
    if (!enter(w, err))
        return false;
    *ret = side == PLN_LOSING ? w->a : w->b;
    return leave(w, err);
}

static bool w_lag(void *world, bool is_reverse, int64_t *ret_ms, struct fx_err *err)
{
    struct world *w = world;
    if (!enter(w, err))
        return false;
    *ret_ms = w->lag_ms[is_reverse];
    if (w->lag_ms[is_reverse] > 0)
        w->lag_ms[is_reverse] = FX_MAX(w->lag_ms[is_reverse] - w->lag_falls_ms, (int64_t)0);
    return leave(w, err);
}

static bool w_measure(void *world, struct pln_measured *ret, bool *ret_known, struct fx_err *err)
{
    if (!enter(world, err))
        return false;
    *ret = (struct pln_measured){
        .losing_us = 1000, .winning_us = 1000, .writes_per_s = 100, .release_per_s = 2000};
    *ret_known = true;
    return leave(world, err);
}

static bool w_hold(void *world, int64_t epoch, struct fx_err *err)
{
    struct world *w = world;
    if (!enter(w, err))
        return false;
    w->is_held = true;
    w->held_at_ms = w->clock_ms;
    w->facade_epoch = epoch;
    return leave(w, err);
}

static bool w_yes(void *world, bool *ret, struct fx_err *err)
{
    if (!enter(world, err))
        return false;
    *ret = true;
    return leave(world, err);
}

static bool w_release(void *world, int64_t epoch, struct fx_err *err)
{
    struct world *w = world;
    if (!enter(w, err))
        return false;
    assert_true(epoch >= w->facade_epoch);
    if (w->release_fails != FX_E_NONE)
        return fx_fail(err, w->release_fails, "no space left") || fx_hint(err, "Make room.");
    w->facade_epoch = epoch;
    w->is_held = w->is_moving = false;
    return leave(w, err);
}

static bool w_move(void *world, int64_t epoch, struct fx_err *err)
{
    struct world *w = world;
    if (!enter(w, err))
        return false;
    if (!w->is_held || epoch != w->facade_epoch)
        return fx_fail(err, FX_E_FACADE, "the hold expired");
    w->is_moving = true;
    w->is_seen = false;
    if (w->loses_triggers)
        w->has_triggers = false;
    return leave(w, err);
}

static bool w_armed(void *world, int64_t epoch, struct fx_err *err)
{
    struct world *w = world;
    if (!w_epoch(world, epoch, err))
        return false;
    w->is_seen = true;
    return w->has_triggers || fx_fail(err, FX_E_DRIFT, "a table has no fence trigger");
}

static bool w_fence(void *world, int64_t e, bool *ret_taken, struct fx_err *err)
{
    struct world *w = world;
    if (!enter(w, err))
        return false;
    if (w->conflicts > 0) {
        w->conflicts--;
        return fx_fail(err, FX_E_DB_CONFLICT, "deadlock");
    }
    *ret_taken = w->a.state == FX_OWN_HERE && w->a.epoch == e;
    if (*ret_taken) {
        w->a = (struct fx_own){.state = FX_OWN_FENCED, .epoch = e + 1};
        w->has_triggers = true;
    }
    return leave(w, err);
}

static bool w_barrier(void *world, bool is_reverse, int64_t epoch, bool *ret, struct fx_err *err)
{
    struct world *w = world;
    (void)epoch;
    if (!w_yes(world, ret, err))
        return false;
    *ret = !is_reverse || !w->never_read_back;
    return true;
}

static bool w_applied(void *world, int64_t epoch, bool *ret, struct fx_err *err)
{
    struct world *w = world;
    (void)epoch;
    if (!w_yes(world, ret, err))
        return false;
    *ret = !w->never_applied;
    return true;
}

/* All four compare-and-sets. */
static bool cas(struct world *w, struct fx_own *row, bool is_ours, enum fx_own_state to,
                int64_t epoch, bool *ret_won, struct fx_err *err)
{
    if (!enter(w, err))
        return false;
    if (is_ours)
        *row = (struct fx_own){.state = to, .epoch = epoch};
    watch(w);
    if (!leave(w, err))
        return false;
    *ret_won = is_ours;
    return true;
}

static bool w_commit(void *world, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct world *w = world;
    if (w->reopens && w->a.state == FX_OWN_FENCED)
        w->a = (struct fx_own){.state = FX_OWN_HERE, .epoch = w->a.epoch + 1};
    watch(w);
    assert_true(w->is_moving); /* a facade that ends its hold by itself would guess */
    assert_true(w->is_seen);
    return cas(w, &w->a, w->a.state == FX_OWN_FENCED && w->a.epoch == e + 1, FX_OWN_AWAY, e + 2,
               ret_won, err);
}
static bool w_abort(void *world, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct world *w = world;
    return cas(w, &w->a, w->a.state == FX_OWN_FENCED && w->a.epoch == e + 1, FX_OWN_HERE, e + 2,
               ret_won, err);
}
static bool w_invalidate(void *world, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct world *w = world;
    bool may = !w->loses_races && w->a.state == FX_OWN_HERE && w->a.epoch == e;
    return cas(w, &w->a, may, FX_OWN_HERE, e + 2, ret_won, err);
}
static bool w_open(void *world, int64_t epoch, bool *ret_won, struct fx_err *err)
{
    struct world *w = world;
    return cas(w, &w->b, w->b.state == FX_OWN_AWAY && w->b.epoch < epoch, FX_OWN_HERE, epoch,
               ret_won, err);
}

static bool w_route(void *world, enum pln_cut_side to, int64_t epoch, bool *ret_all,
                    struct fx_err *err)
{
    struct world *w = world;
    if (!enter(w, err))
        return false;
    assert_true(epoch >= w->facade_epoch);
    w->facade_epoch = epoch;
    w->routed_to_b = to == PLN_WINNING;
    w->is_held = w->is_moving = false;
    if (!leave(w, err))
        return false;
    *ret_all = true;
    return true;
}

static bool w_disarm(void *world, enum pln_cut_side side, struct fx_err *err)
{
    struct world *w = world;
    if (!enter(w, err))
        return false;
    if (side == PLN_LOSING && w->a.state == FX_OWN_HERE)
        w->has_triggers = false;
    return leave(w, err);
}

static int64_t w_now(void *world)
{
    return ((struct world *)world)->clock_ms;
}
static void w_sleep(void *world, int64_t ms)
{
    ((struct world *)world)->clock_ms += ms;
}

static const struct pln_effects effects = {
    .preflight = w_nothing,
    .own = w_own,
    .arm = w_epoch,
    .prepare = w_epoch,
    .lag = w_lag,
    .measure = w_measure,
    .hold = w_hold,
    .drained = w_yes,
    .release = w_release,
    .move = w_move,
    .fence = w_fence,
    .barrier_read = w_barrier,
    .barrier_applied = w_applied,
    .verify = w_nothing,
    .raise_ids = w_epoch,
    .armed = w_armed,
    .commit = w_commit,
    .abort = w_abort,
    .invalidate = w_invalidate,
    .open = w_open,
    .route = w_route,
    .disarm = w_disarm,
    .confirm = w_epoch,
    .now_ms = w_now,
    .sleep_ms = w_sleep,
};

static struct world fresh(void)
{
    return (struct world){.a = {.state = FX_OWN_HERE, .epoch = 5},
                          .b = {.state = FX_OWN_AWAY, .epoch = 3},
                          .code = FX_E_DB_CONNECT,
                          .held_at_ms = -1};
}

static struct pln_cutover machine(struct world *w, const struct pln_cutover_options *opt,
                                  struct pln_cutover_result *result)
{
    return (struct pln_cutover){
        .fx = &effects, .en = w, .group = "orders", .new_wins = true, .opt = opt, .result = result};
}

static int calls_of_a_good_run(void)
{
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_true(pln_cutover_machine(&cut, &err));
    return w.calls;
}

static void test_cutover__moves_the_group_and_raises_both_epochs(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_true(pln_cutover_machine(&cut, &err));
    assert_int_equal(result.outcome, PLN_CUT_COMMITTED);
    assert_int_equal(w.a.state, FX_OWN_AWAY);
    assert_int_equal(w.b.state, FX_OWN_HERE);
    assert_int_equal(w.a.epoch, 7);
    assert_int_equal(w.b.epoch, 7);
    assert_int_equal(result.epoch, 7);
    assert_true(result.new_serves && w.routed_to_b && !w.is_held && !w.both_accepted);
    for (size_t i = 0; i < PLN_CUT_STEP_COUNT; i++)
        assert_true(result.step_ms[i] >= 0);
}

/* One side serves, facades agree, and nothing can accept a write on both. */
static void assert_settled(const struct world *w, bool says_committed, const char *when)
{
    bool is_b = w->b.state == FX_OWN_HERE;
    if (w->both_accepted || (w->a.state == FX_OWN_HERE) == is_b || w->routed_to_b != is_b ||
        w->is_held || w->is_moving || says_committed != is_b)
        fail_msg("%s: a=%s/%d b=%s/%d routed_to_b=%d held=%d committed=%d", when,
                 fx_own_state_name(w->a.state), (int)w->a.epoch, fx_own_state_name(w->b.state),
                 (int)w->b.epoch, w->routed_to_b, w->is_held, says_committed);
}

/* The controller lives and sees one failure of a code at call `at`. */
static void one_failure(int at, enum failure failure, enum fx_code code)
{
    char when[96];
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    w.at = at;
    w.failure = failure;
    w.code = code;
    struct pln_cutover cut = machine(&w, &opt, &result);
    bool ok = pln_cutover_machine(&cut, &err);
    (void)snprintf(when, sizeof when, "call %d, %s, %s", at,
                   failure == FAIL_BEFORE ? "before" : "after", fx_code_name(code));
    bool is_committed = result.outcome == PLN_CUT_COMMITTED;
    if (ok && !is_committed)
        fail_msg("%s: success without a commit", when);
    if (!is_committed && w.a.state == FX_OWN_HERE && w.is_held)
        w.is_held = w.is_moving; /* its release is what failed: the facade's deadline does it */
    assert_settled(&w, is_committed, when);
    if (is_committed || err.code == FX_E_DB || err.code == FX_E_DB_CONNECT)
        return; /* preflight, or step 12 */
    assert_true(err.code == FX_E_ABORTED || err.code == code);
}

static void test_cutover__one_failure_anywhere_leaves_one_side_serving(void **state)
{
    (void)state;
    static const enum fx_code codes[] = {FX_E_DB_CONNECT, FX_E_DB_CONFLICT, FX_E_DB};
    int calls = calls_of_a_good_run();
    for (int at = 1; at <= calls; at++)
        for (size_t c = 0; c < FX_ARRAY_LEN(codes); c++) {
            one_failure(at, FAIL_BEFORE, codes[c]);
            if (codes[c] == FX_E_DB_CONNECT) /* only a lost connection leaves the effect behind */
                one_failure(at, FAIL_AFTER, codes[c]);
        }
}

/* The controller dies at call `at`; a second one resumes. */
static void crash_and_resume(int at, enum failure failure, bool is_expired)
{
    char when[96];
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    opt.abort_ms = opt.open_ms = opt.route_ms = 300;
    w.at = at;
    w.failure = failure;
    w.is_dead = true;
    struct pln_cutover cut = machine(&w, &opt, &result);
    (void)!pln_cutover_machine(&cut, &err);
    w.failure = FAIL_NEVER;
    if (is_expired && w.a.state == FX_OWN_FENCED) /* a writer came first */
        w.a = (struct fx_own){.state = FX_OWN_HERE, .epoch = w.a.epoch + 1};
    err = FX_ERR_INIT;
    struct pln_cutover again = machine(&w, &opt, &result);
    (void)snprintf(when, sizeof when, "died at call %d %s", at,
                   failure == FAIL_BEFORE ? "before" : "after");
    if (!pln_cutover_recover(&again, &err))
        fail_msg("%s: %s", when, err.message);
    assert_settled(&w, result.outcome == PLN_CUT_COMMITTED, when);
    assert_int_equal(result.new_serves, w.b.state == FX_OWN_HERE);
    /* And once more: nothing is left to do. */
    assert_true(pln_cutover_recover(&again, &err));
    assert_settled(&w, result.outcome == PLN_CUT_COMMITTED, when);
    /* It began after the pause, so it measured nothing of it: 0 would pass every limit. */
    assert_int_equal(result.pause_ms, -1);
    assert_int_equal(result.fenced_ms, -1);
    assert_int_equal(result.keys_compared, -1);
    assert_int_equal(result.leaks, -1);
}

/* Nothing answers from call `at` on. What the result
 * then claims must be so; that nobody knows is no claim. */
static enum pln_cutover_outcome outcome_of_a_break(int at, enum failure failure)
{
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    w.at = at;
    w.failure = failure;
    w.is_dead = true;
    struct pln_cutover cut = machine(&w, &opt, &result);
    bool ok = pln_cutover_machine(&cut, &err);
    bool is_a = w.a.state == FX_OWN_HERE, is_b = w.b.state == FX_OWN_HERE;
    if (result.outcome == PLN_CUT_COMMITTED ? !is_b : result.outcome != PLN_CUT_UNFINISHED && !is_a)
        fail_msg("call %d: outcome %d, a=%s b=%s", at, (int)result.outcome,
                 fx_own_state_name(w.a.state), fx_own_state_name(w.b.state));
    assert_true(!ok || result.outcome == PLN_CUT_COMMITTED);
    return result.outcome;
}

static void test_cutover__a_result_never_names_a_side_that_does_not_serve(void **state)
{
    (void)state;
    int n[PLN_CUT_UNFINISHED + 1] = {0};
    for (int at = 1; at <= calls_of_a_good_run(); at++) {
        n[outcome_of_a_break(at, FAIL_BEFORE)]++;
        n[outcome_of_a_break(at, FAIL_AFTER)]++;
    }
    for (size_t i = 0; i < FX_ARRAY_LEN(n); i++)
        assert_true(n[i] > 0);
}

static void test_cutover__resume_after_death_at_any_call_settles(void **state)
{
    (void)state;
    int calls = calls_of_a_good_run();
    for (int at = 1; at <= calls; at++)
        for (int i = 0; i < 2; i++) {
            crash_and_resume(at, FAIL_BEFORE, i == 1);
            crash_and_resume(at, FAIL_AFTER, i == 1);
        }
}

static void test_cutover__fence_is_tried_again_and_held_again(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    w.conflicts = 4;
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_true(pln_cutover_machine(&cut, &err));
    assert_int_equal(result.fence_attempts, 5);
    w = fresh();
    w.conflicts = 5;
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_ABORTED);
    assert_int_equal(w.a.state, FX_OWN_HERE);
    assert_int_equal(w.a.epoch, 5);
    assert_false(w.is_held);
}

static void test_cutover__a_fence_that_healed_is_an_abort(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    w.reopens = true;
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_ABORTED);
    assert_non_null(strstr(err.hint, "ficus run resume"));
    assert_int_equal(result.epoch, 7);
    assert_int_equal(result.outcome, PLN_CUT_ABORTED);
    assert_settled(&w, false, "reopened");
}

static void test_cutover__triggers_lost_while_facades_are_told_are_an_abort(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    struct pln_cutover cut = machine(&w, &opt, &result);
    w.loses_triggers = true;
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_ABORTED);
    assert_int_equal(w.a.state, FX_OWN_HERE);
    assert_int_equal(w.b.state, FX_OWN_AWAY);
    assert_false(w.is_held || w.is_moving);
}

/* Aborted after the facades were told, and one of them cannot be told that. */
static struct fx_err untold(enum fx_code code, bool is_canary, int64_t *ret_ms)
{
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    struct pln_cutover cut = machine(&w, &opt, &result);
    w.loses_triggers = true;
    w.release_fails = code;
    cut.is_canary = is_canary;
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_ABORTED);
    assert_int_equal(w.a.state, FX_OWN_HERE);
    *ret_ms = w.clock_ms;
    return err;
}

static void test_cutover__a_facade_that_is_not_told_has_its_own_cause(void **state)
{
    (void)state;
    int64_t ms = 0, canary_ms = 0, stale_ms = 0;
    struct fx_err err = untold(FX_E_FACADE_CONNECT, false, &ms);
    assert_non_null(strstr(err.hint, "start it (ficusd), then run: ficus route sync orders"));
    err = untold(FX_E_FACADE, false, &ms);
    assert_null(strstr(err.hint, "start it"));
    assert_non_null(strstr(err.hint, "ficus route sync orders --execute"));
    assert_non_null(strstr(err.detail, "a facade was not told: no space left; Make room."));
    err = untold(FX_E_STALE_EPOCH, false, &stale_ms); /* another controller tells it */
    assert_null(strstr(err.hint, "route sync"));
    err = untold(FX_E_FACADE_CONNECT, true, &canary_ms); /* a canary has no writes */
    assert_null(strstr(err.hint, "route sync"));
    assert_true(ms >= 5000 && stale_ms < ms - 4000 && canary_ms < ms - 4000);
}

static void test_cutover__a_stream_that_stalls_is_an_abort_in_time(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    w.never_applied = true;
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_ABORTED);
    int64_t waited_ms = w.clock_ms - opt.drain_window_ms;
    assert_true(waited_ms >= opt.barrier_ms && waited_ms < opt.barrier_ms + 100);
    assert_settled(&w, false, "stalled");
}

static void test_cutover__a_way_back_that_stalls_is_named_by_its_direction(void **state)
{
    (void)state;
    static const char *const streams[] = {"the forward stream did not",
                                          "the reverse stream did not"};
    for (int new_wins = 0; new_wins <= 1; new_wins++) {
        struct world w = fresh();
        struct pln_cutover_options opt = pln_cutover_options_default();
        struct pln_cutover_result result;
        struct fx_err err = FX_ERR_INIT;
        opt.statement_ms = 20;
        w.never_read_back = true;
        struct pln_cutover cut = machine(&w, &opt, &result);
        cut.new_wins = new_wins != 0;
        assert_false(pln_cutover_machine(&cut, &err));
        assert_int_equal(err.code, FX_E_ABORTED);
        if (strstr(err.message, streams[new_wins]) == NULL &&
            strstr(err.detail, streams[new_wins]) == NULL)
            fail_msg("%s: %s\n%s", streams[new_wins], err.message, err.detail);
        assert_settled(&w, false, "way back");
    }
}

/* A backlog is waited for before anybody waits: nothing is held until it is gone, and was gone for
 * the whole window. */
static void test_cutover__drains_before_it_holds(void **state)
{
    (void)state;
    for (int side = 0; side < 2; side++) {
        struct world w = fresh();
        struct pln_cutover_options opt = pln_cutover_options_default();
        struct pln_cutover_result result;
        struct fx_err err = FX_ERR_INIT;
        w.lag_ms[side] = 3500;
        w.lag_falls_ms = 100;
        struct pln_cutover cut = machine(&w, &opt, &result);
        assert_true(pln_cutover_machine(&cut, &err));
        int64_t falls_ms = (3500 - opt.drain_before_ms) / 100 * 50;
        assert_true(w.held_at_ms >= falls_ms + opt.drain_window_ms);
        assert_true(w.held_at_ms <= falls_ms + opt.drain_window_ms + 100);
        assert_true(result.pause_ms < 50);
        assert_true(result.forecast.longest_ms >= 38 && result.forecast.longest_ms < 60);
    }
}

static void expect_held(struct world *w, const char *trend)
{
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    opt.drain_wait_ms = 5000;
    struct pln_cutover cut = machine(w, &opt, &result);
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_HELD);
    if (strstr(err.detail, trend) == NULL)
        fail_msg("no \"%s\" in: %s", trend, err.detail);
    assert_non_null(strstr(err.hint, "ficus run resume"));
    assert_non_null(strstr(err.hint, "--drain-before"));
    assert_int_equal(w->held_at_ms, -1);
    assert_true(w->clock_ms < 5200);
    assert_int_equal(w->a.epoch, 5);
    assert_int_equal(result.outcome, PLN_CUT_ABORTED);
    assert_false(w->has_triggers);
    assert_settled(w, false, "drain");
}

static void test_cutover__a_lag_that_does_not_fall_holds_the_run_and_no_write(void **state)
{
    (void)state;
    struct world steady = fresh(), rising = fresh(), falling = fresh(), unknown = fresh();
    steady.lag_ms[1] = 900;
    expect_held(&steady,
                "The reverse stream: lag 900 ms, 900 ms at the start, at most 900 ms; not");
    rising.lag_ms[0] = 300;
    rising.lag_falls_ms = -10;
    expect_held(&rising, "rising");
    falling.lag_ms[0] = 60000;
    falling.lag_falls_ms = 200;
    expect_held(&falling, "falling: wait longer");
    unknown.lag_ms[0] = -1;
    expect_held(&unknown, "The forward stream: its lag is not known");
}

/* The way back is waited for as long as the fence allows, and not a second. */
static void test_cutover__the_way_back_has_what_is_left_of_the_fence(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    w.never_read_back = true;
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_ABORTED);
    int64_t most_ms = opt.fence_ttl_ms - opt.statement_ms;
    assert_true(result.step_ms[PLN_CUT_WAY_BACK] >= most_ms - 100);
    assert_true(result.step_ms[PLN_CUT_WAY_BACK] <= most_ms + 10);
    assert_settled(&w, false, "way back");
}

static void test_cutover__rows_that_never_settle_are_an_error(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    w.loses_races = true;
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_false(pln_cutover_recover(&cut, &err));
    assert_int_equal(err.code, FX_E_TIMEOUT);
    assert_true(w.clock_ms >= opt.abort_ms);
}

static void test_cutover__another_operator_is_left_alone(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    /* Someone else fences at a later epoch while our answer is lost. */
    w.a = (struct fx_own){.state = FX_OWN_FENCED, .epoch = 12};
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_DRIFT);
    assert_int_equal(w.a.epoch, 12);
    assert_int_equal(w.a.state, FX_OWN_FENCED);
}

/* The everyday case of a dry run after the move: it says who owns it, and the way back. */
static void test_cutover__a_group_that_is_there_already_says_so(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    w.a = (struct fx_own){.state = FX_OWN_AWAY, .epoch = 12};
    w.b = (struct fx_own){.state = FX_OWN_HERE, .epoch = 12};
    struct pln_cutover cut = machine(&w, &opt, &result);
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_DRIFT);
    assert_non_null(strstr(err.message, "is owned by the new side already"));
    assert_non_null(strstr(err.hint, "ficus cutover fallback --context NAME --execute"));
    w.a = (struct fx_own){.state = FX_OWN_HERE, .epoch = 12};
    w.b = (struct fx_own){.state = FX_OWN_AWAY, .epoch = 14};
    cut = machine(&w, &opt, &result);
    assert_false(pln_cutover_machine(&cut, &err));
    assert_non_null(strstr(err.message, "contradict each other"));
}

struct log_at {
    int at, n;
    bool is_from_then_on;
};

static bool failing_log(void *arg, enum pln_cutover_step step, enum pln_cutover_event event,
                        const char *group, const char *detail, struct fx_err *err)
{
    struct log_at *log = arg;
    (void)step;
    (void)event;
    (void)group;
    assert_null(strchr(detail, '\n'));
    log->n++;
    if (log->n == log->at || (log->is_from_then_on && log->n > log->at))
        return fx_fail(err, FX_E_JOURNAL, "disk full");
    return true;
}

static void test_cutover__a_full_disk_under_the_journal_never_closes_both_sides(void **state)
{
    (void)state;
    for (int at = 1; at < 40; at++)
        for (int on = 0; on < 2; on++) {
            struct world w = fresh();
            struct pln_cutover_options opt = pln_cutover_options_default();
            struct pln_cutover_result result;
            struct fx_err err = FX_ERR_INIT;
            struct log_at log = {.at = at, .is_from_then_on = on == 1};
            struct pln_cutover cut = machine(&w, &opt, &result);
            cut.log = failing_log;
            cut.arg = &log;
            bool ok = pln_cutover_machine(&cut, &err);
            assert_settled(&w, result.outcome == PLN_CUT_COMMITTED, "journal");
            assert_int_equal(ok, log.n < at);
        }
}

static bool stop_now(void *arg)
{
    (void)arg;
    return true;
}

static void test_cutover__a_stop_before_the_commit_aborts(void **state)
{
    (void)state;
    struct world w = fresh();
    struct pln_cutover_options opt = pln_cutover_options_default();
    struct pln_cutover_result result;
    struct fx_err err = FX_ERR_INIT;
    struct pln_cutover cut = machine(&w, &opt, &result);
    cut.should_stop = stop_now;
    assert_false(pln_cutover_machine(&cut, &err));
    assert_int_equal(err.code, FX_E_INTERRUPTED);
    assert_settled(&w, false, "stopped");
}

static void test_cutover__states_follow_only_the_diagram(void **state)
{
    (void)state;
    assert_true(pln_cut_state_may_follow(PLN_CUT_IN_COMMIT, PLN_CUT_IN_OPEN));
    assert_false(pln_cut_state_may_follow(PLN_CUT_IN_FENCE, PLN_CUT_IN_COMMIT));
    assert_false(pln_cut_state_may_follow(PLN_CUT_IN_OPEN, PLN_CUT_IN_COMMIT));
    for (int to = PLN_CUT_IN_PREFLIGHT; to < PLN_CUT_IN_OPEN; to++)
        assert_false(pln_cut_state_may_follow(PLN_CUT_IN_ROUTE, (enum pln_cut_state)to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cutover__moves_the_group_and_raises_both_epochs),
        cmocka_unit_test(test_cutover__one_failure_anywhere_leaves_one_side_serving),
        cmocka_unit_test(test_cutover__a_result_never_names_a_side_that_does_not_serve),
        cmocka_unit_test(test_cutover__resume_after_death_at_any_call_settles),
        cmocka_unit_test(test_cutover__fence_is_tried_again_and_held_again),
        cmocka_unit_test(test_cutover__a_fence_that_healed_is_an_abort),
        cmocka_unit_test(test_cutover__triggers_lost_while_facades_are_told_are_an_abort),
        cmocka_unit_test(test_cutover__a_facade_that_is_not_told_has_its_own_cause),
        cmocka_unit_test(test_cutover__a_stream_that_stalls_is_an_abort_in_time),
        cmocka_unit_test(test_cutover__a_way_back_that_stalls_is_named_by_its_direction),
        cmocka_unit_test(test_cutover__drains_before_it_holds),
        cmocka_unit_test(test_cutover__a_lag_that_does_not_fall_holds_the_run_and_no_write),
        cmocka_unit_test(test_cutover__the_way_back_has_what_is_left_of_the_fence),
        cmocka_unit_test(test_cutover__rows_that_never_settle_are_an_error),
        cmocka_unit_test(test_cutover__another_operator_is_left_alone),
        cmocka_unit_test(test_cutover__a_group_that_is_there_already_says_so),
        cmocka_unit_test(test_cutover__a_full_disk_under_the_journal_never_closes_both_sides),
        cmocka_unit_test(test_cutover__a_stop_before_the_commit_aborts),
        cmocka_unit_test(test_cutover__states_follow_only_the_diagram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
