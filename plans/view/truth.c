/* SPDX-License-Identifier: Apache-2.0 */
/* See truth.h. */
#include "plans/view/truth.h"

#include <inttypes.h>

#include "cdc/cdc.h"
#include "lib/fmt/text.h"
#include "lib/ownership/side.h"

enum { STATEMENT_MS = 10000 };

/* --- reading ---------------------------------------------------------------------------------- */

static bool read_stream(struct fx_db *db, const char *name, struct pln_truth_side *ret,
                        struct fx_err *err)
{
    FX_AUTO(fx_rows) struct fx_rows rows = {0};
    fx_cell stream = fx_str_from(name);
    if (!fx_db_query(db, "select ordinal, phase from ficus.progress where stream = ?", &stream, 1,
                     &rows, err)) {
        bool is_gone = fx_db_is_no_table(err);
        if (is_gone)
            fx_err_clear(err);
        return is_gone;
    }
    ret->is_streamed = rows.n_rows > 0;
    if (ret->is_streamed) {
        (void)!fx_parse_i64(fx_rows_at(&rows, 0, 0), 0, INT64_MAX, &ret->ordinal);
        snprintf(ret->phase, sizeof ret->phase, "%.*s", FX_STR_FMT(fx_rows_at(&rows, 0, 1)));
    }
    return true;
}

static void read_side(const struct fx_context *ctx, bool is_new, struct pln_truth_side *ret)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    struct fx_err err = FX_ERR_INIT;
    struct fx_side side = {.conf = is_new ? ctx->new_db : ctx->old_db, .group = ctx->name};
    fx_arena_init(&arena, 0);
    const char *in = fx_arena_printf(&arena, "%s-%s", ctx->name, is_new ? "forward" : "reverse");
    ret->is_read = fx_side_open(&side, STATEMENT_MS, &err) &&
                   fx_holder_read(side.db, ctx->name, &ret->holder, &err) &&
                   fx_own_look(side.db, ctx->name, &ret->own, &err) &&
                   read_stream(side.db, in, ret, &err);
    fx_side_close(&side);
    if (!ret->is_read)
        snprintf(ret->why, sizeof ret->why, "%s", err.message);
}

void pln_truth_read(const struct fx_project *project, const struct fx_context *ctx,
                    struct pln_truth *ret)
{
    struct fx_err ignored = FX_ERR_INIT; /* an identity that cannot be read is nobody's */
    struct cdc_ref ref = {
        .project_path = project->path, .state_dir = project->state_dir, .context = ctx->name};
    *ret = (struct pln_truth){.ctx = ctx, .is_maker = cdc_has_copied(&ref)};
    if (!fx_controller_id(project->state_dir, ret->id, &ignored))
        ret->id[0] = '\0';
    read_side(ctx, false, &ret->side[0]);
    read_side(ctx, true, &ret->side[1]);
}

/* --- judging ---------------------------------------------------------------------------------- */

bool pln_truth_is_any(const struct pln_truth *truth)
{
    for (int i = 0; i < 2; i++) {
        const struct pln_truth_side *side = &truth->side[i];
        if (side->is_streamed || side->holder.is_known || side->own.presence == FX_OWN_PRESENT)
            return true;
    }
    return false;
}

const struct fx_holder *pln_truth_stranger(const struct pln_truth *truth)
{
    for (int i = 0; i < 2; i++) {
        const struct fx_holder *holder = &truth->side[i].holder;
        if (holder->is_known && strcmp(holder->id, truth->id) != 0)
            return holder;
    }
    return NULL;
}

bool pln_truth_is_unsaid(const struct pln_truth *truth)
{
    bool is_streamed = false, is_known = false;
    for (int i = 0; i < 2; i++) {
        is_streamed = is_streamed || truth->side[i].is_streamed;
        is_known = is_known || truth->side[i].holder.is_known;
    }
    return is_streamed && !is_known && !truth->is_maker;
}

static enum fx_own_state state_of(const struct pln_truth *truth, int i)
{
    const struct fx_own_look *look = &truth->side[i].own;
    return look->presence == FX_OWN_PRESENT ? look->own.state : FX_OWN_UNKNOWN;
}

/* --- showing ---------------------------------------------------------------------------------- */

static void show_side(const struct pln_truth *truth, int i, struct fx_buf *out)
{
    FX_AUTO(fx_arena) struct fx_arena arena;
    const struct pln_truth_side *side = &truth->side[i];
    const struct fx_db_conf *conf = i == 1 ? truth->ctx->new_db : truth->ctx->old_db;
    fx_arena_init(&arena, 0);
    fx_buf_printf(out, "  %s  database \"%s\"", i == 1 ? "new" : "old", conf->name);
    if (!side->is_read) {
        fx_buf_printf(out, ": could not be asked: %s\n", side->why);
        return;
    }
    const struct fx_own *own = &side->own.own;
    if (side->own.presence == FX_OWN_PRESENT)
        fx_buf_printf(out, ": %s at epoch %" PRId64, fx_own_state_name(own->state), own->epoch);
    else
        fx_buf_add_c(out, ": no ownership is installed");
    if (own->state == FX_OWN_FENCED && !own->is_expired)
        fx_buf_printf(out, " for another %" PRId64 " ms", own->left_ms);
    if (own->operator_name[0] != '\0')
        fx_buf_printf(out, " (last moved by %s)", own->operator_name);
    fx_buf_printf(out, "\n       held by %s%s\n", fx_holder_text(&side->holder, &arena),
                  side->holder.is_known && strcmp(side->holder.id, truth->id) == 0
                      ? ", this state directory"
                      : "");
    if (side->is_streamed)
        fx_buf_printf(out, "       stream %s-%s: phase %s, %" PRId64 " transactions applied\n",
                      truth->ctx->name, i == 1 ? "forward" : "reverse", side->phase, side->ordinal);
}

static void next_unfinished(const struct pln_truth *truth, struct fx_buf *out)
{
    const char *context = truth->ctx->name;
    fx_buf_printf(out,
                  "  A cut-over is not finished. To finish it: ficus run resume   or, without its "
                  "run: ficus cutover %s --context %s --execute --confirm=%s\n",
                  fx_own_finisher(&truth->side[0].own.own, &truth->side[1].own.own), context,
                  context);
}

static void next_serving(const struct pln_truth *truth, bool new_serves, struct fx_buf *out)
{
    const char *context = truth->ctx->name;
    fx_buf_printf(out, "  The %s side owns the tables.\n", new_serves ? "new" : "old");
    if (truth->side[0].is_streamed || truth->side[1].is_streamed)
        fx_buf_printf(out,
                      "  Streams that do not run are started with: ficus cdc start --context %s "
                      "--execute\n",
                      context);
    if (new_serves)
        fx_buf_printf(out,
                      "  To go back, while both streams run: ficus cutover fallback --context %s "
                      "--execute --confirm=%s\n"
                      "  A facade that does not know it: ficus route sync %s --execute\n",
                      context, context, context);
}

void pln_truth_next(const struct pln_truth *truth, struct fx_buf *out)
{
    const struct fx_holder *stranger = pln_truth_stranger(truth);
    const char *context = truth->ctx->name;
    enum fx_own_state old_state = state_of(truth, 0), new_state = state_of(truth, 1);
    if (stranger != NULL || pln_truth_is_unsaid(truth)) {
        fx_buf_printf(out,
                      "  Changes are made where the holder's state directory is. If that is lost, "
                      "take over: ficus run adopt %s --confirm=%.8s --execute\n",
                      context, stranger != NULL ? stranger->id : "nobody");
        return;
    }
    if (old_state == FX_OWN_FENCED || new_state == FX_OWN_FENCED ||
        (old_state == FX_OWN_AWAY && new_state == FX_OWN_AWAY))
        next_unfinished(truth, out);
    else if (old_state == FX_OWN_HERE || new_state == FX_OWN_HERE)
        next_serving(truth, new_state == FX_OWN_HERE, out);
    else if (pln_truth_is_any(truth))
        fx_buf_printf(out,
                      "  Streams that do not run are started with: ficus cdc start --context %s "
                      "--execute\n",
                      context);
}

void pln_truth_show(const struct pln_truth *truth, struct fx_buf *out)
{
    fx_buf_printf(out, "context %s, as its databases have it\n", truth->ctx->name);
    show_side(truth, 0, out);
    show_side(truth, 1, out);
    pln_truth_next(truth, out);
}
