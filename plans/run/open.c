/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a run: everything that can be checked without changes is checked first, so that an
 * unreachable server or a missing secret leaves journal, ownership and facade unchanged. Then the
 * journal is locked and RUN_OPENED takes the next epoch.
 */
#include "plans/run/open.h"

#include <limits.h>
#include <unistd.h>

#include "lib/io/failpoint.h"
#include "lib/io/file.h"
#include "lib/io/private.h"
#include "lib/io/who.h"
#include "plans/plan/load.h"
#include "plans/run/drift.h"
#include "plans/run/find.h"
#include "plans/run/lock.h"
#include "plans/run/paths.h"
#include "plans/run/rollback_plan.h"
#include "plans/run/undo.h"

struct run {
    struct fx_arena arena;
    const char *name;
    struct pln_paths at;
    struct fx_flock *lock, *context_lock;
    const struct pln_plan *expect; /* the rollback plan that is carried out; NULL: none */
    struct pln_plan *copy;         /* resume and rollback: the plan as it was at the start */
    const struct pln_plan *plan;
    const struct pln_driver *driver;
    void *driver_arg;
    struct pln_journal *journal;
    struct pln_state state;
    struct pln_exec ex;
};

static void run_done(struct run *run)
{
    pln_journal_close(run->journal);
    run->driver->close(run->driver_arg);
    fx_flock_release(run->context_lock);
    fx_flock_release(run->lock);
    fx_arena_done(&run->arena);
}

static void run_init(struct run *run, const struct pln_env *env, const struct pln_driver *driver,
                     const char *name)
{
    *run = (struct run){.driver = driver};
    fx_arena_init(&run->arena, 0);
    run->name = fx_arena_strdup(&run->arena, name);
    pln_paths_of(env->project->state_dir, name, &run->arena, &run->at);
    pln_state_init(&run->state);
}

static bool peek(struct run *run, struct fx_err *err)
{
    if (!fx_file_exists(run->at.journal))
        return true;
    return pln_journal_replay(run->at.journal, &run->state, NULL, NULL, err);
}

static bool take_lock(struct run *run, const struct pln_env *env, struct fx_err *err)
{
    char what[96];
    snprintf(what, sizeof what, "run %.80s", run->name);
    if (!fx_dir_make(run->at.dir, err))
        return fx_ctx(err, "creating the directory of the run");
    return pln_lock_context(env->project->state_dir, run->plan->context, what, &run->context_lock,
                            err) &&
           (fx_flock_take(run->at.lock, what, &run->lock, err) ||
            fx_ctx(err, "locking run \"%s\"", run->name));
}

static bool fail_second_start(const struct run *run, struct fx_err *err)
{
    int i = run->state.current;
    fx_fail(err, FX_E_USAGE, "run \"%s\" was already started%s%s%s", run->name,
            i >= 0 ? ", its current step is \"" : "", i >= 0 ? run->state.steps[i].id : "",
            i >= 0 ? "\"" : "");
    return fx_hint(err, "Run: ficus run resume %s   or: ficus run rollback %s", run->name,
                   run->name);
}

/* Opens journal and epoch; from here on the run is ours. */
static bool open_run(struct run *run, const struct pln_env *env, const char *mode,
                     int64_t facade_epoch, struct fx_err *err)
{
    char who[FX_WHO_TEXT], path[PATH_MAX];
    if (!pln_journal_open(run->at.journal, &run->state, &run->journal, err))
        return false;
    fx_who_text(who);
    struct pln_record rec = pln_record(PLN_REC_RUN_OPENED, NULL);
    rec.text = mode;
    rec.epoch = FX_MAX(run->state.epoch, facade_epoch) + 1;
    rec.digest = run->plan->digest;
    rec.plan = realpath(run->plan->path, path) != NULL ? path : run->plan->path;
    rec.operator_name = who;
    if (!pln_journal_append(run->journal, &rec, err))
        return false;
    run->driver->set_epoch(run->driver_arg, run->state.epoch);
    run->ex = (struct pln_exec){
        .env = env,
        .plan = run->plan,
        .driver = run->driver,
        .driver_arg = run->driver_arg,
        .journal = run->journal,
        .state = &run->state,
        .checked = -1,
        .expect = run->expect,
        .rollback_path = run->at.rollback,
        .poll_ms = 250,
    };
    return true;
}

/*
 * A server that is away says nothing; each of them refuses by itself what this controller may not
 * do there, so the run opens and waits for it as for any server.
 */
static bool claim(struct run *run, bool is_taken, struct fx_err *err)
{
    if (run->driver->claim(run->driver_arg, is_taken, err))
        return true;
    if (!err->is_retriable)
        return false;
    fx_err_clear(err);
    return true;
}

/* Before anything is changed: the first step, and the first one that moves ownership. */
static bool check_first(struct run *run, struct fx_err *err)
{
    const struct pln_plan *plan = run->plan;
    if (!run->driver->check(run->driver_arg, &plan->steps[0], err))
        return false;
    for (size_t i = 1; i < plan->n_steps; i++) {
        if (pln_action_of(plan->steps[i].kind)->is_move)
            return run->driver->check(run->driver_arg, &plan->steps[i], err);
    }
    return true;
}

static bool start(struct run *run, const struct pln_env *env, struct fx_err *err)
{
    int64_t facade_epoch = 0;
    if (!peek(run, err) || !pln_lock_look(env->project->state_dir, run->plan->context, err))
        return false;
    /* Who holds the context comes before what stands here: this host's runs may be long over. */
    if (!run->driver->open(env, run->plan, run->at.dir, fx_wall_now(), &run->driver_arg, err) ||
        !claim(run, false, err))
        return false;
    if (pln_state_is_open(&run->state) && pln_state_has_begun(&run->state))
        return fail_second_start(run, err);
    if (!pln_runs_at_end(env->project, run->plan->context, run->name, err) ||
        !run->driver->facade_epoch(run->driver_arg, &facade_epoch, err))
        return false;
    if (!check_first(run, err))
        return false;
    FX_FAILPOINT("run.start.checked");
    /*
     * Between the check above and the lock another process may have started: its copy of the plan
     * must not be overwritten.
     */
    if (!take_lock(run, env, err) || !peek(run, err))
        return false;
    if (pln_state_is_open(&run->state) && pln_state_has_begun(&run->state))
        return fail_second_start(run, err);
    if (!claim(run, true, err))
        return false;
    if (!fx_file_write_atomic(run->at.plan, run->plan->text, FX_PRIVATE_FILE, err))
        return fx_ctx(err, "saving a copy of the plan");
    if (!pln_drift_keep(run->at.context, fx_project_context(env->project, run->plan->context), err))
        return false;
    if (!run->driver->forget(run->driver_arg, err) ||
        !open_run(run, env, "start", facade_epoch, err))
        return false;
    run->ex.checked = 0;
    return pln_exec_forward(&run->ex, err);
}

bool pln_open_start(const struct pln_env *env, const struct pln_driver *driver,
                    const struct pln_plan *plan, struct fx_err *err)
{
    /* The run that a rollback plan names goes back itself: its journal says what is left. */
    const char *taken_back = pln_run_taken_back(env->project, plan);
    if (taken_back != NULL)
        return pln_open_rollback(env, driver, taken_back, plan, err);
    struct run run;
    run_init(&run, env, driver, plan->name);
    run.plan = plan;
    bool ok = start(&run, env, err);
    run_done(&run);
    return ok;
}

/* Is the plan file as it was when the run was started? */
static bool is_plan_same(const struct run *run, bool *ret, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    char digest[FX_HASH_HEX] = "";
    if (!fx_file_read(run->state.plan_path, 1 << 20, &text, err))
        return fx_ctx(err, "comparing the plan file with its copy");
    fx_hash128_hex(fx_buf_str(&text), digest);
    *ret = strcmp(digest, run->state.digest) == 0;
    return true;
}

/* The plan file is as good as the copy only while nobody has edited it. */
static bool hint_copy(const struct run *run, struct fx_err *err)
{
    struct fx_err ignored = FX_ERR_INIT;
    bool is_same = false;
    if (is_plan_same(run, &is_same, &ignored) && is_same)
        return fx_hint(err,
                       "The run follows this copy. The plan file is unchanged, so copy it again: "
                       "cp '%s' '%s'. Then run the same command again.",
                       run->state.plan_path, run->at.plan);
    return fx_hint(err,
                   "The run follows this copy: restore it from a backup of the state directory. "
                   "The plan file was changed too; what differs: diff '%s' '%s'",
                   run->state.plan_path, run->at.plan);
}

/* Loads the copy of the plan; DRIFT when the plan file has changed since. */
static bool load_copy(struct run *run, const struct pln_env *env, bool must_be_same,
                      struct fx_err *err)
{
    const char *path = run->at.plan;
    bool is_same = false;
    /*
     * First without the project: a missing table or context must be reported as drift, not as a
     * mistake in the plan.
     */
    if (!pln_load(path, NULL, &run->arena, &run->copy, err) ||
        !pln_drift_check(run->at.context, env->project, run->copy->context, err) ||
        !pln_load(path, env->project, &run->arena, &run->copy, err)) {
        if (err->cause_kind == FX_CAUSE_ERRNO)
            hint_copy(run, err);
        return fx_ctx(err, "reading the copy of the plan of run \"%s\"", run->name);
    }
    run->plan = run->copy;
    if (strcmp(run->copy->digest, run->state.digest) != 0) {
        fx_fail(err, FX_E_DRIFT, "the copy of the plan of run \"%s\" was changed: %s", run->name,
                path);
        fx_detail(err, "Its digest is %s, the journal of the run has %s.", run->copy->digest,
                  run->state.digest);
        return hint_copy(run, err);
    }
    if (!must_be_same || !fx_file_exists(run->state.plan_path))
        return true;
    if (!is_plan_same(run, &is_same, err))
        return false;
    if (is_same)
        return true;
    fx_fail(err, FX_E_DRIFT, "plan \"%s\" was changed since run \"%s\" was started",
            run->state.plan_path, run->name);
    return fx_hint(err,
                   "The run follows its copy of the plan. Put it back: cp '%s' '%s', then run: "
                   "ficus run resume %s   or: ficus run rollback %s",
                   path, run->state.plan_path, run->name, run->name);
}

/*
 * While a cut-over is unfinished the run must not wait for a facade: ownership is recovered without
 * it.
 */
static bool is_urgent(const struct run *run)
{
    int i = run->state.current;
    if (i < 0 || (size_t)i >= run->plan->n_steps)
        return false;
    enum pln_kind kind = run->plan->steps[i].kind;
    enum pln_step_state is = run->state.steps[i].state;
    return pln_action_of(kind)->is_protocol && (is == PLN_STEP_RUNNING || is == PLN_STEP_UNDOING);
}

/* Between the check and the lock another process may have continued or finished the run. */
static bool still_so(struct run *run, struct fx_err *err)
{
    int64_t epoch = run->state.epoch;
    uint64_t n_records = run->state.n_records;
    if (!peek(run, err))
        return false;
    if (run->state.epoch == epoch && run->state.n_records == n_records)
        return true;
    fx_fail(err, FX_E_LOCKED, "another process continued run \"%s\" while this command began",
            run->name);
    return fx_hint(
        err,
        "This command changed nothing. See what the run does: ficus run status %s. If it "
        "has stopped again: ficus run resume %s",
        run->name, run->name);
}

/* A finished run stays finished: reopened, it could neither go back nor end again. */
static bool may_go_back(const struct run *run, struct fx_err *err)
{
    int list[PLN_STEPS_MAX], blocked = -1;
    (void)pln_undo_list(run->plan, &run->state, list, &blocked);
    if (blocked < 0)
        return true;
    fx_fail(err, FX_E_STUCK,
            "run \"%s\" is finished and cannot be rolled back: step \"%s\" was its point of no "
            "return",
            run->name, run->plan->steps[blocked].id);
    return fx_hint(err,
                   "Nothing was changed; the run stays finished, and Ficus cannot take the context "
                   "back. What this run did: ficus run journal show %s",
                   run->name);
}

static bool reopen(struct run *run, const struct pln_env *env, const char *mode, struct fx_err *err)
{
    int64_t facade_epoch = 0;
    bool is_back = strcmp(mode, "rollback") == 0;
    if (!peek(run, err))
        return false;
    bool has_way_back = is_back && run->state.phase == PLN_PHASE_FINISHED;
    if (!pln_state_is_open(&run->state) && !has_way_back) {
        fx_fail(err, FX_E_USAGE, "run \"%s\" has not been started: nothing to %s", run->name, mode);
        return fx_hint(err, "Run: ficus run start PLAN --execute");
    }
    if (!load_copy(run, env, !is_back && run->state.phase == PLN_PHASE_FORWARD, err) ||
        !pln_lock_look(env->project->state_dir, run->plan->context, err) ||
        (has_way_back && !may_go_back(run, err)) ||
        (run->expect != NULL && !pln_rollback_covers(run->expect, run->plan, &run->state, err)) ||
        (has_way_back && !pln_runs_at_end_since(env->project, run->plan->context, run->name,
                                                &run->state.opened, err)) ||
        !run->driver->open(env, run->plan, run->at.dir, run->state.opened, &run->driver_arg, err) ||
        !claim(run, false, err))
        return false;
    if (!run->driver->facade_epoch(run->driver_arg, &facade_epoch, err)) {
        if (err->code != FX_E_FACADE_CONNECT || !is_urgent(run))
            return false;
        fx_err_clear(err);
    }
    FX_FAILPOINT("run.reopen.checked");
    return take_lock(run, env, err) && still_so(run, err) && claim(run, true, err) &&
           open_run(run, env, mode, facade_epoch, err);
}

/* A rollback that was interrupted and resumed ends with the same error as one that was not. */
static bool fail_rolled_back(const struct run *run, struct fx_err *err)
{
    fx_fail(err, FX_E_ROLLED_BACK, "run \"%s\" was rolled back", run->name);
    bool has_code = run->state.reason_code[0] != '\0';
    fx_detail(err, "%s%s%s%s", run->state.reason, has_code ? "  [" : "", run->state.reason_code,
              has_code ? "]" : "");
    return fx_hint(err,
                   "Journal: ficus run journal show %s. To start it again: ficus run start %s "
                   "--execute",
                   run->name, run->state.plan_path);
}

/*
 * Has the run ended already? After a crash the operator cannot know, and runs resume: it then
 * repeats the result.
 */
static bool is_over(struct run *run, bool *ret_is_over, struct fx_err *err)
{
    if (!peek(run, err))
        return false;
    *ret_is_over =
        run->state.phase == PLN_PHASE_FINISHED || run->state.phase == PLN_PHASE_ROLLED_BACK;
    return run->state.phase != PLN_PHASE_ROLLED_BACK || fail_rolled_back(run, err);
}

bool pln_open_resume(const struct pln_env *env, const struct pln_driver *driver, const char *name,
                     struct fx_err *err)
{
    struct run run;
    bool has_ended = false;
    run_init(&run, env, driver, name);
    bool ok = is_over(&run, &has_ended, err);
    if (!ok || has_ended) {
        run_done(&run);
        return ok;
    }
    ok = reopen(&run, env, "resume", err);
    if (ok && run.state.phase == PLN_PHASE_BACK)
        ok = pln_exec_back(&run.ex, run.state.reason, run.state.reason_code, err) &&
             fail_rolled_back(&run, err);
    else if (ok)
        ok = pln_exec_forward(&run.ex, err);
    run_done(&run);
    return ok;
}

bool pln_open_rollback(const struct pln_env *env, const struct pln_driver *driver, const char *name,
                       const struct pln_plan *expect, struct fx_err *err)
{
    struct run run;
    run_init(&run, env, driver, name);
    run.expect = expect;
    bool ok = peek(&run, err);
    if (ok && run.state.phase != PLN_PHASE_ROLLED_BACK)
        ok = reopen(&run, env, "rollback", err) &&
             pln_exec_back(&run.ex, "requested by the operator", "", err);
    run_done(&run);
    return ok;
}
