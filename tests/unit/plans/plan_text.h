/* SPDX-License-Identifier: Apache-2.0 */
/* A plan from a text, for the tests of this folder; cmocka.h comes first. */
#ifndef TESTS_PLAN_TEXT_H
#define TESTS_PLAN_TEXT_H

#include "plans/plan/load.h"

#define PLAN_HEAD                                                                   \
    "apiVersion: ficus/v1\nkind: Migration\nmetadata: {name: p}\ncontext: orders\n" \
    "policy: {gate_wait: 100ms, retry: 200ms}\n"
/* Six steps, which end on the new side. */
#define PLAN_WHOLE                                                                               \
    "steps:\n"                                                                                   \
    "  - {id: copy, do: stream.start, undo: stream.drop}\n"                                      \
    "  - {id: canary, do: {route.ramp: {routes: [r], through: [1%, 50%], every: 100ms}}, undo: " \
    "route.reset}\n"                                                                             \
    "  - {id: cut, do: cutover, undo: cutover.fallback}\n"                                       \
    "  - {id: back, do: cutover.fallback, undo: cutover}\n"                                      \
    "  - {id: again, do: cutover, undo: cutover.fallback}\n"                                     \
    "  - {id: end, do: finish}\n"

struct fixture {
    struct fx_arena arena;
    struct fx_problems problems;
    struct pln_plan *plan;
    struct fx_err err;
};

static inline bool load(struct fixture *f, const char *a, const char *b)
{
    FX_AUTO(fx_buf) struct fx_buf text = FX_BUF(1 << 16);
    fx_arena_init(&f->arena, 0);
    fx_problems_init(&f->problems);
    f->err = FX_ERR_INIT;
    fx_buf_add_c(&text, a);
    fx_buf_add_c(&text, b);
    return pln_parse("p.yaml", fx_buf_str(&text), NULL, &f->arena, &f->plan, &f->problems, &f->err);
}

static inline void done(struct fixture *f)
{
    fx_problems_done(&f->problems);
    fx_arena_done(&f->arena);
}

#endif
