/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates: conditions of a step. A gate is one row of gates.def and one `struct pln_gate_ops`;
 * nothing else knows which gates there are. Evaluation is a pure function of what has been
 * measured: no sockets, no clock. The answer is pass, fail or unknown, and unknown holds: a gate
 * that could not be measured never counts as passed.
 */
#ifndef PLN_GATE_H
#define PLN_GATE_H

#include "lib/conf/schema.h"
#include "reconcile/reconcile.h"

enum pln_gate_kind {
#define X(NAME, name, measured, meaning) PLN_GATE_##NAME,
#include "plans/gate/gates.def"
#undef X
    PLN_GATE_KIND_COUNT
};

/*
 * What is measured before, during or after a step; each kind of step declares it
 * (plans/plan/action.h).
 */
enum pln_measures {
    PLN_MEASURES_NOTHING = 0,
    PLN_MEASURES_STREAMS =
        1,                   /* lag and unfenced writes of running streams, the newest comparison */
    PLN_MEASURES_REPORT = 2, /* a comparison of its own */
    PLN_MEASURES_SHADOW = 4, /* answers of both sides compared by the facade */
    PLN_MEASURES_TRAFFIC = 8, /* requests, errors and times of both sides */
    PLN_MEASURES_PAUSE = 16,  /* the pause that a rehearsal predicts */
};

struct pln_gate {
    enum pln_gate_kind kind;
    double limit;        /* rows, percent or a ratio, as the kind says */
    int64_t at_least;    /* sample that is needed before it passes */
    int64_t ms, for_ms;  /* a limit and a window in milliseconds */
    const void *options; /* of a kind that needs more; arena-owned */
    const struct fx_node *node;
};

enum pln_verdict { PLN_PASS, PLN_FAIL, PLN_UNKNOWN };

enum { PLN_GATES_MAX = PLN_GATE_KIND_COUNT, PLN_EXEMPLAR_MAX = 128 };

/* What a gate may look at. A negative number means: not measured. */
struct pln_facts {
    const struct rec_report *report; /* newest of this run; NULL: none */
    const char *no_report;           /* why the newest one does not count; NULL: there is none */
    /* Both databases as they are now, for gates on a report; NULL: `no_databases` is why. */
    const struct rec_databases *databases;
    const char *no_databases;
    const char *report_dir;  /* where a comparison by hand puts its report; NULL: nowhere */
    const char *report_path; /* its text for people; NULL: nowhere */
    struct fx_wall now;
    int64_t shadow_compared, shadow_mismatch; /* without those of a late stream */
    /*
     * The lag of the forward stream is or was above the recheck time of the shadow, or unknown (lag
     * -1).
     */
    bool is_shadow_late;
    int64_t shadow_lag_ms, shadow_look_ms;
    /* "GET /orders/7: /total: 1 and 100"; "": none is known */
    char mismatch_last[PLN_EXEMPLAR_MAX];
    int64_t requests_old, requests_new, errors_old, errors_new;
    double p99_old_ms, p99_new_ms;
    int64_t predicted_pause_ms;
    int64_t leaks;
    const int64_t *lag_ms;    /* newest last: samples of the worse of both streams; -1: unknown */
    const int64_t *lag_at_ms; /* when each was taken, any clock */
    size_t n_lag;
};
extern const struct pln_facts pln_facts_none;

/* What a gate is, beyond its row. */
struct pln_gate_ops {
    bool judges_report;          /* its `ms` is the age that the report may have */
    const struct fx_rule *rules; /* the keys of its map; NULL: it takes one value */
    const char *value;           /* without rules: what the value is, "whole number" */
    /* Problems of the value go to `problems`; the gate is then never evaluated. */
    void (*read)(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                 struct fx_problems *problems);
    /* `why` gets the measured value and the limit: "mismatch 0.02 % of 5120 (limit 0.1 %)". */
    enum pln_verdict (*eval)(const struct pln_gate *gate, const struct pln_facts *facts,
                             struct fx_buf *why);
    /* The limit for people, without the name: "below 0.1 % of at least 5000 comparisons". */
    void (*show)(const struct pln_gate *gate, struct fx_buf *out);
};
#define X(NAME, name, measured, meaning) extern const struct pln_gate_ops pln_gate_##name;
#include "plans/gate/gates.def"
#undef X

/* --- a plan's gates --------------------------------------------------------------------------- */

/*
 * Reads the `gate:` map of a step into gates[PLN_GATES_MAX]; returns how many. `step_kind` names
 * the kind of the step and `measures` what it measures: a gate without a value there is a problem.
 * `step_kind` NULL: unknown, not checked.
 */
size_t pln_gates_read(const struct fx_node *node, const char *step_kind, unsigned measures,
                      struct pln_gate *gates, struct fx_arena *arena, struct fx_problems *problems);

enum pln_verdict pln_gate_eval(const struct pln_gate *gate, const struct pln_facts *facts,
                               struct fx_buf *why);
/* All gates of a step: fail before unknown before pass; `why` names those that decide. */
enum pln_verdict pln_gates_eval(const struct pln_gate *gates, size_t n,
                                const struct pln_facts *facts, struct fx_buf *why);
/* All that these gates need measured, as flags of enum pln_measures. */
unsigned pln_gates_measure(const struct pln_gate *gates, size_t n);
bool pln_gates_judge_report(const struct pln_gate *gates, size_t n);

/* Text of a gate for people: "mismatch below 0.1 % of at least 5000 comparisons". */
void pln_gate_show(const struct pln_gate *gate, struct fx_buf *out);
/* The gates as Markdown, for docs/reference/config.md. */
void pln_gates_markdown(struct fx_buf *out);

/* --- common.c: for the gates' files ----------------------------------------------------------- */

/* A whole number, 0 or more, into gate->limit. */
void pln_gate_read_count(struct pln_gate *gate, const struct fx_node *node, struct fx_arena *arena,
                         struct fx_problems *problems);
/* Unknown, with "<what>: not measured yet" as the reason. */
enum pln_verdict pln_gate_not_measured(const char *what, struct fx_buf *why);
/*
 * The verdict on a share in percent that must stay below `limit`. `at_worst` is what it would be if
 * all that the sample still lacks agreed: a share that fails even then fails early, so a broken
 * service is taken out after few answers, while good luck never passes early.
 */
enum pln_verdict pln_gate_share(double measured, double at_worst, double limit, bool is_enough);
double pln_percent_of(int64_t part, int64_t whole);

#endif
