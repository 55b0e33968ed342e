/* SPDX-License-Identifier: Apache-2.0 */
/* status [-w]: the live picture on a terminal; elsewhere one line for each change. */
#include <signal.h>
#include <unistd.h>

#include "cmd/ficus/project.h"
#include "lib/base/clock.h"
#include "lib/cli/print.h"
#include "plans/view/picture.h"
#include "plans/plan.h"

static volatile sig_atomic_t has_signal;

static void on_signal(int number)
{
    (void)number;
    has_signal = 1;
}

struct status_options {
    bool watch;
    bool until_end;
    bool json;
    int64_t every_ms;
};

static const struct fx_opt status_options[] = {
    FX_OPT_FLAG(struct status_options, watch, "watch", 'w', "keep showing it until Ctrl-C"),
    FX_OPT_FLAG(struct status_options, until_end, "until-end", 0,
                "with --watch: exit when the run has ended"),
    FX_OPT_FLAG(struct status_options, json, "json", 0, "print JSON, once"),
    FX_OPT_DURATION(struct status_options, every_ms, "every", 0, "TIME",
                    "with --watch: refresh interval", .def = "500ms"),
    FX_OPT_END,
};

struct view {
    struct fx_project *project;
    const char *name;
    struct fx_term term;
};

static void draw(struct view *view, const struct pln_picture *pic)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    pln_picture_draw(pic, view->term.is_tty ? view->term.columns : 0, view->term.has_color, &out);
    if (view->term.is_tty)
        fx_term_draw(&view->term, fx_buf_str(&out));
    else
        fputs(fx_buf_cstr(&out), stdout);
}

static void print_changes(const struct pln_picture *before, const struct pln_picture *now)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    pln_picture_changes(before, now, &out);
    fx_print_text(fx_buf_str(&out));
    fflush(stdout);
}

/* Two arenas in turn, because the picture before is needed for the changes. */
static bool watch(struct view *view, const struct status_options *opt, struct fx_err *err)
{
    struct fx_arena arenas[2];
    struct pln_picture pics[2];
    bool ok = true;
    fx_arena_init(&arenas[0], 0);
    fx_arena_init(&arenas[1], 0);
    for (size_t i = 0; ok && has_signal == 0; i++) {
        struct pln_picture *now = &pics[i % 2];
        fx_arena_clear(&arenas[i % 2]);
        ok = pln_run_picture(view->project, view->name, true, &arenas[i % 2], now, err);
        if (!ok)
            break;
        if (view->term.is_tty || i == 0)
            draw(view, now);
        else
            print_changes(&pics[(i + 1) % 2], now);
        fflush(stdout);
        if (ferror(stdout) != 0 || (opt->until_end && now->is_over))
            break; /* the output is closed: main reports it */
        struct fx_mono end = fx_mono_add_ms(fx_mono_now(), opt->every_ms);
        while (has_signal == 0 && !fx_mono_reached(end, fx_mono_now()))
            fx_sleep_ms(50);
    }
    fx_arena_done(&arenas[0]);
    fx_arena_done(&arenas[1]);
    return ok;
}

/* A painter starts at the same time as its run: the journal may not exist yet. */
static bool find_run(struct cmd_call *call, struct view *view, struct fx_err *err)
{
    const struct status_options *opt = call->options;
    const char *word = call->n_words > 0 ? call->words[0] : NULL;
    for (;;) {
        fx_err_clear(err);
        struct pln_picture pic;
        if (pln_run_find(view->project, word, false, call->arena, &view->name, err) &&
            (!opt->until_end ||
             (pln_run_picture(view->project, view->name, false, call->arena, &pic, err) &&
              !pic.is_over)))
            return true;
        if (!opt->until_end || has_signal != 0)
            return false;
        fx_sleep_ms(100);
    }
}

/* A run of this directory is history when another controller holds its context. */
static void warn_stranger(const struct view *view, const char *context)
{
    struct fx_context *ctx = fx_project_context(view->project, context);
    struct pln_truth truth;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(64 << 10);
    if (ctx == NULL)
        return;
    pln_truth_read(view->project, ctx, &truth);
    if (pln_truth_stranger(&truth) == NULL)
        return;
    pln_truth_show(&truth, &out);
    fputs(fx_buf_cstr(&out), stdout);
}

/* No run in this state directory: the databases may know of one elsewhere. */
static bool show_truths(const struct view *view)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    bool is_any = false;
    for (size_t i = 0; i < view->project->n_contexts; i++) {
        struct pln_truth truth;
        pln_truth_read(view->project, &view->project->contexts[i], &truth);
        if (!pln_truth_is_any(&truth))
            continue;
        is_any = true;
        pln_truth_show(&truth, &out);
    }
    if (is_any)
        fx_print("no run in %s/runs\n%s", view->project->state_dir, fx_buf_cstr(&out));
    return is_any;
}

static bool run_status(struct cmd_call *call, struct fx_err *err)
{
    const struct status_options *opt = call->options;
    struct view view = {0};
    struct sigaction act = {.sa_handler = on_signal};
    struct sigaction old;
    sigemptyset(&act.sa_mask);
    sigaction(SIGTERM, &act, NULL);
    if (sigaction(SIGINT, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
        sigaction(SIGINT, &act, NULL);
    fx_term_init(&view.term, STDOUT_FILENO, call->no_color);
    if (opt->json && opt->watch)
        return fx_fail(err, FX_E_USAGE, "--json prints once and does not go with --watch") ||
               fx_hint(err, "Run: ficus status --json");
    if (!cmd_project_load(call, &view.project, err))
        return false;
    if (!find_run(call, &view, err)) {
        bool may_look = err->code == FX_E_CONFIG && call->n_words == 0 && !opt->watch && !opt->json;
        if (may_look && show_truths(&view)) {
            fx_err_clear(err);
            return true;
        }
        if (has_signal == 0)
            return false;
        fx_err_clear(err);
        return true;
    }
    if (opt->watch)
        return watch(&view, opt, err);
    struct pln_picture pic;
    if (!pln_run_picture(view.project, view.name, true, call->arena, &pic, err))
        return false;
    if (opt->json) {
        FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4 << 20);
        pln_picture_json(&pic, &out);
        fx_print_text(fx_buf_str(&out));
        return true;
    }
    view.term.is_tty = false; /* one picture, not redrawn */
    draw(&view, &pic);
    warn_stranger(&view, pic.context);
    return true;
}

const struct cmd cmd_status[] = {
    {.noun = "status",
     .words = "[RUN]",
     .words_max = 1,
     .summary = "show a run: steps, rates, lag, held requests, fall-back",
     .options = status_options,
     .options_size = sizeof(struct status_options),
     .run = run_status},
    CMD_END,
};
