/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconcile and finish: the newest report is kept for gates, in memory and on disk, where a resumed
 * run finds it.
 */
#include "lib/io/file.h"
#include "lib/ownership/sides.h"
#include "plans/steps/context.h"

/* Whose reports a run believes: where reports are signed, those of its own key only. */
static bool load_trusted(struct pln_action_ctx *ac, struct fx_err *err)
{
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = NULL;
    struct fx_public_key own;
    struct rec_trust trust = {.keys = &own, .allows_unsigned = true};
    if (!rec_signer_load(&ac->rec, &key, err))
        return false;
    if (key != NULL) {
        fx_private_key_public(key, &own);
        trust.n_keys = 1;
        trust.allows_unsigned = false;
    }
    return rec_report_load(ac->at.latest_report, &trust, &ac->report_arena, &ac->report, err);
}

/* As reports of a run name it: when it was opened, says its journal. */
static const char *run_id(const struct pln_action_ctx *ac, struct fx_wall opened,
                          struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s@%lld", ac->plan->name, (long long)opened.us);
}

/* Does the report answer this run? One that a person made by hand answers whichever asks. */
static bool is_of_run(struct pln_action_ctx *ac, struct fx_wall opened, struct fx_buf *why)
{
    const struct rec_report *report = ac->report;
    const char *ours = run_id(ac, opened, &ac->report_arena);
    if (report->asker.run == NULL)
        fx_buf_printf(why, "it has version %lld and names no run", (long long)report->version);
    else if (report->asker.run[0] != '\0' && strcmp(report->asker.run, ours) != 0)
        fx_buf_printf(why, "it was made for run %s, this one is %s", report->asker.run, ours);
    else if (report->started.us < opened.us)
        fx_buf_add_c(why, "it is older than the run");
    return why->len == 0;
}

/* The rest is judged with each gate, when both databases have been asked. */
static bool load_latest(struct pln_action_ctx *ac, struct fx_wall opened, struct fx_buf *why)
{
    char brief[512];
    struct fx_err err = FX_ERR_INIT;
    struct rec_limits about = {.divergent_max = INT64_MAX,
                               .max_age_ms = REC_AGE_ANY,
                               .ctx = ac->ctx,
                               .report_dir = ac->at.latest};
    if (!load_trusted(ac, &err)) {
        fx_err_brief(&err, brief, sizeof brief);
        fx_buf_add_c(why, brief);
        return false;
    }
    return is_of_run(ac, opened, why) &&
           rec_gate(ac->report, &about, fx_wall_now(), why) != REC_GATE_UNKNOWN;
}

void pln_action_load_report(struct pln_action_ctx *ac, struct fx_wall opened)
{
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(4096);
    ac->report = NULL;
    ac->no_report = NULL;
    ac->report_path = ac->at.latest_text;
    if (!fx_file_exists(ac->at.latest_report) || load_latest(ac, opened, &why))
        return;
    ac->report = NULL;
    if (strstr(fx_buf_cstr(&why), "compare again: ") == NULL)
        fx_buf_printf(&why, "; compare again: ficus reconcile run --context %s --report %s",
                      ac->ctx->name, ac->at.latest);
    ac->no_report = fx_arena_strdup(&ac->report_arena, fx_buf_cstr(&why));
}

enum { ASK_DATABASES_MS = 1000 };

/* A gate is asked four times a second while it waits; the databases are not. */
static void ask_databases(struct pln_action_ctx *ac)
{
    char brief[512];
    struct fx_err err = FX_ERR_INIT;
    fx_arena_clear(&ac->databases_arena);
    ac->no_databases = NULL;
    if (rec_databases_read(ac->ctx, ac->env->project->state_dir, &ac->databases_arena,
                           &ac->databases, &err))
        return;
    fx_err_brief(&err, brief, sizeof brief);
    ac->no_databases = fx_arena_strdup(&ac->databases_arena, brief);
}

void pln_action_databases(struct pln_action_ctx *ac, struct pln_facts *facts)
{
    if (ac->report == NULL)
        return;
    if (!ac->has_databases || fx_mono_reached(ac->ask_again, fx_mono_now())) {
        ask_databases(ac);
        ac->has_databases = true;
        ac->ask_again = fx_mono_add_ms(fx_mono_now(), ASK_DATABASES_MS);
    }
    facts->databases = ac->no_databases == NULL ? &ac->databases : NULL;
    facts->no_databases = ac->no_databases;
}

static bool on_rows(void *arg, const char *table, int64_t rows)
{
    struct pln_action_ctx *ac = arg;
    (void)table;
    (void)rows;
    return ac->env->should_stop == NULL || !ac->env->should_stop(ac->env->arg);
}

/* Compares, and writes the report to both directories; an older one gives way first. */
static bool make_report(struct pln_action_ctx *ac, const struct pln_step *step,
                        const struct cdc_ref *ref, const char *dir, struct rec_report **ret,
                        struct fx_err *err)
{
    FX_AUTO_FREE(fx_private_key) struct fx_private_key *key = NULL;
    struct rec_progress progress = {.on_progress = on_rows, .arg = ac};
    const char *latest = ac->at.latest;
    if (!rec_signer_load(&ac->rec, &key, err))
        return false;
    if (!rec_report_begin(ac->ctx, key, dir, err) || !rec_report_begin(ac->ctx, key, latest, err))
        return fx_ctx(err, "writing the report of step \"%s\"", step->id);
    struct rec_asker asker = {.plan = ac->plan->name,
                              .step = step->id,
                              .run = run_id(ac, ac->ex->state->opened, &ac->report_arena)};
    if (!rec_check(ac->ctx, ref, &ac->rec, &asker, &progress, &ac->report_arena, ret, err)) {
        rec_report_failed(ac->ctx, key, dir, err);
        rec_report_failed(ac->ctx, key, latest, err);
        return fx_ctx(err, "comparing context \"%s\"", ac->plan->context);
    }
    return (rec_report_write(*ret, key, dir, err) && rec_report_write(*ret, key, latest, err)) ||
           fx_ctx(err, "writing the report of step \"%s\"", step->id);
}

static bool compare(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                    enum fx_direction direction, struct fx_err *err)
{
    const struct cdc_ref *ref = direction == FX_FORWARD ? &ac->forward : &ac->reverse;
    ac->report = NULL;
    ac->no_report = NULL;
    ac->has_databases = false; /* of before: the streams may have been made since */
    fx_arena_clear(&ac->report_arena);
    struct rec_report *report = NULL;
    const char *dir = pln_path_report(ac->at.dir, step->id, &ac->report_arena);
    if (!make_report(ac, step, ref, dir, &report, err))
        return false;
    ac->report = report;
    ac->report_path = fx_arena_printf(&ac->report_arena, "%s/report.txt", dir);
    char text[256];
    snprintf(text, sizeof text, "%lld divergent of %lld rows, %.0f %% coverage (%s)",
             (long long)report->divergent, (long long)report->rows_compared,
             report->coverage_percent, direction == FX_FORWARD ? "old -> new" : "new -> old");
    if (!pln_exec_effect(ex, step, -1, -1, text, err))
        return false;
    if (report->verdict == REC_INCONCLUSIVE)
        return fx_fail(err, FX_E_INCONCLUSIVE,
                       "the comparison of context \"%s\" is inconclusive: %s", ac->plan->context,
                       text) ||
               fx_hint(
                   err,
                   "%s/report.txt says what could not be compared and why. Remove that cause, then "
                   "run: ficus run resume %s",
                   dir, ex->plan->name);
    bool is_judged = step->n_gates > 0;
    if (!is_judged && report->verdict == REC_DIVERGENT) {
        fx_fail(err, FX_E_DIVERGED, "the two sides of context \"%s\" differ: %s", ac->plan->context,
                text);
        return fx_hint(
            err,
            "%s/report.txt lists the rows that differ, and the direction of the comparison. To "
            "compare again by hand: ficus reconcile run --context %s",
            dir, ac->plan->context);
    }
    return true;
}

/*
 * The direction follows the side that owns the tables; the databases say which one, because another
 * run may have moved them.
 */
static bool act_compare(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                        struct fx_err *err)
{
    struct fx_own old_side, new_side;
    if (!fx_own_read(ac->ctx, &old_side, &new_side, err))
        return fx_ctx(err, "reading which side owns \"%s\"", ac->plan->context);
    bool is_old = old_side.state == FX_OWN_HERE && new_side.state == FX_OWN_AWAY;
    bool is_new = old_side.state == FX_OWN_AWAY && new_side.state == FX_OWN_HERE;
    if (!is_old && !is_new) {
        fx_fail(err, FX_E_STUCK,
                "context \"%s\" cannot be compared while a cut-over is unfinished: ficus.own says "
                "%s on the old side and %s on the new side",
                ac->plan->context, fx_own_state_name(old_side.state),
                fx_own_state_name(new_side.state));
        return fx_hint(
            err,
            "Another command began the cut-over. See which: ficus status. Finish it: ficus "
            "cutover %s --context %s --execute --confirm=%s, then run: ficus run resume %s",
            fx_own_finisher(&old_side, &new_side), ac->plan->context, ac->plan->context,
            ac->plan->name);
    }
    return compare(ac, ex, step, is_old ? FX_FORWARD : FX_REVERSE, err);
}

/* A key that cannot be read is found by the dry run, not at night after the copy. */
static bool check_key(struct pln_action_ctx *ac, const struct pln_step *step, struct fx_err *err)
{
    struct fx_private_key *key;
    (void)step;
    if (!rec_signer_load(&ac->rec, &key, err))
        return false;
    fx_private_key_free(key);
    return true;
}

const struct pln_action pln_action_reconcile = {
    .streams = PLN_STREAMS_NEEDED,
    .measures = PLN_MEASURES_STREAMS | PLN_MEASURES_REPORT,
    .check = check_key,
    .act = act_compare,
};

const struct pln_action pln_action_finish = {
    .streams = PLN_STREAMS_NEEDED,
    .measures = PLN_MEASURES_STREAMS | PLN_MEASURES_REPORT,
    .check = check_key,
    .act = act_compare,
};
