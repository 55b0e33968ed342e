/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a run: whatever can be found out without changing anything is found out first, so that a server that is
 * away or a secret that is missing leaves journal, own rows and facade as they were. Then the journal is locked and
 * RUN_OPENED takes the next epoch.
 */
#include <dirent.h>
#include <limits.h>
#include <unistd.h>

#include "lib/io/failpoint.h"
#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "plans/run/drift.h"
#include "plans/steps/actions.h"
#include "plans/run/lock.h"

struct run {
    struct fx_arena arena;
    const char *name, *dir, *journal_path;
    struct fx_flock *lock, *context_lock;
    struct pln_plan *copy; /* resume and rollback: the plan as it was at the start */
    const struct pln_plan *plan;
    struct pln_real *real;
    struct pln_journal *journal;
    struct pln_state state;
    struct pln_hands hands;
    struct pln_exec ex;
};

static void run_done(struct run *run)
{
    pln_journal_close(run->journal);
    pln_real_free(run->real);
    fx_flock_release(run->context_lock);
    fx_flock_release(run->lock);
    fx_arena_done(&run->arena);
}

static void run_init(struct run *run, const struct pln_env *env, const char *name)
{
    *run = (struct run){0};
    fx_arena_init(&run->arena, 0);
    run->name = fx_arena_strdup(&run->arena, name);
    run->dir = fx_arena_printf(&run->arena, "%s/runs/%s", env->project->state_dir, name);
    run->journal_path = fx_arena_printf(&run->arena, "%s/journal", run->dir);
    pln_state_init(&run->state);
}

static bool peek(struct run *run, struct fx_err *err)
{
    if (!fx_file_exists(run->journal_path))
        return true;
    return pln_journal_replay(run->journal_path, &run->state, NULL, NULL, err);
}

static bool take_lock(struct run *run, const struct pln_env *env, struct fx_err *err)
{
    char what[96];
    const char *path = fx_arena_printf(&run->arena, "%s/lock", run->dir);
    snprintf(what, sizeof what, "run %.80s", run->name);
    if (!fx_dir_make(run->dir, err))
        return fx_ctx(err, "making the directory of the run");
    return pln_lock_context(env->project->state_dir, run->plan->context, what, &run->context_lock,
                            err) &&
           (fx_flock_take(path, what, &run->lock, err) ||
            fx_ctx(err, "taking control of the run \"%s\"", run->name));
}

/* A journal or plan that cannot be read is that of a run in progress, until somebody has looked. */
static bool is_at_end(const char *runs, const char *name, const char *context,
                      const struct fx_wall *below, struct fx_arena *arena, struct fx_err *err)
{
    struct pln_state state;
    struct pln_plan *plan = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    const char *path = fx_arena_printf(arena, "%s/%s/journal", runs, name);
    const char *text = fx_arena_printf(arena, "%s/%s/plan.yaml", runs, name);
    if (!fx_file_exists(path))
        return true;
    bool is_known = pln_journal_replay(path, &state, NULL, NULL, err);
    bool is_above =
        below != NULL && state.phase == PLN_PHASE_FINISHED && state.opened.us > below->us;
    if (is_known && !is_above && (!pln_state_is_open(&state) || !pln_state_has_begun(&state)))
        return true;
    bool has_plan = pln_load(text, NULL, arena, &plan, is_known ? err : &ignored);
    if (has_plan && strcmp(plan->context, context) != 0) {
        fx_err_clear(err);
        return true;
    }
    if (!is_known || !has_plan) {
        fx_hint(err, "If the run \"%s\" has ended, move %s/%s away.", name, runs, name);
        return fx_ctx(err, "asking whether the run \"%s\" is at its end", name);
    }
    if (is_above) {
        fx_fail(err, FX_E_LOCKED,
                "the run \"%s\" of context \"%s\" came later and stands on this one", name,
                context);
        return fx_hint(err, "Take that back first: ficus run rollback %s", name);
    }
    fx_fail(err, FX_E_LOCKED, "the run \"%s\" of context \"%s\" is not at its end", name, context);
    return fx_hint(err, "Run: ficus run resume %s   or: ficus run rollback %s", name, name);
}

static bool runs_at_end(const struct fx_project *project, const char *context, const char *but,
                        const struct fx_wall *below, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const char *runs = fx_arena_printf(&arena, "%s/runs", project->state_dir);
    DIR *dir = opendir(runs);
    bool ok = true;
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL && ok; e = readdir(dir)) {
        bool is_other = e->d_name[0] != '.' && (but == NULL || strcmp(e->d_name, but) != 0);
        ok = !is_other || is_at_end(runs, e->d_name, context, below, &arena, err);
    }
    if (dir != NULL)
        closedir(dir);
    return ok;
}

bool pln_runs_at_end(const struct fx_project *project, const char *context, const char *but,
                     struct fx_err *err)
{
    return runs_at_end(project, context, but, NULL, err);
}

static bool refuse_second_start(const struct run *run, struct fx_err *err)
{
    int i = run->state.current;
    fx_fail(err, FX_E_USAGE, "the run \"%s\" has begun already%s%s%s", run->name,
            i >= 0 ? ", it stands in step \"" : "", i >= 0 ? run->state.steps[i].id : "",
            i >= 0 ? "\"" : "");
    return fx_hint(err, "Run: ficus run resume %s   or: ficus run rollback %s", run->name,
                   run->name);
}

/* Opens journal and epoch; from here on the run is ours. */
static bool open_run(struct run *run, const struct pln_env *env, const char *mode,
                     int64_t facade_epoch, struct fx_err *err)
{
    char host[64] = "?", who[160], path[PATH_MAX];
    if (!pln_journal_open(run->journal_path, &run->state, &run->journal, err))
        return false;
    (void)gethostname(host, sizeof host - 1);
    const char *user = getenv("USER");
    snprintf(who, sizeof who, "%s@%s pid %d", user != NULL ? user : "ficus", host, (int)getpid());
    struct pln_record rec = pln_record(PLN_REC_RUN_OPENED, NULL);
    rec.text = mode;
    rec.epoch = FX_MAX(run->state.epoch, facade_epoch) + 1;
    rec.digest = run->plan->digest;
    rec.plan = realpath(run->plan->path, path) != NULL ? path : run->plan->path;
    rec.operator_name = who;
    if (!pln_journal_append(run->journal, &rec, err))
        return false;
    pln_real_set_epoch(run->real, run->state.epoch);
    run->hands = pln_real_hands(run->real);
    run->ex = (struct pln_exec){
        .env = env,
        .plan = run->plan,
        .hands = &run->hands,
        .journal = run->journal,
        .state = &run->state,
        .checked = -1,
        .poll_ms = 250,
    };
    return true;
}

static bool start(struct run *run, const struct pln_env *env, struct fx_err *err)
{
    int64_t facade_epoch = 0;
    if (!peek(run, err) || !pln_lock_look(env->project->state_dir, run->plan->context, err))
        return false;
    if (pln_state_is_open(&run->state) && pln_state_has_begun(&run->state))
        return refuse_second_start(run, err);
    if (!pln_runs_at_end(env->project, run->plan->context, run->name, err) ||
        !pln_real_new(env, run->plan, run->dir, fx_wall_now(), &run->real, err) ||
        !pln_real_facade_epoch(run->real, &facade_epoch, err))
        return false;
    struct pln_hands hands = pln_real_hands(run->real);
    if (!hands.check(hands.arg, &run->plan->steps[0], err))
        return false;
    FX_FAILPOINT("run.start.checked");
    /* Between the look before and the lock somebody else may have begun: his copy of the plan is not to be touched. */
    if (!take_lock(run, env, err) || !peek(run, err))
        return false;
    if (pln_state_is_open(&run->state) && pln_state_has_begun(&run->state))
        return refuse_second_start(run, err);
    const char *copy = fx_arena_printf(&run->arena, "%s/plan.yaml", run->dir);
    if (!fx_file_write_atomic(copy, run->plan->text, 0644, err))
        return fx_ctx(err, "keeping a copy of the plan");
    if (!pln_drift_keep(run->dir, fx_project_context(env->project, run->plan->context), err))
        return false;
    if (!pln_real_forget_streams(run->dir, err) || !open_run(run, env, "start", facade_epoch, err))
        return false;
    run->ex.checked = 0;
    return pln_exec_forward(&run->ex, err);
}

bool pln_run_start(const struct pln_env *env, const struct pln_plan *plan, struct fx_err *err)
{
    struct run run;
    run_init(&run, env, plan->name);
    run.plan = plan;
    bool ok = start(&run, env, err);
    run_done(&run);
    return ok;
}

/* The plan as it was when the run began; DRIFT when the file says something else now. */
static bool load_copy(struct run *run, const struct pln_env *env, bool must_be_same,
                      struct fx_err *err)
{
    const char *path = fx_arena_printf(&run->arena, "%s/plan.yaml", run->dir);
    /* First without the project: what has gone from it must be named as that, and not as a mistake of the plan. */
    if (!pln_load(path, NULL, &run->arena, &run->copy, err) ||
        !pln_drift_check(run->dir, env->project, run->copy->context, err) ||
        !pln_load(path, env->project, &run->arena, &run->copy, err)) {
        if (err->cause_kind == FX_CAUSE_ERRNO)
            fx_hint(err, "Put back the file that has digest %s; it was made of %s.",
                    run->state.digest, run->state.plan_path);
        return fx_ctx(err, "reading the plan that the run \"%s\" began with", run->name);
    }
    run->plan = run->copy;
    if (strcmp(run->copy->digest, run->state.digest) != 0) {
        fx_fail(err, FX_E_DRIFT, "\"%s\" is not the plan that the run began with", path);
        return fx_hint(err, "Put back the file that has digest %s.", run->state.digest);
    }
    if (!must_be_same || !fx_file_exists(run->state.plan_path))
        return true;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20);
    char digest[FX_HASH_HEX] = "";
    if (!fx_file_read(run->state.plan_path, 1 << 20, &text, err))
        return fx_ctx(err, "comparing the plan with its start");
    fx_hash128_hex(fx_buf_str(&text), digest);
    if (strcmp(digest, run->state.digest) == 0)
        return true;
    fx_fail(err, FX_E_DRIFT, "the plan \"%s\" has changed since the run \"%s\" began",
            run->state.plan_path, run->name);
    return fx_hint(err, "Put back the plan (a copy: %s), or run: ficus run rollback %s", path,
                   run->name);
}

/* Before a step of the cut-over stands half-way nobody may wait for a facade: ownership must be settled without it. */
static bool is_urgent(const struct run *run)
{
    int i = run->state.current;
    if (i < 0 || (size_t)i >= run->plan->n_steps)
        return false;
    enum pln_kind kind = run->plan->steps[i].kind;
    enum pln_step_state is = run->state.steps[i].state;
    return pln_kind_is_cut(kind) && (is == PLN_STEP_RUNNING || is == PLN_STEP_UNDOING);
}

/* Between the look before and the lock another controller may have brought the run to its end, or further. */
static bool still_so(struct run *run, struct fx_err *err)
{
    int64_t epoch = run->state.epoch;
    uint64_t n_records = run->state.n_records;
    if (!peek(run, err))
        return false;
    if (run->state.epoch == epoch && run->state.n_records == n_records)
        return true;
    fx_fail(err, FX_E_LOCKED, "another controller went on with the run \"%s\" a moment ago",
            run->name);
    return fx_hint(err, "Look where it stands: ficus run status %s", run->name);
}

static bool reopen(struct run *run, const struct pln_env *env, const char *mode, struct fx_err *err)
{
    int64_t facade_epoch = 0;
    bool is_back = strcmp(mode, "rollback") == 0;
    if (!peek(run, err))
        return false;
    bool has_way_back = is_back && run->state.phase == PLN_PHASE_FINISHED;
    if (!pln_state_is_open(&run->state) && !has_way_back) {
        fx_fail(err, FX_E_USAGE, "the run \"%s\" has not begun: there is nothing to %s", run->name,
                mode);
        return fx_hint(err, "Run: ficus run start PLAN --execute");
    }
    if (!load_copy(run, env, !is_back && run->state.phase == PLN_PHASE_FORWARD, err) ||
        !pln_lock_look(env->project->state_dir, run->plan->context, err) ||
        (has_way_back &&
         !runs_at_end(env->project, run->plan->context, run->name, &run->state.opened, err)) ||
        !pln_real_new(env, run->plan, run->dir, run->state.opened, &run->real, err))
        return false;
    if (!pln_real_facade_epoch(run->real, &facade_epoch, err)) {
        if (err->code != FX_E_FACADE_CONNECT || !is_urgent(run))
            return false;
        fx_err_clear(err);
    }
    FX_FAILPOINT("run.reopen.checked");
    return take_lock(run, env, err) && still_so(run, err) &&
           open_run(run, env, mode, facade_epoch, err);
}

/* A rollback that was interrupted ends with the same verdict as one that was not. */
static bool say_rolled_back(const struct run *run, struct fx_err *err)
{
    fx_fail(err, FX_E_ROLLED_BACK, "the run \"%s\" was rolled back", run->name);
    bool has_code = run->state.reason_code[0] != '\0';
    fx_detail(err, "%s%s%s%s", run->state.reason, has_code ? "  [" : "", run->state.reason_code,
              has_code ? "]" : "");
    return fx_hint(err, "Journal: ficus run journal show %s", run->name);
}

/*
 * Has the run come to its end already? Whoever saw a command die cannot know that, and resume is the answer to every
 * crash: it then repeats the verdict instead of complaining.
 */
static bool is_over(struct run *run, bool *ret_is_over, struct fx_err *err)
{
    if (!peek(run, err))
        return false;
    *ret_is_over =
        run->state.phase == PLN_PHASE_FINISHED || run->state.phase == PLN_PHASE_ROLLED_BACK;
    return run->state.phase != PLN_PHASE_ROLLED_BACK || say_rolled_back(run, err);
}

bool pln_run_resume(const struct pln_env *env, const char *name, struct fx_err *err)
{
    struct run run;
    bool has_ended = false;
    run_init(&run, env, name);
    bool ok = is_over(&run, &has_ended, err);
    if (!ok || has_ended) {
        run_done(&run);
        return ok;
    }
    ok = reopen(&run, env, "resume", err);
    if (ok && run.state.phase == PLN_PHASE_BACK)
        ok = pln_exec_back(&run.ex, run.state.reason, run.state.reason_code, err) &&
             say_rolled_back(&run, err);
    else if (ok)
        ok = pln_exec_forward(&run.ex, err);
    run_done(&run);
    return ok;
}

bool pln_run_rollback(const struct pln_env *env, const char *name, struct fx_err *err)
{
    struct run run;
    run_init(&run, env, name);
    bool ok = peek(&run, err);
    if (ok && run.state.phase != PLN_PHASE_ROLLED_BACK)
        ok = reopen(&run, env, "rollback", err) &&
             pln_exec_back(&run.ex, "asked for by the operator", "", err);
    run_done(&run);
    return ok;
}
