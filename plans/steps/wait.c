/* SPDX-License-Identifier: Apache-2.0 */
/* wait: time passes while the gates are watched. */
#include "plans/plan/load.h"
#include "plans/steps/context.h"

struct options {
    int64_t wait_ms;
};

static void read_wait(struct pln_reader *rd, struct pln_step *step, const struct fx_node *node)
{
    struct options *opt = FX_ARENA_NEW(rd->arena, struct options);
    (void)fx_scalar_duration(node, &opt->wait_ms, rd->problems);
    step->options = opt;
}

static void show_wait(const struct pln_step *step, struct fx_buf *out)
{
    const struct options *opt = step->options;
    fx_buf_add_c(out, "       for ");
    pln_show_duration(out, opt->wait_ms);
    fx_buf_add_char(out, '\n');
}

/* A resumed wait counts from its first start; a clock that was set back cannot make it longer. */
static bool act_wait(struct pln_action_ctx *ac, struct pln_exec *ex, const struct pln_step *step,
                     struct fx_err *err)
{
    const struct options *opt = step->options;
    int64_t gone_ms = (fx_wall_now().us - ex->state->steps[step->index].began.us) / 1000;
    int64_t left_ms = opt->wait_ms - FX_MAX(gone_ms, (int64_t)0);
    (void)ac;
    return pln_exec_watch(ex, step, FX_MAX(left_ms, (int64_t)0), err);
}

static const char *note_wait(const struct pln_step *step, const struct pln_step_status *status,
                             struct fx_wall now, struct fx_arena *arena)
{
    const struct options *opt = step->options;
    int64_t left_s = opt->wait_ms / 1000 - (now.us - status->began.us) / 1000000;
    return left_s > 0 ? fx_arena_printf(arena, "%lld s left", (long long)left_s) : NULL;
}

const struct pln_action pln_action_wait = {
    .measures = PLN_MEASURES_STREAMS | PLN_MEASURES_TRAFFIC,
    .value = "a duration: {wait: 14d}",
    .read = read_wait,
    .show = show_wait,
    .act = act_wait,
    .note = note_wait,
};
