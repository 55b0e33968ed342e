/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runs of a project: which one a command means, and
 * whether those of a context are at their end. Reads only.
 */
#include "plans/run/find.h"

#include <dirent.h>

#include "lib/io/file.h"
#include "lib/io/flock.h"
#include "plans/plan/load.h"
#include "plans/run/journal.h"
#include "plans/run/paths.h"

static bool exists(const struct fx_project *project, const char *name, struct fx_arena *arena)
{
    struct pln_paths at;
    pln_paths_of(project->state_dir, name, arena, &at);
    return fx_file_exists(at.journal);
}

const char *pln_run_taken_back(const struct fx_project *project, const struct pln_plan *plan)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    bool is_here = plan->rolls_back != NULL && exists(project, plan->rolls_back, &arena);
    return is_here ? plan->rolls_back : NULL;
}

struct found {
    const char *name, *context;
    int64_t last_us;
    bool is_open, has_begun, is_running;
};

/* A run whose journal cannot be read counts as unfinished until somebody has looked. */
static struct found look_at(const struct fx_project *project, const char *name,
                            struct fx_arena *arena)
{
    struct pln_state *state = FX_ARENA_NEW(arena, struct pln_state);
    struct pln_plan *plan = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    struct pln_paths at;
    pln_paths_of(project->state_dir, name, arena, &at);
    bool is_whole = pln_journal_replay(at.journal, state, NULL, NULL, &ignored);
    bool has_plan = pln_load(at.plan, NULL, arena, &plan, &ignored);
    return (struct found){
        .name = fx_arena_strdup(arena, name),
        .context = has_plan ? plan->context : "?",
        .last_us = state->last.us,
        .is_open = !is_whole || pln_state_is_open(state),
        .has_begun = !is_whole || pln_state_has_begun(state),
        .is_running = fx_flock_is_held(at.lock, NULL),
    };
}

/* All runs; *ret_newest is the one that wrote last. */
static struct found *all_runs(const struct fx_project *project, struct fx_arena *arena,
                              size_t *ret_n, size_t *ret_newest)
{
    const char *runs = pln_path_runs(project->state_dir, arena);
    struct found *list = NULL;
    size_t n = 0, room = 0;
    *ret_newest = 0;
    DIR *dir = opendir(runs);
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
        if (e->d_name[0] == '.' || !exists(project, e->d_name, arena))
            continue;
        if (n == room) {
            room = 2 * room + 16;
            struct found *more = fx_arena_array(arena, room, sizeof *more);
            if (n > 0)
                memcpy(more, list, n * sizeof *list);
            list = more;
        }
        list[n] = look_at(project, e->d_name, arena);
        if (list[n].last_us > list[*ret_newest].last_us)
            *ret_newest = n;
        n++;
    }
    if (dir != NULL)
        closedir(dir);
    *ret_n = n;
    return list;
}

void pln_run_names(const struct fx_project *project, struct fx_arena *arena,
                   const char ***ret_names, size_t *ret_n)
{
    size_t newest;
    struct found *list = all_runs(project, arena, ret_n, &newest);
    *ret_names = fx_arena_array(arena, *ret_n + 1, sizeof **ret_names);
    for (size_t i = 0; i < *ret_n; i++)
        (*ret_names)[i] = list[i].name;
}

static bool fail_choice(const struct found *list, size_t n, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    for (size_t i = 0; i < n; i++) {
        if (list[i].is_open)
            fx_buf_printf(&text, "%s%s (context %s%s)", text.len > 0 ? ", " : "", list[i].name,
                          list[i].context, list[i].is_running ? ", running" : "");
    }
    fx_fail(err, FX_E_USAGE, "several runs are unfinished: name one");
    fx_detail(err, "%s", fx_buf_cstr(&text));
    return fx_hint(
        err, "Give the name, for example: ficus run resume RUN. To look first: ficus status RUN");
}

/* Without a name an unfinished run is preferred to a finished one that is newer. */
static bool choose(struct found *list, size_t n, size_t newest, bool must_be_one,
                   const char **ret_name, struct fx_err *err)
{
    size_t n_open = 0, best = newest;
    for (size_t i = 0; i < n; i++) {
        /* opened and stopped before its first step: nothing of it is unfinished */
        list[i].is_open = list[i].is_open && (list[i].has_begun || i == newest);
        if (!list[i].is_open)
            continue;
        bool is_better =
            !list[best].is_open || (list[i].is_running && !list[best].is_running) ||
            (list[i].is_running == list[best].is_running && list[i].last_us > list[best].last_us);
        best = is_better ? i : best;
        n_open++;
    }
    if (must_be_one && n_open > 1)
        return fail_choice(list, n, err);
    *ret_name = list[best].name;
    return true;
}

bool pln_run_find(const struct fx_project *project, const char *name, bool will_act,
                  struct fx_arena *arena, const char **ret_name, struct fx_err *err)
{
    size_t n = 0, newest = 0;
    bool is_plain = name != NULL && name[0] != '.' && strchr(name, '/') == NULL && name[0] != '\0';
    if (is_plain && exists(project, name, arena)) {
        *ret_name = name;
        return true;
    }
    const char *runs = pln_path_runs(project->state_dir, arena);
    struct found *list = all_runs(project, arena, &n, &newest);
    if (name == NULL && n > 0)
        return choose(list, n, newest, will_act, ret_name, err);
    if (name == NULL)
        fx_fail(err, FX_E_CONFIG, "there is no run in %s", runs);
    else
        fx_fail(err, FX_E_CONFIG, "there is no run \"%s\" in %s", name, runs);
    if (n > 0)
        return fx_hint(err, "The newest run is \"%s\". Run: ficus run status %s", list[newest].name,
                       list[newest].name);
    return fx_hint(err, "Run: ficus run start PLAN --execute");
}

/* --- runs of a context ------------------------------------------------------------------------ */

/* A run whose journal or plan cannot be read counts as unfinished until somebody has looked. */
static bool is_at_end(const struct fx_project *project, const char *name, const char *context,
                      const struct fx_wall *below, struct fx_arena *arena, struct fx_err *err)
{
    struct pln_state state;
    struct pln_plan *plan = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    struct pln_paths at;
    pln_paths_of(project->state_dir, name, arena, &at);
    if (!fx_file_exists(at.journal))
        return true;
    bool is_known = pln_journal_replay(at.journal, &state, NULL, NULL, err);
    bool is_above =
        below != NULL && state.phase == PLN_PHASE_FINISHED && state.opened.us > below->us;
    if (is_known && !is_above && (!pln_state_is_open(&state) || !pln_state_has_begun(&state)))
        return true;
    bool has_plan = pln_load(at.plan, NULL, arena, &plan, is_known ? err : &ignored);
    if (has_plan && strcmp(plan->context, context) != 0) {
        fx_err_clear(err);
        return true;
    }
    if (!is_known || !has_plan) {
        /* a newer build's journal is whole, and its hint names who can read it */
        if (err->code != FX_E_VERSION)
            fx_hint(err,
                    "If run \"%s\" has ended, move %s away, for example: mv '%s' /var/tmp/. Then "
                    "run the same command again.",
                    name, at.dir, at.dir);
        return fx_ctx(err, "checking whether run \"%s\" has ended", name);
    }
    if (is_above) {
        fx_fail(err, FX_E_LOCKED,
                "run \"%s\" of context \"%s\" was started after this run; roll it back first", name,
                context);
        return fx_hint(err, "Run: ficus run rollback %s", name);
    }
    fx_fail(err, FX_E_LOCKED, "run \"%s\" of context \"%s\" is unfinished", name, context);
    return fx_hint(err, "Run: ficus run resume %s   or: ficus run rollback %s", name, name);
}

bool pln_runs_at_end_since(const struct fx_project *project, const char *context, const char *but,
                           const struct fx_wall *below, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    const char *runs = pln_path_runs(project->state_dir, &arena);
    DIR *dir = opendir(runs);
    bool ok = true;
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL && ok; e = readdir(dir)) {
        bool is_other = e->d_name[0] != '.' && (but == NULL || strcmp(e->d_name, but) != 0);
        ok = !is_other || is_at_end(project, e->d_name, context, below, &arena, err);
    }
    if (dir != NULL)
        closedir(dir);
    return ok;
}

bool pln_runs_at_end(const struct fx_project *project, const char *context, const char *but,
                     struct fx_err *err)
{
    return pln_runs_at_end_since(project, context, but, NULL, err);
}
