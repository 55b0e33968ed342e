/* SPDX-License-Identifier: Apache-2.0 */
/* ficus reconcile: is the copy equal, and may CI continue because of it. */
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#include "cmd/ficus/project.h"
#include "lib/base/clock.h"
#include "reconcile/reconcile.h"

struct run_options {
    const char *context, *report;
    bool json, quiet;
};

static const struct fx_opt run_opts[] = {
    FX_OPT_TEXT(struct run_options, context, "context", 'c', "NAME",
                "the context to compare (needed when there are several)"),
    FX_OPT_TEXT(struct run_options, report, "report", 'o', "DIR",
                "write report.json and report.txt there"),
    FX_OPT_FLAG(struct run_options, json, "json", 'j', "print the report as JSON"),
    FX_OPT_FLAG(struct run_options, quiet, "quiet", 'q', "print nothing but errors"), FX_OPT_END};

struct gate_options {
    int64_t divergent, max_age_ms;
    double coverage;
};

static const struct fx_opt gate_opts[] = {
    FX_OPT_INT(struct gate_options, divergent, "divergent", 0, "N", "at most N rows may differ",
               .def = "0"),
    FX_OPT_PERCENT(struct gate_options, coverage, "coverage", 0, "P",
                   "at least this share of the context's tables was compared", .def = "100%"),
    FX_OPT_DURATION(struct gate_options, max_age_ms, "max-age", 0, "AGE",
                    "the report is not older than this (default: any age)"),
    FX_OPT_END};

static bool read_options(const struct fx_project *project, struct rec_options *ret,
                         struct fx_arena *arena, struct fx_err *err)
{
    struct fx_problems problems;
    fx_problems_init(&problems);
    rec_options_read(project->root.reconcile, ret, arena, &problems);
    bool is_ok = fx_problems_ok(&problems, err);
    fx_problems_done(&problems);
    return is_ok;
}

static bool show_progress(void *arg, const char *table, int64_t rows)
{
    struct fx_mono *next = arg, now = fx_mono_now();
    if (fx_mono_reached(*next, now)) {
        fprintf(stderr, "\r%s: %" PRId64 " rows compared ", table, rows);
        *next = fx_mono_add_ms(now, 200);
    }
    return true;
}

static int verdict_exit(enum rec_verdict verdict)
{
    switch (verdict) {
    case REC_EQUAL: return 0;
    case REC_DIVERGENT: return fx_code_exit(FX_E_DIVERGED);
    case REC_INCONCLUSIVE: break;
    }
    return fx_code_exit(FX_E_INCONCLUSIVE);
}

static bool run(struct cmd_call *call, struct fx_err *err)
{
    const struct run_options *options = call->options;
    struct fx_project *project;
    struct fx_context *ctx = NULL;
    struct rec_options rec;
    struct rec_report *report;
    char path[PATH_MAX];
    if (!cmd_project_load(call, &project, err) ||
        !cmd_context(call, project, options->context, &ctx, err) ||
        !read_options(project, &rec, call->arena, err))
        return false;
    struct cdc_ref ref = {.project_path = realpath(call->project_path, path),
                          .state_dir = project->state_dir,
                          .context = ctx->name};
    struct fx_mono next = fx_mono_now();
    struct rec_progress progress = {show_progress, &next};
    bool is_live = !options->quiet && isatty(STDERR_FILENO);
    if (!rec_owner(ctx, &ref.direction, err))
        return false;
    bool is_ok = rec_check(ctx, &ref, &rec, NULL, NULL, is_live ? &progress : NULL, call->arena,
                           &report, err);
    if (is_live)
        fputs("\r\033[K", stderr);
    if (!is_ok || (options->report != NULL && !rec_report_write(report, options->report, err)))
        return false;
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF((size_t)64 << 20);
    if (options->json)
        rec_report_json(report, &out);
    else if (!options->quiet)
        rec_report_text(report, &out);
    fputs(fx_buf_cstr(&out), stdout);
    call->exit_status = verdict_exit(report->verdict);
    return true;
}

static bool gate(struct cmd_call *call, struct fx_err *err)
{
    const struct gate_options *options = call->options;
    struct rec_limits limits = {.divergent_max = options->divergent,
                                .coverage_min_percent = options->coverage,
                                .max_age_ms = options->max_age_ms};
    struct rec_report *report;
    FX_AUTO(fx_buf) struct fx_buf why = FX_BUF(1024);
    if (!rec_report_load(call->words[0], call->arena, &report, err)) {
        if (err->hint[0] == '\0')
            fx_hint(err, "REPORT is the file report.json written by: ficus reconcile run --context "
                         "NAME --report DIR");
        return false;
    }
    switch (rec_gate(report, &limits, fx_wall_now(), &why)) {
    case REC_GATE_PASS: printf("pass: %s\n", fx_buf_cstr(&why)); return true;
    case REC_GATE_FAIL:
        printf("fail: %s\n", fx_buf_cstr(&why));
        call->exit_status = fx_code_exit(FX_E_GATE_CLOSED);
        return true;
    case REC_GATE_UNKNOWN: break;
    }
    printf("unknown: %s\n", fx_buf_cstr(&why));
    call->exit_status = fx_code_exit(FX_E_INCONCLUSIVE);
    return true;
}

const struct cmd cmd_reconcile[] = {
    {.noun = "reconcile",
     .verb = "run",
     .summary = "compare both sides of a context exactly, while applications write",
     .more = "Reads every mapped table on both sides at one exact point of the stream and compares "
             "every value.\nThe side that owns the context now is the source. Needs a running "
             "stream.\nExit status: 0 equal, 1 divergent, 3 inconclusive.",
     .options = run_opts,
     .options_size = sizeof(struct run_options),
     .run = run},
    {.noun = "reconcile",
     .verb = "gate",
     .words = "REPORT",
     .words_min = 1,
     .words_max = 1,
     .summary = "check a report against limits, for CI",
     .more = "Exit status: 0 pass, 1 fail, 3 unknown (the report is too old or incomplete).",
     .options = gate_opts,
     .options_size = sizeof(struct gate_options),
     .run = gate},
    CMD_END};
