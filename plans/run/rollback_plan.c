/* SPDX-License-Identifier: Apache-2.0 */
#include "plans/run/rollback_plan.h"

#include "lib/fmt/json_write.h"
#include "plans/plan/action.h"
#include "plans/run/undo.h"

/* --- writing ---------------------------------------------------------------------------------- */

static void add_comment(struct fx_buf *out, const char *indent, const char *text)
{
    fx_buf_printf(out, "%s# ", indent);
    for (const char *c = text; *c != '\0'; c++)
        fx_buf_add_char(out, (unsigned char)*c < ' ' || *c == 127 ? ' ' : *c);
    fx_buf_add_char(out, '\n');
}

/* Quoted unless it is a plain word that YAML reads as text. A string of JSON is one of YAML. */
static void add_text(struct fx_buf *out, const char *text)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    enum { LETTERS = 52 };
    bool is_plain = text[0] != '\0' && memchr(word, text[0], LETTERS) != NULL &&
                    strspn(text, word) == strlen(text) && strcmp(text, "true") != 0 &&
                    strcmp(text, "false") != 0 && strcmp(text, "null") != 0;
    if (is_plain)
        fx_buf_add_c(out, text);
    else
        fx_json_quote(fx_str_from(text), out);
}

static void add_policy(struct fx_buf *out, const struct pln_policy *policy)
{
    fx_buf_add_c(out, "policy: {");
    for (const struct fx_rule *r = pln_policy_rules; r->kind != FX_R_END; r++) {
        int64_t value = *(const int64_t *)(const void *)((const char *)policy + r->offset);
        bool is_seconds = value % 1000 == 0;
        fx_buf_printf(out, "%s%s: ", r == pln_policy_rules ? "" : ", ", r->key);
        if (r->kind != FX_R_DURATION)
            fx_buf_printf(out, "%lld", (long long)value);
        else
            fx_buf_printf(out, "%lld%s", (long long)(is_seconds ? value / 1000 : value),
                          is_seconds ? "s" : "ms");
    }
    fx_buf_add_c(out, "}\n");
}

static void add_undo(struct fx_buf *out, const struct pln_step *step)
{
    const char *kind = pln_kind_info(pln_kind_info(step->kind)->undo)->name;
    FX_AUTO(fx_buf) struct fx_buf id = FX_BUF(4096);
    fx_buf_printf(&id, "undo-%s", step->id);
    fx_buf_add_c(out, "  - {id: ");
    add_text(out, fx_buf_cstr(&id));
    if (step->n_routes == 0) {
        fx_buf_printf(out, ", do: %s}\n", kind);
        return;
    }
    fx_buf_printf(out, ", do: {%s: {routes: [", kind);
    for (size_t i = 0; i < step->n_routes; i++) {
        fx_buf_add_c(out, i > 0 ? ", " : "");
        add_text(out, step->routes[i]);
    }
    fx_buf_add_c(out, "]}}}\n");
}

static void add_head(const struct pln_plan *plan, const struct pln_rollback_notes *notes,
                     struct fx_buf *out)
{
    if (notes != NULL && notes->head != NULL)
        add_comment(out, "", notes->head);
    fx_buf_add_c(out, "apiVersion: ficus/v1\nkind: Rollback\nmetadata: {name: ");
    FX_AUTO(fx_buf) struct fx_buf name = FX_BUF(256);
    /* A plan's name has at most 63 characters. */
    fx_buf_printf(&name, "%.54s-rollback", plan->name);
    add_text(out, fx_buf_cstr(&name));
    if (plan->owner != NULL) {
        fx_buf_add_c(out, ", owner: ");
        add_text(out, plan->owner);
    }
    fx_buf_add_c(out, "}\ncontext: ");
    add_text(out, plan->context);
    fx_buf_add_c(out, "\nrolls_back: ");
    add_text(out, plan->name);
    fx_buf_add_char(out, '\n');
    add_policy(out, &plan->policy);
}

void pln_rollback_write(const struct pln_plan *plan, const int *list, size_t n,
                        const struct pln_rollback_notes *notes, struct fx_buf *out)
{
    add_head(plan, notes, out);
    fx_buf_add_c(out, "steps:\n");
    for (size_t i = 0; i < n; i++) {
        if (notes != NULL && notes->costs[i] != NULL)
            add_comment(out, "  ", notes->costs[i]);
        if (notes == NULL || !notes->is_left_out[i])
            add_undo(out, &plan->steps[list[i]]);
    }
}

void pln_rollback_all_done(const struct pln_plan *plan, struct pln_state *ret)
{
    pln_state_init(ret);
    for (size_t i = 0; i < plan->n_steps; i++)
        ret->steps[i].state = PLN_STEP_DONE;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool has_same_routes(const struct pln_step *a, const struct pln_step *b)
{
    bool is_same = a->n_routes == b->n_routes;
    for (size_t i = 0; is_same && i < a->n_routes; i++)
        is_same = strcmp(a->routes[i], b->routes[i]) == 0;
    return is_same;
}

static bool is_undo_of(const struct pln_step *undo, const struct pln_step *step)
{
    return undo->kind == pln_kind_info(step->kind)->undo && has_same_routes(undo, step);
}

/* An undo of a run is that alone: gates and steps of other kinds would be passed over silently. */
static bool is_pure(const struct pln_plan *rollback, const struct pln_plan *plan,
                    struct fx_err *err)
{
    for (size_t i = 0; i < rollback->n_steps; i++) {
        const struct pln_step *undo = &rollback->steps[i];
        bool is_known = false;
        for (size_t k = 0; k < plan->n_steps; k++)
            is_known |= is_undo_of(undo, &plan->steps[k]);
        if (is_known && undo->n_gates == 0)
            continue;
        fx_fail(err, FX_E_USAGE, "%s:%d: step \"%s\" %s run \"%s\"", rollback->path,
                undo->node->line, undo->id,
                is_known ? "has a gate, and no gate is evaluated in a rollback of"
                         : "takes back no step of",
                plan->name);
        return fx_hint(err,
                       "Nothing was changed. Remove that %s, or write the file again: ficus plan "
                       "rollback %s. To carry out this one as a plan of its own, remove the key "
                       "rolls_back, then run: ficus run start %s --execute",
                       is_known ? "gate" : "step", plan->name, rollback->path);
    }
    return true;
}

bool pln_rollback_covers(const struct pln_plan *rollback, const struct pln_plan *plan,
                         const struct pln_state *state, struct fx_err *err)
{
    int list[PLN_STEPS_MAX], blocked = -1;
    size_t n = pln_undo_list(plan, state, list, &blocked), at = 0;
    if (!is_pure(rollback, plan, err))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct pln_step *step = &plan->steps[list[i]];
        while (at < rollback->n_steps && !is_undo_of(&rollback->steps[at], step))
            at++;
        if (at++ < rollback->n_steps)
            continue;
        fx_fail(err, FX_E_DRIFT,
                "the rollback plan \"%s\" does not take back step \"%s\" of run \"%s\", or not in "
                "this order",
                rollback->path, step->id, plan->name);
        return fx_hint(err,
                       "Nothing was changed. See the rollback as it is now: ficus plan rollback %s",
                       plan->name);
    }
    return true;
}
