/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HELP and TYPE once a metric, then its series; label values escaped as the format demands (\\, \",
 * \n).
 */
#include "lib/obs/prom_text.h"

#include <inttypes.h>

#include "lib/base/visible.h"
#include "lib/fmt/text.h"

struct writer {
    struct fx_buf *out;
    const struct fx_metric_def *last;
};

static const char *kind_name(enum fx_metric_kind kind)
{
    switch (kind) {
    case FX_COUNTER: return "counter";
    case FX_GAUGE: return "gauge";
    case FX_HISTOGRAM: return "histogram";
    }
    return "untyped";
}

static void add_label(struct fx_buf *out, const char *name, const char *value, bool *has_labels)
{
    fx_buf_printf(out, "%s%s=\"", *has_labels ? "," : "{", name);
    FX_AUTO(fx_buf) struct fx_buf shown = FX_BUF(64 << 10);
    fx_visible_add(&shown, fx_str_from(value), FX_VISIBLE_LINES);
    for (const char *c = fx_buf_cstr(&shown); *c != '\0'; c++) {
        if (*c == '\n')
            fx_buf_add(out, FX_STR("\\n"));
        else if (*c == '"' || *c == '\\')
            fx_buf_printf(out, "\\%c", *c);
        else
            fx_buf_add_char(out, *c);
    }
    fx_buf_add_char(out, '"');
    *has_labels = true;
}

/* name_suffix{labels,le="bound"} — the value is added by the caller. */
static void add_name(struct fx_buf *out, const struct fx_series_view *view, const char *suffix,
                     const char *bound)
{
    bool has_labels = false;
    fx_buf_printf(out, "%s%s", view->def->name, suffix);
    for (size_t k = 0; k < FX_METRIC_LABELS_MAX && view->def->labels[k] != NULL; k++)
        add_label(out, view->def->labels[k], view->label_values[k], &has_labels);
    if (bound != NULL)
        add_label(out, "le", bound, &has_labels);
    fx_buf_add_c(out, has_labels ? "} " : " ");
}

static void add_histogram(struct fx_buf *out, const struct fx_series_view *view)
{
    uint64_t below = 0;
    for (size_t k = 0; k < view->n_buckets; k++) {
        FX_AUTO(fx_buf) struct fx_buf bound = FX_BUF(64);
        below += view->buckets[k];
        fx_text_double(view->bounds[k], &bound);
        add_name(out, view, "_bucket", fx_buf_cstr(&bound));
        fx_buf_printf(out, "%" PRIu64 "\n", below);
    }
    add_name(out, view, "_bucket", "+Inf");
    fx_buf_printf(out, "%" PRIu64 "\n", view->count);
    add_name(out, view, "_sum", NULL);
    fx_text_double(view->value, out);
    fx_buf_add_char(out, '\n');
    add_name(out, view, "_count", NULL);
    fx_buf_printf(out, "%" PRIu64 "\n", view->count);
}

static void add_series(void *arg, const struct fx_series_view *view)
{
    struct writer *writer = arg;
    if (view->def != writer->last)
        fx_buf_printf(writer->out, "# HELP %s %s\n# TYPE %s %s\n", view->def->name, view->def->help,
                      view->def->name, kind_name(view->def->kind));
    writer->last = view->def;
    if (view->def->kind == FX_HISTOGRAM) {
        add_histogram(writer->out, view);
        return;
    }
    add_name(writer->out, view, "", NULL);
    fx_text_double(view->value, writer->out);
    fx_buf_add_char(writer->out, '\n');
}

void fx_prom_text(struct fx_metrics *metrics, struct fx_buf *out)
{
    struct writer writer = {.out = out};
    fx_metrics_each(metrics, add_series, &writer);
}
