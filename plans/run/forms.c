/* SPDX-License-Identifier: Apache-2.0 */
/* See forms.h. */
#include "plans/run/forms.h"

#include <dirent.h>

#include "lib/io/file.h"
#include "plans/run/journal.h"
#include "plans/run/paths.h"

static bool note_version(void *arg, uint64_t seq, const struct pln_record *rec, struct fx_str json)
{
    int64_t *version = arg;
    (void)seq;
    (void)json;
    if (rec->type == PLN_REC_RUN_OPENED)
        *version = rec->version;
    return true;
}

static bool one_run(const char *path, const char *name, pln_form_fn on_form, void *arg,
                    struct fx_err *err)
{
    char object[160];
    struct pln_state state;
    int64_t version = FX_FORM_UNSAID;
    pln_state_init(&state);
    snprintf(object, sizeof object, "run \"%.120s\"", name);
    return pln_journal_replay(path, &state, note_version, &version, err) &&
           on_form(arg, object, FX_FORM_JOURNAL, version, err);
}

bool pln_run_forms(const struct fx_project *project, pln_form_fn on_form, void *arg,
                   struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    DIR *dir = opendir(pln_path_runs(project->state_dir, &arena));
    bool ok = true;
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL && ok; e = readdir(dir)) {
        struct pln_paths at;
        pln_paths_of(project->state_dir, e->d_name, &arena, &at);
        ok = e->d_name[0] == '.' || !fx_file_exists(at.journal) ||
             one_run(at.journal, e->d_name, on_form, arg, err);
    }
    if (dir != NULL)
        closedir(dir);
    return ok;
}
