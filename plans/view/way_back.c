/* SPDX-License-Identifier: Apache-2.0 */
#include "plans/view/way_back.h"

#include "lib/fmt/text.h"
#include "lib/fmt/units.h"
#include "plans/cutover/stream_stop.h"

static void set(struct pln_way_back *ret, enum pln_way way, struct fx_buf *text)
{
    struct fx_str fit = fx_utf8_clip(fx_buf_str(text), sizeof ret->text - 1);
    ret->way = way;
    (void)snprintf(ret->text, sizeof ret->text, "%.*s", FX_STR_FMT(fit));
}

/* What an accepted write on the wrong side means for whoever goes back. */
static void add_loss(const struct pln_live *live, struct fx_buf *out)
{
    int64_t leaks = live->forward.leaks + live->reverse.leaks;
    if (leaks == 0)
        fx_buf_add_c(out, ", no acknowledged write is lost");
    else
        fx_buf_printf(out,
                      ", but %lld unfenced writes may have met newer ones: look at table "
                      "ficus.leak first",
                      (long long)leaks);
}

/* The new side owns the tables: everything depends on the reverse stream. */
static enum pln_way from_new(const struct pln_live *live, int64_t fence_ttl_ms, struct fx_buf *out)
{
    const struct cdc_status *reverse = &live->reverse;
    char why[256];
    if (live->reverse_error != NULL) {
        fx_buf_printf(out,
                      "not possible now: the reverse stream does not run, so writes since then are "
                      "not on \"%s\": %s",
                      live->old_name, live->reverse_error);
        return PLN_WAY_BLOCKED;
    }
    if (reverse->phase == CDC_PHASE_STOPPED) {
        (void)pln_stream_stop_read(reverse, why, sizeof why);
        fx_buf_printf(out,
                      "not possible now: the reverse stream stopped, so writes since then are not "
                      "on \"%s\": %s",
                      live->old_name, why);
        return PLN_WAY_BLOCKED;
    }
    if (reverse->lag_ms > fence_ttl_ms) {
        fx_buf_add_c(out, "not yet possible: the reverse stream is ");
        fx_units_span(reverse->lag_ms, out);
        fx_buf_add_c(out, " behind, and a fence lasts ");
        fx_units_span(fence_ttl_ms, out);
        return PLN_WAY_BEHIND;
    }
    fx_buf_add_c(out, "possible now, one fence");
    if (reverse->lag_ms >= 0) {
        fx_buf_add_c(out, ", reverse stream lag ");
        fx_units_span(reverse->lag_ms, out);
    }
    add_loss(live, out);
    return PLN_WAY_FENCE;
}

void pln_way_back(const struct pln_live *live, int64_t fence_ttl_ms, struct pln_way_back *ret)
{
    FX_AUTO(fx_buf) struct fx_buf out = FX_BUF(4096);
    enum pln_way way = PLN_WAY_MOVING;
    if (live->own_error != NULL) {
        fx_buf_printf(&out, "unknown: %s", live->own_error);
        way = PLN_WAY_UNKNOWN;
    } else if (live->own_old.state == FX_OWN_HERE) {
        fx_buf_add_c(&out, "possible now, no fence needed");
        add_loss(live, &out);
        way = PLN_WAY_OPEN;
    } else if (live->own_new.state == FX_OWN_HERE) {
        way = from_new(live, fence_ttl_ms, &out);
    } else if (live->own_old.state == FX_OWN_AWAY && live->own_new.state == FX_OWN_AWAY) {
        fx_buf_add_c(&out, "a cut-over is unfinished: neither side accepts writes");
    } else {
        fx_buf_add_c(&out, "a cut-over is in progress");
    }
    set(ret, way, &out);
}
