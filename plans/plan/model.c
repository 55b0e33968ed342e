/* SPDX-License-Identifier: Apache-2.0 */
/* The table of kinds of steps. */
#include "lib/base/panic.h"
#include "plans/plan/action.h"

static const struct pln_kind_info kinds[PLN_KIND_COUNT] = {
#define X(NAME, name, yaml, undo, gates, changes, text) \
    [PLN_##NAME] = {yaml, PLN_##undo, PLN_##gates, changes != 0, text},
#include "plans/plan/steps.def"
#undef X
};

static const struct pln_action *const actions[PLN_KIND_COUNT] = {
#define X(NAME, name, yaml, undo, gates, changes, text) [PLN_##NAME] = &pln_action_##name,
#include "plans/plan/steps.def"
#undef X
};

const char *const pln_kind_names[] = {
#define X(NAME, name, yaml, undo, gates, changes, text) yaml,
#include "plans/plan/steps.def"
#undef X
    NULL,
};

const struct pln_kind_info *pln_kind_info(enum pln_kind kind)
{
    if (kind >= PLN_KIND_COUNT)
        FX_BUG("step of kind %d, there are %d", (int)kind, PLN_KIND_COUNT);
    return &kinds[kind];
}

const struct pln_action *pln_action_of(enum pln_kind kind)
{
    if (kind >= PLN_KIND_COUNT)
        FX_BUG("step of kind %d, there are %d", (int)kind, PLN_KIND_COUNT);
    return actions[kind];
}
