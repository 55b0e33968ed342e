/* SPDX-License-Identifier: Apache-2.0 */
/* See forms.h. */
#include "plans/run/forms.h"

#include <dirent.h>

#include "lib/io/file.h"
#include "plans/run/journal.h"

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
    const char *runs = fx_arena_printf(&arena, "%s/runs", project->state_dir);
    DIR *dir = opendir(runs);
    bool ok = true;
    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL && ok; e = readdir(dir)) {
        const char *path = fx_arena_printf(&arena, "%s/%s/journal", runs, e->d_name);
        ok = e->d_name[0] == '.' || !fx_file_exists(path) ||
             one_run(path, e->d_name, on_form, arg, err);
    }
    if (dir != NULL)
        closedir(dir);
    return ok;
}
