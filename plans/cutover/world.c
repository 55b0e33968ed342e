/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The effects of the protocol on real servers: databases through the fences, streams through their status, facades
 * through the admin API, the comparison through reconcile. One function an effect; no order and no
 * retries here, except that a session that broke is opened again where asking again is safe.
 */
#include "plans/cutover/world.h"

#include <inttypes.h>

#include "lib/base/alloc.h"
#include "lib/base/clock.h"
#include "plans/cutover/stream_stop.h"
#include "reconcile/reconcile.h"

/* Arming and disarming: lock time-outs bound each lock, this bounds a statement that takes many, and a server that hangs. */
enum { DDL_MS = 10000 };
enum { KEYS_MAX = 256, FINDINGS_MAX = 64 * 1024, POLL_MS = 10, STREAM_ASK_MS = 500 };

struct pln_world {
    const struct pln_cutover_env *env;
    const struct pln_cutover_options *opt;
    struct fx_arena arena;
    struct fx_sides sides;
    struct fx_side *a, *b; /* into sides */
    bool b_is_new;
    bool *routed;         /* one a facade: acknowledged step 11 */
    int64_t leaks_before; /* A's leaks when the fence was asked for; -1: not yet */
    struct pln_cutover_result *result;
};

static const struct fx_fence_ops *ops_of(const struct fx_side *side)
{
    return fx_fence_of(side->conf->engine);
}

static struct fx_side *side_at(struct pln_world *real, enum pln_place place)
{
    return place == PLN_A ? real->a : real->b;
}

/* --- databases --------------------------------------------------------------------------------- */

static bool fx_own(void *world, enum pln_place place, bool is_locked, struct fx_own *ret,
                   struct fx_err *err)
{
    struct pln_world *real = world;
    struct fx_side *side = side_at(real, place);
    return fx_side_open(side, real->opt->statement_ms, err) &&
           fx_own_row(side, is_locked, ret, err);
}

static bool fx_arm(void *world, int64_t epoch, struct fx_err *err)
{
    struct pln_world *real = world;
    return fx_side_open(real->a, DDL_MS, err) &&
           ops_of(real->a)->arm(real->a, epoch, real->opt->lock_wait_ms, err);
}

static bool stream_status(struct pln_world *real, bool is_reverse, struct cdc_status *ret,
                          struct fx_err *err)
{
    struct cdc_ref ref = pln_world_stream(real, is_reverse);
    return cdc_status(&ref, ret, err);
}

static bool fx_fence(void *world, int64_t e, bool *ret_taken, struct fx_err *err)
{
    struct pln_world *real = world;
    struct cdc_status status = {0};
    struct fx_fence_request request = {.e = e,
                                       .ttl_ms = real->opt->fence_ttl_ms,
                                       .lock_ms = real->opt->lock_wait_ms,
                                       .operator_name = real->env->operator_name};
    if (!stream_status(real, false, &status, err))
        return false;
    real->leaks_before = status.leaks;
    return fx_side_open(real->a, real->opt->lock_wait_ms, err) &&
           ops_of(real->a)->fence(real->a, &request, ret_taken, err);
}

static bool fx_armed(void *world, int64_t epoch, struct fx_err *err)
{
    struct pln_world *real = world;
    struct fx_fence_findings findings = {.text = FX_BUF(FINDINGS_MAX)};
    bool ok = fx_side_open(real->a, real->opt->statement_ms, err) &&
              ops_of(real->a)->armed(real->a, epoch, &findings, err);
    if (ok && findings.n > 0) {
        ok = fx_fail(err, FX_E_DRIFT, "%zu relation(s) do not carry this fence", findings.n);
        fx_detail(err, "%s", fx_buf_cstr(&findings.text));
    }
    fx_buf_done(&findings.text);
    return ok;
}

static bool fx_raise_ids(void *world, int64_t epoch, struct fx_err *err)
{
    struct pln_world *real = world;
    size_t n = real->a->n_tables;
    int64_t *a = fx_arena_array(&real->arena, n, sizeof *a);
    int64_t *b = fx_arena_array(&real->arena, n, sizeof *b);
    bool is_guarded = false;
    if (!fx_side_open(real->a, real->opt->statement_ms, err) ||
        !fx_side_open(real->b, real->opt->statement_ms, err) ||
        !ops_of(real->a)->ids_read(real->a, a, err) || !ops_of(real->b)->ids_read(real->b, b, err))
        return false;
    for (size_t t = 0; t < n; t++)
        a[t] = a[t] < 0 && b[t] < 0 ? -1 : FX_MAX(a[t], b[t]) + real->opt->identity_gap;
    if (!ops_of(real->b)->ids_raise(real->b, a, epoch, &is_guarded, err))
        return false;
    return is_guarded ||
           fx_fail(err, FX_E_STALE_EPOCH,
                   "the winning side of group \"%s\" is not AWAY below epoch %" PRId64,
                   real->sides.group, epoch);
}

static bool fx_barrier_applied(void *world, int64_t epoch, bool *ret, struct fx_err *err)
{
    struct pln_world *real = world;
    return fx_side_open(real->b, real->opt->statement_ms, err) &&
           pln_world_barrier_at(real, real->b, epoch, ret, err);
}

static bool fx_commit(void *world, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct pln_world *real = world;
    return fx_side_open(real->a, real->opt->statement_ms, err) &&
           fx_own_commit(real->a, e, ret_won, err);
}

/* A session of its own: the one that fenced may be the one that hangs. */
static bool fx_abort(void *world, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct pln_world *real = world;
    struct fx_side fresh = *real->a;
    fresh.db = NULL;
    bool ok =
        fx_side_open(&fresh, real->opt->statement_ms, err) && fx_own_abort(&fresh, e, ret_won, err);
    fx_side_close(&fresh);
    return ok;
}

static bool fx_burn(void *world, int64_t e, bool *ret_won, struct fx_err *err)
{
    struct pln_world *real = world;
    return fx_side_open(real->a, real->opt->statement_ms, err) &&
           fx_own_invalidate(real->a, e, ret_won, err);
}

static bool fx_open(void *world, int64_t epoch, bool *ret_won, struct fx_err *err)
{
    struct pln_world *real = world;
    return fx_side_open(real->b, real->opt->statement_ms, err) &&
           fx_own_open(real->b, epoch, ret_won, err);
}

static bool fx_disarm(void *world, enum pln_place place, struct fx_err *err)
{
    struct pln_world *real = world;
    struct fx_side *side = side_at(real, place);
    bool is_done = false;
    return fx_side_open(side, DDL_MS, err) &&
           ops_of(side)->disarm(side, real->opt->lock_wait_ms, &is_done, err);
}

/* --- streams ----------------------------------------------------------------------------------- */

static bool fx_barrier_read(void *world, bool is_reverse, int64_t epoch, bool *ret,
                            struct fx_err *err)
{
    struct pln_world *real = world;
    struct cdc_status status = {0};
    struct cdc_ref ref = pln_world_stream(real, is_reverse);
    if (!cdc_status(&ref, &status, err))
        return false;
    if (status.phase == CDC_PHASE_STOPPED)
        return pln_stream_stop_fail(&ref, &status, err);
    if (status.phase == CDC_PHASE_COPY) {
        char name[128];
        cdc_stream_name(&ref, name, sizeof name);
        return fx_fail(err, FX_E_STREAM, "stream %s is copying", name);
    }
    *ret = strcmp(status.barrier_group, real->sides.group) == 0 && status.barrier_epoch >= epoch;
    return true;
}

static bool no_leaks(struct pln_world *real, struct fx_err *err)
{
    struct cdc_status status = {0};
    if (!stream_status(real, false, &status, err))
        return false;
    if (real->leaks_before < 0) /* a resume: what was before is somebody else's finding */
        real->leaks_before = status.leaks;
    real->result->leaks = status.leaks - real->leaks_before;
    if (real->result->leaks == 0)
        return true;
    fx_fail(err, FX_E_DIVERGED,
            "%" PRId64 " write(s) were accepted on the losing side behind the fence",
            real->result->leaks);
    return fx_detail(err, "newest: %s", status.leak_last);
}

/* --- step 6 ------------------------------------------------------------------------------------ */

static bool canary_rows(struct pln_world *real, struct fx_side *side, struct fx_rows *ret,
                        struct fx_err *err)
{
    fx_cell grp = fx_str_from(real->sides.group);
    return fx_db_query(side->db, "select id, note from ficus.canary where grp = ? order by id",
                       &grp, 1, ret, err);
}

static bool canary_equal(struct pln_world *real, struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows a = {0};
    FX_AUTO(fx_rows) struct fx_rows b = {0};
    if (!canary_rows(real, real->a, &a, err) || !canary_rows(real, real->b, &b, err))
        return false;
    bool is_equal = a.n_rows == b.n_rows;
    for (size_t i = 0; is_equal && i < a.n_rows * 2; i++)
        is_equal = fx_str_eq(a.cells[i], b.cells[i]);
    real->result->keys_compared = (int64_t)a.n_rows;
    return is_equal || fx_fail(err, FX_E_DIVERGED,
                               "the canary's rows differ: %zu on one side, %zu on the other",
                               a.n_rows, b.n_rows);
}

static bool tail_equal(struct pln_world *real, struct fx_err *err)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    fx_arena_init(&arena, 0);
    struct cdc_ref ref = pln_world_stream(real, false);
    struct cdc_key *keys = NULL;
    size_t n = 0;
    struct rec_report *report = NULL;
    if (!cdc_tail(&ref, &real->sides.ctx, &arena, &keys, &n, err))
        return false;
    n = FX_MIN(n, (size_t)KEYS_MAX);
    enum fx_direction direction = real->b_is_new ? FX_FORWARD : FX_REVERSE;
    if (!rec_check_keys(&real->sides.ctx, direction, keys, n, &arena, &report, err))
        return false;
    real->result->keys_compared = (int64_t)n;
    if (report->verdict == REC_EQUAL || n == 0)
        return true;
    fx_fail(err, report->verdict == REC_DIVERGENT ? FX_E_DIVERGED : FX_E_INCONCLUSIVE,
            "%" PRId64 " of the %zu newest changed keys differ", report->divergent, n);
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(FINDINGS_MAX);
    rec_report_text(report, &text);
    return fx_detail(err, "%s", fx_buf_cstr(&text));
}

static bool fx_verify(void *world, struct fx_err *err)
{
    struct pln_world *real = world;
    return fx_side_open(real->a, real->opt->verify_ms, err) &&
           fx_side_open(real->b, real->opt->verify_ms, err) &&
           (real->sides.is_canary ? canary_equal(real, err) : tail_equal(real, err)) &&
           no_leaks(real, err);
}

/* --- step 12 ----------------------------------------------------------------------------------- */

typedef bool (*arrival_fn)(struct pln_world *real, int64_t number, bool *ret, struct fx_err *err);

/* A stream that has died meanwhile is the caller's to start again; waiting for it here would only be longer. */
static bool reverse_lives(struct pln_world *real, struct fx_err *err)
{
    struct cdc_status status = {0};
    struct cdc_ref ref = pln_world_stream(real, true);
    if (!cdc_status(&ref, &status, err))
        return false;
    if (status.phase != CDC_PHASE_STOPPED)
        return true;
    (void)!pln_stream_stop_fail(&ref, &status, err);
    fx_err_recode(err, FX_E_STREAM); /* the group has moved: no finding about the step any more */
    return false;
}

static bool wait_arrival(struct pln_world *real, arrival_fn probe, int64_t number,
                         struct fx_err *err)
{
    struct fx_mono began = fx_mono_now(), asked = began;
    struct fx_mono limit = fx_mono_add_ms(began, real->opt->confirm_ms);
    for (;;) {
        bool is_there = false;
        struct fx_mono now = fx_mono_now();
        if (!fx_side_open(real->a, real->opt->statement_ms, err) ||
            !probe(real, number, &is_there, err))
            return false;
        if (is_there)
            return true;
        if (fx_mono_reached(limit, now))
            return fx_fail(err, FX_E_TIMEOUT,
                           "a write on the winning side did not come back within %" PRId64 " ms",
                           real->opt->confirm_ms);
        if (fx_mono_reached(fx_mono_add_ms(asked, STREAM_ASK_MS), now)) {
            asked = now;
            if (!reverse_lives(real, err))
                return false;
        }
        fx_sleep_ms(POLL_MS);
    }
}

static bool probe_mark(struct pln_world *real, int64_t epoch, bool *ret, struct fx_err *err)
{
    return pln_world_barrier_at(real, real->a, epoch, ret, err);
}

static bool probe_canary(struct pln_world *real, int64_t id, bool *ret, struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_own_int(id, number), fx_str_from(real->sides.group)};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(real->a->db, "select note from ficus.canary where id = ? and grp = ?", params,
                     2, &rows, err))
        return false;
    *ret = rows.n_rows == 1;
    return true;
}

/* An explicit id, from the clock: both sides write here in turn, and their counters are not what is tested. */
static bool canary_travels(struct pln_world *real, int64_t epoch, struct fx_err *err)
{
    int64_t id = fx_wall_now().us;
    char number[FX_OWN_INT_TEXT], note[64];
    (void)snprintf(note, sizeof note, "epoch %" PRId64, epoch);
    fx_cell params[] = {fx_own_int(id, number), fx_str_from(real->sides.group), fx_str_from(note)};
    return fx_db_exec(real->b->db, "insert into ficus.canary (id, grp, note) values (?, ?, ?)",
                      params, 3, NULL, err) &&
           wait_arrival(real, probe_canary, id, err);
}

static void read_held_max(struct pln_world *real)
{
    for (size_t i = 0; i < real->env->n_facades; i++) {
        struct fx_err ignored = FX_ERR_INIT;
        struct fcd_group_status group;
        bool is_known = false;
        if (pln_world_facade_group(real, i, &group, &is_known, &ignored) && is_known)
            real->result->held_max_ms = FX_MAX(real->result->held_max_ms, group.held_max_ms);
    }
}

/*
 * A mark travels for every group. A row travels for the canary group only: ficus.canary belongs to that group, and
 * a row in it while *it* is AWAY would rightly be reported as a leak.
 */
static bool fx_confirm(void *world, int64_t epoch, struct fx_err *err)
{
    struct pln_world *real = world;
    read_held_max(real);
    if (!fx_side_open(real->b, real->opt->statement_ms, err) ||
        !ops_of(real->b)->mark(real->b, epoch, err) || !wait_arrival(real, probe_mark, epoch, err))
        return fx_ctx(err, "sending a mark back from the winning side");
    if (real->sides.is_canary && !canary_travels(real, epoch, err))
        return fx_ctx(err, "sending a canary row back from the winning side");
    return no_leaks(real, err);
}

/* --- helpers shared with the preflight --------------------------------------------------------- */

struct cdc_ref pln_world_stream(const struct pln_world *real, bool is_reverse)
{
    bool is_forward = real->b_is_new != is_reverse;
    return (struct cdc_ref){.project_path = real->env->project->path,
                            .state_dir = real->env->project->state_dir,
                            .context = real->env->context->name,
                            .direction = is_forward ? FX_FORWARD : FX_REVERSE};
}

bool pln_world_barrier_at(struct pln_world *real, struct fx_side *side, int64_t epoch, bool *ret,
                          struct fx_err *err)
{
    char number[FX_OWN_INT_TEXT];
    fx_cell params[] = {fx_str_from(real->sides.group), fx_own_int(epoch, number)};
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    if (!fx_db_query(side->db, "select 1 from ficus.barrier where grp = ? and epoch = ?", params, 2,
                     &rows, err))
        return false;
    *ret = rows.n_rows > 0;
    return true;
}

const struct pln_cutover_env *pln_world_env(const struct pln_world *real)
{
    return real->env;
}
const struct pln_cutover_options *pln_world_options(const struct pln_world *real)
{
    return real->opt;
}
struct fx_side *pln_world_side(struct pln_world *real, enum pln_place place)
{
    return side_at(real, place);
}
const struct fx_sides *pln_world_sides(const struct pln_world *real)
{
    return &real->sides;
}
struct fx_sides *pln_world_sides_rw(struct pln_world *real)
{
    return &real->sides;
}
bool pln_world_b_is_new(const struct pln_world *real)
{
    return real->b_is_new;
}
bool *pln_world_routed(struct pln_world *real)
{
    return real->routed;
}

/* --- life -------------------------------------------------------------------------------------- */

static int64_t fx_now_ms(void *world)
{
    (void)world;
    return fx_mono_now().us / 1000;
}

static void fx_pause_ms(void *world, int64_t ms)
{
    (void)world;
    fx_sleep_ms(ms);
}

static const struct pln_effects real_effects = {
    .preflight = pln_world_preflight,
    .own = fx_own,
    .arm = fx_arm,
    .prepare = pln_world_prepare,
    .hold = pln_world_hold,
    .drained = pln_world_drained,
    .release = pln_world_release,
    .fence = fx_fence,
    .barrier_read = fx_barrier_read,
    .barrier_applied = fx_barrier_applied,
    .verify = fx_verify,
    .raise_ids = fx_raise_ids,
    .armed = fx_armed,
    .commit = fx_commit,
    .abort = fx_abort,
    .burn = fx_burn,
    .open = fx_open,
    .route = pln_world_route,
    .disarm = fx_disarm,
    .confirm = fx_confirm,
    .now_ms = fx_now_ms,
    .sleep_ms = fx_pause_ms,
};

bool pln_world_open(const struct pln_cutover_env *env, bool is_canary,
                    const struct pln_cutover_options *opt, struct pln_world **ret,
                    struct fx_err *err)
{
    struct pln_world *real = FX_NEW(struct pln_world);
    real->env = env;
    real->opt = opt;
    fx_arena_init(&real->arena, 0);
    real->routed = fx_arena_array(&real->arena, env->n_facades + 1, sizeof *real->routed);
    if (!fx_sides_open(env->context, is_canary, opt->statement_ms, &real->arena, &real->sides,
                       err)) {
        fx_arena_done(&real->arena);
        free(real);
        return false;
    }
    *ret = real;
    return true;
}

void pln_world_close(struct pln_world *real)
{
    if (real == NULL)
        return;
    fx_sides_done(&real->sides);
    fx_arena_done(&real->arena);
    free(real);
}

struct pln_cutover pln_world_cutover(struct pln_world *real, enum fx_direction direction,
                                     struct pln_cutover_result *result)
{
    real->b_is_new = direction == FX_FORWARD;
    real->a = real->b_is_new ? &real->sides.old_side : &real->sides.new_side;
    real->b = real->b_is_new ? &real->sides.new_side : &real->sides.old_side;
    real->result = result;
    real->leaks_before = -1;
    for (size_t i = 0; i < real->env->n_facades; i++)
        real->routed[i] = false;
    return (struct pln_cutover){.fx = &real_effects,
                                .world = real,
                                .group = real->sides.group,
                                .b_is_new = real->b_is_new,
                                .opt = real->opt,
                                .log = real->env->log,
                                .should_stop = real->env->should_stop,
                                .arg = real->env->arg,
                                .result = result};
}
