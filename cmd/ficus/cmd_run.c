/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run start | resume | rollback | list | status | journal. A run stays in the foreground. On a
 * terminal a child process (`ficus status -w` of this build) draws the picture, reading journal,
 * facade and streams from outside: drawing can then neither slow down nor break what it shows.
 * Elsewhere each change is one line.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/ficus/interrupt.h"
#include "cmd/ficus/json.h"
#include "cmd/ficus/project.h"
#include "lib/base/clock.h"
#include "lib/cli/print.h"
#include "lib/cli/table.h"
#include "plans/view/picture.h"
#include "plans/plan.h"

struct run_options {
    bool execute;
    bool plain;
    bool json;
};

static const struct fx_opt start_options[] = {
    FX_OPT_FLAG(struct run_options, execute, "execute", 0,
                "execute; without it only print what would be done"),
    FX_OPT_FLAG(struct run_options, plain, "plain", 0, "print lines instead of the live picture"),
    FX_OPT_FLAG(struct run_options, json, "json", 0,
                "print JSON; of a run that goes on: ficus run status --json"),
    FX_OPT_END,
};

static const struct fx_opt run_options[] = {
    FX_OPT_FLAG(struct run_options, execute, "execute", 0,
                "execute; without it only print what would be done"),
    FX_OPT_FLAG(struct run_options, plain, "plain", 0, "print lines instead of the live picture"),
    FX_OPT_END,
};

static const struct fx_opt resume_options[] = {
    FX_OPT_FLAG(struct run_options, execute, "execute", 0,
                "accepted but not needed: the run was started with it"),
    FX_OPT_FLAG(struct run_options, plain, "plain", 0, "print lines instead of the live picture"),
    FX_OPT_END,
};

struct watch {
    struct fx_term term;
    pid_t painter; /* 0: lines are printed here */
};

static void on_event(void *arg, const char *line)
{
    struct watch *watch = arg;
    char at[FX_WALL_TEXT];
    if (watch->painter > 0)
        return;
    fx_wall_text(fx_wall_now(), at);
    fx_print("%.8s  %s\n", at + 11, line);
    fflush(stdout);
}

static void paint(struct cmd_call *call, const char *name)
{
    /* When the run is killed, its painter must exit too. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    const char *color = call->no_color ? "--no-color" : "--until-end";
    execl(call->argv0, call->argv0, "status", name, "-w", "--until-end", color, "--every", "250ms",
          "-f", call->project_path, (char *)NULL);
    _exit(127);
}

static void start_painter(struct cmd_call *call, const char *name, struct watch *watch)
{
    const struct run_options *opt = call->options;
    fx_term_init(&watch->term, STDOUT_FILENO, call->no_color);
    if (!watch->term.is_tty || opt->plain)
        return;
    fflush(stdout);
    watch->painter = fork();
    if (watch->painter == 0)
        paint(call, name);
    if (watch->painter < 0)
        watch->painter = 0;
}

/*
 * The painter exits once it has drawn the end of the run; for a run that stopped it gets a signal.
 */
static void end_painter(struct watch *watch, bool is_at_end)
{
    if (watch->painter <= 0)
        return;
    for (int i = 0; i < 40 && is_at_end; i++) {
        if (waitpid(watch->painter, NULL, WNOHANG) != 0) {
            watch->painter = 0;
            return;
        }
        fx_sleep_ms(50);
    }
    fx_sleep_ms(is_at_end ? 0 : 600);
    kill(watch->painter, SIGTERM);
    while (waitpid(watch->painter, NULL, 0) < 0 && errno == EINTR)
        continue;
    watch->painter = 0;
}

static bool at_end(enum fx_code code)
{
    return code == FX_E_NONE || code == FX_E_ROLLED_BACK || code == FX_E_STUCK;
}

enum mode { MODE_START, MODE_RESUME, MODE_ROLLBACK };

static bool carry_out(struct cmd_call *call, struct fx_project *project, enum mode mode,
                      const struct pln_plan *plan, const char *name, struct fx_err *err)
{
    struct watch watch = {0};
    struct pln_env env = {
        .argv0 = call->argv0,
        .project = project,
        .should_stop = cmd_interrupt_asked,
        .on_event = on_event,
        .arg = &watch,
    };
    bool ok = false;
    cmd_interrupt_catch();
    start_painter(call, name, &watch);
    switch (mode) {
    case MODE_START: ok = pln_run_start(&env, plan, err); break;
    case MODE_RESUME: ok = pln_run_resume(&env, name, err); break;
    case MODE_ROLLBACK: ok = pln_run_rollback(&env, name, err); break;
    }
    end_painter(&watch, at_end(err->code));
    bool goes_back = mode == MODE_ROLLBACK || (plan != NULL && strcmp(name, plan->name) != 0);
    if (ok)
        fx_print("%s: %s\n", name, goes_back ? "rolled back" : "finished");
    return ok;
}

static void print_look_json(const struct pln_plan *plan, const char *run,
                            const struct fx_findings *f)
{
    struct cmd_json json;
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "plan", plan->path);
    fx_json_w_kv_text(&json.w, "run", run);
    fx_json_w_kv_text(&json.w, "context", plan->context);
    fx_json_w_key(&json.w, "steps");
    fx_json_w_array(&json.w);
    for (size_t i = 0; i < plan->n_steps; i++) {
        fx_json_w_object(&json.w);
        fx_json_w_kv_text(&json.w, "id", plan->steps[i].id);
        fx_json_w_kv_text(&json.w, "do", pln_kind_info(plan->steps[i].kind)->name);
        fx_json_w_kv_bool(&json.w, "has_undo", plan->steps[i].has_undo);
        fx_json_w_kv_u64(&json.w, "gates", plan->steps[i].n_gates);
        fx_json_w_end(&json.w);
    }
    fx_json_w_end(&json.w);
    cmd_json_findings(&json, f);
    cmd_json_print(&json);
}

/* The dry run: the plan, and whether all that the run needs first is there now. */
static bool look(struct cmd_call *call, struct fx_project *project, const struct pln_plan *plan,
                 bool is_json, struct fx_err *err)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    struct pln_env env = {.argv0 = call->argv0, .project = project};
    FX_AUTO(fx_findings) struct fx_findings f;
    fx_findings_init(&f);
    pln_show(plan, &out);
    fx_buf_add_c(&out, "\nlooked at now:\n");
    bool ok = pln_run_look(&env, plan, &f, &out, err);
    if (is_json) {
        print_look_json(plan, pln_run_of(project, plan), &f);
        return ok;
    }
    fx_print("%s\nNothing was changed.", fx_buf_cstr(&out));
    if (ok)
        fx_print(" To execute the plan: ficus run start %s --execute", call->words[0]);
    fx_print("\n");
    fflush(stdout);
    return ok;
}

static bool run_start(struct cmd_call *call, struct fx_err *err)
{
    const struct run_options *opt = call->options;
    struct fx_project *project = NULL;
    struct pln_plan *plan = NULL;
    if (opt->execute && opt->json)
        return fx_fail(err, FX_E_USAGE,
                       "--json is for the look before a run, not with --execute") ||
               fx_hint(err,
                       "Start it without --json. In another terminal: ficus run status --json");
    if (!cmd_project_load(call, &project, err) || !cmd_plan_load(call, project, &plan, err))
        return false;
    if (opt->execute)
        return carry_out(call, project, MODE_START, plan, pln_run_of(project, plan), err);
    return look(call, project, plan, opt->json, err);
}

static bool find_run(struct cmd_call *call, bool will_act, struct fx_project **ret_project,
                     const char **ret_name, struct fx_err *err)
{
    return cmd_project_load(call, ret_project, err) &&
           pln_run_find(*ret_project, call->n_words > 0 ? call->words[0] : NULL, will_act,
                        call->arena, ret_name, err);
}

static bool run_resume(struct cmd_call *call, struct fx_err *err)
{
    struct fx_project *project = NULL;
    const char *name = NULL;
    return find_run(call, true, &project, &name, err) &&
           carry_out(call, project, MODE_RESUME, NULL, name, err);
}

static bool run_rollback(struct cmd_call *call, struct fx_err *err)
{
    const struct run_options *opt = call->options;
    struct fx_project *project = NULL;
    const char *name = NULL;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    if (!find_run(call, true, &project, &name, err))
        return false;
    bool has_way = pln_run_rollback_show(project, name, &out, err);
    fx_print_text(fx_buf_str(&out));
    if (!has_way && (!opt->execute || out.len == 0))
        return false;
    fx_err_clear(err); /* the rollback itself says it again, if it is still so */
    if (opt->execute)
        return carry_out(call, project, MODE_ROLLBACK, NULL, name, err);
    fx_print("\nNothing was changed. To execute the rollback: ficus run rollback %s --execute\n",
             name);
    return true;
}

struct adopt_options {
    bool execute;
    const char *confirm;
};

static const struct fx_opt adopt_options[] = {
    FX_OPT_TEXT(struct adopt_options, confirm, "confirm", 0, "ID",
                "the controller that holds the context: its first 8 digits or more, or nobody"),
    FX_OPT_FLAG(struct adopt_options, execute, "execute", 0,
                "execute; without it only show what the databases have"),
    FX_OPT_END,
};

/* What the command line has to say to take the context over; NULL: there is nothing to take. */
static const char *adopt_from(struct cmd_call *call, const struct pln_truth *truth)
{
    const struct fx_holder *stranger = pln_truth_stranger(truth);
    if (stranger != NULL)
        return fx_arena_printf(call->arena, "%.*s", FX_CONTROLLER_SHORT, stranger->id);
    return pln_truth_is_unsaid(truth) ? "nobody" : NULL;
}

static bool adopt(struct cmd_call *call, struct fx_project *project, struct fx_context *ctx,
                  const char *from, struct fx_err *err)
{
    struct pln_truth truth;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(64 << 10);
    (void)call;
    if (!pln_adopt(project, ctx, from, &out, err))
        return false;
    pln_truth_read(project, ctx, &truth);
    pln_truth_next(&truth, &out);
    fputs(fx_buf_cstr(&out), stdout);
    return true;
}

static bool run_adopt(struct cmd_call *call, struct fx_err *err)
{
    const struct adopt_options *opt = call->options;
    struct fx_project *project = NULL;
    struct fx_context *ctx = NULL;
    struct pln_truth truth;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(64 << 10);
    if (!cmd_project_load(call, &project, err) ||
        !cmd_context(call, project, call->n_words > 0 ? call->words[0] : NULL, &ctx, err))
        return false;
    pln_truth_read(project, ctx, &truth);
    const char *from = adopt_from(call, &truth);
    pln_truth_show(&truth, &out);
    fputs(fx_buf_cstr(&out), stdout);
    if (opt->execute && opt->confirm != NULL)
        return adopt(call, project, ctx, opt->confirm, err);
    if (opt->execute && from != NULL)
        return fx_fail(err, FX_E_USAGE,
                       "taking over context \"%s\" must be confirmed: the commands of its present "
                       "controller are refused afterwards",
                       ctx->name) ||
               fx_hint(err,
                       "Make sure that no command or run of that controller is still working, then "
                       "add --confirm=%s.",
                       from);
    if (from == NULL)
        fx_print("Nobody else holds context %s: there is nothing to take over.\n", ctx->name);
    else
        fx_print("Nothing was changed. To take over, when nobody works there any more: ficus run "
                 "adopt %s --confirm=%s --execute\n",
                 ctx->name, from);
    return true;
}

struct journal_options {
    bool json;
};

static const struct fx_opt journal_options[] = {
    FX_OPT_FLAG(struct journal_options, json, "json", 0, "print the records as JSON, one per line"),
    FX_OPT_END,
};

static bool run_journal_show(struct cmd_call *call, struct fx_err *err)
{
    const struct journal_options *opt = call->options;
    struct fx_project *project = NULL;
    const char *name = NULL;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(256 << 20);
    if (!find_run(call, false, &project, &name, err))
        return false;
    bool ok = pln_journal_show(project, name, opt->json, &out, err);
    fx_print_text(fx_buf_str(&out)); /* of a damaged journal: the records before the damage */
    return ok;
}

struct verify_options {
    const char *anchor;
    bool json;
};

static const struct fx_opt verify_options[] = {
    FX_OPT_TEXT(struct verify_options, anchor, "anchor", 0, "N:MAC",
                "the journal must still have this record, which an earlier call printed"),
    CMD_OPT_JSON(struct verify_options),
    FX_OPT_END,
};

static void print_verified(const char *name, const struct pln_verified *verified)
{
    fx_print("%s: %" PRIu64 " records, journal intact\n", name, verified->n_records);
    if (verified->n_unkeyed > 0)
        fx_print("the first %" PRIu64 " are of an older Ficus, which had no key\n",
                 verified->n_unkeyed);
    fx_print("anchor %s\n", verified->anchor);
}

static void print_verified_json(const char *name, const struct pln_verified *verified)
{
    struct cmd_json json;
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "run", name);
    fx_json_w_kv_u64(&json.w, "records", verified->n_records);
    fx_json_w_kv_u64(&json.w, "records_without_key", verified->n_unkeyed);
    fx_json_w_kv_text(&json.w, "anchor", verified->anchor);
    cmd_json_print(&json);
}

static bool run_journal_verify(struct cmd_call *call, struct fx_err *err)
{
    const struct verify_options *opt = call->options;
    struct fx_project *project = NULL;
    const char *name = NULL;
    struct pln_verified verified;
    if (!find_run(call, false, &project, &name, err) ||
        !pln_journal_verify(project, name, opt->anchor, &verified, err))
        return false;
    (opt->json ? print_verified_json : print_verified)(name, &verified);
    return true;
}

struct show_options {
    bool json;
};

static const struct fx_opt show_options[] = {
    FX_OPT_FLAG(struct show_options, json, "json", 0, "print JSON"),
    FX_OPT_END,
};

static void add_run(struct fx_grid *grid, const struct pln_run_line *line)
{
    char since[FX_WALL_TEXT];
    fx_wall_text(line->since, since);
    since[19] = 'Z'; /* whole seconds */
    since[20] = '\0';
    fx_grid_row(grid, line->run, line->context, line->phase, line->step,
                line->since.us > 0 ? since : NULL, line->by, line->next);
}

static bool run_list(struct cmd_call *call, struct fx_err *err)
{
    const struct show_options *opt = call->options;
    struct fx_project *project = NULL;
    struct pln_run_line *lines = NULL;
    size_t n = 0;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(16 << 20);
    FX_AUTO(fx_grid) struct fx_grid grid;
    fx_grid_init(&grid, "run", "context", "phase", "step", "since", "by", "next", NULL);
    if (!cmd_project_load(call, &project, err))
        return false;
    pln_runs_list(project, call->arena, &lines, &n);
    for (size_t i = 0; i < n; i++)
        add_run(&grid, &lines[i]);
    if (opt->json)
        pln_runs_json(lines, n, &out);
    else if (n > 0)
        fx_grid_render(&grid, &out);
    else
        fx_buf_printf(&out, "no run in %s/runs\n", project->state_dir);
    fx_print_text(fx_buf_str(&out));
    return true;
}

static bool run_status(struct cmd_call *call, struct fx_err *err)
{
    const struct show_options *opt = call->options;
    struct fx_project *project = NULL;
    const char *name = NULL;
    struct pln_picture pic;
    struct fx_term term;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(1 << 20);
    if (!find_run(call, false, &project, &name, err) ||
        !pln_run_picture(project, name, true, call->arena, &pic, err))
        return false;
    fx_term_init(&term, STDOUT_FILENO, call->no_color);
    if (opt->json)
        pln_picture_json(&pic, &out);
    else
        pln_picture_draw(&pic, term.is_tty ? term.columns : 0, term.has_color, &out);
    fputs(fx_buf_cstr(&out), stdout);
    return true;
}

const struct cmd cmd_run[] = {
    {.noun = "run",
     .verb = "start",
     .words = "PLAN",
     .words_min = 1,
     .words_max = 1,
     .summary = "run a plan in the foreground",
     .more =
         "Without --execute it prints the plan, asks facade and databases all that the run would "
         "ask before its first change, and fails when the run could not start now. "
         "Ctrl-C stops at the next safe point with exit status 10. `run resume` continues from "
         "there, also after a crash of any process.",
     .options = start_options,
     .options_size = sizeof(struct run_options),
     .run = run_start},
    {.noun = "run",
     .verb = "resume",
     .words = "[RUN]",
     .words_max = 1,
     .summary =
         "continue a run that was interrupted, held or stuck (without RUN: the unfinished one)",
     .more = "Executes at once: the run was started with --execute. For a run that has ended it "
             "prints the result again.",
     .options = resume_options,
     .options_size = sizeof(struct run_options),
     .run = run_resume},
    {.noun = "run",
     .verb = "rollback",
     .words = "[RUN]",
     .words_max = 1,
     .summary = "undo all steps in reverse order; first prints what that costs",
     .options = run_options,
     .options_size = sizeof(struct run_options),
     .run = run_rollback},
    {.noun = "run",
     .verb = "adopt",
     .words = "[CONTEXT]",
     .words_max = 1,
     .summary = "take a context over from a controller that is lost; first shows what it left",
     .more = "A controller is a state directory. Both databases record which one holds a context, "
             "and refuse all others. Journals and undo lists of the lost one are not taken over: "
             "see docs/protocols/controllers.md.",
     .options = adopt_options,
     .options_size = sizeof(struct adopt_options),
     .run = run_adopt},
    {.noun = "run",
     .verb = "list",
     .summary = "list all runs: phase, step, since when, who, and the command that goes on",
     .options = show_options,
     .options_size = sizeof(struct show_options),
     .run = run_list},
    {.noun = "run",
     .verb = "status",
     .words = "[RUN]",
     .words_max = 1,
     .summary = "show the state of the run",
     .options = show_options,
     .options_size = sizeof(struct show_options),
     .run = run_status},
    {.noun = "run",
     .verb = "journal show",
     .words = "[RUN]",
     .words_max = 1,
     .summary = "print the journal, one line per record",
     .options = journal_options,
     .options_size = sizeof(struct journal_options),
     .run = run_journal_show},
    {.noun = "run",
     .verb = "journal verify",
     .words = "[RUN]",
     .words_max = 1,
     .summary = "verify checksums, chain and order of the journal's records",
     .more =
         "The records are sealed with a key that stays in the state directory: an edited, removed "
         "or inserted record is an error. Keep the anchor that is printed last in another "
         "place; with --anchor it proves later that nothing was cut off or replaced.",
     .options = verify_options,
     .options_size = sizeof(struct verify_options),
     .run = run_journal_verify},
    CMD_END,
};
