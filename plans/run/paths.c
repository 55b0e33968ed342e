/* SPDX-License-Identifier: Apache-2.0 */
/* The names of a run's files. They are read by every build, so they are never changed. */
#include "plans/run/paths.h"

const char *pln_path_runs(const char *state_dir, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s/runs", state_dir);
}

const char *pln_path_report(const char *run_dir, const char *step, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s/reports/%s", run_dir, step);
}

void pln_paths_in(const char *dir, struct fx_arena *arena, struct pln_paths *ret)
{
    *ret = (struct pln_paths){
        .dir = fx_arena_strdup(arena, dir),
        .journal = fx_arena_printf(arena, "%s/journal", dir),
        .plan = fx_arena_printf(arena, "%s/plan.yaml", dir),
        .rollback = fx_arena_printf(arena, "%s/rollback.yaml", dir),
        .context = fx_arena_printf(arena, "%s/context", dir),
        .lock = fx_arena_printf(arena, "%s/lock", dir),
        .made_streams = fx_arena_printf(arena, "%s/made-streams", dir),
        .latest = pln_path_report(dir, "latest", arena),
    };
    ret->latest_report = fx_arena_printf(arena, "%s/report.json", ret->latest);
    ret->latest_text = fx_arena_printf(arena, "%s/report.txt", ret->latest);
}

void pln_paths_of(const char *state_dir, const char *run, struct fx_arena *arena,
                  struct pln_paths *ret)
{
    pln_paths_in(fx_arena_printf(arena, "%s/%s", pln_path_runs(state_dir, arena), run), arena, ret);
}

const char *pln_path_contexts(const char *state_dir, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s/contexts", state_dir);
}

const char *pln_path_context_lock(const char *state_dir, const char *context,
                                  struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s/contexts/%s.lock", state_dir, context);
}
