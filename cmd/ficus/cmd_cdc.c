/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ficus cdc …`: the streams of a context, by hand. Plans do the same through cdc/cdc.h. What a run
 * in progress needs is not taken from it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cdc/cdc.h"
#include "cmd/ficus/json.h"
#include "cmd/ficus/project.h"
#include "lib/base/clock.h"
#include "lib/base/visible.h"
#include "lib/cli/print.h"
#include "lib/cli/term.h"
#include "lib/ownership/holder.h"
#include "lib/ownership/sides.h"
#include "plans/cutover/cutover.h"
#include "plans/run/lock.h"
#include "plans/plan.h"

enum { FINDINGS_MAX = 64 << 20 };

struct cdc_opts {
    const char *context;
    const char *direction;
    const char *confirm;
    const char *accept_ddl;
    bool execute, json, quick, empties_target, force;
};

#define OPT_CONTEXT                                               \
    FX_OPT_TEXT(struct cdc_opts, context, "context", 'c', "NAME", \
                "the context of ficus.yaml (needed when there are several)")
#define OPT_EXECUTE                                     \
    FX_OPT_FLAG(struct cdc_opts, execute, "execute", 0, \
                "execute; without it only print what would be done")

#define OPT_JSON CMD_OPT_JSON(struct cdc_opts)

#define OPT_ACCEPT                                                                               \
    FX_OPT_TEXT(struct cdc_opts, accept_ddl, "accept-ddl", 0, "WHAT",                            \
                "pass DDL that stopped a stream and changed no row: the table or GTID that the " \
                "error names")

#define OPT_EMPTY                                                                                 \
    FX_OPT_FLAG(struct cdc_opts, empties_target, "empty-target", 0,                               \
                "delete all rows of the new side's tables before the copy, as the applier; only " \
                "while the old side owns them")

static const struct fx_opt start_options[] = {
    OPT_CONTEXT,
    OPT_EXECUTE,
    OPT_ACCEPT,
    OPT_EMPTY,
    FX_OPT_TEXT(struct cdc_opts, confirm, "confirm", 0, "NAME",
                "the name of the context, as confirmation of --empty-target"),
    FX_OPT_FLAG(
        struct cdc_opts, quick, "quick", 0,
        "do not scan the source for values that do not fit (only for keys that end in a space)"),
    FX_OPT_END};
static const struct fx_opt stop_options[] = {OPT_CONTEXT, OPT_EXECUTE, FX_OPT_END};
static const struct fx_opt status_options[] = {OPT_CONTEXT, OPT_JSON, FX_OPT_END};
static const struct fx_opt drop_options[] = {
    OPT_CONTEXT, OPT_EXECUTE,
    FX_OPT_TEXT(struct cdc_opts, confirm, "confirm", 0, "NAME",
                "the name of the context, as confirmation"),
    FX_OPT_END};
static const struct fx_opt preflight_options[] = {
    OPT_CONTEXT, OPT_JSON,
    FX_OPT_FLAG(
        struct cdc_opts, quick, "quick", 0,
        "do not scan the source for values that do not fit (only for keys that end in a space)"),
    FX_OPT_END};
static const struct fx_opt release_options[] = {
    OPT_CONTEXT, OPT_EXECUTE, OPT_JSON,
    FX_OPT_FLAG(struct cdc_opts, force, "force", 0,
                "also while the process that paused the stream lives: what it compares is lost"),
    FX_OPT_END};
static const struct fx_opt run_options[] = {OPT_CONTEXT, OPT_ACCEPT, OPT_EMPTY,
                                            FX_OPT_TEXT(struct cdc_opts, direction, "direction", 0,
                                                        "DIR", "forward or reverse",
                                                        .def = "forward"),
                                            FX_OPT_END};

struct scene {
    struct fx_project *project;
    struct fx_context *ctx;
    struct cdc_options options;
    struct cdc_ref ref;
};

static bool load(struct cmd_call *call, struct scene *ret, struct fx_err *err)
{
    const struct cdc_opts *opts = call->options;
    struct fx_problems problems;
    if (!cmd_project_load(call, &ret->project, err) ||
        !cmd_context(call, ret->project, opts->context, &ret->ctx, err))
        return false;
    fx_problems_init(&problems);
    cdc_options_read(ret->project->root.cdc, &ret->options, call->arena, &problems);
    ret->options.accept_ddl = opts->accept_ddl;
    ret->options.empties_target = opts->empties_target;
    bool is_ok = fx_problems_ok(&problems, err);
    fx_problems_done(&problems);
    ret->ref =
        (struct cdc_ref){ret->project->path, ret->project->state_dir, ret->ctx->name, FX_FORWARD};
    return is_ok;
}

/* Before anything is changed: this controller holds the context, or nobody does. */
static bool take(struct cmd_call *call, struct scene *scene, struct fx_err *err)
{
    const char *what = fx_arena_printf(call->arena, "cdc %s", call->cmd->verb);
    return fx_controller_take(scene->project, what, "", call->arena, err) &&
           fx_holder_claim(scene->ctx, cdc_has_copied(&scene->ref), err);
}

static void print_started(const char *name, const struct cdc_status *status)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(2048);
    switch (status->phase) {
    case CDC_PHASE_COPY:
        cdc_status_copy_text(status, &text);
        fx_print("stream %s is copying: %s\n  it goes on in the background\n", name,
                 fx_buf_cstr(&text));
        break;
    case CDC_PHASE_CATCHUP:
        fx_print("stream %s is catching up; it goes on in the background\n", name);
        break;
    case CDC_PHASE_HELD: fx_print("stream %s is running, and paused\n", name); break;
    case CDC_PHASE_STREAM:
    case CDC_PHASE_STARTING:
    case CDC_PHASE_STOPPED: fx_print("stream %s is live\n", name); break;
    }
}

/* *ret_waits: the copy is not that far that the reverse stream could begin. */
static bool wait_live(struct scene *scene, bool *ret_waits, struct fx_err *err)
{
    char name[128];
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    cdc_stream_name(&scene->ref, name, sizeof name);
    if (!cdc_wait_live(&scene->ref, &scene->options, &status, err))
        return false;
    print_started(name, &status);
    *ret_waits = status.phase == CDC_PHASE_COPY && status.copied_rows == 0;
    return true;
}

/* Both processes first: the reverse stream begins as soon as the copy does. */
static bool each_start(struct scene *scene, const char *argv0, struct fx_err *err)
{
    bool is_waiting = false;
    for (int dir = FX_FORWARD; dir <= FX_REVERSE; dir++) {
        scene->ref.direction = (enum fx_direction)dir;
        if (!cdc_start(&scene->ref, argv0, &scene->options, err))
            return false;
    }
    scene->ref.direction = FX_FORWARD;
    if (!wait_live(scene, &is_waiting, err))
        return false;
    scene->ref.direction = FX_REVERSE;
    if (!is_waiting)
        return wait_live(scene, &is_waiting, err);
    fx_print("stream %s-reverse is waiting for the copy to begin; see: ficus cdc status --context "
             "%s\n",
             scene->ctx->name, scene->ctx->name);
    return true;
}

/*
 * Streams alone only keep the two sides equal; who may write is decided by ownership, which a
 * plan's stream.start installs. Without it a write to the new side is carried back as if it were
 * the owner's, and two writes to one row can cross.
 */
static void warn_unowned(const struct scene *scene)
{
    struct fx_own_look old_look, new_look;
    struct fx_err why = FX_ERR_INIT;
    bool ok = fx_own_look_both(scene->ctx, &old_look, &new_look, &why);
    if (ok && old_look.presence == FX_OWN_PRESENT && new_look.presence == FX_OWN_PRESENT)
        return;
    bool is_missing =
        ok && old_look.presence != FX_OWN_DENIED && new_look.presence != FX_OWN_DENIED;
    fflush(stdout);
    fprintf(stderr,
            "ficus: warning: ownership of context \"%s\" %s: both sides accept writes, each is "
            "carried to the other, and two concurrent writes to one row can overwrite each other\n"
            "  hint: Write to the old side only. A plan's stream.start installs ownership, and the "
            "new side refuses writes from then on: ficus run start PLAN --execute\n",
            scene->ctx->name,
            is_missing ? "is not installed" : "could not be read and may not be installed");
}

static void print_warnings(const struct fx_findings *f)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 20), shown = FX_BUF(1 << 22);
    for (size_t i = 0; i < f->n; i++)
        fx_buf_printf(&text, "ficus: warning: database \"%s\": %s\n  hint: %s\n", f->items[i].where,
                      f->items[i].what, f->items[i].fix);
    fx_visible_add(&shown, fx_buf_str(&text), FX_VISIBLE_LINES);
    fflush(stdout);
    fprintf(stderr, "%s", fx_buf_cstr(&shown));
}

/* What could not be asked is found by the commands that need it. */
static void warn_rights(const struct scene *scene)
{
    struct fx_err ignored = FX_ERR_INIT;
    FX_AUTO(fx_findings) struct fx_findings f;
    fx_findings_init(&f);
    if (cdc_warnings(scene->ctx, &f, &ignored))
        print_warnings(&f);
}

/* The list has said it all, so the error only counts, and says how to go on. */
static bool fail_findings(const struct scene *scene, const struct fx_findings *f,
                          struct fx_err *err)
{
    size_t n_groups = fx_findings_groups(f);
    (void)fx_fail(err, FX_E_UNSUPPORTED,
                  "context \"%s\" cannot be streamed yet: %zu finding%s in %zu group%s",
                  scene->ctx->name, f->n, f->n == 1 ? "" : "s", n_groups, n_groups == 1 ? "" : "s");
    bool is_hidden = false;
    for (size_t i = 0; i < f->n; i++)
        is_hidden |= strstr(f->items[i].where, "[hidden") != NULL;
    return fx_hint(err,
                   "Correct what is listed above, then run: ficus cdc preflight --context %s%s",
                   scene->ctx->name,
                   is_hidden ? ". Values of rows are hidden; to see them: run the same command "
                               "with --show-values"
                             : "");
}

static void print_findings(const struct fx_findings *f)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FINDINGS_MAX);
    fx_findings_grouped(f, &text);
    fx_print_text(fx_buf_str(&text));
}

/* --- the value scan --------------------------------------------------------------------------- */

struct scan_view {
    struct fx_term term;
    struct fx_mono began;
    bool is_told; /* that it goes on with an interrupted one */
};

static void tell_resumed(struct scan_view *view, const struct cdc_scan_at *at)
{
    if (at->resumed_rows > 0 && !view->is_told)
        fprintf(stderr,
                "ficus: the value scan goes on where it was interrupted: %" PRId64
                " rows need not be read again\n",
                at->resumed_rows);
    view->is_told = true;
}

/* Rows, rate, and how long it takes from here: what the
 * server estimates may be less than what there is. */
static void show_scan(void *arg, const struct cdc_scan_at *at)
{
    struct scan_view *view = arg;
    FX_AUTO(fx_buf) struct fx_buf line = FX_BUF(400);
    tell_resumed(view, at);
    if (!view->term.is_tty)
        return;
    double seconds = (double)fx_mono_since_us(view->began, fx_mono_now()) / 1e6;
    double rate = seconds > 0.5 ? (double)(at->rows - at->resumed_rows) / seconds : 0;
    fx_buf_printf(&line, "looking for values that do not fit: %" PRId64, at->rows);
    if (at->total_rows >= at->rows)
        fx_buf_printf(&line, " of about %" PRId64, at->total_rows);
    fx_buf_add_c(&line, " rows");
    if (rate >= 1)
        fx_buf_printf(&line, ", %.0f rows/s", rate);
    if (rate >= 1 && at->total_rows > at->rows)
        fx_buf_printf(&line, ", about %.0f s left", (double)(at->total_rows - at->rows) / rate);
    fx_buf_add_char(&line, '\n');
    fx_term_draw(&view->term, fx_buf_str(&line));
}

static bool look(struct scene *scene, bool is_quick, struct fx_findings *f, struct fx_err *err)
{
    struct scan_view view = {.began = fx_mono_now()};
    struct cdc_scan_how how = {
        .state_dir = scene->ref.state_dir, .on_progress = show_scan, .arg = &view};
    fx_term_init(&view.term, STDERR_FILENO, true);
    bool is_ok = cdc_preflight_find(scene->ctx, &scene->options, is_quick ? NULL : &how, f, err);
    if (view.term.drawn_lines > 0)
        fx_term_draw(&view.term, FX_STR(""));
    return is_ok;
}

static bool no_findings(struct scene *scene, bool is_quick, struct fx_err *err)
{
    FX_AUTO(fx_findings) struct fx_findings f;
    fx_findings_init(&f);
    if (!look(scene, is_quick, &f, err))
        return false;
    print_findings(&f);
    return f.n == 0 || fail_findings(scene, &f, err);
}

static bool is_confirmed(const struct cdc_opts *opts, const struct scene *scene)
{
    return opts->confirm != NULL && strcmp(opts->confirm, scene->ctx->name) == 0;
}

static bool fail_unconfirmed(const char *what, const char *command, const struct scene *scene,
                             struct fx_err *err)
{
    (void)fx_fail(err, FX_E_USAGE, "%s of context \"%s\" must be confirmed: it cannot be undone",
                  what, scene->ctx->name);
    return fx_hint(err, "Run: ficus cdc %s --context %s --execute --confirm=%s", command,
                   scene->ctx->name, scene->ctx->name);
}

static bool run_start(struct cmd_call *call, struct fx_err *err)
{
    const struct cdc_opts *opts = call->options;
    struct scene scene;
    if (!load(call, &scene, err))
        return false;
    if (!opts->execute) {
        fx_print("would install schema ficus, publication, slot and origin for context \"%s\", and "
                 "start "
                 "its two streams (%zu tables)\nNothing was changed. To execute, add --execute.\n",
                 scene.ctx->name, scene.ctx->n_tables);
        if (opts->empties_target)
            fx_print("would first delete all rows of the new side's tables, if its copy has not "
                     "begun and the old side owns them\n");
        warn_unowned(&scene);
        return true;
    }
    if (opts->empties_target && !is_confirmed(opts, &scene))
        return fail_unconfirmed("emptying the new side's tables", "start --empty-target", &scene,
                                err);
    bool ok = take(call, &scene, err) && cdc_same_context(&scene.ref, scene.ctx, err) &&
              no_findings(&scene, opts->quick, err) && cdc_install(scene.ctx, err) &&
              each_start(&scene, call->argv0, err);
    if (ok) {
        warn_unowned(&scene);
        warn_rights(&scene);
    }
    return ok;
}

static bool run_stop(struct cmd_call *call, struct fx_err *err)
{
    const struct cdc_opts *opts = call->options;
    struct scene scene;
    if (!load(call, &scene, err))
        return false;
    if (!opts->execute) {
        fx_print("would stop both streams of context \"%s\"; the replication slot keeps its log "
                 "until they run "
                 "again\nNothing was changed. To execute, add --execute.\n",
                 scene.ctx->name);
        return true;
    }
    struct fx_flock *lock = NULL;
    if (!pln_lock_context(scene.project->state_dir, scene.ctx->name, "cdc stop", &lock, err))
        return false;
    bool ok = true;
    for (int dir = FX_FORWARD; dir <= FX_REVERSE && ok; dir++) {
        scene.ref.direction = (enum fx_direction)dir;
        ok = cdc_stop(&scene.ref, 30000, err);
    }
    fx_flock_release(lock);
    return ok;
}

static void print_pause(const char *name, const struct cdc_status *status)
{
    if (status->hold_left_ms == 0)
        fx_print("stream %s is not paused\n", name);
    else if (status->hold_pid != 0)
        fx_print("stream %s is paused by process %" PRId64 ", for at most %" PRId64 " ms more\n",
                 name, status->hold_pid, status->hold_left_ms);
    else
        fx_print("stream %s is paused, for at most %" PRId64 " ms more\n", name,
                 status->hold_left_ms);
}

static void print_pause_json(const char *name, const struct cdc_status *status, bool will_end)
{
    struct cmd_json json;
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "stream", name);
    fx_json_w_kv_bool(&json.w, "paused", status->hold_left_ms != 0);
    cmd_json_known(&json, "pid", status->hold_pid != 0 ? status->hold_pid : -1);
    cmd_json_known(&json, "left_ms", status->hold_left_ms != 0 ? status->hold_left_ms : -1);
    fx_json_w_kv_bool(&json.w, "released", will_end && status->hold_left_ms != 0);
    cmd_json_print(&json);
}

static bool release_one(const struct scene *scene, const struct cdc_opts *opts, struct fx_err *err)
{
    char name[128];
    FX_AUTO(cdc_status) struct cdc_status status = {0};
    cdc_stream_name(&scene->ref, name, sizeof name);
    if (!cdc_status(&scene->ref, &status, err))
        return false;
    if (!opts->json)
        print_pause(name, &status);
    bool will_end = opts->execute && status.hold_left_ms != 0;
    if (will_end &&
        !(opts->force ? cdc_release_any(&scene->ref, err) : cdc_release(&scene->ref, err)))
        return false;
    if (opts->json)
        print_pause_json(name, &status, will_end);
    return true;
}

static bool run_release(struct cmd_call *call, struct fx_err *err)
{
    const struct cdc_opts *opts = call->options;
    struct scene scene;
    if (!load(call, &scene, err))
        return false;
    for (int dir = FX_FORWARD; dir <= FX_REVERSE; dir++) {
        scene.ref.direction = (enum fx_direction)dir;
        if (!release_one(&scene, opts, err))
            return false;
    }
    if (!opts->execute && !opts->json)
        fx_print("Nothing was changed. To execute, add --execute.\n");
    return true;
}

static void add_bytes(int64_t n, struct fx_buf *out)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)n;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < FX_ARRAY_LEN(units)) {
        value /= 1024;
        unit++;
    }
    fx_buf_printf(out, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static void add_time(int64_t s, struct fx_buf *out)
{
    if (s >= 2 * 86400)
        fx_buf_printf(out, "%" PRId64 " days", s / 86400);
    else if (s >= 2 * 3600)
        fx_buf_printf(out, "%" PRId64 " hours", s / 3600);
    else if (s >= 120)
        fx_buf_printf(out, "%" PRId64 " minutes", s / 60);
    else
        fx_buf_printf(out, "%" PRId64 " s", s);
}

static void print_lost(const struct scene *scene)
{
    struct fx_err way_on = FX_ERR_INIT;
    (void)fx_hint(&way_on, "the source has removed log that this stream needs, so changes are "
                           "missing: " FX_CMD_NEW_COPY ".");
    (void)fx_err_name_context(&way_on, scene->ctx->name);
    fx_print("  %s\n", way_on.hint);
}

/* What can be done depends on the engine: the guide has both. */
static void print_log(const struct scene *scene, const struct cdc_status *s, bool is_running)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(4096);
    if (s->log_state[0] == '\0')
        return;
    if (strcmp(s->log_state, CDC_LOG_LOST) == 0) {
        print_lost(scene);
        return;
    }
    fx_buf_add_c(&text, "  the source keeps ");
    add_bytes(s->log_kept_bytes, &text);
    fx_buf_printf(&text, " of log for it (%s)", s->log_state);
    if (s->log_left_bytes >= 0) {
        fx_buf_add_c(&text, ", ");
        add_bytes(s->log_left_bytes, &text);
        fx_buf_add_c(&text, " more fit");
    }
    if (s->log_left_s >= 0) {
        fx_buf_add_c(&text, is_running ? ", if it stopped now for " : ", at this rate for ");
        add_time(s->log_left_s, &text);
    } else if (s->log_left_bytes < 0) {
        fx_buf_add_c(&text, ", without a limit but its disk");
    }
    fx_print("%s\n", fx_buf_cstr(&text));
    if (!is_running)
        fx_print(
            "  To read on: ficus cdc start --context %s --execute. To keep the log for longer: "
            "docs/guide/log-room.md\n",
            scene->ctx->name);
}

static void print_status(const char *name, const struct cdc_status *s)
{
    fx_print("%-20s %-8s applied %s  lag %" PRId64 " ms  rows %" PRId64 "  copied %" PRId64
             "  loops %" PRId64 "  leaks %" PRId64 "\n",
             name, cdc_phase_name(s->phase), fx_pos_text(&s->applied), s->lag_ms, s->applied_rows,
             s->copied_rows, s->loops_discarded, s->leaks);
    if (s->phase == CDC_PHASE_COPY) {
        FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(2048);
        cdc_status_copy_text(s, &text);
        fx_print("  copying: %s\n", fx_buf_cstr(&text));
    }
    if (s->missing_fences > 0)
        fx_print("  tables of the source accept writes although it gave them away: %" PRId64
                 " triggers are missing. To make them again: ficus upgrade --execute\n",
                 s->missing_fences);
    if (s->error[0] != '\0')
        fx_print("  %s\n", s->error);
}

/* One line: an object for each stream. */
static void print_status_json(const char *name, const struct cdc_status *status)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(64 << 10);
    struct cmd_json json;
    cdc_status_write(status, &text);
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "stream", name);
    fx_json_w_key(&json.w, "status");
    fx_json_w_raw(&json.w, fx_buf_str(&text));
    cmd_json_print(&json);
}

/* What could not be asked is not shown; who needs it is told by the commands that do. */
static void ask_log(const struct scene *scene, struct cdc_status *status)
{
    struct fx_err ignored = FX_ERR_INIT;
    if (!cdc_log_ask(&scene->ref, scene->ctx, status, &ignored))
        status->log_state[0] = '\0';
}

static void show_status(const struct scene *scene, const char *name,
                        const struct cdc_status *status, bool is_json)
{
    if (is_json) {
        print_status_json(name, status);
        return;
    }
    print_status(name, status);
    print_log(scene, status, status->phase != CDC_PHASE_STOPPED);
}

/* The stream that nobody reads for is the one that loses its log. */
static void show_stopped(const struct scene *scene, const char *name, bool is_json)
{
    FX_AUTO(cdc_status) struct cdc_status status = {.phase = CDC_PHASE_STOPPED, .lag_ms = -1};
    ask_log(scene, &status);
    if (status.log_state[0] != '\0')
        show_status(scene, name, &status, is_json);
}

static bool run_status(struct cmd_call *call, struct fx_err *err)
{
    const struct cdc_opts *opts = call->options;
    struct scene scene;
    struct fx_err first = FX_ERR_INIT;
    if (!load(call, &scene, err))
        return false;
    for (int dir = FX_FORWARD; dir <= FX_REVERSE; dir++) {
        char name[128];
        struct fx_err why = FX_ERR_INIT;
        FX_AUTO(cdc_status) struct cdc_status status = {0};
        scene.ref.direction = (enum fx_direction)dir;
        cdc_stream_name(&scene.ref, name, sizeof name);
        if (!cdc_status(&scene.ref, &status, &why)) {
            if (why.code == FX_E_STREAM)
                show_stopped(&scene, name, opts->json);
            if (!fx_err_is(&first))
                first = why;
            continue;
        }
        if (status.phase == CDC_PHASE_STOPPED) {
            call->exit_status = 1;
            ask_log(&scene, &status);
        }
        show_status(&scene, name, &status, opts->json);
    }
    if (fx_err_is(&first))
        *err = first;
    return !fx_err_is(&first);
}

static bool run_drop(struct cmd_call *call, struct fx_err *err)
{
    const struct cdc_opts *opts = call->options;
    struct scene scene;
    if (!load(call, &scene, err))
        return false;
    if (!opts->execute) {
        fx_print(
            "would stop both streams of context \"%s\" and remove slot, publication, origin and "
            "progress. Data, ownership and fences stay (a plan's stream.drop removes ownership "
            "and fences "
            "when the old side serves)\nNothing was changed. To execute, add --execute "
            "--confirm=%s.\n",
            scene.ctx->name, scene.ctx->name);
        return true;
    }
    if (!is_confirmed(opts, &scene))
        return fail_unconfirmed("dropping the streams", "drop", &scene, err);
    /* A run would start again what goes, or lose its
     * fall-back: also one that is interrupted or held. */
    struct fx_flock *lock = NULL;
    if (!pln_lock_context(scene.project->state_dir, scene.ctx->name, "cdc drop", &lock, err))
        return false;
    bool ok = take(call, &scene, err) &&
              pln_runs_at_end(scene.project, scene.ctx->name, NULL, err) &&
              cdc_drop(scene.ctx, &scene.ref, false, err);
    fx_flock_release(lock);
    return ok;
}

static void print_preflight_json(const struct scene *scene, const struct fx_findings *f,
                                 const struct fx_findings *warnings)
{
    struct cmd_json json;
    cmd_json_begin(&json);
    fx_json_w_kv_text(&json.w, "context", scene->ctx->name);
    cmd_json_findings(&json, f);
    fx_json_w_key(&json.w, "warnings");
    fx_findings_json(warnings, &json.w);
    cmd_json_print(&json);
}

static bool run_preflight(struct cmd_call *call, struct fx_err *err)
{
    const struct cdc_opts *opts = call->options;
    struct scene scene;
    struct fx_err ignored = FX_ERR_INIT;
    FX_AUTO(fx_findings) struct fx_findings f, warnings;
    fx_findings_init(&f);
    fx_findings_init(&warnings);
    if (!load(call, &scene, err) || !look(&scene, opts->quick, &f, err))
        return false;
    if (!cdc_warnings(scene.ctx, &warnings, &ignored))
        fx_err_clear(&ignored); /* what could not be asked is found by the commands that need it */
    if (opts->json)
        print_preflight_json(&scene, &f, &warnings);
    else
        print_findings(&f);
    if (f.n > 0)
        return fail_findings(&scene, &f, err);
    if (!opts->json) {
        fx_print("preflight of context \"%s\" passed\n", scene.ctx->name);
        print_warnings(&warnings);
    }
    return true;
}

static bool run_run(struct cmd_call *call, struct fx_err *err)
{
    const struct cdc_opts *opts = call->options;
    struct scene scene;
    bool is_reverse = strcmp(opts->direction, "reverse") == 0;
    if (!is_reverse && strcmp(opts->direction, "forward") != 0)
        return fx_fail(err, FX_E_USAGE, "--direction must be forward or reverse, not \"%s\"",
                       opts->direction);
    return load(call, &scene, err) &&
           fx_controller_take(scene.project, "stream", "", call->arena, err) &&
           cdc_run(scene.project, scene.ctx, is_reverse ? FX_REVERSE : FX_FORWARD, &scene.options,
                   err);
}

#define CDC_CMD(verb_, options_, run_, ...)                                 \
    {                                                                       \
        .noun = "cdc", .verb = (verb_), .options = (options_),              \
        .options_size = sizeof(struct cdc_opts), .run = (run_), __VA_ARGS__ \
    }

const struct cmd cmd_cdc[] = {
    CDC_CMD("start", start_options, run_start,
            .summary = "install what both streams of a context need, and start them"),
    CDC_CMD("status", status_options, run_status,
            .summary = "show phase, position and lag of both streams"),
    CDC_CMD("stop", stop_options, run_stop,
            .summary = "stop both streams at a transaction boundary; nothing is removed"),
    CDC_CMD("drop", drop_options, run_drop,
            .summary =
                "stop both streams and remove their slot, publication and progress; data stays"),
    CDC_CMD("release", release_options, run_release,
            .summary = "show who has paused the streams of a context, and end the pause"),
    CDC_CMD(
        "preflight", preflight_options, run_preflight,
        .summary =
            "check everything that would stop a stream, and print all of it with what fixes it"),
    CDC_CMD("run", run_options, run_run, .is_hidden = true,
            .summary = "run one stream (started by other commands)"),
    CMD_END};
