/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/whole.h"

#include <stdio.h>

#include "cdc/cdc.h"
#include "lib/base/visible.h"
#include "reconcile/reconcile.h"
#include "strangler/facade.h"

static void read_sections(const struct fx_root *root, struct fx_arena *arena,
                          struct fx_problems *problems)
{
    struct cdc_options cdc;
    struct rec_options rec;
    cdc_options_read(root->cdc, &cdc, arena, problems);
    rec_options_read(root->reconcile, &rec, arena, problems);
    fcd_facade_problems(root, arena, problems);
}

bool cmd_whole_read(const char *path, struct fx_arena *arena, struct fx_problems *problems,
                    struct fx_project **ret_project, struct fx_err *err)
{
    if (!fx_project_read(path, arena, problems, ret_project, err))
        return false;
    read_sections(&(*ret_project)->root, arena, problems);
    return true;
}

bool cmd_problems_ok(struct fx_problems *problems, bool is_told, struct fx_err *err)
{
    if (fx_problems_ok(problems, err))
        return true;
    bool is_cut = problems->count > 1 && problems->text.len > sizeof err->detail - 64;
    if (is_cut && !is_told) {
        FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(1 << 22);
        fx_visible_add(&shown, fx_buf_str(&problems->text), FX_VISIBLE_LINES);
        fflush(stdout);
        fputs(fx_buf_cstr(&shown), stderr);
    }
    if (is_cut || is_told)
        (void)fx_detail(err, "%s", "");
    return false;
}

bool cmd_whole_check(const char *path, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    FX_AUTO(fx_problems) struct fx_problems problems;
    struct fx_project *project = NULL;
    struct fx_root root;
    fx_arena_init(&arena, 0);
    fx_problems_init(&problems);
    /* A problem of the root is found by both readers and kept once. */
    if (!fx_root_load(path, &arena, &problems, &root, err))
        return false;
    if (root.databases != NULL && !fx_project_read(path, &arena, &problems, &project, err))
        return false;
    fx_root_need(&root, "facade", &problems);
    read_sections(&root, &arena, &problems);
    return cmd_problems_ok(&problems, false, err);
}
