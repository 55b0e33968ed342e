/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of two lags, and what they say. A sample that cannot be taken counts as too late. */
#include "plans/cutover/drain.h"

#include <inttypes.h>

static const struct pln_drain_lag unknown = {
    .first_ms = -1, .last_ms = -1, .worst_ms = -1, .below_since_ms = -1};

void pln_drain_begin(struct pln_drain *drain, const struct pln_cutover *cut)
{
    *drain =
        (struct pln_drain){.began_ms = pln_cut_now_ms(cut), .towards = unknown, .back = unknown};
}

static void sample(struct pln_drain_lag *lag, const struct pln_cutover *cut, bool is_reverse)
{
    int64_t now_ms = pln_cut_now_ms(cut), lag_ms = -1;
    lag->why = FX_ERR_INIT;
    if (!cut->fx->lag(cut->en, is_reverse, &lag_ms, &lag->why))
        lag_ms = -1;
    lag->last_ms = lag_ms;
    if (lag->first_ms < 0)
        lag->first_ms = lag_ms;
    lag->worst_ms = FX_MAX(lag->worst_ms, lag_ms);
    if (lag_ms < 0 || lag_ms >= cut->opt->drain_before_ms)
        lag->below_since_ms = -1;
    else if (lag->below_since_ms < 0)
        lag->below_since_ms = now_ms;
}

static bool is_low(const struct pln_drain_lag *lag, const struct pln_cutover *cut)
{
    return lag->below_since_ms >= 0 &&
           pln_cut_now_ms(cut) - lag->below_since_ms >= cut->opt->drain_window_ms;
}

bool pln_drain_look(struct pln_drain *drain, const struct pln_cutover *cut)
{
    sample(&drain->towards, cut, false);
    sample(&drain->back, cut, true);
    return is_low(&drain->towards, cut) && is_low(&drain->back, cut);
}

bool pln_drain_is_over(const struct pln_drain *drain, const struct pln_cutover *cut)
{
    return pln_cut_now_ms(cut) - drain->began_ms >= cut->opt->drain_wait_ms;
}

static bool is_rising(const struct pln_drain_lag *lag)
{
    return lag->last_ms > lag->first_ms + lag->first_ms / 4;
}

static const char *trend(const struct pln_drain_lag *lag, int64_t limit_ms)
{
    if (lag->last_ms < limit_ms)
        return "now below the limit, but not for long enough";
    if (is_rising(lag))
        return "rising: the stream is slower than the writes";
    if (lag->last_ms < lag->first_ms - lag->first_ms / 4)
        return "falling: wait longer";
    return "not falling";
}

static void describe(const struct pln_drain_lag *lag, const char *stream, int64_t limit_ms,
                     struct fx_buf *out)
{
    fx_buf_printf(out, "The %s stream: ", stream);
    if (lag->last_ms >= 0)
        fx_buf_printf(
            out, "lag %" PRId64 " ms, %" PRId64 " ms at the start, at most %" PRId64 " ms; %s.",
            lag->last_ms, lag->first_ms, lag->worst_ms, trend(lag, limit_ms));
    else
        fx_buf_printf(out, "its lag is not known%s%s.", fx_err_is(&lag->why) ? ": " : "",
                      lag->why.message);
}

/* Waiting longer at this rate does not help. */
static bool is_too_late(const struct pln_drain_lag *lag, const struct pln_cutover_options *opt)
{
    return lag->last_ms >= opt->drain_before_ms && is_rising(lag);
}

bool pln_drain_fail(const struct pln_drain *drain, const struct pln_cutover *cut,
                    struct fx_err *err)
{
    const struct pln_cutover_options *opt = cut->opt;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(2048);
    describe(&drain->towards, cut->new_wins ? "forward" : "reverse", opt->drain_before_ms, &text);
    fx_buf_add_c(&text, "\n");
    describe(&drain->back, cut->new_wins ? "reverse" : "forward", opt->drain_before_ms, &text);
    fx_fail(err, FX_E_HELD,
            "the streams did not catch up within %" PRId64
            " ms (drain_wait): their lag has to stay "
            "below %" PRId64 " ms (drain_before) for %" PRId64 " ms; no write was held",
            opt->drain_wait_ms, opt->drain_before_ms, opt->drain_window_ms);
    fx_detail(err, "%s", fx_buf_cstr(&text));
    bool is_hopeless = is_too_late(&drain->towards, opt) || is_too_late(&drain->back, opt);
    return fx_hint(
        err,
        "Ownership did not change. %sWatch the lag: ficus cdc status --context NAME. When "
        "it has fallen, run " PLN_CUT_GO_ON ". To accept a longer pause, raise "
        "drain_before: --drain-before, or policy.drain_before of the plan " PLN_CUT_KEPT ".",
        is_hopeless ? "More writes come than the machine can carry over: wait for a time with "
                      "fewer of them, or give it more processor time. "
                    : "");
}
