/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gates: pure functions of what has been measured. No sockets, no clock; the answer is pass, fail or unknown, and
 * unknown holds: a gate that could not be measured never counts as passed.
 */
#ifndef PLN_GATES_H
#define PLN_GATES_H

#include "plans/plan/model.h"
#include "reconcile/reconcile.h"

enum pln_verdict { PLN_PASS, PLN_FAIL, PLN_UNKNOWN };

enum { PLN_EXEMPLAR_MAX = 128 };

/* What a gate may look at. A negative number means: not measured. */
struct pln_facts {
    const struct rec_report *report; /* newest of this run; NULL: none */
    const char *report_path;         /* its text for people; NULL: nowhere */
    struct fx_wall now;
    int64_t shadow_compared, shadow_mismatch; /* without those of a late stream */
    /* The forward stream is or was later than the shadow's second look, or nobody knows (lag -1). */
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

/* `why` gets the measured value and the limit: "mismatch 0.02 % of 5120 (limit 0.1 %)". */
enum pln_verdict pln_gate_eval(const struct pln_gate *gate, const struct pln_facts *facts,
                               struct fx_buf *why);
/* All gates of a step: fail before unknown before pass; `why` names those that decide. */
enum pln_verdict pln_gates_eval(const struct pln_step *step, const struct pln_facts *facts,
                                struct fx_buf *why);

/* Text of a gate for people: "mismatch below 0.1% of at least 5000". */
void pln_gate_show(const struct pln_gate *gate, struct fx_buf *out);

#endif
