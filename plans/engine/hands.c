/* SPDX-License-Identifier: Apache-2.0 */
/* One function a kind; everything here may be repeated after a crash and then changes nothing twice. */
#include "plans/engine/hands.h"

#include <unistd.h>

#include "lib/base/alloc.h"
#include "lib/base/panic.h"
#include "lib/fmt/json_doc.h"
#include "lib/io/file.h"
#include "plans/engine/undo.h"

enum { LAG_SAMPLES = 2048, RESTART_PAUSE_MS = 2000, FACADE_TIMEOUT_MS = 3000, COPY_SAY_MS = 2000 };

struct pln_real {
    const struct pln_env *env;
    const struct pln_plan *plan;
    const char *run_dir;
    struct fx_context *ctx;
    struct cdc_ref forward, reverse;
    struct cdc_options cdc;
    struct rec_options rec;
    struct fcd_endpoint facade;
    struct fx_arena arena;        /* life of the run */
    struct fx_arena report_arena; /* newest report */
    struct rec_report *report;
    int64_t epoch;
    bool has_claimed;
    bool wants_streams; /* both should be alive: tick restarts them */
    struct fx_mono restarted;
    int64_t lag_ms[LAG_SAMPLES], lag_at_ms[LAG_SAMPLES];
    size_t n_lag;
    int64_t leaks;
    int64_t predicted_ms;
    char operator_name[128];
    struct pln_exec *ex; /* during act and probe, for the cut-over's callbacks */
    const struct pln_step *step;
};

bool pln_endpoint_read(const struct fx_project *project, struct fx_arena *arena,
                       struct fcd_endpoint *ret, struct fx_err *err)
{
    const struct fx_node *admin = fx_node_get(fx_node_get(project->root, "facade"), "admin");
    const struct fx_node *address = fx_node_get(admin, "address");
    const struct fx_node *token = fx_node_get(admin, "token");
    *ret = (struct fcd_endpoint){.timeout_ms = FACADE_TIMEOUT_MS};
    if (address == NULL || address->kind != FX_NODE_SCALAR || address->text.len == 0) {
        fx_fail(err, FX_E_CONFIG, "%s: facade.admin.address is missing", project->path);
        return fx_hint(err, "Add  facade: {admin: {address: \"127.0.0.1:9901\"}}  to it.");
    }
    ret->address = address->text.ptr;
    return token == NULL || fx_secret_read(token, arena, &ret->token, err);
}

static bool read_sections(struct pln_real *real, struct fx_err *err)
{
    struct fx_problems problems;
    const struct fx_node *root = real->env->project->root;
    fx_problems_init(&problems);
    cdc_options_read(fx_node_get(root, "cdc"), &real->cdc, &real->arena, &problems);
    rec_options_read(fx_node_get(root, "reconcile"), &real->rec, &real->arena, &problems);
    bool ok = fx_problems_ok(&problems, err);
    fx_problems_done(&problems);
    return ok && pln_endpoint_read(real->env->project, &real->arena, &real->facade, err);
}

static const char *report_path(const struct pln_real *real, struct fx_arena *arena)
{
    return fx_arena_printf(arena, "%s/reports/latest", real->run_dir);
}

/* A resumed run judges by the report that the one before it made. */
static void load_report(struct pln_real *real)
{
    struct fx_err ignored = FX_ERR_INIT;
    const char *path =
        fx_arena_printf(&real->arena, "%s/report.json", report_path(real, &real->arena));
    if (fx_file_exists(path) &&
        !rec_report_load(path, &real->report_arena, &real->report, &ignored))
        real->report = NULL;
}

bool pln_real_new(const struct pln_env *env, const struct pln_plan *plan, const char *run_dir,
                  struct pln_real **ret, struct fx_err *err)
{
    struct pln_real *real = FX_NEW(struct pln_real);
    fx_arena_init(&real->arena, 0);
    fx_arena_init(&real->report_arena, 0);
    real->env = env;
    real->plan = plan;
    real->run_dir = fx_arena_strdup(&real->arena, run_dir);
    real->ctx = fx_project_context(env->project, plan->context);
    real->predicted_ms = -1;
    real->leaks = -1;
    struct cdc_ref ref = {.project_path = env->project->path,
                          .state_dir = env->project->state_dir,
                          .context = plan->context,
                          .direction = FX_FORWARD};
    real->forward = real->reverse = ref;
    real->reverse.direction = FX_REVERSE;
    char host[64] = "?";
    (void)gethostname(host, sizeof host - 1);
    const char *user = getenv("USER");
    snprintf(real->operator_name, sizeof real->operator_name, "%s@%s run %s",
             user != NULL ? user : "ficus", host, plan->name);
    FX_ASSERT(real->ctx != NULL);
    if (!read_sections(real, err)) {
        pln_real_free(real);
        return false;
    }
    load_report(real);
    *ret = real;
    return true;
}

void pln_real_free(struct pln_real *real)
{
    if (real == NULL)
        return;
    fx_arena_done(&real->report_arena);
    fx_arena_done(&real->arena);
    free(real);
}

bool pln_real_facade_epoch(struct pln_real *real, int64_t *ret_epoch, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_status *status = NULL;
    if (!fcd_control_status(&real->facade, &arena, &status, err)) {
        if (err->code == FX_E_FACADE_CONNECT && err->hint[0] == '\0')
            fx_hint(err, "Start the facade: ficusd -f %s", real->env->project->path);
        return fx_ctx(err, "asking the facade at %s", real->facade.address);
    }
    *ret_epoch = status->controller_epoch;
    return true;
}

void pln_real_set_epoch(struct pln_real *real, int64_t epoch)
{
    real->epoch = epoch;
    real->has_claimed = false;
}

static bool claim(struct pln_real *real, struct fx_err *err)
{
    if (real->has_claimed)
        return true;
    if (!fcd_control_claim(&real->facade, real->epoch, err))
        return fx_ctx(err, "claiming control of the facade at %s", real->facade.address);
    real->has_claimed = true;
    return true;
}

/* --- streams ------------------------------------------------------------------------------------ */

/* A loud stop: the stream says what it will not carry. Its own code decides what the run does. */
static bool stream_stopped(const struct cdc_ref *ref, const struct cdc_status *status,
                           struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    enum fx_code code = FX_E_STREAM;
    FX_AUTO_FREE(fx_json_doc) struct fx_json_doc *doc = NULL;
    struct fx_err ignored = FX_ERR_INIT;
    const char *message = status->error;
    if (fx_json_parse(fx_str_from(status->error), &doc, &ignored)) {
        const struct fx_json *root = fx_json_root(doc);
        message = fx_json_get_str(root, "message", status->error);
        (void)fx_code_from_name(fx_json_get_str(root, "code", ""), &code);
    }
    fx_fail(err, code, "stream \"%s\" stopped: %s", name, message);
    return fx_hint(err, "Look at it: ficus cdc status");
}

static bool keep_alive(struct pln_real *real, struct pln_exec *ex, const struct cdc_ref *ref,
                       struct cdc_status *ret, struct fx_err *err)
{
    if (cdc_status(ref, ret, err)) {
        if (ret->phase == CDC_PHASE_STOPPED)
            return stream_stopped(ref, ret, err);
        return true;
    }
    if (err->code != FX_E_STREAM)
        return false;
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    struct fx_mono now = fx_mono_now();
    ret->lag_ms = -1;
    if (!fx_mono_reached(fx_mono_add_ms(real->restarted, RESTART_PAUSE_MS), now))
        return true;
    real->restarted = now;
    pln_exec_say(ex, NULL, "stream %s is not running: starting it", name);
    fx_err_clear(err);
    return cdc_start(ref, real->env->argv0, &real->cdc, err) && cdc_status(ref, ret, err);
}

static void sample(struct pln_real *real, int64_t forward_ms, int64_t reverse_ms)
{
    if (real->n_lag == LAG_SAMPLES) {
        size_t keep = LAG_SAMPLES / 2;
        memmove(real->lag_ms, real->lag_ms + keep, keep * sizeof *real->lag_ms);
        memmove(real->lag_at_ms, real->lag_at_ms + keep, keep * sizeof *real->lag_at_ms);
        real->n_lag = keep;
    }
    bool is_known = forward_ms >= 0 && reverse_ms >= 0;
    real->lag_ms[real->n_lag] = is_known ? FX_MAX(forward_ms, reverse_ms) : -1;
    real->lag_at_ms[real->n_lag++] = fx_mono_now().us / 1000;
}

static bool real_tick(void *arg, struct pln_exec *ex, struct fx_err *err)
{
    struct pln_real *real = arg;
    struct cdc_status forward = {0}, reverse = {0};
    if (!real->wants_streams)
        return true;
    if (!keep_alive(real, ex, &real->forward, &forward, err) ||
        !keep_alive(real, ex, &real->reverse, &reverse, err)) {
        sample(real, -1, -1);
        return false;
    }
    sample(real, forward.lag_ms, reverse.lag_ms);
    real->leaks = forward.leaks + reverse.leaks;
    return true;
}

static bool wait_live(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                      const struct cdc_ref *ref, struct fx_err *err)
{
    char name[128];
    cdc_stream_name(ref, name, sizeof name);
    struct fx_mono say = fx_mono_now();
    for (;;) {
        struct cdc_status status = {0};
        if (!keep_alive(real, ex, ref, &status, err))
            return false;
        if (status.phase == CDC_PHASE_STREAM) {
            if (ref->direction == FX_REVERSE)
                return true;
            char text[160];
            snprintf(text, sizeof text, "%lld rows copied", (long long)status.copied_rows);
            return pln_exec_effect(ex, step, -1, -1, text, err);
        }
        if (fx_mono_reached(say, fx_mono_now())) {
            pln_exec_say(ex, step, "stream %s: %s, %lld of about %lld rows", name,
                         cdc_phase_name(status.phase), (long long)status.copied_rows,
                         (long long)status.copy_total_rows);
            say = fx_mono_add_ms(fx_mono_now(), COPY_SAY_MS);
        }
        if (!pln_exec_pause(ex, 200, err))
            return false;
    }
}

static bool stream_start(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                         struct fx_err *err)
{
    if (!pln_own_install(real->ctx, err) || !cdc_install(real->ctx, err))
        return fx_ctx(err, "installing what the streams need");
    if (!cdc_start(&real->forward, real->env->argv0, &real->cdc, err) ||
        !cdc_start(&real->reverse, real->env->argv0, &real->cdc, err))
        return fx_ctx(err, "starting the streams");
    if (!wait_live(real, ex, step, &real->forward, err) ||
        !wait_live(real, ex, step, &real->reverse, err))
        return false;
    real->wants_streams = true;
    return true;
}

static bool stream_drop(struct pln_real *real, struct fx_err *err)
{
    real->wants_streams = false;
    return cdc_drop(real->ctx, &real->forward, err) && pln_own_drop(real->ctx, err);
}

/* --- comparison --------------------------------------------------------------------------------- */

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
    char text[256];
    snprintf(text, sizeof text, "%lld rows compared, %lld divergent, %.0f %% coverage (%s)",
             (long long)report->rows_compared, (long long)report->divergent,
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
static bool finish(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                   struct fx_err *err)
{
    struct pln_own old_side, new_side;
    if (!pln_own_read(real->ctx, &old_side, &new_side, err))
        return fx_ctx(err, "reading which side owns \"%s\"", real->plan->context);
    bool is_old = old_side.state == PLN_HERE && new_side.state == PLN_AWAY;
    bool is_new = old_side.state == PLN_AWAY && new_side.state == PLN_HERE;
    if (!is_old && !is_new) {
        fx_fail(err, FX_E_STUCK, "no side serves \"%s\": old is %s, new is %s", real->plan->context,
                pln_own_state_name(old_side.state), pln_own_state_name(new_side.state));
        return fx_hint(err, "Run: ficus run resume %s", real->plan->name);
    }
    return compare(real, ex, step, is_old ? FX_FORWARD : FX_REVERSE, err);
}

/* --- routes ------------------------------------------------------------------------------------- */

static bool set_weight(struct pln_real *real, const struct pln_step *step, double percent,
                       struct fx_err *err)
{
    if (!claim(real, err))
        return false;
    for (size_t i = 0; i < step->n_routes; i++) {
        if (!fcd_control_weight(&real->facade, real->epoch, step->routes[i], percent, err))
            return fx_ctx(err, "setting route \"%s\" to %.0f %%", step->routes[i], percent);
    }
    return true;
}

static bool set_shadow(struct pln_real *real, const struct pln_step *step, double percent,
                       struct fx_err *err)
{
    if (!claim(real, err))
        return false;
    for (size_t i = 0; i < step->n_routes; i++) {
        if (!fcd_control_shadow(&real->facade, real->epoch, step->routes[i], percent,
                                step->recheck_ms, err))
            return fx_ctx(err, "shadowing route \"%s\"", step->routes[i]);
    }
    return true;
}

static bool shadow(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                   struct fx_err *err)
{
    return set_shadow(real, step, step->percent, err) && pln_exec_watch(ex, step, 0, err);
}

static bool ramp(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                 struct fx_err *err)
{
    /* A resumed ramp takes up the stage that had begun: the customers on the new side stay there. */
    double reached = ex->state->steps[step->index].weight;
    for (size_t i = 0; i < step->n_through; i++) {
        double percent = step->through[i];
        if (percent < reached)
            continue;
        char text[64];
        snprintf(text, sizeof text, "%g %%", percent);
        if (!set_weight(real, step, percent, err) ||
            !pln_exec_effect(ex, step, percent, -1, text, err) ||
            !pln_exec_watch(ex, step, step->every_ms, err))
            return false;
    }
    return true;
}

/* --- cut-over ----------------------------------------------------------------------------------- */

static bool on_cut(void *arg, enum pln_cutover_step cut, enum pln_cutover_moment moment,
                   const char *group, const char *detail, struct fx_err *err)
{
    struct pln_real *real = arg;
    struct pln_record rec = pln_record(PLN_REC_CUT, real->step);
    rec.cut_step = (int)cut;
    rec.cut_moment = (int)moment;
    rec.group = group;
    rec.text = detail;
    if (!pln_journal_append(real->ex->journal, &rec, err))
        return false;
    /* The rounds of a rehearsal would be a page of lines; the journal has them all. */
    size_t len = strlen(group);
    bool is_canary = len > 7 && strcmp(group + len - 7, ".canary") == 0;
    if (moment == PLN_CUT_BEGIN || (is_canary && moment == PLN_CUT_DONE))
        return true;
    const char *words[] = {"begin", "done", "failed", "note"};
    pln_exec_say(real->ex, real->step, "%s %s %s%s%s", group, pln_cutover_step_name(cut),
                 words[moment], detail != NULL && detail[0] != '\0' ? ": " : "",
                 detail != NULL ? detail : "");
    return true;
}

static bool on_stop(void *arg)
{
    struct pln_real *real = arg;
    return real->env->should_stop != NULL && real->env->should_stop(real->env->arg);
}

static struct pln_cutover_env cut_env(struct pln_real *real)
{
    return (struct pln_cutover_env){
        .project = real->env->project,
        .context = real->ctx,
        .facades = &real->facade,
        .n_facades = 1,
        .operator_name = real->operator_name,
        .log = on_cut,
        .should_stop = on_stop,
        .arg = real,
    };
}

static struct pln_cutover_options cut_options(const struct pln_real *real)
{
    const struct pln_policy *p = &real->plan->policy;
    struct pln_cutover_options opt = pln_cutover_options_default();
    opt.fence_ttl_ms = p->fence_ttl_ms;
    opt.hold_ms = p->hold_ms;
    opt.drain_ms = p->drain_ms;
    opt.predicted_p99_ms = real->predicted_ms;
    return opt;
}

static bool cut_effect(struct pln_exec *ex, const struct pln_step *step,
                       const struct pln_cutover_result *r, struct fx_err *err)
{
    char text[160];
    const char *side = r->new_serves ? "new" : "old";
    if (r->fenced_ms > 0)
        snprintf(text, sizeof text, "writes paused %lld ms, fence %lld ms, epoch %lld, %s serves",
                 (long long)r->pause_ms, (long long)r->fenced_ms, (long long)r->epoch, side);
    else /* finished by another process than the one that began: nobody measured it whole */
        snprintf(text, sizeof text, "finished after an interruption, epoch %lld, %s serves",
                 (long long)r->epoch, side);
    return pln_exec_effect(ex, step, -1, -1, text, err);
}

static bool cut(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                enum fx_direction direction, struct fx_err *err)
{
    struct pln_cutover_env env = cut_env(real);
    struct pln_cutover_options opt = cut_options(real);
    struct pln_cutover_result result = {0};
    real->predicted_ms = ex->state->predicted_ms;
    opt.predicted_p99_ms = real->predicted_ms;
    if (!pln_cutover_run(&env, direction, &opt, &result, err))
        return false;
    return cut_effect(ex, step, &result, err);
}

static bool rehearse(struct pln_real *real, struct pln_exec *ex, const struct pln_step *step,
                     struct fx_err *err)
{
    struct pln_cutover_env env = cut_env(real);
    struct pln_cutover_options opt = cut_options(real);
    struct pln_rehearsal rehearsal = {0};
    opt.predicted_p99_ms = -1;
    if (!pln_cutover_rehearse(&env, &opt, (int)step->rounds, &rehearsal, err))
        return false;
    real->predicted_ms = rehearsal.predicted_p99_ms;
    char text[160];
    snprintf(text, sizeof text, "%d rounds, predicted write pause p50 %lld ms, p99 %lld ms",
             rehearsal.rounds, (long long)rehearsal.predicted_p50_ms,
             (long long)rehearsal.predicted_p99_ms);
    return pln_exec_effect(ex, step, -1, rehearsal.predicted_p99_ms, text, err);
}

/* --- the vtable --------------------------------------------------------------------------------- */

/* Both servers answer and the tables can be carried: found out before the first record is written. */
static bool real_check(void *arg, const struct pln_step *step, struct fx_err *err)
{
    struct pln_real *real = arg;
    if (step->kind != PLN_STREAM_START)
        return true;
    if (!cdc_preflight(real->ctx, &real->cdc, true, err))
        return fx_ctx(err, "before step \"%s\"", step->id);
    return true;
}

static bool real_act(void *arg, struct pln_exec *ex, const struct pln_step *step,
                     enum pln_kind kind, struct fx_err *err)
{
    struct pln_real *real = arg;
    real->ex = ex;
    real->step = step;
    switch (kind) {
    case PLN_STREAM_START: return stream_start(real, ex, step, err);
    case PLN_STREAM_DROP: return stream_drop(real, err);
    case PLN_RECONCILE:
        return compare(real, ex, step,
                       pln_undo_new_serves(real->plan, ex->state) ? FX_REVERSE : FX_FORWARD, err);
    case PLN_FINISH: return finish(real, ex, step, err);
    case PLN_ROUTE_SHADOW: return shadow(real, ex, step, err);
    case PLN_ROUTE_UNSHADOW: return set_shadow(real, step, 0, err);
    case PLN_ROUTE_RAMP: return ramp(real, ex, step, err);
    case PLN_ROUTE_RESET: return set_weight(real, step, 0, err);
    case PLN_CUTOVER_REHEARSE: return rehearse(real, ex, step, err);
    case PLN_CUTOVER: return cut(real, ex, step, FX_FORWARD, err);
    case PLN_CUTOVER_FALLBACK: return cut(real, ex, step, FX_REVERSE, err);
    case PLN_WAIT: {
        /* A resumed wait counts from its beginning; a clock set back cannot make it longer than it is. */
        int64_t gone_ms = (fx_wall_now().us - ex->state->steps[step->index].began.us) / 1000;
        int64_t left_ms = step->wait_ms - FX_MAX(gone_ms, (int64_t)0);
        return pln_exec_watch(ex, step, FX_MAX(left_ms, (int64_t)0), err);
    }
    case PLN_NONE: break;
    }
    FX_BUG("step kind %d", (int)kind);
}

static bool real_probe(void *arg, struct pln_exec *ex, const struct pln_step *step,
                       enum pln_kind kind, bool *ret_done, struct fx_err *err)
{
    struct pln_real *real = arg;
    real->ex = ex;
    real->step = step;
    *ret_done = false;
    if (kind != PLN_CUTOVER && kind != PLN_CUTOVER_FALLBACK && kind != PLN_CUTOVER_REHEARSE)
        return true;
    struct pln_cutover_env env = cut_env(real);
    struct pln_cutover_options opt = cut_options(real);
    struct pln_cutover_result result = {0};
    enum fx_direction direction = kind == PLN_CUTOVER_FALLBACK ? FX_REVERSE : FX_FORWARD;
    if (!pln_cutover_resume(&env, direction, &opt, &result, err))
        return fx_ctx(err, "finishing what the cut-over of \"%s\" had begun", real->plan->context);
    *ret_done = kind != PLN_CUTOVER_REHEARSE && result.outcome == PLN_CUT_COMMITTED;
    return !*ret_done || cut_effect(ex, step, &result, err);
}

static bool has_route(const struct pln_step *step, const struct fcd_route_status *route,
                      const char *context)
{
    if (step->n_routes == 0)
        return strcmp(route->group, context) == 0;
    for (size_t i = 0; i < step->n_routes; i++) {
        if (strcmp(step->routes[i], route->id) == 0)
            return true;
    }
    return false;
}

static void add_route(struct pln_facts *f, const struct fcd_route_status *r, bool is_first)
{
    if (is_first) {
        f->shadow_compared = f->shadow_mismatch = 0;
        f->requests_old = f->requests_new = f->errors_old = f->errors_new = 0;
    }
    f->shadow_compared += r->shadow_compared;
    f->shadow_mismatch += r->shadow_mismatch;
    f->requests_old += r->requests_old;
    f->requests_new += r->requests_new;
    f->errors_old += r->errors_old;
    f->errors_new += r->errors_new;
    f->p99_old_ms = FX_MAX(f->p99_old_ms, r->p99_old_ms);
    f->p99_new_ms = FX_MAX(f->p99_new_ms, r->p99_new_ms);
}

static bool asks_facade(const struct pln_step *step)
{
    for (size_t i = 0; i < step->n_gates; i++) {
        enum pln_gate_kind kind = step->gates[i].kind;
        if (kind == PLN_GATE_MISMATCH || kind == PLN_GATE_ERROR_RATE || kind == PLN_GATE_P99)
            return true;
    }
    return false;
}

static void real_facts(void *arg, const struct pln_step *step, struct pln_facts *facts)
{
    struct pln_real *real = arg;
    facts->report = real->report;
    facts->predicted_pause_ms = real->predicted_ms;
    facts->leaks = real->leaks;
    facts->lag_ms = real->lag_ms;
    facts->lag_at_ms = real->lag_at_ms;
    facts->n_lag = real->n_lag;
    if (!asks_facade(step))
        return;
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct fcd_status *status = NULL;
    struct fx_err ignored = FX_ERR_INIT; /* a facade that is away is a gate that is unknown */
    if (!fcd_control_status(&real->facade, &arena, &status, &ignored))
        return;
    bool is_first = true;
    for (size_t i = 0; i < status->n_routes; i++) {
        if (!has_route(step, &status->routes[i], real->plan->context))
            continue;
        add_route(facts, &status->routes[i], is_first);
        is_first = false;
    }
}

static bool streams_started(const struct pln_plan *plan, const struct pln_state *state)
{
    for (size_t i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].kind == PLN_STREAM_START && state->steps[i].state == PLN_STEP_DONE)
            return true;
    }
    return false;
}

/* Streams outlive a controller; the next one adopts them, or starts what died meanwhile. */
static bool real_tick_first(void *arg, struct pln_exec *ex, struct fx_err *err)
{
    struct pln_real *real = arg;
    if (!real->wants_streams && streams_started(real->plan, ex->state))
        real->wants_streams = true;
    if (real->predicted_ms < 0)
        real->predicted_ms = ex->state->predicted_ms;
    return real_tick(arg, ex, err);
}

struct pln_hands pln_real_hands(struct pln_real *real)
{
    return (struct pln_hands){
        .arg = real,
        .check = real_check,
        .act = real_act,
        .probe = real_probe,
        .facts = real_facts,
        .tick = real_tick_first,
    };
}
