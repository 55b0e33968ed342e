/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons: the newest report is kept for gates, here and on disk, where a resumed run finds it. */
#include "lib/io/file.h"
#include "lib/ownership/sides.h"
#include "plans/steps/actions_priv.h"

static const char *report_path(const struct pln_real *real, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s/reports/latest", real->run_dir);
}

void pln_real_load_report(struct pln_real *real, struct fx_wall opened)
{
    struct fx_err ignored = FX_ERR_INIT;
    const char *path =
        fx_arena_printf(&real->arena, "%s/report.json", report_path(real, &real->arena));
    if (!fx_file_exists(path) ||
        !rec_report_load(path, &real->report_arena, &real->report, &ignored) ||
        real->report->started.us < opened.us)
        real->report = NULL;
    real->report_path =
        fx_arena_printf(&real->arena, "%s/report.txt", report_path(real, &real->arena));
}

static bool on_rows(void *arg, const char *table, int64_t rows)
{
    struct pln_real *real = arg;
    (void)table;
    (void)rows;
    return real->env->should_stop == NULL || !real->env->should_stop(real->env->arg);
}

static bool compare(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                    enum fx_direction direction, struct fx_err *err)
{
    const struct cdc_ref *ref = direction == FX_FORWARD ? &real->forward : &real->reverse;
    struct rec_progress progress = {.on_progress = on_rows, .arg = real};
    real->report = NULL;
    fx_arena_clear(&real->report_arena);
    struct rec_report *report = NULL;
    if (!rec_check(real->ctx, ref, &real->rec, real->plan->name, step->id, &progress,
                   &real->report_arena, &report, err))
        return fx_ctx(err, "comparing context \"%s\"", real->plan->context);
    const char *dir =
        fx_arena_printf(&real->report_arena, "%s/reports/%s", real->run_dir, step->id);
    const char *latest = report_path(real, &real->report_arena);
    if (!fx_dir_make(dir, err) || !rec_report_write(report, dir, err) ||
        !fx_dir_make(latest, err) || !rec_report_write(report, latest, err))
        return fx_ctx(err, "writing the report of step \"%s\"", step->id);
    real->report = report;
    real->report_path = fx_arena_printf(&real->report_arena, "%s/report.txt", dir);
    char text[256];
    snprintf(text, sizeof text, "%lld divergent of %lld rows, %.0f %% coverage (%s)",
             (long long)report->divergent, (long long)report->rows_compared,
             report->coverage_percent, direction == FX_FORWARD ? "old -> new" : "new -> old");
    if (!pln_exec_effect(ex, step, -1, -1, text, err))
        return false;
    if (report->verdict == REC_INCONCLUSIVE)
        return fx_fail(err, FX_E_INCONCLUSIVE, "the comparison is inconclusive: %s", text);
    bool is_judged = step->n_gates > 0;
    if (!is_judged && report->verdict == REC_DIVERGENT) {
        fx_fail(err, FX_E_DIVERGED, "the two sides differ: %s", text);
        return fx_hint(err, "See %s/report.txt", dir);
    }
    return true;
}

/* Before a comparison of the end, the side that serves is asked of the databases, not of the journal. */
bool pln_real_compare(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                      struct fx_err *err)
{
    struct fx_own old_side, new_side;
    if (!fx_own_read(real->ctx, &old_side, &new_side, err))
        return fx_ctx(err, "reading which side owns \"%s\"", real->plan->context);
    bool is_old = old_side.state == FX_OWN_HERE && new_side.state == FX_OWN_AWAY;
    bool is_new = old_side.state == FX_OWN_AWAY && new_side.state == FX_OWN_HERE;
    if (!is_old && !is_new) {
        fx_fail(err, FX_E_STUCK, "no side serves \"%s\": old is %s, new is %s", real->plan->context,
                fx_own_state_name(old_side.state), fx_own_state_name(new_side.state));
        return fx_hint(err, "Run: ficus run resume %s", real->plan->name);
    }
    return compare(real, ex, step, is_old ? FX_FORWARD : FX_REVERSE, err);
}
