/* SPDX-License-Identifier: Apache-2.0 */
/* Reading, judging and showing gates: one row a kind in each of the three switches. */
#include "plans/gate/gates.h"

#include "lib/base/panic.h"
#include "lib/fmt/units.h"
#include "plans/plan.h"

const struct pln_facts pln_facts_none = {
    .shadow_compared = -1,
    .shadow_mismatch = -1,
    .requests_old = -1,
    .requests_new = -1,
    .errors_old = -1,
    .errors_new = -1,
    .p99_old_ms = -1,
    .p99_new_ms = -1,
    .predicted_pause_ms = -1,
    .leaks = -1,
};

static const char *const gate_names[] = {
    "divergent",           "coverage", "max_age", "mismatch",    "error_rate", "p99",
    "predicted_pause_p99", "equal",    "lag_p99", "write_leaks", NULL,
};

struct gate_options {
    double below_percent, ratio;
    int64_t at_least, below_ms, for_ms, age_ms;
    const char *ratio_text;
};

static const struct fx_rule mismatch_rules[] = {
    FX_RULE_PERCENT(struct gate_options, below_percent, "below", .is_required = true,
                    .help = "share of the comparisons that differ"),
    FX_RULE_INT(struct gate_options, at_least, "of_at_least", .def = "1", .min = 1,
                .help = "comparisons before the gate passes; it fails earlier when so many "
                        "differ that it could not pass any more"),
    FX_RULE_END,
};
static const struct fx_rule error_rules[] = {
    FX_RULE_PERCENT(struct gate_options, below_percent, "new_minus_old_below", .is_required = true,
                    .help = "errors of the new side minus those of the old, in percent points"),
    FX_RULE_INT(struct gate_options, at_least, "of_at_least", .def = "1", .min = 1,
                .help = "requests to the new side before the gate passes; it fails earlier "
                        "when it could not pass any more"),
    FX_RULE_END,
};
static const struct fx_rule p99_rules[] = {
    FX_RULE_TEXT(struct gate_options, ratio_text, "new_over_old_below", .is_required = true,
                 .help = "p99 of the new side over that of the old: a number such as 1.2"),
    FX_RULE_DURATION(struct gate_options, below_ms, "or_new_below", .min = 0,
                     .help = "a new p99 below this passes whatever the ratio"),
    FX_RULE_END,
};
static const struct fx_rule below_rules[] = {
    FX_RULE_DURATION(struct gate_options, below_ms, "below", .is_required = true, .min = 1,
                     .help = "limit"),
    FX_RULE_END,
};
static const struct fx_rule age_rules[] = {
    FX_RULE_DURATION(struct gate_options, age_ms, "max_age", .is_required = true, .min = 1,
                     .help = "age of the report"),
    FX_RULE_END,
};
static const struct fx_rule lag_rules[] = {
    FX_RULE_DURATION(struct gate_options, below_ms, "below", .is_required = true, .min = 1,
                     .help = "limit"),
    FX_RULE_DURATION(struct gate_options, for_ms, "for", .def = "0s", .min = 0,
                     .help = "window that is looked at"),
    FX_RULE_END,
};

/* The rule table of a gate that takes a map; NULL: it takes one value. */
static const struct fx_rule *rules_of(enum pln_gate_kind kind)
{
    switch (kind) {
    case PLN_GATE_MISMATCH: return mismatch_rules;
    case PLN_GATE_ERROR_RATE: return error_rules;
    case PLN_GATE_P99: return p99_rules;
    case PLN_GATE_PREDICTED_PAUSE: return below_rules;
    case PLN_GATE_EQUAL: return age_rules;
    case PLN_GATE_LAG_P99: return lag_rules;
    case PLN_GATE_DIVERGENT:
    case PLN_GATE_COVERAGE:
    case PLN_GATE_MAX_AGE:
    case PLN_GATE_WRITE_LEAKS:
    case PLN_GATE_KIND_COUNT: break;
    }
    return NULL;
}

static void read_value(struct pln_gate *gate, const struct fx_node *node,
                       struct fx_problems *problems)
{
    int64_t number = 0;
    if (gate->kind == PLN_GATE_COVERAGE)
        (void)fx_scalar_percent(node, &gate->limit, problems);
    else if (gate->kind == PLN_GATE_MAX_AGE)
        (void)fx_scalar_duration(node, &gate->ms, problems);
    else if (fx_scalar_int(node, &number, problems)) {
        gate->limit = (double)number;
        if (number < 0)
            fx_problem(problems, node, "%s: expected 0 or more", node->key);
    }
}

static void read_map(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                     struct fx_problems *problems)
{
    struct gate_options opt = {0};
    fx_schema_read(node, rules_of(gate->kind), &opt, arena, problems);
    gate->limit = opt.below_percent;
    gate->at_least = opt.at_least;
    gate->for_ms = opt.for_ms;
    gate->ms = gate->kind == PLN_GATE_EQUAL ? opt.age_ms : opt.below_ms;
    if (opt.ratio_text != NULL && !fx_units_number(fx_str_from(opt.ratio_text), &gate->limit))
        fx_problem(problems, fx_node_get(node, "new_over_old_below"),
                   "new_over_old_below: \"%s\" is not a number such as 1.2", opt.ratio_text);
}

/* Reports are made by steps that compare, a prediction by the rehearsal: elsewhere those gates have no meaning. */
static bool fits(enum pln_gate_kind gate, enum pln_kind kind)
{
    bool compares = kind == PLN_RECONCILE || kind == PLN_FINISH;
    switch (gate) {
    case PLN_GATE_DIVERGENT:
    case PLN_GATE_COVERAGE:
    case PLN_GATE_MAX_AGE: return compares;
    case PLN_GATE_MISMATCH: return kind == PLN_ROUTE_SHADOW || kind == PLN_ROUTE_RAMP;
    case PLN_GATE_ERROR_RATE:
    case PLN_GATE_P99: return kind == PLN_ROUTE_RAMP || kind == PLN_WAIT;
    case PLN_GATE_PREDICTED_PAUSE:
        return kind == PLN_CUTOVER_REHEARSE || kind == PLN_CUTOVER || kind == PLN_CUTOVER_FALLBACK;
    case PLN_GATE_EQUAL:
    case PLN_GATE_LAG_P99:
    case PLN_GATE_WRITE_LEAKS: return kind != PLN_STREAM_START;
    case PLN_GATE_KIND_COUNT: break;
    }
    return false;
}

void pln_gates_read(struct pln_step *step, const struct fx_node *node, struct fx_arena *arena,
                    struct fx_problems *problems)
{
    if (node->kind != FX_NODE_MAP) {
        fx_problem(problems, node, "gate: expected a map of gates");
        return;
    }
    for (const struct fx_node *n = node->first; n != NULL; n = n->next) {
        int kind = 0;
        while (gate_names[kind] != NULL && strcmp(gate_names[kind], n->key) != 0)
            kind++;
        if (gate_names[kind] == NULL) {
            const char *near = fx_suggest(n->key, gate_names);
            fx_problem_key(problems, n, "unknown gate \"%s\"%s%s%s", n->key,
                           near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                           near != NULL ? "\"?" : "");
            continue;
        }
        struct pln_gate *gate = &step->gates[step->n_gates++];
        *gate = (struct pln_gate){.kind = (enum pln_gate_kind)kind, .node = n};
        if (step->kind != PLN_NONE && !fits(gate->kind, step->kind))
            fx_problem_key(problems, n, "gate \"%s\" cannot be measured for a step of kind \"%s\"",
                           n->key, pln_kind_info(step->kind)->name);
        if (rules_of(gate->kind) != NULL)
            read_map(gate, n, arena, problems);
        else
            read_value(gate, n, problems);
    }
}

static enum pln_verdict not_measured(const char *what, struct fx_buf *why)
{
    fx_buf_printf(why, "%s: not measured yet", what);
    return PLN_UNKNOWN;
}

static enum pln_verdict report_gate(const struct pln_gate *gate, const struct pln_facts *f,
                                    struct fx_buf *why)
{
    const struct rec_report *r = f->report;
    if (r == NULL)
        return not_measured("comparison", why);
    struct rec_limits limits = {.divergent_max = INT64_MAX};
    if (gate->kind == PLN_GATE_DIVERGENT || gate->kind == PLN_GATE_EQUAL)
        limits.divergent_max = gate->kind == PLN_GATE_EQUAL ? 0 : (int64_t)gate->limit;
    if (gate->kind == PLN_GATE_COVERAGE || gate->kind == PLN_GATE_EQUAL)
        limits.coverage_min_percent = gate->kind == PLN_GATE_EQUAL ? 100 : gate->limit;
    if (gate->kind == PLN_GATE_MAX_AGE || gate->kind == PLN_GATE_EQUAL)
        limits.max_age_ms = gate->ms;
    switch (rec_gate(r, &limits, f->now, why)) {
    case REC_GATE_PASS: return PLN_PASS;
    case REC_GATE_FAIL:
        if (f->report_path != NULL)
            fx_buf_printf(why, "; which: %s", f->report_path);
        return PLN_FAIL;
    case REC_GATE_UNKNOWN: break;
    }
    return PLN_UNKNOWN;
}

static double percent_of(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

/*
 * Early failure: a share that is over the limit even if every comparison still to come agrees need not
 * wait for of_at_least. So a broken service is taken out after few answers, while good luck never passes early.
 */
static enum pln_verdict share(double measured, double at_worst, double limit, bool is_enough)
{
    if (is_enough)
        return measured < limit || measured <= 0 ? PLN_PASS : PLN_FAIL;
    return at_worst >= limit && at_worst > 0 ? PLN_FAIL : PLN_UNKNOWN;
}

static enum pln_verdict mismatch_gate(const struct pln_gate *gate, const struct pln_facts *f,
                                      struct fx_buf *why)
{
    if (f->is_shadow_late && f->shadow_lag_ms < 0) {
        fx_buf_printf(why, "shadow: the stream's lag is not known, so a difference may be a copy "
                           "that is late");
        return PLN_UNKNOWN;
    }
    if (f->is_shadow_late) {
        fx_buf_printf(why,
                      "shadow: the stream's lag is or was %lld ms and the recheck comes after "
                      "%lld ms, so a difference may be a copy that is late",
                      (long long)f->shadow_lag_ms, (long long)f->shadow_look_ms);
        return PLN_UNKNOWN;
    }
    if (f->shadow_compared < 0)
        return not_measured("shadow", why);
    double measured = percent_of(f->shadow_mismatch, f->shadow_compared);
    double at_worst = percent_of(f->shadow_mismatch, FX_MAX(f->shadow_compared, gate->at_least));
    fx_buf_printf(why, "mismatch %.2f %% of %lld (limit %.2f %% of at least %lld)", measured,
                  (long long)f->shadow_compared, gate->limit, (long long)gate->at_least);
    enum pln_verdict verdict =
        share(measured, at_worst, gate->limit, f->shadow_compared >= gate->at_least);
    if (verdict == PLN_FAIL && f->mismatch_last[0] != '\0')
        fx_buf_printf(why, ", the last: %s", f->mismatch_last);
    return verdict;
}

static enum pln_verdict error_gate(const struct pln_gate *gate, const struct pln_facts *f,
                                   struct fx_buf *why)
{
    if (f->requests_new < 0 || f->requests_old < 0)
        return not_measured("error rate", why);
    double was = percent_of(f->errors_old, f->requests_old);
    double is = percent_of(f->errors_new, f->requests_new);
    double at_worst = percent_of(f->errors_new, FX_MAX(f->requests_new, gate->at_least));
    fx_buf_printf(why, "errors new %.2f %% of %lld, old %.2f %% of %lld (limit +%.2f)", is,
                  (long long)f->requests_new, was, (long long)f->requests_old, gate->limit);
    return share(is - was, at_worst - was, gate->limit, f->requests_new >= gate->at_least);
}

static enum pln_verdict p99_gate(const struct pln_gate *gate, const struct pln_facts *f,
                                 struct fx_buf *why)
{
    if (f->p99_new_ms < 0)
        return not_measured("p99 of the new side", why);
    fx_buf_printf(why, "p99 new %.1f ms, old %.1f ms (limit x%.2f)", f->p99_new_ms,
                  FX_MAX(f->p99_old_ms, 0.0), gate->limit);
    if (gate->ms > 0 && f->p99_new_ms < (double)gate->ms)
        return PLN_PASS;
    if (f->p99_old_ms < 0)
        return PLN_UNKNOWN;
    return f->p99_new_ms < f->p99_old_ms * gate->limit ? PLN_PASS : PLN_FAIL;
}

static int compare_lag(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static enum pln_verdict lag_gate(const struct pln_gate *gate, const struct pln_facts *f,
                                 struct fx_buf *why)
{
    enum { SAMPLES_MAX = 4096 };
    if (f->n_lag == 0 || f->lag_ms[f->n_lag - 1] < 0)
        return not_measured("lag", why);
    int64_t newest = f->lag_at_ms[f->n_lag - 1];
    int64_t sorted[SAMPLES_MAX];
    size_t n = 0;
    bool is_whole = false; /* do the samples reach back over the window? */
    for (size_t i = f->n_lag; i > 0 && n < SAMPLES_MAX && !is_whole; i--) {
        if (f->lag_ms[i - 1] < 0)
            break;
        sorted[n++] = f->lag_ms[i - 1];
        is_whole = newest - f->lag_at_ms[i - 1] >= gate->for_ms;
    }
    qsort(sorted, n, sizeof *sorted, compare_lag);
    int64_t p99 = sorted[(n * 99 + 99) / 100 - 1];
    fx_buf_printf(why, "lag p99 %lld ms over %lld ms (limit %lld ms)", (long long)p99,
                  (long long)gate->for_ms, (long long)gate->ms);
    if (!is_whole)
        return PLN_UNKNOWN;
    return p99 < gate->ms ? PLN_PASS : PLN_FAIL;
}

enum pln_verdict pln_gate_eval(const struct pln_gate *gate, const struct pln_facts *f,
                               struct fx_buf *why)
{
    switch (gate->kind) {
    case PLN_GATE_DIVERGENT:
    case PLN_GATE_COVERAGE:
    case PLN_GATE_MAX_AGE:
    case PLN_GATE_EQUAL: return report_gate(gate, f, why);
    case PLN_GATE_MISMATCH: return mismatch_gate(gate, f, why);
    case PLN_GATE_ERROR_RATE: return error_gate(gate, f, why);
    case PLN_GATE_P99: return p99_gate(gate, f, why);
    case PLN_GATE_LAG_P99: return lag_gate(gate, f, why);
    case PLN_GATE_PREDICTED_PAUSE:
        if (f->predicted_pause_ms < 0)
            return not_measured("predicted pause (no rehearsal)", why);
        fx_buf_printf(why, "pause p99 %lld ms on the idle canary (limit %lld ms)",
                      (long long)f->predicted_pause_ms, (long long)gate->ms);
        return f->predicted_pause_ms < gate->ms ? PLN_PASS : PLN_FAIL;
    case PLN_GATE_WRITE_LEAKS:
        if (f->leaks < 0)
            return not_measured("write leaks", why);
        fx_buf_printf(why, "%lld leaked writes (limit %.0f)", (long long)f->leaks, gate->limit);
        return (double)f->leaks <= gate->limit ? PLN_PASS : PLN_FAIL;
    case PLN_GATE_KIND_COUNT: break;
    }
    FX_BUG("gate kind %d", (int)gate->kind);
}

enum pln_verdict pln_gates_eval(const struct pln_step *step, const struct pln_facts *facts,
                                struct fx_buf *why)
{
    enum pln_verdict all = PLN_PASS;
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(2048);
    for (size_t i = 0; i < step->n_gates; i++) {
        fx_buf_clear(&text);
        enum pln_verdict one = pln_gate_eval(&step->gates[i], facts, &text);
        bool decides = one != PLN_PASS && (all == PLN_PASS || one == PLN_FAIL);
        if (decides && (all == PLN_PASS || one != all)) {
            all = one;
            fx_buf_clear(why);
        }
        /* The gates of one report say the same sentence: once is enough. */
        if (one == all && strstr(fx_buf_cstr(why), fx_buf_cstr(&text)) == NULL) {
            if (why->len > 0)
                fx_buf_add_c(why, "; ");
            fx_buf_add(why, fx_buf_str(&text));
        }
    }
    return all;
}

void pln_gate_show(const struct pln_gate *gate, struct fx_buf *out)
{
    const char *name = pln_gate_name(gate->kind);
    switch (gate->kind) {
    case PLN_GATE_DIVERGENT:
    case PLN_GATE_WRITE_LEAKS: fx_buf_printf(out, "%s at most %.0f", name, gate->limit); break;
    case PLN_GATE_COVERAGE: fx_buf_printf(out, "%s at least %g %%", name, gate->limit); break;
    case PLN_GATE_MAX_AGE:
    case PLN_GATE_EQUAL:
        fx_buf_printf(out, "%s not older than %lld s", name, (long long)gate->ms / 1000);
        break;
    case PLN_GATE_MISMATCH:
        fx_buf_printf(out, "%s below %g %% of at least %lld comparisons", name, gate->limit,
                      (long long)gate->at_least);
        break;
    case PLN_GATE_ERROR_RATE:
        fx_buf_printf(out, "%s new minus old below %g %% of at least %lld requests", name,
                      gate->limit, (long long)gate->at_least);
        break;
    case PLN_GATE_P99:
        fx_buf_printf(out, "%s new over old below %g", name, gate->limit);
        if (gate->ms > 0)
            fx_buf_printf(out, ", or new below %lld ms", (long long)gate->ms);
        break;
    case PLN_GATE_PREDICTED_PAUSE:
    case PLN_GATE_LAG_P99:
        fx_buf_printf(out, "%s below %lld ms", name, (long long)gate->ms);
        if (gate->for_ms > 0)
            fx_buf_printf(out, " for %lld s", (long long)gate->for_ms / 1000);
        break;
    case PLN_GATE_KIND_COUNT: break;
    }
}

void pln_gates_markdown(struct fx_buf *out)
{
    fx_buf_add_c(
        out,
        "## plan: gates with one value\n\n| gate | value | meaning |\n|---|---|---|\n"
        "| `divergent` | whole number | at most so many rows differ |\n"
        "| `coverage` | percentage | at least this share of the context's tables was compared |\n"
        "| `max_age` | duration | the comparison is not older |\n"
        "| `write_leaks` | whole number | at most so many writes were accepted on a side that was "
        "not "
        "to accept any |\n\n");
    fx_schema_markdown("plan: gate mismatch", mismatch_rules, out);
    fx_schema_markdown("plan: gate error_rate", error_rules, out);
    fx_schema_markdown("plan: gate p99", p99_rules, out);
    fx_schema_markdown("plan: gate predicted_pause_p99", below_rules, out);
    fx_schema_markdown("plan: gate equal", age_rules, out);
    fx_schema_markdown("plan: gate lag_p99", lag_rules, out);
}
